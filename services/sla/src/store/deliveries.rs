//! The outbox: notices on their way to targets.
//!
//! A notice is put in by the transaction that has something to tell, and its id is what the receiver
//! knows it by for ever. Whoever sends claims rows for a while first: the claim moves the due time
//! to its own end and raises the generation, so that one sender at a time has a row, a sender that
//! died loses it, and one that came back too late cannot settle it.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{DeliveryId, NotificationTargetId};
use lotse_notify::{Failure, Notice};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::columns::{broken, document, instant, number, to_document};
use super::dead_letters::stored_failure;
use crate::notification::State;

/// A notice for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where to.
    pub target_id: NotificationTargetId,
    /// What to tell; its id is the delivery's.
    pub notice: Notice,
    /// When to send it.
    pub due: Timestamp,
}

impl Delivery {
    /// `notice` for a target, to be sent at once. Gives the notice its id.
    pub fn new(target_id: NotificationTargetId, notice: Notice, now: Timestamp) -> Self {
        let id = DeliveryId::generate(now).into();
        Self {
            target_id,
            notice: Notice { id, ..notice },
            due: now,
        }
    }
}

/// A delivery that this process shall try now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its id, `dlv_…`.
    pub id: String,
    /// Where to.
    pub target_id: String,
    /// What to tell.
    pub notice: Notice,
    /// Fences the claim.
    pub generation: i64,
    /// How often it is tried, with this time.
    pub attempts: u32,
    /// When it was made, or last redriven: what the time of giving up is counted from.
    pub tried_since: Timestamp,
}

/// How many wait, for gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Deliveries not yet settled.
    pub waiting: u64,
    /// Since when the oldest of them waits.
    pub oldest: Option<Timestamp>,
    /// Dead letters.
    pub dead: u64,
}

/// Puts a notice on its way, in the transaction that has something to tell. Notices that wait for
/// another attempt with the same subject at the same target are tried before it, and now: what they
/// say comes first.
pub async fn enqueue(conn: &impl ConnectionTrait, delivery: &Delivery) -> Result<(), DbErr> {
    let Delivery {
        target_id,
        notice,
        due,
    } = delivery;
    let sooner = Query::update()
        .table("sla_deliveries")
        .value("due_at", due.as_millis())
        .and_where(waiting())
        .and_where(Expr::col("target_id").eq(target_id.as_str()))
        .and_where(Expr::col("subject_key").eq(notice.subject_key.as_str()))
        .and_where(Expr::col("claimed").not())
        .and_where(Expr::col("due_at").gt(due.as_millis()))
        .take();
    conn.execute(&sooner).await?;
    let insert = Query::insert()
        .into_table("sla_deliveries")
        .columns([
            "id",
            "target_id",
            "subject_key",
            "state",
            "notice",
            "created_at",
            "due_at",
            "claimed",
            "generation",
            "attempts",
            "tried_since",
        ])
        .values_panic([
            notice.id.as_str().into(),
            target_id.as_str().into(),
            notice.subject_key.as_str().into(),
            State::Waiting.code().into(),
            to_document(notice)?.into(),
            notice.at.as_millis().into(),
            due.as_millis().into(),
            false.into(),
            0_i64.into(),
            0_i32.into(),
            due.as_millis().into(),
        ])
        .take();
    conn.execute(&insert).await.map(drop)
}

fn waiting() -> Expr {
    Expr::col("state").eq(State::Waiting.code())
}

