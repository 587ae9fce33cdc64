//! `lotse check`, small: the whole of it is for an operator's own machines.

use std::time::Duration;

use lotse_testkit::{own_postgres, own_redis};
use serde_json::Value;

use crate::program::Program;

#[tokio::test]
async fn routing_breaks_no_promise_while_its_replicas_are_killed() {
    let (Some(postgres), Some(redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let arguments = format!(
        "check routing --database {} --redis {} --json {} \
         --replicas 2 --agents 24 --groups 3 --tickets 400 --kill-every 1",
        postgres.url(),
        redis.url(),
        json.display()
    );
    let program = Program::start(arguments.split_whitespace());
    let ended = program.ended_within(Duration::from_secs(240)).await;
    let report = std::fs::read(json).unwrap_or_else(|_| panic!("no report: {}", ended.log));
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert!(ended.status.success(), "{report:#}");
    let told = |pointer: &str| report.pointer(pointer).unwrap().as_u64().unwrap();
    assert_eq!(told("/journal/tickets"), 400);
    assert_eq!(told("/left_open"), 0);
    for happened in [
        "kills",
        "accepted",
        "declined",
        "timed_out",
        "presence_changes",
    ] {
        assert!(
            told(&format!("/played/{happened}")) > 0,
            "{happened}: {report}"
        );
    }
    for looked in ["/rows/looks", "/missed/looks", "/journal/owned"] {
        assert!(told(looked) > 0, "{looked}: {report}");
    }
}
