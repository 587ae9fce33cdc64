//! The settings that services share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::Config;
use lotse_auth::{Authenticator, KeySource, TokenConfig};
use lotse_client::{Target, Token};
use lotse_telemetry::LogFormat;
use serde::de::DeserializeOwned;
use url::Url;

use crate::reader::Reader;
use crate::{Problems, Secret, SecretUrl, Sources};

/// All settings; the services' own come out of [`Settings::section`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[database]`
    pub database: Database,
    /// `[redis]`
    pub redis: Redis,
    /// `[server]`
    pub server: Server,
    /// `[auth]`
    pub auth: Auth,
    /// `[peers]`
    pub peers: Peers,
    /// `[telemetry]`
    pub telemetry: lotse_telemetry::Config,
    sections: Sections,
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// Empty when not set.
    pub url: SecretUrl,
    /// Connections for transactions.
    pub max_connections: u32,
    /// Connections for reading.
    pub reader_connections: u32,
    /// How long to wait for a connection.
    pub acquire_timeout: Duration,
    /// Longest run of one statement.
    pub statement_timeout: Duration,
}

/// `[redis]`
#[derive(Debug, Clone)]
pub struct Redis {
    /// Empty when not set.
    pub url: SecretUrl,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// Where gRPC listens.
    pub grpc: SocketAddr,
    /// Where the internal HTTP listens.
    pub http: SocketAddr,
    /// Where the public HTTP listens.
    pub public_http: SocketAddr,
    /// How gRPC is served.
    pub serving: lotse_grpc::Config,
}

/// `[auth]`
#[derive(Debug, Clone)]
pub struct Auth {
    /// How tokens are checked; `None` without authentication. It holds `pseudonym_key`.
    pub tokens: Option<TokenConfig>,
}

impl Auth {
    /// What finds out who calls.
    pub fn authenticator(&self) -> Authenticator {
        self.tokens
            .clone()
            .map_or_else(Authenticator::local, Authenticator::tokens)
    }
}

/// `[peers]`
#[derive(Debug, Clone)]
pub struct Peers {
    /// `intake`
    pub intake: String,
    /// `routing`
    pub routing: String,
    /// `sla`
    pub sla: String,
    /// `survey`
    pub survey: String,
    /// `insight`
    pub insight: String,
    /// The token that peers are shown.
    pub token_file: Option<PathBuf>,
}

impl Peers {
    /// The target at one of the addresses.
    pub fn target(&self, uri: &str) -> Target {
        let token = self.token_file.clone().map_or(Token::Absent, Token::File);
        Target::new(uri).with_token(token)
    }
}

/// The merged values, kept for the services' sections. Never printed: they hold secrets.
#[derive(Clone)]
struct Sections(Config);

impl Sections {
    fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Problems> {
        self.0.get(name).map_err(|error| {
            let mut problems = Problems::default();
            problems.add(name, error.to_string());
            problems
        })
    }
}

/// Settings whose problems are not all known yet, for whoever needs more of them.
pub struct Draft<'a> {
    database: &'a Database,
    redis: &'a Redis,
    sections: &'a Sections,
}

impl Draft<'_> {
    /// As [`Settings::section`].
    ///
    /// # Errors
    /// What is wrong, with its key.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, Problems> {
        self.sections.get(name)
    }

    /// What `lotse serve` needs beyond `lotse up`: replicas share PostgreSQL and Redis.
    ///
    /// # Errors
    /// All that is missing, at once.
    pub fn check_for_serve(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let postgres = ["postgres", "postgresql"].contains(&self.database.url.scheme());
        let needed = "serve needs PostgreSQL, as in postgres://user:password@host/database";
        problems.require("database.url", postgres, needed);
        let needed = "serve needs Redis, as in redis://host:6379/0";
        problems.require("redis.url", !self.redis.url.is_empty(), needed);
        problems.or(())
    }
}

impl std::fmt::Debug for Sections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn load(sources: Sources) -> Result<Self, Problems> {
        Self::load_with(sources, |_, _| ())
    }

    /// As [`Settings::load`], together with what `check` finds wrong.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn load_with(
        sources: Sources,
        check: impl FnOnce(&Draft<'_>, &mut Problems),
    ) -> Result<Self, Problems> {
        let (config, problems) = sources.merge()?;
        let mut reader = Reader::new(&config, problems);
        let database = database(&mut reader);
        let redis = redis(&mut reader);
        let server = server(&mut reader);
        let auth = auth(&mut reader);
        let peers = peers(&mut reader);
        let telemetry = telemetry(&mut reader);
        let mut problems = reader.problems;
        if let Some(server) = &server {
            let open = lotse_auth::require_auth_or_loopback(server.grpc, &auth.authenticator());
            if let Err(open) = open {
                problems.add("server.grpc", open.to_string());
            }
        }
        let sections = Sections(config);
        let draft = Draft {
            database: &database,
            redis: &redis,
            sections: &sections,
        };
        check(&draft, &mut problems);
        match server {
            Some(server) => problems.or(Self {
                database,
                redis,
                server,
                auth,
                peers,
                telemetry,
                sections,
            }),
            // Addresses are missing, so their problems are there.
            None => problems.or(()).and_then(|()| unreadable()),
        }
    }

    /// The section of a service (`sla`), in its own type. Give it `#[serde(default)]` and
    /// `#[serde(deny_unknown_fields)]`.
    ///
    /// # Errors
    /// What is wrong, with its key.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, Problems> {
        self.sections.get(name)
    }
}

