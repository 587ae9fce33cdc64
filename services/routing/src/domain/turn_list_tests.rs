use super::*;
use crate::domain::duty::tests::{desk, exception, monday};
use crate::domain::samples::agent;
use crate::domain::turns::tests::at;

/// Two weeks about Monday.
fn weeks() -> Stretch {
    Stretch {
        from: at("2026-01-01T00:00:00Z"),
        until: at("2026-01-15T00:00:00Z"),
    }
}

#[test]
fn a_list_of_turns_says_of_every_instant_what_that_instant_says() {
    let rota = desk();
    let begin = at("2026-01-05T10:00:00Z");
    let overrides = [
        exception(1, 5, Some(0), begin, 4),
        exception(2, 6, None, begin, 30),
        exception(3, 7, Some(2), at("2026-01-04T10:00:00Z"), 50),
    ];
    let list = rota.turns_within(&overrides, |_| true, weeks());
    let mut instant = weeks().from;
    while instant < weeks().until {
        let lasts = |turn: &&OnDuty| {
            let stretch = turn.from.zip(turn.until);
            stretch.is_some_and(|(from, until)| Stretch { from, until }.contains(instant))
        };
        let mut listed: Vec<OnDuty> = list.iter().filter(lasts).cloned().collect();
        let turns = rota.turns(|_| true, instant);
        let mut told = duty::every_turn(&rota, &turns, &overrides, |_| true, instant);
        for all in [&mut listed, &mut told] {
            all.sort_by(|a, b| (&a.layer, &a.by).cmp(&(&b.layer, &b.by)));
        }
        assert_eq!(listed, told, "at {instant:?}");
        instant = instant + Duration::from_secs(1_800);
    }
    let begins: Vec<_> = list.iter().map(|turn| turn.from).collect();
    assert!(begins.is_sorted(), "{begins:?}");
    // Eleven days, one of them in three pieces.
    assert_eq!(list.iter().filter(|turn| turn.layer == "first").count(), 13);
    assert_eq!(list.iter().filter(|turn| turn.by.is_some()).count(), 3);
}

#[test]
fn whoever_goes_hands_over_to_whoever_comes() {
    let rota = desk();
    let to = |who: usize, at| rota.handed_over_to("first", &agent(who), &[], |_| true, at);
    let ends = at("2026-01-05T23:00:00Z");
    assert_eq!(to(0, monday()), Some(ends));
    // Late, but before the next one goes.
    let tuesday = at("2026-01-06T11:00:00Z");
    assert_eq!(to(0, tuesday), Some(ends));
    assert_eq!(to(5, tuesday), None);
    // Agent 5 stands in until two in the afternoon: the second half of the day is handed back.
    let stands_in = [exception(1, 5, Some(0), at("2026-01-05T10:00:00Z"), 3)];
    let to = |who: usize, at| rota.handed_over_to("first", &agent(who), &stands_in, |_| true, at);
    assert_eq!(to(5, monday()), Some(at("2026-01-05T13:00:00Z")));
    assert_eq!(to(0, monday()), Some(at("2026-01-05T10:00:00Z")));
}

#[test]
fn what_is_left_in_the_evening_is_for_the_next_morning() {
    let mut setting = desk().setting;
    let day = |day| lotse_calendar::Shift {
        day,
        from: "08:00".parse().unwrap(),
        to: "17:00".parse().unwrap(),
    };
    setting.profile.layers[0].hours = lotse_calendar::Weekday::ALL[..5]
        .iter()
        .copied()
        .map(day)
        .collect();
    let rota = Rota::new(setting).unwrap();
    let to = |who: usize, at| rota.handed_over_to("first", &agent(who), &[], |_| true, at);
    let evening = at("2026-01-05T18:00:00Z");
    assert_eq!(to(0, evening), Some(at("2026-01-06T07:00:00Z")));
    assert_eq!(to(1, evening), None, "their turn was not the last");
    // Friday is agent 0's again; Monday comes next.
    let friday = at("2026-01-09T15:00:00Z");
    assert_eq!(to(0, friday), Some(at("2026-01-12T07:00:00Z")));
}
