//! The enums of the API and those of the domain.

use lotse_errors::Violations;
use lotse_proto::common::v1 as proto;
use lotse_proto::intake::v1::LanguageBasis;
use lotse_proto::journal::v1::ticket_status_changed::Change as ProtoChange;

use crate::domain::language::Basis;
use crate::domain::lifecycle::Change;
use crate::domain::words::{AuthorKind, Channel, Priority, Status, Visibility};

pub(crate) fn status(status: Status) -> proto::TicketStatus {
    match status {
        Status::New => proto::TicketStatus::New,
        Status::Open => proto::TicketStatus::Open,
        Status::Pending => proto::TicketStatus::Pending,
        Status::OnHold => proto::TicketStatus::OnHold,
        Status::Solved => proto::TicketStatus::Solved,
        Status::Closed => proto::TicketStatus::Closed,
    }
}

pub(crate) fn channel(channel: Channel) -> proto::Channel {
    match channel {
        Channel::Email => proto::Channel::Email,
        Channel::Chat => proto::Channel::Chat,
        Channel::Phone => proto::Channel::Phone,
        Channel::Web => proto::Channel::Web,
        Channel::Api => proto::Channel::Api,
        Channel::Social => proto::Channel::Social,
        Channel::WalkIn => proto::Channel::WalkIn,
    }
}

pub(crate) fn priority(priority: Priority) -> proto::Priority {
    match priority {
        Priority::Urgent => proto::Priority::Urgent,
        Priority::High => proto::Priority::High,
        Priority::Normal => proto::Priority::Normal,
        Priority::Low => proto::Priority::Low,
    }
}

pub(crate) fn author_kind(kind: AuthorKind) -> proto::AuthorKind {
    match kind {
        AuthorKind::Requester => proto::AuthorKind::Requester,
        AuthorKind::Human => proto::AuthorKind::Human,
        AuthorKind::Bot => proto::AuthorKind::Bot,
        AuthorKind::Automation => proto::AuthorKind::Automation,
        AuthorKind::System => proto::AuthorKind::System,
    }
}

pub(crate) fn visibility(visibility: Visibility) -> proto::Visibility {
    match visibility {
        Visibility::Public => proto::Visibility::Public,
        Visibility::Internal => proto::Visibility::Internal,
    }
}

pub(crate) fn basis(basis: Basis) -> LanguageBasis {
    match basis {
        Basis::Given => LanguageBasis::Given,
        Basis::Detected => LanguageBasis::Detected,
        Basis::Requester => LanguageBasis::Requester,
        Basis::Uncertain => LanguageBasis::Uncertain,
    }
}

pub(crate) fn change(change: Change) -> ProtoChange {
    match change {
        Change::TakenUp => ProtoChange::TakenUp,
        Change::Waited => ProtoChange::Waited,
        Change::Held => ProtoChange::Held,
        Change::Resumed => ProtoChange::Resumed,
        Change::RequesterWrote => ProtoChange::RequesterWrote,
        Change::Solved => ProtoChange::Solved,
        Change::Reopened => ProtoChange::Reopened,
        Change::Closed => ProtoChange::Closed,
        Change::ClosedByTimer => ProtoChange::ClosedByTimer,
    }
}

/// Reads an enum that must be given: `all` are the domain's values, `of` their numbers.
fn required<T: Copy>(
    wrong: &mut Violations,
    field: &str,
    given: i32,
    all: &[T],
    of: impl Fn(T) -> i32,
) -> Option<T> {
    let found = all.iter().copied().find(|value| of(*value) == given);
    let description = if given == 0 {
        "is required"
    } else {
        "is not a known value"
    };
    wrong.require(field, found.is_some(), description);
    found
}

pub(crate) fn read_channel(wrong: &mut Violations, given: i32) -> Option<Channel> {
    required(wrong, "channel", given, Channel::ALL, |value| {
        channel(value).into()
    })
}

/// Unspecified is NORMAL.
pub(crate) fn read_priority(wrong: &mut Violations, field: &str, given: i32) -> Option<Priority> {
    match given {
        0 => Some(Priority::Normal),
        given => required(wrong, field, given, Priority::ALL, |value| {
            priority(value).into()
        }),
    }
}

pub(crate) fn read_author_kind(wrong: &mut Violations, given: i32) -> Option<AuthorKind> {
    required(wrong, "author.kind", given, AuthorKind::ALL, |value| {
        author_kind(value).into()
    })
}

pub(crate) fn read_visibility(wrong: &mut Violations, given: i32) -> Option<Visibility> {
    required(wrong, "visibility", given, Visibility::ALL, |value| {
        visibility(value).into()
    })
}
