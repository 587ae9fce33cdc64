//! A desk of any size: groups of a hundred agents, each tenth of whom helps out in the next group,
//! so that all are one connected set. A third of the agents speak French, and they are all busy; the
//! others speak German and have room. What waits is French.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, GroupId, TicketId};

use crate::domain::agent::{Agent, Profile};
use crate::domain::codes::{Priority, Reason};
use crate::domain::group::{Group, GroupProfile};
use crate::domain::item::{Facts, Item};
use crate::domain::language::Language;
use crate::domain::offer::OwnHandling;

/// How large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Agents altogether.
    pub agents: usize,
    /// Tickets that wait and that nobody can take.
    pub waiting: usize,
}

/// Agents of one group.
const TEAM: usize = 100;
/// What an agent can hold.
pub(super) const CAPACITY: u32 = 5;
const SKILLS: [&str; 8] = [
    "vpn", "mail", "sap", "print", "phone", "web", "access", "hardware",
];
/// When the desk opened.
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A ticket that comes now and that somebody can take.
#[derive(Clone, Debug)]
pub struct Arriving {
    /// The group asked for.
    pub group: String,
    /// The skill it needs.
    pub skill: &'static str,
    /// Its language, for certain.
    pub language: &'static str,
}

/// The people, and the tickets one by one.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) groups: Vec<Group>,
    pub(super) agents: Vec<Agent>,
}

fn language(tag: &str) -> Option<Language> {
    Language::parse(tag)
}

impl Desk {
    pub(super) fn new(agents: usize) -> Self {
        let teams = agents.div_ceil(TEAM).max(1);
        let groups: Vec<Group> = (0..teams)
            .map(|n| {
                let profile = GroupProfile {
                    name: format!("group {n}"),
                    tier: 1,
                    required_skills: BTreeMap::new(),
                    lead: None,
                    escalates_to: None,
                    handling: OwnHandling::default(),
                };
                Group::new(profile, START)
            })
            .collect();
        let ids: Vec<GroupId> = groups.iter().map(|group| group.id.clone()).collect();
        Self {
            agents: (0..agents).map(|n| agent(n, &ids)).collect(),
            groups,
        }
    }

    /// Whether an agent has no room.
    pub(super) fn is_busy(agent: &Agent) -> bool {
        let french = language("fr");
        french.is_some_and(|french| agent.profile.languages.contains_key(&french))
    }

    /// The `n`th of the tickets that wait.
    pub(super) fn waiting(&self, n: usize) -> Item {
        let mut item = self.item(n, "fr");
        item.decision = Some(DecisionId::generate(item.queued_at));
        item.reason = Some(Reason::AllBusy);
        item
    }

    /// The `n`th of the tickets that come; somebody has room for it.
    pub(super) fn arriving(&self, n: usize) -> Item {
        let mut item = self.item(n, "de");
        item.queued_at = START + std::time::Duration::from_secs(1_000_000 + n as u64);
        item
    }

    /// The same for people.
    pub(super) fn arrival(groups: &[String], n: usize) -> Arriving {
        Arriving {
            group: groups[n % groups.len()].clone(),
            skill: SKILLS[n / groups.len() % SKILLS.len()],
            language: "de",
        }
    }

    fn item(&self, n: usize, tag: &str) -> Item {
        let queued_at = START + std::time::Duration::from_secs(n as u64);
        let skill = SKILLS[n / self.groups.len() % SKILLS.len()];
        Item {
            group: Some(self.groups[n % self.groups.len()].id.clone()),
            priority: [Priority::High, Priority::Normal, Priority::Low][n % 3],
            facts: Facts {
                category: "network".to_owned(),
                attributes: BTreeMap::from([("site".to_owned(), "north".to_owned())]),
                language: language(tag),
                language_is_certain: true,
                required_skills: BTreeSet::from([skill.to_owned()]),
                ..Facts::default()
            },
            ..Item::new(TicketId::generate(queued_at), queued_at)
        }
    }
}

fn agent(n: usize, groups: &[GroupId]) -> Agent {
    let team = n / TEAM;
    let mut own = BTreeSet::from([groups[team].clone()]);
    if n.is_multiple_of(10) {
        own.insert(groups[(team + 1) % groups.len()].clone());
    }
    let tag = if n.is_multiple_of(3) { "fr" } else { "de" };
    let skills = [0, 1, 3].map(|step| SKILLS[(n + step) % SKILLS.len()].to_owned());
    let level = |(at, skill)| (skill, u8::try_from(1 + (n + at) % 5).unwrap_or(1));
    Agent {
        id: AgentId::generate(START),
        profile: Profile {
            name: format!("agent {n}"),
            groups: own,
            tier: 1,
            skills: skills.into_iter().enumerate().map(level).collect(),
            languages: language(tag).map(|tag| (tag, 5)).into_iter().collect(),
            capacity: CAPACITY,
            channel_weights: BTreeMap::new(),
            channel_caps: BTreeMap::new(),
            presence_never_expires: true,
            retired: false,
        },
        version: 1,
        created_at: START,
        updated_at: START,
    }
}
