//! Projects who has which ticket from routing's events.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use lotse_ids::TicketId;
use lotse_journal::{Body, Consumer, ConsumerError, Recorded, Tx};

use super::supervision;
use crate::domain::ticket::Assignment;
use crate::store::assignments;

/// The consumer `intake`, which also follows whose replies need approval.
pub(crate) struct Assignments;

#[async_trait]
impl Consumer for Assignments {
    fn name(&self) -> &'static str {
        "intake"
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        supervision::follow(tx, events).await?;
        let concerned: BTreeSet<&str> = events
            .iter()
            .filter(|event| is_concern(&event.body))
            .filter_map(|event| event.ticket_id.as_deref())
            .collect();
        if concerned.is_empty() {
            return Ok(());
        }
        let concerned: Vec<&str> = concerned.into_iter().collect();
        let mut known = assignments::load(tx, &concerned).await?;
        let mut changed = BTreeMap::new();
        for event in events.iter().filter(|event| is_concern(&event.body)) {
            let Some(ticket) = &event.ticket_id else {
                continue;
            };
            let assignment = known.entry(ticket.clone()).or_default();
            follow(assignment, &event.body)?;
            changed.insert(
                ticket.parse::<TicketId>().map_err(ConsumerError::other)?,
                assignment.clone(),
            );
        }
        assignments::save(tx, &changed).await?;
        Ok(())
    }
}

fn is_concern(body: &Body) -> bool {
    matches!(
        body,
        Body::TicketQueued(_)
            | Body::TicketAssigned(_)
            | Body::TicketTransferred(_)
            | Body::TicketEscalated(_)
    )
}

/// Who has the ticket after an event. Released tickets stay with who had them last.
fn follow(assignment: &mut Assignment, body: &Body) -> Result<(), ConsumerError> {
    let (group_id, agent_id) = match body {
        Body::TicketQueued(queued) => (&queued.group_id, ""),
        Body::TicketAssigned(assigned) => {
            assignment.tier = assigned.tier;
            (&assigned.group_id, assigned.agent_id.as_str())
        }
        Body::TicketTransferred(moved) => (&moved.to_group_id, moved.to_agent_id.as_str()),
        Body::TicketEscalated(escalated) => {
            assignment.tier = escalated.to_tier;
            (&escalated.to_group_id, "")
        }
        _ => return Ok(()),
    };
    assignment.group_id = id(group_id)?;
    assignment.agent_id = id(agent_id)?;
    Ok(())
}

fn id<T: std::str::FromStr<Err = lotse_ids::InvalidId>>(
    text: &str,
) -> Result<Option<T>, ConsumerError> {
    (!text.is_empty())
        .then(|| text.parse().map_err(ConsumerError::other))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lotse_clock::Timestamp;
    use lotse_ids::{AgentId, GroupId};
    use lotse_proto::journal::v1::{
        TicketAssigned, TicketEscalated, TicketReleased, TicketTransferred,
    };

    #[test]
    fn the_last_event_says_who_has_it() {
        let agent = AgentId::generate(Timestamp::EPOCH);
        let (first, second) = (
            GroupId::generate(Timestamp::EPOCH),
            GroupId::generate(Timestamp::EPOCH),
        );
        let mut assignment = Assignment::default();
        let assigned = TicketAssigned {
            group_id: first.to_string(),
            agent_id: agent.to_string(),
            tier: 1,
            ..TicketAssigned::default()
        };
        follow(&mut assignment, &Body::TicketAssigned(assigned)).unwrap();
        assert_eq!(
            assignment,
            Assignment {
                agent_id: Some(agent.clone()),
                group_id: Some(first),
                tier: 1
            }
        );
        follow(
            &mut assignment,
            &Body::TicketReleased(TicketReleased::default()),
        )
        .unwrap();
        assert_eq!(assignment.agent_id, Some(agent));
        let moved = TicketTransferred {
            to_group_id: second.to_string(),
            ..TicketTransferred::default()
        };
        follow(&mut assignment, &Body::TicketTransferred(moved)).unwrap();
        assert_eq!(
            assignment,
            Assignment {
                agent_id: None,
                group_id: Some(second.clone()),
                tier: 1
            }
        );
        let up = TicketEscalated {
            to_tier: 2,
            to_group_id: second.to_string(),
            ..TicketEscalated::default()
        };
        follow(&mut assignment, &Body::TicketEscalated(up)).unwrap();
        assert_eq!(assignment.tier, 2);
    }

    #[test]
    fn broken_id_is_an_error_not_nobody() {
        let moved = TicketTransferred {
            to_group_id: "x".to_owned(),
            ..TicketTransferred::default()
        };
        assert!(follow(&mut Assignment::default(), &Body::TicketTransferred(moved)).is_err());
    }
}
