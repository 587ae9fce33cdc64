//! What is asked of whom for a snapshot.

pub(super) mod alerts;
pub(super) mod kpis;
pub(super) mod names;
pub(super) mod queue;
pub(super) mod surveys;
pub(super) mod team;
pub(super) mod ticker;

use lotse_clock::Timestamp;
use lotse_proto::common::v1::{Channel, SlaMetric};
use lotse_proto::time;

/// Whole seconds from a time of a message to `now`; 0 when it is missing or later.
fn age(now: Timestamp, at: Option<&prost_types::Timestamp>) -> i64 {
    let at = at.and_then(|at| time::from_proto(at).ok());
    at.map_or(0, |at| (now.millis_since(at) / 1000).max(0))
}

fn channel_name(channel: i32) -> &'static str {
    match Channel::try_from(channel).unwrap_or_default() {
        Channel::Unspecified => "",
        Channel::Email => "email",
        Channel::Chat => "chat",
        Channel::Phone => "phone",
        Channel::Web => "web",
        Channel::Api => "api",
        Channel::Social => "social",
        Channel::WalkIn => "walk-in",
    }
}

fn metric_name(metric: SlaMetric) -> &'static str {
    match metric {
        SlaMetric::Unspecified => "",
        SlaMetric::FirstReply => "first_reply",
        SlaMetric::NextReply => "next_reply",
        SlaMetric::PeriodicUpdate => "periodic_update",
        SlaMetric::PausableUpdate => "pausable_update",
        SlaMetric::RequesterWait => "requester_wait",
        SlaMetric::AgentWork => "agent_work",
        SlaMetric::TotalResolution => "total_resolution",
        SlaMetric::Idle => "idle",
        SlaMetric::GroupOwnership => "group_ownership",
        SlaMetric::Pickup => "pickup",
    }
}
