//! What is to be done about tickets though nothing happens: offers that run out, work that follows a
//! solution, pauses between offers.

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::LockType;
use sea_orm::{Condition, FromQueryResult, QueryOrder as _, QuerySelect as _};

use super::{Column, Entity, from_row};
use crate::domain::item::Item;

/// A timer of an item.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Due {
    /// The item.
    pub(crate) ticket_id: String,
    /// The timer's fence.
    pub(crate) timer_generation: i64,
    /// When, in milliseconds since the epoch.
    pub(crate) timer_at: i64,
    /// The timer's lane.
    pub(crate) lane: i32,
}

fn timers() -> sea_orm::Select<Entity> {
    Entity::find()
        .select_only()
        .columns([
            Column::TicketId,
            Column::TimerGeneration,
            Column::TimerAt,
            Column::Lane,
        ])
        .filter(Column::TimerAt.is_not_null())
}

/// Timers before an instant, the earliest first.
pub(crate) async fn due_before(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Due>, DbErr> {
    let select = timers().filter(Column::TimerAt.lt(before.as_millis()));
    let select = select.order_by_asc(Column::TimerAt).limit(limit);
    select.into_model().all(conn).await
}

/// Timers of a lane, by id, from the first beyond `after`.
pub(crate) async fn armed(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Due>, DbErr> {
    let select = timers().filter(Column::Lane.eq(i32::from(lane)));
    let select = select.filter(Column::TicketId.gt(after));
    let select = select.order_by_asc(Column::TicketId).limit(limit);
    select.into_model().all(conn).await
}

/// Those whose timer of that generation is due, locked: the timer's fence.
pub(crate) async fn lock_due(
    conn: &impl ConnectionTrait,
    due: &[(String, i64)],
    now: Timestamp,
) -> Result<Vec<Item>, DbErr> {
    let same = due.iter().fold(Condition::any(), |any, (id, generation)| {
        let same = Condition::all().add(Column::TicketId.eq(id.as_str()));
        any.add(same.add(Column::TimerGeneration.eq(*generation)))
    });
    if same.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(same)
        .filter(Column::TimerAt.lte(now.as_millis()))
        .order_by_asc(Column::TicketId)
        .lock(LockType::Update)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}
