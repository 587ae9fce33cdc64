//! Tickets.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{RequesterId, TicketId};
use lotse_journal::{bucket_of, lane_of};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockType, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Iterable as _, QueryResult};

use super::assignments;
use super::columns::{
    at, broken, count, from_json, id, millis, optional_id, stored_count, to_json, word,
};
use crate::domain::language::{Basis, Language};
use crate::domain::lifecycle::Life;
use crate::domain::repeat::Solved;
use crate::domain::ticket::{Assignment, Ticket};
use crate::domain::words::{Channel, Priority, Status};

/// A ticket's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "intake_tickets")]
pub struct Model {
    /// The readable number is the primary key: the database gives it, ascending, without a lock
    /// that lasts; what a failed transaction took is a gap.
    #[sea_orm(primary_key)]
    pub number: i64,
    pub id: String,
    pub external_id: Option<String>,
    pub requester_id: String,
    pub subject: String,
    pub channel: String,
    pub category: String,
    pub tags: String,
    pub priority: String,
    pub language: String,
    pub language_confidence: f64,
    pub language_basis: String,
    pub attributes: String,
    pub required_skills: String,
    pub requested_group_id: Option<String>,
    pub status: String,
    pub hold_reason: String,
    pub status_changed_at: i64,
    pub solved_at: Option<i64>,
    pub closed_at: Option<i64>,
    pub closes_at: Option<i64>,
    pub close_generation: i64,
    pub reopen_count: i32,
    pub repeat_of: Option<String>,
    pub repeat_count: i32,
    pub follow_up_of: Option<String>,
    pub merged_into: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub version: i64,
    /// The journal's lane of the ticket: what fires together locks together.
    pub lane: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Tickets with who has them.
pub(crate) fn select() -> SelectStatement {
    Query::select()
        .columns(Column::iter().map(|column| (Entity, column)))
        .columns(assignments::COLUMNS.map(|column| (assignments::Entity, column)))
        .from(Entity)
        .left_join(
            assignments::Entity,
            Expr::col((assignments::Entity, assignments::Column::TicketId))
                .equals((Entity, Column::Id)),
        )
        .to_owned()
}

/// Reads a row of [`select`].
pub(crate) fn read(row: &QueryResult) -> Result<Ticket, DbErr> {
    ticket(Model::from_query_result(row, "")?, assignments::read(row)?)
}

/// One ticket by our id.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    id: &TicketId,
) -> Result<Option<Ticket>, DbErr> {
    one(conn, Column::Id.eq(id.as_str()), false).await
}

/// One ticket by our id, for a change: others who want to change it wait.
pub(crate) async fn lock(
    conn: &impl ConnectionTrait,
    id: &TicketId,
) -> Result<Option<Ticket>, DbErr> {
    one(conn, Column::Id.eq(id.as_str()), true).await
}

/// One ticket by the caller's id.
pub(crate) async fn find_external(
    conn: &impl ConnectionTrait,
    external_id: &str,
) -> Result<Option<Ticket>, DbErr> {
    one(conn, Column::ExternalId.eq(external_id), false).await
}

async fn one(
    conn: &impl ConnectionTrait,
    which: Expr,
    lock: bool,
) -> Result<Option<Ticket>, DbErr> {
    let mut query = select();
    query.and_where(which);
    if lock {
        query.lock_with_tables(LockType::Update, [Entity]);
    }
    let row = conn.query_one(&query).await?;
    row.as_ref().map(read).transpose()
}

/// The subject of a ticket.
pub(crate) async fn subject(
    conn: &impl ConnectionTrait,
    id: &str,
) -> Result<Option<String>, DbErr> {
    let query = Query::select()
        .column(Column::Subject)
        .from(Entity)
        .and_where(Column::Id.eq(id))
        .to_owned();
    let row = conn.query_one(&query).await?;
    row.map(|row| row.try_get_by(0)).transpose()
}

/// Which of these of the callers' ids are taken.
pub(crate) async fn taken(
    conn: &impl ConnectionTrait,
    external_ids: &[&str],
) -> Result<Vec<String>, DbErr> {
    if external_ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query::select()
        .column(Column::ExternalId)
        .from(Entity)
        .and_where(Column::ExternalId.is_in(external_ids.iter().copied()))
        .to_owned();
    conn.query_all(&query)
        .await?
        .iter()
        .map(|row| row.try_get_by(0))
        .collect()
}

/// Looked at of each requester. Who has more solved in two weeks is a machine, and its last ones
/// tell as much.
const SOLVED_OF_ONE: i64 = 50;

