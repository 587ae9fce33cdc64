//! The real service on a scratch database: tickets are journaled one by one, as intake does, and
//! each is waited for until its assignment has been committed.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_auth::Authenticator;
use lotse_clock::{BusinessClock, SystemClock};
use lotse_db::{Db, DbConfig};
use lotse_grpc::Server;
use lotse_ids::TicketId;
use lotse_journal::{Body, Draft, Journal, Origin};
use lotse_proto::common::v1::{Channel, Priority};
use lotse_proto::journal::v1::TicketCreated;
use lotse_routing::bench::{Arriving, Latency, Size, look_through, seed};

use super::ear::Ear;
use crate::bench::tell;
use crate::keys;
use crate::scratch::Scratch;
use crate::suite::{self, Behaviour, Name, Parts};

/// Longest wait for one assignment, and for the index to be read.
const PATIENCE: Duration = Duration::from_secs(120);
/// First tickets, which are not counted: connections open and statements are prepared.
const WARM_UP: usize = 50;
/// Tickets of one transaction where they come all at once.
const TOGETHER: usize = 100;
/// What keys in Redis would begin with; there is none.
const PREFIX: &str = "lotse-bench";

/// What the service did.
pub(super) struct Served {
    pub(super) database: &'static str,
    pub(super) size: Size,
    /// From the commit that put a ticket into the queue to that of its assignment.
    pub(super) enqueued: Latency,
    /// From the commit of the ticket's own event to that of its assignment.
    pub(super) created: Latency,
    /// Looking through the queue once, as before.
    pub(super) look_through: Duration,
    /// Tickets a second when they come all at once.
    pub(super) per_second: f64,
}

/// Measures on a scratch database beside the one at `database`.
pub(super) async fn measure(database: &str, size: Size, times: usize) -> Result<Served> {
    let scratch = Scratch::make(database).await?;
    let served = serve(&scratch, size, times).await;
    scratch.remove().await?;
    served
}

async fn serve(scratch: &Scratch, size: Size, times: usize) -> Result<Served> {
    tell(&format!(
        "{} agents, {} waiting, on {}",
        size.agents,
        size.waiting,
        scratch.kind()
    ));
    let db = Db::connect(&DbConfig::new(&scratch.url)).await?;
    let groups = seed(&db, size).await?;
    let clock = BusinessClock::system();
    let look_through = look_through(&db, clock.now()).await?;
    let ear = Ear::default();
    metrics::set_global_recorder(ear.clone()).ok();
    let ear = EAR.get_or_init(|| ear);
    let parts = Parts::open_under(PREFIX, db, clock, None).await?;
    let service = suite::service(Name::Routing, &parts, &Behaviour::new(keys::throwaway()?));
    let mut server = Server::new(
        lotse_grpc::Config::default(),
        Authenticator::local(),
        vec![service],
    )?;
    for job in server.take_jobs() {
        parts.supervisor.spawn(job);
    }
    let measured = one_by_one(&parts.journal, ear, &groups, times).await;
    let burst = all_at_once(&parts.journal, ear, &groups, times).await;
    parts.supervisor.shutdown(Duration::from_secs(20)).await?;
    parts.db.close().await?;
    let (enqueued, created) = measured?;
    Ok(Served {
        database: scratch.kind(),
        size,
        enqueued,
        created,
        look_through,
        per_second: burst?,
    })
}

/// The process's recorder can be set once; runs follow each other.
static EAR: std::sync::OnceLock<Ear> = std::sync::OnceLock::new();

async fn one_by_one(
    journal: &Journal,
    ear: &Ear,
    groups: &[String],
    times: usize,
) -> Result<(Latency, Latency)> {
    let (mut enqueued, mut created) = (Vec::new(), Vec::new());
    for n in 0..WARM_UP + times {
        create(journal, &[Arriving::nth(groups, n)]).await?;
        let start = SystemClock.monotonic();
        wait(ear, 1).await?;
        let took = SystemClock.monotonic().duration_since(start);
        let heard = ear.take();
        if n >= WARM_UP {
            enqueued.extend(heard);
            created.push(took);
        }
    }
    Ok((Latency::of(&enqueued), Latency::of(&created)))
}

async fn all_at_once(journal: &Journal, ear: &Ear, groups: &[String], times: usize) -> Result<f64> {
    let start = SystemClock.monotonic();
    let arriving: Vec<Arriving> = (0..times).map(|n| Arriving::nth(groups, n)).collect();
    for some in arriving.chunks(TOGETHER) {
        create(journal, some).await?;
    }
    wait(ear, times).await?;
    ear.take();
    let took = SystemClock.monotonic().duration_since(start);
    Ok(times as f64 / took.as_secs_f64())
}

async fn wait(ear: &Ear, count: usize) -> Result<()> {
    let heard = tokio::time::timeout(PATIENCE, ear.wait_for(count)).await;
    heard.context("a ticket was not given away")
}

/// Journals what intake would of new tickets, in one transaction.
async fn create(journal: &Journal, arriving: &[Arriving]) -> Result<()> {
    let drafts: Vec<Draft> = arriving
        .iter()
        .map(|one| {
            let ticket = TicketId::generate(journal.clock().now());
            let created = TicketCreated {
                number: 1,
                channel: Channel::Email.into(),
                priority: Priority::Normal.into(),
                language: one.language.to_owned(),
                language_confidence: 1.0,
                required_skills: vec![one.skill.to_owned()],
                requested_group_id: one.group.clone(),
                ..TicketCreated::default()
            };
            Draft::ticket(ticket.as_str(), Body::TicketCreated(created))
        })
        .collect();
    let origin = Origin {
        principal: "bench".to_owned(),
        cause: "bench".to_owned(),
    };
    let done = journal.in_tx(&origin, |tx| {
        drafts.iter().for_each(|draft| tx.emit(draft.clone()));
        async { Ok::<_, sea_orm::DbErr>(()) }
    });
    Ok(done.await?)
}
