//! Which tokens pass and which do not.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lotse_auth::{Authenticator, Claims};
use lotse_clock::{SystemClock, Timestamp};
use lotse_errors::{ErrorReason, Kind};
use lotse_ids::AgentId;

use crate::{bearing, fixed, good, key, present, reading};

fn now() -> Timestamp {
    SystemClock.now()
}

#[tokio::test]
async fn good_token_gives_pseudonym_scopes_and_agent() {
    let key = key();
    let (auth, _folder) = reading(&key.jwks());
    let agent = AgentId::generate(now());
    let claims = Claims {
        agent_id: Some(agent.clone()),
        ..good()
    };
    let caller = present(&auth, &key.mint(&claims, now()).unwrap())
        .await
        .unwrap();
    assert!(caller.has("tickets.read") && caller.has("tickets.write"));
    assert!(!caller.has("routing.admin"));
    assert_eq!(caller.agent_id, Some(agent));
    assert!(caller.principal.starts_with("prn_"), "{caller:?}");
    assert!(!caller.principal.contains("compose"), "{caller:?}");
    let again = present(&auth, &key.mint(&good(), now()).unwrap())
        .await
        .unwrap();
    assert_eq!(again.principal, caller.principal);
}

#[tokio::test]
async fn rs256_and_es256_tokens_of_another_issuer_pass() {
    let (auth, _folder) = reading(fixed::JWKS);
    for token in [fixed::RS256, fixed::ES256] {
        let caller = present(&auth, token).await.unwrap();
        assert!(caller.has("tickets.read"));
    }
}

#[tokio::test]
async fn token_with_alg_none_is_refused() {
    let key = key();
    let (auth, _folder) = reading(&key.jwks());
    let token = key.mint(&good(), now()).unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    for token in [format!("{header}.{claims}."), format!("{header}.{claims}")] {
        refused(&auth, &token).await;
    }
}

#[tokio::test]
async fn token_signed_by_hmac_with_the_public_key_is_refused() {
    let key = key();
    let (auth, _folder) = reading(&key.jwks());
    let jwks: serde_json::Value = serde_json::from_str(&key.jwks()).unwrap();
    let jwk = &jwks["keys"][0];
    let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let claims = serde_json::json!({
        "sub": "x", "aud": "lotse", "iss": "https://issuer.example", "exp": 4_102_444_800_i64,
    });
    for secret in [
        public,
        jwk["x"].as_str().unwrap().into(),
        key.jwks().into_bytes(),
    ] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(jwk["kid"].as_str().unwrap().to_owned());
        let token = encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        refused(&auth, &token).await;
    }
}

#[tokio::test]
async fn token_for_others_expired_early_or_without_expiry_is_refused() {
    let key = key();
    let (auth, _folder) = reading(&key.jwks());
    let elsewhere = Claims {
        audience: "other".to_owned(),
        ..good()
    };
    refused(&auth, &key.mint(&elsewhere, now()).unwrap()).await;
    let foreign = Claims {
        issuer: Some("https://evil.example".to_owned()),
        ..good()
    };
    refused(&auth, &key.mint(&foreign, now()).unwrap()).await;
    let nameless = Claims {
        subject: String::new(),
        ..good()
    };
    refused(&auth, &key.mint(&nameless, now()).unwrap()).await;
    let hour_ago = now() - Duration::from_secs(3600);
    refused(&auth, &key.mint(&good(), hour_ago).unwrap()).await;
    // Expired less than the leeway ago: clocks differ.
    let just_now = now() - Duration::from_secs(61);
    assert!(
        present(&auth, &key.mint(&good(), just_now).unwrap())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn token_of_another_key_or_changed_on_the_way_is_refused() {
    let (ours, theirs) = (key(), key());
    let (auth, _folder) = reading(&ours.jwks());
    refused(&auth, &theirs.mint(&good(), now()).unwrap()).await;
    let token = ours.mint(&good(), now()).unwrap();
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let more = Claims {
        scopes: vec!["routing.admin".to_owned()],
        ..good()
    };
    let other = ours.mint(&more, now()).unwrap();
    parts[1] = other.split('.').nth(1).unwrap().to_owned();
    refused(&auth, &parts.join(".")).await;
    refused(&auth, "no token at all").await;
    refused(&auth, "").await;
}

#[tokio::test]
async fn call_without_token_is_refused_and_another_scheme_too() {
    let key = key();
    let (auth, _folder) = reading(&key.jwks());
    let missing = auth
        .authenticate(Some("localhost"), &HeaderMap::new())
        .await
        .unwrap_err();
    assert_eq!(missing.reason(), ErrorReason::Unauthenticated);
    let mut basic = bearing("x");
    basic.insert("authorization", "Basic eDp5".parse().unwrap());
    assert!(auth.authenticate(Some("localhost"), &basic).await.is_err());
}

async fn refused(auth: &Authenticator, token: &str) {
    let error = present(auth, token).await.unwrap_err();
    assert_eq!(*error.kind(), Kind::Unauthenticated, "{token}");
    assert_eq!(error.reason(), ErrorReason::Unauthenticated);
}
