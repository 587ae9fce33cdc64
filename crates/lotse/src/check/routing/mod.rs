//! `lotse check routing`: no agent over capacity, no ticket with two owners, nobody free beside a
//! ticket they could have, whatever happens.
//!
//! [`replica`] is the service as a process, [`desk`] who works there, [`players`] what they do,
//! [`rows`] looks at the database many times a second, [`missed`] for somebody free beside a ticket
//! after each kill, [`audit`] reads the journal at the end.

mod audit;
mod desk;
mod missed;
mod players;
pub mod replica;
mod rows;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use lotse_client::Channel;
use lotse_clock::SystemClock;
use lotse_proto::routing::v1 as proto;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::scratch::Scratch;
use audit::Audit;
use desk::Desk;
use missed::Missed;
use players::{Players, Tally};
use replica::Replica;
use rows::Rows;

/// Tickets that are open at once, for each agent.
const OPEN_PER_AGENT: u64 = 6;
/// How often tickets come and agents go.
const TICK: Duration = Duration::from_millis(20);
/// How long the last tickets may take when nothing is broken any more.
const PATIENCE: Duration = Duration::from_secs(180);

/// How much of everything.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A PostgreSQL server, as postgres://…/NAME; whoever it names may create databases.
    #[arg(long)]
    database: String,
    /// A Redis server.
    #[arg(long)]
    redis: String,
    /// Processes of the routing service.
    #[arg(long, default_value_t = 4)]
    replicas: usize,
    /// Agents.
    #[arg(long, default_value_t = 500)]
    agents: usize,
    /// Groups.
    #[arg(long, default_value_t = 12)]
    groups: usize,
    /// Tickets.
    #[arg(long, default_value_t = 20_000)]
    tickets: u64,
    /// Seconds between two kills. After each, tickets that wait are followed until nobody is free
    /// beside them.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    kill_every: u64,
    /// What the dice begin with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the report as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    replicas: usize,
    agents: usize,
    seconds: f64,
    played: Tally,
    rows: Rows,
    missed: Missed,
    journal: Audit,
    /// Tickets that were neither solved nor given up in the end.
    left_open: u64,
    /// Milliseconds from a ticket's creation to its first owner.
    to_owner_ms_p50: i64,
    to_owner_ms_p99: i64,
}

/// Checks, and tells.
///
/// # Errors
/// When something needed is missing or fails, or a promise was broken.
pub async fn run(args: &Args) -> Result<()> {
    ensure!(args.replicas > 0, "there must be a replica");
    ensure!(
        args.agents > 0 && args.groups > 0,
        "there must be agents and groups"
    );
    let scratch = Scratch::make(&args.database).await?;
    let told = play(args, &scratch.url).await;
    scratch.remove().await?;
    let report = told?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    #[allow(clippy::print_stdout, reason = "this is what the command is for")]
    {
        print!("{}", report.lines());
    }
    ensure!(
        report.broken() == 0,
        "{} promises were broken",
        report.broken()
    );
    Ok(())
}

