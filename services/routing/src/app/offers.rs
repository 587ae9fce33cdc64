//! Offers: made by routing, answered by agents, ended by time and by whatever overtakes them; and the
//! work that follows a ticket.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, OfferId, TicketId};
use lotse_journal::{Body, Draft, Origin, Tx};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::offer_changed::Change;
use lotse_proto::time::to_proto;
use sea_orm::DbErr;

use super::hand_over::TICKET;
use super::{App, Ref, no_such};
use crate::domain::codes::OfferState;
use crate::domain::item::{Cause, Item, Loads, shift_loads};
use crate::domain::offer::{Accepted, Offer};
use crate::error::Error;
use crate::store::{agents, items, offers as store};

/// Offers taken back in one go, each in its own transaction.
const AT_ONCE: u64 = 100;

/// An offer as it stands after a command.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// The item as the offer left it.
    pub(crate) item: Item,
    pub(crate) offer: Offer,
    pub(crate) state: OfferState,
}

/// Why a ticket is in its queue when a pause between offers is over, as the journal has it.
const ASKED_AGAIN: &str = "asked_again";

impl App {
    /// Whom an offer was made to.
    pub(crate) async fn offered_to(&self, offer: &OfferId) -> Result<AgentId, Error> {
        let known = store::find(self.db.reader(), offer).await?;
        Ok(known.ok_or_else(|| no_offer(offer))?.agent)
    }

    /// The open offers of an agent, those of the oldest tickets first.
    pub(crate) async fn offers_of(&self, agent: &AgentId) -> Result<Vec<Item>, Error> {
        self.agent(&Ref::Id(agent.clone())).await?;
        let mut open = items::offered(self.db.reader(), Some(agent), u64::MAX >> 1).await?;
        open.sort_by(|a, b| a.ticket.cmp(&b.ticket));
        Ok(open)
    }

    /// The agent takes the ticket. Nothing happens when it is already theirs by this offer.
    pub(crate) async fn accept_offer(&self, tx: &Tx, id: &OfferId) -> Result<Answered, Error> {
        let (before, offer) = match self.open_offer(tx, id).await {
            Err(
                over @ Error::OfferOver {
                    state: OfferState::Accepted,
                    ..
                },
            ) => return accepted_before(tx, id).await?.ok_or(over),
            open => open?,
        };
        let now = self.now();
        let mut item = before.clone();
        item.version += 1;
        item.hand_to(
            before.group.clone(),
            Some(offer.agent.clone()),
            now,
            &self.policy,
        );
        item.trail.accepted = Some(Accepted::from(&offer));
        self.save(tx, &before, &item).await?;
        store::end(tx, id, OfferState::Accepted, "", now).await?;
        let directory = self.directory.get(tx).await?;
        let group = item.group.as_ref();
        let group = group.and_then(|group| directory.groups.get(group));
        let assigned = journal::TicketAssigned {
            group_id: text(item.group.as_ref()),
            agent_id: offer.agent.to_string(),
            tier: group.map_or(0, |group| group.profile.tier.into()),
            decision_id: offer.decision.to_string(),
            manual: false,
            over_capacity: false,
            first: !before.trail.had_group,
        };
        for body in [
            changed(&item, &offer, Change::Accepted, ""),
            Body::TicketAssigned(assigned),
        ] {
            tx.emit(Draft::ticket(item.ticket.as_str(), body));
        }
        Ok(Answered {
            item,
            offer,
            state: OfferState::Accepted,
        })
    }

    /// The agent does not take the ticket, which goes on to the next.
    pub(crate) async fn decline_offer(
        &self,
        tx: &Tx,
        id: &OfferId,
        reason: &str,
    ) -> Result<Answered, Error> {
        let (before, offer) = self.open_offer(tx, id).await?;
        let mut item = before.clone();
        item.version += 1;
        item.end_offer(true, &self.policy);
        item.trail.cause = Cause {
            reference: tx.origin().cause.clone(),
            traceparent: lotse_telemetry::current_traceparent(),
        };
        self.save(tx, &before, &item).await?;
        store::end(tx, id, OfferState::Declined, reason, self.now()).await?;
        let body = changed(&item, &offer, Change::Declined, reason);
        tx.emit(Draft::ticket(item.ticket.as_str(), body));
        Ok(Answered {
            item,
            offer,
            state: OfferState::Declined,
        })
    }

