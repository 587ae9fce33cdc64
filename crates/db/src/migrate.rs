//! Bringing a database up to date, and checking that it is.
//!
//! All that is missing is applied in one transaction: DDL is transactional on both databases, so a
//! schema is never left half-way. Processes that migrate at the same time queue behind one lock.

use std::collections::BTreeSet;

use lotse_clock::SystemClock;
use sea_orm::sea_query::{Alias, ColumnDef, Expr, Order, Query, Table};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::{Db, Tx, TxError, meta};

/// sea-orm's own table, so that its tools read the database too.
const TABLE: &str = "seaql_migrations";
const NAME: &str = "version";
const APPLIED_AT: &str = "applied_at";
/// First half of the key of our advisory lock on PostgreSQL: any number that nobody else uses.
const LOCK: i32 = 0x4C6F_746D;

/// Migrations in the order they are applied.
pub type Migrations = Vec<Box<dyn MigrationTrait>>;

/// Why a database is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database has migrations this program does not know.
    #[error(
        "the database is newer than this program: it has {}; run a program that knows them",
        .0.join(", ")
    )]
    Newer(Vec<String>),
    /// Two migrations have the same name.
    #[error("two migrations are named {0}")]
    SameName(String),
    /// A migration asks to run outside of a transaction, which is not supported.
    #[error("the migration {0} wants no transaction; all run in one")]
    OutsideTransaction(String),
    /// A migration failed; nothing was changed.
    #[error("the migration {name} failed: {source}")]
    Failed {
        /// The migration.
        name: String,
        /// What the database says.
        source: DbErr,
    },
    /// The database failed.
    #[error("cannot read which migrations the database has: {0}")]
    Db(#[from] DbErr),
}

impl TxError for MigrateError {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Failed { source, .. } | Self::Db(source) => Some(source),
            Self::Newer(_) | Self::SameName(_) | Self::OutsideTransaction(_) => None,
        }
    }
}

/// The tables of this crate. [`migrate`] and [`pending`] add them by themselves.
pub fn migrations() -> Migrations {
    vec![Box::new(meta::CreateMeta)]
}

/// Applies what is missing of `wanted` and returns the names.
///
/// # Errors
/// A newer database, a failing migration: nothing was changed.
pub async fn migrate(db: &Db, wanted: Migrations) -> Result<Vec<String>, MigrateError> {
    let wanted = with_own(wanted)?;
    db.in_tx(|tx| {
        let wanted = &wanted;
        async move {
            lock(&tx).await?;
            tx.execute(
                Table::create()
                    .table(Alias::new(TABLE))
                    .if_not_exists()
                    .col(
                        ColumnDef::new(Alias::new(NAME))
                            .string()
                            .not_null()
                            .primary_key(),
                    )
                    .col(
                        ColumnDef::new(Alias::new(APPLIED_AT))
                            .big_integer()
                            .not_null(),
                    ),
            )
            .await?;
            let missing = missing(wanted, &applied(&tx).await?)?;
            for migration in &missing {
                apply(&tx, *migration).await?;
            }
            Ok(names(&missing))
        }
    })
    .await
}

/// The names of those of `wanted` that the database lacks, in order. Changes nothing.
///
/// # Errors
/// A newer database, or one that cannot be read.
pub async fn pending(db: &Db, wanted: Migrations) -> Result<Vec<String>, MigrateError> {
    let wanted = with_own(wanted)?;
    let fresh = !SchemaManager::new(db.reader()).has_table(TABLE).await?;
    let applied = if fresh {
        BTreeSet::new()
    } else {
        applied(db.reader()).await?
    };
    Ok(names(&missing(&wanted, &applied)?))
}

fn with_own(wanted: Migrations) -> Result<Migrations, MigrateError> {
    let mut all = migrations();
    let own: BTreeSet<String> = all.iter().map(|own| own.name().to_owned()).collect();
    all.extend(wanted.into_iter().filter(|one| !own.contains(one.name())));
    let mut seen = BTreeSet::new();
    for one in &all {
        if !seen.insert(one.name()) {
            return Err(MigrateError::SameName(one.name().to_owned()));
        }
        if one.use_transaction() == Some(false) {
            return Err(MigrateError::OutsideTransaction(one.name().to_owned()));
        }
    }
    Ok(all)
}

/// On SQLite, BEGIN IMMEDIATE is the lock.
async fn lock(tx: &Tx) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        // Rewriting a large table takes its time.
        tx.execute_unprepared("SET LOCAL statement_timeout = 0")
            .await?;
        tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK}, 0)"))
            .await?;
    }
    Ok(())
}

async fn applied(conn: &impl ConnectionTrait) -> Result<BTreeSet<String>, DbErr> {
    let query = Query::select()
        .column(Alias::new(NAME))
        .from(Alias::new(TABLE))
        .order_by(Alias::new(NAME), Order::Asc)
        .to_owned();
    let rows = conn.query_all(&query).await?;
    rows.iter().map(|row| row.try_get_by(0)).collect()
}

fn missing<'a>(
    wanted: &'a Migrations,
    applied: &BTreeSet<String>,
) -> Result<Vec<&'a dyn MigrationTrait>, MigrateError> {
    let known: BTreeSet<&str> = wanted.iter().map(|one| one.name()).collect();
    let unknown: Vec<String> = applied
        .iter()
        .filter(|name| !known.contains(name.as_str()))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(MigrateError::Newer(unknown));
    }
    let missing = wanted.iter().filter(|one| !applied.contains(one.name()));
    Ok(missing.map(AsRef::as_ref).collect())
}

async fn apply(tx: &Tx, migration: &dyn MigrationTrait) -> Result<(), MigrateError> {
    let name = migration.name().to_owned();
    tracing::info!(migration = name, "migrating the database");
    let manager = SchemaManager::new(tx.transaction());
    if let Err(source) = migration.up(&manager).await {
        return Err(MigrateError::Failed { name, source });
    }
    let now = SystemClock.now().as_millis() / 1000;
    tx.execute(
        Query::insert()
            .into_table(Alias::new(TABLE))
            .columns([Alias::new(NAME), Alias::new(APPLIED_AT)])
            .values_panic([Expr::val(name), Expr::val(now)]),
    )
    .await?;
    Ok(())
}

fn names(migrations: &[&dyn MigrationTrait]) -> Vec<String> {
    migrations.iter().map(|one| one.name().to_owned()).collect()
}
