//! The way a ticket has come: what put it where it is, and when it has been passed on enough.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, GroupId};
use serde::{Deserialize, Serialize};

use super::codes::{DecisionKind, Guard};
use super::directory::Directory;
use super::workflow::Step;

/// How many transfers a ticket may have where the workflow does not say.
pub(crate) const HOP_LIMIT: u32 = 3;

/// A queue, or an agent working in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The group.
    pub(crate) group: Option<GroupId>,
    /// The agent.
    pub(crate) agent: Option<AgentId>,
}

/// One transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hop {
    /// Where the ticket was.
    pub(crate) from: Place,
    /// Where it went.
    pub(crate) to: Place,
}

/// The decision that put a ticket where it is: a misroute counts against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Put {
    /// The decision.
    pub(crate) decision: DecisionId,
    /// When, in milliseconds since the epoch.
    pub(crate) at: i64,
    /// What it was about.
    pub(crate) kind: DecisionKind,
    /// The group it chose.
    pub(crate) group: Option<GroupId>,
    /// The part of the workflow that led to the group, by this decision or one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<Step>,
    /// The version of the model that chose the group, likewise; none where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<u32>,
}

impl Put {
    /// Puts a ticket into `group`, to which a step or a model led. What led there stays known while
    /// it stays there: an agent is often found only after a while of waiting.
    pub(crate) fn new(
        (decision, at): (DecisionId, Timestamp),
        kind: DecisionKind,
        group: Option<GroupId>,
        (step, model): (Option<Step>, Option<u32>),
        before: Option<&Self>,
    ) -> Self {
        let led = before.filter(|before| kind == DecisionKind::Automatic && before.group == group);
        Self {
            decision,
            at: at.as_millis(),
            kind,
            model: match &step {
                Some(_) => model,
                None => model.or_else(|| led?.model),
            },
            step: step.or_else(|| led?.step.clone()),
            group,
        }
    }

    /// When.
    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at)
    }
}

/// How often tickets may be passed on, and who decides then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The most transfers.
    pub(crate) hops: u32,
    /// The group that tickets go to which are passed on too often.
    pub(crate) supervisors: Option<GroupId>,
}

impl Limits {
    /// As configured; a supervisor group that is gone is none.
    pub(crate) fn of(directory: &Directory) -> Self {
        let plan = directory.workflow.as_ref().map(|workflow| &workflow.plan);
        let supervisors = plan.and_then(|plan| plan.supervisors.clone());
        Self {
            hops: plan.map_or(HOP_LIMIT, |plan| plan.hop_limit),
            supervisors: supervisors.filter(|group| directory.groups.contains_key(group)),
        }
    }

    /// The guard that one more transfer runs into. Supervisors send a ticket wherever it belongs,
    /// and it may always be brought to them.
    pub(crate) fn guard(
        &self,
        from: &Place,
        to: &Place,
        transfers_before: u32,
        last: Option<&Hop>,
    ) -> Option<Guard> {
        let supervised =
            |place: &Place| self.supervisors.is_some() && place.group == self.supervisors;
        if supervised(from) || supervised(to) {
            return None;
        }
        if last.is_some_and(|last| sends_back(last, from, to)) {
            return Some(Guard::PingPong);
        }
        (transfers_before >= self.hops).then_some(Guard::HopLimit)
    }
}

/// Whether a transfer undoes the last one: to the group it came from or, within one group, to the
/// agent it came from.
fn sends_back(last: &Hop, from: &Place, to: &Place) -> bool {
    // Somebody may have moved it since, other than by a transfer.
    if last.to.group != from.group || last.from.group != to.group {
        return false;
    }
    let within_one_group = from.group == to.group;
    !within_one_group
        || (to.agent.is_some() && last.from.agent == to.agent && from.agent != to.agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{agent, group};
    use proptest::prelude::*;

    fn limits(hops: u32) -> Limits {
        Limits {
            hops,
            supervisors: Some(group(9)),
        }
    }

    fn at(group_number: usize, agent_number: Option<usize>) -> Place {
        Place {
            group: Some(group(group_number)),
            agent: agent_number.map(agent),
        }
    }

    fn hop(from: &Place, to: &Place) -> Hop {
        Hop {
            from: from.clone(),
            to: to.clone(),
        }
    }

    #[test]
    fn back_to_the_group_it_came_from_is_ping_pong_and_on_to_a_third_is_not() {
        let (first, second, third) = (at(1, Some(1)), at(2, Some(2)), at(3, None));
        let last = hop(&first, &at(2, None));
        let guard = |to: &Place| limits(3).guard(&second, to, 1, Some(&last));
        assert_eq!(guard(&at(1, None)), Some(Guard::PingPong));
        assert_eq!(guard(&at(1, Some(5))), Some(Guard::PingPong));
        assert_eq!(guard(&third), None);
    }

    #[test]
    fn within_a_group_only_the_same_agent_is_ping_pong() {
        let last = hop(&at(1, Some(1)), &at(1, None));
        let from = at(1, Some(2));
        let guard = |to: &Place| limits(3).guard(&from, to, 1, Some(&last));
        assert_eq!(guard(&at(1, Some(1))), Some(Guard::PingPong));
        assert_eq!(guard(&at(1, Some(3))), None);
        assert_eq!(
            guard(&at(1, None)),
            None,
            "the queue gives it to somebody else"
        );
    }

    #[test]
    fn a_ticket_moved_by_hand_in_between_is_no_ping_pong() {
        let last = hop(&at(1, None), &at(2, None));
        assert_eq!(
            limits(3).guard(&at(3, None), &at(1, None), 1, Some(&last)),
            None
        );
    }

    #[test]
    fn the_transfer_beyond_the_limit_is_guarded() {
        let (from, to) = (at(1, None), at(2, None));
        assert_eq!(limits(3).guard(&from, &to, 2, None), None);
        assert_eq!(limits(3).guard(&from, &to, 3, None), Some(Guard::HopLimit));
    }

    fn places() -> impl Strategy<Value = Place> {
        (1_usize..4, proptest::option::of(1_usize..4)).prop_map(|(group, agent)| at(group, agent))
    }

    proptest! {
        #[test]
        fn without_supervisors_in_it_no_path_is_longer_than_the_limit(
            path in proptest::collection::vec(places(), 2..12), hops in 0_u32..5,
        ) {
            let limits = limits(hops);
            let (mut from, mut last, mut unguarded) = (path[0].clone(), None, 0);
            for (done, to) in path[1..].iter().enumerate() {
                let guard = limits.guard(&from, to, u32::try_from(done).unwrap(), last.as_ref());
                unguarded += u32::from(guard.is_none());
                let back = last.as_ref().is_some_and(|last: &Hop| last.from.group == to.group
                    && to.group != from.group);
                prop_assert!(!back || guard == Some(Guard::PingPong));
                last = Some(hop(&from, to));
                from = to.clone();
            }
            prop_assert!(unguarded <= hops);
        }

        #[test]
        fn supervisors_are_never_guarded(to in places(), done in 0_u32..9, from in places()) {
            let supervisors = at(9, Some(4));
            let last = hop(&to, &supervisors);
            prop_assert_eq!(limits(1).guard(&supervisors, &to, done, Some(&last)), None);
            prop_assert_eq!(limits(1).guard(&from, &supervisors, done, None), None);
        }
    }
}
