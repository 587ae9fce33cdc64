//! One round: tickets whose warning and breach come due over a time.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_ids::{RequesterId, TicketId};
use lotse_journal::{Body, Draft, Origin, Positions};
use lotse_proto::common::v1::{Channel, Priority, SlaMetric};
use lotse_proto::journal::v1::TicketCreated;
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_proto::sla::v1 as sla;
use lotse_proto::time::duration_to_proto;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use serde::Serialize;
use tokio::process::Command;

use super::ear::Ear;
use super::{Stage, announce};
use crate::bench::timers::crew::{Crew, Said};
use crate::bench::timers::plan::Plan;
use crate::bench::timers::tally::Lateness;

/// Events of one transaction.
const AT_ONCE: u64 = 500;
/// The share of the target at which a clock warns, in percent. The last tenth is longer than the
/// time over which clocks come due, so all warnings come before the first breach.
const WARN_AT: u32 = 90;
/// How long replicas take to share out the journal, and more.
const SETTLE: Duration = Duration::from_secs(8);
/// How long after the last due time an event may still come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a round does.
pub(super) struct Phase {
    pub(super) tickets: u64,
    pub(super) over: Duration,
    pub(super) replicas: usize,
    /// Whether the first replica is killed while breaches come due.
    pub(super) kill: bool,
    /// How many tickets a second are armed at least.
    pub(super) per_second: f64,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Round {
    pub(super) tickets: u64,
    pub(super) over_seconds: u64,
    pub(super) replicas: usize,
    /// Tickets a second from the journal to rows, clocks and timers.
    pub(super) arm_per_second: f64,
    /// From due to the recording of the breach, within its transaction.
    pub(super) lateness_ms: Lateness,
    /// The same of warnings.
    pub(super) warning_lateness_ms: Lateness,
    /// From due to the commit of the breach, as the service measures it.
    pub(super) commit_lateness_ms: Lateness,
    /// The same of warnings.
    pub(super) warning_commit_lateness_ms: Lateness,
    /// CPU of the replicas, from the start to the end.
    pub(super) cpu_seconds: f64,
    /// Warnings and breaches that never came.
    pub(super) lost: u64,
    /// Those that came more than once.
    pub(super) doubled: u64,
}

impl Stage<'_> {
    /// Runs a round, named so for its policy; also returns how late each breach was.
    pub(super) async fn run(&self, name: &str, phase: &Phase) -> Result<(Round, Vec<f64>)> {
        announce(phase);
        let begun = SystemClock.now();
        let arming = Duration::from_secs_f64(phase.tickets as f64 / (phase.per_second * 0.6));
        let first_warning = begun + SETTLE + arming;
        let first_breach = first_warning + phase.over + Duration::from_secs(1);
        let warns_ahead = first_breach.since(first_warning);
        let target = warns_ahead * 100 / (100 - WARN_AT);
        let created = Plan::new(phase.tickets, first_breach - target, phase.over);
        let tag = format!("{name}-{}", phase.replicas);
        self.promise(&tag, target).await?;
        let from = self.parts.journal.end().await?;

        let commands = (0..phase.replicas).map(|_| self.replica());
        let mut crew = Crew::start(commands.collect::<Result<_>>()?).await?;
        self.create(&tag, &created).await?;
        let arm_per_second = self.armed(phase.tickets, first_warning).await?;
        let clock = BusinessClock::system();
        if phase.kill {
            clock.sleep_until(first_breach + phase.over / 2).await;
            crew.kill(0).await?;
        }
        clock.sleep_until(first_breach + phase.over).await;
        let told = self
            .told(from, phase.tickets, first_breach + phase.over)
            .await?;
        let cpu_seconds = crew.cpu_seconds();
        let (mut breaches, mut warnings) = (Vec::new(), Vec::new());
        for said in crew.end().await {
            if let Said::Other(line) = said
                && let Some((of_breaches, samples)) = Ear::read(&line)
            {
                if of_breaches {
                    &mut breaches
                } else {
                    &mut warnings
                }
                .extend(samples);
            }
        }
        let round = Round {
            tickets: phase.tickets,
            over_seconds: phase.over.as_secs(),
            replicas: phase.replicas,
            arm_per_second: arm_per_second.round(),
            lateness_ms: Lateness::of(told.breaches.clone()),
            warning_lateness_ms: Lateness::of(told.warnings),
            commit_lateness_ms: Lateness::of(breaches),
            warning_commit_lateness_ms: Lateness::of(warnings),
            cpu_seconds,
            lost: told.lost,
            doubled: told.doubled,
        };
        Ok((round, told.breaches))
    }

