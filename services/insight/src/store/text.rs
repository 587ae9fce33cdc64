//! Statements as text with values.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

/// Collects values and hands out their placeholders.
#[derive(Debug)]
pub(super) struct Values {
    backend: DbBackend,
    values: Vec<Value>,
}

impl Values {
    /// No values yet, for the database behind `conn`.
    pub(super) fn new(conn: &impl ConnectionTrait) -> Self {
        Self {
            backend: conn.get_database_backend(),
            values: Vec::new(),
        }
    }

    /// Which database it is for.
    pub(super) fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Adds a value and returns its `$n`.
    pub(super) fn push(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// The statement `sql` with these values.
    pub(super) fn statement(self, sql: String) -> Statement {
        Statement::from_sql_and_values(self.backend, sql, self.values)
    }
}
