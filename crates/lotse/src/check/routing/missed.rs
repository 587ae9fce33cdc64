//! Whether somebody is free beside a ticket they could have.

use std::time::Duration;

use anyhow::Result;
use lotse_clock::SystemClock;
use lotse_proto::routing::v1 as proto;
use serde::Serialize;

use super::desk::Desk;

/// How long a ticket may wait beside somebody free. Whoever takes over from a killed replica waits
/// until its lease of 5 s has run out, looks for that once a second, and reads its index anew; the
/// rest is for machines that are busy with the check itself.
const MOST: Duration = Duration::from_secs(20);
/// Tickets followed each time.
const SAMPLE: usize = 60;
/// Between two looks at the same tickets.
const PAUSE: Duration = Duration::from_millis(100);

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Missed {
    pub(super) looks: u64,
    /// Tickets that were looked into.
    pub(super) followed: u64,
    /// Those of them that waited beside somebody free for longer than they may.
    pub(super) left_waiting: u64,
    /// The longest that one of them was seen beside somebody free, look after look.
    pub(super) longest_ms: u64,
    pub(super) examples: Vec<String>,
}

impl Missed {
    /// How many promises were broken.
    pub(super) fn broken(&self) -> u64 {
        self.left_waiting
    }

    /// Adds what another look found.
    pub(super) fn add(&mut self, other: Self) {
        self.looks += other.looks;
        self.followed += other.followed;
        self.left_waiting += other.left_waiting;
        self.longest_ms = self.longest_ms.max(other.longest_ms);
        self.examples.extend(other.examples);
    }

    /// Follows some of the tickets that wait now, each until nobody is free beside it.
    pub(super) async fn of(desk: &Desk) -> Result<Self> {
        let request = proto::GetQueueStateRequest {
            max_waiting: 2_000,
            ..proto::GetQueueStateRequest::default()
        };
        let state = desk.routing.clone().get_queue_state(request).await?;
        let waiting = state.into_inner().waiting;
        let step = waiting.len().div_ceil(SAMPLE).max(1);
        let sample = waiting.into_iter().step_by(step);
        let mut tickets: Vec<String> = sample.map(|ticket| ticket.ticket_id).collect();
        let mut missed = Self {
            looks: 1,
            followed: tickets.len() as u64,
            ..Self::default()
        };
        let begun = SystemClock.monotonic();
        loop {
            let mut beside = Vec::new();
            for ticket in tickets {
                if let Some(agent) = free_beside(desk, &ticket).await? {
                    beside.push((ticket, agent));
                }
            }
            let took = SystemClock.monotonic().duration_since(begun);
            if beside.is_empty() {
                return Ok(missed);
            }
            missed.longest_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            if took > MOST {
                missed.left_waiting = beside.len() as u64;
                let examples = beside.iter().take(5);
                missed.examples.extend(
                    examples.map(|(ticket, agent)| format!("{ticket} waits, and {agent} is free")),
                );
                return Ok(missed);
            }
            tickets = beside.into_iter().map(|(ticket, _)| ticket).collect();
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whom a look at this instant would give a waiting ticket to.
async fn free_beside(desk: &Desk, ticket: &str) -> Result<Option<String>> {
    let request = proto::ExplainRoutingRequest {
        ticket_id: ticket.to_owned(),
        ..proto::ExplainRoutingRequest::default()
    };
    let told = desk.routing.clone().explain_routing(request).await?;
    let look = told.into_inner().current;
    Ok(look
        .map(|look| look.agent_id)
        .filter(|agent| !agent.is_empty()))
}
