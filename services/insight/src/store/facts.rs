//! Facts as rows.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_proto::common::v1::ClockState;
use sea_orm::{ConnectionTrait, DbErr, Value};

use super::rows::{self, Columns, ReadRow, Row};
use crate::facts::code::{code, name};
use crate::facts::detail::{Cycle, Episode, Stay};
use crate::facts::invitation::Invitation;
use crate::facts::sla_clock::SlaClock;
use crate::facts::{Changes, Facts, Needed};

/// All tables, in no order.
const TABLES: [&str; 6] = [
    "insight_tickets",
    "insight_cycles",
    "insight_episodes",
    "insight_stays",
    "insight_clocks",
    "insight_answers",
];

/// Loads what a batch needs: one query per table.
///
/// # Errors
/// The database's, or a row that this program cannot read.
pub async fn load(conn: &impl ConnectionTrait, needed: Needed) -> Result<Facts, DbErr> {
    Ok(Facts::new(
        rows::load(conn, needed.tickets).await?,
        rows::load(conn, needed.clocks).await?,
        rows::load(conn, needed.invitations).await?,
    ))
}

/// Writes what a batch changed: one statement per table, as long as the batch is not large.
///
/// # Errors
/// The database's.
pub async fn save(conn: &impl ConnectionTrait, changes: Changes) -> Result<(), DbErr> {
    let Changes {
        tickets,
        clocks,
        invitations,
        details,
    } = changes;
    rows::save(conn, &tickets).await?;
    rows::save(conn, &clocks).await?;
    rows::save(conn, &invitations).await?;
    rows::save(conn, &numbered(details.cycles)).await?;
    rows::save(conn, &numbered(details.episodes)).await?;
    rows::save(conn, &numbered(details.stays)).await
}

/// Removes all facts.
///
/// # Errors
/// The database's.
pub async fn clear(conn: &impl ConnectionTrait) -> Result<(), DbErr> {
    for table in TABLES {
        conn.execute_unprepared(&format!("DELETE FROM {table}"))
            .await?;
    }
    Ok(())
}

/// A row that belongs to a ticket and has a number of its own.
struct Numbered<T> {
    ticket_id: String,
    value: T,
}

fn numbered<T>(values: BTreeMap<(String, i64), T>) -> Vec<Numbered<T>> {
    let row = |((ticket_id, _), value)| Numbered { ticket_id, value };
    values.into_iter().map(row).collect()
}

pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

pub(super) fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) fn broken(what: &str, value: &str) -> DbErr {
    DbErr::Type(format!("there is no {what} {value}"))
}

const CLOCK_STATE: &str = "CLOCK_STATE_";

impl Row for Numbered<Cycle> {
    const TABLE: &'static str = "insight_cycles";
    const KEYS: usize = 2;
    const COLUMNS: &'static [&'static str] =
        &["ticket_id", "number", "started_at", "state", "replied_at"];

    fn values(&self) -> Vec<Value> {
        vec![
            self.ticket_id.as_str().into(),
            self.value.number.into(),
            self.value.started_at.as_millis().into(),
            self.value.state.code().into(),
            millis(self.value.replied_at).into(),
        ]
    }
}

impl Row for Numbered<Episode> {
    const TABLE: &'static str = "insight_episodes";
    const KEYS: usize = 2;
    const COLUMNS: &'static [&'static str] = &["ticket_id", "number", "opened_at", "ended_at"];

    fn values(&self) -> Vec<Value> {
        vec![
            self.ticket_id.as_str().into(),
            self.value.number.into(),
            self.value.opened_at.as_millis().into(),
            millis(self.value.ended_at).into(),
        ]
    }
}

impl Row for Numbered<Stay> {
    const TABLE: &'static str = "insight_stays";
    const KEYS: usize = 2;
    const COLUMNS: &'static [&'static str] = &[
        "ticket_id",
        "number",
        "group_id",
        "tier",
        "entered_at",
        "left_at",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            self.ticket_id.as_str().into(),
            self.value.number.into(),
            self.value.group.clone().into(),
            self.value.tier.into(),
            self.value.entered_at.as_millis().into(),
            millis(self.value.left_at).into(),
        ]
    }
}

impl Row for SlaClock {
    const TABLE: &'static str = "insight_clocks";
    const KEYS: usize = 1;
    const COLUMNS: &'static [&'static str] = &[
        "clock_id",
        "ticket_id",
        "metric",
        "cycle",
        "policy_id",
        "target_ms",
        "state",
        "started_at",
        "due_at",
        "decided_at",
        "fulfilled_at",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.as_str().into(),
            self.ticket_id.as_str().into(),
            self.metric.clone().into(),
            self.cycle.into(),
            self.policy_id.clone().into(),
            self.target_ms.into(),
            code(self.state.as_str_name(), CLOCK_STATE).into(),
            self.started_at.as_millis().into(),
            millis(self.due_at).into(),
            millis(self.decided_at).into(),
            millis(self.fulfilled_at).into(),
        ]
    }
}

impl ReadRow for SlaClock {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.next()?,
            ticket_id: row.next()?,
            metric: row.next()?,
            cycle: row.next()?,
            policy_id: row.next()?,
            target_ms: row.next()?,
            state: clock_state(row)?,
            started_at: instant(row.next()?),
            due_at: row.next::<Option<i64>>()?.map(instant),
            decided_at: row.next::<Option<i64>>()?.map(instant),
            fulfilled_at: row.next::<Option<i64>>()?.map(instant),
        })
    }
}

fn clock_state(row: &mut Columns<'_>) -> Result<ClockState, DbErr> {
    let code: Option<String> = row.next()?;
    let code = code.unwrap_or_else(|| "unspecified".to_owned());
    ClockState::from_str_name(&name(&code, CLOCK_STATE))
        .ok_or_else(|| broken("state of a clock", &code))
}

impl Row for Invitation {
    const TABLE: &'static str = "insight_answers";
    const KEYS: usize = 1;
    const COLUMNS: &'static [&'static str] = &[
        "invitation_id",
        "ticket_id",
        "kind",
        "survey_id",
        "invited_at",
        "cancelled",
        "answered_at",
        "scale",
        "score",
        "agent_id",
        "group_id",
        "channel",
        "language",
        "category",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.as_str().into(),
            self.ticket_id.clone().into(),
            self.kind.clone().into(),
            self.survey_id.clone().into(),
            self.invited_at.as_millis().into(),
            self.cancelled.into(),
            millis(self.answered_at).into(),
            self.scale.clone().into(),
            self.score.into(),
            self.agent.clone().into(),
            self.group.clone().into(),
            self.channel.clone().into(),
            self.language.clone().into(),
            self.category.clone().into(),
        ]
    }
}

impl ReadRow for Invitation {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.next()?,
            ticket_id: row.next()?,
            kind: row.next()?,
            survey_id: row.next()?,
            invited_at: instant(row.next()?),
            cancelled: row.next()?,
            answered_at: row.next::<Option<i64>>()?.map(instant),
            scale: row.next()?,
            score: row.next()?,
            agent: row.next()?,
            group: row.next()?,
            channel: row.next()?,
            language: row.next()?,
            category: row.next()?,
        })
    }
}
