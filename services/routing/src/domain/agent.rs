//! The people who answer.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

use super::channel::{PerChannel, Presences};
use super::codes::{Channel, Presence};
use super::language::Language;
use super::weight::Weight;

/// What is configured about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// Unique.
    pub(crate) name: String,
    /// The groups the agent works in.
    pub(crate) groups: BTreeSet<GroupId>,
    /// Support level, for people.
    pub(crate) tier: u8,
    /// Skills by name with levels 1 to 5.
    pub(crate) skills: BTreeMap<String, u8>,
    /// Languages with levels 1 to 5. None: language is not considered.
    pub(crate) languages: BTreeMap<Language, u8>,
    /// Tickets that the agent can hold.
    pub(crate) capacity: u32,
    /// What a ticket of a channel takes of the capacity, where it is not the service's default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) channel_weights: BTreeMap<Channel, Weight>,
    /// Tickets of a channel that the agent can hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) channel_caps: BTreeMap<Channel, u32>,
    /// Whether the presence stays without heartbeats.
    pub(crate) presence_never_expires: bool,
    /// Whether the agent gets nothing more.
    pub(crate) retired: bool,
}

/// An agent as configured, with its version.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// The agent.
    pub(crate) id: AgentId,
    /// What is configured.
    pub(crate) profile: Profile,
    /// Raised by every change of the profile.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When the profile last changed.
    pub(crate) updated_at: Timestamp,
}

/// What an agent can hold, channel by channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// What a ticket takes of the capacity; none for what it weighs by itself.
    weights: PerChannel<Option<Weight>>,
    /// Tickets at once; none for as many as the capacity allows.
    caps: PerChannel<Option<u32>>,
}

/// What changes all the time about an agent, and what they can hold: everything that decides
/// whether they can get one more ticket, as far as it does not depend on the ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The version of the profile that goes with it.
    pub(crate) version: i64,
    /// Whether the agent takes new work, channel by channel.
    pub(crate) presences: Presences,
    /// What the agent can hold.
    pub(crate) capacity: Weight,
    /// What tickets weigh for the agent, and how many of a channel they can hold.
    pub(crate) limits: Limits,
    /// What the agent holds; above the capacity when somebody assigned by hand.
    pub(crate) load: Weight,
    /// The same by channel.
    pub(crate) loads: PerChannel<Weight>,
    /// When the agent last got a ticket.
    pub(crate) last_assigned_at: Option<Timestamp>,
}

impl Limits {
    /// From what is configured about an agent.
    pub(crate) fn new(weights: &BTreeMap<Channel, Weight>, caps: &BTreeMap<Channel, u32>) -> Self {
        Self {
            weights: PerChannel::of(|channel| weights.get(&channel).copied()),
            caps: PerChannel::of(|channel| caps.get(&channel).copied()),
        }
    }

    /// What a ticket of a channel takes of the agent's capacity; `weight` where nothing else is
    /// configured for the agent.
    pub(crate) fn weight_of(&self, channel: Channel, weight: Weight) -> Weight {
        self.weights[channel].unwrap_or(weight)
    }

    /// The most of the capacity that a channel may take, when one ticket takes `weight` of it.
    pub(crate) fn cap(&self, channel: Channel, weight: Weight) -> Option<Weight> {
        self.caps[channel].map(|tickets| weight.times(tickets))
    }
}

impl Seat {
    /// An agent of this version and profile who is not there and holds nothing.
    pub(crate) fn empty(version: i64, profile: &Profile) -> Self {
        Self {
            version,
            presences: Presences::all(Presence::Offline),
            capacity: Weight::tickets(profile.capacity),
            limits: profile.limits(),
            load: Weight::ZERO,
            loads: PerChannel::default(),
            last_assigned_at: None,
        }
    }

    /// The agent as a whole: online if on any channel.
    pub(crate) fn presence(&self) -> Presence {
        self.presences.overall()
    }

    /// Whether the agent takes new work of a channel.
    pub(crate) fn takes(&self, channel: Channel) -> bool {
        self.presences[channel] == Presence::Online
    }

    /// Whether a ticket of `weight` fits under the capacity and under the cap of its channel.
    pub(crate) fn room_for(&self, channel: Channel, weight: Weight) -> bool {
        let weight = self.limits.weight_of(channel, weight);
        weight <= self.spare() && self.below_cap(channel, weight)
    }

