//! Who gets what now: one item by the order of its agents, several by the cheapest pairs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use lotse_clock::Timestamp;
use lotse_ids::AgentId;

use super::{Index, LineId, planned};
use crate::domain::choice::Candidate;
use crate::domain::codes::Order;
use crate::domain::matching::cost::cost;
use crate::domain::matching::{MOST, Table, assign};
use crate::domain::queue::{Planned, Turn};
use crate::domain::weight::Weight;

/// Room for one item: the agent's first, second … from now.
type Slot = (AgentId, usize);

/// A line that can be served, and the room for its items, best first.
struct Asking {
    line: LineId,
    order: Order,
    slots: Vec<(Slot, Candidate)>,
}

impl Index {
    /// Gives up to [`MOST`] items away, in queue order, and leaves lines that nobody can take from.
    pub(super) fn pair(&mut self, now: Timestamp) -> Vec<Planned> {
        let lines: Vec<LineId> = self.stirred.iter().copied().collect();
        let (possible, not): (Vec<LineId>, Vec<LineId>) =
            lines.into_iter().partition(|line| self.is_possible(*line));
        for line in not {
            self.stirred.remove(&line);
        }
        let pairs = match possible[..] {
            [] => return Vec::new(),
            [line]
                if self
                    .lines
                    .get(&line)
                    .is_some_and(|line| line.queue.len() == 1) =>
            {
                self.only(line)
            }
            _ => self.pairs(&possible, now),
        };
        let given = pairs
            .into_iter()
            .filter_map(|(turn, agent)| self.give(&turn, &agent, now));
        given.collect()
    }

    /// Whether anybody can take the items of a line.
    pub(super) fn is_possible(&self, line: LineId) -> bool {
        self.candidates(line).next().is_some()
    }

    fn candidates(&self, line: LineId) -> impl Iterator<Item = Candidate> + '_ {
        let line = self.lines.get(&line);
        let class = line.and_then(|line| Some((line, self.classes.get(&line.class)?)));
        class
            .into_iter()
            .flat_map(|(line, class)| class.candidates(&line.exceptions, self.judge(), &self.seats))
    }

    /// The only item that can be served, and the best agent for it.
    fn only(&self, line: LineId) -> Vec<(Turn, AgentId)> {
        let turn = self.lines.get(&line).and_then(|line| line.queue.first());
        let best = self.candidates(line).next();
        let pair = turn.zip(best);
        pair.into_iter()
            .map(|(turn, best)| (turn.clone(), best.agent))
            .collect()
    }

    /// Several items and their agents, in queue order.
    fn pairs(&self, lines: &[LineId], now: Timestamp) -> Vec<(Turn, AgentId)> {
        let weights = lines.iter().map(|line| self.weight(*line));
        let heaviest = weights.max().unwrap_or(Weight::TICKET);
        let asking: Vec<Asking> = lines
            .iter()
            .map(|line| Asking {
                line: *line,
                order: self.order(*line),
                slots: self.slots(*line, heaviest, now),
            })
            .collect();
        let rows = self.first(&asking);
        let Some(order) = rows.first().map(|(_, asking)| asking.order) else {
            return Vec::new();
        };
        let columns = columns(&rows);
        let mut times: Vec<Option<i64>> = columns.iter().map(|(_, idle)| *idle).collect();
        times.dedup();
        let prices: Vec<HashMap<&Slot, &Candidate>> = rows
            .iter()
            .map(|(_, asking)| asking.slots.iter().map(|(slot, one)| (slot, one)).collect())
            .collect();
        let table = Table::new(rows.len(), columns.len(), |row, column| {
            let (slot, last) = &columns[column];
            let candidate = prices[row].get(slot)?;
            let line = self.lines.get(&rows[row].1.line)?;
            let preferred = line.exceptions.preferred.as_ref();
            let returns = preferred.is_none_or(|agent| *agent == candidate.agent);
            let idle = times.partition_point(|time| time < last);
            Some(cost(candidate, order, returns, idle, column))
        });
        let agents = assign(&table);
        let pairs = rows.into_iter().zip(agents);
        pairs
            .filter_map(|((turn, _), column)| Some((turn, columns[column?].0.0.clone())))
            .collect()
    }

    fn order(&self, line: LineId) -> Order {
        let line = self.lines.get(&line);
        let class = line.and_then(|line| self.classes.get(&line.class));
        class.map_or(Order::BestFit, |class| class.needs.order)
    }

    fn weight(&self, line: LineId) -> Weight {
        let line = self.lines.get(&line);
        let class = line.and_then(|line| self.classes.get(&line.class));
        class.map_or(Weight::TICKET, |class| class.needs.weight)
    }

    /// The best room for the items of a line. An agent's next room is what is left when everything
    /// before was as heavy as anything that asks.
    fn slots(&self, line: LineId, heaviest: Weight, now: Timestamp) -> Vec<(Slot, Candidate)> {
        let mut slots = Vec::new();
        let Some(line_of) = self.lines.get(&line) else {
            return slots;
        };
        let Some(class) = self.classes.get(&line_of.class) else {
            return slots;
        };
        for candidate in self.candidates(line).take(MOST) {
            let id = candidate.agent.clone();
            let (agent, seat) = (self.directory.agents.get(&id), self.seats.get(&id));
            let (Some(agent), Some(mut seat)) = (agent, seat.cloned()) else {
                continue;
            };
            let mut next = Some(candidate.clone());
            for nth in 1..=MOST {
                let Some(candidate) = next.take() else {
                    break;
                };
                let chance = candidate.chance;
                slots.push(((id.clone(), nth), candidate));
                seat.take(class.needs.channel, heaviest, now);
                let mut needs = class.needs.clone();
                needs.preferred.clone_from(&line_of.exceptions.preferred);
                needs.repeats = line_of.exceptions.repeats;
                let fits = self.judge().misfit(agent, &seat, &needs).is_none();
                next = fits.then(|| Candidate::new(agent, &seat, &needs, chance));
            }
        }
        let preferred = line_of.exceptions.preferred.as_ref();
        slots.sort_by(|(_, a), (_, b)| {
            let others = |one: &Candidate| preferred != Some(&one.agent);
            others(a)
                .cmp(&others(b))
                .then(a.compare(b, class.needs.order).1)
        });
        slots.truncate(MOST);
        slots
    }

    /// The first items of all lines in queue order, of each line no more than there is room for, up
    /// to the first for which agents come in another order.
    fn first<'a>(&self, asking: &'a [Asking]) -> Vec<(Turn, &'a Asking)> {
        let queues = asking.iter().map(|one| {
            let line = self.lines.get(&one.line).into_iter();
            line.flat_map(|line| &line.queue).take(one.slots.len())
        });
        let mut queues: Vec<_> = queues.collect();
        let mut heads: BinaryHeap<Reverse<(&Turn, usize)>> = BinaryHeap::new();
        for (at, queue) in queues.iter_mut().enumerate() {
            heads.extend(queue.next().map(|turn| Reverse((turn, at))));
        }
        let mut first = Vec::new();
        while first.len() < MOST
            && let Some(Reverse((turn, at))) = heads.pop()
            && first
                .last()
                .is_none_or(|(_, last): &(Turn, &Asking)| last.order == asking[at].order)
        {
            first.push((turn.clone(), &asking[at]));
            heads.extend(queues[at].next().map(|turn| Reverse((turn, at))));
        }
        first
    }

    /// Plans that an agent gets an item, and goes on as if it were so.
    fn give(&mut self, turn: &Turn, agent: &AgentId, now: Timestamp) -> Option<Planned> {
        let known = self.waiting.get(&turn.3)?;
        let line = known.place.as_ref()?.line;
        let mut seat = self.seats.get(agent)?.clone();
        let candidate = self.candidates(line).find(|one| one.agent == *agent)?;
        let choice = self.choice(line)?.settle_on(candidate);
        let version = self.directory.agents.get(agent)?.version;
        let planned = planned(known, Some((agent.clone(), version)), Some(choice));
        let class = self.classes.get(&self.lines.get(&line)?.class)?;
        seat.take(class.needs.channel, class.needs.weight, now);
        self.forget_item(&turn.3);
        self.put_seat(agent, seat);
        Some(planned)
    }
}

