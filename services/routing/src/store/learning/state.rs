//! Where learning stands: `routing_learning`, one row. Which model is in force, when the next one is
//! to be fitted and by whom, and what words are hashed with.

use lotse_clock::Timestamp;
use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, OnConflict};

use super::super::{count, stored};

/// The row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_learning")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub in_force: Option<i32>,
    /// Whether a person put it in force, so that no other takes over by itself.
    pub pinned: bool,
    /// The last version given to a model.
    pub latest: i32,
    /// When the next model is to be fitted.
    pub due_at: i64,
    /// Raised by whoever begins to fit: what was begun under an earlier one is not kept.
    pub generation: i64,
    /// Until when, by the machine's clock, whoever fits is left alone.
    pub claimed_until: i64,
    /// What tells secrets apart without telling them.
    pub lexicon: String,
    /// The secret that this installation made for itself; empty when it is configured.
    pub secret: String,
}

/// No relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The id of the only row.
const ONLY: i32 = 1;

/// Where learning stands.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The model that answers.
    pub(crate) in_force: Option<u32>,
    /// Whether no other takes over by itself.
    pub(crate) pinned: bool,
    /// When the next model is to be fitted.
    pub(crate) due_at: Timestamp,
    /// The fingerprint of the secret that words are hashed with.
    pub(crate) lexicon: String,
    /// The secret, where the installation made it.
    pub(crate) secret: String,
}

/// The right to fit a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    generation: i64,
    due_at: i64,
}

/// Where learning stands; none before anything was learnt.
pub(crate) async fn find(conn: &impl ConnectionTrait) -> Result<Option<State>, DbErr> {
    let row = Entity::find_by_id(ONLY).one(conn).await?;
    row.map(|row| {
        Ok(State {
            in_force: row.in_force.map(count).transpose()?,
            pinned: row.pinned,
            due_at: Timestamp::from_millis(row.due_at),
            lexicon: row.lexicon,
            secret: row.secret,
        })
    })
    .transpose()
}

/// Makes the row unless another replica has.
pub(crate) async fn found(
    conn: &impl ConnectionTrait,
    lexicon: &str,
    secret: &str,
    due_at: Timestamp,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(ONLY),
        in_force: Set(None),
        pinned: Set(false),
        latest: Set(0),
        due_at: Set(due_at.as_millis()),
        generation: Set(0),
        claimed_until: Set(0),
        lexicon: Set(lexicon.to_owned()),
        secret: Set(secret.to_owned()),
    };
    let there = OnConflict::column(Column::Id).do_nothing().to_owned();
    Entity::insert(row)
        .on_conflict(there)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Changes the secret, unless another replica has. Returns whether this one did.
pub(crate) async fn rotate(
    conn: &impl ConnectionTrait,
    from: &str,
    to: &str,
    due_at: Timestamp,
) -> Result<bool, DbErr> {
    let changed = Entity::update_many()
        .col_expr(Column::Lexicon, to.into())
        .col_expr(Column::Secret, "".into())
        .col_expr(Column::InForce, Expr::value(Option::<i32>::None))
        .col_expr(Column::Pinned, false.into())
        .col_expr(Column::DueAt, due_at.as_millis().into())
        // Whatever is being fitted learns words that mean nothing any more.
        .col_expr(Column::Generation, Expr::col(Column::Generation).add(1))
        .col_expr(Column::ClaimedUntil, 0_i64.into())
        .filter(Column::Lexicon.eq(from))
        .exec(conn)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Takes the right to fit, if it is due and nobody else has it.
pub(crate) async fn claim(
    conn: &impl ConnectionTrait,
    now: Timestamp,
    machine_now: Timestamp,
    until: Timestamp,
) -> Result<Option<Claim>, DbErr> {
    let taken = Entity::update_many()
        .col_expr(Column::Generation, Expr::col(Column::Generation).add(1))
        .col_expr(Column::ClaimedUntil, until.as_millis().into())
        .filter(Column::Id.eq(ONLY))
        .filter(Column::DueAt.lte(now.as_millis()))
        .filter(Column::ClaimedUntil.lte(machine_now.as_millis()))
        .exec(conn)
        .await?;
    if taken.rows_affected == 0 {
        return Ok(None);
    }
    let row = Entity::find_by_id(ONLY).one(conn).await?;
    Ok(row.map(|row| Claim {
        generation: row.generation,
        due_at: row.due_at,
    }))
}

/// Gives the right back and says when the next model is due, unless somebody has asked for one
/// meanwhile. False when the right was lost: then nothing of what was done may be kept.
pub(crate) async fn release(
    conn: &impl ConnectionTrait,
    claim: &Claim,
    next: Timestamp,
) -> Result<bool, DbErr> {
    let due_at = CaseStatement::new()
        .case(Column::DueAt.eq(claim.due_at), next.as_millis())
        .finally(Expr::col(Column::DueAt));
    let released = Entity::update_many()
        .col_expr(Column::DueAt, due_at.into())
        .col_expr(Column::ClaimedUntil, 0_i64.into())
        .filter(Column::Generation.eq(claim.generation))
        .exec(conn)
        .await?;
    Ok(released.rows_affected == 1)
}

/// The version of the next model. Nobody else gets it.
pub(crate) async fn next_version(conn: &impl ConnectionTrait) -> Result<u32, DbErr> {
    Entity::update_many()
        .col_expr(Column::Latest, Expr::col(Column::Latest).add(1))
        .filter(Column::Id.eq(ONLY))
        .exec(conn)
        .await?;
    let row = Entity::find_by_id(ONLY).one(conn).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("routing_learning".to_owned()))?;
    count(row.latest)
}

/// Wants a model fitted at `at`.
pub(crate) async fn want(conn: &impl ConnectionTrait, at: Timestamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::DueAt, at.as_millis().into())
        .filter(Column::Id.eq(ONLY))
        .filter(Column::DueAt.gt(at.as_millis()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Puts a model in force, or none.
pub(crate) async fn put_in_force(
    conn: &impl ConnectionTrait,
    version: Option<u32>,
    pinned: bool,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::InForce, Expr::value(version.map(stored)))
        .col_expr(Column::Pinned, pinned.into())
        .filter(Column::Id.eq(ONLY))
        .exec(conn)
        .await?;
    Ok(())
}
