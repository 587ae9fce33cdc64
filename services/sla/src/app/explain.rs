//! Why a clock is due when it is.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_ids::{ClockId, TicketId};
use lotse_journal::{audit, bucket_of};
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::{from_proto, to_proto};

use super::history::{Choice, History, Key, Until, merged, recompute};
use crate::domain::{Clock, Metric, PlanRef, State, explain};
use crate::jobs::consumer::NAME;
use crate::store::clocks::{self, Stored};
use crate::wire::{self, enums};
use crate::{App, Error};

/// Which clock is asked for.
enum Wanted {
    Id(ClockId),
    /// Cycle 0 is the newest.
    Place(TicketId, Metric, u32),
}

impl App {
    /// Every part of a clock's time with its reason, recomputed from the journal.
    ///
    /// # Errors
    /// For a wrong request, or a clock that was not known at that instant.
    pub async fn explain_deadline(
        &self,
        request: &proto::ExplainDeadlineRequest,
    ) -> Result<proto::ExplainDeadlineResponse, Error> {
        let now = self.clock.now();
        let (wanted, asked) = read(request, now)?;
        let scope = scope(request);
        let (as_of, from) = match scope.key::<2>(&request.page_token)? {
            Some([at, from]) => (at.parse().map(Timestamp::from_millis), from.parse()),
            None => (Ok(asked.unwrap_or(now)), Ok(0)),
        };
        let (Ok(as_of), Ok(from)) = (as_of, from) else {
            // Only a token that somebody made up has other parts.
            return Err(lotse_errors::Error::invalid("page_token", "is damaged").into());
        };
        let size = page::size(request.page_size, 500, 2_000)? as usize;
        let (ticket_id, clock, history) = self.recomputed(&wanted, as_of).await?;
        let segments = explain(&history.record, &clock, as_of).unwrap_or_default();
        let next = from + size;
        let more = next < segments.len();
        let at = as_of.as_millis().to_string();
        let stored = Stored { ticket_id, clock };
        Ok(proto::ExplainDeadlineResponse {
            as_of: Some(to_proto(as_of)),
            policy: self.fit(&history, &stored.clock).await?,
            segments: segments
                .iter()
                .skip(from)
                .take(size)
                .map(wire::explain::segment)
                .collect(),
            warnings: warnings(&history, &stored.clock),
            sentence: stored.clock.sentence(as_of),
            segment_count: u32::try_from(segments.len()).unwrap_or(u32::MAX),
            next_page_token: if more {
                scope.token(&[&at, &next.to_string()])
            } else {
                String::new()
            },
            clock: Some(wire::clock::write(&stored, as_of)),
        })
    }

    /// The clock at `as_of` and the history of its ticket until then.
    async fn recomputed(
        &self,
        wanted: &Wanted,
        as_of: Timestamp,
    ) -> Result<(String, Clock, History), Error> {
        let conn = self.db.reader();
        let (ticket, metric, cycle) = match wanted {
            Wanted::Place(ticket, metric, cycle) => (ticket.to_string(), *metric, *cycle),
            Wanted::Id(id) => clocks::place_of(conn, id)
                .await?
                .ok_or_else(|| Error::NotFound("clock", id.to_string()))?,
        };
        let missing = || {
            let name = match wanted {
                Wanted::Id(id) => id.to_string(),
                Wanted::Place(ticket, metric, cycle) => {
                    format!("{ticket} {} {cycle}", metric.code())
                }
            };
            Error::NotFound("clock", name)
        };
        // Both of one moment: what the service has read, and what it told of that.
        let snapshot = self.db.snapshot().await?;
        let catalog = self.catalogs.current(&snapshot).await?;
        let consumed = audit::consumed(&snapshot, NAME).await?;
        let histories = audit::histories(&snapshot, &[&ticket]).await?;
        let merged = merged(&snapshot, &histories).await?;
        snapshot.rollback().await?;
        let events = histories.into_values().next().unwrap_or_default();
        let until = Until {
            position: consumed[usize::from(bucket_of(&ticket))],
            at: as_of,
        };
        let mut history =
            recompute(&catalog, (&events, &merged), until, true)?.ok_or_else(missing)?;
        history.let_pass(as_of);
        let mut clocks: Vec<_> = history.record.clocks().collect();
        clocks.retain(|clock| clock.metric == metric && (cycle == 0 || clock.cycle == cycle));
        let newest = clocks.into_iter().max_by_key(|clock| clock.cycle);
        let clock = newest.cloned().ok_or_else(missing)?;
        Ok((ticket, clock, history))
    }

