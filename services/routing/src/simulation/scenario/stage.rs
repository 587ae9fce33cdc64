//! A scenario made ready to play: its desk as routing's own configuration, its people, its hours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use lotse_clock::Timestamp;
use lotse_ids::GroupId;

use super::class::{Class, class};
use super::hours::{instant, local, positive};
use super::people::{conduct, manners, person};
use super::{Problem, Scenario, check};
use crate::domain::agent;
use crate::domain::directory::Directory;
use crate::domain::group::{GroupProfile, SkillProfile};
use crate::domain::offer::OwnHandling;
use crate::domain::setting::{Content, Setting};
use crate::domain::workflow::Workflow;
use crate::simulation::arrivals::Drawn;
use crate::simulation::crew::Coming;
use crate::simulation::happened::Happened;
use crate::simulation::ids::numbered;
use crate::simulation::router::Policy;
use crate::simulation::world::{Course, Desk, play};

/// A scenario, checked and ready to play, as often as one likes.
pub struct Stage {
    desk: Desk,
    classes: Vec<Class>,
    comings: Vec<Coming>,
    from: Timestamp,
    counted_from: Timestamp,
    until: Timestamp,
    zone: TimeZone,
    agents: Vec<(String, Vec<usize>)>,
}

impl Scenario {
    /// Makes it ready.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn stage(&self) -> Result<Stage, Vec<Problem>> {
        let workflow = Workflow {
            version: 1,
            plan: check::check(self)?,
            created_at: Timestamp::EPOCH,
        };
        let zone = TimeZone::get(&self.zone).map_err(|error| {
            vec![Problem {
                key: "zone".to_owned(),
                message: error.to_string(),
            }]
        })?;
        let midnight = self.start.to_datetime(jiff::civil::Time::midnight());
        let counted_from = instant(midnight, &zone);
        let last = midnight.saturating_add(i64::from(self.days).days());
        let until = instant(last, &zone);
        let from = counted_from - positive(self.warm_up);
        let groups = self.group_ids();
        let mut people = Vec::new();
        let mut conducts = Vec::new();
        let mut comings = Vec::new();
        let mut names = Vec::new();
        for one in &self.agents {
            for nth in 1..=one.count {
                let number = people.len();
                let name = match one.count {
                    1 => one.name.clone(),
                    _ => format!("{} {nth}", one.name),
                };
                let working = one
                    .groups
                    .iter()
                    .filter_map(|name| self.groups.iter().position(|group| group.name == *name));
                names.push((name.clone(), working.collect()));
                people.push(person(one, name, number, &groups));
                conducts.push(conduct(one));
                self.comings(one, number, from, until, &zone, &mut comings);
            }
        }
        comings.sort_by_key(|coming| (coming.at, coming.agent));
        let directory = self.directory(people.clone(), Some(workflow));
        let desk = Desk::new(&people, directory, conducts, manners(&self.offers));
        let classes = self.tickets.iter();
        Ok(Stage {
            classes: classes
                .map(|tickets| class(tickets, from, until, &zone))
                .collect(),
            desk,
            comings,
            from,
            counted_from,
            until,
            zone,
            agents: names,
        })
    }

    fn group_ids(&self) -> BTreeMap<&str, GroupId> {
        let groups = self.groups.iter().enumerate();
        groups
            .map(|(at, group)| (group.name.as_str(), numbered("grp", at as u64)))
            .collect()
    }

    /// Its groups, and the skills that anything in it names, beside these people.
    pub(super) fn directory(
        &self,
        people: Vec<agent::Agent>,
        workflow: Option<Workflow>,
    ) -> Directory {
        let ids = self.group_ids();
        let groups = self.groups.iter().map(|group| {
            let profile = GroupProfile {
                name: group.name.clone(),
                tier: 1,
                required_skills: group.required_skills.clone(),
                lead: None,
                escalates_to: None,
                handling: OwnHandling::default(),
            };
            first_version(ids[group.name.as_str()].clone(), profile)
        });
        let skills = self.skills().into_iter().zip(0..).map(|(name, number)| {
            let profile = SkillProfile {
                name: name.clone(),
                description: String::new(),
            };
            first_version(numbered("skl", number), profile)
        });
        Directory::new(groups.collect(), people, skills.collect(), workflow)
            .with_load_steps(self.workflow.load_steps)
    }

    /// The skills of agents, and those that groups and tickets require.
    fn skills(&self) -> BTreeSet<&String> {
        let groups = self
            .groups
            .iter()
            .flat_map(|one| one.required_skills.keys());
        let agents = self.agents.iter().flat_map(|one| one.skills.keys());
        let told = self.tickets.iter().flat_map(|one| &one.told.skills);
        let really = self.tickets.iter().flat_map(|one| &one.really);
        let really = really.flat_map(|one| one.skills.iter().flatten());
        groups.chain(agents).chain(told).chain(really).collect()
    }
}

fn first_version<C: Content>(id: C::Id, profile: C) -> Setting<C> {
    Setting {
        id,
        profile,
        version: 1,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

impl Stage {
    /// Plays it with a policy and tells `watch` everything, in the order of time.
    pub fn play(&self, policy: Policy, seed: u64, watch: impl FnMut(Timestamp, Happened)) {
        self.play_on(policy, seed, &AtomicBool::new(false), watch);
    }

    /// The same, until it is called off.
    pub(crate) fn play_on(
        &self,
        policy: Policy,
        seed: u64,
        called_off: &AtomicBool,
        watch: impl FnMut(Timestamp, Happened),
    ) {
        let course = Course {
            arrivals: Drawn::new(&self.classes, seed, self.from, self.until),
            comings: self.comings.iter().copied(),
            until: self.until,
            called_off,
        };
        play(&self.desk, policy, seed, course, watch, &mut |_, _, _| ());
    }

    /// Where counting begins: the warm-up is over.
    pub fn counted_from(&self) -> Timestamp {
        self.counted_from
    }

    /// Where it ends.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The agents with the groups they work in, by the numbers that are told.
    pub fn agents(&self) -> &[(String, Vec<usize>)] {
        &self.agents
    }

    /// The hour of the day there, 0 to 23.
    pub fn hour_of_day(&self, at: Timestamp) -> usize {
        usize::try_from(local(at, &self.zone).hour()).unwrap_or(0)
    }
}
