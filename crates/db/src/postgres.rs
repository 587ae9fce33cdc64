//! PostgreSQL: a pool for transactions and one for reading.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::SqlxPostgresConnector;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor, Row};

use crate::{ConnectError, Db, DbConfig};

/// The oldest version Lotse is tested with, as `server_version_num` writes it.
const OLDEST: i32 = 15_00_00;
/// A connection idle for longer is tried before it is used: the server may have gone meanwhile.
const TRY_AFTER: Duration = Duration::from_secs(5);

pub(crate) async fn open(config: &DbConfig) -> Result<Db, ConnectError> {
    let millis = |span: Duration| span.as_millis().to_string();
    let options = PgConnectOptions::from_str(&config.url)
        .map_err(ConnectError::Url)?
        .application_name(&config.application_name)
        .options([
            ("statement_timeout", millis(config.statement_timeout)),
            (
                "idle_in_transaction_session_timeout",
                millis(config.idle_in_transaction_timeout),
            ),
            // What the transactions here are written for, whatever the server's default.
            ("default_transaction_isolation", "read committed".to_owned()),
        ]);
    check(config, &options).await?;

    let reader = options
        .clone()
        .options([("default_transaction_read_only", "on")]);
    let writer = pool(config, config.max_connections, options);
    let reader = pool(config, config.reader_connections, reader);
    Ok(Db {
        writer: SqlxPostgresConnector::from_sqlx_postgres_pool(writer),
        reader: SqlxPostgresConnector::from_sqlx_postgres_pool(reader),
    })
}

/// Connects once, outside of the pools: a pool only says that it ran out of time.
async fn check(config: &DbConfig, options: &PgConnectOptions) -> Result<(), ConnectError> {
    let target = format!(
        "{}:{}/{}",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or(options.get_username()),
    );
    let failed = |source: sqlx::Error| {
        let refused = matches!(&source, sqlx::Error::Database(error)
            if error.code().is_some_and(|code| is_refusal(&code)));
        let target = target.clone();
        if refused {
            ConnectError::Refused { target, source }
        } else {
            ConnectError::Unreachable { target, source }
        }
    };
    let version = tokio::time::timeout(config.acquire_timeout, server_version(options))
        .await
        .map_err(|_| failed(sqlx::Error::PoolTimedOut))?
        .map_err(failed)?;
    // 150004 is 15.4.
    if version < OLDEST {
        let version = format!("{}.{}", version / 10_000, version % 10_000);
        return Err(ConnectError::TooOld { target, version });
    }
    Ok(())
}

async fn server_version(options: &PgConnectOptions) -> Result<i32, sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    let row = connection
        .fetch_one("SELECT current_setting('server_version_num')::int4")
        .await?;
    let version = row.try_get(0)?;
    connection.close().await?;
    Ok(version)
}

/// Class 28 is a wrong user or password, 3D000 a database that does not exist, 42501 a missing
/// right. Everything else at this point is a server that is not ready.
fn is_refusal(code: &str) -> bool {
    code.starts_with("28") || code == "3D000" || code == "42501"
}

fn pool(config: &DbConfig, connections: u32, options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(config.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            Box::pin(async move {
                if idle.idle_for >= TRY_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}
