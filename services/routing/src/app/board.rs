//! The load board: what waits where since when, and how loaded everybody is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::{App, Ref, find_group};
use crate::domain::agent::Seat;
use crate::domain::codes::{Channel, Presence, Reason, State};
use crate::domain::directory::{Directory, Seats};
use crate::domain::item::Item;
use crate::domain::queue;
use crate::error::Error;
use crate::store::{agents, items};

/// The load board at one instant.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) as_of: Timestamp,
    pub(crate) directory: Arc<Directory>,
    pub(crate) seats: Seats,
    /// By group; under none what waits without one, if anything does.
    pub(crate) groups: BTreeMap<Option<GroupId>, GroupLoad>,
    /// Tickets that each agent has.
    pub(crate) assigned: HashMap<AgentId, u32>,
    /// Of these: what nobody has begun to work on.
    pub(crate) untouched: HashMap<AgentId, u32>,
    /// In queue order, each with why nobody has it now.
    pub(crate) waiting: Vec<(Item, Option<Reason>)>,
    /// Items that are offered, in the order in which the offers run out.
    pub(crate) offered: Vec<Item>,
}

/// One group's load.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GroupLoad {
    pub(crate) waiting: u32,
    pub(crate) offered: u32,
    pub(crate) assigned: u32,
    pub(crate) oldest: Option<Timestamp>,
    pub(crate) agents_online: u32,
    pub(crate) agents_free: u32,
}

impl App {
    /// The board of some groups, or of all if none is named, with up to `limit` waiting tickets.
    pub(crate) async fn board(&self, groups: &[GroupId], limit: u32) -> Result<Board, Error> {
        let conn = self.db.reader();
        let directory = self.directory().await?;
        for group in groups {
            find_group(&directory, &Ref::Id(group.clone()))?;
        }
        let wanted = items::Wanted {
            groups,
            ..items::Wanted::default()
        };
        let waiting = items::waiting(conn, &wanted, None, limit.into()).await?;
        let mut offered = items::offered(conn, None, limit.into()).await?;
        offered.retain(|item| groups.is_empty() || item.group.iter().any(|id| groups.contains(id)));
        let seats = agents::seats(conn).await?;
        let now = self.now();
        let shown = |group: &GroupId| groups.is_empty() || groups.contains(group);

        let mut loads: BTreeMap<Option<GroupId>, GroupLoad> = BTreeMap::new();
        for id in directory.groups.keys().filter(|id| shown(id)) {
            let of_members = |which: &dyn Fn(&AgentId, &Seat) -> bool| {
                let members = directory.answering(id, now);
                let members = members.filter_map(|one| Some((&one.id, seats.get(&one.id)?)));
                let fitting = members.filter(|(agent, seat)| which(agent, seat));
                u32::try_from(fitting.count()).unwrap_or(u32::MAX)
            };
            let has_room = |seat: &Seat| {
                Channel::ALL.into_iter().any(|channel| {
                    seat.takes(channel) && seat.room_for(channel, self.policy.weights[channel])
                })
            };
            let load = GroupLoad {
                agents_online: of_members(&|_, seat| seat.presence() == Presence::Online),
                // Who has a break stays online for colleagues, and gets nothing.
                agents_free: of_members(&|agent, seat| {
                    has_room(seat) && directory.is_at_work(agent, now)
                }),
                ..GroupLoad::default()
            };
            loads.insert(Some(id.clone()), load);
        }
        let mut assigned: HashMap<AgentId, u32> = HashMap::new();
        let mut untouched: HashMap<AgentId, u32> = HashMap::new();
        for tally in items::tally(conn).await? {
            if let Some(agent) = tally.agent {
                *untouched.entry(agent.clone()).or_default() += tally.untouched;
                *assigned.entry(agent).or_default() += tally.tickets;
            }
            if !tally.group.as_ref().map_or(groups.is_empty(), shown) {
                continue;
            }
            let load = loads.entry(tally.group).or_default();
            match tally.state {
                State::Waiting => {
                    load.waiting += tally.tickets;
                    load.oldest = Some(tally.oldest);
                }
                State::Offered => load.offered += tally.tickets,
                State::Assigned | State::Done => load.assigned += tally.tickets,
            }
        }
        // What was recorded is of when somebody last looked for it, or of when it was given.
        let reasons = queue::reasons(&waiting, &directory, &seats, now);
        let waiting = waiting.into_iter().zip(reasons);
        let waiting = waiting.map(|(item, now)| {
            let reason = now.or(item.reason);
            (item, reason)
        });
        Ok(Board {
            as_of: now,
            directory,
            seats,
            groups: loads,
            assigned,
            untouched,
            waiting: waiting.collect(),
            offered,
        })
    }
}
