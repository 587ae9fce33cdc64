//! The parts of an explanation on any ticket's life: other plans, hours, holidays and clock changes
//! in between, events that come late, timers that fire at once or never.

use std::collections::BTreeMap;
use std::sync::Arc;

use lotse_calendar::{Calendar, Holiday, Shift, Source, Spec, Weekday};
use lotse_clock::Timestamp;
use lotse_sla::domain::{
    Author, BotPhase, CalendarRef, CalendarVersion, Catalog, Clock, Conditions, Event, Fact, Hand,
    Kind, Metric, Phase, Plan, PlanRef, PolicyContent, PolicyRef, PolicyVersion, Priority, Reason,
    Record, Replan, ResolutionEnd, Segment, State, Status, Target, explain,
};
use proptest::prelude::*;

/// Friday, 27 March 2026, 15:00 UTC: clocks are set forward in Berlin on the 29th.
const FRIDAY: i64 = 1_774_623_600_000;
const MINUTE: i64 = 60_000;

/// Office hours and a night shift in Berlin, with a holiday on Monday.
fn hours() -> Calendar {
    let shift = |day, from: &str, to: &str| Shift {
        day,
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    };
    let mut week: Vec<_> = Weekday::ALL[..5]
        .iter()
        .map(|day| shift(*day, "09:00", "17:30"))
        .collect();
    week.push(shift(Weekday::Saturday, "22:00", "06:00"));
    let spec = Spec {
        zone: "Europe/Berlin".to_owned(),
        version: 1,
        week,
        overrides: Vec::new(),
    };
    let holiday = Holiday {
        date: "2026-03-30".parse().unwrap(),
        name: "Harbour Day".to_owned(),
        source: Source::Region("DE-HH".to_owned()),
    };
    Calendar::with_holidays(spec, vec![holiday]).unwrap()
}

/// A policy with these targets in minutes, on the hours or around the clock; `None`: no promise.
type Promises = Vec<Option<(i64, bool)>>;

fn plans(promises: &[Promises; 3], ends_at: ResolutionEnd) -> Vec<Arc<Plan>> {
    let reference = CalendarRef {
        id: "hours".to_owned(),
        version: 1,
    };
    let policy = |promises: &Promises, version: u32| {
        let targets = Metric::ALL
            .iter()
            .zip(promises)
            .filter_map(|(metric, promise)| {
                let (minutes, hours) = (*promise)?;
                Some(Target {
                    metric: *metric,
                    priority: None,
                    millis: minutes * MINUTE,
                    calendar: hours.then(|| "hours".to_owned()),
                })
            });
        PolicyVersion {
            reference: PolicyRef {
                id: "p".to_owned(),
                version,
            },
            current: version == 1,
            content: PolicyContent {
                name: "p".to_owned(),
                position: 0,
                conditions: Conditions::default(),
                targets: targets.collect(),
                warn: vec![50, 90],
                ends_at,
                replies: vec![Author::Human],
                bot_phase: BotPhase::Excluded,
                reactions: Vec::new(),
            },
        }
    };
    let policies = promises
        .iter()
        .zip(1..)
        .map(|(one, version)| policy(one, version));
    let calendar = CalendarVersion {
        reference,
        current: true,
        calendar: Arc::new(hours()),
    };
    let catalog = Catalog::new(policies.collect(), vec![calendar]);
    let plan = |version| PlanRef {
        policy: PolicyRef {
            id: "p".to_owned(),
            version,
        },
        calendars: BTreeMap::from([("hours".to_owned(), 1)]),
        priority: Priority::Normal,
    };
    (1..=3)
        .map(|version| Arc::new(catalog.plan(&plan(version)).unwrap()))
        .collect()
}

/// What happens: minutes after the one before, how many it is recorded late, and which plan comes
/// with it, if any (0: none fits).
#[derive(Clone, Debug)]
struct Happening {
    gap: i64,
    late: i64,
    event: Event,
    human: bool,
    plan: Option<usize>,
}

