//! What is wrong with a workflow as a whole: rules and steps that no ticket can ever come to, and
//! what nobody could ever do. Problems keep a workflow from being put; doubts do not, because teams
//! are hired and trained after the workflow is written.

use std::collections::{BTreeMap, BTreeSet};

use super::agent::Agent;
use super::conditions::Conditions;
use super::directory::Directory;
use super::way::{Way, WorkflowStep};
use super::workflow::{DEFAULT_PATH, Plan, Rule, rule_path};

/// Something about a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where, such as `workflow.rules[1].steps[0].timeout`.
    pub(crate) field: String,
    /// What.
    pub(crate) message: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding {
            field: field.into(),
            message: message.into(),
        });
    }
}

/// Everything that must not be, whatever the groups are; whether those exist is asked when they are
/// looked up. `is_skill` knows the names of skills.
pub(crate) fn problems<G: PartialEq>(
    plan: &Plan<G>,
    is_skill: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut found = Findings::default();
    let mut names = BTreeSet::new();
    for (at, rule) in plan.rules.iter().enumerate() {
        let path = rule_path(at);
        if !names.insert(&rule.name) {
            found.add(format!("{path}name"), "must be unique in the workflow");
        }
        reach(plan, at, &mut found);
        let clauses = rule.clauses().into_iter();
        for (name, conditions) in clauses {
            if conditions.is_empty() && !name.is_empty() {
                found.add(format!("{path}{name}"), "must have a condition");
            }
            let name = [name.as_str(), "skills"].join(if name.is_empty() { "" } else { "." });
            unknown(
                conditions.skills.iter(),
                &format!("{path}{name}"),
                &is_skill,
                &mut found,
            );
        }
        way(&rule.way, &path, &is_skill, &mut found);
    }
    way(&plan.default, DEFAULT_PATH, &is_skill, &mut found);
    found.0
}

/// Whether any ticket ever comes to a rule and is taken by it.
fn reach<G>(plan: &Plan<G>, at: usize, found: &mut Findings) {
    let rule = &plan.rules[at];
    let path = rule_path(at);
    let path = path.trim_end_matches('.');
    if !rule.is_conditional() {
        let message = "must have a condition: no rule after it would ever be reached";
        return found.add(path, message);
    }
    let taken: Vec<Vec<&Conditions>> = rule.disjuncts();
    let excepted = |taken: &Vec<&Conditions>| rule.unless.iter().any(|one| one.cover(taken));
    if taken.iter().all(excepted) {
        let message = "takes no ticket: its exceptions are all that it takes";
        found.add(format!("{path}.unless"), message);
    }
    let earlier = plan.rules[..at].iter();
    let mut earlier = earlier.filter(|earlier| earlier.is_conditional());
    if let Some(before) = earlier.find(|earlier| earlier.covers(rule)) {
        let message = format!(
            "is never reached: the rule {:?} before it takes every ticket that fits",
            before.name
        );
        found.add(path, message);
    }
}

impl<G> Rule<G> {
    /// Its conditions, by the names of their fields; of those in the rule itself, empty.
    fn clauses(&self) -> Vec<(String, &Conditions)> {
        let named = |name: &'static str, list: &'_ Vec<Conditions>| -> Vec<String> {
            (0..list.len()).map(|at| format!("{name}[{at}]")).collect()
        };
        let names = std::iter::once(String::new())
            .chain(named("any_of", &self.any_of))
            .chain(named("unless", &self.unless));
        let all = std::iter::once(&self.when)
            .chain(&self.any_of)
            .chain(&self.unless);
        names.zip(all).collect()
    }

    /// What it takes, but for the exceptions: any of these, of which all must hold.
    fn disjuncts(&self) -> Vec<Vec<&Conditions>> {
        if self.any_of.is_empty() {
            return vec![vec![&self.when]];
        }
        let any_of = self.any_of.iter();
        any_of.map(|one| vec![&self.when, one]).collect()
    }

    /// Whether it takes every ticket that `other` takes, as far as comparing conditions shows.
    fn covers(&self, other: &Self) -> bool {
        let takes = |disjunct: &Vec<&Conditions>| {
            self.when.cover(disjunct)
                && (self.any_of.is_empty() || self.any_of.iter().any(|one| one.cover(disjunct)))
        };
        let excepted_too = |exception: &Conditions| {
            let mut unless = other.unless.iter();
            unless.any(|wider| wider.cover(&[exception]))
        };
        other.disjuncts().iter().all(takes) && self.unless.iter().all(excepted_too)
    }
}