    /// Why the policy of the clock goes for the ticket.
    async fn fit(
        &self,
        history: &History,
        clock: &Clock,
    ) -> Result<Option<proto::PolicyFit>, Error> {
        let of_policy = |choice: &&Choice| {
            let policy = choice.plan.as_ref().map(|plan| &plan.policy);
            policy == Some(&clock.terms.policy)
        };
        // The last stay with this policy: its beginning says why, its end which targets.
        let Some(last) = history
            .choices
            .iter()
            .rposition(|choice| of_policy(&choice))
        else {
            return Ok(None);
        };
        let stay = history.choices[..=last].iter().rev().take_while(of_policy);
        let (Some(first), Some(plan)) = (stay.last(), &history.choices[last].plan) else {
            return Ok(None);
        };
        let catalog = self.catalogs.current(self.db.reader()).await?;
        let content = &catalog.policy(&plan.policy)?.content;
        let PlanRef {
            policy,
            calendars,
            priority,
        } = plan.clone();
        Ok(Some(proto::PolicyFit {
            policy_id: policy.id,
            policy_version: policy.version,
            name: content.name.clone(),
            since: Some(to_proto(first.at)),
            event: first.reference.clone(),
            reason: first.reason.code().to_owned(),
            conditions: content
                .conditions
                .given(&first.facts)
                .into_iter()
                .map(wire::explain::condition)
                .collect(),
            priority: enums::to_priority(priority).into(),
            calendar_versions: calendars,
        }))
    }
}

/// Warnings given to a clock and, while it runs, those to come.
fn warnings(history: &History, clock: &Clock) -> Vec<proto::Warning> {
    let key: Key = (clock.metric, clock.cycle);
    let warning = |percent: u8, at: Timestamp, future| proto::Warning {
        percent: percent.into(),
        at: Some(to_proto(at)),
        future,
    };
    let given = history.warnings.iter().filter(|(of, _, _)| *of == key);
    let given = given.map(|(_, percent, at)| warning(*percent, *at, false));
    let runs = clock.state == State::Running;
    let to_come = clock.terms.warn.iter().copied();
    let to_come = to_come
        .filter(|percent| runs && *percent > clock.warned)
        .filter_map(|percent| Some(warning(percent, clock.reaches(percent)?, true)));
    given.chain(to_come).collect()
}

/// The clock and the instant that are asked for.
fn read(
    request: &proto::ExplainDeadlineRequest,
    now: Timestamp,
) -> Result<(Wanted, Option<Timestamp>), Error> {
    let proto::ExplainDeadlineRequest {
        clock_id,
        ticket_id,
        metric,
        cycle,
        as_of,
        page_size: _,
        page_token: _,
    } = request;
    let mut wrong = Violations::new();
    let wanted = if clock_id.is_empty() {
        let ticket = wrong.parse::<TicketId>("ticket_id", ticket_id);
        let metric = wrong.take("metric", enums::metric(*metric).ok_or("must be a metric"));
        ticket
            .zip(metric)
            .map(|(ticket, metric)| Wanted::Place(ticket, metric, *cycle))
    } else {
        let alone = ticket_id.is_empty() && *metric == 0 && *cycle == 0;
        let why = "goes without ticket_id, metric and cycle";
        wrong.require("clock_id", alone, why);
        wrong.parse::<ClockId>("clock_id", clock_id).map(Wanted::Id)
    };
    let as_of = as_of.as_ref().and_then(|at| {
        let at = from_proto(at).map_err(|_| "must be an instant");
        wrong.take("as_of", at)
    });
    let future = as_of.is_some_and(|at| at > now);
    wrong.require("as_of", !future, "must not be in the future");
    Ok((wrong.finish_with(wanted)?, as_of))
}

fn scope(request: &proto::ExplainDeadlineRequest) -> page::Scope {
    let proto::ExplainDeadlineRequest {
        clock_id,
        ticket_id,
        metric,
        cycle,
        as_of,
        page_size: _,
        page_token: _,
    } = request;
    let bound = format!("{clock_id} {ticket_id} {metric} {cycle} {as_of:?}");
    page::Scope::new("ExplainDeadline", &[&bound])
}
