//! Groups and skills.

use std::collections::BTreeMap;

use lotse_ids::{AgentId, GroupId};
use lotse_journal::Tx;

use super::settings::{meant, put};
use super::{App, Outcome, Ref, find_agent, find_group};
use crate::domain::directory::Directory;
use crate::domain::group::{Group, GroupProfile, Skill, SkillProfile};
use crate::domain::offer::OwnHandling;
use crate::error::Error;
use crate::store::directory;

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
    pub(crate) handling: OwnHandling,
    pub(crate) etag: String,
}

/// A skill as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedSkill {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) etag: String,
}

impl App {
    /// Creates or changes a group.
    pub(crate) async fn put_group(
        &self,
        tx: &Tx,
        wanted: &WantedGroup,
    ) -> Result<(Group, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
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
        let directory = directory::load(tx, self.now()).await?;
        let before = directory.skills.get(&wanted.name);
        let profile = SkillProfile {
            name: wanted.name.clone(),
            description: wanted.description.clone(),
        };
        put(tx, before, profile, &wanted.etag, self.now()).await
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
        handling: wanted.handling.clone(),
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