/// Deliveries due by `now`, in the order of their due times: at most `per_target` of each target,
/// counting those that `busy` says are under way there, and none to a target in `held`. Of one
/// subject only the first is named.
pub async fn due(
    conn: &impl ConnectionTrait,
    now: Timestamp,
    busy: &BTreeMap<String, usize>,
    held: &[String],
    per_target: usize,
    limit: usize,
) -> Result<Vec<String>, DbErr> {
    // Far more than can be sent at once, so that a target with many due does not hide the others
    // for longer than its first ones take.
    let full = busy.iter().filter(|(_, count)| **count >= per_target);
    let left_out: Vec<&str> = full
        .map(|(id, _)| id.as_str())
        .chain(held.iter().map(String::as_str))
        .collect();
    let before = Query::select()
        .expr(Expr::val(1))
        .from_as("sla_deliveries", "e")
        .and_where(Expr::col(("e", "target_id")).equals(("d", "target_id")))
        .and_where(Expr::col(("e", "subject_key")).equals(("d", "subject_key")))
        .and_where(Expr::col(("e", "state")).eq(State::Waiting.code()))
        .and_where(Expr::col(("e", "id")).lt(Expr::col(("d", "id"))))
        .take();
    let mut query = Query::select()
        .expr_as(Expr::col(("d", "id")), "id")
        .expr_as(Expr::col(("d", "target_id")), "target_id")
        .from_as("sla_deliveries", "d")
        .and_where(Expr::col(("d", "state")).eq(State::Waiting.code()))
        .and_where(Expr::col(("d", "due_at")).lte(now.as_millis()))
        .and_where(Expr::exists(before).not())
        .order_by(("d", "due_at"), Order::Asc)
        .order_by(("d", "id"), Order::Asc)
        .limit(limit as u64 * 4)
        .take();
    if !left_out.is_empty() {
        query.and_where(Expr::col(("d", "target_id")).is_not_in(left_out));
    }
    let mut counts = busy.clone();
    let mut ids = Vec::new();
    for row in conn.query_all(&query).await? {
        let target: String = row.try_get("", "target_id")?;
        let count = counts.entry(target).or_default();
        if *count < per_target && ids.len() < limit {
            *count += 1;
            ids.push(row.try_get("", "id")?);
        }
    }
    Ok(ids)
}

