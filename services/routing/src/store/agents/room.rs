//! The fence of capacity: room is taken and given back by statements that check under the row's lock
//! what must hold.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use sea_orm::DbBackend;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, LockType, Query};

use super::{Column, Entity};
use crate::domain::channel::ChannelSet;
use crate::domain::codes::{Channel, Presence};
use crate::domain::item::Loads;
use crate::domain::weight::Weight;

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
