//! All services in one process on servers of the test's own, with their jobs running by
//! themselves.

use std::time::Duration;

use lotse::suite::{self, Parts};
use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_db::{Db, DbConfig};
use lotse_grpc::{Config, Server};
use lotse_throwaway::{Postgres, Redis};

use crate::clients::Clients;
use crate::desk::{OPENING, behaviour};

/// The services at work.
pub(crate) struct Live {
    pub(crate) clients: Clients,
    pub(crate) parts: Parts,
}

impl Live {
    /// Starts them on an empty database, on a manual clock: the jobs run in real time, and what is
    /// due is decided by the test.
    pub(crate) async fn start(postgres: &Postgres, redis: &Redis) -> Self {
        Self::start_at(postgres, &redis.url()).await
    }

    /// The same, with Redis at `redis`.
    pub(crate) async fn start_at(postgres: &Postgres, redis: &str) -> Self {
        // Less than callers wait, so that they learn that it is away.
        let acquire_timeout = Duration::from_secs(1);
        let config = DbConfig {
            acquire_timeout,
            ..DbConfig::new(postgres.url())
        };
        let db = Db::connect(&config).await.unwrap();
        lotse_db::migrate(&db, suite::migrations()).await.unwrap();
        let clock = BusinessClock::manual(OPENING);
        let parts = Parts::open(db, clock, Some(redis)).await.unwrap();
        let services = suite::services(&parts, &behaviour());
        let mut server = Server::new(Config::default(), Authenticator::local(), services).unwrap();
        for job in server.take_jobs() {
            parts.supervisor.spawn(job);
        }
        let channel = Channel::in_process(server.stack());
        parts.connect(&channel);
        Self {
            clients: Clients::of(&channel),
            parts,
        }
    }

    /// Ends the jobs.
    pub(crate) async fn stop(self) {
        self.parts
            .supervisor
            .shutdown(Duration::from_secs(20))
            .await
            .unwrap();
        self.parts.db.close().await.unwrap();
    }
}