/// Claims those of these deliveries that are still due, until `until`.
pub async fn claim(
    conn: &impl ConnectionTrait,
    ids: &[String],
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Claimed>, DbErr> {
    let update = Query::update()
        .table("sla_deliveries")
        .value("due_at", until.as_millis())
        .value("claimed", true)
        .value("generation", Expr::col("generation").add(1))
        .value("attempts", Expr::col("attempts").add(1))
        .and_where(Expr::col("id").is_in(ids.iter().map(String::as_str)))
        .and_where(waiting())
        .and_where(Expr::col("due_at").lte(now.as_millis()))
        .returning(Query::returning().columns([
            "id",
            "target_id",
            "notice",
            "generation",
            "attempts",
            "tried_since",
        ]))
        .take();
    let rows = conn.query_all(&update).await?;
    let mut claimed: Vec<Claimed> = rows.iter().map(read).collect::<Result<_, _>>()?;
    // RETURNING has no order of its own.
    claimed.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(claimed)
}

fn read(row: &QueryResult) -> Result<Claimed, DbErr> {
    Ok(Claimed {
        id: row.try_get("", "id")?,
        target_id: row.try_get("", "target_id")?,
        notice: document(row, "notice")?,
        generation: row.try_get("", "generation")?,
        attempts: number(row, "attempts")?,
        tried_since: instant(row, "tried_since")?,
    })
}

/// The receiver took it. False when the claim was lost: somebody else sends, or has sent it too.
pub async fn delivered(
    conn: &impl ConnectionTrait,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let none: Option<String> = None;
    settle(conn, claimed, State::Delivered, now, none).await
}

/// It is given up. False when the claim was lost.
pub async fn died(
    conn: &impl ConnectionTrait,
    claimed: &Claimed,
    failure: &Failure,
    now: Timestamp,
) -> Result<bool, DbErr> {
    settle(
        conn,
        claimed,
        State::Dead,
        now,
        Some(stored_failure(failure)?),
    )
    .await
}

async fn settle(
    conn: &impl ConnectionTrait,
    claimed: &Claimed,
    state: State,
    now: Timestamp,
    failure: Option<String>,
) -> Result<bool, DbErr> {
    let none: Option<i64> = None;
    let update = Query::update()
        .table("sla_deliveries")
        .value("state", state.code())
        .value("due_at", none)
        .value("claimed", false)
        .value("settled_at", now.as_millis())
        .value("failure", failure)
        .and_where(Expr::col("id").eq(claimed.id.as_str()))
        .and_where(Expr::col("generation").eq(claimed.generation))
        .and_where(waiting())
        .take();
    Ok(conn.execute(&update).await?.rows_affected() == 1)
}

/// It is to be tried again at `due`. False when the claim was lost.
pub async fn put_off(
    conn: &impl ConnectionTrait,
    claimed: &Claimed,
    failure: &Failure,
    due: Timestamp,
) -> Result<bool, DbErr> {
    let update = Query::update()
        .table("sla_deliveries")
        .value("due_at", due.as_millis())
        .value("claimed", false)
        .value("failure", stored_failure(failure)?)
        .and_where(Expr::col("id").eq(claimed.id.as_str()))
        .and_where(Expr::col("generation").eq(claimed.generation))
        .and_where(waiting())
        .take();
    Ok(conn.execute(&update).await?.rows_affected() == 1)
}

/// When the next delivery is due after `now`; claims that may run out count.
pub async fn next_due(
    conn: &impl ConnectionTrait,
    now: Timestamp,
) -> Result<Option<Timestamp>, DbErr> {
    let query = Query::select()
        .expr_as(Expr::col("due_at").min(), "due_at")
        .from("sla_deliveries")
        .and_where(waiting())
        .and_where(Expr::col("due_at").gt(now.as_millis()))
        .take();
    let row = conn.query_one(&query).await?;
    let due: Option<i64> = row
        .map(|row| row.try_get("", "due_at"))
        .transpose()?
        .flatten();
    Ok(due.map(Timestamp::from_millis))
}

/// Removes up to `limit` deliveries of `state` that were settled before `before`.
pub async fn prune(
    conn: &impl ConnectionTrait,
    state: State,
    before: Timestamp,
    limit: u64,
) -> Result<u64, DbErr> {
    let old: SelectStatement = Query::select()
        .column("id")
        .from("sla_deliveries")
        .and_where(Expr::col("state").eq(state.code()))
        .and_where(Expr::col("state").ne(State::Waiting.code()))
        .and_where(Expr::col("settled_at").lt(before.as_millis()))
        .order_by("settled_at", Order::Asc)
        .limit(limit)
        .take();
    let delete = Query::delete()
        .from_table("sla_deliveries")
        .and_where(Expr::col("id").in_subquery(old))
        .take();
    Ok(conn.execute(&delete).await?.rows_affected())
}

/// How many wait and how many died.
pub async fn depth(conn: &impl ConnectionTrait) -> Result<Depth, DbErr> {
    let query = Query::select()
        .expr_as(Expr::col("id").count(), "number")
        .expr_as(Expr::col("tried_since").min(), "oldest")
        .from("sla_deliveries")
        .and_where(waiting())
        .take();
    let (mut waiting, mut oldest) = (0, None);
    if let Some(row) = conn.query_one(&query).await? {
        waiting = counted(&row)?;
        oldest = row.try_get::<Option<i64>>("", "oldest")?;
    }
    let query = Query::select()
        .expr_as(Expr::col("id").count(), "number")
        .from("sla_deliveries")
        .and_where(Expr::col("state").eq(State::Dead.code()))
        .take();
    let dead = conn.query_one(&query).await?;
    Ok(Depth {
        waiting,
        oldest: oldest.map(Timestamp::from_millis),
        dead: dead.as_ref().map(counted).transpose()?.unwrap_or_default(),
    })
}

fn counted(row: &QueryResult) -> Result<u64, DbErr> {
    let number: i64 = row.try_get("", "number")?;
    u64::try_from(number).map_err(|_| broken("number", "is negative"))
}
