//! A scenario made ready to play: its desk as routing's own configuration, its people, its hours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::class::{Class, class};
use super::{Agent, Day, Offers, Problem, Rule, Scenario, Shift, check};
use crate::domain::agent::{self, Profile, Seat};
use crate::domain::channel::ChannelSet;
use crate::domain::conditions::Conditions;
use crate::domain::directory::Directory;
use crate::domain::group::{Group, GroupProfile};
use crate::domain::language::Language;
use crate::domain::offer::OwnHandling;
use crate::domain::way::Way;
use crate::domain::workflow::{self, Plan};
use crate::simulation::arrivals::Drawn;
use crate::simulation::crew::{Coming, Conduct, Manners};
use crate::simulation::happened::{Happened, There};
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
        let problems = check::problems(self);
        if !problems.is_empty() {
            return Err(problems);
        }
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
        let desk = Desk {
            passes_over: false,
            seats: people.iter().map(seat).collect(),
            numbers: people
                .iter()
                .zip(0..)
                .map(|(agent, number)| (agent.id.clone(), number))
                .collect(),
            ids: people.iter().map(|agent| agent.id.clone()).collect(),
            directory: Arc::new(self.directory(people, &groups)),
            conducts,
            manners: manners(&self.offers),
        };
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

    fn directory(&self, people: Vec<agent::Agent>, ids: &BTreeMap<&str, GroupId>) -> Directory {
        let groups = self.groups.iter().map(|group| Group {
            id: ids[group.name.as_str()].clone(),
            profile: GroupProfile {
                name: group.name.clone(),
                tier: 1,
                required_skills: group.required_skills.clone(),
                lead: None,
                escalates_to: None,
                handling: OwnHandling::default(),
            },
            version: 1,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        });
        let rules = self.workflow.rules.iter();
        let plan = Plan {
            rules: rules.map(|one| rule(one, ids)).collect(),
            ..Plan::to(ids[self.workflow.default_group.as_str()].clone())
        };
        let workflow = workflow::Workflow {
            version: 1,
            plan,
            created_at: Timestamp::EPOCH,
        };
        Directory::new(groups.collect(), people, Vec::new(), Some(workflow))
            .with_load_steps(self.workflow.load_steps)
    }

    /// When an agent comes and goes.
    fn comings(
        &self,
        agent: &Agent,
        number: usize,
        from: Timestamp,
        until: Timestamp,
        zone: &TimeZone,
        comings: &mut Vec<Coming>,
    ) {
        let mut add = |at: Timestamp, there: There| {
            if at < until {
                comings.push(Coming {
                    at: at.max(from),
                    agent: number,
                    there,
                    channels: ChannelSet::all(),
                });
            }
        };
        if agent.shifts.is_empty() {
            add(from, There::Online);
            return;
        }
        let first = local(from, zone).date().yesterday().unwrap_or(self.start);
        let last = local(until, zone).date();
        let shifts = agent.shifts.iter().filter_map(|name| self.shifts.get(name));
        for shift in shifts {
            for date in first.series(1.day()).take_while(|date| *date <= last) {
                if !shift.days.is_empty() && !shift.days.contains(&day(date.weekday())) {
                    continue;
                }
                for (at, there) in turns(shift, date) {
                    let at = instant(at, zone);
                    // What is over before the beginning still says where the agent is then.
                    add(at, there);
                }
            }
        }
    }
}

/// What happens on a shift that begins on `date`.
fn turns(shift: &Shift, date: jiff::civil::Date) -> Vec<(DateTime, There)> {
    let next = date.tomorrow().unwrap_or(date);
    let on = |time| {
        let date = if time < shift.from { next } else { date };
        date.to_datetime(time)
    };
    let end = if shift.to <= shift.from { next } else { date }.to_datetime(shift.to);
    let mut turns = vec![(date.to_datetime(shift.from), There::Online)];
    for rest in &shift.breaks {
        turns.push((on(rest.from), There::Away));
        turns.push((on(rest.to), There::Online));
    }
    turns.sort_by_key(|(at, _)| *at);
    turns.push((end, There::Offline));
    turns
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

fn person(
    agent: &Agent,
    name: String,
    number: usize,
    groups: &BTreeMap<&str, GroupId>,
) -> agent::Agent {
    let working: BTreeSet<GroupId> = agent
        .groups
        .iter()
        .filter_map(|name| groups.get(name.as_str()).cloned())
        .collect();
    let languages = agent.languages.iter();
    agent::Agent {
        id: numbered("agt", number as u64),
        profile: Profile {
            name,
            groups: working,
            tier: 1,
            skills: agent.skills.clone(),
            languages: languages
                .filter_map(|(tag, level)| Some((Language::parse(tag)?, *level)))
                .collect(),
            capacity: agent.capacity,
            channel_weights: BTreeMap::new(),
            channel_caps: BTreeMap::new(),
            presence_never_expires: true,
            retired: false,
        },
        version: 1,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

pub(crate) fn seat(agent: &agent::Agent) -> (AgentId, Seat) {
    (agent.id.clone(), Seat::empty(agent.version, &agent.profile))
}

fn conduct(agent: &Agent) -> Conduct {
    Conduct {
        at_once: agent.at_once,
        speed: agent.speed,
        wrap_up: agent.wrap_up.clone(),
        declines: agent.declines,
        ignores: agent.ignores,
    }
}

fn manners(offers: &Offers) -> Manners {
    Manners {
        offered: offers
            .channels
            .iter()
            .map(|channel| code(channel))
            .collect(),
        answer: offers.answer.clone(),
        timeout: positive(offers.timeout),
        back_after: positive(offers.back_after),
    }
}

fn rule(rule: &Rule, groups: &BTreeMap<&str, GroupId>) -> workflow::Rule {
    workflow::Rule {
        name: rule.name.clone(),
        way: Way::to(groups[rule.group.as_str()].clone()),
        when: Conditions {
            categories: rule.categories.iter().cloned().collect(),
            channels: rule.channels.iter().map(|one| code(one)).collect(),
            priorities: rule.priorities.iter().map(|one| code(one)).collect(),
            languages: rule
                .languages
                .iter()
                .filter_map(|tag| Language::parse(tag))
                .collect(),
            tags: rule.tags.iter().cloned().collect(),
            skills: rule.skills.iter().cloned().collect(),
            ..Conditions::default()
        },
        any_of: Vec::new(),
        unless: Vec::new(),
    }
}

pub(super) fn code<T: std::str::FromStr>(code: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    code.parse().expect("a known code") // invariant: the scenario is checked
}

fn positive(span: SignedDuration) -> Duration {
    Duration::try_from(span).unwrap_or_default()
}

fn instant(local: DateTime, zone: &TimeZone) -> Timestamp {
    let at = zone.to_timestamp(local);
    Timestamp::from_millis(at.map_or(0, jiff::Timestamp::as_millisecond))
}

pub(super) fn local(at: Timestamp, zone: &TimeZone) -> DateTime {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    zone.to_datetime(at)
}

pub(super) fn day(weekday: Weekday) -> Day {
    match weekday {
        Weekday::Monday => Day::Mon,
        Weekday::Tuesday => Day::Tue,
        Weekday::Wednesday => Day::Wed,
        Weekday::Thursday => Day::Thu,
        Weekday::Friday => Day::Fri,
        Weekday::Saturday => Day::Sat,
        Weekday::Sunday => Day::Sun,
    }
}
