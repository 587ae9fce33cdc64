//! Where stored and recomputed differ, field by field.

use std::fmt::{self, Debug};

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use lotse_journal::Recorded;
use lotse_proto::journal::v1 as proto;

use crate::domain::{Change, Clock, ClockTimes, Ticket, instant};
use crate::store::tickets::Row;

/// One field that is not what the journal leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The ticket; empty where it is about the journal itself.
    pub ticket_id: String,
    /// The clock: id, metric and cycle as far as known; empty where it is about the ticket.
    pub clock: String,
    /// The field, or the event and its field.
    pub field: String,
    /// As stored.
    pub stored: String,
    /// As recomputed from the journal.
    pub recomputed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ticket_id,
            clock,
            field,
            stored,
            recomputed,
        } = self;
        write!(
            f,
            "{ticket_id} {clock} {field}: stored {stored}, recomputed {recomputed}"
        )
    }
}

impl Difference {
    /// Of a ticket as a whole.
    pub(super) fn of_ticket(field: &str, stored: impl ToString, recomputed: impl ToString) -> Self {
        Self {
            ticket_id: String::new(),
            clock: String::new(),
            field: field.to_owned(),
            stored: stored.to_string(),
            recomputed: recomputed.to_string(),
        }
    }

    /// Of an event that told something of a clock.
    pub(super) fn of_event(
        event: &Recorded,
        told: &proto::ClockChanged,
        field: &str,
        stored: impl ToString,
        recomputed: impl ToString,
    ) -> Self {
        let metric = told
            .metric()
            .as_str_name()
            .trim_start_matches("SLA_METRIC_");
        Self {
            clock: named(&told.clock_id, &metric.to_lowercase(), told.cycle),
            ..Self::of_ticket(
                &format!(
                    "event {} ({:?}) {field}",
                    event.reference(),
                    told.transition()
                ),
                stored,
                recomputed,
            )
        }
    }

    /// Of a change that was never told.
    pub(super) fn missing(change: &Change, id: Option<&ClockId>) -> Self {
        let at = instant(change.at);
        let id = id.map(ToString::to_string).unwrap_or_default();
        Self {
            clock: named(&id, change.clock.metric.code(), change.clock.cycle),
            ..Self::of_ticket(
                "event",
                "not told",
                format!("{:?} at {at}", change.transition),
            )
        }
    }

    /// Of a clock that is only on one side.
    pub(super) fn of_clock(clock: &Clock, stored: &str, recomputed: &str) -> Self {
        Self {
            clock: name_of(clock),
            ..Self::of_ticket("clock", stored, recomputed)
        }
    }
}

fn named(id: &str, metric: &str, cycle: u32) -> String {
    format!("{id} {metric} {cycle}").trim_start().to_owned()
}

fn name_of(clock: &Clock) -> String {
    let id = clock.id.as_ref().map(ToString::to_string);
    named(&id.unwrap_or_default(), clock.metric.code(), clock.cycle)
}

/// Collects the fields that differ.
struct Fields(Vec<(&'static str, String, String)>);

impl Fields {
    fn check<T: PartialEq + Debug>(&mut self, field: &'static str, stored: &T, recomputed: &T) {
        if stored != recomputed {
            self.0
                .push((field, format!("{stored:?}"), format!("{recomputed:?}")));
        }
    }

    fn check_at(&mut self, field: &'static str, stored: Option<Timestamp>, now: Option<Timestamp>) {
        let text = |at: Option<Timestamp>| at.map_or("nothing".to_owned(), instant);
        if stored != now {
            self.0.push((field, text(stored), text(now)));
        }
    }
}

/// What an event told of a clock.
pub(super) struct Told<'a>(pub(super) &'a proto::ClockChanged);

impl Told<'_> {
    /// Where it is not what came out.
    pub(super) fn differences(
        &self,
        event: &Recorded,
        came_out: &proto::ClockChanged,
    ) -> Vec<Difference> {
        let told = self.0;
        if told == came_out {
            return Vec::new();
        }
        let proto::ClockChanged {
            clock_id,
            metric,
            cycle,
            transition,
            state,
            policy_id,
            policy_version,
            target_ms,
            consumed_ms,
            due_at,
            warned_percent,
            detected_at,
            reason,
        } = told;
        let mut fields = Fields(Vec::new());
        fields.check("clock_id", clock_id, &came_out.clock_id);
        fields.check("metric", metric, &came_out.metric);
        fields.check("cycle", cycle, &came_out.cycle);
        fields.check("transition", transition, &came_out.transition);
        fields.check("state", state, &came_out.state);
        fields.check("policy_id", policy_id, &came_out.policy_id);
        fields.check("policy_version", policy_version, &came_out.policy_version);
        fields.check("target_ms", target_ms, &came_out.target_ms);
        fields.check("consumed_ms", consumed_ms, &came_out.consumed_ms);
        fields.check("due_at", due_at, &came_out.due_at);
        fields.check("warned_percent", warned_percent, &came_out.warned_percent);
        fields.check("detected_at", detected_at, &came_out.detected_at);
        fields.check("reason", reason, &came_out.reason);
        let difference = |(field, stored, recomputed): (_, String, String)| {
            Difference::of_event(event, told, field, stored, recomputed)
        };
        fields.0.into_iter().map(difference).collect()
    }
}

