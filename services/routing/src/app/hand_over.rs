//! What people decide about a ticket: assign, transfer, escalate.

use lotse_clock::Timestamp;
use lotse_grpc::etag;
use lotse_ids::{AgentId, DecisionId, GroupId, TicketId};
use lotse_journal::{Body, Consumer as _, Draft, Origin, Tx};
use lotse_proto::common::v1 as common;
use lotse_proto::journal::v1 as journal;

use super::{App, Ref, find_agent, find_group};
use crate::domain::codes::{DecisionKind, Reason, Status, TransferReason};
use crate::domain::decision::{ByHand, Decision, Record};
use crate::domain::directory::Directory;
use crate::domain::item::{Cause, Item, Loads, shift_loads};
use crate::error::Error;
use crate::store::{agents, decisions, items};

/// What [`Error::NoSuch`] calls a ticket.
pub(crate) const TICKET: &str = "ticket";

/// What a person wants to happen to a ticket.
#[derive(Clone, Debug)]
pub(crate) struct HandOver {
    pub(crate) ticket: TicketId,
    pub(crate) what: What,
    /// The group; none to derive it.
    pub(crate) group: Option<GroupId>,
    /// The agent; none for one that routing chooses.
    pub(crate) agent: Option<AgentId>,
    /// Note or summary; may be empty.
    pub(crate) note: String,
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
}

impl App {
    /// Gives a ticket to a group or an agent, by hand.
    pub(crate) async fn hand_over(&self, tx: &Tx, wish: &HandOver) -> Result<HandedOver, Error> {
        let before = self.lock_item(tx, &wish.ticket).await?;
        etag::check(&wish.etag, before.version)?;
        if before.status == Status::Closed {
            return Err(Error::Closed(wish.ticket.clone()));
        }
        let at = wish.at.unwrap_or_else(|| self.now());
        if at < before.queued_at {
            let field = "occurred_at";
            let early = lotse_errors::Error::invalid(field, "must not be before the ticket came");
            return Err(early.into());
        }
        let directory = self.directory.get(tx).await?;
        let (group, agent) = target(&directory, &before, wish)?;

        let mut item = before.clone();
        item.version += 1;
        match wish.what {
            What::Assign => {}
            What::Transfer(_) => item.transfers += 1,
            What::Escalate => item.escalations += 1,
        }
        item.hand_to(group, agent, at, &self.policy);
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

        let mut loads = Loads::new();
        shift_loads(Some(&before), &item, &mut loads);
        let given = item.agent.as_ref().map(|agent| (agent, at));
        let over_capacity = agents::shift_loads(tx, &loads, given).await?;
        items::save(tx, [&item]).await?;
        let principal = tx.origin().principal.clone();
        let decision = record(wish, &before, &item, at, principal, over_capacity);
        decisions::insert(tx, &decision).await?;
        let handed = HandedOver {
            tier: tier(&directory, item.group.as_ref()),
            from_tier: tier(&directory, before.group.as_ref()),
            item,
            over_capacity,
        };
        emit(tx, wish, &before, &handed);
        Ok(handed)
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

    /// The ticket, locked.
    async fn lock_item(&self, tx: &Tx, ticket: &TicketId) -> Result<Item, Error> {
        let found = items::lock(tx, [ticket]).await?.pop();
        found.ok_or_else(|| Error::NoSuch {
            resource: TICKET,
            id: ticket.to_string(),
        })
    }
}

fn tier(directory: &Directory, group: Option<&GroupId>) -> u8 {
    let group = group.and_then(|group| directory.groups.get(group));
    group.map_or(0, |group| group.profile.tier)
}

/// The group and the agent that a wish is about.
fn target(
    directory: &Directory,
    item: &Item,
    wish: &HandOver,
) -> Result<(Option<GroupId>, Option<AgentId>), Error> {
    let named = |group: &GroupId| find_group(directory, &Ref::Id(group.clone()));
    let group = wish.group.as_ref().map(named).transpose()?;
    let agent = wish.agent.as_ref();
    let agent = agent
        .map(|agent| find_agent(directory, &Ref::Id(agent.clone())))
        .transpose()?;
    if let Some(agent) = agent.filter(|agent| agent.profile.retired) {
        return Err(Error::Retired(agent.id.clone()));
    }
    let group = match wish.what {
        What::Escalate => Some(upwards(directory, item, group.map(|group| &group.id))?),
        What::Assign | What::Transfer(_) => match (group, agent) {
            (Some(group), _) => Some(group.id.clone()),
            (None, Some(agent)) => {
                let groups = &agent.profile.groups;
                let own = item.group.as_ref().filter(|own| groups.contains(*own));
                // A helper without any group leaves the ticket in its own.
                own.or(groups.first()).or(item.group.as_ref()).cloned()
            }
            (None, None) => {
                let wrong = lotse_errors::Error::invalid("agent_id", "or group_id is required");
                return Err(wrong.into());
            }
        },
    };
    Ok((group, agent.map(|agent| agent.id.clone())))
}

/// The group that an escalation goes to.
fn upwards(directory: &Directory, item: &Item, named: Option<&GroupId>) -> Result<GroupId, Error> {
    let nothing_above = || Error::NoNextTier {
        ticket: item.ticket.clone(),
        group: item.group.clone(),
    };
    let from = item
        .group
        .as_ref()
        .and_then(|group| directory.groups.get(group));
    let from = from.ok_or_else(nothing_above)?;
    let to = match named {
        Some(named) => directory.groups.get(named),
        None => directory.next_tier(from),
    };
    let to = to.ok_or_else(nothing_above)?;
    if to.profile.tier > from.profile.tier {
        return Ok(to.id.clone());
    }
    match named {
        Some(_) => {
            let higher = format!("must have a higher tier than {}", from.profile.tier);
            Err(lotse_errors::Error::invalid("group_id", higher).into())
        }
        // The configured group has been lowered since.
        None => Err(nothing_above()),
    }
}

fn record(
    wish: &HandOver,
    before: &Item,
    item: &Item,
    at: Timestamp,
    principal: String,
    over_capacity: bool,
) -> Decision {
    let (kind, reason, transfer_reason) = match wish.what {
        What::Assign => (DecisionKind::Manual, Reason::Manual, None),
        What::Transfer(why) => (DecisionKind::Transfer, Reason::Transfer, Some(why)),
        What::Escalate => (DecisionKind::Escalation, Reason::Escalation, None),
    };
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
            step: None,
            look: None,
            by_hand: Some(ByHand {
                principal,
                note: wish.note.clone(),
                transfer_reason,
                over_capacity,
            }),
        },
    }
}

