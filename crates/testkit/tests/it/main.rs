//! What the kit promises to the tests that stand on it.

mod in_process;

use std::collections::BTreeSet;

use lotse_db::{Migrations, Tx};
use lotse_testkit::{Backend, TestDb, eventually, own_redis};
use redis::AsyncCommands as _;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, prelude::*};

struct CreatePebbles;

impl MigrationName for CreatePebbles {
    fn name(&self) -> &str {
        "m0001_testkit_pebbles"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreatePebbles {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let pebbles = Table::create()
            .table("testkit_pebbles")
            .col(ColumnDef::new("name").string().not_null().primary_key())
            .to_owned();
        manager.create_table(pebbles).await
    }
}

fn migrations() -> Migrations {
    vec![Box::new(CreatePebbles)]
}

async fn add(db: &TestDb, name: &str) {
    let sql = format!("INSERT INTO testkit_pebbles (name) VALUES ('{name}')");
    let added: Result<(), DbErr> = db
        .in_tx(|tx: Tx| {
            let sql = sql.clone();
            async move { tx.execute_unprepared(&sql).await.map(drop) }
        })
        .await;
    added.expect("added");
}

async fn names(db: &lotse_db::Db) -> BTreeSet<String> {
    let all = Statement::from_string(db.backend(), "SELECT name FROM testkit_pebbles");
    let rows = db.reader().query_all_raw(all).await.expect("rows");
    rows.iter()
        .map(|row| row.try_get("", "name").expect("a name"))
        .collect()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn no_two_tests_share_a_database(first: TestDb) {
        let second = match first.kind() {
            Backend::Sqlite => Some(lotse_testkit::sqlite(migrations).await),
            Backend::Postgres => lotse_testkit::postgres(migrations).await,
        };
        let second = second.expect("there was one");
        add(&first, "grey").await;
        add(&second, "white").await;
        assert_eq!(names(&first).await, ["grey".to_owned()].into());
        assert_eq!(names(&second).await, ["white".to_owned()].into());
    }

    async fn a_second_connection_reaches_the_same_database(db: TestDb) {
        add(&db, "grey").await;
        assert_eq!(names(&db.connect_again().await).await, ["grey".to_owned()].into());
    }
}

#[tokio::test]
async fn a_database_goes_with_its_test() {
    let Some(kept) = lotse_testkit::postgres(migrations).await else {
        return;
    };
    let dropped = lotse_testkit::postgres(migrations)
        .await
        .expect("there was one");
    let name = dropped
        .config()
        .url
        .rsplit('/')
        .next()
        .expect("a path")
        .to_owned();
    drop(dropped);
    eventually(std::time::Duration::from_secs(10), || async {
        let sql = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        let query = Statement::from_string(kept.backend(), sql);
        kept.reader()
            .query_one_raw(query)
            .await
            .expect("an answer")
            .is_none()
    })
    .await;
}

#[tokio::test]
async fn flushing_takes_the_keys_of_one_test_only() {
    let (Some(mine), Some(other)) = (lotse_testkit::redis().await, lotse_testkit::redis().await)
    else {
        return;
    };
    let key = |of: &lotse_testkit::TestRedis| format!("{{{}:timers}}:1", of.prefix());
    let mut connection = mine.connect().await;
    let () = connection.set(key(&mine), 1).await.expect("set");
    let () = connection.set(key(&other), 1).await.expect("set");
    mine.flush().await;
    assert!(
        !connection
            .exists::<_, bool>(key(&mine))
            .await
            .expect("an answer")
    );
    assert!(
        connection
            .exists::<_, bool>(key(&other))
            .await
            .expect("an answer")
    );
    other.flush().await;
}

#[tokio::test]
async fn a_killed_redis_comes_back_empty_at_the_same_address() {
    let Some(mut server) = own_redis() else {
        return;
    };
    let client = redis::Client::open(server.url()).expect("a URL");
    let mut before = client
        .get_multiplexed_async_connection()
        .await
        .expect("connected");
    let () = before.set("pebble", "grey").await.expect("set");
    server.kill().expect("killed");
    assert!(before.get::<_, String>("pebble").await.is_err());
    server.start_again().expect("started");
    let mut after = client
        .get_multiplexed_async_connection()
        .await
        .expect("connected");
    assert!(!after.exists::<_, bool>("pebble").await.expect("an answer"));
}

#[tokio::test]
async fn a_killed_postgres_comes_back_with_what_was_committed() {
    let Some(mut server) = lotse_testkit::own_postgres() else {
        return;
    };
    let config = lotse_db::DbConfig::new(server.url());
    let before = lotse_db::Db::connect(&config).await.expect("connected");
    lotse_db::migrate(&before, migrations())
        .await
        .expect("migrated");
    server.kill().expect("killed");
    server.start_again().expect("started");
    let after = lotse_db::Db::connect(&config).await.expect("connected");
    assert_eq!(names(&after).await, BTreeSet::new());
}
