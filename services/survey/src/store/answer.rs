//! Answers and their revisions.

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel as _, QueryOrder as _, QuerySelect as _, Select};

use crate::domain::kind::Kind;

/// A row of `survey_answers`: the answer as it stands now.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "survey_answers")]
pub struct Model {
    /// `ans_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The invitation; one answer each.
    pub invitation_id: String,
    /// The survey.
    pub survey_id: String,
    /// As [`Kind::as_str`].
    pub kind: String,
    /// As [`Kind::scale`].
    pub scale: String,
    /// On that scale.
    pub score: i32,
    /// What the requester wrote.
    pub comment: String,
    /// Whether the first contact solved it.
    pub resolved_first_contact: Option<bool>,
    /// From 1.
    pub revision: i32,
    /// When it was first given.
    pub answered_at: i64,
    /// When it was last revised.
    pub revised_at: Option<i64>,
    /// The ticket; empty for a touchpoint without one.
    pub ticket_id: String,
    /// Snapshot: the agent.
    pub agent_id: String,
    /// Snapshot: the group.
    pub group_id: String,
    /// Snapshot: the channel.
    pub channel: i32,
    /// Snapshot: the language.
    pub language: String,
    /// Snapshot: the category.
    pub category: String,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What was asked.
    ///
    /// # Errors
    /// When the stored kind is none of ours.
    pub fn kind(&self) -> Result<Kind, DbErr> {
        self.kind
            .parse()
            .map_err(|error| DbErr::Type(format!("{error}")))
    }
}

/// The history: a row of `survey_revisions` for each version of each answer.
pub mod revision {
    use sea_orm::entity::prelude::*;

    /// One version of an answer.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "survey_revisions")]
    pub struct Model {
        /// The answer.
        #[sea_orm(primary_key, auto_increment = false)]
        pub answer_id: String,
        /// From 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub revision: i32,
        /// On the answer's scale.
        pub score: i32,
        /// What the requester wrote.
        pub comment: String,
        /// Whether the first contact solved it.
        pub resolved_first_contact: Option<bool>,
        /// When it was given.
        pub given_at: i64,
    }

    /// No relations: what belongs together is asked for by id.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which answers are meant. Empty texts and absent instants mean all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// About this ticket.
    pub ticket_id: String,
    /// Given at or after.
    pub from: Option<Timestamp>,
    /// Given before.
    pub to: Option<Timestamp>,
    /// Of this agent's tickets.
    pub agent_id: String,
    /// Of this group's tickets.
    pub group_id: String,
    /// To this survey.
    pub survey_id: String,
}

impl Wanted {
    fn select(&self) -> Select<Entity> {
        let mut select = Entity::find();
        if let Some(kind) = self.kind {
            select = select.filter(Column::Kind.eq(kind.as_str()));
        }
        if let Some(from) = self.from {
            select = select.filter(Column::AnsweredAt.gte(from.as_millis()));
        }
        if let Some(to) = self.to {
            select = select.filter(Column::AnsweredAt.lt(to.as_millis()));
        }
        let texts = [
            (Column::TicketId, &self.ticket_id),
            (Column::AgentId, &self.agent_id),
            (Column::GroupId, &self.group_id),
            (Column::SurveyId, &self.survey_id),
        ];
        for (column, text) in texts {
            if !text.is_empty() {
                select = select.filter(column.eq(text.as_str()));
            }
        }
        select
    }
}

/// The answer to an invitation.
pub async fn find_by_invitation(
    conn: &impl ConnectionTrait,
    invitation_id: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::InvitationId.eq(invitation_id))
        .one(conn)
        .await
}

/// A page of answers, newest first, before the id `before`.
pub async fn page(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
    before: Option<String>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut select = wanted.select().order_by_desc(Column::Id).limit(limit);
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    select.all(conn).await
}

/// How often each score was given.
pub async fn scores(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
) -> Result<Vec<(i32, i64)>, DbErr> {
    wanted
        .select()
        .select_only()
        .column(Column::Score)
        .column_as(Column::Id.count(), "times")
        .group_by(Column::Score)
        .into_tuple()
        .all(conn)
        .await
}

/// Stores an answer, first or revised, and its place in the history.
pub async fn save(conn: &impl ConnectionTrait, answer: &Model) -> Result<(), DbErr> {
    let row = answer.clone().into_active_model().reset_all();
    if answer.revision == 1 {
        Entity::insert(row).exec_without_returning(conn).await?;
    } else {
        Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(answer.id.as_str()))
            .exec(conn)
            .await?;
    }
    let history = revision::Model {
        answer_id: answer.id.clone(),
        revision: answer.revision,
        score: answer.score,
        comment: answer.comment.clone(),
        resolved_first_contact: answer.resolved_first_contact,
        given_at: answer.revised_at.unwrap_or(answer.answered_at),
    };
    revision::Entity::insert(history.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}
