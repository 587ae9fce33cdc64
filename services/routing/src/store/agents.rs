//! Agents: `routing_agents`. The row is also the fence: whoever changes an agent's load does it in
//! one statement that checks, under the row's lock, what must hold.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, LockType, Query};
use sea_orm::{
    Condition, DbBackend, FromQueryResult, QueryOrder as _, QuerySelect as _, Set, UpdateMany,
};
use serde::Deserialize;

use super::{from_json, parsed, to_json};
use crate::domain::agent::{Agent, Limits, Profile, Seat};
use crate::domain::channel::{ChannelSet, PerChannel, Presences};
use crate::domain::codes::{Channel, Presence};
use crate::domain::directory::Seats;
use crate::domain::item::Loads;
use crate::domain::weight::Weight;

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

const fn load_column(channel: Channel) -> Column {
    match channel {
        Channel::Email => Column::LoadEmail,
        Channel::Chat => Column::LoadChat,
        Channel::Phone => Column::LoadPhone,
        Channel::Web => Column::LoadWeb,
        Channel::Api => Column::LoadApi,
        Channel::Social => Column::LoadSocial,
        Channel::WalkIn => Column::LoadWalkIn,
    }
}

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

/// What a change of presence writes.
fn presences_set(
    update: UpdateMany<Entity>,
    presences: &Presences,
) -> Result<UpdateMany<Entity>, DbErr> {
    let overall = presences.overall();
    let (mut by_channel, mut closed) = (String::new(), ChannelSet::default());
    if *presences != Presences::all(overall) {
        by_channel = to_json(&presences.iter().collect::<BTreeMap<_, _>>())?;
        let others = presences.iter().filter(|(_, one)| *one != overall);
        closed = others.map(|(channel, _)| channel).collect();
    }
    Ok(update
        .col_expr(Column::Presence, overall.as_str().into())
        .col_expr(Column::ChannelPresence, by_channel.into())
        .col_expr(Column::ClosedChannels, closed.bits().into()))
}

/// Writes the presence of an agent that the caller has locked, and returns the new generation of
/// its timer.
pub(crate) async fn save_presence(
    conn: &impl ConnectionTrait,
    before: &Full,
    presences: &Presences,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<i64, DbErr> {
    let generation = before.presence_generation + 1;
    let since = if *presences == before.seat.presences {
        before.presence_since
    } else {
        now
    };
    presences_set(Entity::update_many(), presences)?
        .col_expr(Column::PresenceSince, since.as_millis().into())
        .col_expr(
            Column::PresenceDueAt,
            due_at.map(Timestamp::as_millis).into(),
        )
        .col_expr(Column::PresenceGeneration, generation.into())
        .filter(Column::Id.eq(before.agent.id.as_str()))
        .exec(conn)
        .await?;
    Ok(generation)
}

/// Those whose presence of that generation has run out, locked. The timer's fence: a heartbeat in
/// between raises the generation.
pub(crate) async fn lock_expired(
    conn: &impl ConnectionTrait,
    due: &[(String, i64)],
    now: Timestamp,
) -> Result<Vec<Full>, DbErr> {
    let same = due.iter().fold(Condition::any(), |any, (id, generation)| {
        let same = Condition::all().add(Column::Id.eq(id.as_str()));
        any.add(same.add(Column::PresenceGeneration.eq(*generation)))
    });
    if same.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(same)
        .filter(Column::PresenceDueAt.lte(now.as_millis()))
        .order_by_asc(Column::Id)
        .lock(LockType::Update)
        .all(conn)
        .await?;
    rows.iter().map(to_full).collect()
}

/// Turns these offline, which the caller has locked, as of when their presence ran out, and returns
/// them as they are now.
pub(crate) async fn expire(
    conn: &impl ConnectionTrait,
    mut expired: Vec<Full>,
    now: Timestamp,
) -> Result<Vec<Full>, DbErr> {
    if expired.is_empty() {
        return Ok(expired);
    }
    for one in &mut expired {
        one.seat.presences = Presences::all(Presence::Offline);
        one.presence_generation += 1;
        one.presence_since = one.presence_due_at.take().unwrap_or(now);
    }
    presences_set(Entity::update_many(), &Presences::all(Presence::Offline))?
        .col_expr(Column::PresenceSince, Expr::col(Column::PresenceDueAt))
        .col_expr(Column::PresenceDueAt, Expr::val(Option::<i64>::None))
        .col_expr(
            Column::PresenceGeneration,
            Expr::col(Column::PresenceGeneration).add(1),
        )
        .filter(Column::Id.is_in(expired.iter().map(|one| one.agent.id.as_str())))
        .exec(conn)
        .await?;
    Ok(expired)
}

/// A presence that will run out.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Expiry {
    /// The agent.
    pub(crate) id: String,
    /// The timer's fence.
    pub(crate) presence_generation: i64,
    /// When, in milliseconds since the epoch.
    pub(crate) presence_due_at: i64,
    /// The timer's lane.
    pub(crate) lane: i32,
}

fn expiries() -> sea_orm::Select<Entity> {
    Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::PresenceGeneration,
            Column::PresenceDueAt,
            Column::Lane,
        ])
        .filter(Column::PresenceDueAt.is_not_null())
}

