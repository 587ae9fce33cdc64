use std::time::Duration;

use super::*;
use crate::domain::codes::{Channel, Priority};
use crate::domain::samples::{group, team};
use crate::domain::way::{PreferredSkills, SkipIf};
use lotse_ids::GroupId;

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn tagged(tags: &[&str]) -> Conditions {
    Conditions {
        tags: texts(tags),
        ..Conditions::default()
    }
}

fn on(channels: &[Channel]) -> Conditions {
    Conditions {
        channels: channels.iter().copied().collect(),
        ..Conditions::default()
    }
}

fn rule(name: &str, when: Conditions) -> Rule {
    Rule {
        name: name.to_owned(),
        way: Way::to(group(1)),
        when,
        any_of: Vec::new(),
        unless: Vec::new(),
    }
}

fn at(n: usize, minutes: Option<u64>) -> WorkflowStep {
    WorkflowStep {
        timeout: minutes.map(|minutes| Duration::from_secs(60 * minutes)),
        ..WorkflowStep::at(group(n))
    }
}

fn fields(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|one| one.field.as_str()).collect()
}

fn of_rules(rules: Vec<Rule>) -> Vec<String> {
    let plan = Plan {
        rules,
        ..Plan::to(group(1))
    };
    let found = problems(&plan, |skill| skill == "vpn");
    fields(&found).into_iter().map(str::to_owned).collect()
}

