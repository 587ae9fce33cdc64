//! The state machine on any ticket's life: against the naive model, and whenever timers fire.

use lotse_clock::Timestamp;
use lotse_sla::domain::{
    Author, BotPhase, Change, Metric, Priority, ResolutionEnd, State, Status, Transition,
};
use lotse_sla::settings::Preset;
use proptest::prelude::*;

use crate::naive::{Naive, naive};
use crate::suite::MONDAY_NINE;
use crate::vectors::format::{
    At, CalendarText, ClockText, EventText, PolicyText, Span, TargetText, Vector, What,
};
use crate::vectors::pure::{Outcome, Timers, run};

const MINUTE: i64 = 60_000;

fn at(minute: i64) -> At {
    At(Timestamp::from_millis(
        MONDAY_NINE.as_millis() + minute * MINUTE,
    ))
}

fn event(at: At, recorded: Option<At>, what: What) -> EventText {
    EventText {
        at,
        recorded,
        other: false,
        language: String::new(),
        organisation: String::new(),
        what,
    }
}

fn what() -> impl Strategy<Value = What> {
    let status = prop::sample::select(Status::ALL);
    prop_oneof![
        3 => status.clone().prop_map(What::Status),
        2 => status.prop_map(What::AgentSets),
        3 => Just(What::RequesterWrites {}),
        2 => prop::sample::select(&[Author::Human, Author::Bot][..]).prop_map(What::Reply),
        1 => Just(What::Note {}),
        4 => hands(),
        2 => prop::sample::select(&[Priority::High, Priority::Normal][..]).prop_map(What::Priority),
    ]
}

fn hands() -> impl Strategy<Value = What> {
    let ways: [fn(String) -> What; 6] = [
        What::Group,
        What::Queued,
        What::PickedUp,
        What::Transfer,
        What::TransferToAgent,
        What::Escalate,
    ];
    let way = prop::sample::select(ways.to_vec());
    let group = prop::sample::select(&["one", "two"][..]);
    prop_oneof![
        6 => (way, group).prop_map(|(way, group)| way(group.to_owned())),
        1 => Just(What::Released(())),
    ]
}

fn targets(hours: bool) -> impl Strategy<Value = Vec<TargetText>> {
    prop::collection::vec((1..300_i64, 1..300_i64), Metric::ALL.len()).prop_map(move |minutes| {
        let both = |(metric, (normal, high)): (&Metric, (i64, i64))| {
            [(None, normal), (Some(Priority::High), high)].map(|(priority, minutes)| TargetText {
                metric: *metric,
                target: Span(minutes * MINUTE),
                priority,
                calendar: hours.then(|| "hours".to_owned()),
            })
        };
        Metric::ALL.iter().zip(minutes).flat_map(both).collect()
    })
}

/// Any ticket's life, in order, in minutes.
fn lives() -> impl Strategy<Value = Vector> {
    let ends_at = prop::sample::select(ResolutionEnd::ALL);
    let events = prop::collection::vec((0..150_i64, what()), 0..25);
    (any::<bool>(), ends_at, events).prop_flat_map(|(hours, ends_at, events)| {
        targets(hours).prop_map(move |targets| life(hours, ends_at, targets, &events))
    })
}

fn life(
    hours: bool,
    ends_at: ResolutionEnd,
    targets: Vec<TargetText>,
    events: &[(i64, What)],
) -> Vector {
    let mut now = 0;
    let mut all = vec![event(at(0), None, What::Created(Priority::Normal))];
    for (gap, what) in events {
        now += gap;
        all.push(event(at(now), None, what.clone()));
    }
    let hours = hours.then(|| CalendarText {
        name: "hours".to_owned(),
        zone: "UTC".to_owned(),
        preset: Some(Preset::BusinessHours),
        week: Vec::new(),
        overrides: Vec::new(),
        rebase: false,
    });
    Vector {
        rule: "any".to_owned(),
        calendars: hours.into_iter().collect(),
        policies: vec![PolicyText {
            name: "p".to_owned(),
            priorities: Vec::new(),
            groups: Vec::new(),
            languages: Vec::new(),
            organisations: Vec::new(),
            targets,
            warn: vec![50, 90],
            ends_at,
            replies: vec![Author::Human],
            bot_phase: BotPhase::Excluded,
            rebase: false,
        }],
        events: all,
        look: at(now + 200),
        clocks: Vec::new(),
        other_clocks: Vec::new(),
        told: None,
    }
}

fn stand(vector: &Vector, timers: Timers) -> Vec<ClockText> {
    let outcome = run(vector, timers);
    outcome
        .clocks
        .iter()
        .map(|clock| ClockText::of(clock, vector.look.0))
        .collect()
}

/// The same, but what happens is recorded later, and so in another order.
fn delayed() -> impl Strategy<Value = Vector> {
    let delays = prop::collection::vec(prop_oneof![3 => Just(0), 1 => 0..400_i64], 25);
    (lives(), delays).prop_map(|(mut vector, delays)| {
        for (event, delay) in vector.events[1..].iter_mut().zip(delays) {
            let happened = event.at.0.as_millis();
            event.recorded = Some(At(Timestamp::from_millis(happened + delay * MINUTE)));
        }
        vector.events.sort_by_key(EventText::recorded);
        let last = vector
            .events
            .last()
            .map_or(MONDAY_NINE, EventText::recorded);
        vector.look = At(last.max(vector.look.0));
        vector
    })
}

