use super::*;
use crate::domain::samples::{group, item, team};
use lotse_calendar::{TimeOfDay, Weekday};

/// Monday 2026-01-05, 00:00 UTC.
const MONDAY: Timestamp = Timestamp::from_millis(1_767_571_200_000);
const HOUR: Duration = Duration::from_secs(3_600);

fn shift(day: Weekday, from: &str, to: &str) -> Shift {
    let time = |text: &str| text.parse::<TimeOfDay>().unwrap();
    Shift {
        day,
        from: time(from),
        to: time(to),
    }
}

#[test]
fn hours_say_when_they_next_open_or_close() {
    let week = vec![
        shift(Weekday::Monday, "09:00", "24:00"),
        shift(Weekday::Tuesday, "00:00", "02:00"),
    ];
    let hours = OpenHours::new("UTC".to_owned(), week).unwrap();
    assert!(!hours.contain(MONDAY));
    assert_eq!(hours.change_after(MONDAY), Some(MONDAY + 9 * HOUR));
    let ten = MONDAY + 10 * HOUR;
    assert!(hours.contain(ten));
    assert_eq!(
        hours.change_after(ten),
        Some(MONDAY + 26 * HOUR),
        "midnight closes nothing"
    );
}

#[test]
fn hours_around_the_clock_never_change() {
    let week = Weekday::ALL
        .map(|day| shift(day, "00:00", "24:00"))
        .to_vec();
    let hours = OpenHours::new("UTC".to_owned(), week).unwrap();
    assert_eq!(hours.change_after(MONDAY), None);
}

fn preferring(groups: &[(&str, u8, u64)]) -> Way {
    let mut way = Way::to(group(1));
    let groups = groups.iter().map(|(skill, level, hours)| PreferredSkills {
        skills: BTreeMap::from([((*skill).to_owned(), *level)]),
        drop_after: HOUR * u32::try_from(*hours).unwrap(),
    });
    way.preferred = groups.collect();
    way
}

/// What is preferred of a ticket of that age, and when that changes, in hours.
fn preferred(way: &Way, required: &[(&str, u8)], age: u32) -> (Vec<(String, u8)>, Option<i64>) {
    let (directory, _) = team(1).finish();
    let mut needs = item(1).needs(&directory.groups[&group(1)]);
    let required = required.iter();
    needs.skills = required
        .map(|(skill, level)| ((*skill).to_owned(), *level))
        .collect();
    let next = way.prefer(&mut needs, MONDAY, MONDAY + HOUR * age);
    let next = next.map(|at| at.millis_since(MONDAY) / 3_600_000);
    (needs.preferred_skills.into_iter().collect(), next)
}

#[test]
fn preferred_skills_are_dropped_group_by_group_each_at_its_age() {
    let way = preferring(&[("vpn", 4, 1), ("mac", 2, 3), ("vpn", 2, 2)]);
    let skill = |skill: &str, level| (skill.to_owned(), level);
    assert_eq!(
        preferred(&way, &[], 0),
        (vec![skill("mac", 2), skill("vpn", 4)], Some(1))
    );
    assert_eq!(
        preferred(&way, &[], 1),
        (vec![skill("mac", 2), skill("vpn", 2)], Some(2))
    );
    assert_eq!(preferred(&way, &[], 2), (vec![skill("mac", 2)], Some(3)));
    assert_eq!(preferred(&way, &[], 3), (vec![], None));
}

#[test]
fn what_is_required_anyway_is_not_preferred_and_its_end_changes_nothing() {
    let way = preferring(&[("vpn", 2, 1), ("mac", 3, 2)]);
    let mac = vec![("mac".to_owned(), 3)];
    assert_eq!(
        preferred(&way, &[("vpn", 2), ("mac", 2)], 0),
        (mac, Some(2))
    );
    assert_eq!(
        preferred(&way, &[("vpn", 5), ("mac", 5)], 0),
        (vec![], None)
    );
}
