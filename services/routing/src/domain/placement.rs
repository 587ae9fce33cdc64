//! Where a waiting ticket stands: in which group's queue, and what it asks of an agent there.
//!
//! A pure function of the ticket, the configuration, who is there, and the time. All that time
//! does counts from the ticket's original queue time, so nothing of a step needs to be remembered:
//! a ticket that comes back after a declined offer or a restart is where its age puts it.

use lotse_clock::Timestamp;
use lotse_ids::GroupId;

use super::agent::Seat;
use super::choice::Needs;
use super::codes::{Certainty, Channel, SkipReason};
use super::directory::{Directory, Seats};
use super::group::Group;
use super::item::Item;
use super::way::{Way, WorkflowStep};
use super::workflow::{Step, Workflow};

/// A place in a group's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The group.
    pub(crate) group: GroupId,
    /// Which part of the workflow led there; none when the group was given.
    pub(crate) step: Option<Step>,
    /// What an agent must bring along now.
    pub(crate) needs: Needs,
    /// When time alone changes any of this: a step or a preference runs out, hours open or close.
    /// None when only an event does.
    pub(crate) changes_at: Option<Timestamp>,
}

/// Who is there: all that passing over a step depends on beside the time.
pub(crate) trait Pools {
    /// How many of those who answer for a group take tickets of a channel: they are online for it
    /// and their shifts do not say otherwise.
    fn online(&self, group: &GroupId, channel: Channel, now: Timestamp) -> usize;

    /// How many of them have any room.
    fn free(&self, group: &GroupId, channel: Channel, now: Timestamp) -> usize;
}

/// Counts seats when asked.
pub(crate) struct SeatPools<'a> {
    /// Who is in which group.
    pub(crate) directory: &'a Directory,
    /// Who is there.
    pub(crate) seats: &'a Seats,
}

/// As if everybody were there: where a ticket would go on a good day.
pub(crate) struct Everybody;

/// Places an item: where a person or its work has put it, else where its creator asked for, else
/// where the workflow leads. None while nobody configured where tickets go.
pub(crate) fn place(
    item: &Item,
    directory: &Directory,
    pools: &impl Pools,
    now: Timestamp,
) -> Option<Placement> {
    let mut place = find(item, directory, pools, now)?;
    place.needs.load_steps = directory.load_steps;
    Some(place)
}

fn find(
    item: &Item,
    directory: &Directory,
    pools: &impl Pools,
    now: Timestamp,
) -> Option<Placement> {
    let settled = item.group.as_ref().filter(|_| item.trail.settled);
    match (
        settled.or_else(|| requested(item, directory)),
        &directory.workflow,
    ) {
        (None, Some(workflow)) => {
            let (rule, way) = workflow.choose(item);
            let step = |group: &GroupId| Step {
                group: group.clone(),
                version: workflow.version,
                rule: rule.to_owned(),
                number: 0,
                skipped: Vec::new(),
                relaxes_at: None,
                learned: way.learned,
            };
            if awaits_advice(item, directory) {
                return None;
            }
            match way.learned.then(|| advised(item, directory)).flatten() {
                Some(group) => Some(Placement {
                    group: group.id.clone(),
                    needs: item.needs(group),
                    step: Some(step(&group.id)),
                    changes_at: None,
                }),
                None => lead(item, way, directory, pools, now, step),
            }
        }
        (given, _) => {
            let group = directory.groups.get(given.or(item.group.as_ref())?)?;
            Some(Placement {
                group: group.id.clone(),
                needs: item.needs(group),
                step: None,
                changes_at: None,
            })
        }
    }
}

/// What an item may come to ask of agents before anybody has it: on any of its steps, with nothing
/// preferred any more.
pub(crate) fn ever_asked(item: &Item, directory: &Directory) -> Vec<Needs> {
    let needs = |group: &GroupId| directory.groups.get(group).map(|group| item.needs(group));
    if let Some(group) = item.group.as_ref().or_else(|| requested(item, directory)) {
        return needs(group).into_iter().collect();
    }
    let workflow = directory.workflow.iter();
    let steps = workflow.flat_map(|workflow| &workflow.choose(item).1.steps);
    let asked = steps.filter_map(|step| {
        let mut needs = needs(&step.group)?;
        step.terms.ask(&mut needs);
        Some(needs)
    });
    asked.collect()
}

/// Whether an item waits for what the model says of it: then it has no place yet.
pub(crate) fn awaits_advice(item: &Item, directory: &Directory) -> bool {
    let asks = |workflow: &Workflow| workflow.choose(item).1.learned;
    item.trail.advice.is_none()
        && item.group.is_none()
        && requested(item, directory).is_none()
        && directory.workflow.as_deref().is_some_and(asks)
}

