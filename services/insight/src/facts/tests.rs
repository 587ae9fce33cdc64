use std::collections::BTreeMap;

use lotse_proto::common::v1::{
    AuthorKind, Channel, ClockState, TicketStatus, TransferReason, Visibility,
};
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_proto::journal::v1::ticket_status_changed::Change as Status;
use lotse_proto::journal::v1::{
    MessageAdded, TicketAssigned, TicketCreated, TicketEscalated, TicketStatusChanged,
    TicketTransferred, TicketUpdated,
};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::facts::detail::{Cycle, CycleState, Episode, Stay};

/// An event of one of our tickets.
type Happening = (&'static str, i64, Body);

/// The tables, as maps.
#[derive(Debug, Default, PartialEq)]
struct Tables {
    tickets: BTreeMap<String, Ticket>,
    clocks: BTreeMap<String, SlaClock>,
    invitations: BTreeMap<String, Invitation>,
    details: Details,
}

impl Tables {
    /// What the consumer does with a batch.
    fn apply(&mut self, batch: &[Happening]) {
        let events = || {
            batch.iter().map(|(ticket, at, body)| Event {
                ticket_id: Some(ticket),
                at: Timestamp::from_millis(*at),
                body,
            })
        };
        fn pick<T: Clone>(table: &BTreeMap<String, T>, ids: BTreeSet<String>) -> Vec<T> {
            ids.iter().filter_map(|id| table.get(id).cloned()).collect()
        }
        let needed = Needed::by(events());
        let mut facts = Facts::new(
            pick(&self.tickets, needed.tickets),
            pick(&self.clocks, needed.clocks),
            pick(&self.invitations, needed.invitations),
        );
        for event in events() {
            facts.fold(event);
        }
        let changes = facts.into_changes();
        let Changes {
            tickets,
            clocks,
            invitations,
            details,
        } = changes;
        self.tickets
            .extend(tickets.into_iter().map(|row| (row.id.clone(), row)));
        self.clocks
            .extend(clocks.into_iter().map(|row| (row.id.clone(), row)));
        self.invitations
            .extend(invitations.into_iter().map(|row| (row.id.clone(), row)));
        self.details.cycles.extend(details.cycles);
        self.details.episodes.extend(details.episodes);
        self.details.stays.extend(details.stays);
    }
}

fn folded(happenings: &[Happening]) -> Tables {
    let mut tables = Tables::default();
    tables.apply(happenings);
    tables
}

/// The one ticket of a story, whose first word is its creation at 0.
fn ticket(rest: Vec<(i64, Body)>) -> (Ticket, Details) {
    let story = std::iter::once((0, created())).chain(rest);
    let story: Vec<Happening> = story.map(|(at, body)| ("t", at, body)).collect();
    let mut tables = folded(&story);
    (tables.tickets.remove("t").unwrap(), tables.details)
}

fn created() -> Body {
    Body::TicketCreated(TicketCreated {
        channel: Channel::Email.into(),
        ..TicketCreated::default()
    })
}

fn status(to: TicketStatus, change: Status) -> Body {
    Body::TicketStatusChanged(TicketStatusChanged {
        to: to.into(),
        change: change.into(),
        ..TicketStatusChanged::default()
    })
}

fn solved() -> Body {
    status(TicketStatus::Solved, Status::Solved)
}

fn message(author: AuthorKind, visibility: Visibility) -> Body {
    Body::MessageAdded(MessageAdded {
        author_kind: author.into(),
        visibility: visibility.into(),
        ..MessageAdded::default()
    })
}

fn reply() -> Body {
    message(AuthorKind::Human, Visibility::Public)
}

fn asks() -> Body {
    message(AuthorKind::Requester, Visibility::Public)
}

fn assigned(group: &str, agent: &str) -> Body {
    Body::TicketAssigned(TicketAssigned {
        group_id: group.to_owned(),
        agent_id: agent.to_owned(),
        tier: 1,
        ..TicketAssigned::default()
    })
}

fn transferred(to: &str, misroute: bool) -> Body {
    Body::TicketTransferred(TicketTransferred {
        from_group_id: "g1".to_owned(),
        to_group_id: to.to_owned(),
        reason: TransferReason::WrongSkill.into(),
        misroute,
        ..TicketTransferred::default()
    })
}

fn escalated() -> Body {
    Body::TicketEscalated(TicketEscalated {
        to_tier: 2,
        to_group_id: "g9".to_owned(),
        ..TicketEscalated::default()
    })
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn cycles(details: &Details) -> Vec<(i64, CycleState, Option<i64>)> {
    let cycle = |cycle: &Cycle| {
        let replied = cycle.replied_at.map(Timestamp::as_millis);
        (cycle.started_at.as_millis(), cycle.state, replied)
    };
    details.cycles.values().map(cycle).collect()
}

#[test]
fn only_public_human_words_reply_and_further_questions_do_not_restart_the_wait() {
    let (ticket, details) = ticket(vec![
        (1, message(AuthorKind::Bot, Visibility::Public)),
        (2, message(AuthorKind::Human, Visibility::Internal)),
        (5, reply()),
        (7, asks()),
        (8, asks()),
        (9, reply()),
        (10, reply()),
    ]);
    assert_eq!(ticket.first_reply_at, Some(at(5)));
    assert_eq!(ticket.replies, 3);
    let expected = [
        (0, CycleState::Answered, Some(5)),
        (7, CycleState::Answered, Some(9)),
    ];
    assert_eq!(cycles(&details), expected);
}

#[test]
fn solving_without_a_reply_drops_the_cycle_and_a_thank_you_waits_for_nobody() {
    let (ticket, details) = ticket(vec![(3, solved()), (4, asks())]);
    assert_eq!(ticket.first_reply_at, None);
    let expected = [
        (0, CycleState::Dropped, None),
        (4, CycleState::AfterEnd, None),
    ];
    assert_eq!(cycles(&details), expected);
}

#[test]
fn reopening_by_a_message_waits_since_that_message_whichever_comes_first() {
    let reopened = || status(TicketStatus::Open, Status::RequesterWrote);
    let message_first = ticket(vec![
        (3, solved()),
        (8, asks()),
        (8, reopened()),
        (9, reply()),
    ]);
    let reopening_first = ticket(vec![
        (3, solved()),
        (8, reopened()),
        (8, asks()),
        (9, reply()),
    ]);
    assert_eq!(message_first, reopening_first);
    let (ticket, details) = message_first;
    let expected = [
        (0, CycleState::Dropped, None),
        (8, CycleState::Answered, Some(9)),
    ];
    assert_eq!(cycles(&details), expected);
    assert_eq!(
        (ticket.reopenings, ticket.first_reopened_at),
        (1, Some(at(8)))
    );
    assert_eq!(ticket.replies_before_solved, 0);
}

#[test]
fn each_reopening_opens_an_episode_and_closing_after_solving_ends_none() {
    let (ticket, details) = ticket(vec![
        (3, solved()),
        (5, status(TicketStatus::Open, Status::Reopened)),
        (7, solved()),
        (9, status(TicketStatus::Closed, Status::Closed)),
    ]);
    assert!(ticket.is_solved());
    assert_eq!(
        (ticket.first_solved_at, ticket.solved_at),
        (Some(at(3)), Some(at(7)))
    );
    let episode = |episode: &Episode| {
        (
            episode.opened_at.as_millis(),
            episode.ended_at.map(Timestamp::as_millis),
        )
    };
    let episodes: Vec<_> = details.episodes.values().map(episode).collect();
    assert_eq!(episodes, [(0, Some(3)), (5, Some(7))]);
}

#[test]
fn a_reopened_ticket_is_not_solved_and_one_closed_unsolved_never_was() {
    let reopened = status(TicketStatus::Open, Status::Reopened);
    let (again, _) = ticket(vec![(3, solved()), (5, reopened)]);
    assert!(!again.is_solved() && again.solved_at == Some(at(3)));
    let (spam, details) = ticket(vec![(3, status(TicketStatus::Closed, Status::Closed))]);
    assert!(!spam.is_solved() && spam.handled_at.is_none());
    assert_eq!(details.episodes[&("t".to_owned(), 0)].ended_at, Some(at(3)));
}

#[test]
fn a_queue_does_not_handle_but_an_agent_does() {
    let queued = ticket(vec![(1, assigned("g1", ""))]).0;
    assert_eq!(
        (queued.handled_at, queued.first_group.as_deref()),
        (None, Some("g1"))
    );
    for handling in [
        assigned("g1", "ann"),
        reply(),
        transferred("g2", true),
        escalated(),
        solved(),
    ] {
        assert_eq!(ticket(vec![(4, handling)]).0.handled_at, Some(at(4)));
    }
}

#[test]
fn a_transfer_within_the_group_counts_but_the_stay_goes_on() {
    let (ticket, details) = ticket(vec![
        (1, assigned("g1", "ann")),
        (2, transferred("g1", false)),
        (5, transferred("g2", true)),
        (9, solved()),
    ]);
    assert_eq!((ticket.transfers, ticket.misroutes), (2, 1));
    assert_eq!(ticket.first_transferred_at, Some(at(2)));
    let stay = |stay: &Stay| {
        let left = stay.left_at.map(Timestamp::as_millis);
        (
            stay.group.clone().unwrap(),
            stay.entered_at.as_millis(),
            left,
        )
    };
    let stays: Vec<_> = details.stays.values().map(stay).collect();
    assert_eq!(
        stays,
        [("g1".to_owned(), 1, Some(5)), ("g2".to_owned(), 5, Some(9))]
    );
}

#[test]
fn who_solved_is_whom_the_event_names_or_who_had_it() {
    let (had, _) = ticket(vec![(1, assigned("g1", "ann")), (2, solved())]);
    assert_eq!(had.solved_by.as_deref(), Some("ann"));
    let named = Body::TicketStatusChanged(TicketStatusChanged {
        to: TicketStatus::Solved.into(),
        agent_id: "bob".to_owned(),
        ..TicketStatusChanged::default()
    });
    let (named, _) = ticket(vec![(1, assigned("g1", "ann")), (2, named)]);
    assert_eq!(named.solved_by.as_deref(), Some("bob"));
}

#[test]
fn late_mail_moves_the_first_reply_back() {
    let (ticket, _) = ticket(vec![(9, reply()), (4, reply())]);
    assert_eq!(ticket.first_reply_at, Some(at(4)));
}

#[test]
fn only_fields_named_as_changed_change() {
    let update = Body::TicketUpdated(TicketUpdated {
        changed: vec!["category".to_owned()],
        category: "access".to_owned(),
        language: "sv".to_owned(),
        ..TicketUpdated::default()
    });
    let (ticket, _) = ticket(vec![(1, update)]);
    assert_eq!(
        (ticket.category.as_deref(), ticket.language),
        (Some("access"), None)
    );
}

#[test]
fn events_of_a_ticket_never_created_change_nothing() {
    let mut facts = Facts::default();
    let body = solved();
    assert!(!facts.fold(Event {
        ticket_id: Some("t"),
        at: at(1),
        body: &body
    }));
    assert_eq!(facts.into_changes(), Changes::default());
}

fn clock(state: ClockState, transition: Transition) -> Body {
    Body::ClockChanged(ClockChanged {
        clock_id: "clk".to_owned(),
        state: state.into(),
        transition: transition.into(),
        ..ClockChanged::default()
    })
}

/// Anything that can happen to a ticket after its creation, sensible or not.
fn anything() -> impl Strategy<Value = Body> {
    prop_oneof![
        Just(solved()),
        Just(status(TicketStatus::Open, Status::Reopened)),
        Just(status(TicketStatus::Open, Status::RequesterWrote)),
        Just(status(TicketStatus::Pending, Status::Waited)),
        Just(status(TicketStatus::Closed, Status::Closed)),
        Just(reply()),
        Just(asks()),
        Just(message(AuthorKind::Automation, Visibility::Internal)),
        Just(assigned("g1", "ann")),
        Just(assigned("g2", "")),
        Just(transferred("g2", true)),
        Just(transferred("g1", false)),
        Just(escalated()),
        Just(clock(ClockState::Running, Transition::Started)),
        Just(clock(ClockState::Breached, Transition::Breached)),
        Just(clock(ClockState::Met, Transition::BreachRetracted)),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let ticket = prop_oneof![Just("a"), Just("b"), Just("c")];
    let rest = prop::collection::vec((ticket, anything()), 0..40);
    rest.prop_map(|rest| {
        let begin = ["a", "b", "c"].map(|ticket| (ticket, created()));
        let all = begin.into_iter().chain(rest);
        all.zip(0..)
            .map(|((ticket, body), at)| (ticket, at, body))
            .collect()
    })
}

proptest! {
    #[test]
    fn batches_cut_anywhere_give_the_same_facts(
        happenings in happenings(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> =
            cuts.iter().map(|cut| cut.index(happenings.len() + 1)).collect();
        cuts.sort_unstable();
        let mut tables = Tables::default();
        let mut from = 0;
        for cut in cuts.into_iter().chain([happenings.len()]) {
            tables.apply(&happenings[from..cut]);
            from = cut;
        }
        prop_assert_eq!(tables, folded(&happenings));
    }

    #[test]
    fn counters_agree_with_the_rows_beside_them(happenings in happenings()) {
        let tables = folded(&happenings);
        for (id, ticket) in &tables.tickets {
            let mine = |key: &&(String, i64)| key.0 == *id;
            let Details { cycles, episodes, stays } = &tables.details;
            prop_assert_eq!(cycles.keys().filter(mine).count() as i64, ticket.cycle.number);
            prop_assert_eq!(episodes.keys().filter(mine).count() as i64, ticket.reopenings + 1);
            prop_assert_eq!(stays.keys().filter(mine).count() as i64, ticket.stay_number);
            let open = episodes.iter().filter(|(key, row)| key.0 == *id && row.ended_at.is_none());
            let done = matches!(ticket.status, TicketStatus::Solved | TicketStatus::Closed);
            prop_assert_eq!(open.count(), usize::from(!done));
            let here = stays.iter().filter(|(key, row)| key.0 == *id && row.left_at.is_none());
            prop_assert_eq!(here.count(), usize::from(ticket.stay_entered_at.is_some()));
            let transfers = happenings.iter().filter(|(of, _, body)| {
                of == id && matches!(body, Body::TicketTransferred(_))
            });
            prop_assert_eq!(transfers.count() as i64, ticket.transfers);
        }
    }
}
