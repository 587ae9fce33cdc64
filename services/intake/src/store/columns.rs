//! Between stored columns and domain types. What cannot be read back is a broken row.

use std::str::FromStr;

use lotse_clock::Timestamp;
use sea_orm::DbErr;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An error that names the column.
pub(super) fn broken(column: &str, value: impl std::fmt::Debug) -> DbErr {
    DbErr::Type(format!("{column} holds {value:?}"))
}

/// A stored word.
pub(super) fn word<T>(
    column: &str,
    of_word: fn(&str) -> Option<T>,
    stored: &str,
) -> Result<T, DbErr> {
    of_word(stored).ok_or_else(|| broken(column, stored))
}

/// A stored id.
pub(super) fn id<T: FromStr>(column: &str, stored: &str) -> Result<T, DbErr> {
    stored.parse().map_err(|_| broken(column, stored))
}

/// A stored id that may be missing.
pub(super) fn optional_id<T: FromStr>(
    column: &str,
    stored: Option<String>,
) -> Result<Option<T>, DbErr> {
    stored.map(|stored| id(column, &stored)).transpose()
}

/// A stored count.
pub(super) fn count(column: &str, stored: i32) -> Result<u32, DbErr> {
    u32::try_from(stored).map_err(|_| broken(column, stored))
}

/// A count to be stored; more than two thousand million of anything stays at that.
pub(super) fn stored_count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A stored instant that may be missing.
pub(super) fn at(stored: Option<i64>) -> Option<Timestamp> {
    stored.map(Timestamp::from_millis)
}

/// An instant to be stored.
pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

/// A stored list or map.
pub(super) fn from_json<T: DeserializeOwned>(column: &str, stored: &str) -> Result<T, DbErr> {
    serde_json::from_str(stored).map_err(|error| broken(column, error))
}

/// A list or map to be stored.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, DbErr> {
    serde_json::to_string(value).map_err(|error| DbErr::Type(error.to_string()))
}
