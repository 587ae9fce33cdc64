//! The tables that routing owns, all named `routing_…`.
//!
//! [`agents`] holds configuration and the fence of capacity in one row, [`items`] the tickets,
//! [`offers`] who was asked to take them,
//! [`decisions`] why they are where they are, [`transfers`] what was undone, [`report`] how often,
//! [`seats`] what agents were like at any decision, [`settings`] everything configured under a name
//! in all its versions, [`rotas`] exceptions to rotas, [`covers`] who answers for whom ([`lasting`] is
//! what these two have in common), [`hand_over_notes`] what is left for the next turn, [`learning`]
//! what is learnt, and [`directory`] reads all configuration of one version. Documents are JSON of the domain's own
//! types; what is searched or fenced stands in columns beside them.

#![allow(
    unreachable_pub,
    reason = "what sea-orm's derive makes is public, so the models must be"
)]

pub(crate) mod agents;
pub(crate) mod covers;
pub(crate) mod decisions;
pub(crate) mod directory;
pub(crate) mod hand_over_notes;
pub(crate) mod items;
pub(crate) mod lasting;
pub(crate) mod learning;
pub(crate) mod migrations;
pub(crate) mod offers;
pub(crate) mod replies;
pub(crate) mod report;
pub(crate) mod rotas;
pub(crate) mod seats;
pub(crate) mod settings;
pub(crate) mod transfers;

use std::fmt::Display;
use std::str::FromStr;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Deletes with a statement of two values, a bound and a limit. Returns whether there may be more.
async fn delete(
    conn: &impl ConnectionTrait,
    sql: &str,
    bound: i64,
    limit: u64,
) -> Result<bool, DbErr> {
    let values = [
        bound.into(),
        i64::try_from(limit).unwrap_or(i64::MAX).into(),
    ];
    let backend = conn.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    Ok(conn.execute_raw(statement).await?.rows_affected() >= limit)
}

/// A document as stored.
fn to_json(document: &impl Serialize) -> Result<String, DbErr> {
    serde_json::to_string(document).map_err(|error| DbErr::Type(error.to_string()))
}

/// A stored document.
fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, DbErr> {
    serde_json::from_str(text).map_err(|error| DbErr::Type(error.to_string()))
}

/// A stored id or code.
fn parsed<T>(text: &str) -> Result<T, DbErr>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse()
        .map_err(|error: T::Err| DbErr::Type(error.to_string()))
}

/// A stored count.
fn count<T: TryFrom<i32>>(number: i32) -> Result<T, DbErr> {
    T::try_from(number).map_err(|_| DbErr::Type(format!("{number} is out of range")))
}

/// A count to be stored. Saturates: no version or counter comes near the end.
fn stored(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
