//! Claims about alerts, some cases by hand and then at random.

use lotse_calendar::{TimeOfDay, Weekday};
use proptest::prelude::*;

use super::*;
use crate::domain::Level;

const MINUTE: i64 = 60_000;
/// Monday, 2 March 2026, 09:00 UTC.
const MONDAY_NINE: Timestamp = Timestamp::from_millis(1_772_442_000_000);

fn policy(delays: &[i64], repeat: u32, timeout: Option<i64>) -> EscalationContent {
    EscalationContent {
        name: "p".into(),
        levels: delays
            .iter()
            .map(|delay| Level {
                delay: *delay,
                targets: Vec::new(),
            })
            .collect(),
        repeat,
        repeat_after: 10 * MINUTE,
        acknowledgement_timeout: timeout,
        support_calendar: None,
        notification_targets: Vec::new(),
    }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(MONDAY_NINE.as_millis() + minutes * MINUTE)
}

fn office() -> Calendar {
    let hour = |hour: u32| TimeOfDay::from_seconds(hour * 3_600).unwrap();
    Calendar::business_hours("UTC", hour(9), hour(17), &Weekday::ALL[..5]).unwrap()
}

/// Lets time pass, looking whenever the alert asks for it; what was told, with its minute.
fn until(
    alert: &mut Alert,
    policy: &EscalationContent,
    hours: Option<&Calendar>,
    end: i64,
) -> Vec<(i64, Told)> {
    let mut all = Vec::new();
    while let Some(next) = alert.next_at.filter(|next| *next <= at(end)) {
        let minute = next.millis_since(MONDAY_NINE) / MINUTE;
        let told = alert.apply(Happening::Due, policy, hours, next);
        all.extend(told.into_iter().map(|told| (minute, told)));
    }
    all
}

fn notified(level: u32, round: u32) -> Told {
    Told::Notified {
        level,
        round,
        also_on_duty: false,
    }
}

#[test]
fn levels_follow_with_their_delays_and_repeat_as_often_as_the_policy_says() {
    let policy = policy(&[0, 15 * MINUTE], 1, None);
    let mut alert = Alert::open(&policy, MONDAY_NINE);
    let told = until(&mut alert, &policy, None, 10_000);
    assert_eq!(
        told,
        [
            (0, notified(1, 0)),
            (15, notified(2, 0)),
            (25, notified(1, 1)),
            (40, notified(2, 1)),
        ]
    );
    assert_eq!((alert.state, alert.next_at), (AlertState::Open, None));
}

#[test]
fn an_acknowledgement_that_runs_out_begins_anew_and_tells_whoever_is_on_duty() {
    let policy = policy(&[5 * MINUTE, 15 * MINUTE], 0, Some(30 * MINUTE));
    let mut alert = Alert::open(&policy, MONDAY_NINE);
    assert_eq!(until(&mut alert, &policy, None, 6), [(5, notified(1, 0))]);
    let told = alert.apply(Happening::Acknowledged, &policy, None, at(10));
    assert_eq!(told, [Told::Acknowledged]);
    let again = Told::Notified {
        level: 1,
        round: 1,
        also_on_duty: true,
    };
    let told = until(&mut alert, &policy, None, 10_000);
    let expired = (40, Told::AcknowledgementExpired);
    assert_eq!(told, [expired, (40, again), (55, notified(2, 1))]);
}

#[test]
fn closed_hours_hold_a_level_until_they_open_and_say_so_once() {
    let policy = policy(&[0, 10 * MINUTE], 0, None);
    let hours = office();
    // Friday, 16:55.
    let friday = 4 * 1_440 + 7 * 60 + 55;
    let mut alert = Alert::open(&policy, at(friday));
    let told = until(&mut alert, &policy, Some(&hours), 20_000);
    let monday = 7 * 1_440;
    let held = Told::Held { until: at(monday) };
    assert_eq!(
        told,
        [
            (friday, notified(1, 0)),
            (friday + 10, held),
            (monday, notified(2, 0))
        ]
    );
}

#[test]
fn nobody_who_can_say_whom_a_level_means_is_asked_again_a_few_times() {
    let policy = policy(&[0], 0, Some(MINUTE));
    let mut alert = Alert::open(&policy, MONDAY_NINE);
    let mut now = MONDAY_NINE;
    let mut waits = Vec::new();
    while alert.may_wait() {
        let told = alert.apply(Happening::Unanswered, &policy, None, now);
        assert_eq!(told, []);
        let next = alert.next_at.unwrap();
        waits.push(next.millis_since(now) / 1_000);
        now = next;
    }
    assert_eq!(waits, [5, 10, 20, 40]);
    let told = alert.apply(Happening::Due, &policy, None, now);
    assert_eq!(told, [notified(1, 0)]);
    assert!(alert.may_wait(), "the next level is asked for anew");
}

