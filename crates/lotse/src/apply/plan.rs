//! What is wanted against what is there.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::read::Kind;
use super::spec::{NotificationTarget, Spec};
use super::state::{Known, State};

/// What is to be done about a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not there yet.
    Create,
    /// These fields differ.
    Change(Vec<String>),
    /// It is as wanted as far as can be seen; the service compares its secrets and changes them
    /// where they differ.
    Secrets,
    /// It is as wanted.
    Unchanged,
}

/// One resource of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which kind.
    pub kind: Kind,
    /// Its name; empty for the workflow, of which there is one.
    pub name: String,
    /// What is to be done.
    pub verdict: Verdict,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match &self.verdict {
            Verdict::Create => "create",
            Verdict::Change(_) => "change",
            Verdict::Secrets | Verdict::Unchanged => "unchanged",
        };
        let line = format!("{word:<10} {:<10} {}", self.kind.word(), self.name);
        f.write_str(line.trim_end())?;
        match &self.verdict {
            Verdict::Change(fields) => write!(f, " ({})", fields.join(", ")),
            Verdict::Secrets => f.write_str(" (its secrets are for the service to compare)"),
            _ => Ok(()),
        }
    }
}

/// Compares a file with what is there, in the order in which it is applied.
pub(crate) fn plan(spec: &Spec, state: &State) -> Vec<Step> {
    let mut plan = Vec::new();
    let mut compare = Compare { plan: &mut plan };
    compare.all(Kind::Skill, &spec.skills, &state.skills, |one| &one.name);
    compare.all(Kind::Group, &spec.groups, &state.groups, |one| &one.name);
    compare.all(Kind::Agent, &spec.agents, &state.agents, |one| &one.name);
    if let Some(workflow) = &spec.workflow {
        compare.one(Kind::Workflow, "", workflow, state.workflow.as_ref());
    }
    compare.all(Kind::Rota, &spec.rotas, &state.rotas, |one| &one.name);
    let (wanted, there) = (&spec.shift_plans, &state.shift_plans);
    compare.all(Kind::ShiftPlan, wanted, there, |one| &one.agent);
    let (wanted, there) = (&spec.coverage, &state.coverage);
    compare.all(Kind::Coverage, wanted, there, |one| &one.group);
    compare.all(Kind::Cover, &spec.covers, &state.covers, |one| &one.name);
    compare.all(Kind::Calendar, &spec.calendars, &state.calendars, |one| {
        &one.name
    });
    compare.all(
        Kind::Escalation,
        &spec.escalations,
        &state.escalations,
        |one| &one.name,
    );
    compare.all(Kind::Policy, &spec.policies, &state.policies, |one| {
        &one.name
    });
    let (wanted, there) = (&spec.notification_targets, &state.notification_targets);
    let kind = Kind::NotificationTarget;
    compare.all(kind, wanted, there, |one| &one.name);
    for step in compare.plan.iter_mut().filter(|step| step.kind == kind) {
        let secret = |one: &&NotificationTarget| one.name == step.name && one.secrets > 0;
        if step.verdict == Verdict::Unchanged && wanted.iter().any(|one| secret(&one)) {
            step.verdict = Verdict::Secrets;
        }
    }
    compare.all(Kind::Survey, &spec.surveys, &state.surveys, |one| &one.name);
    plan
}

struct Compare<'a> {
    plan: &'a mut Vec<Step>,
}

impl Compare<'_> {
    fn all<T: Serialize>(
        &mut self,
        kind: Kind,
        wanted: &[T],
        there: &BTreeMap<String, Known<T>>,
        name: fn(&T) -> &String,
    ) {
        for one in wanted {
            self.one(kind, name(one), one, there.get(name(one)));
        }
    }

    fn one<T: Serialize>(&mut self, kind: Kind, name: &str, wanted: &T, there: Option<&Known<T>>) {
        let verdict = match there {
            None => Verdict::Create,
            Some(known) => match differences(wanted, &known.is) {
                fields if fields.is_empty() => Verdict::Unchanged,
                fields => Verdict::Change(fields),
            },
        };
        self.plan.push(Step {
            kind,
            name: name.to_owned(),
            verdict,
        });
    }
}

/// The names of the fields that differ.
fn differences<T: Serialize>(wanted: &T, there: &T) -> Vec<String> {
    let fields = |one: &T| match serde_json::to_value(one) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("resources are structs with text for keys"), // invariant: see spec.rs
    };
    let (wanted, there) = (fields(wanted), fields(there));
    let differ = wanted
        .iter()
        .filter(|(name, value)| there.get(*name) != Some(value));
    differ.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::spec::Skill;

    #[test]
    fn a_plan_names_what_is_new_and_which_fields_differ() {
        let skill = |name: &str, description: &str| Skill {
            name: name.into(),
            description: description.into(),
        };
        let spec = Spec {
            skills: vec![skill("a", "old"), skill("b", "new"), skill("c", "")],
            ..Spec::default()
        };
        let known = |one: Skill| {
            (
                one.name.clone(),
                Known {
                    etag: String::new(),
                    is: one,
                },
            )
        };
        let state = State {
            skills: [skill("a", "old"), skill("b", "old")].map(known).into(),
            ..State::default()
        };
        let told: Vec<_> = plan(&spec, &state)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "unchanged  skill      a",
                "change     skill      b (description)",
                "create     skill      c",
            ]
        );
    }
}
