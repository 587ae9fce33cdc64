//! Agents: `routing_agents`. The row is also the fence: whoever changes an agent's load does it in
//! one statement that checks, under the row's lock, what must hold.

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, LockType, Query};
use sea_orm::{Condition, DbBackend, FromQueryResult, QueryOrder as _, QuerySelect as _, Set};
use serde::Deserialize;

use super::{from_json, parsed, to_json};
use crate::domain::agent::{Agent, Profile, Seat};
use crate::domain::codes::Presence;
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
        seat: Seat {
            version: row.version,
            presence: parsed(&row.presence)?,
            capacity: Weight::from_thousandths(row.capacity),
            load: Weight::from_thousandths(row.load),
            last_assigned_at: row.last_assigned_at.map(Timestamp::from_millis),
        },
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
        .col_expr(Column::Version, version.into())
        .col_expr(Column::UpdatedAt, now.as_millis().into())
        .filter(Column::Id.eq(id.as_str()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Writes the presence of an agent that the caller has locked, and returns the new generation of
/// its timer.
pub(crate) async fn save_presence(
    conn: &impl ConnectionTrait,
    before: &Full,
    presence: Presence,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<i64, DbErr> {
    let generation = before.presence_generation + 1;
    let since = if presence == before.seat.presence {
        before.presence_since
    } else {
        now
    };
    Entity::update_many()
        .col_expr(Column::Presence, presence.as_str().into())
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

/// Turns those offline whose presence of that generation has run out, as of when it did, and
/// returns them as they are now. The timer's fence: a heartbeat in between raises the generation.
pub(crate) async fn expire(
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
    let mut expired: Vec<Full> = rows.iter().map(to_full).collect::<Result<_, _>>()?;
    if expired.is_empty() {
        return Ok(expired);
    }
    for one in &mut expired {
        one.seat.presence = Presence::Offline;
        one.presence_generation += 1;
        one.presence_since = one.presence_due_at.take().unwrap_or(now);
    }
    Entity::update_many()
        .col_expr(Column::Presence, Presence::Offline.as_str().into())
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

#[derive(FromQueryResult)]
struct SeatRow {
    id: String,
    version: i64,
    presence: String,
    capacity: i64,
    load: i64,
    last_assigned_at: Option<i64>,
}

/// Everybody's presence and load.
pub(crate) async fn seats(conn: &impl ConnectionTrait) -> Result<Seats, DbErr> {
    let rows = Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::Version,
            Column::Presence,
            Column::Capacity,
            Column::Load,
            Column::LastAssignedAt,
        ])
        .into_model::<SeatRow>()
        .all(conn)
        .await?;
    let seats = rows.into_iter().map(|row| {
        let seat = Seat {
            version: row.version,
            presence: parsed(&row.presence)?,
            capacity: Weight::from_thousandths(row.capacity),
            load: Weight::from_thousandths(row.load),
            last_assigned_at: row.last_assigned_at.map(Timestamp::from_millis),
        };
        Ok((parsed(&row.id)?, seat))
    });
    seats.collect()
}

/// Gives an agent `load` more, if the profile is still that of `version`, the agent online, and
/// there is room for a whole ticket: the fence that holds however many replicas assign. Returns
/// whether it was so; if not, nothing has changed.
pub(crate) async fn take_room(
    conn: &impl ConnectionTrait,
    agent: &AgentId,
    version: i64,
    load: Weight,
    at: Timestamp,
) -> Result<bool, DbErr> {
    let with_ticket = Expr::col(Column::Load).add(Weight::TICKET.thousandths());
    let taken = Entity::update_many()
        .col_expr(
            Column::Load,
            Expr::col(Column::Load).add(load.thousandths()),
        )
        .col_expr(Column::LastAssignedAt, at.as_millis().into())
        .filter(Column::Id.eq(agent.as_str()))
        .filter(Column::Version.eq(version))
        .filter(Column::Retired.eq(false))
        .filter(Column::Presence.eq(Presence::Online.as_str()))
        .filter(with_ticket.lte(Expr::col(Column::Capacity)))
        .exec(conn)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Whom a person gave a ticket, and when.
pub(crate) type Given<'a> = Option<(&'a AgentId, Timestamp)>;

/// Changes the loads of several agents, whatever their capacity: releases, and what people assign.
/// Returns whether that put the agent of `given` above their capacity.
pub(crate) async fn shift_loads(
    conn: &impl ConnectionTrait,
    loads: &Loads,
    given: Given<'_>,
) -> Result<bool, DbErr> {
    let changed: Vec<(&AgentId, Weight)> = loads
        .iter()
        .map(|(agent, weight)| (agent, *weight))
        .filter(|(_, weight)| *weight != Weight::ZERO)
        .collect();
    if changed.is_empty() {
        return Ok(false);
    }
    let ids: Vec<&str> = changed.iter().map(|(agent, _)| agent.as_str()).collect();
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
    let mut by = CaseStatement::new();
    for (agent, weight) in &changed {
        by = by.case(Column::Id.eq(agent.as_str()), weight.thousandths());
    }
    let mut update = Query::update()
        .table(Entity)
        .value(Column::Load, Expr::col(Column::Load).add(by.finally(0)))
        .and_where(Column::Id.is_in(ids))
        .returning(Query::returning().columns([Column::Id, Column::Load, Column::Capacity]))
        .to_owned();
    if let Some((agent, at)) = given {
        let last = CaseStatement::new()
            .case(Column::Id.eq(agent.as_str()), at.as_millis())
            .finally(Expr::col(Column::LastAssignedAt));
        update.value(Column::LastAssignedAt, last);
    }
    let mut over_capacity = false;
    for row in conn.query_all(&update).await? {
        let (id, load, capacity): (String, i64, i64) =
            (row.try_get_by(0)?, row.try_get_by(1)?, row.try_get_by(2)?);
        over_capacity |= load > capacity && given.is_some_and(|(agent, _)| agent.as_str() == id);
    }
    Ok(over_capacity)
}
