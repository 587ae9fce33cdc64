//! The words of alerts and reactions, each with the code under which it is stored.

use serde::{Deserialize, Serialize};

use super::vocabulary::codes;

codes! {
    /// How a reaction hands a ticket on.
    enum HandOn {
        /// Back to a group's queue.
        Requeue = "requeue",
        /// Up to a higher tier.
        Escalate = "escalate",
    }

    /// Whom a level of an escalation policy means.
    enum TargetKind {
        /// The agent who has the ticket, else whoever is on duty in its group.
        TicketAgent = "ticket_agent",
        /// A named agent.
        Agent = "agent",
        /// Whoever is on duty in a rota or group.
        OnDuty = "on_duty",
        /// The lead of a group.
        GroupLead = "group_lead",
        /// Another agent of a group.
        Team = "team",
        /// A notification target.
        NotificationTarget = "notification_target",
    }

    /// Where an alert stands.
    enum AlertState {
        /// It climbs.
        Open = "open",
        /// It waits for support hours.
        Held = "held",
        /// Somebody takes care.
        Acknowledged = "acknowledged",
        /// It is over.
        Resolved = "resolved",
    }

    /// What can happen to an alert.
    enum StepKind {
        /// It was opened.
        Opened = "opened",
        /// A level was told.
        Notified = "notified",
        /// Somebody takes care.
        Acknowledged = "acknowledged",
        /// Whoever took care did nothing for too long.
        AcknowledgementExpired = "acknowledgement_expired",
        /// It waits for support hours.
        Held = "held",
        /// It is over.
        Resolved = "resolved",
    }

    /// Why nobody was found for a target.
    enum MissingReason {
        /// The ticket is in no group.
        NoGroup = "no_group",
        /// Nobody is on duty.
        NobodyOnDuty = "nobody_on_duty",
        /// Everybody on duty was told before.
        NobodyLeft = "nobody_left",
        /// The group has no lead.
        NoLead = "no_lead",
        /// Routing did not answer in time.
        Unanswered = "unanswered",
    }

    /// Something that a reaction does to a ticket.
    enum ActionKind {
        /// Raises its priority.
        RaisePriority = "raise_priority",
        /// Puts it back into a queue.
        Requeue = "requeue",
        /// Sends it up.
        Escalate = "escalate",
    }

    /// Where an action stands.
    enum ActionState {
        /// It is to be done.
        Pending = "pending",
        /// It was done.
        Done = "done",
        /// There was nothing left to do.
        Dropped = "dropped",
        /// It failed too often, or will always fail.
        Parked = "parked",
    }

    /// Why an alert is over.
    enum Resolution {
        /// A human agent did something on the ticket.
        Activity = "activity",
        /// The ticket was solved or closed.
        Solved = "solved",
        /// The ticket was merged into another.
        Merged = "merged",
        /// What the clock waits for happened.
        Fulfilled = "fulfilled",
        /// The clock was cancelled.
        Cancelled = "cancelled",
        /// What was taken for a breach was none.
        Retracted = "retracted",
        /// Somebody said so.
        Manual = "manual",
    }
}
