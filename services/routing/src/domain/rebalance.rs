//! Which tickets to move from whom to whom, so that nobody sits on tickets while colleagues of the
//! same group have room.
//!
//! Only what nobody has begun to work on is moved, only within its group, and only to somebody who
//! could get it from the queue now. Tickets of agents who are not there go first, the most urgent
//! before the others; then the most loaded agents give what they would come to last, each ticket to
//! the least loaded colleague, as long as that one is less loaded with it than the giver is with
//! it. Every such move makes the two loads more alike, so there is an end.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, TicketId};

use super::agent::Seat;
use super::choice::{Needs, misfit_at};
use super::codes::TransferReason;
use super::directory::{Directory, Seats};
use super::group::Group;
use super::item::Item;
use super::queue::turn;
use super::weight::Weight;

/// One ticket from one agent to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// The ticket.
    pub(crate) ticket: TicketId,
    /// The item's version that this holds for.
    pub(crate) version: i64,
    /// The group, which stays.
    pub(crate) group: GroupId,
    /// Who has it.
    pub(crate) from: AgentId,
    /// Who should have it.
    pub(crate) to: AgentId,
    /// Why.
    pub(crate) reason: TransferReason,
    /// The giver's load before it.
    pub(crate) from_load: Weight,
    /// The taker's load after it.
    pub(crate) to_load: Weight,
}

/// Finds at most `most` moves of `items`, which are untouched; `seats` is afterwards as if they
/// were done.
pub(crate) fn suggest(
    items: &[Item],
    directory: &Directory,
    seats: &mut Seats,
    most: usize,
    now: Timestamp,
) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut stranded: Vec<(&Item, &AgentId)> = Vec::new();
    let mut held: BTreeMap<&AgentId, Vec<&Item>> = BTreeMap::new();
    for item in items {
        let Some((agent, seat)) = item
            .agent
            .as_ref()
            .and_then(|agent| Some((agent, seats.get(agent)?)))
        else {
            continue;
        };
        if is_there(seat, item) {
            held.entry(agent).or_default().push(item);
        } else {
            stranded.push((item, agent));
        }
    }
    stranded.sort_by_cached_key(|(item, _)| turn(item));
    for (item, from) in stranded {
        if moves.len() == most {
            return moves;
        }
        moves.extend(find(
            item,
            from,
            TransferReason::ShiftEnd,
            directory,
            seats,
            now,
        ));
    }
    for items in held.values_mut() {
        items.sort_by_cached_key(|item| Reverse(turn(item)));
    }
    while moves.len() < most {
        let busiest = held
            .keys()
            .copied()
            .max_by(|a, b| share(seats, a).cmp_share(&share(seats, b)));
        let Some(from) = busiest else { break };
        let items = held.get_mut(from);
        let found = items.and_then(|items| {
            let mut each = items.iter().enumerate();
            let (at, found) = each.find_map(|(at, item)| {
                let found = find(item, from, TransferReason::Capacity, directory, seats, now)?;
                Some((at, found))
            })?;
            items.remove(at);
            Some(found)
        });
        match found {
            Some(found) => moves.push(found),
            // Whoever gives something away after this may have room again: that is left to the next
            // time somebody asks.
            None => drop(held.remove(from)),
        }
    }
    moves
}

/// Whether a colleague of the group can take over a ticket that somebody has: the checks of the
/// queue.
pub(crate) fn can_take(
    item: &Item,
    agent: &AgentId,
    directory: &Directory,
    seats: &Seats,
    now: Timestamp,
) -> bool {
    let group = item
        .group
        .as_ref()
        .and_then(|group| directory.groups.get(group));
    let agent = directory.agents.get(agent);
    let (Some(group), Some(agent)) = (group, agent) else {
        return false;
    };
    let seat = seats.get(&agent.id);
    item.agent.as_ref() != Some(&agent.id)
        && directory
            .answering(&group.id, now)
            .any(|one| one.id == agent.id)
        && seat.is_some_and(|seat| {
            misfit_at(now, directory, agent, seat, &needs(item, group)).is_none()
        })
}

/// The needs of a ticket for whoever takes it over: nobody goes before others.
fn needs(item: &Item, group: &Group) -> Needs {
    Needs {
        preferred: None,
        ..item.needs(group)
    }
}

fn is_there(seat: &Seat, item: &Item) -> bool {
    seat.takes(item.channel)
}

/// A move of one item to the least loaded colleague for whom it makes sense, done on `seats`.
fn find(
    item: &Item,
    from: &AgentId,
    reason: TransferReason,
    directory: &Directory,
    seats: &mut Seats,
    now: Timestamp,
) -> Option<Move> {
    let group = directory.groups.get(item.group.as_ref()?)?;
    let needs = needs(item, group);
    let giver = Share::of(seats.get(from)?);
    let takers = directory.answering(&group.id, now).filter_map(|agent| {
        let seat = seats.get(&agent.id)?;
        let after = Share {
            load: seat.load + seat.limits.weight_of(item.channel, item.weight),
            ..Share::of(seat)
        };
        let fits = agent.id != *from && misfit_at(now, directory, agent, seat, &needs).is_none();
        let helps = reason == TransferReason::ShiftEnd || after.cmp_share(&giver).is_lt();
        (fits && helps).then_some((after, &agent.id))
    });
    let (after, to) = takers.min_by(|a, b| a.0.cmp_share(&b.0).then(a.1.cmp(b.1)))?;
    let to = to.clone();
    if let Some(seat) = seats.get_mut(&to) {
        seat.shift(item.channel, after.load - seat.load);
    }
    if let Some(seat) = seats.get_mut(from) {
        seat.shift(item.channel, -item.load);
    }
    Some(Move {
        ticket: item.ticket.clone(),
        version: item.version,
        group: group.id.clone(),
        from: from.clone(),
        to,
        reason,
        from_load: giver.load,
        to_load: after.load,
    })
}

fn share(seats: &Seats, agent: &AgentId) -> Share {
    seats.get(agent).map_or(Share::NONE, Share::of)
}

/// How much of a capacity is taken; compared as fractions, without rounding.
#[derive(Clone, Copy, Debug)]
struct Share {
    load: Weight,
    capacity: Weight,
}

impl Share {
    const NONE: Self = Self {
        load: Weight::ZERO,
        capacity: Weight::TICKET,
    };

    fn of(seat: &Seat) -> Self {
        Self {
            load: seat.load,
            capacity: seat.capacity,
        }
    }

    fn cmp_share(&self, other: &Self) -> std::cmp::Ordering {
        let product = |load: Weight, capacity: Weight| {
            i128::from(load.thousandths()) * i128::from(capacity.thousandths())
        };
        product(self.load, other.capacity).cmp(&product(other.load, self.capacity))
    }
}

#[cfg(test)]
#[path = "rebalance_tests.rs"]
mod tests;
