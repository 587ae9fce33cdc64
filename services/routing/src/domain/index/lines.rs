//! Lines of interchangeable items, and the classes they belong to: opened for whatever needs them,
//! closed when nothing waits there.

use std::collections::BTreeSet;

use super::Index;
use super::class::{Class, Exceptions};
use crate::domain::choice::{Choice, Needs};
use crate::domain::queue::Turn;

/// A class, for as long as the directory stays.
pub(super) type ClassId = u64;
/// Items of one class with the same exceptions.
pub(super) type LineId = u64;

/// Classes in which nothing waits are kept up to this number, because the next item comes soon.
pub(super) const IDLE_CLASSES: usize = 256;

/// Interchangeable items, in queue order.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) class: ClassId,
    pub(super) exceptions: Exceptions,
    pub(super) queue: BTreeSet<Turn>,
}

impl Index {
    /// What a look finds for the items of a line.
    pub(super) fn choice(&self, line: LineId) -> Option<Choice> {
        let line = self.lines.get(&line)?;
        let class = self.classes.get(&line.class)?;
        Some(class.choice(&line.exceptions, self.judge(), &self.seats))
    }

    /// The line of what needs this.
    pub(super) fn line(&mut self, mut needs: Needs) -> LineId {
        let exceptions = Exceptions::take_from(&mut needs);
        let class_id = match self.class_ids.get(&needs) {
            Some(id) => *id,
            None => self.open_class(needs),
        };
        let id = self.next_id;
        let Some(class) = self.classes.get_mut(&class_id) else {
            return id;
        };
        if let Some(line) = class.lines.get(&exceptions) {
            return *line;
        }
        self.next_id += 1;
        class.lines.insert(exceptions.clone(), id);
        if let Some(preferred) = &exceptions.preferred {
            let lines = self.preferring.entry(preferred.clone()).or_default();
            lines.insert(id);
        }
        let line = Line {
            class: class_id,
            exceptions,
            queue: BTreeSet::new(),
        };
        self.lines.insert(id, line);
        id
    }

    fn open_class(&mut self, needs: Needs) -> ClassId {
        if self.classes.len() > IDLE_CLASSES {
            self.drop_idle_classes();
        }
        let id = self.next_id;
        self.next_id += 1;
        let class = Class::new(needs.clone(), self.judge(), &self.seats);
        let group = needs.group.clone();
        self.by_group.entry(group).or_default().push(id);
        self.class_ids.insert(needs, id);
        self.classes.insert(id, class);
        id
    }

    /// Forgets classes in which nothing waits, if they are many.
    fn drop_idle_classes(&mut self) {
        let idle: Vec<ClassId> = self
            .classes
            .iter()
            .filter(|(_, class)| class.lines.is_empty())
            .map(|(id, _)| *id)
            .collect();
        if idle.len() <= IDLE_CLASSES {
            return;
        }
        for id in idle {
            if let Some(class) = self.classes.remove(&id) {
                self.class_ids.remove(&class.needs);
                if let Some(of_group) = self.by_group.get_mut(&class.needs.group) {
                    of_group.retain(|other| *other != id);
                }
            }
        }
    }

    /// Forgets a line in which nothing waits.
    pub(super) fn close(&mut self, id: LineId) {
        self.stirred.remove(&id);
        let Some(line) = self.lines.remove(&id) else {
            return;
        };
        if let Some(class) = self.classes.get_mut(&line.class) {
            class.lines.remove(&line.exceptions);
        }
        if let Some(preferred) = &line.exceptions.preferred
            && let Some(lines) = self.preferring.get_mut(preferred)
        {
            lines.remove(&id);
            if lines.is_empty() {
                self.preferring.remove(preferred);
            }
        }
    }
}
