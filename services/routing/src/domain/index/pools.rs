//! Groups whose people decide where items stand: a step is passed over while nobody is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lotse_clock::Timestamp;
use lotse_ids::{GroupId, TicketId};

use crate::domain::codes::Channel;
use crate::domain::directory::{Directory, Seats};
use crate::domain::item::Item;
use crate::domain::placement::{Pools as _, SeatPools};

/// What it takes to be passed over may differ between channels.
const CHANNELS: [Channel; 7] = [
    Channel::Email,
    Channel::Chat,
    Channel::Phone,
    Channel::Web,
    Channel::Api,
    Channel::Social,
    Channel::WalkIn,
];

/// Whether anybody is online and whether anybody is free, by channel.
type Sign = [(bool, bool); CHANNELS.len()];

/// Groups that some item's way looks at.
#[derive(Debug, Default)]
pub(super) struct Watched {
    groups: BTreeMap<GroupId, Pool>,
    of_ticket: HashMap<TicketId, Vec<GroupId>>,
    /// Somebody's seat has changed in these.
    stirred: BTreeSet<GroupId>,
}

#[derive(Debug, Default)]
struct Pool {
    tickets: BTreeSet<TicketId>,
    /// When its items were last placed; none before the first look.
    sign: Option<Sign>,
}

impl Watched {
    /// An item waits; where it stands may depend on groups of its way.
    pub(super) fn follow(&mut self, item: &Item, directory: &Directory) {
        let Some(workflow) = directory.workflow.as_ref().filter(|_| !item.trail.settled) else {
            return;
        };
        let (_, way) = workflow.choose(item);
        let asks = way.steps.iter();
        let asks = asks.filter(|step| step.skip_if.nobody_online || step.skip_if.nobody_free);
        let groups: Vec<GroupId> = asks.map(|step| step.group.clone()).collect();
        if groups.is_empty() {
            return;
        }
        for group in &groups {
            let pool = self.groups.entry(group.clone()).or_default();
            pool.tickets.insert(item.ticket.clone());
            if pool.sign.is_none() {
                self.stirred.insert(group.clone());
            }
        }
        self.of_ticket.insert(item.ticket.clone(), groups);
    }

    /// An item waits no more.
    pub(super) fn leave(&mut self, ticket: &TicketId) {
        for group in self.of_ticket.remove(ticket).into_iter().flatten() {
            if let Some(pool) = self.groups.get_mut(&group) {
                pool.tickets.remove(ticket);
            }
        }
    }

    /// Somebody's seat has changed who answers for these groups.
    pub(super) fn changed<'a>(&mut self, groups: impl IntoIterator<Item = &'a GroupId>) {
        let groups = groups.into_iter();
        let watched = groups.filter(|group| self.groups.contains_key(*group));
        self.stirred.extend(watched.cloned());
    }

    /// Shifts or covers have begun or ended.
    pub(super) fn all_changed(&mut self) {
        self.stirred.extend(self.groups.keys().cloned());
    }

    /// Items to be placed anew, because in a group that their way looks at the last has gone or the
    /// first has come since they were placed.
    pub(super) fn turned(
        &mut self,
        directory: &Directory,
        seats: &Seats,
        now: Timestamp,
    ) -> BTreeSet<TicketId> {
        let pools = SeatPools { directory, seats };
        let mut turned = BTreeSet::new();
        for group in std::mem::take(&mut self.stirred) {
            let Some(pool) = self.groups.get_mut(&group) else {
                continue;
            };
            let sign = CHANNELS.map(|channel| {
                let online = pools.online(&group, channel, now) > 0;
                (online, online && pools.free(&group, channel, now) > 0)
            });
            if pool.sign != Some(sign) {
                pool.sign = Some(sign);
                turned.extend(pool.tickets.iter().cloned());
            }
        }
        turned
    }
}
