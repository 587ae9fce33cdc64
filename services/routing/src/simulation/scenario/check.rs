//! What is wrong with a scenario: all of it at once, each with its key.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;

use super::{Agent, Really, Scenario, Shift, Tickets, Told};
use crate::domain::codes::{Channel, Priority};
use crate::domain::language::Language;
use crate::domain::workflow::Plan;

/// Something wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Which value, such as `agents[2].groups[0]`.
    pub key: String,
    /// What it must be.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.message)
    }
}

/// Longer is a slip of the pen.
const MOST_DAYS: u32 = 36_600;
/// More is one too.
const MOST_AGENTS: u64 = 100_000;

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            key: key.into(),
            message: message.into(),
        });
    }

    fn check(&mut self, fits: bool, key: impl Into<String>, message: &str) {
        if !fits {
            self.add(key, message);
        }
    }

    fn share(&mut self, share: f64, key: impl Into<String>) {
        self.check((0.0..=1.0).contains(&share), key, "must be between 0 and 1");
    }

    fn unique<'a>(&mut self, names: impl Iterator<Item = &'a str>, list: &str, key: &str) {
        let mut seen = BTreeSet::new();
        for (at, name) in names.enumerate() {
            self.check(
                !name.is_empty(),
                format!("{list}[{at}].{key}"),
                "must not be empty",
            );
            if !seen.insert(name) {
                self.add(
                    format!("{list}[{at}].{key}"),
                    format!("comes twice: {name}"),
                );
            }
        }
    }

    fn codes<T: FromStr>(&mut self, codes: &[String], key: &str, kind: &str) {
        for (at, code) in codes.iter().enumerate() {
            if code.parse::<T>().is_err() {
                self.add(
                    format!("{key}[{at}]"),
                    format!("must be a {kind}, not {code:?}"),
                );
            }
        }
    }
}

/// What the workflow says, or all that is wrong with a scenario.
pub(super) fn check(scenario: &Scenario) -> Result<Plan, Vec<Problem>> {
    let mut found = Problems::default();
    let of = &mut found;
    of.check(
        (1..=MOST_DAYS).contains(&scenario.days),
        "days",
        "must be between 1 and 36600",
    );
    of.check(
        !scenario.warm_up.is_negative(),
        "warm_up",
        "must not be negative",
    );
    if TimeZone::get(&scenario.zone).is_err() {
        of.add(
            "zone",
            format!("must be an IANA time zone, not {:?}", scenario.zone),
        );
    }
    of.unique(
        scenario.groups.iter().map(|group| group.name.as_str()),
        "groups",
        "name",
    );
    of.unique(
        scenario.agents.iter().map(|agent| agent.name.as_str()),
        "agents",
        "name",
    );
    of.unique(
        scenario.tickets.iter().map(|one| one.class.as_str()),
        "tickets",
        "class",
    );
    of.check(
        !scenario.tickets.is_empty(),
        "tickets",
        "must have at least one class",
    );
    for (at, group) in scenario.groups.iter().enumerate() {
        for (skill, level) in &group.required_skills {
            let key = format!("groups[{at}].required_skills.{skill}");
            of.check((1..=5).contains(level), key, "must be a level from 1 to 5");
        }
    }
    let total = scenario.agents.iter().map(|agent| agent.count);
    let total = total.fold(0, u64::saturating_add);
    of.check(
        (1..=MOST_AGENTS).contains(&total),
        "agents",
        "must be between 1 and 100000 people",
    );
    for (at, one) in scenario.agents.iter().enumerate() {
        agent(one, &format!("agents[{at}]"), scenario, of);
    }
    for (name, one) in &scenario.shifts {
        shift(one, &format!("shifts.{name}"), of);
    }
    for (at, one) in scenario.tickets.iter().enumerate() {
        tickets(one, &format!("tickets[{at}]"), of);
    }
    of.check(
        (1..=100).contains(&scenario.workflow.load_steps),
        "workflow.load_steps",
        "must be between 1 and 100",
    );
    let offers = &scenario.offers;
    of.codes::<Channel>(&offers.channels, "offers.channels", "channel");
    of.check(
        offers.timeout.is_positive(),
        "offers.timeout",
        "must be above zero",
    );
    of.check(
        offers.back_after.is_positive(),
        "offers.back_after",
        "must be above zero",
    );
    if let Some(fault) = offers.answer.fault() {
        of.add("offers.answer", fault);
    }
    let Problems(mut found) = found;
    match scenario
        .workflow
        .plan(&scenario.directory(Vec::new(), None))
    {
        Ok(plan) if found.is_empty() => Ok(plan),
        Ok(_) => Err(found),
        Err(wrong) => {
            found.extend(wrong);
            Err(found)
        }
    }
}

fn group(name: &str, key: &str, scenario: &Scenario, of: &mut Problems) {
    if !scenario.groups.iter().any(|group| group.name == name) {
        of.add(key, format!("must name a group, not {name:?}"));
    }
}

