//! What people decide about a ticket: assign, transfer, escalate.
//!
//! [`target`] finds where it is to go, [`events`] tells the journal.

mod events;
mod target;

use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_grpc::etag;
use lotse_ids::{AgentId, DecisionId, GroupId, TicketId};
use lotse_journal::{Consumer as _, Draft, Origin, Tx};

pub(crate) use events::shown;

use super::configuration::known_skills;
use super::{App, offers};

use crate::domain::codes::{DecisionKind, Guard, Reason, Status, TransferReason};
use crate::domain::decision::{ByHand, Decision, Missing, Record, Summary};
use crate::domain::directory::Directory;
use crate::domain::hops::{Hop, Limits, Place, Put};
use crate::domain::item::{Cause, Item, Loads, shift_loads};
use crate::error::Error;
use crate::store::{agents, decisions, items, transfers};

/// What [`Error::NoSuch`] calls a ticket.
pub(crate) const TICKET: &str = "ticket";
/// The highest level of a skill.
const BEST: u8 = 5;

/// What a person wants to happen to a ticket.
#[derive(Clone, Debug)]
pub(crate) struct HandOver {
    pub(crate) ticket: TicketId,
    pub(crate) what: What,
    /// The group; none to derive it.
    pub(crate) group: Option<GroupId>,
    /// The agent; none for one that routing chooses.
    pub(crate) agent: Option<AgentId>,
    /// Whether guards against passing it on for ever apply.
    pub(crate) guarded: bool,
    /// The version of the model that chose the group, where no person did.
    pub(crate) model: Option<u32>,
    /// For a transfer: what whoever had it lacked.
    pub(crate) missing: Missing,
    /// Note or summary; may be empty.
    pub(crate) note: String,
    /// What whoever gets it should know.
    pub(crate) summary: Option<Summary>,
    /// What the ticket's route must still be; empty for whatever it is.
    pub(crate) etag: String,
    /// When it really happened; none for now.
    pub(crate) at: Option<Timestamp>,
}

/// How a ticket changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Given to somebody; not counted.
    Assign,
    /// Passed on, for a reason; counted.
    Transfer(TransferReason),
    /// Sent up the support levels; counted apart.
    Escalate,
}

/// A ticket that has changed hands.
#[derive(Clone, Debug)]
pub(crate) struct HandedOver {
    pub(crate) item: Item,
    /// Support level of its group; 0 without one.
    pub(crate) tier: u8,
    /// Support level before; 0 without a group.
    pub(crate) from_tier: u8,
    /// Whether the agent holds more than their capacity now.
    pub(crate) over_capacity: bool,
    /// The record of it.
    pub(crate) decision: Decision,
    pub(crate) directory: Arc<Directory>,
}