    /// Whether a ticket that takes `weight` of this agent fits under the cap of its channel.
    fn below_cap(&self, channel: Channel, weight: Weight) -> bool {
        let cap = self.limits.cap(channel, weight);
        cap.is_none_or(|cap| self.loads[channel] + weight <= cap)
    }

    /// What is free; negative above capacity.
    pub(crate) fn spare(&self) -> Weight {
        self.capacity - self.load
    }

    /// Whether the agent takes anything new and has any room at all. When not, no ticket fits,
    /// however light; when so, a heavy one may still not.
    pub(crate) fn is_free(&self) -> bool {
        self.spare() > Weight::ZERO && self.presences.online().next().is_some()
    }

    /// Takes the room of a ticket of `weight` that the agent gets.
    pub(crate) fn take(&mut self, channel: Channel, weight: Weight, at: Timestamp) {
        self.shift(channel, self.limits.weight_of(channel, weight));
        self.last_assigned_at = Some(at);
    }

    /// Changes what the agent holds of a channel.
    pub(crate) fn shift(&mut self, channel: Channel, by: Weight) {
        self.load += by;
        self.loads[channel] += by;
    }
}

impl Profile {
    /// What the agent can hold, channel by channel.
    pub(crate) fn limits(&self) -> Limits {
        Limits::new(&self.channel_weights, &self.channel_caps)
    }

    /// How well the agent knows a language: `None` when not at all, 1 when languages are not
    /// considered for this agent.
    pub(crate) fn language_level(&self, language: &Language) -> Option<u8> {
        if self.languages.is_empty() {
            return Some(1);
        }
        let known = self.languages.iter();
        known
            .filter(|(known, _)| known.understands(language))
            .map(|(_, level)| *level)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::team;

    const NOW: Timestamp = Timestamp::from_millis(5_000);
    const HALF: Weight = Weight::from_thousandths(500);

    fn seat(capacity: u32, change: impl FnOnce(&mut Profile)) -> Seat {
        let mut profile = team(1).agents[0].0.profile.clone();
        profile.capacity = capacity;
        change(&mut profile);
        let mut seat = Seat::empty(1, &profile);
        seat.presences = Presences::all(Presence::Online);
        seat
    }

    #[test]
    fn only_online_takes_new_work_and_only_of_its_channel() {
        let mut seat = seat(1, |_| ());
        for presence in [Presence::Away, Presence::NotResponding, Presence::Offline] {
            seat.presences = Presences::all(presence);
            assert!(!seat.is_free() && !seat.takes(Channel::Chat));
        }
        seat.presences[Channel::Chat] = Presence::Online;
        assert!(seat.is_free() && seat.takes(Channel::Chat) && !seat.takes(Channel::Email));
    }

    #[test]
    fn channels_share_one_pool_by_their_weights() {
        let mut seat = seat(3, |profile| {
            profile
                .channel_weights
                .insert(Channel::Phone, Weight::tickets(3));
            profile.channel_weights.insert(Channel::Email, HALF);
        });
        assert!(seat.room_for(Channel::Phone, Weight::TICKET));
        seat.take(Channel::Email, Weight::TICKET, NOW);
        assert_eq!((seat.load, seat.loads[Channel::Email]), (HALF, HALF));
        assert!(!seat.room_for(Channel::Phone, Weight::TICKET));
        assert!(seat.room_for(Channel::Chat, Weight::TICKET));
        for _ in 0..5 {
            assert!(seat.room_for(Channel::Email, Weight::TICKET));
            seat.take(Channel::Email, Weight::TICKET, NOW);
        }
        assert!(!seat.room_for(Channel::Email, Weight::TICKET) && !seat.is_free());
    }

    #[test]
    fn a_cap_counts_tickets_of_its_channel_whatever_they_weigh() {
        let mut seat = seat(10, |profile| {
            profile
                .channel_weights
                .insert(Channel::Chat, Weight::tickets(2));
            profile.channel_caps.insert(Channel::Chat, 2);
            profile.channel_caps.insert(Channel::Phone, 0);
        });
        assert!(!seat.room_for(Channel::Phone, Weight::TICKET));
        for _ in 0..2 {
            assert!(seat.room_for(Channel::Chat, Weight::TICKET));
            seat.take(Channel::Chat, Weight::TICKET, NOW);
        }
        assert!(!seat.room_for(Channel::Chat, Weight::TICKET));
        assert!(seat.room_for(Channel::Email, Weight::TICKET));
    }
}