/// Every clock but for what was warned about: a warning was right when it was given.
fn stand_but_warnings(vector: &Vector, timers: Timers) -> Vec<ClockText> {
    let mut clocks = stand(vector, timers);
    clocks.iter_mut().for_each(|clock| clock.warned = 0);
    clocks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn clocks_stand_where_a_look_at_every_minute_puts_them(vector in lives()) {
        let found = stand(&vector, Timers::Never);
        let found: Vec<_> = found.into_iter().map(Naive::of).collect();
        prop_assert_eq!(found, naive(&vector));
    }

    #[test]
    fn it_does_not_matter_when_timers_fire(vector in lives()) {
        let Outcome { clocks: promptly, told, .. } = run(&vector, Timers::AtOnceAndTwice);
        let promptly: Vec<_> =
            promptly.iter().map(|clock| ClockText::of(clock, vector.look.0)).collect();
        prop_assert_eq!(&stand(&vector, Timers::Late), &promptly);
        let Outcome { clocks, told: told_at_the_end, .. } = run(&vector, Timers::Never);
        let never: Vec<_> =
            clocks.iter().map(|clock| ClockText::of(clock, vector.look.0)).collect();
        prop_assert_eq!(&never, &promptly);
        // Nor to what is told.
        let words = |told: &[_]| {
            let mut words: Vec<_> = told.iter().map(crate::vectors::pure::words).collect();
            words.sort();
            words
        };
        prop_assert_eq!(words(&told), words(&told_at_the_end));
    }

    #[test]
    fn nor_when_events_arrive_behind_their_time(vector in delayed()) {
        let promptly = stand_but_warnings(&vector, Timers::AtOnceAndTwice);
        prop_assert_eq!(&stand_but_warnings(&vector, Timers::Late), &promptly);
        prop_assert_eq!(&stand_but_warnings(&vector, Timers::Never), &promptly);
        let Outcome { clocks, told, .. } = run(&vector, Timers::AtOnceAndTwice);
        for clock in &clocks {
            let count = |transition: Transition| {
                let same = |change: &&Change| {
                    (change.clock.metric, change.clock.cycle, change.transition)
                        == (clock.metric, clock.cycle, transition)
                };
                told.iter().filter(same).count()
            };
            let (breaches, retractions) =
                (count(Transition::Breached), count(Transition::BreachRetracted));
            let broken = clock.state == State::Breached;
            prop_assert_eq!(breaches, retractions + usize::from(broken), "{:?}", clock);
        }
        for clock in &promptly {
            let broken = clock.state == State::Breached;
            prop_assert_eq!(clock.breached.is_some(), broken, "{:?}", clock);
            if broken {
                prop_assert_eq!(clock.breached, clock.due);
            }
            if clock.state == State::Met && clock.due.is_some() {
                prop_assert!(clock.fulfilled <= clock.due, "{:?}", clock);
            }
        }
    }

    #[test]
    fn a_reply_counts_from_its_own_time_however_late_it_arrives(
        replies in prop::collection::vec((1..200_i64, 0..200_i64), 1..6),
        target in 1..200_i64,
        timers in prop::sample::select(&[Timers::AtOnceAndTwice, Timers::Late, Timers::Never][..]),
    ) {
        let targets = vec![TargetText {
            metric: Metric::FirstReply,
            target: Span(target * MINUTE),
            priority: None,
            calendar: None,
        }];
        let mut vector = life(false, ResolutionEnd::Solved, targets, &[]);
        vector.look = at(500);
        let mut late = replies.clone();
        late.sort_by_key(|(happened, delay)| happened + delay);
        vector.events.extend(late.iter().map(|(happened, delay)| event(at(*happened), Some(at(happened + delay)), What::Reply(Author::Human))));
        let first = replies.iter().map(|(happened, _)| *happened).min();
        let in_time = first.is_some_and(|first| first <= target);
        let found = stand(&vector, timers);
        let expected = if in_time { State::Met } else { State::Breached };
        prop_assert_eq!(found[0].state, expected);
        prop_assert_eq!(found.len(), 1);
    }
}

#[test]
fn what_arrives_late_does_not_change_when_a_breach_was_noticed() {
    let targets = vec![TargetText {
        metric: Metric::FirstReply,
        target: Span(60 * MINUTE),
        priority: None,
        calendar: None,
    }];
    let mut vector = life(false, ResolutionEnd::Solved, targets, &[]);
    vector.look = at(500);
    vector
        .events
        .push(event(at(30), Some(at(200)), What::Note {}));
    let clocks = run(&vector, Timers::AtOnceAndTwice).clocks;
    let noticed = Timestamp::from_millis(at(60).0.as_millis() + 1);
    assert_eq!(clocks[0].times.detected, Some(noticed));
}
