//! Whose turn it is when several tickets wait, and who gets which.

use std::collections::{HashMap, HashSet};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, TicketId};

use super::choice::{Look, Needs, choose};
use super::codes::{Priority, Reason};
use super::directory::{Directory, Seats};
use super::item::{Cause, Item};
use super::placement::{Placement, SeatPools, awaits_advice, place};
use super::workflow::Step;

/// What items are ordered by: priority class, then earliest SLA deadline where one runs, then
/// original queue time; the id makes the order total.
pub(crate) type Turn = (Priority, i64, Timestamp, TicketId);

/// The place of an item in the queue.
pub(crate) fn turn(item: &Item) -> Turn {
    let due_at = item.due_at().unwrap_or(Timestamp::MAX).as_millis();
    (item.priority, due_at, item.queued_at, item.ticket.clone())
}

/// What is to be done with one waiting item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The ticket.
    pub(crate) ticket: TicketId,
    /// The item's version that this holds for.
    pub(crate) version: i64,
    /// Its group; none while there is no workflow.
    pub(crate) group: Option<GroupId>,
    /// How the group was chosen, where the workflow did it.
    pub(crate) step: Option<Step>,
    /// Who gets it and the version of that agent's profile; none when it has to wait.
    pub(crate) agent: Option<(AgentId, i64)>,
    /// What decided.
    pub(crate) reason: Reason,
    /// What was seen in the group.
    pub(crate) look: Option<Look>,
    /// What made it wait.
    pub(crate) cause: Cause,
}

/// Goes through waiting items in the order given and gives each to the best agent, as if the ones
/// before were assigned already; `seats` is left as it is afterwards. An item that nobody can take
/// is planned only if nobody has looked at it before, so that it says why it waits.
pub(crate) fn plan(
    items: &[Item],
    directory: &Directory,
    seats: &mut Seats,
    now: Timestamp,
) -> Vec<Planned> {
    let mut full = HashSet::new();
    let mut planned = Vec::new();
    for item in items {
        let one = consider(item, directory, seats, &mut full, now);
        if let Some((agent, _)) = one.as_ref().and_then(|one| one.agent.as_ref())
            && let Some(seat) = seats.get_mut(agent)
        {
            seat.take(item.channel, item.weight, now);
        }
        planned.extend(one);
    }
    planned
}

/// Looks where one waiting item could go, recorded before or not.
pub(crate) fn look_at(
    item: &Item,
    directory: &Directory,
    seats: &Seats,
    now: Timestamp,
) -> Planned {
    let pools = SeatPools { directory, seats };
    look_in(
        item,
        place(item, directory, &pools, now),
        directory,
        seats,
        now,
    )
}

/// Why nobody has each of some waiting items at this instant, in their order; none where somebody
/// could have it, or where it has no place. Items that need the same are looked at once.
pub(crate) fn reasons(
    items: &[Item],
    directory: &Directory,
    seats: &Seats,
    now: Timestamp,
) -> Vec<Option<Reason>> {
    let pools = SeatPools { directory, seats };
    let mut known: HashMap<Needs, Option<Reason>> = HashMap::new();
    let reason = |item: &Item| {
        let needs = place(item, directory, &pools, now)?.needs;
        *known.entry(needs).or_insert_with_key(|needs| {
            let choice = choose(needs.clone(), directory, seats, now);
            choice.agent.is_none().then_some(choice.reason)
        })
    };
    items.iter().map(reason).collect()
}

/// Looks who could get one waiting item where it stands.
fn look_in(
    item: &Item,
    place: Option<Placement>,
    directory: &Directory,
    seats: &Seats,
    now: Timestamp,
) -> Planned {
    let (group, step, choice) = match place {
        None => (None, None, None),
        Some(place) => (
            Some(place.group),
            place.step,
            Some(choose(place.needs, directory, seats, now)),
        ),
    };
    let agent = choice.as_ref().and_then(|choice| choice.agent.clone());
    Planned {
        ticket: item.ticket.clone(),
        version: item.version,
        group,
        agent: agent.and_then(|agent| {
            let version = seats.get(&agent)?.version;
            Some((agent, version))
        }),
        reason: choice
            .as_ref()
            .map_or(Reason::NoWorkflow, |choice| choice.reason),
        look: choice.map(|choice| choice.look),
        cause: item.trail.cause.clone(),
        step,
    }
}

fn consider(
    item: &Item,
    directory: &Directory,
    seats: &Seats,
    full: &mut HashSet<GroupId>,
    now: Timestamp,
) -> Option<Planned> {
    if awaits_advice(item, directory) {
        return None;
    }
    let looked_at = item.decision.is_some();
    let place = place(item, directory, &SeatPools { directory, seats }, now);
    let group = place.as_ref().map(|place| &place.group);
    let moved = group != item.group.as_ref();
    // What held it back does so no more.
    let relaxed = item.reason == Some(Reason::WaitingForPreferred)
        && place
            .as_ref()
            .is_none_or(|place| place.needs.preferred_skills.is_empty());
    // Most of a long queue waits for busy groups: do not look again at what cannot have changed.
    // A preferred agent may be somebody outside the group.
    if looked_at
        && !moved
        && !relaxed
        && item.trail.preferred.is_none()
        && group.is_some_and(|group| is_full(group, directory, seats, full, now))
    {
        return None;
    }
    let planned = look_in(item, place, directory, seats, now);
    (planned.agent.is_some() || moved || relaxed || !looked_at).then_some(planned)
}

/// Whether no member has room. During one plan room only shrinks, so the answer stays true.
fn is_full(
    group: &GroupId,
    directory: &Directory,
    seats: &Seats,
    full: &mut HashSet<GroupId>,
    now: Timestamp,
) -> bool {
    if full.contains(group) {
        return true;
    }
    let mut members = directory.answering(group, now);
    let has_free = members.any(|agent| {
        seats
            .get(&agent.id)
            .is_some_and(super::agent::Seat::is_free)
    });
    if !has_free {
        full.insert(group.clone());
    }
    !has_free
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
