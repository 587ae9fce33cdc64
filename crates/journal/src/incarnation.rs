//! Facts of the journal as a whole: how it is cut, and which life it lives.
//!
//! A restored backup is another life of the same journal: positions that outsiders have seen may
//! be given again to other events. So each life has an incarnation, tokens carry it, and a token of
//! another life is refused. PostgreSQL tells when a dump was restored somewhere else; a copied
//! SQLite file or a restore in place cannot be told and needs [`Journal::new_incarnation`].

use std::fmt;
use std::str::FromStr;

use lotse_db::Db;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::bucket::{BUCKETS, HASH};
use crate::journal::{Journal, OpenError};
use crate::sql::statement;

const BUCKETS_NAME: &str = "buckets";
const HASH_NAME: &str = "hash";
const INCARNATION: &str = "incarnation";
/// The database this journal was last opened in; empty where the database cannot say.
const HOME: &str = "home";

/// One life of a journal, from its creation or restore to the next restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incarnation(u64);

impl Incarnation {
    fn random() -> Self {
        Self(rand::random())
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Incarnation {
    type Err = DbErr;

    fn from_str(text: &str) -> Result<Self, DbErr> {
        u64::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| DbErr::Type(format!("{text:?} is no incarnation")))
    }
}

/// Founds the journal in a fresh database, or checks that this program can use the one there is.
pub(crate) async fn found_or_check(db: &Db) -> Result<Incarnation, OpenError> {
    let home = home(db).await;
    let found = Incarnation::random().to_string();
    let facts = [
        (BUCKETS_NAME, BUCKETS.to_string()),
        (HASH_NAME, HASH.to_owned()),
        (INCARNATION, found.clone()),
        (HOME, home.clone()),
    ];
    db.in_tx(|tx| {
        let facts = &facts;
        async move {
            for (name, value) in facts {
                let sql = "INSERT INTO journal_meta (name, value) VALUES ($1, $2) \
                           ON CONFLICT (name) DO NOTHING";
                let values = [(*name).into(), value.as_str().into()];
                tx.execute_raw(statement(&tx, sql, values)).await?;
            }
            Ok::<_, DbErr>(())
        }
    })
    .await?;

    for (name, here) in &facts[..2] {
        let stored = get(db.reader(), name).await?;
        if stored != *here {
            return Err(OpenError::OtherShape {
                what: name,
                stored,
                here: here.clone(),
            });
        }
    }
    // Where either cannot tell, there is nothing to compare.
    let last_home = get(db.reader(), HOME).await?;
    if last_home != home && !last_home.is_empty() && !home.is_empty() {
        let moved = renew(db, Some((&last_home, &home))).await?;
        tracing::warn!(incarnation = %moved, "the journal was restored into another database");
        return Ok(moved);
    }
    Ok(current(db).await?)
}

/// The incarnation as it is stored now: another process may have changed it.
pub(crate) async fn current(db: &Db) -> Result<Incarnation, DbErr> {
    get(db.reader(), INCARNATION).await?.parse()
}

/// Begins another life and returns it. With a move `(from, to)` only if nobody has noted it yet, so
/// that of several replicas one decides.
async fn renew(db: &Db, moved: Option<(&String, &String)>) -> Result<Incarnation, DbErr> {
    db.in_tx(|tx| async move {
        if let Some((from, to)) = moved {
            let sql = "UPDATE journal_meta SET value = $1 WHERE name = $2 AND value = $3";
            let values = [to.into(), HOME.into(), from.into()];
            let noted = tx.execute_raw(statement(&tx, sql, values)).await?;
            if noted.rows_affected() == 0 {
                return get(&tx, INCARNATION).await?.parse();
            }
        }
        let next = Incarnation::random();
        let sql = "UPDATE journal_meta SET value = $1 WHERE name = $2";
        let values = [next.to_string().into(), INCARNATION.into()];
        tx.execute_raw(statement(&tx, sql, values)).await?;
        Ok(next)
    })
    .await
}

async fn get(conn: &impl ConnectionTrait, name: &str) -> Result<String, DbErr> {
    let sql = "SELECT value FROM journal_meta WHERE name = $1";
    let row = conn
        .query_one_raw(statement(conn, sql, [name.into()]))
        .await?;
    let missing = || DbErr::RecordNotFound(format!("journal_meta has no {name}"));
    row.ok_or_else(missing)?.try_get_by(0)
}

/// What tells this database from one that a dump of it was restored into: the cluster's identity,
/// made by initdb, and the database's number in it. Empty where the server does not say.
async fn home(db: &Db) -> String {
    if db.backend() != DbBackend::Postgres {
        return String::new();
    }
    let sql = "SELECT system_identifier::text || '/' || \
               (SELECT oid::text FROM pg_database WHERE datname = current_database()) \
               FROM pg_control_system()";
    let conn = db.reader();
    let answer = match conn.query_one_raw(statement(conn, sql, [])).await {
        Ok(row) => row.and_then(|row| row.try_get_by(0).ok()),
        Err(error) => {
            tracing::debug!(%error, "the server does not tell its identity");
            None
        }
    };
    answer.unwrap_or_default()
}

impl Journal {
    /// Which life of the journal this is.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn incarnation(&self) -> Result<Incarnation, DbErr> {
        current(self.db()).await
    }

    /// Begins another life: to be called after a restore, before outsiders read again. Their tokens
    /// are refused from then on.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn new_incarnation(&self) -> Result<Incarnation, DbErr> {
        renew(self.db(), None).await
    }
}
