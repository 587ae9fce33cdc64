//! Small teams and tickets for the tests of the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DutyOverrideId, GroupId, RotaId, TicketId};

use super::agent::{Agent, Profile, Seat};
use super::channel::{PerChannel, Presences};
use super::codes::{Channel, Presence};
use super::directory::{Directory, Seats};
use super::group::{Group, GroupProfile};
use super::item::{Item, Policy};
use super::language::Language;
use super::offer::{Handling, OwnHandling};
use super::weight::Weight;

/// The id of `prefix` whose last digits are `n`, always the same. Below 32.
fn id<T: std::str::FromStr>(prefix: &str, n: usize) -> T
where
    T::Err: std::fmt::Debug,
{
    let digit = b"0123456789abcdefghjkmnpqrstvwxyz"[n] as char;
    format!("{prefix}_01h455vb4pex5vsknk084sn0{}{digit}", '0')
        .parse()
        .unwrap()
}

pub(crate) fn agent(n: usize) -> AgentId {
    id("agt", n)
}

pub(crate) fn group(n: usize) -> GroupId {
    id("grp", n)
}

pub(crate) fn ticket(n: usize) -> TicketId {
    id("tkt", n)
}

pub(crate) fn rota() -> RotaId {
    id("rta", 1)
}

pub(crate) fn duty_override(n: usize) -> DutyOverrideId {
    id("ovr", n)
}

/// Pending tickets count by a quarter.
pub(crate) fn policy() -> Policy {
    Policy {
        paused: Weight::from_thousandths(250),
        weights: PerChannel::all(Weight::TICKET),
        handling: Handling {
            offer_timeout: Duration::from_secs(30),
            auto_accept: [Channel::Email, Channel::Web, Channel::Api]
                .into_iter()
                .collect(),
            wrap_up: Duration::ZERO,
            same_agent_window: Duration::from_secs(3_600),
            offer_again_after: None,
        },
        recorded: false,
        certain_from: 0.8,
    }
}

/// A mail of normal priority that nobody has looked at.
pub(crate) fn item(n: usize) -> Item {
    Item::new(ticket(n), Timestamp::from_millis(1_000))
}

/// A group 1 whose members can be changed before it is put together.
pub(crate) struct Team {
    pub(crate) agents: Vec<(Agent, Seat)>,
    pub(crate) group: Group,
    others: Vec<Group>,
}

/// Agents 1 to `size`, online, idle, with room for ten, no skills, no languages.
pub(crate) fn team(size: usize) -> Team {
    let agents = (1..=size).map(|n| {
        let profile = Profile {
            name: format!("agent {n}"),
            groups: BTreeSet::from([group(1)]),
            tier: 1,
            skills: BTreeMap::new(),
            languages: BTreeMap::new(),
            capacity: 10,
            channel_weights: BTreeMap::new(),
            channel_caps: BTreeMap::new(),
            presence_never_expires: true,
            retired: false,
        };
        let mut seat = Seat::empty(1, &profile);
        seat.presences = Presences::all(Presence::Online);
        let agent = Agent {
            id: agent(n),
            profile,
            version: 1,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        };
        (agent, seat)
    });
    Team {
        agents: agents.collect(),
        group: Group {
            id: group(1),
            profile: GroupProfile {
                name: "group 1".to_owned(),
                tier: 1,
                required_skills: BTreeMap::new(),
                lead: None,
                escalates_to: None,
                handling: OwnHandling::default(),
            },
            version: 1,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        },
        others: Vec::new(),
    }
}

impl Team {
    /// Gives agent `n` a skill.
    pub(crate) fn skill(&mut self, n: usize, skill: &str, level: u8) {
        let profile = &mut self.agents[n - 1].0.profile;
        profile.skills.insert(skill.to_owned(), level);
    }

    /// Gives agent `n` a language.
    pub(crate) fn language(&mut self, n: usize, tag: &str, level: u8) {
        let profile = &mut self.agents[n - 1].0.profile;
        profile
            .languages
            .insert(Language::parse(tag).unwrap(), level);
    }

    /// The seat of agent `n`.
    pub(crate) fn seat(&mut self, n: usize) -> &mut Seat {
        &mut self.agents[n - 1].1
    }

    /// With groups 1 to `count`, alike.
    pub(crate) fn with_groups(mut self, count: usize) -> Self {
        self.others = (2..=count)
            .map(|n| {
                let mut other = self.group.clone();
                other.id = group(n);
                other.profile.name = format!("group {n}");
                other
            })
            .collect();
        self
    }

    /// Puts it together.
    pub(crate) fn finish(self) -> (Directory, Seats) {
        let seats = self.agents.iter();
        let seats = seats
            .map(|(agent, seat)| (agent.id.clone(), seat.clone()))
            .collect();
        let agents = self.agents.into_iter().map(|(agent, _)| agent).collect();
        let groups = [vec![self.group], self.others].concat();
        (Directory::new(groups, agents, vec![], None), seats)
    }
}
