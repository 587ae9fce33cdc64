//! Keeps time: each command at its own instant, and no instant before everything due earlier.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use lotse_clock::Timestamp;
use lotse_proto::intake::v1::ListTicketsRequest;

use super::calls::{Call, Calls, patiently};
use super::log::{Log, SetAside};
use super::plan::{Command, Step, steps};
use super::setting::Setting;
use super::stage::Stage;

/// How far the clock may run ahead of the consumers. Every timer of a replay is due much later
/// than this after the event that arms it (the shortest target is 153 hours), so the clock never
/// passes a timer that a consumer has yet to arm.
const LEAD: Duration = Duration::from_secs(12 * 3_600);
/// Tickets worked on at once within one instant.
const AT_ONCE: usize = 16;

/// All steps of a log by time, the steps of a ticket in their own order.
pub(crate) struct Schedule {
    /// When, which ticket (its place in the log), and its steps at that instant.
    entries: Vec<(Timestamp, usize, Vec<Step>)>,
    rows: usize,
}

impl Schedule {
    pub(crate) fn of(log: &Log) -> Self {
        let mut entries: Vec<(Timestamp, usize, Vec<Step>)> = Vec::new();
        for (place, incident) in log.incidents.iter().enumerate() {
            let first = entries.len();
            for step in steps(incident) {
                match entries[first..].last_mut() {
                    Some((at, _, same)) if *at == step.at => same.push(step),
                    _ => entries.push((step.at, place, vec![step])),
                }
            }
        }
        entries.sort_by_key(|(at, place, _)| (*at, *place));
        Self {
            entries,
            rows: log.rows,
        }
    }

    /// The first instant.
    pub(crate) fn start(&self) -> Timestamp {
        self.entries
            .first()
            .map_or(Timestamp::EPOCH, |(at, ..)| *at)
    }
}

/// Until when the clock may run without another look at consumers and timers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    /// When everything was last settled.
    pub(crate) at: Timestamp,
    /// The next timer that is armed.
    pub(crate) next_due: Option<Timestamp>,
}

impl Settled {
    fn is_past(self, at: Timestamp) -> bool {
        at >= self.at + LEAD || self.next_due.is_some_and(|due| due <= at)
    }
}

/// Plays what an earlier run has not played. Returns the rows that the services refused.
pub(crate) async fn play(
    stage: &Stage,
    setting: &Setting,
    log: &Log,
    schedule: &Schedule,
) -> Result<Vec<SetAside>> {
    let mut ids = known_tickets(&stage.calls).await?;
    let resumed = !ids.is_empty();
    let bar = progress(schedule.rows);
    let mut refused = Vec::new();
    let mut settled = stage.settle().await?;
    for instant in schedule.entries.chunk_by(|a, b| a.0 == b.0) {
        let at = instant[0].0;
        let rows: usize = instant.iter().map(|(_, _, steps)| rows_of(steps)).sum();
        if resumed && at < stage.clock.now() {
            bar.inc(rows as u64);
            continue;
        }
        if settled.is_past(at) {
            settled = stage.advance_to(at).await?;
        } else {
            stage.clock.set(at)?;
        }
        let outcomes: Vec<_> = stream::iter(instant)
            .map(|(_, place, steps)| {
                let incident = &log.incidents[*place];
                let known = ids.get(&incident.number).cloned();
                async move {
                    let played = ticket(&stage.calls, setting, log, *place, steps, known).await?;
                    anyhow::Ok((incident.number.clone(), played))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for (number, (id, mut bad)) in outcomes {
            ids.insert(number, id);
            refused.append(&mut bad);
        }
        bar.inc(rows as u64);
    }
    stage.settle().await?;
    bar.finish_and_clear();
    Ok(refused)
}

/// One ticket's steps at one instant, in order. A command that is refused ends its row only.
async fn ticket(
    calls: &Calls,
    setting: &Setting,
    log: &Log,
    place: usize,
    steps: &[Step],
    known: Option<String>,
) -> Result<(String, Vec<SetAside>)> {
    let incident = &log.incidents[place];
    let mut ticket_id = known.unwrap_or_default();
    let mut refused = Vec::new();
    for step in steps {
        for (nth, command) in step.commands.iter().enumerate() {
            let kind = match command {
                Command::Create => "new".to_owned(),
                _ => nth.to_string(),
            };
            let call = Call {
                setting,
                incident,
                ticket_id: &ticket_id,
                command,
                request_id: format!("{}:{}:{kind}", step.line, incident.number),
            };
            match call.make(calls).await {
                Ok(id) => ticket_id = id,
                Err(status) if status.code() == tonic::Code::FailedPrecondition => {
                    tracing::warn!(line = step.line, reason = status.message(), "row refused");
                    refused.push(SetAside {
                        file: "events.csv",
                        line: step.line,
                        reason: status.message().to_owned(),
                    });
                    break;
                }
                Err(status) => {
                    return Err(status)
                        .with_context(|| format!("{} (line {})", incident.number, step.line));
                }
            }
        }
    }
    Ok((ticket_id, refused))
}

fn rows_of(steps: &[Step]) -> usize {
    steps
        .iter()
        .filter(|step| !step.commands.contains(&Command::Create))
        .count()
}

/// The tickets of an earlier run, by their number in the log.
async fn known_tickets(calls: &Calls) -> Result<HashMap<String, String>> {
    let mut known = HashMap::new();
    let mut page_token = String::new();
    loop {
        let request = ListTicketsRequest {
            page_size: 500,
            page_token,
            order_by: "number".to_owned(),
            ..ListTicketsRequest::default()
        };
        let page = patiently(|| {
            let (mut client, request) = (calls.tickets.clone(), request.clone());
            async move { client.list_tickets(request).await }
        })
        .await?
        .into_inner();
        let tickets = page.tickets.into_iter();
        known.extend(tickets.map(|ticket| (ticket.external_id, ticket.id)));
        if page.next_page_token.is_empty() {
            return Ok(known);
        }
        page_token = page.next_page_token;
    }
}

/// On standard error, and only where somebody looks.
fn progress(rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(rows as u64);
    let style = "{elapsed_precise} {wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
