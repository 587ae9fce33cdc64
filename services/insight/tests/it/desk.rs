//! A small desk whose figures can be computed by hand: eight tickets, `a` to `h`.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_journal::Body;
use lotse_proto::common::v1::{
    AuthorKind, Channel, Priority, TicketStatus, TransferReason, Visibility,
};
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::journal::v1::{
    MessageAdded, TicketAssigned, TicketCreated, TicketEscalated, TicketStatusChanged,
    TicketTransferred,
};

use crate::stage::{Stage, instant};

/// Minutes after the desk opened, on Friday, 27 March 2026.
pub(crate) fn minute(minute: u64) -> Timestamp {
    instant("2026-03-27T08:00:00Z") + Duration::from_secs(60 * minute)
}

const DAY: u64 = 24 * 60;

pub(crate) fn created(channel: Channel, category: &str, priority: Priority) -> TicketCreated {
    TicketCreated {
        channel: channel.into(),
        category: category.to_owned(),
        priority: priority.into(),
        language: "en".to_owned(),
        ..TicketCreated::default()
    }
}

pub(crate) fn status(to: TicketStatus, change: Change, agent: &str) -> Body {
    Body::TicketStatusChanged(TicketStatusChanged {
        to: to.into(),
        change: change.into(),
        agent_id: agent.to_owned(),
        ..TicketStatusChanged::default()
    })
}

pub(crate) fn solved(agent: &str) -> Body {
    status(TicketStatus::Solved, Change::Solved, agent)
}

pub(crate) fn says(author: AuthorKind) -> Body {
    Body::MessageAdded(MessageAdded {
        author_kind: author.into(),
        visibility: Visibility::Public.into(),
        ..MessageAdded::default()
    })
}

fn reply() -> Body {
    says(AuthorKind::Human)
}

pub(crate) fn assigned(group: &str, agent: &str) -> Body {
    Body::TicketAssigned(TicketAssigned {
        group_id: group.to_owned(),
        agent_id: agent.to_owned(),
        tier: 1,
        ..TicketAssigned::default()
    })
}

fn transferred(from: &str, to: &str, reason: TransferReason, misroute: bool) -> Body {
    Body::TicketTransferred(TicketTransferred {
        from_group_id: from.to_owned(),
        to_group_id: to.to_owned(),
        to_agent_id: "bob".to_owned(),
        reason: reason.into(),
        misroute,
        ..TicketTransferred::default()
    })
}

/// Everything that happened at the desk.
pub(crate) async fn open(stage: &Stage) {
    replied_and_solved(stage).await;
    transferred_twice(stage).await;
    reopened(stage).await;
    unsolved(stage).await;
    solved_by_telephone(stage).await;
}

async fn replied_and_solved(stage: &Stage) {
    let mut a = created(Channel::Email, "billing", Priority::Normal);
    a.tags = vec!["vip".to_owned()];
    a.attributes = [("made_sla".to_owned(), "true".to_owned())].into();
    let story = vec![
        (minute(0), Body::TicketCreated(a)),
        (minute(10), assigned("g1", "ann")),
        (minute(60), reply()),
        (minute(60), solved("")),
    ];
    stage.ticket("a", story).await;

    // The same requester, the same problem, three days later: `a` was no first contact resolution.
    let mut f = created(Channel::Email, "billing", Priority::Normal);
    f.repeat_of = "a".to_owned();
    let story = vec![
        (minute(3 * DAY), Body::TicketCreated(f)),
        (minute(3 * DAY + 30), reply()),
        (minute(3 * DAY + 50), reply()),
        (minute(3 * DAY + 60), solved("bob")),
    ];
    stage.ticket("f", story).await;
}

async fn transferred_twice(stage: &Stage) {
    let mut b = created(Channel::Phone, "billing", Priority::High);
    b.attributes = [("made_sla".to_owned(), "false".to_owned())].into();
    let story = vec![
        (minute(0), Body::TicketCreated(b)),
        (minute(5), assigned("g1", "ann")),
        (
            minute(30),
            transferred("g1", "g2", TransferReason::WrongSkill, true),
        ),
        (
            minute(40),
            transferred("g2", "g2", TransferReason::Capacity, false),
        ),
        (minute(120), solved("")),
    ];
    stage.ticket("b", story).await;
}

async fn reopened(stage: &Stage) {
    let mut c = created(Channel::Chat, "access", Priority::Normal);
    c.tags = vec!["mobile".to_owned(), "vip".to_owned()];
    let story = vec![
        (minute(60), Body::TicketCreated(c)),
        (minute(62), reply()),
        (minute(70), says(AuthorKind::Requester)),
        (minute(80), reply()),
        (minute(90), solved("ann")),
        (minute(DAY + 90), says(AuthorKind::Requester)),
        (
            minute(DAY + 90),
            status(TicketStatus::Open, Change::RequesterWrote, ""),
        ),
        (minute(DAY + 100), reply()),
        (minute(DAY + 120), solved("ann")),
        (
            minute(2 * DAY),
            status(TicketStatus::Closed, Change::Closed, ""),
        ),
    ];
    stage.ticket("c", story).await;
}

async fn unsolved(stage: &Stage) {
    let escalated = Body::TicketEscalated(TicketEscalated {
        from_tier: 1,
        to_tier: 2,
        from_group_id: "g1".to_owned(),
        to_group_id: "g3".to_owned(),
        ..TicketEscalated::default()
    });
    let d = created(Channel::Web, "access", Priority::Low);
    let story = vec![
        (minute(120), Body::TicketCreated(d)),
        (minute(121), assigned("g1", "ann")),
        (minute(150), escalated),
        (minute(155), reply()),
        (
            minute(160),
            status(TicketStatus::Pending, Change::Waited, ""),
        ),
    ];
    stage.ticket("d", story).await;

    // In a queue; nobody has handled it.
    let e = created(Channel::Phone, "", Priority::Normal);
    let story = vec![
        (minute(180), Body::TicketCreated(e)),
        (minute(181), assigned("g1", "")),
    ];
    stage.ticket("e", story).await;
}

async fn solved_by_telephone(stage: &Stage) {
    // `h` is younger than seven days.
    for (ticket, start) in [("g", minute(240)), ("h", instant("2026-04-09T08:00:00Z"))] {
        let later = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let story = vec![
            (
                start,
                Body::TicketCreated(created(Channel::Phone, "access", Priority::Urgent)),
            ),
            (later(1), assigned("g1", "ann")),
            (later(10), solved("")),
        ];
        stage.ticket(ticket, story).await;
    }
}
