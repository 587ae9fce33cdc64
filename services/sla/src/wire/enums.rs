//! Enums of the wire and of the domain.
//!
//! What a caller sends is checked: a value that is not known or not allowed is `None`.

use lotse_proto::common::v1 as common;
use lotse_proto::sla::v1 as sla;

use crate::domain::{
    ActionState, AlertState, Author, BotPhase, Channel, HandOn, Metric, Priority, ResolutionEnd,
    State, Status, TargetKind,
};

/// Both directions between a wire enum and a domain enum with the same values.
macro_rules! both {
    ($read:ident, $write:ident, $wire:ty, $domain:ty, $($value:ident)+) => {
        /// The domain's value; `None` for one that is unspecified or unknown.
        pub(crate) fn $read(value: i32) -> Option<$domain> {
            match <$wire>::try_from(value).ok()? {
                <$wire>::Unspecified => None,
                $(<$wire>::$value => Some(<$domain>::$value),)+
            }
        }

        /// The wire's value.
        pub(crate) fn $write(value: $domain) -> $wire {
            match value {
                $(<$domain>::$value => <$wire>::$value,)+
            }
        }
    };
}

both!(metric, to_metric, common::SlaMetric, Metric,
    FirstReply NextReply PeriodicUpdate PausableUpdate RequesterWait AgentWork TotalResolution Idle
    GroupOwnership Pickup);
both!(state, to_state, common::ClockState, State,
    Running Paused Met Breached Cancelled);
both!(priority, to_priority, common::Priority, Priority,
    Urgent High Normal Low);
both!(channel, to_channel, common::Channel, Channel,
    Email Chat Phone Web Api Social WalkIn);
both!(author, to_author, common::AuthorKind, Author,
    Requester Human Bot Automation System);
both!(bot_phase, to_bot_phase, sla::BotPhase, BotPhase,
    Counts Excluded);
both!(target_kind, to_target_kind, sla::EscalationTargetKind, TargetKind,
    TicketAgent Agent OnDuty GroupLead Team NotificationTarget);
both!(alert_state, to_alert_state, sla::AlertState, AlertState,
    Open Held Acknowledged Resolved);
both!(action_state, to_action_state, sla::ReactionActionState, ActionState,
    Pending Done Dropped Parked);
both!(hand_on, to_hand_on, sla::HandOn, HandOn,
    Requeue Escalate);
both!(resolution_end, to_resolution_end, sla::ResolutionEnd, ResolutionEnd,
    Solved Closed);

/// The domain's value; `None` for one that is unspecified or unknown.
pub(crate) fn status(value: i32) -> Option<Status> {
    match common::TicketStatus::try_from(value).ok()? {
        common::TicketStatus::Unspecified => None,
        common::TicketStatus::New => Some(Status::New),
        common::TicketStatus::Open => Some(Status::Open),
        common::TicketStatus::Pending => Some(Status::Pending),
        common::TicketStatus::OnHold => Some(Status::OnHold),
        common::TicketStatus::Solved => Some(Status::Solved),
        common::TicketStatus::Closed => Some(Status::Closed),
    }
}