#[test]
fn an_expired_acknowledgement_is_told_once_however_often_nobody_answers() {
    let policy = policy(&[0], 0, Some(MINUTE));
    let mut alert = Alert::open(&policy, MONDAY_NINE);
    alert.apply(Happening::Acknowledged, &policy, None, MONDAY_NINE);
    let told = alert.apply(Happening::Unanswered, &policy, None, at(1));
    assert_eq!(told, [Told::AcknowledgementExpired]);
    let told = alert.apply(Happening::Unanswered, &policy, None, at(2));
    assert_eq!(told, []);
    let told = alert.apply(Happening::Due, &policy, None, at(3));
    let [
        Told::Notified {
            also_on_duty: true,
            level: 1,
            round: 1,
        },
    ] = told[..]
    else {
        panic!("{told:?}")
    };
}

#[derive(Clone, Debug)]
enum Act {
    Pass(i64),
    Due,
    Unanswered,
    Acknowledge,
    Resolve,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0_i64..3_000).prop_map(Act::Pass),
        8 => Just(Act::Due),
        2 => Just(Act::Unanswered),
        1 => Just(Act::Acknowledge),
        1 => prop::bool::weighted(0.2).prop_map(|end| if end { Act::Resolve } else { Act::Due }),
    ];
    prop::collection::vec(act, 1..120)
}

fn policies() -> impl Strategy<Value = EscalationContent> {
    let delays = prop::collection::vec(0_i64..600, 1..5);
    let timeout = prop::option::of(1_i64..600);
    (delays, 0_u32..4, timeout).prop_map(|(delays, repeat, timeout)| {
        let delays: Vec<_> = delays.into_iter().map(|delay| delay * MINUTE).collect();
        policy(&delays, repeat, timeout.map(|timeout| timeout * MINUTE))
    })
}

proptest! {
    #[test]
    fn whatever_happens_a_level_is_told_once_in_order_and_only_when_it_may_be(
        policy in policies(),
        acts in acts(),
        with_hours in any::<bool>(),
    ) {
        let office = office();
        let hours = with_hours.then_some(&office);
        let mut now = MONDAY_NINE;
        let mut alert = Alert::open(&policy, now);
        let mut last: Option<(u32, u32, Timestamp)> = None;
        let (mut acknowledged, mut over) = (None, false);
        let mut repeats = 0;
        for act in acts {
            let happening = match act {
                Act::Pass(minutes) => {
                    now = Timestamp::from_millis(now.as_millis() + minutes * MINUTE);
                    continue;
                }
                Act::Due => Happening::Due,
                Act::Unanswered => Happening::Unanswered,
                Act::Acknowledge => Happening::Acknowledged,
                Act::Resolve => Happening::Resolved(Resolution::Manual),
            };
            for told in alert.apply(happening, &policy, hours, now) {
                prop_assert!(!over, "nothing after the end");
                match told {
                    Told::Notified { level, round, .. } => {
                        prop_assert_eq!(acknowledged, None, "not while somebody takes care");
                        prop_assert!(hours.is_none_or(|hours| hours.is_open(now)));
                        let wanted = match last {
                            None => level == 1,
                            Some((before, same, _)) if same == round => level == before + 1,
                            Some((_, earlier, _)) => level == 1 && round == earlier + 1,
                        };
                        prop_assert!(wanted, "{level} of {round} after {last:?}");
                        if let Some((_, _, before)) = last.filter(|last| last.1 == round) {
                            let delay = policy.level(level).unwrap().delay;
                            prop_assert!(now.millis_since(before) >= delay);
                        } else if last.is_some() {
                            repeats += 1;
                        }
                        prop_assert!(last.is_none_or(|last| (last.1, last.0) < (round, level)));
                        prop_assert!(repeats <= policy.repeat);
                        last = Some((level, round, now));
                    }
                    Told::Acknowledged => acknowledged = Some(now),
                    Told::AcknowledgementExpired => {
                        let since = acknowledged.take().unwrap();
                        let timeout = policy.acknowledgement_timeout.unwrap();
                        prop_assert!(now.millis_since(since) >= timeout);
                        // The next level 1 is not a repetition of the policy's.
                        repeats = 0;
                        last = last.map(|_| (0, alert.round, Timestamp::EPOCH));
                    }
                    Told::Held { until } => {
                        prop_assert_eq!(acknowledged, None);
                        prop_assert!(until > now);
                    }
                    Told::Resolved(_) => (acknowledged, over) = (None, true),
                }
            }
            prop_assert_eq!(over, alert.state == AlertState::Resolved);
            prop_assert_eq!(acknowledged.is_some(), alert.state == AlertState::Acknowledged);
            prop_assert!(!over || alert.next_at.is_none());
        }
    }
}
