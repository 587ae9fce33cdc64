//! Makes the snapshots, while somebody watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lotse_client::deadline;
use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_proto::routing::v1::GetQueueStateResponse;
use lotse_proto::survey::v1 as survey;
use lotse_supervise::{BoxError, Job, Step};
use tokio::sync::Mutex;
use tonic::Status;

use super::snapshot::{Kpis, Score, Snapshot};
use super::sources::alerts::{self, Histories};
use super::sources::names::Names;
use super::sources::ticker::Ticker;
use super::sources::{kpis, queue, surveys, team};
use crate::console::Board;
use crate::{Config, Peers};

/// Between two snapshots.
const PACE: Duration = Duration::from_secs(1);

/// While nobody watches there is only the last snapshot to take down.
const ASLEEP: Duration = Duration::from_secs(60);

/// Figures change slowly and cost more than the rest.
const FIGURES_EVERY: Duration = Duration::from_secs(5);

/// Time for all calls of one snapshot.
const CALLS: Duration = Duration::from_secs(5);

/// A snapshot that took long is made less often: the suite has better things to do.
const REST_PER_WORK: u32 = 4;

/// But a service that only hangs costs nothing, so it does not make the others old.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// The job behind the console. An area whose service does not answer is left empty; the others
/// are shown.
pub struct Snapshots {
    peers: Peers,
    clock: BusinessClock,
    time_zone: String,
    idle_red: f64,
    board: Arc<Board>,
    memory: Mutex<Memory>,
    pause_millis: AtomicU64,
}

/// What is kept from one snapshot to the next.
#[derive(Default)]
struct Memory {
    names: Names,
    ticker: Ticker,
    histories: Histories,
    figures: Option<Figures>,
    away: Vec<&'static str>,
}

/// What is asked for less often.
#[derive(Clone)]
struct Figures {
    asked: Instant,
    kpis: Option<Kpis>,
    scores: Option<Vec<Score>>,
}

impl Snapshots {
    /// A job that asks `peers` and shows what they say on `board`.
    pub fn new(peers: &Peers, clock: BusinessClock, config: &Config, board: Arc<Board>) -> Self {
        Self {
            peers: peers.clone(),
            clock,
            time_zone: config.time_zone.name().to_owned(),
            idle_red: f64::from(config.idle_red_minutes.max(1)) * 60.0,
            board,
            memory: Mutex::default(),
            pause_millis: AtomicU64::new(0),
        }
    }

    async fn snapshot(&self, memory: &mut Memory) -> Snapshot {
        let mut away = Away::default();
        // Outside of the calls' deadline: a stream opened within would end with it.
        away.unless("intake", memory.ticker.look(&self.peers.intake).await);
        deadline::within(CALLS, self.ask_all(memory, away)).await
    }

    async fn ask_all(&self, memory: &mut Memory, mut away: Away) -> Snapshot {
        let now = self.clock.now();
        let peers = &self.peers;
        let (open, board, answers) = tokio::join!(
            queue::open(&peers.intake),
            team::board(&peers.routing),
            surveys::answers(&peers.survey),
        );
        let open = away.unless("intake", open);
        let board = away.unless("routing", board);
        let answers = away.unless("survey", answers);
        let clocks = match &open {
            Some(open) => away.unless("sla", queue::clocks(&peers.sla, open).await),
            None => None,
        };
        let alerts = alerts::ask(&peers.sla, &mut memory.histories).await;
        let alerts = away.unless("sla", alerts);
        self.refresh_figures(memory, now, &mut away).await;
        memory.learn(open.as_ref(), board.as_ref());
        let answers_given = answers.as_deref().unwrap_or_default();
        let named = memory.look_up(self, alerts.as_ref(), answers_given);
        away.unless("intake", named.await);

        let Memory {
            names,
            ticker,
            histories,
            figures,
            ..
        } = memory;
        let clocks = clocks.as_deref().unwrap_or_default();
        let sorted = |open| queue::sorted(open, clocks, names, now, self.idle_red);
        let alerted = |open: &_| alerts::shown(open, histories, clocks, names, now);
        let snapshot = Snapshot {
            as_of: now.as_millis(),
            time_zone: self.time_zone.clone(),
            queue: open.map(sorted),
            alerts: alerts.as_ref().map(alerted),
            team: board.as_ref().map(team::shown),
            kpis: figures.as_ref().and_then(|it| it.kpis.clone()),
            scores: figures.as_ref().and_then(|it| it.scores.clone()),
            answers: answers.as_ref().map(|answers| {
                let answers = answers.iter();
                answers.map(|it| surveys::shown(it, names, now)).collect()
            }),
            ticker: ticker.shown(names, now),
            away: away.names.clone(),
        };
        memory.note(away);
        snapshot
    }

