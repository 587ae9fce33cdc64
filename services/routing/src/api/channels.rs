//! What differs by channel, and how groups handle their tickets: checked and answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lotse_errors::Violations;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::{duration_from_proto, duration_to_proto};

use super::{parse, show};
use crate::domain::agent::Seat;
use crate::domain::codes::{Channel, Presence};
use crate::domain::offer::OwnHandling;
use crate::domain::weight::Weight;

/// The heaviest ticket, in thousandths.
const WEIGHT: u32 = 1_000_000;
/// Most tickets of a channel at once.
const CAP: u32 = 10_000;

const DAY: Duration = Duration::from_secs(86_400);

/// One value per channel, each channel once.
fn each<T>(
    wrong: &mut Violations,
    field: &str,
    given: impl Iterator<Item = (i32, T)>,
) -> BTreeMap<Channel, T> {
    let mut all = BTreeMap::new();
    for (at, (channel, value)) in given.enumerate() {
        let path = format!("{field}[{at}].channel");
        let Some(channel) = parse::channel(wrong, &path, channel) else {
            continue;
        };
        if all.insert(channel, value).is_some() {
            wrong.add(path, "is there twice");
        }
    }
    all
}

/// What tickets weigh by channel.
pub(super) fn weights(
    wrong: &mut Violations,
    field: &str,
    given: &[proto::ChannelWeight],
) -> BTreeMap<Channel, Weight> {
    for (at, weight) in given.iter().enumerate() {
        let fits = (1..=WEIGHT).contains(&weight.thousandths);
        let path = format!("{field}[{at}].thousandths");
        wrong.require(&path, fits, "must be between 1 and 1,000,000");
    }
    let weight = |one: &proto::ChannelWeight| {
        let thousandths = Weight::from_thousandths(one.thousandths.into());
        (one.channel, thousandths)
    };
    each(wrong, field, given.iter().map(weight))
}

/// How many tickets of a channel an agent can hold.
pub(super) fn caps(
    wrong: &mut Violations,
    field: &str,
    given: &[proto::ChannelCap],
) -> BTreeMap<Channel, u32> {
    for (at, cap) in given.iter().enumerate() {
        let path = format!("{field}[{at}].tickets");
        wrong.require(&path, cap.tickets <= CAP, "must be at most 10,000");
    }
    each(
        wrong,
        field,
        given.iter().map(|one| (one.channel, one.tickets)),
    )
}

/// Presences by channel.
pub(super) fn presences(
    wrong: &mut Violations,
    field: &str,
    given: &[proto::ChannelPresence],
) -> Vec<(Channel, Presence)> {
    let mut presences = Vec::new();
    for (at, one) in given.iter().enumerate() {
        let path = format!("{field}[{at}].presence");
        let presence = chosen_presence(wrong, &path, one.presence);
        presences.push((one.channel, wrong.present(&path, presence)));
    }
    let all = each(wrong, field, presences.into_iter());
    all.into_iter()
        .filter_map(|(channel, presence)| Some((channel, presence?)))
        .collect()
}

/// A presence that somebody chooses; none when it is left open.
pub(super) fn chosen_presence(wrong: &mut Violations, field: &str, given: i32) -> Option<Presence> {
    let presence = parse::presence(wrong, field, given);
    let responding = presence != Some(Presence::NotResponding);
    wrong.require(
        field,
        responding,
        "NOT_RESPONDING is set by the server only",
    );
    presence
}

/// What a group does differently from the service.
pub(super) fn handling(
    wrong: &mut Violations,
    field: &str,
    given: Option<&proto::GroupHandling>,
) -> OwnHandling {
    let Some(proto::GroupHandling {
        auto_accept,
        offer_timeout,
        wrap_up,
        same_agent_window,
        offer_again_after,
    }) = given
    else {
        return OwnHandling::default();
    };
    let auto_accept = auto_accept.as_ref().map(|list| {
        let path = format!("{field}.auto_accept.channels");
        parse::at_most(wrong, &path, list.channels.len(), Channel::ALL.len());
        let channels = list.channels.iter();
        channels
            .filter_map(|channel| parse::channel(wrong, &path, *channel))
            .collect::<BTreeSet<_>>()
    });
    let mut span = |name: &str, given: &Option<prost_types::Duration>, least, most: Duration| {
        let path = format!("{field}.{name}");
        let span = wrong.take(&path, given.as_ref().map(duration_from_proto).transpose());
        let span = span.flatten()?;
        let fits = (least..=most).contains(&span);
        let range = format!("must be between {least:?} and {} s", most.as_secs());
        wrong.require(&path, fits, &range);
        u64::try_from(span.as_millis()).ok()
    };
    OwnHandling {
        auto_accept,
        offer_timeout: span(
            "offer_timeout",
            offer_timeout,
            Duration::from_secs(1),
            Duration::from_secs(3_600),
        ),
        wrap_up: span("wrap_up", wrap_up, Duration::ZERO, DAY),
        same_agent_window: span(
            "same_agent_window",
            same_agent_window,
            Duration::ZERO,
            DAY * 366,
        ),
        offer_again_after: span(
            "offer_again_after",
            offer_again_after,
            Duration::ZERO,
            DAY * 7,
        ),
    }
}

/// The same, answered; nothing when the group does as the service.
pub(super) fn show_handling(own: &OwnHandling) -> Option<proto::GroupHandling> {
    let OwnHandling {
        offer_timeout,
        auto_accept,
        wrap_up,
        same_agent_window,
        offer_again_after,
    } = own;
    let span = |millis: &Option<u64>| {
        let span = millis.map(Duration::from_millis);
        span.map(duration_to_proto)
    };
    (*own != OwnHandling::default()).then(|| proto::GroupHandling {
        auto_accept: auto_accept.as_ref().map(|channels| proto::ChannelList {
            channels: channels.iter().map(|one| show::channel(*one)).collect(),
        }),
        offer_timeout: span(offer_timeout),
        wrap_up: span(wrap_up),
        same_agent_window: span(same_agent_window),
        offer_again_after: span(offer_again_after),
    })
}

pub(super) fn show_weights(weights: &BTreeMap<Channel, Weight>) -> Vec<proto::ChannelWeight> {
    let weight = |(channel, weight): (&Channel, &Weight)| proto::ChannelWeight {
        channel: show::channel(*channel),
        thousandths: u32::try_from(weight.thousandths()).unwrap_or(u32::MAX),
    };
    weights.iter().map(weight).collect()
}

pub(super) fn show_caps(caps: &BTreeMap<Channel, u32>) -> Vec<proto::ChannelCap> {
    let cap = |(channel, tickets): (&Channel, &u32)| proto::ChannelCap {
        channel: show::channel(*channel),
        tickets: *tickets,
    };
    caps.iter().map(cap).collect()
}

pub(super) fn show_presences(seat: &Seat) -> Vec<proto::ChannelPresence> {
    let presence = |(channel, presence)| proto::ChannelPresence {
        channel: show::channel(channel),
        presence: show::presence(presence),
    };
    seat.presences.iter().map(presence).collect()
}

pub(super) fn show_loads(seat: &Seat) -> Vec<proto::ChannelLoad> {
    let loads = seat.loads.iter();
    let taken = loads.filter(|(_, load)| *load != Weight::ZERO);
    taken
        .map(|(channel, load)| proto::ChannelLoad {
            channel: show::channel(channel),
            load: load.as_tickets(),
        })
        .collect()
}
