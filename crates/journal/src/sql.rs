//! Statements written by hand, where the builder would be slower or less readable.
//!
//! Both databases understand `$1`, so a text mostly serves both; where they differ it stands twice.

use sea_orm::{ConnectionTrait, Statement, Value};

/// A statement for the database behind `conn`.
pub(crate) fn statement(
    conn: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

/// Collects values and hands out their placeholders.
#[derive(Debug, Default)]
pub(crate) struct Values(Vec<Value>);

impl Values {
    /// Adds a value and returns its `$n`.
    pub(crate) fn push(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// Adds the buckets and returns their list, `$3, $4, $5`.
    pub(crate) fn buckets(&mut self, buckets: impl IntoIterator<Item = u8>) -> String {
        let places: Vec<String> = buckets
            .into_iter()
            .map(|bucket| self.push(i16::from(bucket)))
            .collect();
        places.join(", ")
    }

    /// The values in order.
    pub(crate) fn take(self) -> Vec<Value> {
        self.0
    }
}
