//! Where tickets belong: `routing_examples`.
//!
//! The journal's consumer writes all columns but those of the words, which belong to whoever reads
//! the texts; so neither overwrites the other.

use lotse_clock::Timestamp;
use lotse_ids::TicketId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{QueryOrder as _, QuerySelect as _, Set};

use super::super::{from_json, parsed, to_json};
use crate::domain::codes::{Reconsider, Wording};
use crate::domain::evidence::Evidence;
use crate::domain::learning::Word;

/// One ticket.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_examples")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: String,
    pub opened_at: i64,
    pub category: String,
    pub fields: String,
    pub first_group: Option<String>,
    pub group_id: Option<String>,
    pub escalated: bool,
    pub settled: bool,
    pub reconsider: String,
    /// What became of its text.
    pub wording: String,
    /// Hashes of its words, eight bytes each, little-endian.
    pub words: Option<Vec<u8>>,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Rows of one INSERT: 11 parameters each, of which SQLite takes 32,766 and PostgreSQL 65,535.
const ROWS: usize = 1_000;

fn to_row(evidence: &Evidence) -> Result<ActiveModel, DbErr> {
    let Evidence {
        ticket,
        opened_at,
        category,
        fields,
        first_group,
        group,
        escalated,
        settled,
        reconsider,
    } = evidence;
    Ok(ActiveModel {
        ticket_id: Set(ticket.to_string()),
        opened_at: Set(opened_at.as_millis()),
        category: Set(category.clone()),
        fields: Set(to_json(fields)?),
        first_group: Set(first_group.as_ref().map(ToString::to_string)),
        group_id: Set(group.as_ref().map(ToString::to_string)),
        escalated: Set(*escalated),
        settled: Set(*settled),
        reconsider: Set(reconsider.to_string()),
        wording: Set(Wording::Wanted.to_string()),
        words: Set(None),
    })
}

fn from_row(row: &Model) -> Result<Evidence, DbErr> {
    Ok(Evidence {
        ticket: parsed(&row.ticket_id)?,
        opened_at: Timestamp::from_millis(row.opened_at),
        category: row.category.clone(),
        fields: from_json(&row.fields)?,
        first_group: row.first_group.as_deref().map(parsed).transpose()?,
        group: row.group_id.as_deref().map(parsed).transpose()?,
        escalated: row.escalated,
        settled: row.settled,
        reconsider: parsed(&row.reconsider)?,
    })
}

