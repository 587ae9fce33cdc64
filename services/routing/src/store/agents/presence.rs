//! When agents take something new, and when that runs out.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockType};
use sea_orm::{Condition, FromQueryResult, QueryOrder as _, QuerySelect as _, UpdateMany};

use super::super::to_json;
use super::{Column, Entity, Full, to_full};
use crate::domain::channel::{ChannelSet, Presences};
use crate::domain::codes::Presence;

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