fn way<G: PartialEq>(
    way: &Way<G>,
    path: &str,
    is_skill: &impl Fn(&str) -> bool,
    found: &mut Findings,
) {
    for (at, step) in way.steps.iter().enumerate() {
        let field = |name: &str| way.field(path, at, name);
        unknown(step.terms.skills.keys(), &field("skills"), is_skill, found);
        sequence(&way.steps, at, &field, found);
    }
    for (at, group) in way.preferred.iter().enumerate() {
        let field = format!("{path}preferred_skills[{at}].skills");
        unknown(group.skills.keys(), &field, is_skill, found);
    }
}

/// Whether a ticket comes to every step, and each lets somebody have it who could not before.
fn sequence<G: PartialEq>(
    steps: &[WorkflowStep<G>],
    at: usize,
    field: &impl Fn(&str) -> String,
    found: &mut Findings,
) {
    let step = &steps[at];
    let is_last = at + 1 == steps.len();
    match step.timeout {
        None if !is_last => found.add(
            field("timeout"),
            "is required: no step after this one would ever be reached",
        ),
        Some(_) if is_last => found.add(field("timeout"), "must be empty: no step comes after"),
        _ => {}
    }
    let before = steps[..at].iter().filter_map(|step| step.timeout).max();
    if let (Some(before), Some(timeout)) = (before, step.timeout)
        && timeout <= before
    {
        found.add(
            field("timeout"),
            "must be longer than those of the steps before: it is the ticket's age, and this \
             step would never be reached",
        );
    }
    if is_last && !step.skip_if.is_empty() {
        let message = "must be empty: there is no step to go on to";
        found.add(field("skip_if"), message);
    }
    // One that was passed over may well be come back to.
    let back = steps[..at].iter().position(|earlier| {
        earlier.group == step.group
            && earlier.skip_if.is_empty()
            && step.terms.ask_no_less_than(&earlier.terms)
    });
    if let Some(back) = back {
        let message = format!(
            "leads in a circle: step {} has the same group and asks no more of its agents",
            back + 1
        );
        found.add(field("group_id"), message);
    }
}

fn unknown<'a>(
    skills: impl Iterator<Item = &'a String>,
    field: &str,
    is_skill: &impl Fn(&str) -> bool,
    found: &mut Findings,
) {
    for skill in skills.filter(|skill| !is_skill(skill)) {
        found.add(field, format!("there is no skill {skill:?}"));
    }
}

/// What is likely not meant: asked of agents whom nobody has.
pub(crate) fn doubts(plan: &Plan, directory: &Directory) -> Vec<Finding> {
    let mut found = Findings::default();
    for (at, rule) in plan.rules.iter().enumerate() {
        doubts_of(&rule.way, &rule_path(at), directory, &mut found);
    }
    doubts_of(&plan.default, DEFAULT_PATH, directory, &mut found);
    for (field, group) in [
        ("workflow.triage_group_id", &plan.triage),
        ("workflow.supervisor_group_id", &plan.supervisors),
    ] {
        let mut members = group.iter().flat_map(|group| directory.members(group));
        if group.is_some() && members.all(|agent| agent.profile.retired) {
            found.add(field, "has no agents");
        }
    }
    found.0
}

fn doubts_of(way: &Way, path: &str, directory: &Directory, found: &mut Findings) {
    for (at, step) in way.steps.iter().enumerate() {
        let own = directory.groups.get(&step.group);
        let mut skills =
            own.map_or_else(BTreeMap::new, |group| group.profile.required_skills.clone());
        for (skill, level) in &step.terms.skills {
            let least = skills.entry(skill.clone()).or_default();
            *least = (*least).max(*level);
        }
        let members: Vec<&Agent> = directory
            .members(&step.group)
            .filter(|agent| !agent.profile.retired)
            .collect();
        let able = |agent: &&Agent| {
            let profile = &agent.profile;
            let speaks = |level: &u8| *level >= step.terms.language_level;
            profile.tier >= step.terms.min_tier
                && has(agent, &skills)
                && (step.terms.language_level <= 1 || profile.languages.values().any(speaks))
        };
        if members.is_empty() {
            found.add(way.field(path, at, "group_id"), "has no agents");
        } else if !members.iter().any(able) {
            let message = "no agent of the group has all that this step and the group ask";
            found.add(way.field(path, at, "group_id"), message);
        }
    }
    for (at, preferred) in way.preferred.iter().enumerate() {
        let groups = way.steps.iter().map(|step| &step.group);
        let mut members = groups.flat_map(|group| directory.members(group));
        if !members.any(|agent| !agent.profile.retired && has(agent, &preferred.skills)) {
            let message = "no agent of the steps' groups has them: tickets only wait longer";
            found.add(format!("{path}preferred_skills[{at}].skills"), message);
        }
    }
}

fn has(agent: &Agent, skills: &BTreeMap<String, u8>) -> bool {
    skills.iter().all(|(skill, level)| {
        let known = agent.profile.skills.get(skill);
        known.is_some_and(|known| known >= level)
    })
}

#[cfg(test)]
#[path = "workflow_check_tests.rs"]
mod tests;