fn to_bytes(words: &[Word]) -> Vec<u8> {
    words.iter().flat_map(|word| word.0.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<Word> {
    let (words, _) = bytes.as_chunks();
    words
        .iter()
        .map(|word| Word(u64::from_le_bytes(*word)))
        .collect()
}

/// What is known of these tickets, in no order.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    tickets: impl IntoIterator<Item = &TicketId>,
) -> Result<Vec<Evidence>, DbErr> {
    let tickets = tickets.into_iter().map(TicketId::as_str);
    let rows = Entity::find()
        .filter(Column::TicketId.is_in(tickets))
        .all(conn)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Writes evidence, new or changed; of what is there only what may have changed.
pub(crate) async fn save(
    conn: &impl ConnectionTrait,
    evidence: impl IntoIterator<Item = &Evidence>,
) -> Result<(), DbErr> {
    let rows: Vec<ActiveModel> = evidence.into_iter().map(to_row).collect::<Result<_, _>>()?;
    let changing = [
        Column::FirstGroup,
        Column::GroupId,
        Column::Escalated,
        Column::Settled,
        Column::Reconsider,
    ];
    let replace = OnConflict::column(Column::TicketId)
        .update_columns(changing)
        .to_owned();
    for rows in rows.chunks(ROWS) {
        Entity::insert_many(rows.to_vec())
            .on_conflict(replace.clone())
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
}

/// The latest, opened last, with their words.
pub(crate) async fn latest(
    conn: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<(Evidence, Vec<Word>)>, DbErr> {
    let rows = Entity::find()
        .filter(Column::GroupId.is_not_null())
        .order_by_desc(Column::OpenedAt)
        .order_by_desc(Column::TicketId)
        .limit(limit)
        .all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let words = row.words.as_deref().map(from_bytes).unwrap_or_default();
            Ok((from_row(row)?, words))
        })
        .collect()
}

/// How many tickets a group has or had, up to `limit`.
pub(crate) async fn count(conn: &impl ConnectionTrait, limit: u64) -> Result<u64, DbErr> {
    let select = Entity::find().filter(Column::GroupId.is_not_null());
    select.limit(limit).count(conn).await
}

/// Tickets whose text has not been read, some of them.
pub(crate) async fn unread(
    conn: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<TicketId>, DbErr> {
    let wanted = Entity::find().filter(Column::Wording.eq(Wording::Wanted.as_str()));
    ids(conn, wanted, limit).await
}

/// Tickets whose first group a person has chosen and nobody has looked at since, some of them.
pub(crate) async fn to_reconsider(
    conn: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<TicketId>, DbErr> {
    let wanted = Entity::find().filter(Column::Reconsider.eq(Reconsider::Wanted.as_str()));
    ids(conn, wanted, limit).await
}

async fn ids(
    conn: &impl ConnectionTrait,
    select: Select<Entity>,
    limit: u64,
) -> Result<Vec<TicketId>, DbErr> {
    let rows: Vec<String> = select
        .select_only()
        .column(Column::TicketId)
        .order_by_asc(Column::TicketId)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    rows.iter().map(|id| parsed(id)).collect()
}

/// Notes that the first group of a ticket was looked at. Returns whether that was still wanted.
pub(crate) async fn reconsidered(
    conn: &impl ConnectionTrait,
    ticket: &TicketId,
) -> Result<bool, DbErr> {
    let noted = Entity::update_many()
        .col_expr(Column::Reconsider, Reconsider::No.as_str().into())
        .filter(Column::TicketId.eq(ticket.as_str()))
        .filter(Column::Reconsider.eq(Reconsider::Wanted.as_str()))
        .exec(conn)
        .await?;
    Ok(noted.rows_affected == 1)
}

/// Keeps the words of a ticket, or that there are none to be had, where they are still wanted: what
/// was erased while it was read is not kept.
pub(crate) async fn save_words(
    conn: &impl ConnectionTrait,
    ticket: &TicketId,
    words: Option<&[Word]>,
) -> Result<(), DbErr> {
    let wording = if words.is_some() {
        Wording::Read
    } else {
        Wording::Gone
    };
    Entity::update_many()
        .col_expr(Column::Wording, wording.as_str().into())
        .col_expr(Column::Words, Expr::value(words.map(to_bytes)))
        .filter(Column::TicketId.eq(ticket.as_str()))
        .filter(Column::Wording.eq(Wording::Wanted.as_str()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Forgets the words of tickets for good: they are not read again.
pub(crate) async fn erase_words(
    conn: &impl ConnectionTrait,
    tickets: impl IntoIterator<Item = &TicketId>,
) -> Result<(), DbErr> {
    let tickets = tickets.into_iter().map(TicketId::as_str);
    Entity::update_many()
        .col_expr(Column::Wording, Wording::Gone.as_str().into())
        .col_expr(Column::Words, Expr::value(Option::<Vec<u8>>::None))
        .filter(Column::TicketId.is_in(tickets))
        .exec(conn)
        .await?;
    Ok(())
}

/// Forgets all words, which are to be read anew: they were hashed with another secret.
pub(crate) async fn forget_words(conn: &impl ConnectionTrait) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Wording, Wording::Wanted.as_str().into())
        .col_expr(Column::Words, Expr::value(Option::<Vec<u8>>::None))
        .filter(Column::Wording.eq(Wording::Read.as_str()))
        .exec(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_their_bytes() {
        let words = [Word(0), Word(u64::MAX), Word(0x0102_0304_0506_0708)];
        assert_eq!(from_bytes(&to_bytes(&words)), words);
    }
}
