//! Solved tickets that will close themselves: what the timers look at.

use lotse_clock::Timestamp;
use lotse_journal::{bucket_of, lane_of};
use lotse_timers::Entry;
use sea_orm::sea_query::{Cond, Expr, ExprTrait as _, LockType, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, QueryResult};

use super::columns::broken;
use super::tickets::{self, Column, Entity};
use crate::domain::ticket::Ticket;
use crate::domain::words::Status;

/// The timer of a ticket, if it will close itself.
pub(crate) fn entry(ticket: &Ticket) -> Option<Entry> {
    ticket.life.closes_at.map(|due| at(ticket, due))
}

/// The timer of a ticket that no longer closes itself, to be taken back.
pub(crate) fn last_entry(ticket: &Ticket) -> Entry {
    at(ticket, ticket.life.since)
}

fn at(ticket: &Ticket, due: Timestamp) -> Entry {
    Entry {
        row: ticket.id.to_string(),
        generation: ticket.life.generation,
        due,
        lane: lane_of(bucket_of(ticket.id.as_str())),
    }
}

/// Up to `limit` tickets whose wait ends before an instant, earliest first.
pub(crate) async fn before(
    conn: &impl ConnectionTrait,
    end: Timestamp,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let mut query = entries();
    query
        .and_where(Column::ClosesAt.lt(end.as_millis()))
        .order_by(Column::ClosesAt, Order::Asc)
        .limit(limit);
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Up to `limit` waiting tickets of a lane by id, from behind an id on.
pub(crate) async fn of_lane(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let mut query = entries();
    query
        .and_where(Column::Lane.eq(i16::from(lane)))
        .and_where(Column::Id.gt(after))
        .order_by(Column::Id, Order::Asc)
        .limit(limit);
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Locks those of `due` that are still of that generation and due by `now`.
pub(crate) async fn lock_due(
    conn: &impl ConnectionTrait,
    due: &[Entry],
    now: Timestamp,
) -> Result<Vec<Ticket>, DbErr> {
    let mut of_generation = Cond::any();
    for entry in due {
        let same = Column::Id
            .eq(entry.row.as_str())
            .and(Column::CloseGeneration.eq(entry.generation));
        of_generation = of_generation.add(same);
    }
    let mut query = tickets::select();
    query
        .cond_where(of_generation)
        .and_where(Column::ClosesAt.lte(now.as_millis()))
        .order_by((Entity, Column::Number), Order::Asc)
        .lock_with_tables(LockType::Update, [Entity]);
    conn.query_all(&query)
        .await?
        .iter()
        .map(tickets::read)
        .collect()
}

/// Closes these tickets at the end of their wait.
pub(crate) async fn close(
    conn: &impl ConnectionTrait,
    tickets: &[Ticket],
    now: Timestamp,
) -> Result<(), DbErr> {
    let update = Query::update()
        .table(Entity)
        .values([
            (Column::Status, Status::Closed.word().into()),
            (Column::StatusChangedAt, Expr::col(Column::ClosesAt)),
            (Column::ClosedAt, Expr::col(Column::ClosesAt)),
            (Column::ClosesAt, Expr::val(None::<i64>)),
            (
                Column::CloseGeneration,
                Expr::col(Column::CloseGeneration).add(1),
            ),
            (Column::UpdatedAt, now.as_millis().into()),
            (Column::Version, Expr::col(Column::Version).add(1)),
        ])
        .and_where(Column::Number.is_in(tickets.iter().map(|ticket| ticket.number)))
        .to_owned();
    conn.execute(&update).await.map(drop)
}

fn entries() -> SelectStatement {
    Query::select()
        .columns([
            Column::Id,
            Column::CloseGeneration,
            Column::ClosesAt,
            Column::Lane,
        ])
        .from(Entity)
        .and_where(Column::ClosesAt.is_not_null())
        .to_owned()
}

fn read(row: &QueryResult) -> Result<Entry, DbErr> {
    let lane: i16 = row.try_get_by(3)?;
    Ok(Entry {
        row: row.try_get_by(0)?,
        generation: row.try_get_by(1)?,
        due: Timestamp::from_millis(row.try_get_by(2)?),
        lane: u8::try_from(lane).map_err(|_| broken("lane", lane))?,
    })
}
