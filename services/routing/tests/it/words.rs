//! Text helps: where what intake knows besides is not enough, words find the group.
//!
//! The subjects are the project's own: what people of a small company write to six teams in five
//! languages, by team and language. The category says only whether it is about computers or about
//! the office.

use lotse_testkit::TestDb;

use crate::school::{School, config};
use crate::stage::migrations;

const SUBJECTS: &str = include_str!("../data/subjects.txt");

/// Every so manieth subject comes later than the others.
const LATER: usize = 6;

/// Subjects with their teams: those that were solved, and those that come then.
fn subjects() -> [Vec<(&'static str, &'static str)>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    let mut team = "";
    let mut number = 0;
    for line in SUBJECTS.lines() {
        match line.strip_prefix("# ") {
            Some(heading) => team = heading.split_once(' ').unwrap().0,
            None => {
                number += 1;
                both[usize::from(number % LATER == 0)].push((team, line));
            }
        }
    }
    both
}

fn category(team: &str) -> &'static str {
    match team {
        "billing" | "building" => "office",
        _ => "computers",
    }
}

/// The share of later tickets that come to a wrong group first.
async fn wrong_first(db: TestDb, words: bool) -> f64 {
    let mut config = config();
    config.learning.words = words;
    // Every ticket goes to the likeliest group, however unlikely.
    config.learning.confidence = 0.0;
    let school = School::new(db, config).await;
    school.ask_the_model().await;
    let mut teams = std::collections::BTreeMap::new();
    let [earlier, later] = subjects();
    for (team, subject) in earlier {
        let group = match teams.get(team) {
            Some(group) => group,
            None => {
                let name = format!("team {team}");
                let group = school.group(&name, 1).await;
                teams.entry(team).or_insert(group)
            }
        };
        school.history(group, category(team), subject).await;
    }
    school.refit().await;
    let mut wrong = 0;
    for (team, subject) in &later {
        let ticket = school.new_one(category(team), subject).await;
        wrong += usize::from(school.route(&ticket).await.group_id != teams[team]);
    }
    assert_eq!(later.len(), 60);
    f64::from(u32::try_from(wrong).unwrap()) / 60.0
}

#[tokio::test]
async fn words_of_subjects_in_five_languages_find_the_group_that_fields_do_not() {
    let with = wrong_first(lotse_testkit::sqlite(migrations).await, true).await;
    let without = wrong_first(lotse_testkit::sqlite(migrations).await, false).await;
    assert!(with < 0.35, "{with}");
    assert!(without > 0.5, "{without}");
}