impl App {
    /// Gives a ticket to a group or an agent, by hand.
    pub(crate) async fn hand_over(&self, tx: &Tx, wish: &HandOver) -> Result<HandedOver, Error> {
        let before = self.lock_item(tx, &wish.ticket).await?;
        etag::check(&wish.etag, before.version)?;
        if before.status == Status::Closed {
            return Err(Error::Closed(wish.ticket.clone()));
        }
        let now = self.now();
        let at = wish.at.unwrap_or(now);
        if at < before.queued_at {
            let field = "occurred_at";
            let early = lotse_errors::Error::invalid(field, "must not be before the ticket came");
            return Err(early.into());
        }
        let directory = self.directory.get(tx).await?;
        known_skills(&directory, wish.missing.skill.iter())?;
        let chosen = in_triage(wish, &before, &directory);
        let wish = chosen.as_ref().unwrap_or(wish);

        let mut item = before.clone();
        item.version += 1;
        learn(&mut item, &wish.missing, &directory);
        let wanted = target::target(&directory, &item, wish, now)?;
        let limits = Limits::of(&directory);
        let guard = guard(&limits, wish, &before, &wanted);
        // What has happened has happened: history is told as it was.
        let told = self.policy.recorded || at < now;
        let aside = limits.supervisors.filter(|_| guard.is_some() && !told);
        let to = aside.map_or_else(
            || wanted.clone(),
            |supervisors| Place {
                group: Some(supervisors),
                agent: None,
            },
        );
        match wish.what {
            What::Assign => {}
            What::Transfer(_) => item.transfers += 1,
            What::Escalate => item.escalations += 1,
        }
        let receiver = to
            .agent
            .as_ref()
            .and_then(|agent| directory.agents.get(agent));
        let room = receiver.map(|receiver| receiver.profile.limits());
        item.weigh_for(room.as_ref());
        item.hand_to(to.group.clone(), to.agent.clone(), at, &self.policy);
        item.trail.supervised = to != wanted;
        if wish.what != What::Assign {
            // Whoever passed it on does not get it back from the queue.
            let from = before
                .agent
                .iter()
                .filter(|from| item.agent.as_ref() != Some(*from));
            item.trail.excluded.extend(from.cloned());
        }
        item.trail.cause = Cause {
            reference: tx.origin().cause.clone(),
            traceparent: lotse_telemetry::current_traceparent(),
        };
        let decision = record(
            wish,
            &before,
            &item,
            at,
            ByHand {
                principal: tx.origin().principal.clone(),
                note: wish.note.clone(),
                summary: wish.summary.clone(),
                missing: wish.missing.clone(),
                guard,
                wanted: Some(wanted).filter(|wanted| *wanted != to),
                ..ByHand::default()
            },
        );
        leave_trail(&mut item, &before, wish, &decision);

        let mut loads = Loads::new();
        shift_loads(Some(&before), &item, &mut loads);
        let given = item.agent.as_ref().map(|agent| agents::Given {
            agent,
            at,
            channel: item.channel,
            cap: room.and_then(|room| room.cap(item.channel, item.full_load())),
        });
        let over_capacity = agents::shift_loads(tx, &loads, given).await?;
        let mut decision = decision;
        if let Some(by_hand) = &mut decision.record.by_hand {
            by_hand.over_capacity = over_capacity;
        }
        items::save(tx, [&item]).await?;
        self.tracker.arm([&item]);
        self.overtake(tx, wish, &before, &item, at).await?;
        decisions::insert(tx, &decision, item.trail.put.as_ref()).await?;
        if matches!(wish.what, What::Transfer(_)) {
            transfers::insert(tx, &decision, before.trail.put.as_ref(), item.transfers).await?;
        }
        let handed = HandedOver {
            tier: tier(&directory, item.group.as_ref()),
            from_tier: tier(&directory, before.group.as_ref()),
            item,
            over_capacity,
            decision,
            directory,
        };
        events::emit(tx, wish, &before, &handed);
        Ok(handed)
    }

    /// Ends what a ticket's change of hands overtakes: its offer, and the work that followed it.
    async fn overtake(
        &self,
        tx: &Tx,
        wish: &HandOver,
        before: &Item,
        item: &Item,
        at: Timestamp,
    ) -> Result<(), Error> {
        if let Some(offer) = &before.offer {
            let why = match wish.what {
                What::Assign => "assigned",
                What::Transfer(_) => "transferred",
                What::Escalate => "escalated",
            };
            offers::rescind(tx, item, offer, why, at).await?;
        }
        if let Some(body) = offers::finished(before, item) {
            tx.emit(Draft::ticket(item.ticket.as_str(), body).at(at));
        }
        Ok(())
    }

    /// Reads what the journal has of a ticket that routing may not have heard of: a caller may
    /// create and assign without a pause. In a transaction of its own: what it reads changes other
    /// tickets and agents too, and to hold those while taking what a command is about would be out
    /// of order.
    pub(crate) async fn hear_of(&self, ticket: &TicketId, origin: &Origin) -> Result<(), Error> {
        self.journal
            .in_tx(origin, |tx| async move {
                self.journal
                    .catch_up(&tx, &*self.tracker, &[ticket.as_str()])
                    .await
                    .map(|_| ())
                    .map_err(Error::CatchUp)
            })
            .await?;
        self.tracker.committed().await;
        Ok(())
    }

    /// What was said with a ticket whenever it was handed over: transfers and escalations, the
    /// latest first.
    pub(crate) async fn hand_overs(&self, ticket: &TicketId) -> Result<Vec<Decision>, Error> {
        let conn = self.db.reader();
        if items::find(conn, ticket).await?.is_none() {
            return Err(no_ticket(ticket));
        }
        let mut decisions = decisions::of_ticket(conn, ticket).await?;
        decisions.retain(|one| {
            matches!(
                one.record.kind,
                DecisionKind::Transfer | DecisionKind::Escalation
            )
        });
        decisions.reverse();
        Ok(decisions)
    }

