//! Survey definitions.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel as _, QueryOrder as _};

use crate::domain::kind::Kind;

/// A row of `survey_surveys`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "survey_surveys")]
pub struct Model {
    /// `srv_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Unique.
    pub name: String,
    /// As [`Kind::as_str`].
    pub kind: String,
    /// JSON: language to question.
    pub questions: String,
    /// Asked when a ticket is solved.
    pub on_solved: bool,
    /// Milliseconds from the trigger to the invitation.
    pub delay_ms: i64,
    /// Share of requesters asked.
    pub sample: f64,
    /// Milliseconds until the same requester is asked again.
    pub repeat_after_ms: i64,
    /// Milliseconds from the invitation to its expiry.
    pub answer_within_ms: i64,
    /// Whether to ask too if the first contact solved it.
    pub ask_resolved_first_contact: bool,
    /// In use.
    pub active: bool,
    /// From 1.
    pub version: i32,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it asks.
    ///
    /// # Errors
    /// When the stored kind is none of ours.
    pub fn kind(&self) -> Result<Kind, DbErr> {
        self.kind
            .parse()
            .map_err(|error| DbErr::Type(format!("{error}")))
    }

    /// Its own questions by language.
    ///
    /// # Errors
    /// When the stored JSON is damaged.
    pub fn questions(&self) -> Result<BTreeMap<String, String>, DbErr> {
        serde_json::from_str(&self.questions).map_err(|error| DbErr::Json(error.to_string()))
    }

    /// From the trigger to the invitation.
    pub fn delay(&self) -> Duration {
        millis(self.delay_ms)
    }

    /// Until the same requester is asked again.
    pub fn repeat_after(&self) -> Duration {
        millis(self.repeat_after_ms)
    }

    /// From the invitation to its expiry.
    pub fn answer_within(&self) -> Duration {
        millis(self.answer_within_ms)
    }
}

fn millis(stored: i64) -> Duration {
    Duration::from_millis(u64::try_from(stored).unwrap_or(0))
}

/// One survey by id.
pub async fn find(conn: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id.to_owned()).one(conn).await
}

/// One survey by name.
pub async fn find_by_name(conn: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Name.eq(name)).one(conn).await
}

/// All surveys by name.
pub async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Name).all(conn).await
}

/// The surveys asked when a ticket is solved.
pub async fn asked_on_solved(conn: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Active.eq(true))
        .filter(Column::OnSolved.eq(true))
        .all(conn)
        .await
}

/// Stores a new survey.
pub async fn insert(conn: &impl ConnectionTrait, survey: Model) -> Result<(), DbErr> {
    Entity::insert(survey.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Replaces a survey if it still has the version before; `false` when it has not.
pub async fn replace(conn: &impl ConnectionTrait, survey: Model) -> Result<bool, DbErr> {
    let (id, version) = (survey.id.clone(), survey.version);
    let mut row = survey.into_active_model().reset_all();
    row.id = Set(id.clone());
    let done = Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(version - 1))
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}