    /// Does what is due about items though nothing happened: offers time out as of when they ran
    /// out, work that follows tickets ends, those who declined are asked again.
    pub(crate) async fn run_timers(&self, due: &[(String, i64)]) -> Result<(), Error> {
        let origin = Origin {
            principal: "routing".to_owned(),
            cause: crate::jobs::timers::ITEMS_QUEUE.to_owned(),
        };
        let silent = self
            .journal
            .in_tx(&origin, |tx| async move {
                let (mut after, mut loads, mut silent) = (Vec::new(), Loads::new(), Vec::new());
                for before in items::lock_due(&tx, due, self.now()).await? {
                    let (item, ended) = self.run_timer(&before);
                    if let Some((offer, at)) = &ended {
                        store::end(&tx, &offer.id, OfferState::TimedOut, "", *at).await?;
                        let body = changed(&item, offer, Change::TimedOut, "");
                        tx.emit(Draft::ticket(item.ticket.as_str(), body).at(*at));
                    }
                    if let (Some(body), Some(timer)) = (finished(&before, &item), before.timer) {
                        tx.emit(Draft::ticket(item.ticket.as_str(), body).at(timer.at));
                    } else if ended.is_none() {
                        // Nobody else would hear that it can be offered again.
                        tx.emit(Draft::ticket(item.ticket.as_str(), asked_again(&item)));
                    }
                    shift_loads(Some(&before), &item, &mut loads);
                    silent.extend(ended.map(|(offer, at)| (offer.agent, at)));
                    after.push(item);
                }
                items::save(&tx, &after).await?;
                agents::shift_loads(&tx, &loads, None).await?;
                self.tracker.arm(&after);
                silent.sort();
                silent.dedup_by(|later, first| later.0 == first.0);
                for (agent, at) in &silent {
                    self.stop_responding(&tx, agent, *at).await?;
                }
                Ok::<_, Error>(silent)
            })
            .await?;
        for (agent, _) in silent {
            self.arm_presence(&agent).await?;
        }
        self.changed().await;
        Ok(())
    }

    /// Takes back what an agent was offered who is retired now. Nothing new can be offered to them,
    /// so this may follow in transactions of its own; an offer that it does not reach runs out.
    pub(crate) async fn rescind_offers_of(&self, agent: &AgentId) -> Result<(), Error> {
        let origin = Origin {
            principal: "routing".to_owned(),
            cause: "retired".to_owned(),
        };
        for open in items::offered(self.db.reader(), Some(agent), AT_ONCE).await? {
            let ticket = &open.ticket;
            let work = self.journal.in_tx(&origin, |tx| async move {
                let before = items::lock(&tx, [ticket]).await?.pop();
                let theirs = |item: &Item| {
                    let offer = item.offer.as_ref();
                    offer.is_some_and(|offer| offer.agent == *agent)
                };
                let Some(before) = before.filter(theirs) else {
                    return Ok::<_, Error>(());
                };
                let mut item = before.clone();
                item.version += 1;
                if let Some(offer) = item.end_offer(false, &self.policy) {
                    rescind(&tx, &item, &offer, "retired", self.now()).await?;
                }
                self.save(&tx, &before, &item).await
            });
            work.await?;
        }
        Ok(())
    }

    /// Who wraps a ticket up; nobody when there is nothing to wrap up any more.
    pub(crate) async fn wrapping_up(&self, ticket: &TicketId) -> Result<Option<AgentId>, Error> {
        let item = items::find(self.db.reader(), ticket).await?;
        let item = item.ok_or_else(|| no_ticket(ticket))?;
        Ok(item.agent.filter(|_| item.wrapping_until.is_some()))
    }

    /// Ends the work that follows a ticket. Nothing happens when it has ended.
    pub(crate) async fn end_wrap_up(&self, tx: &Tx, ticket: &TicketId) -> Result<(), Error> {
        let found = items::lock(tx, [ticket]).await?.pop();
        let before = found.ok_or_else(|| no_ticket(ticket))?;
        let mut item = before.clone();
        item.version += 1;
        item.end_wrap_up(&self.policy);
        let Some(body) = finished(&before, &item) else {
            return Ok(());
        };
        tx.emit(Draft::ticket(item.ticket.as_str(), body));
        self.save(tx, &before, &item).await
    }

