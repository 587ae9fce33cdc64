//! The databases: SQLite for the embedded suite, PostgreSQL 15 and later in production.
//!
//! The same entities, migrations and use cases run on both. What differs lives here and nowhere
//! else: how connections are opened ([`DbConfig`]), how one transaction runs and which of its
//! failures are tried again ([`Db::in_tx`]), how a schema is brought up to date ([`migrate`]).
//!
//! Writing happens in transactions only. [`Db::reader`] is for everything else and cannot write:
//! `query_only` on SQLite, `default_transaction_read_only` on PostgreSQL.

mod config;
mod connect;
mod failure;
pub mod meta;
mod migrate;
mod postgres;
mod sqlite;
mod tx;

use sea_orm::{DatabaseConnection, DbBackend, DbErr};

pub use config::{DbConfig, Durability};
pub use connect::ConnectError;
pub use failure::{
    OutcomeUnknown, connection_lost, environmental, outcome_unknown, retryable, sqlstate,
};
pub use migrate::{MigrateError, Migrations, migrate, migrations, pending};
pub use tx::{Tx, TxError};

/// A database. Cloning is cheap; clones share the connections.
#[derive(Clone, Debug)]
pub struct Db {
    /// SQLite: one connection. PostgreSQL: a pool.
    writer: DatabaseConnection,
    /// A pool of its own, so that a transaction which reads beside itself cannot starve.
    reader: DatabaseConnection,
}

impl Db {
    /// Which of the two databases this is.
    pub fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    /// Connections for reading outside of transactions. What is written there is refused.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Asks the database for a sign of life, for readiness.
    ///
    /// # Errors
    /// When there is none within the configured time.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.reader.ping().await
    }

    /// Closes all connections, of all clones, once their work is done.
    ///
    /// # Errors
    /// What the driver reports.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await
    }
}
