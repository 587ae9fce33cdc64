//! Agents as configured.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_grpc::etag;
use lotse_ids::{AgentId, GroupId};
use lotse_journal::{Body, Draft, Tx, bucket_of, lane_of};
use lotse_proto::common::v1 as common;
use lotse_proto::journal::v1 as journal;

use super::configuration::known_skills;
use super::{App, Outcome, Ref, find_agent, find_group};
use crate::domain::agent::{Agent, Profile, Seat};
use crate::domain::codes::{Channel, Presence};
use crate::domain::directory::Directory;
use crate::domain::language::Language;
use crate::domain::weight::Weight;
use crate::error::Error;
use crate::store::agents::{self as store, Full};
use crate::store::directory;

/// An agent as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedAgent {
    pub(crate) name: String,
    pub(crate) groups: Vec<Ref<GroupId>>,
    pub(crate) tier: u8,
    pub(crate) skills: BTreeMap<String, u8>,
    pub(crate) languages: BTreeMap<Language, u8>,
    pub(crate) capacity: u32,
    pub(crate) channel_weights: BTreeMap<Channel, Weight>,
    pub(crate) channel_caps: BTreeMap<Channel, u32>,
    pub(crate) presence_never_expires: bool,
    pub(crate) retired: bool,
}

/// A field of an agent that an update may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Name,
    Groups,
    Tier,
    Skills,
    Languages,
    Capacity,
    ChannelWeights,
    ChannelCaps,
    PresenceNeverExpires,
    Retired,
}

/// Which agents a list is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) group: Option<GroupId>,
    pub(crate) presence: Option<Presence>,
    pub(crate) include_retired: bool,
    /// Only those after this name.
    pub(crate) after: Option<String>,
}

impl App {
    /// Adds an agent, offline.
    pub(crate) async fn create_agent(&self, tx: &Tx, wanted: &WantedAgent) -> Result<Full, Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let profile = profile(&directory, wanted)?;
        self.insert_agent(tx, &directory, profile).await
    }

    /// Creates an agent or changes one; without an id by the name.
    pub(crate) async fn put_agent(
        &self,
        tx: &Tx,
        id: Option<&AgentId>,
        etag: &str,
        wanted: &WantedAgent,
    ) -> Result<(Full, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let profile = profile(&directory, wanted)?;
        let before = match id {
            Some(id) => Some(find_agent(&directory, &Ref::Id(id.clone()))?),
            None => find_agent(&directory, &Ref::Name(wanted.name.clone())).ok(),
        };
        let Some(before) = before else {
            let agent = self.insert_agent(tx, &directory, profile).await?;
            return Ok((agent, Outcome::Created));
        };
        etag::check(etag, before.version)?;
        self.change_agent(tx, &directory, &before.id, profile).await
    }

    /// Changes the named fields of an agent.
    pub(crate) async fn update_agent(
        &self,
        tx: &Tx,
        id: &AgentId,
        etag: &str,
        fields: &BTreeSet<Field>,
        wanted: &WantedAgent,
    ) -> Result<Full, Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let before = find_agent(&directory, &Ref::Id(id.clone()))?;
        etag::check(etag, before.version)?;
        let new = profile(&directory, wanted)?;
        let mut profile = before.profile.clone();
        for field in fields {
            match field {
                Field::Name => profile.name.clone_from(&new.name),
                Field::Groups => profile.groups.clone_from(&new.groups),
                Field::Tier => profile.tier = new.tier,
                Field::Skills => profile.skills.clone_from(&new.skills),
                Field::Languages => profile.languages.clone_from(&new.languages),
                Field::Capacity => profile.capacity = new.capacity,
                Field::ChannelWeights => profile.channel_weights.clone_from(&new.channel_weights),
                Field::ChannelCaps => profile.channel_caps.clone_from(&new.channel_caps),
                Field::PresenceNeverExpires => {
                    profile.presence_never_expires = new.presence_never_expires;
                }
                Field::Retired => profile.retired = new.retired,
            }
        }
        let (agent, _) = self.change_agent(tx, &directory, id, profile).await?;
        Ok(agent)
    }

    /// One agent.
    pub(crate) async fn agent(&self, wanted: &Ref<AgentId>) -> Result<Full, Error> {
        let directory = self.directory().await?;
        let agent = find_agent(&directory, wanted)?;
        let mut found = store::find_all(self.db.reader(), [&agent.id]).await?;
        found.pop().ok_or_else(|| Error::NoSuch {
            resource: "agent",
            id: agent.id.to_string(),
        })
    }

    /// A page of agents by name, and whether there are more. It may hold fewer than `limit` and
    /// not be the last, because presence changes beside the configuration; the name to go on after
    /// comes with it.
    pub(crate) async fn agents(
        &self,
        filter: &Filter,
        limit: usize,
    ) -> Result<(Vec<Full>, Option<String>), Error> {
        let directory = self.directory().await?;
        if let Some(group) = &filter.group {
            find_group(&directory, &Ref::Id(group.clone()))?;
        }
        let mut all = directory.agents_by_name();
        all.retain(|agent| {
            let profile = &agent.profile;
            (filter.include_retired || !profile.retired)
                && filter
                    .group
                    .as_ref()
                    .is_none_or(|group| profile.groups.contains(group))
                && filter
                    .after
                    .as_ref()
                    .is_none_or(|after| profile.name > *after)
        });
        let more = all.len() > limit;
        all.truncate(limit);
        let last = all.last().map(|agent| agent.profile.name.clone());
        let ids = all.iter().map(|agent| &agent.id);
        let mut page = store::find_all(self.db.reader(), ids).await?;
        page.retain(|one| {
            filter
                .presence
                .is_none_or(|wanted| one.seat.presence() == wanted)
        });
        page.sort_by(|a, b| a.agent.profile.name.cmp(&b.agent.profile.name));
        Ok((page, last.filter(|_| more)))
    }

    async fn insert_agent(
        &self,
        tx: &Tx,
        directory: &Directory,
        profile: Profile,
    ) -> Result<Full, Error> {
        free_name(directory, None, &profile.name)?;
        let now = self.now();
        let agent = Agent {
            id: AgentId::generate(now),
            profile,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        store::insert(tx, &agent, lane_of(bucket_of(agent.id.as_str()))).await?;
        let full = Full {
            seat: Seat::empty(1, &agent.profile),
            presence_since: now,
            presence_due_at: None,
            presence_generation: 0,
            agent,
        };
        announce(tx, &full, None);
        Ok(full)
    }

    async fn change_agent(
        &self,
        tx: &Tx,
        directory: &Directory,
        id: &AgentId,
        profile: Profile,
    ) -> Result<(Full, Outcome), Error> {
        free_name(directory, Some(id), &profile.name)?;
        let Some(mut full) = store::lock(tx, id).await? else {
            return Err(super::no_such("agent", &Ref::Id(id.clone())));
        };
        if full.agent.profile == profile {
            return Ok((full, Outcome::Unchanged));
        }
        let (now, version) = (self.now(), full.agent.version + 1);
        store::save_profile(tx, id, &profile, version, now).await?;
        full.seat.version = version;
        full.seat.capacity = Weight::tickets(profile.capacity);
        full.seat.limits = profile.limits();
        full.agent = Agent {
            profile,
            version,
            updated_at: now,
            ..full.agent
        };
        self.adapt_presence(tx, &mut full).await?;
        announce(tx, &full, None);
        Ok((full, Outcome::Updated))
    }
}

