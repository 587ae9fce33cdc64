//! A journal restored from a backup goes on, and outsiders are told.

use std::process::Command;

use lotse_clock::BusinessClock;
use lotse_db::{Db, DbConfig, pending};
use lotse_journal::{FeedError, Journal, JournalConfig, OpenError, Wakeups};
use lotse_testkit::{TestDb, on_both_databases, postgres};
use sea_orm::ConnectionTrait as _;

use crate::support::{
    Recorder, append, assert_complete, event, migrations, open, quick, settle, sql,
};

/// A life in which some events were read, and some not; a copy of it has to read the rest once.
async fn first_life(db: &Db) -> lotse_journal::Positions {
    let journal = open(db.clone(), quick("old")).await;
    let job = journal.consumer_job(Recorder::on("old"));
    let tickets =
        |word: &str| -> Vec<_> { (0..50).map(|n| event(&format!("tkt_{n}"), word)).collect() };
    append(&journal, &tickets("read")).await;
    settle(&[&job]).await;
    append(&journal, &tickets("unread")).await;
    journal.end().await.unwrap()
}

/// The copy: its processes are others, and those of the first life will never release anything.
async fn second_life(db: &Db) -> lotse_journal::Journal {
    assert!(pending(db, migrations()).await.unwrap().is_empty());
    // As after the leases of the first life have run out.
    sql(db, "DELETE FROM journal_leases").await;
    let journal = open(db.clone(), JournalConfig::default()).await;
    let job = journal.consumer_job(Recorder::on("new"));
    settle(&[&job]).await;
    assert_complete(db, 100).await;
    append(&journal, &[event("tkt_1", "goes on")]).await;
    settle(&[&job]).await;
    assert_complete(db, 101).await;
    journal
}

#[tokio::test]
async fn a_copied_file_goes_on() {
    let db = lotse_testkit::sqlite(migrations).await;
    let end = first_life(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    sql_unbound(&db, &format!("VACUUM INTO '{}'", copy.display())).await;
    let url = format!("sqlite://{}", copy.display());
    let restored = Db::connect(&DbConfig::new(url)).await.unwrap();
    let journal = second_life(&restored).await;
    // A copied file cannot be told from its origin, so the operator says it.
    journal.new_incarnation().await.unwrap();
    let refused = journal.read_feed(&end, 64).await;
    assert!(matches!(refused, Err(FeedError::OtherIncarnation)));
}

#[tokio::test]
async fn a_restored_dump_goes_on_and_has_another_incarnation() {
    let Some(db) = postgres(migrations).await else {
        return;
    };
    let end = first_life(&db).await;
    let dump = run("pg_dump", &["--dbname", &db.config().url], &[]);
    let empty = postgres(Vec::new).await.unwrap();
    // An empty database of these tests has the table of facts, which the dump brings along.
    sql(&empty, "DROP TABLE meta").await;
    sql(&empty, "DROP TABLE seaql_migrations").await;
    let url = &empty.config().url;
    run(
        "psql",
        &["--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url],
        &dump,
    );
    let restored = empty.connect_again().await;
    let journal = second_life(&restored).await;
    let refused = journal.read_feed(&end, 64).await;
    assert!(matches!(refused, Err(FeedError::OtherIncarnation)));
    // It is told once, not at each start.
    let life = journal.incarnation().await.unwrap();
    let again = open(empty.connect_again().await, quick("later")).await;
    assert_eq!(again.incarnation().await.unwrap(), life);
}

on_both_databases! {
    migrations = migrations;

    async fn a_journal_of_another_shape_is_refused(db: TestDb) {
        open(db.db(), quick("founder")).await;
        for (name, value) in [("hash", "fnv"), ("buckets", "128")] {
            sql(&db, "DELETE FROM journal_meta").await;
            let foreign = format!("INSERT INTO journal_meta VALUES ('{name}', '{value}')");
            sql(&db, &foreign).await;
            let clock = BusinessClock::system();
            let opened = Journal::open(db.db(), clock, Wakeups::local(), quick("a")).await;
            let Err(OpenError::OtherShape { what, stored, .. }) = opened else {
                panic!("opened with {name} {value}");
            };
            assert_eq!((what, stored.as_str()), (name, value));
        }
    }

    async fn a_consumer_set_back_reads_everything_again(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let job = journal.consumer_job(Recorder::on("a"));
        let drafts: Vec<_> = (0..50).map(|n| event(&format!("tkt_{n}"), "x")).collect();
        append(&journal, &drafts).await;
        settle(&[&job]).await;
        assert_complete(&db, 50).await;
        journal
            .rewind("recorder", |tx| async move {
                tx.execute_unprepared("DELETE FROM effects").await.map(|_| ())
            })
            .await
            .unwrap();
        assert_complete(&db, 0).await;
        settle(&[&job]).await;
        assert_complete(&db, 50).await;
    }
}

/// VACUUM does not run in a transaction, and the reader may not write: a connection of its own.
async fn sql_unbound(db: &lotse_testkit::TestDb, sql: &str) {
    use sqlx::Connection as _;
    let mut connection = sqlx::SqliteConnection::connect(&db.config().url)
        .await
        .unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Runs one of PostgreSQL's programs and returns what it writes.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    output.stdout
}