fn of_steps(steps: Vec<WorkflowStep>) -> Vec<String> {
    let mut plan = Plan::to(group(1));
    plan.default.steps = steps;
    let found = problems(&plan, |_| true);
    fields(&found).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_rule_behind_a_wider_one_is_never_reached() {
    let wide = || rule("wide", on(&[Channel::Email, Channel::Chat]));
    let mut narrow = rule("narrow", on(&[Channel::Chat]));
    narrow.when.tags = texts(&["vip"]);
    assert_eq!(
        of_rules(vec![wide(), narrow.clone()]),
        ["workflow.rules[1]"]
    );
    assert!(of_rules(vec![narrow, wide()]).is_empty());
    let mut wider = rule("wider", on(&[Channel::Chat, Channel::Phone]));
    wider.when.priorities.insert(Priority::Low);
    assert!(of_rules(vec![wide(), wider]).is_empty(), "calls reach it");
}

#[test]
fn an_exception_of_the_wider_rule_reaches_the_next() {
    let mut wide = rule("wide", on(&[Channel::Chat]));
    wide.unless = vec![tagged(&["vip"])];
    let next = rule("next", on(&[Channel::Chat]));
    assert!(of_rules(vec![wide.clone(), next.clone()]).is_empty());
    let mut excepted_too = next;
    excepted_too.unless = vec![tagged(&["vip", "gold"])];
    assert_eq!(of_rules(vec![wide, excepted_too]), ["workflow.rules[1]"]);
}

#[test]
fn alternatives_are_compared_one_by_one() {
    let mut either = rule("either", Conditions::default());
    either.any_of = vec![on(&[Channel::Chat]), tagged(&["vip"])];
    let mut within = rule("within", Conditions::default());
    within.any_of = vec![tagged(&["vip"]), on(&[Channel::Chat])];
    assert_eq!(
        of_rules(vec![either.clone(), within]),
        ["workflow.rules[1]"]
    );
    let mut beyond = rule("beyond", Conditions::default());
    beyond.any_of = vec![tagged(&["vip"]), on(&[Channel::Phone])];
    assert!(of_rules(vec![either, beyond]).is_empty());
}

#[test]
fn a_rule_without_conditions_or_with_nothing_but_exceptions_of_itself_is_refused() {
    let all = rule("all", Conditions::default());
    assert_eq!(of_rules(vec![all]), ["workflow.rules[0]"]);
    let mut none = rule("none", on(&[Channel::Chat]));
    none.unless = vec![on(&[Channel::Chat, Channel::Email])];
    assert_eq!(of_rules(vec![none]), ["workflow.rules[0].unless"]);
}

#[test]
fn names_skills_and_clauses_are_checked_all_at_once() {
    let mut first = rule("same", tagged(&["a"]));
    first.when.skills = texts(&["vpm"]);
    first.any_of = vec![Conditions::default()];
    let mut second = rule("same", tagged(&["b"]));
    second.way.steps[0].terms.skills.insert("wpn".to_owned(), 1);
    second.unless = vec![Conditions {
        skills: texts(&["vpn", "pvn"]),
        ..Conditions::default()
    }];
    assert_eq!(
        of_rules(vec![first, second]),
        [
            "workflow.rules[0].skills",
            "workflow.rules[0].any_of[0]",
            "workflow.rules[1].name",
            "workflow.rules[1].unless[0].skills",
            "workflow.rules[1].steps[0].skills",
        ]
    );
}

#[test]
fn a_step_that_no_ticket_comes_to_is_refused() {
    assert!(of_steps(vec![at(1, Some(5)), at(2, Some(9)), at(3, None)]).is_empty());
    assert_eq!(
        of_steps(vec![at(1, None), at(2, Some(9)), at(3, Some(9))]),
        [
            "workflow.default_steps[0].timeout",
            "workflow.default_steps[2].timeout",
            "workflow.default_steps[2].timeout",
        ]
    );
    let mut last = at(2, None);
    last.skip_if.nobody_free = true;
    assert_eq!(
        of_steps(vec![at(1, Some(1)), last]),
        ["workflow.default_steps[1].skip_if"]
    );
}

#[test]
fn a_way_in_a_circle_is_refused_unless_it_asks_less_the_second_time() {
    let mut asking = at(1, Some(5));
    asking.terms.skills.insert("vpn".to_owned(), 3);
    assert!(of_steps(vec![asking.clone(), at(2, Some(9)), at(1, None)]).is_empty());
    let circle = vec![
        at(1, Some(5)),
        at(2, Some(9)),
        WorkflowStep {
            timeout: None,
            ..asking.clone()
        },
    ];
    assert_eq!(of_steps(circle), ["workflow.default_steps[2].group_id"]);
    let mut if_there = at(1, Some(5));
    if_there.skip_if = SkipIf {
        nobody_online: true,
        ..SkipIf::default()
    };
    assert!(of_steps(vec![if_there, at(2, Some(9)), at(1, None)]).is_empty());
}

#[test]
fn what_nobody_can_do_is_doubted() {
    let mut team = team(2);
    team.skill(1, "vpn", 2);
    team.language(2, "de", 2);
    team.group
        .profile
        .required_skills
        .insert("vpn".to_owned(), 2);
    let (directory, _) = team.finish();
    let doubted = |change: &dyn Fn(&mut Way<GroupId>)| {
        let mut plan = Plan::to(group(1));
        change(&mut plan.default);
        let found = doubts(&plan, &directory);
        fields(&found)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(doubted(&|_| ()).is_empty());
    let group_field = ["workflow.default_steps[0].group_id"];
    let asks = |skill: &'static str, level| {
        move |way: &mut Way<GroupId>| {
            way.steps[0].terms.skills.insert(skill.to_owned(), level);
        }
    };
    assert!(doubted(&asks("vpn", 1)).is_empty());
    assert_eq!(doubted(&asks("vpn", 3)), group_field);
    assert_eq!(doubted(&|way| way.steps[0].terms.min_tier = 2), group_field);
    // Whoever knows the language has not the skill of the group.
    assert_eq!(
        doubted(&|way| way.steps[0].terms.language_level = 2),
        group_field
    );
    let preferring = doubted(&|way| {
        way.preferred = vec![PreferredSkills {
            skills: BTreeMap::from([("mac".to_owned(), 1)]),
            drop_after: Duration::from_secs(60),
        }];
    });
    assert_eq!(preferring, ["workflow.default_preferred_skills[0].skills"]);
    let mut elsewhere = Plan::to(group(2));
    elsewhere.triage = Some(group(3));
    let found = doubts(&elsewhere, &directory);
    assert_eq!(
        fields(&found),
        ["workflow.default_group_id", "workflow.triage_group_id"]
    );
}
