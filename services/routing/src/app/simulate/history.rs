//! What really came in, how long it took, and who solved it: read from the journal.

use std::collections::HashMap;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use lotse_journal::{BUCKETS, Body, FeedError, Journal, Recorded};
use sea_orm::ConnectionTrait;

use super::crew::Crew;
use crate::domain::advice::Advice;
use crate::domain::agent::Agent;
use crate::domain::cover::Cover;
use crate::domain::directory::Directory;
use crate::domain::item::{Item, Policy};
use crate::domain::turns::Stretch;
use crate::error::Error;
use crate::jobs::tracker::taken_in;
use crate::simulation::crew::Coming;
use crate::store::covers;
use crate::store::lasting::Range;

/// Events read at a time.
const PAGE: u32 = 1_000;
/// The share of its handling time after which an agent knows that a ticket is another group's,
/// where none was ever passed on.
const NOTICED_AFTER: f64 = 0.25;

/// A span of the past.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Tickets from here on are played.
    pub(crate) begin: Timestamp,
    /// Tickets from here on are counted.
    pub(crate) from: Timestamp,
    /// Tickets up to here are.
    pub(crate) until: Timestamp,
    /// What became of them is looked for up to here.
    pub(crate) end: Timestamp,
}

/// A span of the past, ready to be played again.
#[derive(Debug)]
pub(crate) struct History {
    /// Which.
    pub(crate) span: Span,
    /// Tickets in the order in which they came.
    pub(crate) tickets: Vec<Past>,
    /// Agents as they were at the beginning, by id.
    pub(crate) agents: Vec<Agent>,
    /// Their comings and goings, by their places in `agents`.
    pub(crate) comings: Vec<Coming>,
    /// Covers that lasted at some instant of it.
    pub(crate) covers: Vec<Cover>,
    /// The share of its handling time after which an agent knows that a ticket is another group's.
    pub(crate) noticed_after: f64,
}

/// A ticket, and what became of it.
#[derive(Debug)]
pub(crate) struct Past {
    /// As routing knew it when it came.
    pub(crate) item: Item,
    /// When it came.
    pub(crate) came: Timestamp,
    /// Who had it first.
    pub(crate) first_agent: Option<AgentId>,
    /// The group that solved it, or sent it up; none when that is not known.
    pub(crate) right: Option<GroupId>,
    /// How long it was worked on there.
    pub(crate) handling: Duration,
}

/// A ticket while its events are read.
struct Open {
    item: Item,
    came: Timestamp,
    first_agent: Option<AgentId>,
    holder: Option<(GroupId, Timestamp)>,
    held: Vec<(GroupId, Duration)>,
    escalated_from: Option<GroupId>,
    released_by: Option<GroupId>,
}

/// Reads a span. More than `most` tickets are refused.
pub(crate) async fn read(
    journal: &Journal,
    conn: &impl ConnectionTrait,
    directory: &Directory,
    policy: &Policy,
    span: Span,
    most: usize,
) -> Result<History, Error> {
    let window = Stretch {
        from: span.begin,
        until: span.end,
    };
    let mut crew = Crew::within(journal, conn, directory, window).await?;
    let mut open: HashMap<String, Open> = HashMap::new();
    let mut at = journal.positions_at(span.begin).await?;
    let end = journal.positions_at(span.end).await?;
    while (0..BUCKETS).any(|bucket| at.at(bucket) < end.at(bucket)) {
        let page = journal
            .read_feed(&at, PAGE)
            .await
            .map_err(|error| match error {
                FeedError::Db(error) => Error::Db(error),
                restored @ FeedError::OtherIncarnation => {
                    lotse_errors::Error::internal(restored).into()
                }
            })?;
        if page.events.is_empty() {
            break;
        }
        let wanted = page.events.iter();
        for event in wanted.filter(|event| event.position <= end.at(event.bucket)) {
            if let Body::AgentChanged(changed) = &event.body {
                crew.change(changed, event.occurred_at.max(span.begin));
            } else {
                follow(&mut open, event, policy, span);
            }
        }
        if open.len() > most {
            let message = format!(
                "more than {most} tickets came in this span and its warm-up: ask for a shorter \
                 one, or allow more"
            );
            return Err(lotse_errors::Error::invalid("max_tickets", message).into());
        }
        at = page.next;
    }
    let covers = covers::list(conn, None, &Range::within(window), None).await?;
    let covers = covers.into_iter().map(|cover| Cover {
        // Before anybody said so it was not so.
        starts_at: cover.starts_at.max(cover.created_at),
        ..cover
    });
    Ok(History {
        covers: covers.collect(),
        ..finish(open, crew, span)
    })
}

