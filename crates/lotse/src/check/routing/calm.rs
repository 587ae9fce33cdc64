//! Whether somebody is free beside a ticket they could have, when nothing moves.

use std::time::Duration;

use anyhow::Result;
use lotse_clock::SystemClock;
use lotse_proto::routing::v1 as proto;
use serde::Serialize;

use super::desk::Desk;

/// How long it may take until nobody is: whoever takes over from a killed replica waits until its
/// lease has run out.
const MOST: Duration = Duration::from_secs(15);
/// Tickets looked into each time.
const SAMPLE: usize = 60;

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Calm {
    pub(super) looks: u64,
    /// Tickets that waited beside somebody free for longer than they may.
    pub(super) left_waiting: u64,
    /// How long it took until nobody was free beside any, at most.
    pub(super) longest_ms: u64,
    pub(super) examples: Vec<String>,
}

impl Calm {
    /// How many promises were broken.
    pub(super) fn broken(&self) -> u64 {
        self.left_waiting
    }

    /// Looks, while players hold still, until nobody is.
    pub(super) async fn look(&mut self, desk: &Desk) -> Result<()> {
        self.looks += 1;
        let begun = SystemClock.monotonic();
        loop {
            let pairs = pairs(desk).await?;
            let took = SystemClock.monotonic().duration_since(begun);
            if pairs.is_empty() {
                let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                self.longest_ms = self.longest_ms.max(took);
                return Ok(());
            }
            if took > MOST {
                self.left_waiting += pairs.len() as u64;
                self.examples.extend(pairs.into_iter().take(5));
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Waiting tickets that a look at this instant would give to somebody.
async fn pairs(desk: &Desk) -> Result<Vec<String>> {
    let mut routing = desk.routing.clone();
    let request = proto::GetQueueStateRequest::default();
    let waiting = routing.get_queue_state(request).await?.into_inner().waiting;
    let step = (waiting.len() / SAMPLE).max(1);
    let mut pairs = Vec::new();
    for ticket in waiting.into_iter().step_by(step) {
        let request = proto::ExplainRoutingRequest {
            ticket_id: ticket.ticket_id.clone(),
            ..proto::ExplainRoutingRequest::default()
        };
        let told = routing.explain_routing(request).await?.into_inner();
        if let Some(look) = told.current
            && !look.agent_id.is_empty()
        {
            pairs.push(format!(
                "{} waits, and {} is free",
                ticket.ticket_id, look.agent_id
            ));
        }
    }
    Ok(pairs)
}
