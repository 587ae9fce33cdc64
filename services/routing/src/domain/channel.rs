//! Something for each channel.

use std::ops::{Index, IndexMut};

use super::codes::{Channel, Presence};

/// One value for each channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerChannel<T>([T; Channel::ALL.len()]);

impl<T: Copy> PerChannel<T> {
    /// The same value for every channel.
    pub(crate) const fn all(value: T) -> Self {
        Self([value; Channel::ALL.len()])
    }

    /// A value for each channel.
    pub(crate) fn of(value: impl Fn(Channel) -> T) -> Self {
        Self(Channel::ALL.map(value))
    }

    /// The channels with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Channel, T)> {
        Channel::ALL.into_iter().zip(self.0)
    }
}

impl<T> Index<Channel> for PerChannel<T> {
    type Output = T;

    fn index(&self, channel: Channel) -> &T {
        &self.0[channel as usize]
    }
}

impl<T> IndexMut<Channel> for PerChannel<T> {
    fn index_mut(&mut self, channel: Channel) -> &mut T {
        &mut self.0[channel as usize]
    }
}

/// Whether an agent takes new work, channel by channel.
pub(crate) type Presences = PerChannel<Presence>;

impl Presences {
    /// The agent as a whole: online if on any channel; else whatever is nearest to it.
    pub(crate) fn overall(&self) -> Presence {
        // The codes are declared from the most available on.
        self.0.into_iter().min().unwrap_or(Presence::Offline)
    }

    /// The channels whose new work the agent takes.
    pub(crate) fn online(&self) -> impl Iterator<Item = Channel> {
        let online = self.iter();
        let online = online.filter(|(_, presence)| *presence == Presence::Online);
        online.map(|(channel, _)| channel)
    }

    /// Whoever left an offer unanswered is not there, whatever the channel: all channels that took
    /// new work stop. Those that did not stay as they were.
    pub(crate) fn stop_responding(&mut self) {
        for presence in &mut self.0 {
            if *presence == Presence::Online {
                *presence = Presence::NotResponding;
            }
        }
    }
}

/// A set of channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChannelSet(u8);

impl ChannelSet {
    /// Every channel.
    pub(crate) fn all() -> Self {
        Channel::ALL.into_iter().collect()
    }

    /// Whether a channel is in it.
    pub(crate) const fn contains(self, channel: Channel) -> bool {
        self.0 & Self::bit(channel) != 0
    }

    /// A number with one bit per channel, as stored.
    pub(crate) fn bits(self) -> i64 {
        self.0.into()
    }

    /// The bit of one channel.
    pub(crate) const fn bit(channel: Channel) -> u8 {
        1 << channel as u8
    }
}

impl FromIterator<Channel> for ChannelSet {
    fn from_iter<I: IntoIterator<Item = Channel>>(channels: I) -> Self {
        let bits = channels.into_iter().map(Self::bit);
        Self(bits.fold(0, |set, bit| set | bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_finds_its_own_value() {
        let all = PerChannel::of(|channel| channel);
        assert!(all.iter().all(|(channel, value)| channel == value));
        assert!(Channel::ALL.iter().all(|channel| all[*channel] == *channel));
    }

    #[test]
    fn an_agent_is_online_while_on_any_channel() {
        let mut presences = Presences::all(Presence::Away);
        assert_eq!(presences.overall(), Presence::Away);
        presences[Channel::Chat] = Presence::Online;
        assert_eq!(presences.overall(), Presence::Online);
        presences.stop_responding();
        assert_eq!(presences.online().count(), 0);
        assert_eq!(presences[Channel::Chat], Presence::NotResponding);
        assert_eq!(presences[Channel::Email], Presence::Away);
        assert_eq!(presences.overall(), Presence::Away);
    }

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let set: ChannelSet = [Channel::Email, Channel::WalkIn].into_iter().collect();
        let held: Vec<_> = Channel::ALL
            .into_iter()
            .filter(|one| set.contains(*one))
            .collect();
        assert_eq!(held, [Channel::Email, Channel::WalkIn]);
        assert_eq!(set.bits(), 0b100_0001);
    }
}
