use std::fmt::Write as _;
use std::path::Path;

use jiff::civil::{Date, DateTime, date};
use lotse_clock::Timestamp;
use lotse_routing::learning::Settings;

use super::history::{Story, examples, stories};
use super::walk::{Span, walk};
use super::{Args, HOUR, POLICIES, Report, measure, midnight, table};
use crate::replay::log;

const TICKETS: &str = "number,opened_at,caller_id,opened_by,contact_type,priority,category,subcategory,u_symptom,location,impact,urgency\n";
const EVENTS: &str = "number,sys_updated_at,sys_created_by,incident_state,priority,category,subcategory,u_symptom,location,impact,urgency,assignment_group,assigned_to,reassignment_count,reopen_count,made_sla,resolved_at\n";

/// Where tickets of a category end on a day: the pumps move to another group at the split.
fn last_group(category: usize, day: i64) -> &'static str {
    match (category, day < 30) {
        (0, _) => "desk",
        (1, _) => "field",
        (_, true) => "pumps old",
        (_, false) => "pumps new",
    }
}

/// Forty days, twelve tickets a day. People give every second pump to the desk first; a day later
/// it stands where it ends, and two days later it is resolved.
fn generated(folder: &Path) {
    let (mut tickets, mut events) = (TICKETS.to_owned(), EVENTS.to_owned());
    let first: DateTime = date(2016, 2, 1).at(0, 0, 0, 0);
    for number in 0..480_i64 {
        let category = (number % 3) as usize;
        let opened = first + jiff::Span::new().hours(number * 2);
        let last = last_group(category, number / 12);
        let chosen = if category == 2 && number % 2 == 0 {
            "desk"
        } else {
            last
        };
        let facts = format!(
            "3 - Moderate,Category {category},Subcategory {},?,?,?,?",
            number % 5
        );
        let at = opened.strftime("%Y-%m-%dT%H:%M");
        writeln!(
            tickets,
            "INC{number},{at},Caller {},Opener 1,Phone,{facts}",
            number % 17
        )
        .unwrap();
        for (hours, state, group) in [
            (0, "New", chosen),
            (24, "Active", last),
            (48, "Resolved", last),
        ] {
            let at = (opened + jiff::Span::new().hours(hours)).strftime("%d/%m/%Y %H:%M");
            let moves = u8::from(group != chosen);
            writeln!(
                events,
                "INC{number},{at},?,{state},{facts},{group},?,{moves},0,true,?"
            )
            .unwrap();
        }
    }
    std::fs::write(folder.join("tickets.csv"), tickets).unwrap();
    std::fs::write(folder.join("events.csv"), events).unwrap();
}

fn args(folder: &Path) -> Args {
    Args {
        dir: folder.to_owned(),
        split: date(2016, 3, 2),
        until: date(2016, 3, 10),
        json: None,
        refit_hours: 24,
    }
}

fn quick() -> Settings {
    Settings {
        half_life_days: 1.0,
        ..Settings::default()
    }
}

fn wrong(report: &Report, name: &str) -> f64 {
    let found = report.policies.iter().find(|policy| policy.name == name);
    found.unwrap().wrong_first
}

#[test]
fn refits_follow_work_that_moves_to_another_group() {
    let folder = tempfile::tempdir().unwrap();
    generated(folder.path());
    let report = measure(&args(folder.path()), &quick()).unwrap();
    // Resolved two days after being opened: those of the first 28 days.
    assert_eq!(
        (report.tickets, report.trained, report.tested),
        (480, 336, 96)
    );
    let names: Vec<_> = report.policies.iter().map(|policy| policy.name).collect();
    assert_eq!(names, POLICIES);
    // Half of the pumps, which are a third of all.
    assert!((wrong(&report, "people") - 1.0 / 6.0).abs() < 1e-9);
    assert_eq!(wrong(&report, "oracle"), 0.0);
    let people = report
        .policies
        .iter()
        .find(|policy| policy.name == "people")
        .unwrap();
    assert!(
        (people.hit5 - (1.0 - people.wrong_first)).abs() < 1e-9,
        "they answer once"
    );
    // What was learned before the split knows nothing of the new group.
    for name in ["per_category", "learned_once"] {
        assert!(
            (wrong(&report, name) - 1.0 / 3.0).abs() < 1e-9,
            "{name}: {report:?}"
        );
    }
    assert!(wrong(&report, "learned_refit") < 0.2, "{report:?}");
    assert!(wrong(&report, "rerouter_refit") < wrong(&report, "learned_once"));
    assert!(wrong(&report, "random") > 0.5);
    for policy in &report.policies {
        let [low, high] = policy.wrong_first_interval;
        assert!(low <= policy.wrong_first && policy.wrong_first <= high);
        assert!(1.0 - policy.wrong_first <= policy.hit3 && policy.hit3 <= policy.hit5);
        if let Some(calibration) = &policy.calibration {
            let told: u64 = calibration.reliability.iter().map(|bin| bin.tickets).sum();
            assert_eq!(told, 96);
        }
    }
    let text = table::text(&report);
    assert!(
        POLICIES
            .iter()
            .all(|name| text.contains(&format!("| {name} |"))),
        "{text}"
    );
}

