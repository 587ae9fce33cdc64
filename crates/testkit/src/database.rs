//! A fresh, migrated database for one test.

use std::ops::Deref;

use lotse_db::{Db, DbConfig, Durability, Migrations};
use tempfile::TempDir;

use crate::{cluster, servers};

/// The two kinds of database Lotse runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file in a folder of the test's own.
    Sqlite,
    /// A database of the test's own on the test server.
    Postgres,
}

/// A migrated database that is gone when the test is over. It is used like the
/// [`Db`] it holds.
pub struct TestDb {
    // Before `home`: connections close before what they are connected to goes.
    db: Db,
    config: DbConfig,
    home: Home,
}

enum Home {
    Folder { _held: TempDir },
    Database { server: &'static str, name: String },
}

impl TestDb {
    /// What kind of database this is.
    pub fn kind(&self) -> Backend {
        match self.home {
            Home::Folder { .. } => Backend::Sqlite,
            Home::Database { .. } => Backend::Postgres,
        }
    }

    /// The configuration that reaches this database.
    pub fn config(&self) -> &DbConfig {
        &self.config
    }

    /// A handle for what wants to own one; the database goes with this value
    /// all the same.
    pub fn db(&self) -> Db {
        self.db.clone()
    }

    /// Connects a second time, as another replica or a restarted process would.
    pub async fn connect_again(&self) -> Db {
        connect(&self.config).await
    }
}

impl Deref for TestDb {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Home::Database { server, name } = &mut self.home {
            cluster::discard(server, std::mem::take(name));
        }
    }
}

/// A fresh SQLite database, migrated. `migrations` is a crate's own function of
/// that name, or a closure without captures that chains those of several.
pub async fn sqlite(migrations: fn() -> Migrations) -> TestDb {
    let folder = match tempfile::Builder::new().prefix("lotse-test-").tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("no folder for a test database: {error}"),
    };
    let url = format!("sqlite://{}", folder.path().join("lotse.db").display());
    let db = TestDb::open(url, Home::Folder { _held: folder }).await;
    if let Err(error) = lotse_db::migrate(&db, migrations()).await {
        panic!("cannot migrate the test database: {error}");
    }
    db
}

/// A fresh PostgreSQL database, migrated; `None` where PostgreSQL is not
/// installed, which has then been said and makes the test one that is left
/// out. Where `CI` is set it panics instead.
pub async fn postgres(migrations: fn() -> Migrations) -> Option<TestDb> {
    let server = servers::postgres_url()?;
    let cluster::Created { name, url } = cluster::create(server, migrations).await;
    Some(TestDb::open(url, Home::Database { server, name }).await)
}

/// A fresh database of each kind there is here, for a test that compares them
/// or would gain nothing from two names.
pub async fn databases(migrations: fn() -> Migrations) -> Vec<TestDb> {
    let mut databases = vec![sqlite(migrations).await];
    databases.extend(postgres(migrations).await);
    databases
}

impl TestDb {
    async fn open(url: String, home: Home) -> TestDb {
        let mut config = DbConfig::new(url);
        // A test is over before the power can fail.
        config.durability = Durability::Process;
        TestDb {
            db: connect(&config).await,
            config,
            home,
        }
    }
}

async fn connect(config: &DbConfig) -> Db {
    match Db::connect(config).await {
        Ok(db) => db,
        Err(error) => panic!("cannot open the test database: {error}"),
    }
}
