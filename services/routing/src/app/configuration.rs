//! Groups, skills and the workflow.

use std::collections::{BTreeMap, BTreeSet};

use lotse_errors::Violations;
use lotse_ids::{AgentId, GroupId};
use lotse_journal::Tx;

use super::settings::{meant, put};
use super::{App, Outcome, Ref, find_agent, find_group};
use crate::domain::directory::Directory;
use crate::domain::group::{Group, GroupProfile, Skill, SkillProfile};
use crate::domain::workflow::{Conditions, ONLY_WORKFLOW, Plan, Rule, Workflow};
use crate::error::Error;
use crate::store::{directory, settings as store};

/// A group as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedGroup {
    /// Which group to change; none to go by the name.
    pub(crate) id: Option<GroupId>,
    pub(crate) name: String,
    pub(crate) tier: u8,
    pub(crate) required_skills: BTreeMap<String, u8>,
    pub(crate) lead: Option<Ref<AgentId>>,
    pub(crate) escalates_to: Option<Ref<GroupId>>,
    pub(crate) etag: String,
}

/// A skill as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedSkill {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) etag: String,
}

/// A workflow as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedWorkflow {
    pub(crate) rules: Vec<WantedRule>,
    pub(crate) default_group: Ref<GroupId>,
    pub(crate) etag: String,
}

/// A rule as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedRule {
    pub(crate) name: String,
    pub(crate) group: Ref<GroupId>,
    pub(crate) when: Conditions,
}

impl App {
    /// Creates or changes a group.
    pub(crate) async fn put_group(
        &self,
        tx: &Tx,
        wanted: &WantedGroup,
    ) -> Result<(Group, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx).await?;
        let before = meant(directory.groups.values(), wanted.id.as_ref(), &wanted.name)?;
        let profile = group_profile(&directory, wanted)?;
        put(tx, before, profile, &wanted.etag, self.now()).await
    }

    /// Creates a skill or changes its description.
    pub(crate) async fn put_skill(
        &self,
        tx: &Tx,
        wanted: &WantedSkill,
    ) -> Result<(Skill, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx).await?;
        let before = directory.skills.get(&wanted.name);
        let profile = SkillProfile {
            name: wanted.name.clone(),
            description: wanted.description.clone(),
        };
        put(tx, before, profile, &wanted.etag, self.now()).await
    }

    /// Replaces the workflow.
    pub(crate) async fn put_workflow(
        &self,
        tx: &Tx,
        wanted: &WantedWorkflow,
    ) -> Result<(Workflow, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx).await?;
        let before = store::in_force(tx, &ONLY_WORKFLOW.to_owned()).await?;
        let plan = plan(&directory, wanted)?;
        let (setting, outcome) = put(tx, before.as_ref(), plan, &wanted.etag, self.now()).await?;
        Ok((setting.into(), outcome))
    }

    /// A version of the workflow, or the one in force.
    pub(crate) async fn workflow(&self, version: Option<u32>) -> Result<Workflow, Error> {
        let only = ONLY_WORKFLOW.to_owned();
        let setting = self.at_version::<Plan>(&only, version.map(i64::from));
        Ok(setting.await?.into())
    }
}

fn group_profile(directory: &Directory, wanted: &WantedGroup) -> Result<GroupProfile, Error> {
    let lead = wanted.lead.as_ref();
    let lead = lead.map(|lead| find_agent(directory, lead)).transpose()?;
    let next = wanted.escalates_to.as_ref();
    let next = next.map(|next| find_group(directory, next)).transpose()?;
    if next.is_some_and(|next| next.profile.tier <= wanted.tier) {
        let field = "group.escalation_group_id";
        return Err(lotse_errors::Error::invalid(field, "must have a higher tier").into());
    }
    known_skills(directory, wanted.required_skills.keys())?;
    Ok(GroupProfile {
        name: wanted.name.clone(),
        tier: wanted.tier,
        required_skills: wanted.required_skills.clone(),
        lead: lead.map(|lead| lead.id.clone()),
        escalates_to: next.map(|next| next.id.clone()),
    })
}

/// Refuses skills that nobody has defined: a typing error would keep tickets waiting for ever.
pub(super) fn known_skills<'a>(
    directory: &Directory,
    mut skills: impl Iterator<Item = &'a String>,
) -> Result<(), Error> {
    match skills.find(|skill| !directory.skills.contains_key(*skill)) {
        Some(unknown) => Err(Error::NoSuch {
            resource: "skill",
            id: unknown.clone(),
        }),
        None => Ok(()),
    }
}

/// The workflow with its groups found, or everything that is wrong with it.
fn plan(directory: &Directory, wanted: &WantedWorkflow) -> Result<Plan, Error> {
    let mut wrong = Violations::new();
    let mut rules = Vec::with_capacity(wanted.rules.len());
    let mut names = BTreeSet::new();
    for (at, WantedRule { name, group, when }) in wanted.rules.iter().enumerate() {
        let path = format!("workflow.rules[{at}]");
        let named = names.insert(name);
        wrong.require(
            &format!("{path}.name"),
            named,
            "must be unique in the workflow",
        );
        let unconditional = "must have a condition: no rule after it would ever be reached";
        wrong.require(&path, !when.is_empty(), unconditional);
        let group = find_group(directory, group);
        rules.extend(
            wrong
                .take(&format!("{path}.group_id"), group)
                .map(|group| Rule {
                    name: name.clone(),
                    group: group.id.clone(),
                    when: when.clone(),
                }),
        );
    }
    let default = find_group(directory, &wanted.default_group);
    let default = wrong.take("workflow.default_group_id", default);
    let default_group = wrong.finish_with(default)?.id.clone();
    Ok(Plan {
        rules,
        default_group,
    })
}
