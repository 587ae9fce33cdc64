//! The real service: timers with their rows, and lateness with the journal in it.
//!
//! Tickets are journaled with creation times in the past, such that one warning and then the breach
//! of each come due evenly over a time. Replicas of the real service ([`service`]) take them from the
//! journal, keep their clocks and fire them; what came of it is read back from the journal, where a
//! breach's due time is exact and the time it was recorded is stamped inside its own transaction.
//! How late commits were is what the replicas measure themselves ([`ear`]).

mod ear;
mod phase;
pub mod service;

use std::time::Duration;

use anyhow::Result;
use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_grpc::Server;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use serde::Serialize;

use super::measure::Setting;
use super::report::number;
use super::server::Server as Redis;
use super::tally::Lateness;
use crate::bench::tell;
use crate::keys;
use crate::scratch::Scratch;
use crate::suite::{self, Behaviour, Name, Parts};
use phase::{Phase, Round};

/// Tickets of the rounds that look for doubles.
const SMALL: u64 = 5_000;
/// In what time those are due.
const SMALL_OVER: Duration = Duration::from_secs(10);
/// What is so many milliseconds late waited for a claim to end, which takes four seconds: a busy
/// machine alone is rarely that late, and where it is the figures say so.
const WAITED_FOR_A_CLAIM: f64 = 3_500.0;
/// Tickets armed a second until the first round has told.
const GUESS: f64 = 400.0;

/// What the real service did.
#[derive(Debug, Serialize)]
pub(super) struct WithSql {
    database: &'static str,
    #[serde(flatten)]
    large: Round,
    /// The same smaller, with several replicas: each warning and each breach is there once.
    replicas: Vec<Round>,
    /// With one of two replicas killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    kill: Option<KilledReplica>,
}

/// A kill, and what it cost.
#[derive(Debug, Serialize)]
pub(super) struct KilledReplica {
    #[serde(flatten)]
    round: Round,
    /// Breaches the killed replica had claimed: those that waited for its claim to end.
    killed_batch: u64,
    late_ms_max_killed_batch: f64,
    late_ms_max_others: f64,
}

/// What all rounds stand on.
struct Stage<'a> {
    scratch: &'a Scratch,
    redis: Option<&'a str>,
    setting: &'a Setting,
    parts: Parts,
    sla: SlaServiceClient<Channel>,
}

/// Measures on a scratch database beside the one at `database`.
pub(super) async fn measure(
    database: &str,
    redis: &str,
    server: &Redis,
    setting: &Setting,
) -> Result<WithSql> {
    let scratch = Scratch::make(database).await?;
    // An embedded database has one process, and its timers in it.
    let redis = (scratch.kind() == "PostgreSQL").then_some(redis);
    let measured = rounds(&scratch, redis, setting).await;
    server.clean(&setting.prefix).await?;
    scratch.remove().await?;
    measured
}

async fn rounds(scratch: &Scratch, redis: Option<&str>, setting: &Setting) -> Result<WithSql> {
    let parts = service::open(&scratch.url, redis, &setting.prefix).await?;
    let service = suite::service(Name::Sla, &parts, &Behaviour::new(keys::throwaway()?));
    let server = Server::new(
        lotse_grpc::Config::default(),
        Authenticator::local(),
        vec![service],
    )?;
    server.readiness().set_all(true);
    let stage = Stage {
        scratch,
        redis,
        setting,
        sla: SlaServiceClient::new(Channel::in_process(server.stack())),
        parts,
    };
    let small = |replicas, kill| Phase {
        tickets: SMALL.min(setting.timers),
        over: SMALL_OVER.min(setting.over),
        replicas,
        kill,
        per_second: GUESS,
    };
    let (mut replicas, mut kill) = (Vec::new(), None);
    let mut per_second = GUESS;
    let counts: &[usize] = if redis.is_some() { &[2, 4] } else { &[1] };
    for count in counts {
        let (round, _) = stage.run("small", &small(*count, false)).await?;
        per_second = round.arm_per_second;
        replicas.push(round);
    }
    if redis.is_some() {
        let (round, late) = stage.run("kill", &small(2, true)).await?;
        let held = |late: &&f64| **late > WAITED_FOR_A_CLAIM;
        kill = Some(KilledReplica {
            killed_batch: late.iter().filter(held).count() as u64,
            late_ms_max_killed_batch: late.iter().filter(held).copied().fold(0.0, f64::max),
            late_ms_max_others: late
                .iter()
                .filter(|l| !held(l))
                .copied()
                .fold(0.0, f64::max),
            round,
        });
    }
    let large = Phase {
        tickets: setting.timers,
        over: setting.over,
        replicas: if redis.is_some() { setting.replicas } else { 1 },
        kill: false,
        per_second,
    };
    let (large, _) = stage.run("large", &large).await?;
    stage.parts.db.close().await?;
    Ok(WithSql {
        database: scratch.kind(),
        large,
        replicas,
        kill,
    })
}

impl WithSql {
    /// For people.
    pub(super) fn lines(&self) -> String {
        let mut text = format!(
            "the real service on {}, journal and rows included\n",
            self.database
        );
        text += &line("", &self.large);
        for round in &self.replicas {
            text += &line("", round);
        }
        if let Some(kill) = &self.kill {
            text += &line("one of them killed, ", &kill.round);
            text += &format!(
                "    it had claimed {}, late at most {} ms; the others at most {} ms\n",
                kill.killed_batch,
                number(kill.late_ms_max_killed_batch),
                number(kill.late_ms_max_others),
            );
        }
        text
    }
}

fn line(what: &str, round: &Round) -> String {
    let late = |late: &Lateness| format!("{}/{}/{}", late.p50, late.p99, late.max);
    format!(
        "  {} tickets over {} s, {} replica(s): {what}armed {} a second; p50/p99/max in ms: warnings \
         {}, breaches {}, committed {} and {}; CPU {:.1} s; lost {}, doubled {}\n",
        round.tickets,
        round.over_seconds,
        round.replicas,
        number(round.arm_per_second),
        late(&round.warning_lateness_ms),
        late(&round.lateness_ms),
        late(&round.warning_commit_lateness_ms),
        late(&round.commit_lateness_ms),
        round.cpu_seconds,
        round.lost,
        round.doubled,
    )
}

/// Says what happens now.
fn announce(phase: &Phase) {
    tell(&format!(
        "SLA service: {} tickets over {} s, {} replica(s){}",
        phase.tickets,
        phase.over.as_secs(),
        phase.replicas,
        if phase.kill {
            ", one of them killed"
        } else {
            ""
        },
    ));
}
