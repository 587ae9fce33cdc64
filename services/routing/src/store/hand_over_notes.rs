//! What is left for the next turn: `routing_hand_over_notes`.

use lotse_clock::Timestamp;
use lotse_ids::RotaId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, Set};

use super::parsed;
use crate::domain::hand_over_note::HandOverNote;
use crate::domain::turns::Stretch;

/// One note.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_hand_over_notes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub rota_id: String,
    pub layer: String,
    pub author_id: String,
    pub turn_begins_at: i64,
    pub words: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn to_note(row: &Model) -> Result<HandOverNote, DbErr> {
    Ok(HandOverNote {
        id: parsed(&row.id)?,
        rota: parsed(&row.rota_id)?,
        layer: row.layer.clone(),
        author: parsed(&row.author_id)?,
        turn_begins: Timestamp::from_millis(row.turn_begins_at),
        text: row.words.clone(),
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

/// What was left for the turn of a layer that begins at an instant.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    rota: &RotaId,
    layer: &str,
    begins: Timestamp,
) -> Result<Option<HandOverNote>, DbErr> {
    let select = Entity::find()
        .filter(Column::RotaId.eq(rota.as_str()))
        .filter(Column::Layer.eq(layer))
        .filter(Column::TurnBeginsAt.eq(begins.as_millis()));
    let row = select.one(conn).await?;
    row.as_ref().map(to_note).transpose()
}

/// What was left for turns of a rota that begin in a stretch, by beginning.
pub(crate) async fn within(
    conn: &impl ConnectionTrait,
    rota: &RotaId,
    stretch: Stretch,
) -> Result<Vec<HandOverNote>, DbErr> {
    let rows = Entity::find()
        .filter(Column::RotaId.eq(rota.as_str()))
        .filter(Column::TurnBeginsAt.gte(stretch.from.as_millis()))
        .filter(Column::TurnBeginsAt.lt(stretch.until.as_millis()))
        .order_by_asc(Column::TurnBeginsAt)
        .all(conn)
        .await?;
    rows.iter().map(to_note).collect()
}

/// Adds a note or writes it anew.
pub(crate) async fn save(conn: &impl ConnectionTrait, note: &HandOverNote) -> Result<(), DbErr> {
    let HandOverNote {
        id,
        rota,
        layer,
        author,
        turn_begins,
        text,
        version,
        created_at,
        updated_at,
    } = note;
    let row = ActiveModel {
        id: Set(id.to_string()),
        rota_id: Set(rota.to_string()),
        layer: Set(layer.clone()),
        author_id: Set(author.to_string()),
        turn_begins_at: Set(turn_begins.as_millis()),
        words: Set(text.clone()),
        version: Set(*version),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
    };
    let changes = [
        Column::AuthorId,
        Column::Words,
        Column::Version,
        Column::UpdatedAt,
    ];
    let anew = OnConflict::column(Column::Id)
        .update_columns(changes)
        .to_owned();
    Entity::insert(row)
        .on_conflict(anew)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}
