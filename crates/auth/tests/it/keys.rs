//! Where keys come from, and when they are read again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use lotse_auth::{Authenticator, KeySource, LocalKey, LocalKeyError, TokenConfig};
use lotse_clock::{BusinessClock, SystemClock};
use lotse_errors::Kind;
use lotse_supervise::Supervisor;

use crate::{good, key, present};

#[tokio::test]
async fn new_key_of_the_issuer_is_fetched_once_and_made_up_key_ids_cause_no_flood() {
    let (old, new) = (key(), key());
    let (jwks, fetched) = (
        Arc::new(Mutex::new(old.jwks())),
        Arc::new(AtomicUsize::new(0)),
    );
    let supervisor = Supervisor::new(BusinessClock::system());
    let auth = {
        let (jwks, fetched) = (Arc::clone(&jwks), Arc::clone(&fetched));
        let answer = move || {
            fetched.fetch_add(1, Ordering::Relaxed);
            std::future::ready(jwks.lock().unwrap().clone())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let router = Router::new().route("/keys", get(answer));
        supervisor.spawn_task("issuer", async move {
            axum::serve(listener, router).await.unwrap();
        });
        Authenticator::tokens(TokenConfig::new(KeySource::Url(url), "lotse"))
    };
    auth.load().await.unwrap();
    let now = SystemClock.now();
    assert!(
        present(&auth, &old.mint(&good(), now).unwrap())
            .await
            .is_ok()
    );
    assert_eq!(fetched.load(Ordering::Relaxed), 1);

    *jwks.lock().unwrap() = new.jwks();
    let token = new.mint(&good(), now).unwrap();
    let (one, other) = tokio::join!(present(&auth, &token), present(&auth, &token));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(fetched.load(Ordering::Relaxed), 2, "fetched once for both");
    for _ in 0..5 {
        let made_up = key().mint(&good(), now).unwrap();
        assert_eq!(
            *present(&auth, &made_up).await.unwrap_err().kind(),
            Kind::Unauthenticated
        );
    }
    assert_eq!(fetched.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn while_keys_cannot_be_had_calls_are_told_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let auth = Authenticator::tokens(TokenConfig::new(KeySource::File(path.clone()), "lotse"));
    let key = key();
    let token = key.mint(&good(), SystemClock.now()).unwrap();
    for _ in 0..2 {
        let error = present(&auth, &token).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Unavailable(_)), "{error:?}");
    }
    std::fs::write(&path, key.jwks()).unwrap();
    let job = auth.job().unwrap();
    job.step().await.unwrap();
    assert!(present(&auth, &token).await.is_ok());
    // A file that breaks later takes nothing away.
    std::fs::write(&path, "{").unwrap();
    assert!(job.step().await.is_err());
    assert!(present(&auth, &token).await.is_ok());
}

#[test]
fn saved_key_is_private_reads_back_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let key = key();
    key.save(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert_eq!(LocalKey::read(&path).unwrap().jwks(), key.jwks());
    assert!(matches!(key.save(&path), Err(LocalKeyError::File { .. })));
    std::fs::write(
        &path,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    )
    .unwrap();
    assert!(matches!(
        LocalKey::read(&path),
        Err(LocalKeyError::Format(_))
    ));
    assert!(!format!("{key:?}").contains("pkcs8"));
}