    /// The ticket, locked.
    async fn lock_item(&self, tx: &Tx, ticket: &TicketId) -> Result<Item, Error> {
        let found = items::lock(tx, [ticket]).await?.pop();
        found.ok_or_else(|| no_ticket(ticket))
    }
}

/// Whoever passes a ticket on from triage chooses its first group: that is no transfer, and nobody
/// was wrong before.
fn in_triage(wish: &HandOver, before: &Item, directory: &Directory) -> Option<HandOver> {
    let triage = directory.triage_group();
    let passes_on = matches!(wish.what, What::Transfer(_));
    let is_there = triage.is_some() && before.group.as_ref() == triage;
    (passes_on && is_there).then(|| HandOver {
        what: What::Assign,
        ..wish.clone()
    })
}

fn no_ticket(ticket: &TicketId) -> Error {
    Error::NoSuch {
        resource: TICKET,
        id: ticket.to_string(),
    }
}

fn tier(directory: &Directory, group: Option<&GroupId>) -> u8 {
    let group = group.and_then(|group| directory.groups.get(group));
    group.map_or(0, |group| group.profile.tier)
}

/// Takes to heart what whoever had the ticket lacked: the next has it, and more of it.
fn learn(item: &mut Item, missing: &Missing, directory: &Directory) {
    if let Some(skill) = &missing.skill {
        let agent = item.agent.as_ref();
        let agent = agent.and_then(|agent| directory.agents.get(agent));
        let theirs = agent.and_then(|agent| agent.profile.skills.get(skill));
        let least = theirs.map_or(1, |level| (level + 1).min(BEST));
        let known = item.trail.missing.entry(skill.clone()).or_insert(least);
        *known = least.max(*known);
        // Conditions of the workflow look at it too.
        item.facts.required_skills.insert(skill.clone());
    }
    if let Some(language) = &missing.language {
        item.facts.language = Some(language.clone());
        item.facts.language_is_certain = true;
    }
}

/// The guard that a transfer runs into. Escalations are planned, and never held up.
fn guard(limits: &Limits, wish: &HandOver, before: &Item, to: &Place) -> Option<Guard> {
    let last = before.trail.last_hop.as_ref();
    match wish.what {
        What::Transfer(_) if wish.guarded => {
            limits.guard(&before.place(), to, before.transfers, last)
        }
        What::Assign | What::Transfer(_) | What::Escalate => None,
    }
}

/// What the ticket remembers of it.
fn leave_trail(item: &mut Item, before: &Item, wish: &HandOver, decision: &Decision) {
    let (id, kind) = (decision.record.id.clone(), decision.record.kind);
    if wish.summary.is_some() {
        item.trail.hand_over = Some(id.clone());
    }
    if kind == DecisionKind::Transfer {
        item.trail.last_hop = Some(Hop {
            from: before.place(),
            to: item.place(),
        });
    }
    let led = (None, wish.model.filter(|_| !item.trail.supervised));
    let put = Put::new((id, decision.at), kind, item.group.clone(), led, None);
    item.trail.put = Some(put);
}

fn record(wish: &HandOver, before: &Item, item: &Item, at: Timestamp, by_hand: ByHand) -> Decision {
    let (kind, reason, transfer_reason) = match wish.what {
        What::Assign => (DecisionKind::Manual, Reason::Manual, None),
        What::Transfer(why) => (DecisionKind::Transfer, Reason::Transfer, Some(why)),
        What::Escalate => (DecisionKind::Escalation, Reason::Escalation, None),
    };
    let undone = before.trail.put.as_ref();
    let undone = undone.filter(|_| kind == DecisionKind::Transfer);
    Decision {
        ticket: item.ticket.clone(),
        version: item.version,
        at,
        record: Record {
            id: DecisionId::generate(at),
            kind,
            reason,
            from_group: before.group.clone(),
            from_agent: before.agent.clone(),
            group: item.group.clone(),
            agent: item.agent.clone(),
            offer: None,
            step: None,
            advice: None,
            look: None,
            by_hand: Some(ByHand {
                transfer_reason,
                undone: undone.map(|put| put.decision.clone()),
                ..by_hand
            }),
        },
    }
}
