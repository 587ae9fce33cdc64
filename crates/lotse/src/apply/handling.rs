//! How groups handle their tickets, and what differs by channel for an agent.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::Result;
use lotse_proto::routing::v1 as routing;
use lotse_proto::time::duration_to_proto;
use serde::Serialize;

use super::carry::codes;
use super::read::Reader;
use super::read_promises::time;
use super::state;
use super::words::CHANNELS;
use super::yaml::Map;

/// What a group does differently from the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Handling {
    pub(crate) auto_accept: Option<BTreeSet<String>>,
    pub(crate) offer_timeout: Option<Duration>,
    pub(crate) wrap_up: Option<Duration>,
    pub(crate) same_agent_window: Option<Duration>,
    pub(crate) offer_again_after: Option<Duration>,
}

/// Reads it from among a group's keys.
pub(crate) fn read(reader: &mut Reader, map: &mut Map<'_>) -> Handling {
    let auto_accept = map.take("auto_accept").map(|entry| {
        let words = entry.list(&mut reader.problems);
        let words = words
            .iter()
            .filter_map(|entry| reader.word(entry, CHANNELS));
        words.collect()
    });
    let mut span = |key: &str| map.take(key).and_then(|entry| time(reader, &entry));
    Handling {
        offer_timeout: span("offer_timeout"),
        wrap_up: span("wrap_up"),
        same_agent_window: span("same_agent_window"),
        offer_again_after: span("offer_again_after"),
        auto_accept,
    }
}

/// Numbers by channel.
pub(crate) fn by_channel(
    reader: &mut Reader,
    map: &mut Map<'_>,
    key: &str,
    range: &RangeInclusive<u32>,
) -> BTreeMap<String, u32> {
    let mut numbers = BTreeMap::new();
    for (channel, entry) in reader.entries(map, key) {
        if CHANNELS.code(&channel) == 0 {
            let message = format!("must name channels: {}", CHANNELS.all());
            reader.problems.add(&entry.at, message);
        } else if let Some(number) = entry.whole(range.clone(), &mut reader.problems) {
            numbers.insert(channel, number);
        }
    }
    numbers
}

/// As the API takes it; nothing where the group does as the service.
pub(crate) fn proto(handling: &Handling) -> Option<routing::GroupHandling> {
    let Handling {
        auto_accept,
        offer_timeout,
        wrap_up,
        same_agent_window,
        offer_again_after,
    } = handling;
    let list = |channels: &BTreeSet<String>| routing::ChannelList {
        channels: codes(channels, CHANNELS),
    };
    (*handling != Handling::default()).then(|| routing::GroupHandling {
        auto_accept: auto_accept.as_ref().map(list),
        offer_timeout: offer_timeout.map(duration_to_proto),
        wrap_up: wrap_up.map(duration_to_proto),
        same_agent_window: same_agent_window.map(duration_to_proto),
        offer_again_after: offer_again_after.map(duration_to_proto),
    })
}

/// What is there.
pub(crate) fn known(handling: Option<routing::GroupHandling>) -> Result<Handling> {
    let Some(handling) = handling else {
        return Ok(Handling::default());
    };
    let span = |span: Option<prost_types::Duration>| {
        let span = span.map(|span| state::time(Some(span)));
        span.transpose()
    };
    let words = |list: routing::ChannelList| {
        let channels = list.channels.into_iter();
        channels.map(|channel| CHANNELS.word(channel)).collect()
    };
    Ok(Handling {
        auto_accept: handling.auto_accept.map(words),
        offer_timeout: span(handling.offer_timeout)?,
        wrap_up: span(handling.wrap_up)?,
        same_agent_window: span(handling.same_agent_window)?,
        offer_again_after: span(handling.offer_again_after)?,
    })
}

pub(crate) fn proto_weights(weights: &BTreeMap<String, u32>) -> Vec<routing::ChannelWeight> {
    let weight = |(channel, thousandths): (&String, &u32)| routing::ChannelWeight {
        channel: CHANNELS.code(channel),
        thousandths: *thousandths,
    };
    weights.iter().map(weight).collect()
}

pub(crate) fn proto_caps(caps: &BTreeMap<String, u32>) -> Vec<routing::ChannelCap> {
    let cap = |(channel, tickets): (&String, &u32)| routing::ChannelCap {
        channel: CHANNELS.code(channel),
        tickets: *tickets,
    };
    caps.iter().map(cap).collect()
}

pub(crate) fn known_weights(weights: Vec<routing::ChannelWeight>) -> BTreeMap<String, u32> {
    let weights = weights.into_iter();
    weights
        .map(|one| (CHANNELS.word(one.channel), one.thousandths))
        .collect()
}

pub(crate) fn known_caps(caps: Vec<routing::ChannelCap>) -> BTreeMap<String, u32> {
    let caps = caps.into_iter();
    caps.map(|one| (CHANNELS.word(one.channel), one.tickets))
        .collect()
}
