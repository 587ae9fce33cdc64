//! The services of a replay: the real ones, in this process, on a manual clock, and called over gRPC
//! without a socket between.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::{Db, DbConfig, Durability, meta};
use lotse_grpc::Server;
use lotse_supervise::Stepper;

use super::calls::Calls;
use super::play::Settled;
use crate::keys;
use crate::suite::{self, Behaviour, Parts};

/// How long the database or Redis may stay away in the middle of a replay.
const PATIENCE: u32 = 120;

/// Services under way.
pub(crate) struct Stage {
    pub(crate) clock: BusinessClock,
    pub(crate) calls: Calls,
    db: Db,
    stepper: Stepper,
    parts: Parts,
}

impl Stage {
    /// Opens the services on `database`: a new one at `start`, one of an earlier run where its
    /// clock stood.
    pub(crate) async fn open(
        database: &str,
        redis: Option<&str>,
        start: Timestamp,
    ) -> Result<Self> {
        // A power failure leaves an earlier state of everything, and the replay goes on from there.
        let config = DbConfig {
            durability: Durability::Process,
            cache_mib: 256,
            ..DbConfig::new(database)
        };
        let db = Db::connect_patiently(&config).await?;
        lotse_db::migrate(&db, suite::migrations()).await?;
        let stood = meta::manual_clock(db.reader()).await?;
        let fresh = stood.is_none();
        let clock = BusinessClock::manual(stood.unwrap_or(start));
        let parts = Parts::open_alone(db.clone(), clock.clone(), redis).await?;
        if fresh {
            let new = parts.is_new().await?;
            ensure!(
                new,
                "this database lives on real time: a replay needs one of its own"
            );
            mark(&db, start).await?;
        }
        let services = suite::services(&parts, &Behaviour::recorded(keys::throwaway()?));
        let mut server = Server::new(
            lotse_grpc::Config::default(),
            Authenticator::local(),
            services,
        )?;
        server.readiness().set_all(true);
        let stepper = Stepper::new(clock.clone(), server.take_jobs())?;
        let channel = Channel::in_process(server.stack());
        parts.connect(&channel);
        let calls = Calls::new(channel);
        Ok(Self {
            clock,
            calls,
            db,
            stepper,
            parts,
        })
    }

    /// Lets every consumer and timer do what there is to do now.
    pub(crate) async fn settle(&self) -> Result<Settled> {
        self.advance_to(self.clock.now()).await
    }

    /// Lets time pass until `to`, stopping at every timer on the way, and notes how far it came:
    /// all commands before are answered, so a run after a crash begins here.
    pub(crate) async fn advance_to(&self, to: Timestamp) -> Result<Settled> {
        let mut tries = 0;
        loop {
            match self.try_to_advance(to).await {
                Ok(settled) => return Ok(settled),
                Err(error) if tries < PATIENCE => {
                    tries += 1;
                    tracing::warn!(error = format!("{error:#}"), "not settled; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(error).context("the services do not come to rest"),
            }
        }
    }

    async fn try_to_advance(&self, to: Timestamp) -> Result<Settled> {
        self.stepper.advance_to(to).await?;
        let next_due = self.stepper.settle().await?;
        mark(&self.db, to).await?;
        Ok(Settled { at: to, next_due })
    }

    /// Ends the services.
    pub(crate) async fn close(self) {
        if let Err(unfinished) = self
            .parts
            .supervisor
            .shutdown(Duration::from_secs(10))
            .await
        {
            tracing::warn!(%unfinished, "the replay's services did not end in time");
        }
    }
}

async fn mark(db: &Db, now: Timestamp) -> Result<()> {
    db.in_tx(|tx| async move { meta::set_manual_clock(&tx, now).await })
        .await
        .context("cannot note the clock")
}
