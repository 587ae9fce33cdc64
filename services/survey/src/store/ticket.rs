//! What a survey needs to know of a ticket: a projection of the journal.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{IntoActiveModel as _, Iterable as _};

/// A row of `survey_tickets`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "survey_tickets")]
pub struct Model {
    /// `tkt_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Who asked.
    pub requester_id: String,
    /// Whether somebody human has answered: a public reply, or a call, chat or visit that was
    /// taken.
    pub human_reply: bool,
    /// How often it was reopened.
    pub episode: i32,
    /// The agent who has it; empty when nobody has.
    pub agent_id: String,
    /// The group that has it; empty when none has.
    pub group_id: String,
    /// As `lotse.common.v1.Channel`.
    pub channel: i32,
    /// BCP 47.
    pub language: String,
    /// What it is about.
    pub category: String,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// One ticket.
pub async fn find(conn: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id.to_owned()).one(conn).await
}

/// These tickets, as far as they are known.
pub async fn find_all(conn: &impl ConnectionTrait, ids: Vec<String>) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids)).all(conn).await
}

/// Stores tickets, new or changed.
pub async fn save_all(conn: &impl ConnectionTrait, tickets: Vec<Model>) -> Result<(), DbErr> {
    if tickets.is_empty() {
        return Ok(());
    }
    let replaced = Column::iter().filter(|column| !matches!(column, Column::Id));
    let update = OnConflict::column(Column::Id)
        .update_columns(replaced)
        .to_owned();
    Entity::insert_many(tickets.into_iter().map(Model::into_active_model))
        .on_conflict(update)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}
