//! `lotse serve`: one service of a cluster, on PostgreSQL and Redis.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use async_trait::async_trait;
use lotse_clock::BusinessClock;
use lotse_config::Settings;
use lotse_db::{Db, meta};
use lotse_gateway::Peers;
use lotse_grpc::{Readiness, Server, Service, bind};
use lotse_supervise::{BoxError, Job, Step, Supervisor};
use lotse_telemetry::{Metrics, Telemetry};
use tokio::net::TcpListener;
use tokio::sync::{Notify, OnceCell};

use crate::cli::Serve;
use crate::host::{Host, Page};
use crate::suite::{self, Behaviour, Name, Parts};
use crate::{config, operations};

/// The service that has no tables.
const GATEWAY: &str = "gateway";
/// How often a dependency is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs until a signal asks it to end.
///
/// # Errors
/// When the configuration is wrong (all of it at once), an address is taken, or the database has
/// another schema than this program.
pub async fn run(args: &Serve) -> Result<()> {
    let file = args.configured.config.as_deref();
    if args.service == GATEWAY {
        let (settings, own) = config::load_for_gateway(file)?;
        let telemetry = report(args, &settings)?;
        gateway(&settings, own, telemetry.metrics()).await?;
        telemetry.shutdown().await;
    } else {
        let name = args.service.parse()?;
        let (settings, behaviour) = config::load_for_service(file)?;
        let telemetry = report(args, &settings)?;
        Box::pin(serve(name, &settings, &behaviour, telemetry.metrics())).await?;
        telemetry.shutdown().await;
    }
    Ok(())
}

fn report(args: &Serve, settings: &Settings) -> Result<Telemetry> {
    Ok(lotse_telemetry::init(&lotse_telemetry::Config {
        service: format!("lotse-{}", args.service),
        ..settings.telemetry.clone()
    })?)
}

async fn serve(
    name: Name,
    settings: &Settings,
    behaviour: &Behaviour,
    metrics: Metrics,
) -> Result<()> {
    let auth = settings.auth.authenticator();
    let grpc = bind(settings.server.grpc).await?;
    let http = bind(settings.server.http).await?;
    let clock = BusinessClock::system();

    let (grpc, opened) = waiting_room(name, settings, grpc, open(settings, &clock)).await?;
    let mut parts = opened?;
    let to = |uri: &str| lotse_client::connect(&settings.peers.target(uri));
    parts.peers = lotse_sla::Peers {
        intake: to(&settings.peers.intake)?,
        routing: to(&settings.peers.routing)?,
    };
    let mut service = suite::service(name, &parts, behaviour);
    service.jobs.extend(parts.journal.jobs());
    let server = Server::new(settings.server.serving.clone(), auth, vec![service])?;
    let readiness = server.readiness();
    let supervisor = parts.supervisor.clone();
    supervisor.spawn_task("metrics", metrics.clone().keep_up());
    supervisor.spawn(Arc::new(Watch::new(name, parts.clone(), readiness.clone())));
    let pages = vec![Page::new(
        "operations",
        http,
        operations::router(metrics, readiness),
    )];
    Host {
        server,
        grpc,
        pages,
        supervisor,
    }
    .run()
    .await?;
    parts.db.close().await?;
    Ok(())
}

/// Waits for the database as long as it takes, and refuses one that is not for this.
async fn open(settings: &Settings, clock: &BusinessClock) -> Result<Parts> {
    let db = Db::connect_patiently(&config::database(settings)).await?;
    let pending = lotse_db::pending(&db, suite::migrations()).await?;
    ensure!(
        pending.is_empty(),
        "the database lacks migrations, run `lotse migrate`: {}",
        pending.join(", ")
    );
    if meta::manual_clock(db.reader()).await?.is_some() {
        bail!("this database lives on a clock of its own: it holds a demo or a replay");
    }
    Parts::open(db, clock.clone(), Some(settings.redis.url.expose())).await
}

