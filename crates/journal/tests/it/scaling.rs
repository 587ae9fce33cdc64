//! A large journal is read by its index, never from end to end.

use lotse_journal::JournalConfig;
use lotse_testkit::{TestDb, eventually, postgres};
use sea_orm::{ConnectionTrait, Statement};

use crate::support::{
    LONG, Recorder, append, event, key_in, migrations, open, origin, quick, settle, sql,
};

const EVENTS: i64 = 128_000;

/// How often the journal was scanned, as the server has counted so far.
async fn scans(db: &TestDb) -> i64 {
    let sql = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'journal'";
    let row = db
        .reader()
        .query_one_raw(Statement::from_string(db.backend(), sql))
        .await
        .unwrap();
    row.unwrap().try_get_by(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_scans_a_large_journal() {
    let Some(db) = postgres(migrations).await else {
        return;
    };
    // `Event` with field 41, an empty message, evenly over the buckets.
    sql(
        &db,
        &format!(
            "INSERT INTO journal SELECT n % 64, n / 64 + 1, 'tkt_' || n, NULL, 41, 1, 1, 'p', 'c', \
             '', '\\xca0200'::bytea FROM generate_series(0, {EVENTS} - 1) AS n"
        ),
    )
    .await;
    sql(&db, "ANALYZE journal").await;
    // A session tells what it has counted when it ends.
    db.connect_again().await.close().await.unwrap();
    let before = scans(&db).await;

    let busy = db.connect_again().await;
    let config = JournalConfig {
        exclusive: Some(true),
        ..quick("a")
    };
    let journal = open(busy.clone(), config).await;
    let recorder = Recorder::on("a");
    let job = journal.consumer_job(recorder.clone());
    // From the beginning, in the middle and at the end.
    for _ in 0..4 {
        job.step().await.unwrap();
    }
    sql(
        &busy,
        "UPDATE journal_cursors SET position = (SELECT max(position) - 3 FROM journal AS j \
         WHERE j.bucket = journal_cursors.bucket)",
    )
    .await;
    append(&journal, &[event(&key_in(3, 0), "x")]).await;
    let keys = [3, 4, 5].map(|bucket| key_in(bucket, 0));
    let keys = &keys.each_ref().map(String::as_str);
    journal
        .in_tx(&origin(), |tx| {
            let (journal, recorder) = (&journal, &recorder);
            async move { journal.catch_up(&tx, &**recorder, keys).await }
        })
        .await
        .map_err(|error| error.to_string())
        .unwrap();
    settle(&[&job]).await;
    let start = journal.start().await.unwrap();
    let page = journal.read_feed(&start, 1_000).await.unwrap();
    assert_eq!(page.events.len(), 1_000);
    journal.read_feed(&page.next, 100).await.unwrap();
    journal.read_key("tkt_5", 0, 10).await.unwrap();
    journal.end().await.unwrap();
    assert_eq!(journal.status().await.unwrap()[0].lag(), 0);
    busy.close().await.unwrap();

    // What the counts do show, once the session's end has been noted: that it was read at all.
    let reads = "SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'journal'";
    eventually(LONG, || async {
        let statement = Statement::from_string(db.backend(), reads);
        let row = db.reader().query_one_raw(statement).await.unwrap().unwrap();
        let fetched: i64 = row.try_get_by(0).unwrap();
        (fetched > 1_000).then_some(()).ok_or(fetched)
    })
    .await;
    assert_eq!(scans(&db).await, before);
    // And the counter counts.
    let scanning = db.connect_again().await;
    sql(
        &scanning,
        "SELECT count(*) FROM journal WHERE cause = 'none'",
    )
    .await;
    scanning.close().await.unwrap();
    eventually(LONG, || async { scans(&db).await > before }).await;
}
