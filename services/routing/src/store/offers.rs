//! Every offer ever made and what became of it: `routing_offers`. The open ones stand at their items
//! too, which is where they are fenced.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, OfferId, TicketId};
use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::parsed;
use crate::domain::codes::OfferState;
use crate::domain::item::Item;

/// One offer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_offers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub ticket_id: String,
    pub agent_id: String,
    pub state: String,
    pub offered_at: i64,
    pub ended_at: Option<i64>,
    /// Why it ended, as a code; may be empty.
    pub reason: String,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An offer and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) ticket: TicketId,
    pub(crate) agent: AgentId,
    pub(crate) state: OfferState,
}

/// Notes the offer that an item has now.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    item: &Item,
    at: Timestamp,
) -> Result<(), DbErr> {
    let Some(offer) = &item.offer else {
        return Ok(());
    };
    let row = ActiveModel {
        id: Set(offer.id.to_string()),
        ticket_id: Set(item.ticket.to_string()),
        agent_id: Set(offer.agent.to_string()),
        state: Set(OfferState::Offered.to_string()),
        offered_at: Set(at.as_millis()),
        ended_at: Set(None),
        reason: Set(String::new()),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Notes what became of an offer. The caller has locked its item.
pub(crate) async fn end(
    conn: &impl ConnectionTrait,
    offer: &OfferId,
    state: OfferState,
    reason: &str,
    at: Timestamp,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::State, state.as_str().into())
        .col_expr(Column::EndedAt, at.as_millis().into())
        .col_expr(Column::Reason, reason.into())
        .filter(Column::Id.eq(offer.as_str()))
        .exec(conn)
        .await?;
    Ok(())
}

/// One offer.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    offer: &OfferId,
) -> Result<Option<Known>, DbErr> {
    let row = Entity::find_by_id(offer.to_string()).one(conn).await?;
    let known = row.map(|row| {
        Ok::<_, DbErr>(Known {
            ticket: parsed(&row.ticket_id)?,
            agent: parsed(&row.agent_id)?,
            state: parsed(&row.state)?,
        })
    });
    known.transpose()
}
