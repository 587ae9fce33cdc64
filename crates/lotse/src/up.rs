//! `lotse up`: all services in one process, on an embedded database.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_db::{Db, DbConfig, meta};
use lotse_gateway::Peers;
use lotse_grpc::{Server, bind};
use tempfile::TempDir;

use crate::cli::Up;
use crate::demo::Demo;
use crate::host::{Host, Page};
use crate::suite::{self, Behaviour, Parts};
use crate::{config, keys, seed};

/// Where the data are when nobody says.
const FOLDER: &str = "lotse-data";

/// The database of a data folder.
pub fn database_file(folder: &Path) -> PathBuf {
    folder.join("lotse.db")
}

/// Runs until a signal asks it to end.
///
/// # Errors
/// When an address is taken, the folder cannot be used, or its database is not one for this.
#[allow(clippy::print_stdout, reason = "whoever started it waits for `ready`")]
pub async fn run(args: &Up) -> Result<()> {
    let telemetry = lotse_telemetry::init(&lotse_telemetry::Config {
        log_filter: std::env::var("LOTSE__TELEMETRY__LOG_FILTER").unwrap_or("warn".to_owned()),
        ..lotse_telemetry::Config::default()
    })?;
    let grpc = bind(args.grpc).await?;
    let (http, public_http) = (bind(args.http).await?, bind(args.public_http).await?);
    let folder = Folder::open(args)?;

    let file = database_file(folder.path());
    let db = Db::connect(&DbConfig::new(format!("sqlite://{}", file.display()))).await?;
    lotse_db::migrate(&db, suite::migrations()).await?;
    let demo = if args.demo {
        Some(Demo::open(&db).await?)
    } else {
        None
    };
    if demo.is_none() && meta::manual_clock(db.reader()).await?.is_some() {
        bail!(
            "{} lives on a clock of its own: it holds a demo or a replay",
            file.display()
        );
    }
    let clock = demo
        .as_ref()
        .map_or_else(BusinessClock::system, Demo::clock);

    let parts = Parts::open(db, clock.clone(), None).await?;
    let behaviour = Behaviour {
        // Where notices may go is for whoever runs it to say.
        sla: config::sla_of_environment()?,
        ..Behaviour::new(keys::of_folder(folder.path())?)
    };
    let mut server = Server::new(
        lotse_grpc::Config::default(),
        Authenticator::local(),
        suite::services(&parts, &behaviour),
    )?;
    let channel = Channel::in_process(server.stack());
    parts.connect(&channel);
    server.readiness().set_all(true);

    let supervisor = parts.supervisor.clone();
    supervisor.spawn_task("metrics", telemetry.metrics().keep_up());
    if let Some(demo) = demo {
        let jobs = server.take_jobs();
        println!("demo       filling in a day");
        demo.start(&parts, channel.clone(), jobs, &supervisor)
            .await?;
    } else {
        seed::defaults(&channel).await?;
    }
    let gateway = lotse_gateway::build(
        lotse_gateway::Deps {
            peers: Peers::all(&channel),
            clock,
            metrics: Some(telemetry.metrics()),
        },
        lotse_gateway::Config::default(),
    );
    for job in gateway.jobs() {
        supervisor.spawn(job);
    }
    println!("grpc       {}", grpc.local_addr()?);
    println!("console    http://{}/", http.local_addr()?);
    println!("surveys    http://{}/s/…", public_http.local_addr()?);
    println!("data       {}", folder.path().display());
    println!("ready");
    let pages = vec![
        Page::new("console", http, gateway.internal()),
        Page::new("public", public_http, gateway.public()),
    ];
    Host {
        server,
        grpc,
        pages,
        supervisor,
    }
    .run()
    .await?;
    parts.db.close().await?;
    telemetry.shutdown().await;
    Ok(())
}

/// Where the data are.
enum Folder {
    /// Locked, so that a second `up` does not quarrel over it.
    Kept { path: PathBuf, _lock: File },
    /// Of a demo: gone when it ends.
    Scratch(TempDir),
}

impl Folder {
    fn open(args: &Up) -> Result<Self> {
        let path = match &args.data_dir {
            Some(path) => path.clone(),
            None if args.demo => {
                let scratch = tempfile::Builder::new().prefix("lotse-demo-").tempdir();
                return Ok(Self::Scratch(
                    scratch.context("no folder for the demo's data")?,
                ));
            }
            None => PathBuf::from(FOLDER),
        };
        let unusable = || format!("the data folder {} cannot be used", path.display());
        std::fs::create_dir_all(&path).with_context(unusable)?;
        let lock = File::create(path.join("lotse.lock")).with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self::Kept { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "the data folder {} is in use by another `lotse up`",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(unusable),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept { path, .. } => path,
            Self::Scratch(scratch) => scratch.path(),
        }
    }
}