fn free_name(directory: &Directory, own: Option<&AgentId>, name: &str) -> Result<(), Error> {
    let other = find_agent(directory, &Ref::Name(name.to_owned())).ok();
    match other.filter(|other| Some(&other.id) != own) {
        Some(_) => Err(Error::Taken {
            resource: "agent",
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}

fn profile(directory: &Directory, wanted: &WantedAgent) -> Result<Profile, Error> {
    let WantedAgent {
        name,
        groups,
        tier,
        skills,
        languages,
        capacity,
        channel_weights,
        channel_caps,
        presence_never_expires,
        retired,
    } = wanted.clone();
    known_skills(directory, skills.keys())?;
    let groups = groups.iter().map(|group| find_group(directory, group));
    let groups: Result<BTreeSet<GroupId>, Error> = groups
        .map(|group| group.map(|group| group.id.clone()))
        .collect();
    Ok(Profile {
        name,
        groups: groups?,
        tier,
        skills,
        languages,
        capacity,
        channel_weights,
        channel_caps,
        presence_never_expires,
        retired,
    })
}

/// Tells the journal what an agent's settings and presence are, since `at` where that is past.
pub(super) fn announce(tx: &Tx, full: &Full, at: Option<Timestamp>) {
    let profile = &full.agent.profile;
    let changed = journal::AgentChanged {
        agent_id: full.agent.id.to_string(),
        online: full.seat.presence() == Presence::Online,
        capacity: profile.capacity,
        group_ids: profile.groups.iter().map(ToString::to_string).collect(),
        channels: full.seat.presences.online().map(channel).collect(),
    };
    let draft = Draft::resource(full.agent.id.as_str(), Body::AgentChanged(changed));
    tx.emit(Draft {
        occurred_at: at,
        ..draft
    });
}

/// A channel as the journal and the API know it.
pub(crate) fn channel(channel: Channel) -> i32 {
    let channel = match channel {
        Channel::Email => common::Channel::Email,
        Channel::Chat => common::Channel::Chat,
        Channel::Phone => common::Channel::Phone,
        Channel::Web => common::Channel::Web,
        Channel::Api => common::Channel::Api,
        Channel::Social => common::Channel::Social,
        Channel::WalkIn => common::Channel::WalkIn,
    };
    channel.into()
}
