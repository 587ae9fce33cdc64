//! Whose replies need a mentor's approval, and the approvals.

use std::collections::HashMap;

use lotse_errors::ErrorReason;
use lotse_ids::{AgentId, MessageId, TicketId};
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1 as journal;
use sea_orm::ConnectionTrait;

use super::{App, Ref, find_agent, one_more, page};
use crate::domain::codes::ReviewState;
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::domain::review::Review;
use crate::domain::supervision::of_group;
use crate::error::Error;
use crate::store::{items, replies as store};

/// A reply that somebody wants to send.
#[derive(Clone, Debug)]
pub(crate) struct Reply<M> {
    pub(crate) agent: Ref<AgentId>,
    pub(crate) ticket: TicketId,
    /// The internal note that it waits as.
    pub(crate) message: M,
}

/// Whether a reply may be sent.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) allowed: bool,
    /// Who approves, where approval is wanted.
    pub(crate) mentor: Option<AgentId>,
    pub(crate) review: Option<Review>,
}

/// What is decided about a reply.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) message: MessageId,
    pub(crate) by: Ref<AgentId>,
    pub(crate) state: ReviewState,
    pub(crate) note: String,
}

impl App {
    /// Whether an agent may send a public reply on a ticket.
    pub(crate) async fn check_reply(
        &self,
        reply: &Reply<Option<MessageId>>,
    ) -> Result<Checked, Error> {
        let conn = self.db.reader();
        let directory = self.directory().await?;
        let agent = &find_agent(&directory, &reply.agent)?.id;
        let item = found_item(conn, &reply.ticket).await?;
        let mentor = self.mentor(conn, &directory, &item, agent).await?;
        let review = match &reply.message {
            Some(message) => store::find(conn, message).await?,
            None => None,
        };
        let own = review.filter(|one| one.agent == *agent && one.ticket == reply.ticket);
        let approved = own.as_ref().map(|one| one.state) == Some(ReviewState::Approved);
        Ok(Checked {
            allowed: mentor.is_none() || approved,
            mentor,
            review: own,
        })
    }

    /// Asks the mentor to look at a reply.
    pub(crate) async fn request_approval(
        &self,
        tx: &Tx,
        reply: &Reply<MessageId>,
    ) -> Result<Review, Error> {
        let directory = self.directory.get(tx).await?;
        let agent = &find_agent(&directory, &reply.agent)?.id;
        let item = found_item(tx, &reply.ticket).await?;
        let mentor = self.mentor(tx, &directory, &item, agent).await?;
        let mentor = mentor.ok_or_else(|| {
            lotse_errors::Error::invalid("agent_id", "needs no approval for replies on this ticket")
        })?;
        let review = Review {
            message: reply.message.clone(),
            ticket: reply.ticket.clone(),
            agent: agent.clone(),
            mentor,
            state: ReviewState::Pending,
            note: String::new(),
            requested_at: self.now(),
            decided_at: None,
        };
        if store::insert(tx, &review).await? {
            announce(tx, &review);
            return Ok(review);
        }
        let there = store::find(tx, &reply.message).await?;
        let own = there.filter(|one| one.agent == *agent && one.ticket == reply.ticket);
        let message = "waits for approval as somebody else's reply";
        Ok(own.ok_or_else(|| lotse_errors::Error::invalid("message_id", message))?)
    }

    /// Approves a reply or declines it.
    pub(crate) async fn decide_reply(&self, tx: &Tx, wish: &Decided) -> Result<Review, Error> {
        let directory = self.directory.get(tx).await?;
        let by = &find_agent(&directory, &wish.by)?.id;
        let found = store::find(tx, &wish.message).await?;
        let before = found.ok_or_else(|| Error::NoSuch {
            resource: "reply_review",
            id: wish.message.to_string(),
        })?;
        let item = found_item(tx, &before.ticket).await?;
        let group = item.group.and_then(|group| directory.groups.get(&group));
        let leads = group.is_some_and(|group| group.profile.lead.as_ref() == Some(by));
        if before.mentor != *by && !leads {
            let message = "must be the mentor or the lead of the ticket's group";
            return Err(lotse_errors::Error::invalid("agent_id", message).into());
        }
        if before.state == wish.state {
            return Ok(before);
        }
        let review = Review {
            mentor: by.clone(),
            state: wish.state,
            note: wish.note.clone(),
            decided_at: Some(self.now()),
            ..before
        };
        if !store::decide(tx, &review).await? {
            let reason = ErrorReason::IllegalTransition;
            let message = "the reply was decided about already";
            let refused = lotse_errors::Error::failed_precondition(reason, message);
            return Err(refused.about("reply_review", review.message).into());
        }
        announce(tx, &review);
        Ok(review)
    }

    /// A page of the replies that wait, and whether there are more.
    pub(crate) async fn pending_replies(
        &self,
        mentor: Option<&Ref<AgentId>>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Review>, bool), Error> {
        let directory = self.directory().await?;
        let mentor = mentor.map(|mentor| find_agent(&directory, mentor));
        let mentor = mentor.transpose()?.map(|mentor| &mentor.id);
        let conn = self.db.reader();
        let found = store::pending(conn, mentor, after, one_more(limit)).await?;
        Ok(page(found, limit))
    }

    /// Whose approval an agent's replies on a ticket need.
    async fn mentor(
        &self,
        conn: &impl ConnectionTrait,
        directory: &Directory,
        item: &Item,
        agent: &AgentId,
    ) -> Result<Option<AgentId>, Error> {
        let now = self.now();
        let Some(group) = &item.group else {
            return Ok(None);
        };
        let mut overrides = HashMap::new();
        let covering = directory.covers(group).iter().map(|cover| &cover.by);
        for rota in covering
            .chain([group])
            .filter_map(|group| directory.rota_of(group))
        {
            let rota = &rota.setting.id;
            overrides.insert(rota.clone(), self.exceptions(conn, rota).await?);
        }
        let mut all = of_group(directory, &overrides, group).into_iter();
        let found = all.find(|one| one.agent == *agent && one.lasts(now));
        Ok(found.map(|one| one.mentor))
    }
}

async fn found_item(conn: &impl ConnectionTrait, ticket: &TicketId) -> Result<Item, Error> {
    let item = items::find(conn, ticket).await?;
    item.ok_or_else(|| Error::NoSuch {
        resource: "ticket",
        id: ticket.to_string(),
    })
}

fn announce(tx: &Tx, review: &Review) {
    let reviewed = journal::ReplyReviewed {
        message_id: review.message.to_string(),
        agent_id: review.agent.to_string(),
        mentor_agent_id: review.mentor.to_string(),
        state: review.state.to_string(),
    };
    let body = Body::ReplyReviewed(reviewed);
    tx.emit(Draft::ticket(review.ticket.as_str(), body));
}
