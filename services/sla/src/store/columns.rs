//! Between stored columns and domain types. What cannot be read back is a broken row.

use std::fmt;

use lotse_clock::Timestamp;
use sea_orm::{DbErr, QueryResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rows written by one statement: with at most 22 columns well below the 32,766 parameters that
/// SQLite allows.
pub(super) const ROWS_AT_ONCE: usize = 1_000;

/// An error that names the column.
pub(super) fn broken(column: &str, why: impl fmt::Display) -> DbErr {
    DbErr::Type(format!("{column}: {why}"))
}

/// A stored code.
pub(super) fn code<T>(
    row: &QueryResult,
    column: &str,
    of_code: fn(&str) -> Option<T>,
) -> Result<T, DbErr> {
    let stored: String = row.try_get("", column)?;
    of_code(&stored).ok_or_else(|| broken(column, format_args!("{stored:?} is no code")))
}

/// A stored instant.
pub(super) fn instant(row: &QueryResult, column: &str) -> Result<Timestamp, DbErr> {
    row.try_get("", column).map(Timestamp::from_millis)
}

/// A stored instant that may be missing.
pub(super) fn maybe_instant(row: &QueryResult, column: &str) -> Result<Option<Timestamp>, DbErr> {
    let stored: Option<i64> = row.try_get("", column)?;
    Ok(stored.map(Timestamp::from_millis))
}

/// An instant to be stored.
pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

/// A stored number that is not negative.
pub(super) fn number(row: &QueryResult, column: &str) -> Result<u32, DbErr> {
    let stored: i32 = row.try_get("", column)?;
    u32::try_from(stored).map_err(|_| broken(column, format_args!("{stored} is negative")))
}

/// A number to be stored; more than two thousand million of anything stays at that.
pub(super) fn stored_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A stored document.
pub(super) fn document<T: DeserializeOwned>(row: &QueryResult, column: &str) -> Result<T, DbErr> {
    let stored: String = row.try_get("", column)?;
    serde_json::from_str(&stored).map_err(|error| broken(column, error))
}

/// A document to be stored.
pub(super) fn to_document<T: Serialize>(value: &T) -> Result<String, DbErr> {
    serde_json::to_string(value).map_err(|error| DbErr::Type(error.to_string()))
}
