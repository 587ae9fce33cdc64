//! `lotse serve` while what it depends on is away.

use lotse_testkit::{eventually, own_postgres, own_redis};
use lotse_throwaway::{Postgres, Redis};
use tempfile::TempDir;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::program::{Program, SOON, free_address, health};

/// The settings of one service of a cluster.
struct Cluster {
    folder: TempDir,
    grpc: String,
}

impl Cluster {
    fn on(postgres: &Postgres, redis: &Redis) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let grpc = free_address();
        let settings = format!(
            "database.url = \"{}\"\nredis.url = \"{}\"\n\
             database.acquire_timeout = \"1s\"\n\
             server.grpc = \"{grpc}\"\nserver.http = \"{}\"\n\
             survey.link_key = \"0123456789abcdef0123456789abcdef\"\n",
            postgres.url(),
            redis.url(),
            free_address(),
        );
        std::fs::write(folder.path().join("lotse.toml"), settings).unwrap();
        Self { folder, grpc }
    }

    fn run(&self, command: &[&str]) -> Program {
        let file = self.folder.path().join("lotse.toml").display().to_string();
        Program::start(command.iter().copied().chain(["--config", &file]))
    }

    async fn migrate(&self) {
        let ended = self.run(&["migrate"]).ended().await;
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }

    async fn becomes(&self, service: &str, wanted: ServingStatus) {
        eventually(SOON, || async {
            match health(&self.grpc, service).await {
                Ok(status) if status == wanted => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }
}

/// Alive and not ready, with a word in the log about what is missing.
async fn waits(cluster: &Cluster, program: &mut Program, missing: &str) {
    cluster.becomes("live", ServingStatus::Serving).await;
    cluster.becomes("", ServingStatus::NotServing).await;
    eventually(SOON, || async {
        let log = program.log();
        if log.contains(missing) {
            Ok(())
        } else {
            Err(log)
        }
    })
    .await;
    assert!(!program.has_ended(), "{}", program.log());
}

async fn ends_well(program: Program) {
    program.terminate().await;
    let ended = program.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_waits_for_its_database_and_then_serves() {
    let (Some(mut postgres), Some(redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let cluster = Cluster::on(&postgres, &redis);
    cluster.migrate().await;
    postgres.kill().unwrap();
    let mut program = cluster.run(&["serve", "intake"]);
    waits(&cluster, &mut program, "waiting for the database").await;
    postgres.start_again().unwrap();
    cluster.becomes("", ServingStatus::Serving).await;
    cluster
        .becomes("lotse.intake.v1.TicketService", ServingStatus::Serving)
        .await;

    // Away again: not ready, and ready again, by the same process.
    postgres.kill().unwrap();
    cluster.becomes("intake", ServingStatus::NotServing).await;
    cluster.becomes("live", ServingStatus::Serving).await;
    postgres.start_again().unwrap();
    cluster.becomes("intake", ServingStatus::Serving).await;
    assert!(!program.has_ended(), "{}", program.log());
    ends_well(program).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_waits_for_redis_and_then_does_without_it() {
    let (Some(postgres), Some(mut redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let cluster = Cluster::on(&postgres, &redis);
    cluster.migrate().await;
    redis.kill().unwrap();
    let mut program = cluster.run(&["serve", "sla"]);
    waits(&cluster, &mut program, "Redis").await;
    redis.start_again().unwrap();
    cluster.becomes("", ServingStatus::Serving).await;

    // Losing it later delays timers a little: no reason to take the service away.
    redis.kill().unwrap();
    let told = program.log().len();
    eventually(SOON, || async { program.log().len() > told }).await;
    cluster.becomes("", ServingStatus::Serving).await;
    ends_well(program).await;
}

#[tokio::test]
async fn a_service_refuses_a_schema_that_is_not_its_own() {
    let (Some(postgres), Some(redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let cluster = Cluster::on(&postgres, &redis);
    let ended = cluster.run(&["serve", "routing"]).ended().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.log.contains("run `lotse migrate`"), "{ended:?}");
}
