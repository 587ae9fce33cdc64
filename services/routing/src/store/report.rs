//! How often routing was wrong, counted from decisions and the transfers that undid them.

use std::fmt::Write as _;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, GroupId, TicketId};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};

use super::parsed;
use crate::domain::codes::{Guard, TransferReason};

/// Decisions from one instant on and before another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// From this instant on.
    pub(crate) from: Timestamp,
    /// Before this instant.
    pub(crate) until: Timestamp,
}

/// What a report is broken down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// Version and rule of the workflow.
    Rule,
    /// Version of the learned model.
    Model,
    /// The group.
    Group,
    /// The missing skill.
    MissingSkill,
    /// The missing language.
    MissingLanguage,
}

/// One part of a breakdown; how it is to be read depends on the dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Of the workflow or the model.
    pub(crate) version: Option<i32>,
    /// Rule, group, skill or language.
    pub(crate) name: Option<String>,
}

/// How many tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Were handled.
    pub(crate) handled: u64,
    /// Of these were transferred.
    pub(crate) transferred: u64,
    /// Of these for a reason that is a misroute.
    pub(crate) misrouted: u64,
}

/// Whether a decision that `t` may have undone gave the ticket to somebody who handled it.
const HANDLED: &str = "(d.agent_id IS NOT NULL OR t.undone_id IS NOT NULL)";
/// The decisions of a span.
const IN_SPAN: &str = "d.decided_at >= $1 AND d.decided_at < $2 AND d.group_id IS NOT NULL";
const COUNTS: &str = "COUNT(DISTINCT d.ticket_id), COUNT(DISTINCT t.ticket_id), \
     COUNT(DISTINCT CASE WHEN t.misroute THEN t.ticket_id END)";

impl Dimension {
    /// Whether it says what the transfer lacked; else what the decision was.
    pub(crate) const fn is_lack(self) -> bool {
        matches!(self, Self::MissingSkill | Self::MissingLanguage)
    }

    /// What is counted at all.
    const fn among(self) -> &'static str {
        match self {
            Self::Rule | Self::Model | Self::Group => "TRUE",
            Self::MissingSkill => "t.missing_skill IS NOT NULL",
            Self::MissingLanguage => "t.missing_language IS NOT NULL",
        }
    }

    /// The columns of a [`Key`].
    const fn columns(self) -> &'static str {
        match self {
            Self::Rule => "d.workflow_version AS version, d.rule AS name",
            Self::Model => "d.model_version AS version, CAST(NULL AS TEXT) AS name",
            Self::Group => "CAST(NULL AS INTEGER) AS version, d.group_id AS name",
            Self::MissingSkill => "CAST(NULL AS INTEGER) AS version, t.missing_skill AS name",
            Self::MissingLanguage => "CAST(NULL AS INTEGER) AS version, t.missing_language AS name",
        }
    }
}

fn key(row: &QueryResult) -> Result<Key, DbErr> {
    Ok(Key {
        version: row.try_get_by(0)?,
        name: row.try_get_by(1)?,
    })
}

fn number(row: &QueryResult, at: usize) -> Result<u64, DbErr> {
    let count: i64 = row.try_get_by(at)?;
    Ok(count.unsigned_abs())
}

fn counts(row: &QueryResult, from: usize) -> Result<Counts, DbErr> {
    Ok(Counts {
        handled: number(row, from)?,
        transferred: number(row, from + 1)?,
        misrouted: number(row, from + 2)?,
    })
}

async fn ask(
    conn: &impl ConnectionTrait,
    sql: String,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    let backend = conn.get_database_backend();
    conn.query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await
}

fn of(span: Span) -> Vec<Value> {
    vec![span.from.as_millis().into(), span.until.as_millis().into()]
}

/// Tickets handled, of them those with a transfer, of them those with a misroute.
pub(crate) async fn total(conn: &impl ConnectionTrait, span: Span) -> Result<Counts, DbErr> {
    let sql = format!(
        "SELECT {COUNTS} FROM routing_decisions AS d \
         LEFT JOIN routing_transfers AS t ON t.ticket_id = d.ticket_id \
         WHERE {IN_SPAN} AND (d.kind IN ('transfer', 'escalation') OR {HANDLED})"
    );
    let rows = ask(conn, sql, of(span)).await?;
    rows.first()
        .map_or(Ok(Counts::default()), |row| counts(row, 0))
}

/// The same by a dimension. For what was missing, nobody knows how many tickets needed it that were
/// not passed on: `handled` is those that were.
pub(crate) async fn by(
    conn: &impl ConnectionTrait,
    span: Span,
    dimension: Dimension,
) -> Result<Vec<(Key, Counts)>, DbErr> {
    let (columns, among) = (dimension.columns(), dimension.among());
    let sql = format!(
        "SELECT {columns}, {COUNTS} FROM routing_decisions AS d LEFT JOIN routing_transfers AS t \
         ON t.undone_at = d.decided_at AND t.undone_id = d.id \
         WHERE {IN_SPAN} AND {HANDLED} AND {among} GROUP BY 1, 2"
    );
    let rows = ask(conn, sql, of(span)).await?;
    let rows = rows.iter().map(|row| Ok((key(row)?, counts(row, 2)?)));
    rows.collect()
}