    /// The item of an offer that can still be answered, locked.
    async fn open_offer(&self, tx: &Tx, id: &OfferId) -> Result<(Item, Offer), Error> {
        let known = store::find(tx, id).await?.ok_or_else(|| no_offer(id))?;
        let found = items::lock(tx, [&known.ticket]).await?.pop();
        let over = |state| Error::OfferOver {
            offer: id.clone(),
            state,
        };
        let open = found.and_then(|item| Some((item.offer.clone()?, item)));
        match open.filter(|(offer, _)| offer.id == *id) {
            Some((offer, item)) if offer.expires_at > self.now() => Ok((item, offer)),
            Some(_) => Err(over(OfferState::TimedOut)),
            // Read again: it may have ended while this waited for the lock.
            None => {
                let known = store::find(tx, id).await?.unwrap_or(known);
                Err(over(known.state))
            }
        }
    }

    /// What a timer that is due makes of an item, and the offer that it ends.
    fn run_timer(&self, before: &Item) -> (Item, Option<(Offer, Timestamp)>) {
        let mut item = before.clone();
        item.version += 1;
        if let Some(offer) = item.end_offer(true, &self.policy) {
            let at = offer.expires_at;
            return (item, Some((offer, at)));
        }
        if item.wrapping_until.is_some() {
            item.end_wrap_up(&self.policy);
        } else {
            item.ask_again(&self.policy);
        }
        (item, None)
    }

    /// Writes one changed item and what it means for the agents' loads.
    async fn save(&self, tx: &Tx, before: &Item, item: &Item) -> Result<(), Error> {
        let mut loads = Loads::new();
        shift_loads(Some(before), item, &mut loads);
        items::save(tx, [item]).await?;
        agents::shift_loads(tx, &loads, None).await?;
        self.tracker.arm([item]);
        Ok(())
    }
}

/// That those who declined a ticket are asked again.
fn asked_again(item: &Item) -> Body {
    let group = item.group.as_ref();
    Body::TicketQueued(journal::TicketQueued {
        group_id: group.map(ToString::to_string).unwrap_or_default(),
        reason: ASKED_AGAIN.to_owned(),
        decision_id: String::new(),
    })
}

/// The offer by which an agent still has its ticket; none when the ticket has gone on since.
async fn accepted_before(tx: &Tx, id: &OfferId) -> Result<Option<Answered>, Error> {
    let known = store::find(tx, id).await?.ok_or_else(|| no_offer(id))?;
    let found = items::lock(tx, [&known.ticket]).await?.pop();
    Ok(found.and_then(|item| {
        let offer = Offer::from(item.trail.accepted.as_ref()?);
        let theirs = offer.id == *id && item.agent.as_ref() == Some(&offer.agent);
        theirs.then_some(Answered {
            item,
            offer,
            state: OfferState::Accepted,
        })
    }))
}

/// Notes that an offer of an item was taken back, and why, as a code.
pub(crate) async fn rescind(
    tx: &Tx,
    item: &Item,
    offer: &Offer,
    why: &str,
    at: Timestamp,
) -> Result<(), DbErr> {
    store::end(tx, &offer.id, OfferState::Rescinded, why, at).await?;
    let body = changed(item, offer, Change::Rescinded, why);
    tx.emit(Draft::ticket(item.ticket.as_str(), body).at(at));
    Ok(())
}

/// The event of an offer.
pub(crate) fn changed(item: &Item, offer: &Offer, change: Change, reason: &str) -> Body {
    Body::OfferChanged(journal::OfferChanged {
        offer_id: offer.id.to_string(),
        agent_id: offer.agent.to_string(),
        group_id: text(item.group.as_ref()),
        change: change.into(),
        reason: reason.to_owned(),
        expires_at: Some(to_proto(offer.expires_at)),
        decision_id: offer.decision.to_string(),
        attempt: offer.attempt,
    })
}

/// The event when the work that followed a ticket has ended.
pub(crate) fn finished(before: &Item, after: &Item) -> Option<Body> {
    if before.wrapping_until.is_none() || after.wrapping_until.is_some() {
        return None;
    }
    Some(Body::WrapUpEnded(journal::WrapUpEnded {
        agent_id: before.agent.as_ref()?.to_string(),
        group_id: text(before.group.as_ref()),
    }))
}

/// An id, or empty when there is none.
pub(crate) fn text<T: ToString>(id: Option<&T>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

fn no_offer(offer: &OfferId) -> Error {
    no_such("offer", &Ref::Id(offer.clone()))
}

fn no_ticket(ticket: &TicketId) -> Error {
    no_such(TICKET, &Ref::Id(ticket.clone()))
}