fn agent(agent: &Agent, key: &str, scenario: &Scenario, of: &mut Problems) {
    of.check(
        !agent.groups.is_empty(),
        format!("{key}.groups"),
        "must name at least one",
    );
    for (at, name) in agent.groups.iter().enumerate() {
        group(name, &format!("{key}.groups[{at}]"), scenario, of);
    }
    for (at, name) in agent.shifts.iter().enumerate() {
        if !scenario.shifts.contains_key(name) {
            of.add(
                format!("{key}.shifts[{at}]"),
                format!("must name a shift, not {name:?}"),
            );
        }
    }
    of.check(
        (1..=9).contains(&agent.tier),
        format!("{key}.tier"),
        "must be between 1 and 9",
    );
    for (skill, level) in &agent.skills {
        let key = format!("{key}.skills.{skill}");
        of.check((1..=5).contains(level), key, "must be a level from 1 to 5");
    }
    for (tag, level) in &agent.languages {
        let key = format!("{key}.languages.{tag}");
        of.check(
            Language::parse(tag).is_some(),
            key.clone(),
            "must be a BCP 47 tag",
        );
        of.check((1..=5).contains(level), key, "must be a level from 1 to 5");
    }
    of.check(
        agent.count > 0,
        format!("{key}.count"),
        "must be above zero",
    );
    of.check(
        agent.capacity > 0,
        format!("{key}.capacity"),
        "must be above zero",
    );
    of.check(
        agent.at_once > 0,
        format!("{key}.at_once"),
        "must be above zero",
    );
    let positive = agent.speed.is_finite() && agent.speed > 0.0;
    of.check(positive, format!("{key}.speed"), "must be above zero");
    of.share(agent.declines, format!("{key}.declines"));
    of.share(agent.ignores, format!("{key}.ignores"));
    let both = agent.declines + agent.ignores;
    of.check(
        both <= 1.0,
        format!("{key}.declines"),
        "must leave room for `ignores`",
    );
    if let Some(fault) = agent.wrap_up.as_ref().and_then(super::Lasts::fault) {
        of.add(format!("{key}.wrap_up"), fault);
    }
}

fn shift(shift: &Shift, key: &str, of: &mut Problems) {
    let overnight = shift.to <= shift.from;
    for (at, rest) in shift.breaks.iter().enumerate() {
        let within = |time| {
            if overnight {
                time >= shift.from || time <= shift.to
            } else {
                (shift.from..=shift.to).contains(&time)
            }
        };
        let fits = within(rest.from) && within(rest.to) && rest.from != rest.to;
        of.check(
            fits,
            format!("{key}.breaks[{at}]"),
            "must lie within the shift",
        );
    }
}

fn tickets(tickets: &Tickets, key: &str, of: &mut Problems) {
    let rate = |rate: f64| rate.is_finite() && rate >= 0.0;
    of.check(
        rate(tickets.per_hour),
        format!("{key}.per_hour"),
        "must not be negative",
    );
    let hours = tickets.by_hour.len();
    of.check(
        hours == 0 || hours == 24,
        format!("{key}.by_hour"),
        "must have 24 factors",
    );
    let factors = tickets.by_hour.iter().chain(tickets.by_weekday.values());
    for factor in factors {
        of.check(
            rate(*factor),
            format!("{key}.by_hour"),
            "must have no negative factor",
        );
    }
    told(&tickets.told, &format!("{key}.told"), of);
    for (at, one) in tickets.really.iter().enumerate() {
        really(one, &format!("{key}.really[{at}]"), of);
    }
    let shares: f64 = tickets.really.iter().map(|one| one.share).sum();
    of.check(
        shares <= 1.0 + 1e-9,
        format!("{key}.really"),
        "must have shares of at most 1 in all",
    );
    of.share(tickets.write_again, format!("{key}.write_again"));
    if let Some(fault) = tickets.handling.fault() {
        of.add(format!("{key}.handling"), fault);
    }
    if let Some(fault) = tickets.patience.as_ref().and_then(super::Lasts::fault) {
        of.add(format!("{key}.patience"), fault);
    }
    let promised = tickets
        .answer_within
        .is_none_or(|within| within.is_positive());
    of.check(
        promised,
        format!("{key}.answer_within"),
        "must be above zero",
    );
}

fn told(told: &Told, key: &str, of: &mut Problems) {
    if told.channel.parse::<Channel>().is_err() {
        of.add(
            format!("{key}.channel"),
            format!("must be a channel, not {:?}", told.channel),
        );
    }
    if told.priority.parse::<Priority>().is_err() {
        of.add(
            format!("{key}.priority"),
            format!("must be a priority, not {:?}", told.priority),
        );
    }
    let known = told.language.is_empty() || Language::parse(&told.language).is_some();
    of.check(known, format!("{key}.language"), "must be a BCP 47 tag");
}

fn really(really: &Really, key: &str, of: &mut Problems) {
    of.share(really.share, format!("{key}.share"));
    of.share(really.noticed_after, format!("{key}.noticed_after"));
    let differs = really.category.is_some() || really.skills.is_some();
    of.check(differs, key, "must name a category or skills");
}