/// Presences that run out before an instant, the earliest first.
pub(crate) async fn expiring(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Expiry>, DbErr> {
    let select = expiries().filter(Column::PresenceDueAt.lt(before.as_millis()));
    let select = select.order_by_asc(Column::PresenceDueAt).limit(limit);
    select.into_model().all(conn).await
}

/// Presences of a lane that run out some time, by id, from the first beyond `after`.
pub(crate) async fn expiring_in_lane(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Expiry>, DbErr> {
    let select = expiries().filter(Column::Lane.eq(i32::from(lane)));
    let select = select.filter(Column::Id.gt(after));
    let select = select.order_by_asc(Column::Id).limit(limit);
    select.into_model().all(conn).await
}

/// What of a row makes a seat.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "Entity")]
struct SeatRow {
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
    fn into_seat(self) -> Result<Seat, DbErr> {
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

/// Room that a ticket is to take of an agent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Where the ticket came from.
    pub(crate) channel: Channel,
    /// What must fit: a ticket being worked on.
    pub(crate) weight: Weight,
    /// What is taken now.
    pub(crate) load: Weight,
    /// The most that the channel may take.
    pub(crate) cap: Option<Weight>,
}

/// Takes room of an agent for one more ticket, if the profile is still that of `version`, the agent
/// online on the ticket's channel, and a whole ticket fits under the capacity and under the
/// channel's cap: the fence that holds however many replicas assign. Returns whether it was so; if
/// not, nothing has changed.
pub(crate) async fn take_room(
    conn: &impl ConnectionTrait,
    agent: &AgentId,
    version: i64,
    room: &Room,
    at: Timestamp,
) -> Result<bool, DbErr> {
    let of_channel = load_column(room.channel);
    let plus = |column: Column, weight: Weight| Expr::col(column).add(weight.thousandths());
    let closed =
        Expr::col(Column::ClosedChannels).bit_and(i64::from(ChannelSet::bit(room.channel)));
    let mut update = Entity::update_many()
        .col_expr(Column::Load, plus(Column::Load, room.load))
        .col_expr(of_channel, plus(of_channel, room.load))
        .col_expr(Column::LastAssignedAt, at.as_millis().into())
        .filter(Column::Id.eq(agent.as_str()))
        .filter(Column::Version.eq(version))
        .filter(Column::Retired.eq(false))
        .filter(Column::Presence.eq(Presence::Online.as_str()))
        .filter(closed.eq(0))
        .filter(plus(Column::Load, room.weight).lte(Expr::col(Column::Capacity)));
    if let Some(cap) = room.cap {
        update = update.filter(plus(of_channel, room.weight).lte(cap.thousandths()));
    }
    Ok(update.exec(conn).await?.rows_affected == 1)
}

/// Whom a person gave a ticket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    pub(crate) agent: &'a AgentId,
    pub(crate) at: Timestamp,
    /// Where the ticket came from.
    pub(crate) channel: Channel,
    /// The most that the channel may take.
    pub(crate) cap: Option<Weight>,
}

/// Changes the loads of several agents, whatever their capacity: releases, and what people assign.
/// Returns whether that put the agent of `given` above their capacity or their channel's cap.
pub(crate) async fn shift_loads(
    conn: &impl ConnectionTrait,
    loads: &Loads,
    given: Option<Given<'_>>,
) -> Result<bool, DbErr> {
    // Agents in their order, channels in theirs.
    let mut totals: BTreeMap<&AgentId, Weight> = BTreeMap::new();
    let mut channels: BTreeMap<Channel, Vec<(&AgentId, Weight)>> = BTreeMap::new();
    for ((agent, channel), weight) in loads {
        if *weight != Weight::ZERO {
            *totals.entry(agent).or_default() += *weight;
            channels.entry(*channel).or_default().push((agent, *weight));
        }
    }
    if totals.is_empty() {
        return Ok(false);
    }
    let ids: Vec<&str> = totals.keys().map(|agent| agent.as_str()).collect();
    if ids.len() > 1 && conn.get_database_backend() == DbBackend::Postgres {
        // An UPDATE locks in whatever order it finds its rows; two of them could meet head-on.
        let lock = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(Column::Id.is_in(ids.clone()))
            .order_by(Column::Id, sea_orm::Order::Asc)
            .lock(LockType::Update)
            .to_owned();
        conn.query_all(&lock).await?;
    }
    let mut update = Query::update()
        .table(Entity)
        .value(Column::Load, plus_each(Column::Load, totals.into_iter()))
        .and_where(Column::Id.is_in(ids))
        .to_owned();
    for (channel, changes) in channels {
        let column = load_column(channel);
        update.value(column, plus_each(column, changes.into_iter()));
    }
    let mut told = vec![Column::Id, Column::Load, Column::Capacity];
    if let Some(given) = given {
        let last = CaseStatement::new()
            .case(Column::Id.eq(given.agent.as_str()), given.at.as_millis())
            .finally(Expr::col(Column::LastAssignedAt));
        update.value(Column::LastAssignedAt, last);
        told.push(load_column(given.channel));
    }
    update.returning(Query::returning().columns(told));
    let mut over_capacity = false;
    for row in conn.query_all(&update).await? {
        let id: String = row.try_get_by(0)?;
        let Some(given) = given.filter(|given| given.agent.as_str() == id) else {
            continue;
        };
        let (load, capacity, of_channel): (i64, i64, i64) =
            (row.try_get_by(1)?, row.try_get_by(2)?, row.try_get_by(3)?);
        let above_cap = given.cap.is_some_and(|cap| of_channel > cap.thousandths());
        over_capacity |= load > capacity || above_cap;
    }
    Ok(over_capacity)
}

/// A column of loads, changed for each of these agents.
fn plus_each<'a>(
    column: Column,
    changes: impl Iterator<Item = (&'a AgentId, Weight)>,
) -> sea_orm::sea_query::Expr {
    let mut by = CaseStatement::new();
    for (agent, weight) in changes {
        by = by.case(Column::Id.eq(agent.as_str()), weight.thousandths());
    }
    Expr::col(column).add(by.finally(0))
}
