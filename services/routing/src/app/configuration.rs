//! Groups, skills and the workflow.

use std::collections::{BTreeMap, BTreeSet};

use lotse_errors::Violations;
use lotse_grpc::etag;
use lotse_ids::{AgentId, GroupId, SkillId};
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1 as journal;

use super::{App, Outcome, Ref, find_agent, find_group};
use crate::domain::directory::Directory;
use crate::domain::group::{Group, GroupProfile, Skill};
use crate::domain::workflow::{Conditions, Plan, Rule, Workflow};
use crate::error::Error;
use crate::store::{configuration as store, directory};

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
        let by_name = find_group(&directory, &Ref::Name(wanted.name.clone())).ok();
        let before = match &wanted.id {
            Some(id) => Some(find_group(&directory, &Ref::Id(id.clone()))?),
            None => by_name,
        };
        if by_name.is_some_and(|other| before.is_none_or(|before| before.id != other.id)) {
            let name = wanted.name.clone();
            return Err(Error::Taken {
                resource: "group",
                name,
            });
        }
        let profile = group_profile(&directory, wanted)?;
        let now = self.now();
        let group = match before {
            None => Group {
                id: GroupId::generate(now),
                profile,
                version: 1,
                created_at: now,
                updated_at: now,
            },
            Some(before) => {
                etag::check(&wanted.etag, before.version)?;
                if before.profile == profile {
                    return Ok((before.clone(), Outcome::Unchanged));
                }
                Group {
                    profile,
                    version: before.version + 1,
                    updated_at: now,
                    ..before.clone()
                }
            }
        };
        store::save_group(tx, &group, before.is_none()).await?;
        announce(tx, "group", group.id.as_str(), group.version);
        Ok((group, outcome(before.is_none())))
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
        let now = self.now();
        let skill = match before {
            None => Skill {
                id: SkillId::generate(now).into(),
                name: wanted.name.clone(),
                description: wanted.description.clone(),
                version: 1,
                created_at: now,
                updated_at: now,
            },
            Some(before) => {
                etag::check(&wanted.etag, before.version)?;
                if before.description == wanted.description {
                    return Ok((before.clone(), Outcome::Unchanged));
                }
                Skill {
                    description: wanted.description.clone(),
                    version: before.version + 1,
                    updated_at: now,
                    ..before.clone()
                }
            }
        };
        store::save_skill(tx, &skill, before.is_none()).await?;
        announce(tx, "skill", &skill.id, skill.version);
        Ok((skill, outcome(before.is_none())))
    }

    /// Replaces the workflow.
    pub(crate) async fn put_workflow(
        &self,
        tx: &Tx,
        wanted: &WantedWorkflow,
    ) -> Result<(Workflow, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx).await?;
        let before = directory.workflow.as_deref();
        let version = before.map_or(0, |before| before.version);
        etag::check(&wanted.etag, version.into())?;
        let plan = plan(&directory, wanted)?;
        if let Some(before) = before.filter(|before| before.plan == plan) {
            return Ok((before.clone(), Outcome::Unchanged));
        }
        let now = self.now();
        let workflow = Workflow {
            version: version + 1,
            plan,
            created_at: now,
        };
        store::insert_workflow(tx, &workflow).await?;
        // There is one workflow, so it needs no id of its own.
        announce(tx, "workflow", "workflow", workflow.version.into());
        Ok((workflow, outcome(before.is_none())))
    }

    /// A version of the workflow, or the one in force.
    pub(crate) async fn workflow(&self, version: Option<u32>) -> Result<Workflow, Error> {
        let workflow = store::find_workflow(self.db.reader(), version).await?;
        workflow.ok_or_else(|| Error::NoSuch {
            resource: "workflow",
            id: version.map_or_else(|| "in force".to_owned(), |version| version.to_string()),
        })
    }
}

pub(super) fn outcome(is_new: bool) -> Outcome {
    if is_new {
        Outcome::Created
    } else {
        Outcome::Updated
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

pub(super) fn announce(tx: &Tx, kind: &str, id: &str, version: i64) {
    let changed = journal::ConfigurationChanged {
        kind: kind.to_owned(),
        id: id.to_owned(),
        version: u32::try_from(version).unwrap_or(u32::MAX),
    };
    tx.emit(Draft::resource(id, Body::ConfigurationChanged(changed)));
}