fn unreadable<T>() -> Result<T, Problems> {
    let mut problems = Problems::default();
    problems.add("server", "cannot be read");
    Err(problems)
}

fn database(reader: &mut Reader<'_>) -> Database {
    let url = SecretUrl::new(reader.text("database.url"));
    let schemes = ["", "postgres", "postgresql", "sqlite"];
    let known = schemes.contains(&url.scheme()) && (url.is_empty() || !url.scheme().is_empty());
    reader.problems.require(
        "database.url",
        known,
        "must begin with postgres:// or sqlite://",
    );
    Database {
        url,
        max_connections: reader.number("database.max_connections", 1..=1000),
        reader_connections: reader.number("database.reader_connections", 1..=1000),
        acquire_timeout: reader.span("database.acquire_timeout"),
        statement_timeout: reader.span("database.statement_timeout"),
    }
}

fn redis(reader: &mut Reader<'_>) -> Redis {
    let url = SecretUrl::new(reader.text("redis.url"));
    let known = url.is_empty() || ["redis", "rediss"].contains(&url.scheme());
    reader
        .problems
        .require("redis.url", known, "must begin with redis:// or rediss://");
    Redis { url }
}

fn server(reader: &mut Reader<'_>) -> Option<Server> {
    let what = "an address and a port such as 127.0.0.1:7070";
    let grpc = reader.parse("server.grpc", what);
    let http = reader.parse("server.http", what);
    let public_http = reader.parse("server.public_http", what);
    let serving = lotse_grpc::Config {
        default_deadline: reader.span("server.default_deadline"),
        max_message_bytes: reader.number(
            "server.max_message_bytes",
            1024..=lotse_grpc::MAX_DECODED_BYTES,
        ),
        max_concurrent_calls: reader.number("server.max_concurrent_calls", 1..=1_000_000),
        max_open_streams: reader.number("server.max_open_streams", 1..=1_000_000),
        max_per_connection: reader.number("server.max_per_connection", 1..=1_000_000),
        keepalive_interval: reader.span("server.keepalive_interval"),
        keepalive_timeout: reader.span("server.keepalive_timeout"),
        max_connection_age: reader.span("server.max_connection_age"),
        lame_duck: reader.duration("server.lame_duck"),
        drain: reader.span("server.drain"),
    };
    let fits = serving.lame_duck < serving.drain || serving.drain.is_zero();
    reader.problems.require(
        "server.lame_duck",
        fits,
        "must be shorter than server.drain",
    );
    Some(Server {
        grpc: grpc?,
        http: http?,
        public_http: public_http?,
        serving,
    })
}

fn auth(reader: &mut Reader<'_>) -> Auth {
    let file = reader.path("auth.jwks_file").map(KeySource::File);
    let url = reader
        .optional("auth.jwks_url")
        .and_then(|url| match Url::parse(&url) {
            Ok(url) if ["http", "https"].contains(&url.scheme()) => Some(KeySource::Url(url)),
            _ => {
                reader
                    .problems
                    .add("auth.jwks_url", "must be an https:// or http:// URL");
                None
            }
        });
    let both = file.is_some() && url.is_some();
    reader.problems.require(
        "auth.jwks_url",
        !both,
        "cannot be set together with auth.jwks_file",
    );
    let audience = reader.required("auth.audience");
    let issuer = reader.optional("auth.issuer");
    let leeway = reader.duration("auth.leeway");
    let refresh = reader.span("auth.refresh");
    let pseudonym_key = Secret::new(reader.text("auth.pseudonym_key"));
    let tokens = file.or(url).map(|keys| TokenConfig {
        keys,
        audience,
        issuer,
        leeway,
        refresh,
        pseudonym_key: pseudonym_key.expose().as_bytes().to_vec(),
    });
    Auth { tokens }
}

fn peers(reader: &mut Reader<'_>) -> Peers {
    let mut uri = |key: &str| {
        let uri = reader.text(key);
        let good = Url::parse(&uri).is_ok_and(|url| url.scheme() == "http" && url.has_host());
        reader
            .problems
            .require(key, good, "must be a URL such as http://sla:7070");
        uri
    };
    Peers {
        intake: uri("peers.intake"),
        routing: uri("peers.routing"),
        sla: uri("peers.sla"),
        survey: uri("peers.survey"),
        insight: uri("peers.insight"),
        token_file: reader.path("peers.token_file"),
    }
}

fn telemetry(reader: &mut Reader<'_>) -> lotse_telemetry::Config {
    let log_format = match reader.text("telemetry.log_format").as_str() {
        "json" => LogFormat::Json,
        "human" => LogFormat::Human,
        _ => {
            reader
                .problems
                .add("telemetry.log_format", "must be human or json");
            LogFormat::Human
        }
    };
    let log_filter = reader.required("telemetry.log_filter");
    let otlp_endpoint = reader.optional("telemetry.otlp_endpoint");
    let good = otlp_endpoint.as_deref().is_none_or(is_plain_http);
    reader.problems.require(
        "telemetry.otlp_endpoint",
        good,
        "must be a URL such as http://otel:4317",
    );
    lotse_telemetry::Config {
        log_format,
        log_filter,
        otlp_endpoint,
        otlp_timeout: reader.span("telemetry.otlp_timeout"),
        sample_ratio: reader.number("telemetry.sample_ratio", 0.0..=1.0),
        ..lotse_telemetry::Config::default()
    }
}

/// Whether it is the URL of a server that is spoken to without TLS, as between services so far.
fn is_plain_http(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "http" && url.has_host())
}
