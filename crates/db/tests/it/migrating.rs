//! Bringing databases up to date.

use futures::future::join_all;
use lotse_db::{MigrateError, Migrations, meta, migrate, pending};
use lotse_testkit::{TestDb, on_both_databases};
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// A migration that runs one statement.
struct Run(&'static str, &'static str);

impl MigrationName for Run {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Run {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared(self.1)
            .await
            .map(|_| ())
    }
}

fn first() -> Migrations {
    vec![Box::new(Run("m0001_test_a", "CREATE TABLE a (id INTEGER)"))]
}

fn both() -> Migrations {
    let mut all = first();
    all.push(Box::new(Run("m0002_test_b", "CREATE TABLE b (id INTEGER)")));
    all
}

on_both_databases! {
    migrations = lotse_db::migrations;

    async fn what_is_missing_is_told_then_applied_once(db: TestDb) {
        assert_eq!(pending(&db, both()).await.unwrap(), ["m0001_test_a", "m0002_test_b"]);
        assert_eq!(migrate(&db, first()).await.unwrap(), ["m0001_test_a"]);
        assert_eq!(pending(&db, both()).await.unwrap(), ["m0002_test_b"]);
        assert_eq!(migrate(&db, both()).await.unwrap(), ["m0002_test_b"]);
        assert!(migrate(&db, both()).await.unwrap().is_empty());
        assert!(pending(&db, both()).await.unwrap().is_empty());
    }

    async fn a_newer_database_is_refused(db: TestDb) {
        migrate(&db, both()).await.unwrap();
        for outcome in [migrate(&db, first()).await, pending(&db, first()).await] {
            let error = outcome.unwrap_err();
            assert!(matches!(&error, MigrateError::Newer(names) if names == &["m0002_test_b"]));
            assert!(error.to_string().contains("newer than this program"));
        }
    }

    async fn a_failing_migration_changes_nothing(db: TestDb) {
        let mut broken = first();
        broken.push(Box::new(Run("m0002_test_b", "CREATE NONSENSE")));
        let error = migrate(&db, broken).await.unwrap_err();
        assert!(matches!(error, MigrateError::Failed { name, .. } if name == "m0002_test_b"));
        assert_eq!(pending(&db, both()).await.unwrap().len(), 2);
        migrate(&db, both()).await.unwrap();
    }

    async fn processes_that_migrate_at_once_do_not_collide(db: TestDb) {
        let processes = join_all((0..6).map(|_| db.connect_again())).await;
        let applied = join_all(processes.iter().map(|process| migrate(process, both()))).await;
        let applied: Vec<String> = applied.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(applied, ["m0001_test_a", "m0002_test_b"]);
    }

    async fn one_name_twice_is_refused(db: TestDb) {
        let mut twice = first();
        twice.extend(first());
        let error = migrate(&db, twice).await.unwrap_err();
        assert!(matches!(error, MigrateError::SameName(name) if name == "m0001_test_a"));
    }
}

#[tokio::test]
async fn asking_a_fresh_database_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/fresh.db", folder.path().display());
    let db = lotse_db::Db::connect(&lotse_db::DbConfig::new(url))
        .await
        .unwrap();
    assert_eq!(
        pending(&db, first()).await.unwrap(),
        ["m0001_db_meta", "m0001_test_a"]
    );
    assert!(meta::get(db.reader(), "anything").await.is_err());
}