/// The latest tickets of these requesters that were solved between two instants, inclusive, and
/// not reopened since.
pub(crate) async fn solved(
    conn: &impl ConnectionTrait,
    requesters: &[&str],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Solved>, DbErr> {
    if requesters.is_empty() {
        return Ok(Vec::new());
    }
    let columns = [
        Column::Id,
        Column::RequesterId,
        Column::Category,
        Column::Subject,
        Column::SolvedAt,
        Column::RepeatCount,
    ];
    let latest = "ROW_NUMBER() OVER (PARTITION BY requester_id ORDER BY solved_at DESC)";
    let ranked = Query::select()
        .columns(columns)
        .expr_as(Expr::cust(latest), "place")
        .from(Entity)
        .and_where(Column::RequesterId.is_in(requesters.iter().copied()))
        .and_where(Column::SolvedAt.between(from.as_millis(), to.as_millis()))
        .to_owned();
    let query = Query::select()
        .columns(columns)
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").lte(SOLVED_OF_ONE))
        .to_owned();
    let rows = conn.query_all(&query).await?;
    let read = |row: &QueryResult| {
        Ok(Solved {
            id: id::<TicketId>("id", &row.try_get_by::<String, _>(0)?)?,
            requester_id: id::<RequesterId>("requester_id", &row.try_get_by::<String, _>(1)?)?,
            category: row.try_get_by(2)?,
            subject: row.try_get_by(3)?,
            solved_at: Timestamp::from_millis(row.try_get_by(4)?),
            repeat_count: count("repeat_count", row.try_get_by(5)?)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Stores new tickets and gives them their numbers.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    tickets: &mut [Ticket],
) -> Result<(), DbErr> {
    if tickets.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert()
        .into_table(Entity)
        .columns(Column::iter().filter(|column| !matches!(column, Column::Number)))
        .returning(Query::returning().columns([Column::Id, Column::Number]))
        .to_owned();
    for ticket in tickets.iter() {
        insert
            .values(values(ticket)?)
            .map_err(|error| DbErr::Query(sea_orm::RuntimeErr::Internal(error.to_string())))?;
    }
    let rows = conn.query_all(&insert).await?;
    let mut numbers = BTreeMap::<String, i64>::new();
    for row in &rows {
        numbers.insert(row.try_get_by(0)?, row.try_get_by(1)?);
    }
    for ticket in tickets {
        let number = numbers.get(ticket.id.as_str());
        ticket.number = *number.ok_or_else(|| broken("number", &ticket.id))?;
    }
    Ok(())
}

/// Stores where a ticket stands in its life.
pub(crate) async fn save_life(conn: &impl ConnectionTrait, ticket: &Ticket) -> Result<(), DbErr> {
    let Life {
        status,
        hold_reason,
        since,
        solved_at,
        closed_at,
        closes_at,
        generation,
        reopen_count,
    } = &ticket.life;
    let update = Query::update()
        .table(Entity)
        .values([
            (Column::Status, status.word().into()),
            (Column::HoldReason, hold_reason.as_str().into()),
            (Column::StatusChangedAt, since.as_millis().into()),
            (Column::SolvedAt, millis(*solved_at).into()),
            (Column::ClosedAt, millis(*closed_at).into()),
            (Column::ClosesAt, millis(*closes_at).into()),
            (Column::CloseGeneration, (*generation).into()),
            (Column::ReopenCount, stored_count(*reopen_count).into()),
            (
                Column::MergedInto,
                ticket.merged_into.as_ref().map(ToString::to_string).into(),
            ),
            (Column::UpdatedAt, ticket.updated_at.as_millis().into()),
            (Column::Version, ticket.version.into()),
        ])
        .and_where(Column::Number.eq(ticket.number))
        .to_owned();
    conn.execute(&update).await.map(drop)
}

/// Stores what may be edited on a ticket.
pub(crate) async fn save_facts(conn: &impl ConnectionTrait, ticket: &Ticket) -> Result<(), DbErr> {
    let update = Query::update()
        .table(Entity)
        .values([
            (Column::Subject, ticket.subject.as_str().into()),
            (Column::Priority, ticket.priority.word().into()),
            (Column::Category, ticket.category.as_str().into()),
            (Column::Tags, to_json(&ticket.tags)?.into()),
            (Column::Language, ticket.language.tag.as_str().into()),
            (
                Column::LanguageConfidence,
                ticket.language.confidence.into(),
            ),
            (Column::LanguageBasis, ticket.language.basis.word().into()),
            (Column::Attributes, to_json(&ticket.attributes)?.into()),
            (Column::UpdatedAt, ticket.updated_at.as_millis().into()),
            (Column::Version, ticket.version.into()),
        ])
        .and_where(Column::Number.eq(ticket.number))
        .to_owned();
    conn.execute(&update).await.map(drop)
}

/// Empties the subjects of a requester's tickets. Returns those that had one.
pub(crate) async fn erase(
    conn: &impl ConnectionTrait,
    requester: &RequesterId,
    now: Timestamp,
) -> Result<Vec<TicketId>, DbErr> {
    let update = Query::update()
        .table(Entity)
        .value(Column::Subject, "")
        .value(Column::UpdatedAt, now.as_millis())
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .and_where(Column::RequesterId.eq(requester.as_str()))
        .and_where(Column::Subject.ne(""))
        .returning(Query::returning().column(Column::Id))
        .to_owned();
    let rows = conn.query_all(&update).await?;
    rows.iter()
        .map(|row| id("id", &row.try_get_by::<String, _>(0)?))
        .collect()
}

/// All columns but the number, in the order of the entity.
fn values(ticket: &Ticket) -> Result<Vec<Expr>, DbErr> {
    let Ticket {
        id,
        number: _,
        external_id,
        requester_id,
        subject,
        channel,
        category,
        tags,
        priority,
        language,
        attributes,
        required_skills,
        requested_group_id,
        life,
        repeat_of,
        repeat_count,
        follow_up_of,
        merged_into,
        created_at,
        updated_at,
        version,
        assignment: _,
    } = ticket;
    let text = |id: &TicketId| id.to_string();
    Ok(vec![
        id.as_str().into(),
        external_id.clone().into(),
        requester_id.as_str().into(),
        subject.as_str().into(),
        channel.word().into(),
        category.as_str().into(),
        to_json(tags)?.into(),
        priority.word().into(),
        language.tag.as_str().into(),
        language.confidence.into(),
        language.basis.word().into(),
        to_json(attributes)?.into(),
        to_json(required_skills)?.into(),
        requested_group_id.as_ref().map(ToString::to_string).into(),
        life.status.word().into(),
        life.hold_reason.as_str().into(),
        life.since.as_millis().into(),
        millis(life.solved_at).into(),
        millis(life.closed_at).into(),
        millis(life.closes_at).into(),
        life.generation.into(),
        stored_count(life.reopen_count).into(),
        repeat_of.as_ref().map(text).into(),
        stored_count(*repeat_count).into(),
        follow_up_of.as_ref().map(text).into(),
        merged_into.as_ref().map(text).into(),
        created_at.as_millis().into(),
        updated_at.as_millis().into(),
        (*version).into(),
        i16::from(lane_of(bucket_of(id.as_str()))).into(),
    ])
}

fn ticket(row: Model, assignment: Assignment) -> Result<Ticket, DbErr> {
    Ok(Ticket {
        id: id("id", &row.id)?,
        number: row.number,
        external_id: row.external_id,
        requester_id: id("requester_id", &row.requester_id)?,
        subject: row.subject,
        channel: word("channel", Channel::of_word, &row.channel)?,
        category: row.category,
        tags: from_json("tags", &row.tags)?,
        priority: word("priority", Priority::of_word, &row.priority)?,
        language: Language {
            tag: row.language,
            confidence: row.language_confidence,
            basis: word("language_basis", Basis::of_word, &row.language_basis)?,
        },
        attributes: from_json("attributes", &row.attributes)?,
        required_skills: from_json("required_skills", &row.required_skills)?,
        requested_group_id: optional_id("requested_group_id", row.requested_group_id)?,
        life: Life {
            status: word("status", Status::of_word, &row.status)?,
            hold_reason: row.hold_reason,
            since: Timestamp::from_millis(row.status_changed_at),
            solved_at: at(row.solved_at),
            closed_at: at(row.closed_at),
            closes_at: at(row.closes_at),
            generation: row.close_generation,
            reopen_count: count("reopen_count", row.reopen_count)?,
        },
        repeat_of: optional_id("repeat_of", row.repeat_of)?,
        repeat_count: count("repeat_count", row.repeat_count)?,
        follow_up_of: optional_id("follow_up_of", row.follow_up_of)?,
        merged_into: optional_id("merged_into", row.merged_into)?,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
        version: row.version,
        assignment,
    })
}
