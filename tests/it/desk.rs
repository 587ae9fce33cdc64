//! All services in one process, on a manual clock that the test moves.

use std::time::Duration;

use lotse::suite::{self, Behaviour, Parts};
use lotse_client::Channel;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_survey::{LinkKey, LinkKeys};
use lotse_testkit::{InProcess, TestDb};
use lotse_throwaway::Redis;

use crate::clients::Clients;

/// Monday, 2 March 2026, 09:00 UTC.
pub(crate) const OPENING: Timestamp = Timestamp::from_millis(1_772_442_000_000);

/// A minute.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// An hour.
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// A day of 24 hours.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The suite, and everything it stands on.
pub(crate) struct Desk {
    pub(crate) clients: Clients,
    pub(crate) parts: Parts,
    pub(crate) suite: InProcess,
    // Ends after those who use it.
    _db: TestDb,
    _redis: Option<Redis>,
}

impl Desk {
    /// As `lotse up` has it.
    pub(crate) async fn sqlite() -> Self {
        Self::sqlite_with(&behaviour()).await
    }

    /// The same, configured otherwise.
    pub(crate) async fn sqlite_with(behaviour: &Behaviour) -> Self {
        let db = lotse_testkit::sqlite(suite::migrations).await;
        Self::open(db, None, behaviour).await
    }

    /// As a cluster has it; `None` where one of the two is not installed. The keys in Redis have
    /// the suite's own prefix, so each desk has a server of its own.
    pub(crate) async fn postgres_and_redis() -> Option<Self> {
        Self::postgres_and_redis_with(&behaviour()).await
    }

    /// The same, configured otherwise.
    pub(crate) async fn postgres_and_redis_with(behaviour: &Behaviour) -> Option<Self> {
        let db = lotse_testkit::postgres(suite::migrations).await?;
        Some(Self::open(db, Some(lotse_testkit::own_redis()?), behaviour).await)
    }

    async fn open(db: TestDb, redis: Option<Redis>, behaviour: &Behaviour) -> Self {
        let clock = BusinessClock::manual(OPENING);
        let url = redis.as_ref().map(Redis::url);
        let parts = Parts::open(db.db(), clock.clone(), url.as_deref())
            .await
            .unwrap();
        let suite = InProcess::new(clock, suite::services(&parts, behaviour));
        let channel = Channel::in_process(suite.stack());
        parts.connect(&channel);
        Self {
            clients: Clients::of(&channel),
            parts,
            suite,
            _db: db,
            _redis: redis,
        }
    }

    /// Lets the services do what there is to do now.
    pub(crate) async fn settle(&self) {
        self.suite.settle().await;
    }

    /// Lets time pass until `after` the opening.
    pub(crate) async fn until(&self, after: Duration) {
        self.suite.advance_to(OPENING + after).await;
    }
}

/// The defaults, with a key for the links of surveys.
pub(crate) fn behaviour() -> Behaviour {
    let key = LinkKey {
        id: "test".into(),
        secret: vec![7; 32],
    };
    Behaviour::new(LinkKeys::new(vec![key]).unwrap())
}

/// Makes of `async fn claim(desk: Desk)` two tests: `claim::sqlite` and
/// `claim::postgres_and_redis`.
macro_rules! on_both {
    ($($claim:ident),+ $(,)?) => {$(
        mod $claim {
            use crate::desk::Desk;

            #[tokio::test]
            async fn sqlite() {
                Box::pin(super::$claim(Desk::sqlite().await)).await;
            }

            #[tokio::test]
            async fn postgres_and_redis() {
                if let Some(desk) = Desk::postgres_and_redis().await {
                    Box::pin(super::$claim(desk)).await;
                }
            }
        }
    )+};
}
pub(crate) use on_both;