/// The columns of the table for `rows`, longest idle first, each with when its agent last got
/// something: all room, or, where that is more than [`MOST`], as much as serves as many rows as could
/// be served with all of it, and then everybody's best.
fn columns(rows: &[(Turn, &Asking)]) -> Vec<(Slot, Option<i64>)> {
    let mut all: BTreeMap<&Slot, &Candidate> = BTreeMap::new();
    for (_, row) in rows {
        all.extend(row.slots.iter().map(|(slot, candidate)| (slot, candidate)));
    }
    let mut columns: BTreeSet<&Slot> = all.keys().copied().collect();
    if columns.len() > MOST {
        columns = enough(rows);
        let most = rows.iter().map(|(_, row)| row.slots.len()).max();
        'full: for place in 0..most.unwrap_or(0) {
            for (slot, _) in rows.iter().filter_map(|(_, row)| row.slots.get(place)) {
                if columns.len() == MOST {
                    break 'full;
                }
                columns.insert(slot);
            }
        }
    }
    let columns = columns.into_iter();
    let mut columns: Vec<(Slot, Option<i64>)> = columns
        .map(|slot| (slot.clone(), all[slot].last_assigned_at))
        .collect();
    columns.sort_by(|(slot, last), (other, before)| (last, slot).cmp(&(before, other)));
    columns
}

/// Room for as many rows as possible, earlier ones first (augmenting paths; Kuhn, 1955).
fn enough<'a>(rows: &[(Turn, &'a Asking)]) -> BTreeSet<&'a Slot> {
    fn find<'a>(
        row: usize,
        rows: &[(Turn, &'a Asking)],
        tried: &mut BTreeSet<&'a Slot>,
        taken: &mut BTreeMap<&'a Slot, usize>,
    ) -> bool {
        for (slot, _) in &rows[row].1.slots {
            if !tried.insert(slot) {
                continue;
            }
            let holder = taken.get(slot).copied();
            if holder.is_none_or(|holder| find(holder, rows, tried, taken)) {
                taken.insert(slot, row);
                return true;
            }
        }
        false
    }
    let mut taken = BTreeMap::new();
    for row in 0..rows.len() {
        find(row, rows, &mut BTreeSet::new(), &mut taken);
    }
    taken.into_keys().collect()
}
