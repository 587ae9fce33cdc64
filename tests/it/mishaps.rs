//! What is said to whoever starts the program and cannot have it.

use std::net::{Ipv4Addr, TcpListener};

use lotse_db::{Db, DbConfig};
use lotse_testkit::own_redis;

use crate::program::{Program, up_arguments};

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    for port in ["--grpc", "--http", "--public-http"] {
        let mut arguments = up_arguments(folder.path(), &[]);
        let place = arguments
            .iter()
            .position(|argument| argument == port)
            .unwrap();
        arguments[place + 1].clone_from(&address);
        let ended = Program::start(arguments).ended().await;
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let told = ended
            .log
            .contains(&format!("{address} is in use by another program"));
        assert!(told && ended.log.lines().count() == 1, "{ended:?}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    // The first cannot be made; the second is there, and nobody can write to it, not even root.
    for unusable in [file.join("data"), "/proc".into()] {
        let ended = Program::start(up_arguments(&unusable, &[])).ended().await;
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(
            ended.log.contains(&unusable.display().to_string()),
            "{ended:?}"
        );
        assert_eq!(ended.log.lines().count(), 1, "{ended:?}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_configuration_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lotse.toml");
    let wrong = r#"
        [database]
        url = "mysql://localhost/lotse"
        max_connections = 0
        [server]
        grpc = "0.0.0.0:7070"
        drain = "soon"
        colour = "blue"
        [telemetry]
        log_format = "pretty"
        [intake]
        language_confidence = 7
        [routing]
        pending_share = 2
        [sla]
        nothing = 1
        [survey]
        link_key = "short"
    "#;
    std::fs::write(&file, wrong).unwrap();
    let ended = Program::start(["serve", "intake", "--config", &file.display().to_string()]);
    let ended = ended.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let missing: Vec<_> = [
        "database.url",
        "database.max_connections",
        "redis.url",
        "server.grpc",
        "server.drain",
        "server.colour",
        "telemetry.log_format",
        "intake.language_confidence",
        "routing.pending_share",
        "sla",
        "survey.link_key",
    ]
    .into_iter()
    .filter(|key| {
        !ended
            .log
            .lines()
            .any(|line| line.trim().starts_with(&format!("{key}: ")))
    })
    .collect();
    assert!(
        missing.is_empty(),
        "{missing:?} is not told of in:\n{}",
        ended.log
    );
    assert!(
        !ended.log.contains("short"),
        "a secret is shown:\n{}",
        ended.log
    );
}

#[tokio::test]
async fn serve_does_not_run_on_an_embedded_database() {
    let Some(redis) = own_redis() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lotse.toml");
    let url = redis.url();
    std::fs::write(
        &file,
        format!("database.url = \"sqlite://lotse.db\"\nredis.url = \"{url}\"\n"),
    )
    .unwrap();
    let ended = Program::start(["serve", "sla", "--config", &file.display().to_string()]);
    let ended = ended.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.log.contains("database.url: serve needs PostgreSQL"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn up_refuses_the_folder_of_a_demo() {
    let folder = tempfile::tempdir().unwrap();
    let file = lotse::up::database_file(folder.path());
    let db = Db::connect(&DbConfig::new(format!("sqlite://{}", file.display())))
        .await
        .unwrap();
    lotse_db::migrate(&db, lotse::suite::migrations())
        .await
        .unwrap();
    lotse::demo::Demo::open(&db).await.unwrap();
    db.close().await.unwrap();

    let ended = Program::start(up_arguments(folder.path(), &[]))
        .ended()
        .await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.log.contains("clock of its own"), "{ended:?}");
}
