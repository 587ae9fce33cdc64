//! Who was there, on which channels, and at work by their shifts: read from the journal and the store.

use std::collections::{BTreeMap, HashMap};

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use lotse_journal::{Body, Journal};
use lotse_proto::journal::v1 as journal;
use sea_orm::ConnectionTrait;

use crate::domain::agent::Agent;
use crate::domain::channel::ChannelSet;
use crate::domain::codes::Standing;
use crate::domain::directory::Directory;
use crate::domain::shift_plan::ShiftPlan;
use crate::domain::turns::Stretch;
use crate::error::Error;
use crate::jobs::tracker::channel;
use crate::simulation::crew::Coming;
use crate::simulation::happened::There;
use crate::store::directory::shift_plans_within;

/// The agents of a span.
pub(super) struct Crew {
    agents: BTreeMap<AgentId, (Agent, bool)>,
    /// What they said of themselves, in the order in which they did.
    said: Vec<(Timestamp, AgentId, There, ChannelSet)>,
    /// From when on they were at work by their shifts, or not; nothing for those without a plan.
    shifts: HashMap<AgentId, Vec<(Timestamp, bool)>>,
}

impl Crew {
    /// As they were at the beginning of a window, with their shifts of all of it. Who was changed
    /// only later had until then what that says.
    pub(super) async fn within(
        journal: &Journal,
        conn: &impl ConnectionTrait,
        directory: &Directory,
        window: Stretch,
    ) -> Result<Self, Error> {
        let plans = shift_plans_within(conn, window).await?;
        let shifts = plans.into_iter().map(|(agent, versions)| {
            let at_work = at_work(&versions, window);
            (agent, at_work)
        });
        let mut crew = Self {
            agents: BTreeMap::new(),
            said: Vec::new(),
            shifts: shifts.collect(),
        };
        for agent in directory.agents.values() {
            let mut agent = agent.clone();
            let told = journal.last_before(agent.id.as_str(), window.from).await?;
            let told = told.and_then(|event| match event.body {
                Body::AgentChanged(changed) => Some(changed),
                _ => None,
            });
            if let Some(changed) = &told {
                take_over(&mut agent, changed);
                if changed.online {
                    let channels = channels(changed);
                    let id = agent.id.clone();
                    crew.said.push((window.from, id, There::Online, channels));
                }
            }
            let id = agent.id.clone();
            crew.agents.insert(id, (agent, told.is_some()));
        }
        Ok(crew)
    }

    /// An agent said something else.
    pub(super) fn change(&mut self, changed: &journal::AgentChanged, at: Timestamp) {
        let Ok(id) = changed.agent_id.parse::<AgentId>() else {
            return;
        };
        let Some((agent, told)) = self.agents.get_mut(&id) else {
            return;
        };
        if !std::mem::replace(told, true) {
            take_over(agent, changed);
        }
        // Whoever worked then was not retired.
        agent.profile.retired &= !changed.online;
        let there = if changed.online {
            There::Online
        } else {
            There::Offline
        };
        self.said.push((at, id, there, channels(changed)));
    }

    /// All of them by id, and their comings and goings in the order of time: who is online but not
    /// at work is away, gets nothing new and goes on with what they have.
    pub(super) fn finish(self) -> (Vec<Agent>, Vec<Coming>) {
        let numbers: HashMap<&AgentId, usize> = self.agents.keys().zip(0..).collect();
        let mut said: BTreeMap<&AgentId, Vec<(Timestamp, There, ChannelSet)>> = BTreeMap::new();
        for (at, agent, there, channels) in &self.said {
            let of_one = said.entry(agent).or_default();
            of_one.push((*at, *there, *channels));
        }
        let mut comings = Vec::new();
        for (id, said) in said {
            let shifts = self.shifts.get(id).map_or(&[][..], Vec::as_slice);
            let agent = numbers[id];
            comings.extend(
                both(&said, shifts)
                    .into_iter()
                    .map(|(at, there, channels)| Coming {
                        at,
                        agent,
                        there,
                        channels,
                    }),
            );
        }
        // Stable: what is told of one agent at one instant stays in its order.
        comings.sort_by_key(|coming| coming.at);
        let agents = self.agents.into_values().map(|(agent, _)| agent);
        (agents.collect(), comings)
    }
}

/// From when on somebody was at work, or not, by the versions of their plan, earliest first. Before
/// the first one they had none and were at work whenever they said so.
fn at_work(versions: &[ShiftPlan], window: Stretch) -> Vec<(Timestamp, bool)> {
    let mut turns = Vec::new();
    for (nth, plan) in versions.iter().enumerate() {
        let next = versions.get(nth + 1);
        let until = next.map_or(window.until, |next| next.setting.updated_at);
        let in_force = Stretch {
            from: plan.setting.updated_at.max(window.from),
            until: until.min(window.until),
        };
        if in_force.from < in_force.until {
            let standings = plan.standings(in_force).into_iter();
            turns.extend(standings.map(|(on, standing)| (on.from, standing == Standing::AtWork)));
        }
    }
    turns
}

/// What somebody said of themselves, and what their shifts say, put together.
fn both(
    said: &[(Timestamp, There, ChannelSet)],
    shifts: &[(Timestamp, bool)],
) -> Vec<(Timestamp, There, ChannelSet)> {
    let (mut said, mut shifts) = (said.iter().peekable(), shifts.iter().peekable());
    let (mut own, mut at_work) = ((There::Offline, ChannelSet::default()), true);
    let mut turns = Vec::new();
    while let Some(at) = [said.peek().map(|one| one.0), shifts.peek().map(|one| one.0)]
        .into_iter()
        .flatten()
        .min()
    {
        while let Some((_, there, channels)) = said.next_if(|one| one.0 <= at) {
            own = (*there, *channels);
        }
        while let Some((_, works)) = shifts.next_if(|one| one.0 <= at) {
            at_work = *works;
        }
        let there = match own.0 {
            There::Online if !at_work => There::Away,
            there => there,
        };
        turns.push((at, there, own.1));
    }
    turns.dedup_by(|later, before| (later.1, later.2) == (before.1, before.2));
    turns
}

/// The channels that an agent takes. Before they were journaled, all or none were taken.
fn channels(changed: &journal::AgentChanged) -> ChannelSet {
    if changed.channels.is_empty() {
        ChannelSet::all()
    } else {
        changed.channels().map(channel).collect()
    }
}

fn take_over(agent: &mut Agent, changed: &journal::AgentChanged) {
    agent.profile.capacity = changed.capacity;
    agent.profile.retired &= !changed.online;
    let groups = changed.group_ids.iter();
    agent.profile.groups = groups.filter_map(|group| group.parse().ok()).collect();
}
