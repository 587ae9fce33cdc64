//! The tickets of a simulation that are not over.

use lotse_clock::Timestamp;
use lotse_ids::GroupId;

use crate::domain::item::Item;
use crate::simulation::arrivals::Case;

/// Tickets by slot. Slots are used again, so that a long simulation stays small.
#[derive(Default)]
pub(crate) struct Tickets {
    slots: Vec<Option<Live>>,
    empty: Vec<usize>,
}

/// A ticket that is not over.
pub(super) struct Live {
    /// As routing sees it.
    pub(super) item: Item,
    /// What becomes of it.
    pub(super) case: Case,
    /// Its number, never used again.
    pub(super) number: u64,
    /// When it came.
    pub(super) came_at: Timestamp,
    /// Marks what is on the agenda for it; anything with another stamp is void.
    pub(super) stamp: u64,
    /// Where it is.
    pub(super) phase: Phase,
    /// For which group it was given away last.
    pub(super) given_for: Option<GroupId>,
    /// The other ticket of the same customer, who wrote again.
    pub(super) twin: Option<usize>,
    /// Whether an agent ever had it.
    pub(super) assigned_before: bool,
    /// Whether an agent ever began.
    pub(super) begun_before: bool,
}

/// Where a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// In the queue.
    Waiting,
    /// Held for an agent who has not answered.
    Offered(usize),
    /// With an agent who has not begun.
    InHand(usize),
    /// Being worked on.
    Working(usize),
}

impl Tickets {
    /// What routing sees of a ticket.
    ///
    /// # Panics
    /// When the slot is empty.
    pub(crate) fn item(&self, slot: usize) -> &Item {
        &self.live(slot).item
    }

    /// Takes one in.
    pub(super) fn add(&mut self, live: Live) -> usize {
        match self.empty.pop() {
            Some(slot) => {
                self.slots[slot] = Some(live);
                slot
            }
            None => {
                self.slots.push(Some(live));
                self.slots.len() - 1
            }
        }
    }

    /// Whatever is in a slot.
    pub(super) fn get(&self, slot: usize) -> Option<&Live> {
        self.slots.get(slot)?.as_ref()
    }

    /// The ticket in a slot that is known to have one.
    pub(super) fn live(&self, slot: usize) -> &Live {
        self.get(slot).expect("a ticket") // invariant: slots in queues and hands are not empty
    }

    /// The same, to change it.
    pub(super) fn live_mut(&mut self, slot: usize) -> &mut Live {
        self.slots[slot].as_mut().expect("a ticket") // invariant: as above
    }

    /// It is over.
    pub(super) fn remove(&mut self, slot: usize) -> Live {
        let live = self.slots[slot].take().expect("a ticket"); // invariant: as above
        self.empty.push(slot);
        if let Some(twin) = live.twin {
            self.live_mut(twin).twin = None;
        }
        live
    }
}