/// Notes what an event says of a ticket.
fn follow(open: &mut HashMap<String, Open>, event: &Recorded, policy: &Policy, span: Span) {
    let Some(ticket) = event.ticket_id.as_deref() else {
        return;
    };
    let at = event.occurred_at;
    if let Body::TicketCreated(created) = &event.body {
        let came = event.recorded_at;
        if let Some(mut item) = taken_in(created, event, policy).filter(|_| came < span.until) {
            item.queued_at = came;
            item.trail.advice = Some(Advice::nothing());
            let begun = Open {
                item,
                came,
                first_agent: None,
                holder: None,
                held: Vec::new(),
                escalated_from: None,
                released_by: None,
            };
            open.insert(ticket.to_owned(), begun);
        }
        return;
    }
    let Some(ticket) = open.get_mut(ticket) else {
        return;
    };
    match &event.body {
        Body::TicketAssigned(assigned) => {
            ticket.given(&assigned.group_id, &assigned.agent_id, at);
        }
        Body::TicketTransferred(transferred) => {
            ticket.given(&transferred.to_group_id, &transferred.to_agent_id, at);
        }
        Body::TicketEscalated(escalated) => {
            ticket.let_go(at);
            let from = escalated.from_group_id.parse().ok();
            ticket.escalated_from = ticket.escalated_from.take().or(from);
        }
        Body::TicketQueued(_) => ticket.let_go(at),
        Body::TicketReleased(released) => {
            ticket.let_go(at);
            ticket.released_by = released.group_id.parse().ok();
        }
        _ => {}
    }
}

impl Open {
    fn given(&mut self, group: &str, agent: &str, at: Timestamp) {
        self.let_go(at);
        let agent: Option<AgentId> = agent.parse().ok();
        if let (Ok(group), Some(_)) = (group.parse(), &agent) {
            self.holder = Some((group, at));
        }
        self.first_agent = self.first_agent.take().or(agent);
    }

    fn let_go(&mut self, at: Timestamp) {
        if let Some((group, since)) = self.holder.take() {
            self.held.push((group, at.since(since)));
        }
    }

    /// How long the group had it that was right, and how long others had it before.
    fn spans(&self) -> (Option<&GroupId>, Duration, Duration) {
        let right = self.escalated_from.as_ref().or(self.released_by.as_ref());
        let (mut there, mut elsewhere) = (Duration::ZERO, Duration::ZERO);
        for (group, span) in &self.held {
            if right == Some(group) {
                there += *span;
            } else {
                elsewhere += *span;
            }
        }
        (right, there, elsewhere)
    }
}

fn finish(open: HashMap<String, Open>, crew: Crew, span: Span) -> History {
    let mut known = (Duration::ZERO, 0_u32);
    let mut wrong = (Duration::ZERO, 0_u32);
    for ticket in open.values() {
        if let (Some(_), there, elsewhere) = ticket.spans() {
            if !there.is_zero() {
                known = (known.0 + there, known.1 + 1);
            }
            if !elsewhere.is_zero() {
                wrong = (wrong.0 + elsewhere, wrong.1 + 1);
            }
        }
    }
    let mean = |(sum, count): (Duration, u32)| sum.checked_div(count).unwrap_or_default();
    let (handling, noticed) = (mean(known), mean(wrong));
    let noticed_after = if noticed.is_zero() || handling.is_zero() {
        NOTICED_AFTER
    } else {
        (noticed.as_secs_f64() / handling.as_secs_f64()).min(1.0)
    };
    let mut tickets: Vec<Past> = open
        .into_values()
        .map(|ticket| {
            let (right, there, _) = ticket.spans();
            Past {
                right: right.cloned(),
                handling: if there.is_zero() { handling } else { there },
                came: ticket.came,
                first_agent: ticket.first_agent,
                item: ticket.item,
            }
        })
        .collect();
    tickets.sort_by(|a, b| (a.came, &a.item.ticket).cmp(&(b.came, &b.item.ticket)));
    let (agents, comings) = crew.finish();
    History {
        span,
        tickets,
        agents,
        comings,
        covers: Vec::new(),
        noticed_after,
    }
}