#[test]
fn what_comes_later_cannot_influence_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    generated(folder.path());
    let told = stories(&log::read(folder.path()).unwrap());
    let barrier = midnight(date(2016, 3, 6)).unwrap();
    // Another future: whatever is written from the barrier on says something else.
    let mut altered = told.clone();
    let mut changed = 0;
    for (place, story) in altered.iter_mut().enumerate() {
        if story.opened_at >= barrier {
            story
                .intake
                .fields
                .insert("category".to_owned(), format!("Category {}", place % 2));
        }
        for moment in story
            .moments
            .iter_mut()
            .skip(1)
            .filter(|moment| moment.at >= barrier)
        {
            moment.group = Some("nobody".to_owned());
            moment.settled = !moment.settled;
            changed += 1;
        }
    }
    assert!(changed > 100);
    let span = Span {
        split: midnight(date(2016, 3, 2)).unwrap(),
        until: midnight(date(2016, 3, 10)).unwrap(),
        refit: 24 * HOUR,
    };
    let before = |stories: &[Story]| {
        let walked = walk(stories, span, &quick());
        let asked = walked
            .asked
            .iter()
            .filter(|story| story.opened_at < barrier)
            .count();
        assert_eq!(asked, 48);
        let answers = walked
            .answers
            .into_iter()
            .filter(|(name, _)| *name != "oracle");
        answers
            .map(|(name, answers)| (name, answers[..asked].to_vec()))
            .collect::<Vec<_>>()
    };
    assert_eq!(before(&told), before(&altered));
    // The test would notice: the day after, the other future is learned from.
    let next_day = Timestamp::from_millis(barrier.as_millis() + 24 * HOUR);
    assert_eq!(
        examples(&told, barrier, true),
        examples(&altered, barrier, true)
    );
    assert_ne!(
        examples(&told, next_day, true),
        examples(&altered, next_day, true)
    );
}

#[test]
fn a_ticket_stands_where_it_was_last_seen_before_the_instant() {
    let folder = tempfile::tempdir().unwrap();
    generated(folder.path());
    let told = stories(&log::read(folder.path()).unwrap());
    // The third ticket: a pump that people gave to the desk.
    let (story, opened) = (&told[2], told[2].opened_at);
    let standing = |millis: i64| {
        let standing = story.before(Timestamp::from_millis(opened.as_millis() + millis));
        standing.map(|standing| (standing.group, standing.settled))
    };
    assert_eq!(standing(0), None);
    assert_eq!(standing(1), Some(("desk", false)));
    assert_eq!(standing(24 * HOUR), Some(("desk", false)));
    assert_eq!(standing(24 * HOUR + 1), Some(("pumps old", false)));
    assert_eq!(standing(48 * HOUR + 1), Some(("pumps old", true)));
}

#[test]
fn nothing_to_learn_from_or_to_ask_about_is_said() {
    let folder = tempfile::tempdir().unwrap();
    generated(folder.path());
    let measured = |split: Date, until: Date| {
        let args = Args {
            split,
            until,
            ..args(folder.path())
        };
        measure(&args, &quick()).unwrap_err().to_string()
    };
    let early = measured(date(2016, 2, 1), date(2016, 2, 9));
    assert!(early.contains("resolved before 2016-02-01"), "{early}");
    let empty = measured(date(2016, 4, 1), date(2016, 4, 9));
    assert!(empty.contains("opened from 2016-04-01"), "{empty}");
}