/// Where tickets went instead that were misrouted: how many to which group, by the dimension.
pub(crate) async fn destinations(
    conn: &impl ConnectionTrait,
    span: Span,
    dimension: Dimension,
) -> Result<Vec<(Key, GroupId, u64)>, DbErr> {
    let (columns, among) = (dimension.columns(), dimension.among());
    let sql = format!(
        "SELECT {columns}, t.to_group_id, COUNT(DISTINCT t.ticket_id) \
         FROM routing_decisions AS d JOIN routing_transfers AS t \
         ON t.undone_at = d.decided_at AND t.undone_id = d.id \
         WHERE {IN_SPAN} AND t.misroute AND t.to_group_id IS NOT NULL AND {among} GROUP BY 1, 2, 3"
    );
    let rows = ask(conn, sql, of(span)).await?;
    let rows = rows.iter().map(|row| {
        let group: String = row.try_get_by(2)?;
        Ok((key(row)?, parsed(&group)?, number(row, 3)?))
    });
    rows.collect()
}

/// Which transfers are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) group: Option<GroupId>,
    pub(crate) workflow_version: Option<i32>,
    pub(crate) rule: Option<String>,
    pub(crate) model_version: Option<i32>,
    pub(crate) skill: Option<String>,
    pub(crate) language: Option<String>,
    /// Also those that are no misroute.
    pub(crate) all: bool,
}

/// One transfer and the decision that it undid.
#[derive(Clone, Debug)]
pub(crate) struct Undone {
    pub(crate) ticket: TicketId,
    /// Of the transfer.
    pub(crate) version: i64,
    pub(crate) decision: DecisionId,
    pub(crate) decided_at: Timestamp,
    pub(crate) transferred_at: Timestamp,
    pub(crate) reason: TransferReason,
    pub(crate) from_group: Option<GroupId>,
    pub(crate) from_agent: Option<AgentId>,
    pub(crate) to_group: Option<GroupId>,
    pub(crate) missing_skill: Option<String>,
    pub(crate) missing_language: Option<String>,
    pub(crate) guard: Option<Guard>,
}

/// Where a page ended: the instant of the decision, the ticket, the version of the transfer.
pub(crate) type After = (i64, String, i64);

/// A page of transfers, by the instant of the decision that they undid.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    span: Span,
    filter: &Filter,
    after: Option<&After>,
    limit: u64,
) -> Result<Vec<Undone>, DbErr> {
    let mut values = of(span);
    let mut conditions = String::new();
    let mut must = |condition: &str, value: Value| {
        values.push(value);
        let place = format!("${}", values.len());
        conditions.push_str(" AND ");
        conditions.push_str(&condition.replace('?', &place));
    };
    let texts = [
        (
            "d.group_id = ?",
            filter.group.as_ref().map(ToString::to_string),
        ),
        ("d.rule = ?", filter.rule.clone()),
        ("t.missing_skill = ?", filter.skill.clone()),
        ("t.missing_language = ?", filter.language.clone()),
    ];
    for (condition, value) in texts {
        value
            .into_iter()
            .for_each(|value| must(condition, value.into()));
    }
    let versions = [
        ("d.workflow_version = ?", filter.workflow_version),
        ("d.model_version = ?", filter.model_version),
    ];
    for (condition, value) in versions {
        value
            .into_iter()
            .for_each(|value| must(condition, value.into()));
    }
    if let Some((at, ticket, version)) = after {
        let first = values.len() + 1;
        values.extend([(*at).into(), ticket.as_str().into(), (*version).into()]);
        let (second, third) = (first + 1, first + 2);
        let _ = write!(
            conditions,
            " AND (t.undone_at, t.ticket_id, t.version) > (${first}, ${second}, ${third})"
        );
    }
    if !filter.all {
        conditions.push_str(" AND t.misroute");
    }
    let sql = format!(
        "SELECT t.ticket_id, t.version, t.undone_id, t.undone_at, t.transferred_at, t.reason, \
         t.from_group_id, t.from_agent_id, t.to_group_id, t.missing_skill, t.missing_language, \
         t.guard FROM routing_transfers AS t JOIN routing_decisions AS d \
         ON d.ticket_id = t.ticket_id AND d.id = t.undone_id \
         WHERE t.undone_at >= $1 AND t.undone_at < $2{conditions} \
         ORDER BY t.undone_at, t.ticket_id, t.version LIMIT {limit}"
    );
    let rows = ask(conn, sql, values).await?;
    rows.iter().map(undone).collect()
}

fn undone(row: &QueryResult) -> Result<Undone, DbErr> {
    fn some<T>(row: &QueryResult, at: usize) -> Result<Option<T>, DbErr>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text: Option<String> = row.try_get_by(at)?;
        text.as_deref().map(parsed).transpose()
    }
    let text = |at: usize| row.try_get_by::<String, _>(at);
    Ok(Undone {
        ticket: parsed(&text(0)?)?,
        version: row.try_get_by(1)?,
        decision: parsed(&text(2)?)?,
        decided_at: Timestamp::from_millis(row.try_get_by(3)?),
        transferred_at: Timestamp::from_millis(row.try_get_by(4)?),
        reason: parsed(&text(5)?)?,
        from_group: some(row, 6)?,
        from_agent: some(row, 7)?,
        to_group: some(row, 8)?,
        missing_skill: row.try_get_by(9)?,
        missing_language: row.try_get_by(10)?,
        guard: some(row, 11)?,
    })
}