async fn play(args: &Args, database: &str) -> Result<Report> {
    let of_replicas = replica::Args {
        database: database.to_owned(),
        redis: args.redis.clone(),
        prefix: format!("lotse-check-{:08x}", rand::random::<u32>()),
    };
    // Calls are answered here; the work behind them is done by the replicas.
    let (parts, server) = replica::open(&of_replicas).await?;
    let mut dice = StdRng::seed_from_u64(args.seed);
    let channel = Channel::in_process(server.stack());
    let desk = Desk::open(channel, args.groups, args.agents, &mut dice).await?;
    let mut players = Players::new(
        desk.clone(),
        parts.journal.clone(),
        parts.supervisor.clone(),
        args.seed,
    )
    .await?;
    let watch = proto::WatchAssignmentsRequest {
        from_now: true,
        ..proto::WatchAssignmentsRequest::default()
    };
    let mut changes = desk
        .routing
        .clone()
        .watch_assignments(watch)
        .await?
        .into_inner();
    let mut replicas = Vec::new();
    for _ in 0..args.replicas {
        replicas.push(Replica::start(&of_replicas).await?);
    }
    let begun = SystemClock.monotonic();
    let mut rows = Rows::default();
    let mut missed = Missed::default();
    let mut tick = tokio::time::interval(TICK);
    let mut round = tokio::time::interval(Duration::from_secs(args.kill_every));
    for interval in [&mut tick, &mut round] {
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    round.tick().await;
    let at_once = OPEN_PER_AGENT * args.agents as u64;
    let mut last_progress = (SystemClock.monotonic(), 0);
    let (tell, mut recovered) = mpsc::channel(1);
    let mut recovering = false;
    while players.open() > 0 || players.tally.created < args.tickets || recovering {
        tokio::select! {
            Some(change) = changes.next() => {
                if let Some(change) = change?.change
                    && let Some(what) = &change.change
                {
                    players.hear(&change.ticket_id, what);
                }
            }
            Some(done) = players.doing.recv() => players.done(done?).await?,
            Some(recovery) = recovered.recv() => {
                let (found, replica) = recovery?;
                missed.add(found);
                replicas.push(replica);
                recovering = false;
            }
            _ = tick.tick() => {
                rows.look(&parts.db, &desk).await?;
                let tally = &players.tally;
                let room = at_once.saturating_sub(players.open());
                let more = room.min(20).min(args.tickets - tally.created);
                if more > 0 {
                    players.create(more).await?;
                    players.flap();
                    if players.tally.created == args.tickets {
                        players.be_willing().await?;
                    }
                }
            }
            _ = round.tick(), if !recovering => {
                if players.tally.created < args.tickets {
                    let victim = dice.random_range(0..replicas.len());
                    replicas.remove(victim).kill().await?;
                    players.tally.kills += 1;
                    recovering = true;
                    let (desk, of_replicas) = (desk.clone(), of_replicas.clone());
                    let tell = tell.clone();
                    parts.supervisor.spawn_task("recovery", async move {
                        tell.send(recover(&desk, &of_replicas).await).await.ok();
                    });
                } else {
                    players.give_up_what_nobody_wants().await?;
                }
            }
        }
        let now = SystemClock.monotonic();
        if last_progress.1 != players.open() {
            last_progress = (now, players.open());
        }
        if now.duration_since(last_progress.0) > PATIENCE {
            break;
        }
    }
    let seconds = SystemClock.monotonic().duration_since(begun).as_secs_f64();
    missed.add(Missed::of(&desk).await?);
    rows.look(&parts.db, &desk).await?;
    drop(replicas);
    let mut journal = Audit::of(&parts.journal).await?;
    journal.to_owner.sort_unstable();
    let share = |percent: usize| {
        let at = journal.to_owner.len().saturating_sub(1) * percent / 100;
        journal.to_owner.get(at).copied().unwrap_or_default()
    };
    let report = Report {
        replicas: args.replicas,
        agents: args.agents,
        seconds,
        left_open: players.open(),
        to_owner_ms_p50: share(50),
        to_owner_ms_p99: share(99),
        played: players.tally,
        rows,
        missed,
        journal,
    };
    drop(server);
    parts.db.close().await?;
    Ok(report)
}

/// Sees to it that the others take over from a killed replica, and replaces it.
async fn recover(desk: &Desk, of_replicas: &replica::Args) -> Result<(Missed, Replica)> {
    let found = Missed::of(desk).await?;
    Ok((found, Replica::start(of_replicas).await?))
}

impl Report {
    /// How many promises were broken.
    pub fn broken(&self) -> u64 {
        self.rows.broken() + self.missed.broken() + self.journal.broken() + self.left_open
    }

    /// For people.
    fn lines(&self) -> String {
        let Tally {
            created,
            assigned,
            offered,
            accepted,
            declined,
            timed_out,
            rescinded,
            too_late,
            solved,
            given_up,
            presence_changes,
            kills,
        } = &self.played;
        let (rows, missed, journal) = (&self.rows, &self.missed, &self.journal);
        let mut text = format!(
            "{} replicas, {} agents, {created} tickets in {:.0} s\n\
             \x20 {assigned} assigned, {offered} offered ({accepted} accepted, {declined} declined, \
             {timed_out} timed out, {rescinded} rescinded, {too_late} answered too late)\n\
             \x20 {solved} solved, {given_up} given up by their customers, {} left open\n\
             \x20 {presence_changes} presence changes, {kills} replicas killed with kill -9\n\
             \x20 from creation to an owner: p50 {} ms, p99 {} ms\n",
            self.replicas,
            self.agents,
            self.seconds,
            self.left_open,
            self.to_owner_ms_p50,
            self.to_owner_ms_p99,
        );
        text += &format!(
            "in {} looks at all agents: over capacity {}, over the cap of chats {}, \
             load unlike what they hold {}\n\
             second owners: {}, second offers: {}, offered again to the same: {}, answers to no open \
             offer: {}, in {} events\n\
             left beside somebody free: {} of {} waiting tickets followed after kills, longest {} ms\n\
             promises broken: {}\n",
            rows.looks,
            rows.over_capacity,
            rows.over_cap,
            rows.wrong_loads,
            journal.second_owners,
            journal.second_offers,
            journal.repeated_offers,
            journal.wrong_answers,
            journal.events,
            missed.left_waiting,
            missed.followed,
            missed.longest_ms,
            self.broken(),
        );
        for example in rows
            .examples
            .iter()
            .chain(&missed.examples)
            .chain(&journal.examples)
        {
            text += &format!("  {example}\n");
        }
        text
    }
}