/// Where the model's advice leads: to the group it is sure of, else to triage. None when it had
/// nothing to say, when the group is gone, and when there is no triage.
fn advised<'a>(item: &Item, directory: &'a Directory) -> Option<&'a Group> {
    let advice = item.trail.advice.as_ref()?;
    let group = match advice.certainty {
        Certainty::Confident => advice.sure_of(),
        Certainty::Unsure => directory.triage_group(),
        Certainty::NoModel => None,
    };
    directory.groups.get(group?)
}

/// The group that the ticket's creator asked for, if there is such a group.
fn requested<'a>(item: &'a Item, directory: &Directory) -> Option<&'a GroupId> {
    let group = item.facts.requested_group.as_ref();
    group.filter(|group| directory.groups.contains_key(*group))
}

/// Leads an item along its way.
fn lead(
    item: &Item,
    way: &Way,
    directory: &Directory,
    pools: &impl Pools,
    now: Timestamp,
    begin: impl Fn(&GroupId) -> Step,
) -> Option<Placement> {
    let skips = |step: &WorkflowStep| skips(step, item.channel, pools, now);
    let (at, skipped) = way.step_at(item.queued_at, now, skips);
    let on = way.steps.get(at)?;
    let group = directory.groups.get(&on.group)?;
    let mut needs = item.needs(group);
    on.terms.ask(&mut needs);
    let relaxes_at = way.prefer(&mut needs, item.queued_at, now);
    let is_last = at + 1 == way.steps.len();
    // What is given up on here goes on at the end of the step, or when its hours do.
    let own = on.ends_at(item.queued_at).filter(|_| !is_last);
    let hours = on.skip_if.outside.as_ref().filter(|_| !is_last);
    let closes = hours.and_then(|hours| hours.change_after(now));
    // What was passed over for nothing but its hours is come back to when they begin.
    let opens = skipped.iter().filter_map(|(at, why)| {
        let step = way.steps.get(*at)?;
        let opens = step.skip_if.outside.as_ref()?.change_after(now)?;
        let in_time = step.ends_at(item.queued_at).is_none_or(|end| opens < end);
        (*why == SkipReason::OutsideHours && in_time).then_some(opens)
    });
    let changes_at = [own, closes, relaxes_at]
        .into_iter()
        .flatten()
        .chain(opens)
        .min();
    Some(Placement {
        group: group.id.clone(),
        step: Some(Step {
            number: number(at),
            skipped: skipped
                .iter()
                .map(|(at, why)| (number(*at), *why))
                .collect(),
            relaxes_at: relaxes_at.map(Timestamp::as_millis),
            ..begin(&group.id)
        }),
        needs,
        changes_at,
    })
}

/// Steps are counted from 1 for people.
fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

/// Why a step is passed over, if it is. Who is there comes first: hours that open change nothing
/// while nobody is.
fn skips(
    step: &WorkflowStep,
    channel: Channel,
    pools: &impl Pools,
    now: Timestamp,
) -> Option<SkipReason> {
    let skip_if = &step.skip_if;
    if skip_if.nobody_online && pools.online(&step.group, channel, now) == 0 {
        return Some(SkipReason::NobodyOnline);
    }
    if skip_if.nobody_free && pools.free(&step.group, channel, now) == 0 {
        return Some(SkipReason::NobodyFree);
    }
    let outside = skip_if.outside.as_ref();
    let closed = outside.is_some_and(|hours| !hours.contain(now));
    closed.then_some(SkipReason::OutsideHours)
}

impl SeatPools<'_> {
    /// Counts those who answer for a group, are at work and have such a seat.
    fn count(&self, group: &GroupId, now: Timestamp, fits: impl Fn(&Seat) -> bool) -> usize {
        let answering = self.directory.answering(group, now);
        let fit = answering.filter(|agent| self.seats.get(&agent.id).is_some_and(&fits));
        fit.filter(|agent| self.directory.is_at_work(&agent.id, now))
            .count()
    }
}

impl Pools for SeatPools<'_> {
    fn online(&self, group: &GroupId, channel: Channel, now: Timestamp) -> usize {
        self.count(group, now, |seat| seat.takes(channel))
    }

    fn free(&self, group: &GroupId, channel: Channel, now: Timestamp) -> usize {
        self.count(group, now, |seat| seat.takes(channel) && seat.is_free())
    }
}

impl Pools for Everybody {
    fn online(&self, _group: &GroupId, _channel: Channel, _now: Timestamp) -> usize {
        usize::MAX
    }

    fn free(&self, _group: &GroupId, _channel: Channel, _now: Timestamp) -> usize {
        usize::MAX
    }
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