fn events() -> impl Strategy<Value = Event> {
    let status = prop::sample::select(Status::ALL);
    let group = prop::sample::select(&["one", "two"][..]);
    prop_oneof![
        5 => (status, any::<bool>()).prop_map(|(to, by_requester)| Event::Status { to, by_requester }),
        3 => Just(Event::Wrote),
        3 => prop::sample::select(&[Author::Human, Author::Bot][..]).prop_map(Event::Answered),
        2 => (group, any::<bool>(), any::<bool>()).prop_map(|(group, agent, hop)| Event::Handed(Hand {
            group: Some(group.to_owned()),
            agent,
            hop,
        })),
        2 => Just(Event::Touched),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let late = prop_oneof![4 => Just(0), 1 => 1..2_000_i64];
    let plan = prop_oneof![4 => Just(None), 1 => (0..=3_usize).prop_map(Some)];
    let one = (0..900_i64, late, events(), any::<bool>(), plan);
    prop::collection::vec(
        one.prop_map(|(gap, late, event, human, plan)| Happening {
            gap,
            late,
            event,
            human,
            plan,
        }),
        0..20,
    )
}

fn promises() -> impl Strategy<Value = [Promises; 3]> {
    let promise = prop::option::weighted(0.8, (1..2_000_i64, any::<bool>()));
    let one = || prop::collection::vec(promise.clone(), Metric::ALL.len());
    [one(), one(), one()]
}

/// The record of such a life, and when it was last looked at.
fn lived(
    plans: &[Arc<Plan>],
    happenings: &[Happening],
    prompt: bool,
    look: i64,
) -> (Record, Timestamp) {
    let at = |minute: i64| Timestamp::from_millis(FRIDAY + minute * MINUTE);
    let replan = |plan: usize| Replan {
        plan: plan.checked_sub(1).map(|index| plans[index].clone()),
        reason: Reason::PriorityChanged,
    };
    let mut facts = vec![(
        0,
        Fact {
            at: at(0),
            event: Event::Created {
                for_requester: true,
            },
            human: false,
            absorbed: Vec::new(),
            replan: Some(replan(1)),
        },
    )];
    let mut minute = 0;
    for one in happenings {
        minute += one.gap;
        facts.push((
            minute + one.late,
            Fact {
                at: at(minute),
                event: one.event.clone(),
                human: one.human,
                absorbed: Vec::new(),
                replan: one.plan.map(replan),
            },
        ));
    }
    facts.sort_by_key(|(recorded, _)| *recorded);
    let mut record = Record::new(at(0), true);
    let mut last = 0;
    for (index, (recorded, fact)) in facts.into_iter().enumerate() {
        if prompt {
            record.pass(at(recorded));
        }
        record.take(fact, format!("0:{index}").into(), at(recorded));
        last = recorded;
    }
    let as_of = at(last + look);
    record.pass(as_of);
    (record, as_of)
}

fn check(record: &Record, clock: &Clock, as_of: Timestamp) {
    let segments = explain(record, clock, as_of).unwrap();
    let told = || format!("{clock:#?}\n{segments:#?}");
    for pair in segments.windows(2) {
        assert_eq!(pair[0].end, pair[1].start, "{}", told());
    }
    let sum = |counts: &dyn Fn(&Segment) -> bool| -> i64 {
        let counted = segments.iter().filter(|segment| counts(segment));
        counted.map(|segment| segment.counted).sum()
    };
    let until_now = sum(&|segment| segment.phase != Phase::Future);
    assert_eq!(until_now, clock.used(as_of), "{}", told());
    let until_due = sum(&|segment| segment.phase != Phase::Overdue);
    let by_time = clock.state == State::Breached && clock.reason == Reason::None;
    if by_time || clock.state == State::Running && clock.times.due.is_some() {
        assert_eq!(until_due, clock.terms.target, "{}", told());
    }
    let before =
        |segment: &&Segment| matches!(segment.kind, Kind::Inherited(_) | Kind::Solved { .. });
    if let Some(first) = segments.iter().find(|segment| !before(segment)) {
        assert_eq!(first.start, clock.started_at, "{}", told());
    }
    let end = match clock.state {
        State::Running => clock.times.due.unwrap_or(as_of),
        State::Paused => as_of,
        _ => return,
    };
    let last = segments.last().map_or(clock.started_at, |last| last.end);
    assert_eq!(last, end, "{}", told());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_parts_of_every_clock_add_up(
        promises in promises(),
        ends_at in prop::sample::select(ResolutionEnd::ALL),
        happenings in happenings(),
        prompt in any::<bool>(),
        look in 0..3_000_i64,
    ) {
        let plans = plans(&promises, ends_at);
        let (record, as_of) = lived(&plans, &happenings, prompt, look);
        for clock in record.clocks() {
            check(&record, clock, as_of);
        }
    }
}