/// Where a stored clock is not what was recomputed.
pub(super) fn of_clocks(stored: &Clock, recomputed: &Clock) -> Vec<Difference> {
    let Clock {
        id,
        metric,
        cycle,
        terms,
        state,
        reason,
        started_at,
        consumed,
        resumed_at,
        warned,
        times,
        latest,
    } = stored;
    let other = recomputed;
    let mut fields = Fields(Vec::new());
    let text = |id: &Option<ClockId>| id.as_ref().map(ToString::to_string).unwrap_or_default();
    fields.check("id", &text(id), &text(&other.id));
    fields.check("metric", metric, &other.metric);
    fields.check("cycle", cycle, &other.cycle);
    fields.check("policy", &terms.policy, &other.terms.policy);
    fields.check("calendar", &terms.calendar, &other.terms.calendar);
    fields.check("target_ms", &terms.target, &other.terms.target);
    fields.check("state", state, &other.state);
    fields.check("reason", reason, &other.reason);
    fields.check_at("started_at", Some(*started_at), Some(other.started_at));
    fields.check("consumed_ms", consumed, &other.consumed);
    fields.check_at("resumed_at", *resumed_at, other.resumed_at);
    fields.check("warned_percent", warned, &other.warned);
    fields.check("latest", latest, &other.latest);
    let ClockTimes {
        due,
        breached,
        detected,
        fulfilled,
        cancelled,
    } = *times;
    fields.check_at("due_at", due, other.times.due);
    fields.check_at("breached_at", breached, other.times.breached);
    fields.check_at("detected_at", detected, other.times.detected);
    fields.check_at("fulfilled_at", fulfilled, other.times.fulfilled);
    fields.check_at("cancelled_at", cancelled, other.times.cancelled);
    let difference = |(field, stored, recomputed): (&str, String, String)| Difference {
        clock: name_of(other),
        ..Difference::of_ticket(field, stored, recomputed)
    };
    fields.0.into_iter().map(difference).collect()
}

/// Where the row of a ticket is not what was recomputed, `facts` included.
pub(super) fn of_rows(row: &Row, ticket: &Ticket, facts: &crate::domain::Facts) -> Vec<Difference> {
    let Row {
        ticket_id: _,
        lane: _,
        created_at,
        status,
        status_at,
        watermark,
        first_over,
        wrote_at,
        group,
        bot,
        plan_at,
        facts: stored_facts,
        plan,
        tallies,
        next_at,
        // How often the timer was set anew: nothing follows from it.
        generation: _,
    } = row;
    let mut fields = Fields(Vec::new());
    fields.check_at("created_at", Some(*created_at), Some(ticket.created_at));
    fields.check("status", status, &ticket.status);
    fields.check_at("status_at", Some(*status_at), Some(ticket.status_at));
    fields.check_at("watermark_at", Some(*watermark), Some(ticket.watermark));
    fields.check("first_over", first_over, &ticket.first_over);
    fields.check_at("wrote_at", *wrote_at, ticket.wrote_at);
    fields.check("group_id", group, &ticket.group);
    fields.check("bot", bot, &ticket.bot);
    fields.check_at("plan_at", *plan_at, ticket.plan_at);
    fields.check("facts", stored_facts, facts);
    let chosen = ticket.plan.as_ref().map(|plan| plan.reference.clone());
    fields.check("plan", plan, &chosen);
    fields.check("tallies", tallies, &ticket.tallies);
    fields.check_at("next_at", *next_at, ticket.next_at());
    let difference = |(field, stored, recomputed): (&str, String, String)| {
        Difference::of_ticket(field, stored, recomputed)
    };
    fields.0.into_iter().map(difference).collect()
}
