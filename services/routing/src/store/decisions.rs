//! Why tickets are where they are: `routing_decisions`.

use lotse_clock::Timestamp;
use lotse_ids::TicketId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::{delete, from_json, parsed, stored, to_json};
use crate::domain::codes::DecisionKind;
use crate::domain::decision::Decision;
use crate::domain::hops::Put;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_decisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: String,
    /// The version that the item had by it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub decided_at: i64,
    pub record: String,
    /// The rest is what is counted, of the record and of what led to its group; none of what was
    /// decided before there was anything to count.
    pub id: Option<String>,
    pub kind: Option<String>,
    pub group_id: Option<String>,
    pub agent_id: Option<String>,
    pub rule: Option<String>,
    pub workflow_version: Option<i32>,
    pub model_version: Option<i32>,
    /// Where in the order of changes of seats it came.
    pub seats_at: Option<i64>,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps a decision, and by what it put the ticket where it is.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    decision: &Decision,
    put: Option<&Put>,
) -> Result<(), DbErr> {
    let Decision {
        ticket,
        version,
        at,
        record,
    } = decision;
    let step = put.and_then(|put| put.step.as_ref());
    let counted = |version: u32| Expr::from(stored(version));
    let values: [(Column, Expr); 12] = [
        (Column::TicketId, ticket.to_string().into()),
        (Column::Version, (*version).into()),
        (Column::DecidedAt, at.as_millis().into()),
        (Column::Record, to_json(record)?.into()),
        (Column::Id, record.id.to_string().into()),
        (Column::Kind, record.kind.to_string().into()),
        (Column::GroupId, text(record.group.as_ref())),
        (Column::AgentId, text(record.agent.as_ref())),
        (Column::Rule, text(step.map(|step| &step.rule))),
        (
            Column::WorkflowVersion,
            step.map_or(Expr::null(), |step| counted(step.version)),
        ),
        (
            Column::ModelVersion,
            put.and_then(|put| put.model).map_or(Expr::null(), counted),
        ),
        // A look-up at the end of an index, in the same statement.
        (
            Column::SeatsAt,
            Expr::cust("(SELECT MAX(seq) FROM routing_seat_history)"),
        ),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
    let insert = Query::insert()
        .into_table(Entity)
        .columns(columns)
        .values(values)
        .map_err(|error| DbErr::Type(error.to_string()))?
        .to_owned();
    conn.execute(&insert).await?;
    Ok(())
}

fn text<T: ToString>(value: Option<&T>) -> Expr {
    value.map_or(Expr::null(), |value| value.to_string().into())
}

/// All decisions about a ticket, oldest first.
pub(crate) async fn of_ticket(
    conn: &impl ConnectionTrait,
    ticket: &TicketId,
) -> Result<Vec<Decision>, DbErr> {
    let rows = Entity::find()
        .filter(Column::TicketId.eq(ticket.as_str()))
        .order_by_asc(Column::Version)
        .all(conn)
        .await?;
    let decisions = rows.iter().map(|row| {
        Ok(Decision {
            ticket: parsed(&row.ticket_id)?,
            version: row.version,
            at: Timestamp::from_millis(row.decided_at),
            record: from_json(&row.record)?,
        })
    });
    decisions.collect()
}

/// Forgets decisions before an instant about tickets that are done. Returns whether there may be
/// more.
pub(crate) async fn purge(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<bool, DbErr> {
    let sql = "DELETE FROM routing_decisions WHERE (ticket_id, version) IN (\
         SELECT d.ticket_id, d.version FROM routing_decisions AS d \
         JOIN routing_items AS i ON i.ticket_id = d.ticket_id \
         WHERE d.decided_at < $1 AND i.state = 'done' ORDER BY d.decided_at LIMIT $2)";
    delete(conn, sql, before.as_millis(), limit).await
}

/// Where in the order of changes of seats the last decision came that routing made before an
/// instant; none when there is none.
pub(crate) async fn last_before(
    conn: &impl ConnectionTrait,
    before: Timestamp,
) -> Result<Option<i64>, DbErr> {
    let place: Option<Option<i64>> = Entity::find()
        .select_only()
        .column(Column::SeatsAt)
        .filter(Column::DecidedAt.lt(before.as_millis()))
        // What people told of the past came later than it says.
        .filter(Column::Kind.eq(DecisionKind::Automatic.as_str()))
        .filter(Column::SeatsAt.is_not_null())
        .order_by_desc(Column::DecidedAt)
        .order_by_desc(Column::SeatsAt)
        .limit(1)
        .into_tuple()
        .one(conn)
        .await?;
    Ok(place.flatten())
}