    async fn refresh_figures(&self, memory: &mut Memory, now: Timestamp, away: &mut Away) {
        let asked = SystemClock.monotonic();
        if let Some(figures) = &memory.figures
            && asked.saturating_duration_since(figures.asked) < FIGURES_EVERY
        {
            // Still away is still worth saying.
            away.keep("insight", figures.kpis.is_none());
            away.keep("survey", figures.scores.is_none());
            return;
        }
        let (kpis, scores) = tokio::join!(
            kpis::ask(&self.peers.insight, now, &self.time_zone),
            surveys::scores(&self.peers.survey, now),
        );
        memory.figures = Some(Figures {
            asked,
            kpis: away.unless("insight", kpis),
            scores: away.unless("survey", scores),
        });
    }
}

impl Memory {
    /// Takes over names that come with what was asked for.
    fn learn(&mut self, open: Option<&queue::Open>, board: Option<&GetQueueStateResponse>) {
        if let Some(board) = board {
            self.names.learn(board);
        }
        if let Some(open) = open {
            self.names.learn_tickets(open.tickets());
        }
    }

    /// Asks for the names of everything else that is shown.
    async fn look_up(
        &mut self,
        job: &Snapshots,
        alerts: Option<&alerts::Open>,
        answers: &[survey::Answer],
    ) -> Result<(), Status> {
        let answered = answers.iter().map(|answer| answer.ticket_id.as_str());
        let alerted = alerts.into_iter().flat_map(alerts::Open::tickets);
        let shown = self.ticker.tickets().chain(answered).chain(alerted);
        self.names.look_up(&job.peers.intake, shown).await
    }

    /// Says once when a service goes away, and once when it is back.
    fn note(&mut self, away: Away) {
        if self.away == away.names {
            return;
        }
        match away.last {
            Some(status) => tracing::warn!(
                away = away.names.join(", "),
                code = ?status.code(),
                error = status.message(),
                "the console lacks what services did not answer"
            ),
            None => tracing::info!(away = away.names.join(", "), "services answer the console"),
        }
        self.away = away.names;
    }
}

/// Services that did not answer for one snapshot.
#[derive(Default)]
struct Away {
    names: Vec<&'static str>,
    last: Option<Status>,
}

impl Away {
    fn unless<T>(&mut self, service: &'static str, outcome: Result<T, Status>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(status) => {
                self.keep(service, true);
                self.last = Some(status);
                None
            }
        }
    }

    fn keep(&mut self, service: &'static str, is_away: bool) {
        if is_away && !self.names.contains(&service) {
            self.names.push(service);
        }
    }
}

#[async_trait]
impl Job for Snapshots {
    fn name(&self) -> &str {
        "gateway.snapshots"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let mut memory = self.memory.lock().await;
        if self.board.is_watched() {
            let began = SystemClock.monotonic();
            let snapshot = self.snapshot(&mut memory).await;
            self.board.show(serde_json::to_string(&snapshot)?);
            let rest = (began.elapsed() * REST_PER_WORK).clamp(PACE, LONGEST_REST);
            let rest = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
            self.pause_millis.store(rest, Ordering::Relaxed);
        } else {
            *memory = Memory::default();
            self.board.clear();
        }
        Ok(Step::Idle { until: None })
    }

    async fn woken(&self) {
        self.board.awaited().await;
    }

    fn poll_every(&self) -> Duration {
        if self.board.is_watched() {
            Duration::from_millis(self.pause_millis.load(Ordering::Relaxed)).max(PACE)
        } else {
            ASLEEP
        }
    }
}