    fn replica(&self) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe().context("where is this program?")?);
        command.args(["bench", "timers-service"]);
        command.args(["--database", &self.scratch.url]);
        command.args(["--prefix", &self.setting.prefix]);
        if let Some(redis) = self.redis {
            command.args(["--redis", redis]);
        }
        Ok(command)
    }

    /// A first reply within `target`, for the tickets of this round.
    async fn promise(&self, tag: &str, target: Duration) -> Result<()> {
        let first_reply = sla::Target {
            metric: SlaMetric::FirstReply.into(),
            target: Some(duration_to_proto(target)),
            ..sla::Target::default()
        };
        let conditions = sla::PolicyConditions {
            tags: vec![tag.to_owned()],
            ..sla::PolicyConditions::default()
        };
        let policy = sla::Policy {
            name: tag.to_owned(),
            conditions: Some(conditions),
            targets: vec![first_reply],
            warn_percents: vec![WARN_AT],
            ..sla::Policy::default()
        };
        let request = sla::PutPolicyRequest {
            policy: Some(policy),
            ..sla::PutPolicyRequest::default()
        };
        self.sla.clone().put_policy(request).await?;
        Ok(())
    }

    /// Journals what intake would.
    async fn create(&self, tag: &str, created: &Plan) -> Result<()> {
        let origin = Origin {
            principal: "bench".to_owned(),
            cause: "bench".to_owned(),
        };
        let mut from = 0;
        while from < created.count {
            let drafts: Vec<Draft> = (from..created.count.min(from + AT_ONCE))
                .map(|index| {
                    let at = created.due(index);
                    let body = Body::TicketCreated(TicketCreated {
                        number: index,
                        requester_id: RequesterId::generate(at).to_string(),
                        channel: Channel::Email.into(),
                        priority: Priority::Normal.into(),
                        tags: vec![tag.to_owned()],
                        ..TicketCreated::default()
                    });
                    Draft::ticket(TicketId::generate(at).to_string(), body).at(at)
                })
                .collect();
            let emitted = self.parts.journal.in_tx(&origin, |tx| {
                let drafts = drafts.clone();
                async move {
                    drafts.into_iter().for_each(|draft| tx.emit(draft));
                    Ok::<_, DbErr>(())
                }
            });
            emitted.await?;
            from += AT_ONCE;
        }
        Ok(())
    }

    /// Waits until all tickets have rows and timers; tickets a second, from the first on.
    async fn armed(&self, tickets: u64, before: Timestamp) -> Result<f64> {
        let conn = self.parts.db.reader();
        let count = "SELECT COUNT(*) FROM sla_tickets WHERE next_at IS NOT NULL";
        let mut begun = None;
        loop {
            let statement = Statement::from_string(conn.get_database_backend(), count);
            let row = conn.query_one_raw(statement).await?;
            let armed: i64 = row.context("no count")?.try_get_by(0)?;
            let armed = u64::try_from(armed)?;
            let now = SystemClock.monotonic();
            let (had, since) = *begun.get_or_insert((armed, now));
            if armed >= tickets {
                let took = now.duration_since(since).as_secs_f64().max(0.001);
                return Ok((armed - had).max(1) as f64 / took);
            }
            if SystemClock.now() >= before {
                bail!(
                    "only {armed} of {tickets} tickets had clocks in time: the machine is too busy"
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Reads the journal from `from` until all clocks of the round have breached.
    async fn told(&self, mut from: Positions, tickets: u64, end: Timestamp) -> Result<Told> {
        // Twice per ticket: a warning and a breach.
        let mut seen: HashMap<(String, bool), u64> = HashMap::new();
        let (mut told, mut found) = (Told::default(), 0);
        loop {
            let page = self.parts.journal.read_feed(&from, 2_000).await?;
            if page.events.is_empty() {
                if found == 2 * tickets || SystemClock.now() > end + PATIENCE {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            for event in &page.events {
                let Body::ClockChanged(changed) = &event.body else {
                    continue;
                };
                let (breached, list) = match changed.transition() {
                    Transition::Breached => (true, &mut told.breaches),
                    Transition::Warned => (false, &mut told.warnings),
                    _ => continue,
                };
                list.push(event.recorded_at.millis_since(event.occurred_at) as f64);
                let times = seen
                    .entry((changed.clock_id.clone(), breached))
                    .or_default();
                *times += 1;
                found += u64::from(*times == 1);
                told.doubled += u64::from(*times > 1);
            }
            from = page.next;
        }
        told.lost = (2 * tickets).saturating_sub(found);
        Ok(told)
    }
}

/// What the journal tells of a round.
#[derive(Default)]
struct Told {
    breaches: Vec<f64>,
    warnings: Vec<f64>,
    lost: u64,
    doubled: u64,
}
