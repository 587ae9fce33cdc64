//! SQLite: one connection that writes, a few that read, one file in WAL mode.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sea_orm::SqlxSqliteConnector;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::{ConnectError, Db, DbConfig, Durability};

/// All statements of the suite go through one connection; each is worth keeping prepared.
const STATEMENTS_KEPT: usize = 1024;
/// Pages of 4 KiB in a MiB.
const PAGES_PER_MIB: u32 = 256;

pub(crate) async fn open(config: &DbConfig) -> Result<Db, ConnectError> {
    if config.url.contains(":memory:") || config.url.contains("mode=memory") {
        return Err(ConnectError::Scheme(
            ", and SQLite needs a file: readers have connections of their own",
        ));
    }
    let options = SqliteConnectOptions::from_str(&config.url).map_err(ConnectError::Url)?;
    let path = options.get_filename().to_owned();
    check_folder(&path)?;
    let failed = |source| ConnectError::File {
        path: path.clone(),
        source,
    };
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(config.busy_timeout)
        .synchronous(match config.durability {
            Durability::Power => SqliteSynchronous::Full,
            Durability::Process => SqliteSynchronous::Normal,
        })
        .statement_cache_capacity(STATEMENTS_KEPT);

    // The writer first: it makes the file and puts it into WAL mode.
    let writer = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        // The default of 2 MiB reads the indexes of a busy database again and again. Negative: KiB.
        .pragma("cache_size", format!("-{}", config.cache_mib * 1024))
        .pragma(
            "wal_autocheckpoint",
            (config.cache_mib * PAGES_PER_MIB / 2).to_string(),
        )
        .pragma("temp_store", "memory");
    let writer = pool(config, 1, writer).await.map_err(failed)?;
    // A file that can be read but not written opens well and fails at its first transaction.
    let probe = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    probe.rollback().await.map_err(failed)?;

    let reader = options.pragma("query_only", "ON");
    let reader = pool(config, config.reader_connections.max(1), reader)
        .await
        .map_err(failed)?;
    Ok(Db {
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
        reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
    })
}

fn check_folder(path: &Path) -> Result<(), ConnectError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    if folder.is_dir() {
        Ok(())
    } else {
        Err(ConnectError::NoFolder(path.to_owned()))
    }
}

async fn pool(
    config: &DbConfig,
    connections: u32,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(config.acquire_timeout)
        // A file does not hang up: no ping before each use, and no reason to open it anew.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
}
