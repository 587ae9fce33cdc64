use super::*;
use crate::domain::codes::{Channel, Priority};
use crate::domain::samples::{self, group};
use crate::domain::way::WorkflowStep;

fn rule(name: &str, when: Conditions) -> Rule {
    Rule {
        name: name.to_owned(),
        way: Way::to(group(1)),
        when,
        any_of: Vec::new(),
        unless: Vec::new(),
    }
}

fn on(channel: Channel) -> Conditions {
    Conditions {
        channels: [channel].into(),
        ..Conditions::default()
    }
}

fn urgent() -> Conditions {
    Conditions {
        priorities: [Priority::Urgent].into(),
        ..Conditions::default()
    }
}

fn chosen(rules: Vec<Rule>, item: &Item) -> String {
    let workflow = Workflow {
        version: 3,
        plan: Plan {
            rules,
            ..Plan::to(group(9))
        },
        created_at: Timestamp::EPOCH,
    };
    workflow.choose(item).0.to_owned()
}

#[test]
fn first_fitting_rule_decides_and_the_default_takes_the_rest() {
    let item = samples::item(1);
    let mail = rule("mail", on(Channel::Email));
    let again = rule("mail again", on(Channel::Email));
    let chat = rule("chat", on(Channel::Chat));
    assert_eq!(chosen(vec![chat.clone(), mail, again], &item), "mail");
    assert_eq!(chosen(vec![chat], &item), DEFAULT_RULE);
    assert_eq!(chosen(vec![], &item), DEFAULT_RULE);
}

#[test]
fn alternatives_widen_a_rule_and_exceptions_narrow_it() {
    let mut item = samples::item(1);
    let mut either = rule("either", Conditions::default());
    either.any_of = vec![on(Channel::Chat), urgent()];
    either.unless = vec![on(Channel::Phone)];
    let taken = |item: &Item| either.takes(item);
    assert!(!taken(&item), "a mail of normal priority is neither");
    item.priority = Priority::Urgent;
    assert!(taken(&item));
    item.channel = Channel::Phone;
    assert!(!taken(&item), "a call is excepted");
    item.channel = Channel::Chat;
    item.priority = Priority::Low;
    assert!(taken(&item));
}

const OLD: &str = r#"{"rules":[{"name":"mail","group":"grp_01h455vb4pex5vsknk084sn001","when":{"categories":[],"channels":["email"],"priorities":[],"languages":[],"tags":[],"skills":[],"attributes":{}}}],"default_group":"grp_01h455vb4pex5vsknk084sn009"}"#;

#[test]
fn what_older_versions_stored_is_read_as_ways_of_one_step() {
    let read: Plan = serde_json::from_str(OLD).unwrap();
    assert_eq!(read.rules, [rule("mail", on(Channel::Email))]);
    assert_eq!(read.default, Way::to(group(9)));
    assert_eq!((read.hop_limit, read.triage), (HOP_LIMIT, None));
}

#[test]
fn what_is_stored_is_read_back_and_a_plain_rule_stays_readable_for_older_versions() {
    let mut plan: Plan = serde_json::from_str(OLD).unwrap();
    let stored = serde_json::to_value(&plan).unwrap();
    let old: serde_json::Value = serde_json::from_str(OLD).unwrap();
    assert_eq!(stored["rules"], old["rules"]);
    assert_eq!(stored["default_group"], old["default_group"]);
    plan.triage = Some(group(2));
    plan.default.steps.push(WorkflowStep::at(group(3)));
    plan.rules[0].unless.push(urgent());
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
}

#[test]
fn every_group_that_is_not_found_is_asked_for_by_its_field() {
    let mut plan: Plan = serde_json::from_str(OLD).unwrap();
    plan.default.steps.push(WorkflowStep::at(group(3)));
    plan.supervisors = Some(group(4));
    let mut asked = Vec::new();
    let resolved: Option<Plan> = plan.resolve(&mut |field, _| {
        asked.push(field.to_owned());
        None
    });
    assert_eq!(resolved, None);
    assert_eq!(
        asked,
        [
            "workflow.rules[0].group_id",
            "workflow.default_steps[0].group_id",
            "workflow.default_steps[1].group_id",
            "workflow.supervisor_group_id",
        ]
    );
}
