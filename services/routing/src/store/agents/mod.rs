//! Agents: `routing_agents`. The row is also the fence: whoever changes an agent's load does it in
//! one statement that checks, under the row's lock, what must hold ([`room`]).
//!
//! Here is the row, and who agents are; [`presence`] is when they take something and when that runs
//! out, [`seat`] what of a row the index keeps in memory.

mod presence;
mod room;
mod seat;

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use sea_orm::QuerySelect as _;
use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::LockType;
use serde::Deserialize;

use super::{from_json, parsed, to_json};
use crate::domain::agent::{Agent, Profile, Seat};
use crate::domain::codes::Presence;
use crate::domain::weight::Weight;
pub(crate) use presence::{
    Expiry, expire, expiring, expiring_in_lane, lock_expired, save_presence,
};
pub(crate) use room::{Given, Room, shift_loads, take_room};
use seat::SeatRow;
pub(crate) use seat::seats;

/// One agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[serde(default)]
#[sea_orm(table_name = "routing_agents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub profile: String,
    /// Of the profile, for the fence.
    pub retired: bool,
    /// Of the profile, in thousandths of a ticket, for the fence.
    pub capacity: i64,
    /// In thousandths of a ticket.
    pub load: i64,
    pub presence: String,
    pub presence_since: i64,
    /// When the presence runs out.
    pub presence_due_at: Option<i64>,
    /// Raised whenever `presence_due_at` changes: the timer's fence.
    pub presence_generation: i64,
    /// The timer's lane.
    pub lane: i32,
    pub last_assigned_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    /// Channel by channel, where they differ; else empty.
    pub channel_presence: String,
    /// For the fence: the channels on which the agent is not online though online on others, one
    /// bit each.
    pub closed_channels: i64,
    /// Of the profile: weights and caps by channel; empty when there are none.
    pub limits: String,
    /// Of the load, by channel.
    pub load_email: i64,
    pub load_chat: i64,
    pub load_phone: i64,
    pub load_web: i64,
    pub load_api: i64,
    pub load_social: i64,
    pub load_walk_in: i64,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An agent with everything that changes all the time.
#[derive(Clone, Debug)]
pub(crate) struct Full {
    /// As configured.
    pub(crate) agent: Agent,
    /// Presence and load.
    pub(crate) seat: Seat,
    /// Since when the presence is what it is.
    pub(crate) presence_since: Timestamp,
    /// When the presence runs out.
    pub(crate) presence_due_at: Option<Timestamp>,
    /// The timer's fence.
    pub(crate) presence_generation: i64,
}

pub(super) fn to_agent(row: &Model) -> Result<Agent, DbErr> {
    Ok(Agent {
        id: parsed(&row.id)?,
        profile: from_json(&row.profile)?,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

fn to_full(row: &Model) -> Result<Full, DbErr> {
    Ok(Full {
        agent: to_agent(row)?,
        seat: SeatRow::from(row).into_seat()?,
        presence_since: Timestamp::from_millis(row.presence_since),
        presence_due_at: row.presence_due_at.map(Timestamp::from_millis),
        presence_generation: row.presence_generation,
    })
}

/// An agent from the history of seats, which has of a row what a decision may depend on.
pub(super) fn from_history(row: serde_json::Value) -> Result<Full, DbErr> {
    let row: Model = serde_json::from_value(row).map_err(|error| DbErr::Type(error.to_string()))?;
    to_full(&row)
}

/// One agent, locked until the transaction ends.
pub(crate) async fn lock(conn: &impl ConnectionTrait, id: &AgentId) -> Result<Option<Full>, DbErr> {
    let select = Entity::find_by_id(id.to_string());
    let row = select.lock(LockType::Update).one(conn).await?;
    row.as_ref().map(to_full).transpose()
}

/// These agents, in no order.
pub(crate) async fn find_all(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &AgentId>,
) -> Result<Vec<Full>, DbErr> {
    let ids = ids.into_iter().map(AgentId::as_str);
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids))
        .all(conn)
        .await?;
    rows.iter().map(to_full).collect()
}

/// Adds an agent, offline.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    agent: &Agent,
    lane: u8,
) -> Result<(), DbErr> {
    let Agent {
        id,
        profile,
        version,
        created_at,
        updated_at,
    } = agent;
    let row = ActiveModel {
        id: Set(id.to_string()),
        name: Set(profile.name.clone()),
        profile: Set(to_json(profile)?),
        retired: Set(profile.retired),
        capacity: Set(Weight::tickets(profile.capacity).thousandths()),
        load: Set(0),
        presence: Set(Presence::Offline.to_string()),
        presence_since: Set(created_at.as_millis()),
        presence_due_at: Set(None),
        presence_generation: Set(0),
        lane: Set(lane.into()),
        last_assigned_at: Set(None),
        version: Set(*version),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
        channel_presence: Set(String::new()),
        closed_channels: Set(0),
        limits: Set(limits(profile)?),
        load_email: Set(0),
        load_chat: Set(0),
        load_phone: Set(0),
        load_web: Set(0),
        load_api: Set(0),
        load_social: Set(0),
        load_walk_in: Set(0),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Writes another profile for an agent that the caller has locked.
pub(crate) async fn save_profile(
    conn: &impl ConnectionTrait,
    id: &AgentId,
    profile: &Profile,
    version: i64,
    now: Timestamp,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Name, profile.name.as_str().into())
        .col_expr(Column::Profile, to_json(profile)?.into())
        .col_expr(Column::Retired, profile.retired.into())
        .col_expr(
            Column::Capacity,
            Weight::tickets(profile.capacity).thousandths().into(),
        )
        .col_expr(Column::Limits, limits(profile)?.into())
        .col_expr(Column::Version, version.into())
        .col_expr(Column::UpdatedAt, now.as_millis().into())
        .filter(Column::Id.eq(id.as_str()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Weights and caps of a profile as stored; empty when there are none.
fn limits(profile: &Profile) -> Result<String, DbErr> {
    let limits = (&profile.channel_weights, &profile.channel_caps);
    if limits.0.is_empty() && limits.1.is_empty() {
        return Ok(String::new());
    }
    to_json(&limits)
}
