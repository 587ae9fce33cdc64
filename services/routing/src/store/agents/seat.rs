//! What of a row makes a seat: an agent's presence and load, without who they are.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;

use super::super::{from_json, parsed};
use super::{Entity, Model};
use crate::domain::agent::{Limits, Seat};
use crate::domain::channel::{PerChannel, Presences};
use crate::domain::codes::{Channel, Presence};
use crate::domain::directory::Seats;
use crate::domain::weight::Weight;

/// What of a row makes a seat.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub(super) struct SeatRow {
    id: String,
    version: i64,
    presence: String,
    channel_presence: String,
    capacity: i64,
    limits: String,
    load: i64,
    load_email: i64,
    load_chat: i64,
    load_phone: i64,
    load_web: i64,
    load_api: i64,
    load_social: i64,
    load_walk_in: i64,
    last_assigned_at: Option<i64>,
}

impl From<&Model> for SeatRow {
    fn from(row: &Model) -> Self {
        Self {
            id: row.id.clone(),
            version: row.version,
            presence: row.presence.clone(),
            channel_presence: row.channel_presence.clone(),
            capacity: row.capacity,
            limits: row.limits.clone(),
            load: row.load,
            load_email: row.load_email,
            load_chat: row.load_chat,
            load_phone: row.load_phone,
            load_web: row.load_web,
            load_api: row.load_api,
            load_social: row.load_social,
            load_walk_in: row.load_walk_in,
            last_assigned_at: row.last_assigned_at,
        }
    }
}

impl SeatRow {
    pub(super) fn into_seat(self) -> Result<Seat, DbErr> {
        let mut presences = Presences::all(parsed(&self.presence)?);
        if !self.channel_presence.is_empty() {
            let by_channel: BTreeMap<Channel, Presence> = from_json(&self.channel_presence)?;
            for (channel, presence) in by_channel {
                presences[channel] = presence;
            }
        }
        let limits = if self.limits.is_empty() {
            Limits::default()
        } else {
            let (weights, caps) = from_json(&self.limits)?;
            Limits::new(&weights, &caps)
        };
        let loads = PerChannel::of(|channel| match channel {
            Channel::Email => self.load_email,
            Channel::Chat => self.load_chat,
            Channel::Phone => self.load_phone,
            Channel::Web => self.load_web,
            Channel::Api => self.load_api,
            Channel::Social => self.load_social,
            Channel::WalkIn => self.load_walk_in,
        });
        Ok(Seat {
            version: self.version,
            presences,
            capacity: Weight::from_thousandths(self.capacity),
            limits,
            load: Weight::from_thousandths(self.load),
            loads: PerChannel::of(|channel| Weight::from_thousandths(loads[channel])),
            last_assigned_at: self.last_assigned_at.map(Timestamp::from_millis),
        })
    }
}

/// Everybody's presence and load.
pub(crate) async fn seats(conn: &impl ConnectionTrait) -> Result<Seats, DbErr> {
    let select = Entity::find().into_partial_model::<SeatRow>();
    let rows = select.all(conn).await?;
    let seats = rows
        .into_iter()
        .map(|row| Ok((parsed(&row.id)?, row.into_seat()?)));
    seats.collect()
}
