//! Simulations of workflows, asked and answered.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_ids::{AgentId, GroupId};
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::simulate_workflow_request::Candidate as Given;
use lotse_proto::time::{duration_from_proto, duration_to_proto, from_proto};

use super::{show, workflow_in, workflow_out};
use crate::app::simulate::{Answer, Candidate, Difference, Outcome, Question};
use crate::error::Error;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest span, and longest that is looked on after it.
const LONGEST: Duration = DAY.saturating_mul(92);
/// Longest that is played before it.
const WARM_UP: Duration = DAY.saturating_mul(30);
const TICKETS: u32 = 20_000;
const MOST_TICKETS: u32 = 200_000;
const EXAMPLES: u32 = 20;
const MOST_EXAMPLES: u32 = 1_000;

/// What a request asks.
pub(super) fn question(
    request: proto::SimulateWorkflowRequest,
    now: Timestamp,
) -> Result<Question, Error> {
    let proto::SimulateWorkflowRequest {
        candidate,
        from,
        until,
        warm_up,
        follow_up,
        max_tickets,
        max_examples,
    } = request;
    let mut wrong = Violations::new();
    let instant = |wrong: &mut Violations, field: &str, given: Option<prost_types::Timestamp>| {
        let given = wrong.present(field, given)?;
        wrong.take(field, from_proto(&given))
    };
    let from = instant(&mut wrong, "from", from);
    let until = instant(&mut wrong, "until", until);
    if let (Some(from), Some(until)) = (from, until) {
        wrong.require("until", from < until, "must be after from");
        wrong.require("until", until <= now, "must not be in the future");
        let fits = until.since(from) <= LONGEST;
        wrong.require("until", fits, "must be at most 92 days after from");
    }
    let span = |wrong: &mut Violations,
                field: &str,
                given: Option<prost_types::Duration>,
                default: Duration,
                most: Duration| {
        let given = given.map(|given| duration_from_proto(&given)).transpose();
        let span = wrong.take(field, given).flatten().unwrap_or(default);
        let days = most.as_secs() / DAY.as_secs();
        wrong.require(field, span <= most, &format!("must be at most {days} days"));
        span
    };
    let warm_up = span(&mut wrong, "warm_up", warm_up, DAY, WARM_UP);
    let follow_up = span(&mut wrong, "follow_up", follow_up, DAY * 7, LONGEST);
    let count = |wrong: &mut Violations, field: &str, given: u32, default: u32, most: u32| {
        wrong.require(field, given <= most, &format!("must be at most {most}"));
        let count = if given == 0 { default } else { given };
        usize::try_from(count).unwrap_or(usize::MAX)
    };
    let max_tickets = count(
        &mut wrong,
        "max_tickets",
        max_tickets,
        TICKETS,
        MOST_TICKETS,
    );
    let max_examples = count(
        &mut wrong,
        "max_examples",
        max_examples,
        EXAMPLES,
        MOST_EXAMPLES,
    );
    let candidate = match wrong.present("workflow", candidate) {
        Some(Given::Workflow(workflow)) => {
            let mut inner = Violations::new();
            let wanted = workflow_in::wanted(Some(&workflow), &mut inner);
            Some(Candidate::Wanted(Box::new((wanted, inner))))
        }
        Some(Given::Version(version)) => {
            wrong.require("version", version > 0, "must name a version");
            Some(Candidate::Version(version))
        }
        None => None,
    };
    wrong.finish()?;
    let (Some(candidate), Some(from), Some(until)) = (candidate, from, until) else {
        return Err(lotse_errors::Error::internal("a checked field is missing").into());
    };
    Ok(Question {
        candidate,
        from,
        until,
        warm_up,
        follow_up,
        max_tickets,
        max_examples,
    })
}

/// What would have been.
pub(super) fn answer(answer: Answer) -> proto::SimulateWorkflowResponse {
    let Answer {
        tickets,
        in_force_version,
        in_force,
        candidate,
        as_it_was,
        elsewhere,
        examples,
        doubts,
    } = answer;
    proto::SimulateWorkflowResponse {
        tickets,
        in_force_version,
        in_force: Some(outcome(&in_force)),
        candidate: Some(outcome(&candidate)),
        as_it_was,
        elsewhere,
        examples: examples.into_iter().map(difference).collect(),
        warnings: workflow_out::findings(doubts),
    }
}

fn outcome(outcome: &Outcome) -> proto::SimulatedOutcome {
    let Outcome {
        assigned,
        unrouted,
        transferred,
        transfers,
        waits,
        groups,
        agents,
        first: _,
    } = outcome;
    let groups = groups.iter().map(|(group, one)| proto::SimulatedGroup {
        group_id: group.to_string(),
        first: one.first,
        wrong: one.wrong,
        max_waiting: one.max_waiting,
        utilisation: one.taken.value(),
    });
    let agents = agents.iter().map(|(agent, one)| proto::SimulatedAgent {
        agent_id: agent.to_string(),
        assigned: one.assigned,
        max_held: one.max_held,
        utilisation: one.taken.value(),
    });
    proto::SimulatedOutcome {
        assigned: *assigned,
        unrouted: *unrouted,
        transferred: *transferred,
        transfers: *transfers,
        wait: Some(wait(waits)),
        groups: groups.collect(),
        agents: agents.collect(),
    }
}

/// Of waits in their order, the nearest rank.
fn wait(waits: &[Duration]) -> proto::SimulatedWait {
    let total: Duration = waits.iter().sum();
    let count = u32::try_from(waits.len()).unwrap_or(u32::MAX);
    let percentile = |percent: usize| {
        let rank = (waits.len() * percent).div_ceil(100).max(1);
        let at = waits.get(rank - 1).copied().unwrap_or_default();
        Some(duration_to_proto(at))
    };
    proto::SimulatedWait {
        mean: Some(duration_to_proto(
            total.checked_div(count).unwrap_or_default(),
        )),
        p50: percentile(50),
        p90: percentile(90),
        p99: percentile(99),
    }
}

fn difference(one: Difference) -> proto::SimulatedDifference {
    let Difference {
        ticket,
        in_force,
        candidate,
        solved,
    } = one;
    let group =
        |first: &Option<(GroupId, AgentId)>| show::id(first.as_ref().map(|(group, _)| group));
    let agent =
        |first: &Option<(GroupId, AgentId)>| show::id(first.as_ref().map(|(_, agent)| agent));
    proto::SimulatedDifference {
        ticket_id: ticket.to_string(),
        in_force_group_id: group(&in_force),
        in_force_agent_id: agent(&in_force),
        candidate_group_id: group(&candidate),
        candidate_agent_id: agent(&candidate),
        solved_group_id: show::id(solved.as_ref()),
    }
}