/// Answers health (alive, not ready) while `work` waits for what it depends on, so that nobody
/// restarts a process that is only waiting. Gives the listener back.
async fn waiting_room<T>(
    name: Name,
    settings: &Settings,
    listener: TcpListener,
    work: impl Future<Output = T>,
) -> Result<(TcpListener, T)> {
    let listener = listener.into_std()?;
    let waiting = TcpListener::from_std(listener.try_clone()?)?;
    let serving = lotse_grpc::Config {
        lame_duck: Duration::ZERO,
        drain: Duration::from_secs(1),
        ..settings.server.serving.clone()
    };
    let auth = settings.auth.authenticator();
    let room = Server::new(serving, auth, vec![Service::new(name.as_str())])?;
    let supervisor = Supervisor::new(BusinessClock::system());
    let opened = Notify::new();
    let work = async {
        let done = work.await;
        opened.notify_one();
        done
    };
    let (room, done) = tokio::join!(room.serve(waiting, &supervisor, opened.notified()), work);
    if let Err(error) = room {
        tracing::debug!(%error, "the waiting room closed late");
    }
    Ok((TcpListener::from_std(listener)?, done))
}

/// Keeps readiness true to what the service depends on.
///
/// A replica is ready once it has reached the database and Redis, and stays so as long as it
/// reaches the database. Losing Redis later delays timers by a second or two and no more, which is
/// no reason to take a whole service away.
struct Watch {
    name: Name,
    parts: Parts,
    readiness: Readiness,
    redis_met: OnceCell<()>,
}

impl Watch {
    fn new(name: Name, parts: Parts, readiness: Readiness) -> Self {
        Self {
            name,
            parts,
            readiness,
            redis_met: OnceCell::new(),
        }
    }

    async fn look(&self) -> Result<(), BoxError> {
        self.parts.db.ping().await?;
        let meet = || async {
            self.parts
                .timers
                .next_due(self.name.as_str())
                .await
                .map(|_| ())
        };
        self.redis_met.get_or_try_init(meet).await?;
        Ok(())
    }
}

#[async_trait]
impl Job for Watch {
    fn name(&self) -> &str {
        "readiness"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let outcome = self.look().await;
        self.readiness.set(self.name.as_str(), outcome.is_ok());
        outcome.map(|()| Step::Idle { until: None })
    }

    fn poll_every(&self) -> Duration {
        LOOK_EVERY
    }
}

async fn gateway(settings: &Settings, own: lotse_gateway::Config, metrics: Metrics) -> Result<()> {
    let grpc = bind(settings.server.grpc).await?;
    let (http, public) = (
        bind(settings.server.http).await?,
        bind(settings.server.public_http).await?,
    );
    let clock = BusinessClock::system();
    let to = |uri: &str| lotse_client::connect(&settings.peers.target(uri));
    let peers = Peers {
        intake: to(&settings.peers.intake)?,
        routing: to(&settings.peers.routing)?,
        sla: to(&settings.peers.sla)?,
        survey: to(&settings.peers.survey)?,
        insight: to(&settings.peers.insight)?,
    };
    let deps = lotse_gateway::Deps {
        peers,
        clock: clock.clone(),
        metrics: Some(metrics),
    };
    let auth = settings.auth.authenticator();
    lotse_auth::require_auth_or_loopback(http.local_addr()?, &auth)?;
    let gateway = lotse_gateway::build(deps, own).authenticated_by(auth.clone());
    // Its gRPC port answers health and nothing else.
    let service = gateway.service();
    let server = Server::new(settings.server.serving.clone(), auth, vec![service])?;
    server.readiness().set_all(true);
    let gateway = gateway.watching(server.readiness());
    let pages = vec![
        Page::new("internal", http, gateway.internal()),
        Page::new("public", public, gateway.public()),
    ];
    let supervisor = Supervisor::new(clock);
    Host {
        server,
        grpc,
        pages,
        supervisor,
    }
    .run()
    .await
}
