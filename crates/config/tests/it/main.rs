//! Settings as an operator meets them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use lotse_config::{Settings, Sources};
use serde::Deserialize;

fn variables(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn defaults_are_sound_and_equal_the_documented_ones() {
    let settings = Settings::load(Sources::new().environment(HashMap::new())).unwrap();
    assert_eq!(settings.server.grpc.to_string(), "127.0.0.1:7070");
    assert!(settings.auth.authenticator().is_local());
    assert_eq!(settings.telemetry.sample_ratio, 1.0);
    // The types' own defaults are used by tests and by `lotse up`; they must not drift apart.
    let (ours, theirs) = (settings.server.serving, lotse_grpc::Config::default());
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    let theirs = lotse_telemetry::Config::default();
    assert_eq!(format!("{:?}", settings.telemetry), format!("{theirs:?}"));
}

#[test]
fn environment_wins_over_file_wins_over_defaults() {
    let file = file("[server]\ndrain = \"7s\"\nmax_open_streams = 5\n[auth]\njwks_file = \"/k\"\n");
    let environment = variables(&[
        ("LOTSE__SERVER__MAX_OPEN_STREAMS", "6"),
        ("LOTSE__SERVER__GRPC", "0.0.0.0:7070"),
        ("LOTSE_TEST_POSTGRES_URL", "is no setting"),
    ]);
    let settings = Settings::load(Sources::new().file(file.path()).environment(environment));
    let settings = settings.unwrap();
    assert_eq!(settings.server.serving.drain, Duration::from_secs(7));
    assert_eq!(settings.server.serving.max_open_streams, 6);
    assert_eq!(settings.server.serving.max_concurrent_calls, 1024);
    assert_eq!(settings.server.grpc.to_string(), "0.0.0.0:7070");
    assert!(!settings.auth.authenticator().is_local());
}

#[test]
fn all_problems_are_reported_at_once_with_their_keys() {
    let file = file(
        r#"
[server]
gprc = "127.0.0.1:1"
http = "nowhere"
drain = "soon"
max_concurrent_calls = 0
[database]
url = "mysql://u:hunter2@db/x"
[auth]
jwks_file = "/k"
jwks_url = "ftp://x"
audience = ""
[telemetry]
log_format = "xml"
otlp_endpoint = "https://collector:4317"
sample_ratio = 2
[surprise]
a = 1
"#,
    );
    let environment = variables(&[
        ("LOTSE__PEERS__SLA", "sla:7070"),
        ("LOTSE__REDIS__UR", "redis://x"),
    ]);
    let problems = Settings::load(Sources::new().file(file.path()).environment(environment));
    let problems = problems.unwrap_err();
    let keys: Vec<&str> = problems
        .list()
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "auth.audience",
            "auth.jwks_url",
            "database.url",
            "peers.sla",
            "redis.ur",
            "server.drain",
            "server.gprc",
            "server.http",
            "server.max_concurrent_calls",
            "surprise",
            "telemetry.log_format",
            "telemetry.otlp_endpoint",
            "telemetry.sample_ratio",
        ]
    );
    let text = problems.to_string();
    assert!(
        text.contains("server.gprc: is not known; did you mean grpc?"),
        "{text}"
    );
    assert!(
        text.contains("redis.ur: is not known; did you mean url?"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn address_open_to_all_without_authentication_is_a_problem() {
    let environment = variables(&[("LOTSE__SERVER__GRPC", "0.0.0.0:7070")]);
    let problems = Settings::load(Sources::new().environment(environment)).unwrap_err();
    assert_eq!(problems.list().len(), 1);
    assert!(
        problems.to_string().contains("auth.jwks_file"),
        "{problems}"
    );
}

#[test]
fn missing_and_broken_files_are_named() {
    let problems = Settings::load(
        Sources::new()
            .file("/does/not/exist.toml")
            .environment(HashMap::new()),
    );
    assert!(
        problems
            .unwrap_err()
            .to_string()
            .contains("/does/not/exist.toml: cannot be read")
    );
    let broken = file("[server\n");
    let environment = variables(&[("LOTSE__SERVER__DRAIN", "soon")]);
    let problems = Settings::load(Sources::new().file(broken.path()).environment(environment));
    let problems = problems.unwrap_err();
    assert_eq!(problems.list().len(), 2, "{problems}");
}

#[test]
fn serve_needs_postgres_and_redis() {
    let load = |environment| {
        Settings::load_with(
            Sources::new().environment(environment),
            |draft, problems| {
                problems.take(draft.check_for_serve());
            },
        )
    };
    // Together with whatever else is wrong.
    let problems = load(variables(&[("LOTSE__SERVER__DRAIN", "soon")])).unwrap_err();
    let keys: Vec<&str> = problems
        .list()
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["database.url", "redis.url", "server.drain"]);
    let environment = variables(&[
        ("LOTSE__DATABASE__URL", "postgres://u:p@db/lotse"),
        ("LOTSE__REDIS__URL", "redis://cache:6379/0"),
    ]);
    assert!(load(environment).is_ok());
}

#[test]
fn printed_settings_hold_no_secret() {
    let environment = variables(&[
        ("LOTSE__DATABASE__URL", "postgres://u:hunter2@db/lotse"),
        ("LOTSE__REDIS__URL", "redis://:hunter2@cache/0"),
        ("LOTSE__AUTH__JWKS_FILE", "/k"),
        ("LOTSE__AUTH__PSEUDONYM_KEY", "hunter2"),
        ("LOTSE__SURVEY__LINK_KEY", "hunter2"),
    ]);
    let settings = Settings::load(Sources::new().environment(environment)).unwrap();
    let printed = format!("{settings:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("postgres://u:***@db/lotse"), "{printed}");
}

#[test]
fn section_of_a_service_comes_in_its_own_type_and_names_a_wrong_key() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Insight {
        batch: u32,
    }
    let environment = variables(&[("LOTSE__INSIGHT__BATCH", "7")]);
    let settings = Settings::load(Sources::new().environment(environment)).unwrap();
    assert_eq!(settings.section::<Insight>("insight").unwrap().batch, 7);
    let environment = variables(&[("LOTSE__INSIGHT__BACTH", "7")]);
    let settings = Settings::load(Sources::new().environment(environment)).unwrap();
    let problems = settings.section::<Insight>("insight").unwrap_err();
    assert!(problems.to_string().contains("bacth"), "{problems}");
}
