//! Lists of tickets: filter, order and keyset paging as SQL.

use sea_orm::sea_query::{Cond, Expr, ExprTrait as _, Order as SqlOrder};
use sea_orm::{ConnectionTrait, DbErr};

use super::assignments::{self, Column as Assigned};
use super::tickets::{self, Column, Entity};
use crate::domain::filter::{Comparison, Field, Filter, Op, Value};
use crate::domain::order::{Key, Order};
use crate::domain::ticket::Ticket;

/// The place of a ticket in an order: its sort key and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: i64,
    pub(crate) number: i64,
}

impl Place {
    /// Where a ticket stands in `order`.
    pub(crate) fn of(ticket: &Ticket, order: Order) -> Self {
        let key = match order.key {
            Key::CreatedAt => ticket.created_at.as_millis(),
            Key::UpdatedAt => ticket.updated_at.as_millis(),
            Key::Number => ticket.number,
        };
        Self {
            key,
            number: ticket.number,
        }
    }
}

/// Up to `limit` tickets that pass the filter, from behind a place on.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    order: Order,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Ticket>, DbErr> {
    let mut query = tickets::select();
    for any in &filter.0 {
        query.cond_where(
            any.iter()
                .fold(Cond::any(), |cond, one| cond.add(comparison(one))),
        );
    }
    let key = match order.key {
        Key::CreatedAt => Column::CreatedAt,
        Key::UpdatedAt => Column::UpdatedAt,
        Key::Number => Column::Number,
    };
    let direction = if order.descending {
        SqlOrder::Desc
    } else {
        SqlOrder::Asc
    };
    if let Some(place) = after {
        let behind = |column: Column, value: i64| {
            let column = Expr::col((Entity, column));
            if order.descending {
                column.lt(value)
            } else {
                column.gt(value)
            }
        };
        let tied = Expr::col((Entity, key))
            .eq(place.key)
            .and(behind(Column::Number, place.number));
        query.cond_where(Cond::any().add(behind(key, place.key)).add(tied));
    }
    query
        .order_by((Entity, key), direction.clone())
        .order_by((Entity, Column::Number), direction)
        .limit(limit);
    conn.query_all(&query)
        .await?
        .iter()
        .map(tickets::read)
        .collect()
}

fn comparison(one: &Comparison) -> Expr {
    let Comparison { field, op, value } = one;
    let own = |column: Column| Expr::col((Entity, column));
    let assigned = |column: Assigned| Expr::col((assignments::Entity, column));
    // Nullable columns: nothing is the empty text to a caller.
    let (column, nullable) = match field {
        Field::Status => (own(Column::Status), false),
        Field::Channel => (own(Column::Channel), false),
        Field::Priority => (own(Column::Priority), false),
        Field::Category => (own(Column::Category), false),
        Field::Requester => (own(Column::RequesterId), false),
        Field::Language => (own(Column::Language), false),
        Field::CreatedAt => (own(Column::CreatedAt), false),
        Field::UpdatedAt => (own(Column::UpdatedAt), false),
        Field::Number => (own(Column::Number), false),
        Field::ExternalId => (own(Column::ExternalId), true),
        Field::Assignee => (assigned(Assigned::AgentId), true),
        Field::Group => (assigned(Assigned::GroupId), true),
    };
    let value: sea_orm::Value = match value {
        Value::Text(text) if nullable && text.is_empty() => {
            return if *op == Op::Is {
                column.is_null()
            } else {
                column.is_not_null()
            };
        }
        Value::Text(text) => text.as_str().into(),
        Value::Number(number) => (*number).into(),
    };
    match op {
        Op::Is => column.eq(value),
        Op::IsNot if nullable => column.clone().ne(value).or(column.is_null()),
        Op::IsNot => column.ne(value),
        Op::Below => column.lt(value),
        Op::AtMost => column.lte(value),
        Op::Above => column.gt(value),
        Op::AtLeast => column.gte(value),
    }
}
