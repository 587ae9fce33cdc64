//! Opening databases that are not as they should be.

use std::net::TcpListener;
use std::time::Duration;

use lotse_db::{ConnectError, Db, DbConfig};
use lotse_testkit::{own_postgres, postgres};

async fn refused(url: &str) -> ConnectError {
    Db::connect(&DbConfig::new(url)).await.unwrap_err()
}

#[tokio::test]
async fn only_the_two_databases_are_opened() {
    for url in ["mysql://root@localhost/x", "", "lotse.db"] {
        assert!(
            matches!(refused(url).await, ConnectError::Scheme(_)),
            "{url}"
        );
    }
    for url in ["sqlite::memory:", "sqlite://x?mode=memory"] {
        assert!(
            refused(url).await.to_string().contains("needs a file"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let error = refused("sqlite:///no/such/folder/lotse.db").await;
    assert!(matches!(error, ConnectError::NoFolder(_)));
    assert!(error.to_string().contains("/no/such/folder"));
    assert!(!error.is_temporary());
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // A folder where the file should be: even root cannot write that.
    let path = folder.path().join("lotse.db");
    std::fs::create_dir(&path).unwrap();
    let error = refused(&format!("sqlite://{}", path.display())).await;
    assert!(matches!(error, ConnectError::File { .. }));
    assert!(error.to_string().contains(path.to_str().unwrap()));
}

#[tokio::test]
async fn an_unreachable_server_is_temporary_and_named_without_the_password() {
    // A port that nobody listens on, because the listener is gone.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = refused(&format!("postgres://lotse:secret@127.0.0.1:{port}/tickets")).await;
    assert!(error.is_temporary(), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("127.0.0.1:{port}/tickets"))
    );
    assert!(!error.to_string().contains("secret"));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut config = DbConfig::new(format!("postgres://lotse@127.0.0.1:{port}/tickets"));
    config.acquire_timeout = Duration::from_millis(50);
    let error = Db::connect(&config).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
}

#[tokio::test]
async fn a_missing_database_is_refused_for_good() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    let (server, _) = db.config().url.rsplit_once('/').unwrap();
    let error = refused(&format!("{server}/no_such_database")).await;
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    assert!(!error.is_temporary());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patience_outlives_a_server_that_starts_late() {
    let Some(mut server) = own_postgres() else {
        return;
    };
    let config = DbConfig::new(server.url());
    server.kill().unwrap();
    let waiting = Db::connect_patiently(&config);
    tokio::pin!(waiting);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
    assert!(early.is_err(), "connected to a dead server");
    server.start_again().unwrap();
    waiting.await.unwrap().ping().await.unwrap();
}
