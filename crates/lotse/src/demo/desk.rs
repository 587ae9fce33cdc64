//! The agents' desks: each works on one ticket at a time, however many routing has given them.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;

/// Which ticket, by the story's own number.
pub(crate) type Key = u64;

/// Everybody's work.
#[derive(Default)]
pub(crate) struct Desks {
    desks: BTreeMap<String, Desk>,
}

#[derive(Default)]
struct Desk {
    at_work: Option<Key>,
    pile: Vec<Paper>,
}

/// A ticket on a pile.
struct Paper {
    key: Key,
    /// Before everything else.
    eager: bool,
    /// Not looked at earlier.
    from: Timestamp,
}

/// What an agent does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// Works on this.
    Work(Key),
    /// Looks again then.
    LookAt(Timestamp),
    /// Nothing: busy, or an empty pile.
    Nothing,
}

impl Desks {
    /// Puts a ticket on an agent's pile; it leaves every other one.
    pub(crate) fn put(&mut self, agent: &str, key: Key, eager: bool, from: Timestamp) {
        self.take_away(key);
        let desk = self.desks.entry(agent.to_owned()).or_default();
        desk.pile.push(Paper { key, eager, from });
    }

    /// Takes a ticket off whichever pile it lies on. Whoever works on it finishes that piece.
    pub(crate) fn take_away(&mut self, key: Key) {
        for desk in self.desks.values_mut() {
            desk.pile.retain(|paper| paper.key != key);
        }
    }

    /// The next ticket for an agent who has nothing at work; it is at work then.
    pub(crate) fn pick(&mut self, agent: &str, now: Timestamp) -> Pick {
        let Some(desk) = self
            .desks
            .get_mut(agent)
            .filter(|desk| desk.at_work.is_none())
        else {
            return Pick::Nothing;
        };
        let ready = desk
            .pile
            .iter()
            .enumerate()
            .filter(|(_, paper)| paper.from <= now);
        let first = ready.min_by_key(|(_, paper)| (!paper.eager, paper.from, paper.key));
        if let Some((place, _)) = first {
            let paper = desk.pile.swap_remove(place);
            desk.at_work = Some(paper.key);
            return Pick::Work(paper.key);
        }
        let later = desk.pile.iter().map(|paper| paper.from).min();
        later.map_or(Pick::Nothing, Pick::LookAt)
    }

    /// The piece of work is done.
    pub(crate) fn finish(&mut self, agent: &str) {
        if let Some(desk) = self.desks.get_mut(agent) {
            desk.at_work = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    #[test]
    fn nobody_works_on_two_tickets_at_once() {
        let mut desks = Desks::default();
        desks.put("ana", 1, false, at(0));
        desks.put("ana", 2, false, at(1));
        assert_eq!(desks.pick("ana", at(5)), Pick::Work(1));
        assert_eq!(desks.pick("ana", at(5)), Pick::Nothing);
        desks.finish("ana");
        assert_eq!(desks.pick("ana", at(5)), Pick::Work(2));
    }

    #[test]
    fn the_eager_one_goes_first_then_the_oldest() {
        let mut desks = Desks::default();
        for (key, eager, from) in [(1, false, 3), (2, false, 2), (3, true, 4)] {
            desks.put("ana", key, eager, at(from));
        }
        let picked = [(); 3].map(|()| {
            desks.finish("ana");
            desks.pick("ana", at(9))
        });
        assert_eq!(picked, [Pick::Work(3), Pick::Work(2), Pick::Work(1)]);
    }

    #[test]
    fn a_neglected_ticket_is_looked_at_when_its_time_has_come() {
        let mut desks = Desks::default();
        desks.put("ana", 1, false, at(60));
        assert_eq!(desks.pick("ana", at(0)), Pick::LookAt(at(60)));
        assert_eq!(desks.pick("ana", at(60)), Pick::Work(1));
    }

    #[test]
    fn a_ticket_lies_on_one_pile_only() {
        let mut desks = Desks::default();
        desks.put("ana", 1, false, at(0));
        desks.put("ben", 1, false, at(0));
        assert_eq!(desks.pick("ana", at(0)), Pick::Nothing);
        assert_eq!(desks.pick("ben", at(0)), Pick::Work(1));
    }
}
