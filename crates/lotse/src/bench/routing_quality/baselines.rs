//! What simple rules would have answered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use lotse_clock::Timestamp;
use lotse_routing::learning::Case;

use super::dice::Dice;
use super::history::Story;

/// How often each group was the last one, over all and by the value of a field.
pub(super) struct Frequencies {
    all: BTreeMap<String, u64>,
    by_value: HashMap<(&'static str, String), BTreeMap<String, u64>>,
}

impl Frequencies {
    /// Counts what was resolved before `instant`.
    pub(super) fn before(stories: &[Story], instant: Timestamp) -> Self {
        let (mut all, mut by_value) = (BTreeMap::new(), HashMap::new());
        for story in stories {
            let Some(standing) = story.before(instant).filter(|standing| standing.settled) else {
                continue;
            };
            *all.entry(standing.group.to_owned()).or_default() += 1;
            for field in ["category", "subcategory"] {
                if let Some(value) = story.intake.fields.get(field) {
                    let groups: &mut BTreeMap<_, _> =
                        by_value.entry((field, value.clone())).or_default();
                    *groups.entry(standing.group.to_owned()).or_default() += 1;
                }
            }
        }
        Self { all, by_value }
    }

    /// How many tickets were counted.
    pub(super) fn total(&self) -> u64 {
        self.all.values().sum()
    }

    /// The groups by name.
    pub(super) fn groups(&self) -> Vec<String> {
        self.all.keys().cloned().collect()
    }

    /// The groups, the most frequent first.
    pub(super) fn largest(&self) -> Vec<String> {
        self.sorted(&BTreeMap::new())
    }

    /// The groups, those most frequent for the case's value first; the rest, and all for a value
    /// never seen, by frequency over all.
    pub(super) fn per(&self, field: &'static str, case: &Case) -> Vec<String> {
        let value = case.fields.get(field).cloned().unwrap_or_default();
        match self.by_value.get(&(field, value)) {
            Some(here) => self.sorted(here),
            None => self.largest(),
        }
    }

    fn sorted(&self, here: &BTreeMap<String, u64>) -> Vec<String> {
        let mut groups = self.groups();
        let count = |counts: &BTreeMap<String, u64>, group: &String| counts.get(group).copied();
        groups.sort_by_key(|group| Reverse((count(here, group), count(&self.all, group))));
        groups
    }
}

/// The groups in the order in which dice put them.
pub(super) fn shuffled(groups: &[String], dice: &mut Dice) -> Vec<String> {
    let mut groups = groups.to_vec();
    dice.shuffle(&mut groups);
    groups
}

/// The groups from the one whose turn it is.
pub(super) fn in_turn(groups: &[String], turn: usize) -> Vec<String> {
    let mut groups = groups.to_vec();
    let turn = turn % groups.len().max(1);
    groups.rotate_left(turn);
    groups
}

/// How many open tickets each group has, followed through the log.
pub(super) struct Load<'a> {
    stories: &'a [Story],
    /// When which story changes, oldest first.
    changes: Vec<(Timestamp, usize)>,
    next: usize,
    /// Where each open ticket stands.
    standing: HashMap<usize, &'a str>,
    open: BTreeMap<&'a str, u64>,
}

impl<'a> Load<'a> {
    /// Before anything happened.
    pub(super) fn new(stories: &'a [Story]) -> Self {
        let changes = stories.iter().enumerate().flat_map(|(place, story)| {
            let times = story
                .moments
                .iter()
                .map(|moment| moment.at.max(story.opened_at));
            times.map(move |at| (at, place))
        });
        let mut changes: Vec<_> = changes.collect();
        changes.sort_unstable();
        Self {
            stories,
            changes,
            next: 0,
            standing: HashMap::new(),
            open: BTreeMap::new(),
        }
    }

    /// The groups just before `instant`, those with the fewest open tickets first. Instants must
    /// not go back.
    pub(super) fn least(&mut self, groups: &[String], instant: Timestamp) -> Vec<String> {
        while let Some(&(at, place)) = self.changes.get(self.next)
            && at < instant
        {
            self.next += 1;
            if let Some(group) = self.standing.remove(&place) {
                *self.open.entry(group).or_default() -= 1;
            }
            // Up to and including this change.
            let after = Timestamp::from_millis(at.as_millis() + 1);
            let standing = self.stories[place].before(after);
            if let Some(standing) = standing.filter(|standing| !standing.settled) {
                self.standing.insert(place, standing.group);
                *self.open.entry(standing.group).or_default() += 1;
            }
        }
        let mut groups = groups.to_vec();
        groups.sort_by_key(|group| self.open.get(group.as_str()).copied().unwrap_or(0));
        groups
    }
}
