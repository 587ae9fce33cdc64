//! The suite in this process, on SQLite and a clock of the test's choice.

use std::sync::Arc;

use lotse::suite::{self, Behaviour, Parts};
use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_db::{Db, DbConfig};
use lotse_grpc::Server;
use lotse_supervise::Job;
use lotse_survey::{LinkKey, LinkKeys};
use tempfile::TempDir;

/// A migrated database in a folder that goes with it.
pub(crate) struct Store {
    pub(crate) db: Db,
    folder: TempDir,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder).await;
        lotse_db::migrate(&db, suite::migrations()).await.unwrap();
        Self { db, folder }
    }

    /// The same database, opened anew.
    pub(crate) async fn again(self) -> Self {
        self.db.close().await.unwrap();
        let Self { db: _, folder } = self;
        Self {
            db: open(&folder).await,
            folder,
        }
    }
}

async fn open(folder: &TempDir) -> Db {
    let url = format!("sqlite://{}", folder.path().join("lotse.db").display());
    Db::connect(&DbConfig::new(url)).await.unwrap()
}

/// The services over a database, called without a socket; nothing runs by itself.
pub(crate) struct Stage {
    pub(crate) parts: Parts,
    pub(crate) channel: Channel,
    pub(crate) jobs: Vec<Arc<dyn Job>>,
    _server: Server,
}

impl Stage {
    pub(crate) async fn new(db: &Db, clock: BusinessClock) -> Self {
        let parts = Parts::open(db.clone(), clock, None).await.unwrap();
        let key = LinkKey {
            id: "test".into(),
            secret: vec![7; 32],
        };
        let behaviour = Behaviour::new(LinkKeys::new(vec![key]).unwrap());
        let services = suite::services(&parts, &behaviour);
        let config = lotse_grpc::Config::default();
        let mut server = Server::new(config, Authenticator::local(), services).unwrap();
        server.readiness().set_all(true);
        let jobs = server.take_jobs();
        let channel = Channel::in_process(server.stack());
        parts.connect(&channel);
        Self {
            channel,
            parts,
            jobs,
            _server: server,
        }
    }
}
