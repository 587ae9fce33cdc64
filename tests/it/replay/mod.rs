//! `lotse replay` of a small log: exact totals, also when it is killed or what it stands on goes
//! away. [`log`] makes the log and counts what must come out.

mod log;

use std::path::Path;
use std::time::Duration;

use lotse_db::{Db, DbConfig};
use lotse_testkit::{eventually, own_postgres, own_redis};
use lotse_throwaway::{Postgres, Redis};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::Value;

use crate::program::Program;
use log::Log;

/// Longer than one run takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(120);

/// A replay and where it happens.
struct Replay<'a> {
    log: &'a Log,
    database: String,
    redis: Option<String>,
}

impl Replay<'_> {
    fn start(&self) -> Program {
        let mut arguments = vec![
            "replay".to_owned(),
            self.log.folder().display().to_string(),
            "--database".to_owned(),
            self.database.clone(),
            "--report".to_owned(),
            self.report().display().to_string(),
        ];
        if let Some(redis) = &self.redis {
            arguments.extend(["--redis".to_owned(), redis.clone()]);
        }
        Program::start(arguments)
    }

    fn report(&self) -> std::path::PathBuf {
        self.log.folder().join("report.json")
    }

    /// Waits for its end, and gives the totals.
    async fn totals(&self, program: Program) -> Value {
        let ended = program.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        serde_json::from_str(&std::fs::read_to_string(self.report()).unwrap()).unwrap()
    }

    /// Every clock is what the journal leads to.
    async fn verify(&self) {
        let program = Program::start(["sla", "verify", "--database", &self.database]);
        let ended = program.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }

    /// Waits until that many changes are journaled.
    async fn reaches(&self, program: &mut Program, changes: i64) {
        eventually(LONG, || {
            assert!(!program.has_ended(), "it ended before: {}", program.log());
            async {
                let journaled = self.journaled().await?;
                if journaled >= changes {
                    Ok(())
                } else {
                    Err(format!("{journaled} of {changes}"))
                }
            }
        })
        .await;
    }

    /// How many changes are journaled; an error while there is no journal yet.
    async fn journaled(&self) -> Result<i64, String> {
        if let Some(file) = self.database.strip_prefix("sqlite://")
            && !Path::new(file).exists()
        {
            return Err("no database yet".to_owned());
        }
        let db = Db::connect(&DbConfig::new(&self.database))
            .await
            .map_err(|e| e.to_string())?;
        let count = Statement::from_string(db.backend(), "SELECT count(*) FROM journal");
        let row = db
            .reader()
            .query_one_raw(count)
            .await
            .map_err(|e| e.to_string());
        db.close().await.map_err(|e| e.to_string())?;
        row?.ok_or("no row")?
            .try_get_by(0)
            .map_err(|e| e.to_string())
    }
}

/// That many moments within a run of `changes`, ascending; never its very end.
fn moments<const N: usize>(changes: i64) -> [i64; N] {
    let mut moments: [i64; N] =
        std::array::from_fn(|_| rand::random_range(changes / 20..changes * 17 / 20));
    moments.sort_unstable();
    moments
}

#[tokio::test]
async fn a_log_has_exact_totals_however_often_its_replay_is_killed() {
    let log = Log::write();
    let folder = tempfile::tempdir().unwrap();
    let on = |name: &str| Replay {
        log: &log,
        database: format!("sqlite://{}", folder.path().join(name).display()),
        redis: None,
    };
    let whole = on("whole.db");
    let totals = whole.totals(whole.start()).await;
    log.check(&totals);
    let changes = whole.journaled().await.unwrap();

    let cut = on("cut.db");
    let moments: [i64; 3] = moments(changes);
    for moment in moments {
        let mut program = cut.start();
        cut.reaches(&mut program, moment).await;
        program.kill().await;
    }
    let totals = cut.totals(cut.start()).await;
    log.check(&totals);
    cut.verify().await;
    // Nothing is journaled twice either.
    assert_eq!(cut.journaled().await, Ok(changes), "killed at {moments:?}");
}

#[tokio::test]
async fn a_replay_in_a_cluster_survives_a_kill_a_flushed_redis_and_a_restarted_postgres() {
    let (Some(mut postgres), Some(redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let log = Log::write();
    let replay = Replay {
        log: &log,
        database: Postgres::url(&postgres),
        redis: Some(Redis::url(&redis)),
    };
    let moments: [i64; 4] = moments(log.least_changes());
    for moment in &moments[..2] {
        let mut program = replay.start();
        replay.reaches(&mut program, *moment).await;
        program.kill().await;
    }
    let mut program = replay.start();
    replay.reaches(&mut program, moments[2]).await;
    flush(&redis).await;
    replay.reaches(&mut program, moments[3]).await;
    postgres.kill().unwrap();
    postgres.start_again().unwrap();
    let totals = replay.totals(program).await;
    log.check(&totals);

    replay.verify().await;
    // Done is done: once more changes nothing.
    let changes = replay.journaled().await;
    log.check(&replay.totals(replay.start()).await);
    assert_eq!(replay.journaled().await, changes, "cut at {moments:?}");
}

async fn flush(redis: &Redis) {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_database_of_real_time_is_not_replayed_into() {
    let folder = tempfile::tempdir().unwrap();
    let up = crate::program::Up::start(folder.path(), &[]).await;
    up.program.terminate().await;
    up.program.ended().await;
    let log = Log::write();
    let file = folder.path().join("lotse.db");
    let replay = Replay {
        log: &log,
        database: format!("sqlite://{}", file.display()),
        redis: None,
    };
    let ended = replay.start().ended().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.log.contains("lives on real time"), "{ended:?}");
}