fn emit(tx: &Tx, wish: &HandOver, before: &Item, handed: &HandedOver) {
    let item = &handed.item;
    let text = |id: Option<&GroupId>| id.map(ToString::to_string).unwrap_or_default();
    let name = |id: Option<&AgentId>| id.map(ToString::to_string).unwrap_or_default();
    let assigned = || {
        Body::TicketAssigned(journal::TicketAssigned {
            group_id: text(item.group.as_ref()),
            agent_id: name(item.agent.as_ref()),
            tier: handed.tier.into(),
            decision_id: String::new(),
            manual: true,
            over_capacity: handed.over_capacity,
            first: !before.trail.had_group && item.group.is_some(),
        })
    };
    let mut bodies = Vec::new();
    match wish.what {
        What::Assign => bodies.push(assigned()),
        What::Transfer(reason) => {
            bodies.push(Body::TicketTransferred(journal::TicketTransferred {
                from_group_id: text(before.group.as_ref()),
                from_agent_id: name(before.agent.as_ref()),
                to_group_id: text(item.group.as_ref()),
                to_agent_id: name(item.agent.as_ref()),
                reason: shown(reason).into(),
                misroute: reason.is_misroute(),
                hop: item.transfers,
                ..journal::TicketTransferred::default()
            }));
        }
        What::Escalate => {
            bodies.push(Body::TicketEscalated(journal::TicketEscalated {
                from_tier: handed.from_tier.into(),
                to_tier: handed.tier.into(),
                from_group_id: text(before.group.as_ref()),
                to_group_id: text(item.group.as_ref()),
                from_agent_id: name(before.agent.as_ref()),
            }));
            if item.agent.is_some() {
                bodies.push(assigned());
            }
        }
    }
    for body in bodies {
        let draft = Draft::ticket(item.ticket.as_str(), body);
        tx.emit(Draft {
            occurred_at: wish.at,
            ..draft
        });
    }
}

/// The reason as the journal and the API know it.
pub(crate) const fn shown(reason: TransferReason) -> common::TransferReason {
    match reason {
        TransferReason::WrongSkill => common::TransferReason::WrongSkill,
        TransferReason::WrongLanguage => common::TransferReason::WrongLanguage,
        TransferReason::WrongTier => common::TransferReason::WrongTier,
        TransferReason::Capacity => common::TransferReason::Capacity,
        TransferReason::ShiftEnd => common::TransferReason::ShiftEnd,
        TransferReason::RequesterAsked => common::TransferReason::RequesterAsked,
        TransferReason::Unexplained => common::TransferReason::Unexplained,
    }
}
