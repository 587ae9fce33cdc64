//! The log as a journal: what was known of each ticket before an instant, and nothing later.
//!
//! [`Story::before`] is the barrier. Everything that learns here learns through it; only the
//! scores look at where a ticket ended.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_routing::learning::{Case, Example};

use crate::replay::log::{Incident, Log, State};

/// What stands for a value that the log does not say where its absence tells something: a ticket
/// without a creator came in by a machine.
const UNSAID: &str = "unsaid";

/// One ticket.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) opened_at: Timestamp,
    /// What its first row says, without the group.
    pub(super) intake: Case,
    /// The group of its first row: what people chose.
    pub(super) first_group: Option<String>,
    /// Its rows, oldest first.
    pub(super) moments: Vec<Moment>,
    /// Largest count of reassignments: hand-overs that really happened.
    pub(super) reassignments: u32,
}

/// One row, as far as routing learns from it.
#[derive(Clone)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) group: Option<String>,
    /// Resolved or closed.
    pub(super) settled: bool,
}

/// Where a ticket stood at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing<'a> {
    /// The latest group.
    pub(super) group: &'a str,
    /// Whether it was resolved or closed.
    pub(super) settled: bool,
}

/// The stories of a log, those opened first in front. Tickets without rows have none.
pub(super) fn stories(log: &Log) -> Vec<Story> {
    let mut stories: Vec<Story> = log.incidents.iter().filter_map(story).collect();
    stories.sort_by_key(|story| story.opened_at);
    stories
}

impl Story {
    /// Where the ticket stood just before `instant`, if it was open by then and had a group: rows
    /// written at `instant` or later are as if they were never written.
    pub(super) fn before(&self, instant: Timestamp) -> Option<Standing<'_>> {
        if self.opened_at >= instant {
            return None;
        }
        let known = self.moments.partition_point(|moment| moment.at < instant);
        let known = &self.moments[..known];
        Some(Standing {
            group: known
                .iter()
                .rev()
                .find_map(|moment| moment.group.as_deref())?,
            settled: known.last()?.settled,
        })
    }

    /// Where it ended, if its first and its last group are known: only to be compared with.
    pub(super) fn truth(&self) -> Option<&str> {
        self.first_group.as_ref()?;
        self.moments
            .iter()
            .rev()
            .find_map(|moment| moment.group.as_deref())
    }

    /// What a model is asked when the ticket comes in; the re-router is asked once people have
    /// chosen a group.
    pub(super) fn case(&self, reroute: bool) -> Case {
        Case {
            first_group: self.first_group.clone().filter(|_| reroute),
            ..self.intake.clone()
        }
    }
}

/// What a model may learn from at `instant`.
pub(super) fn examples(stories: &[Story], instant: Timestamp, reroute: bool) -> Vec<Example> {
    let known = stories
        .iter()
        .filter_map(|story| Some((story, story.before(instant)?)));
    known
        .map(|(story, standing)| Example {
            case: story.case(reroute),
            group: standing.group.to_owned(),
            at: story.opened_at,
            settled: standing.settled,
        })
        .collect()
}

fn story(incident: &Incident) -> Option<Story> {
    let first = incident.rows.first()?;
    let mut latest = first.at;
    let moments = incident.rows.iter().map(|row| {
        // A few rows are dated before the one above them: nobody read them earlier than that.
        latest = latest.max(row.at);
        Moment {
            at: latest,
            group: row.group.clone(),
            settled: matches!(row.state, State::Resolved | State::Closed),
        }
    });
    Some(Story {
        opened_at: incident.opened_at,
        intake: intake(incident),
        first_group: first.group.clone(),
        moments: moments.collect(),
        reassignments: incident
            .rows
            .iter()
            .map(|row| row.reassignments)
            .max()
            .unwrap_or(0),
    })
}

/// The fields of the first row that a desk knows when a ticket comes in.
///
/// Left out on purpose: everything that the log states with its final value, and the first row's
/// `assigned_to`. In nine of ten tickets whose group changes it already names an agent of the last
/// group: the log fills it in from later.
fn intake(incident: &Incident) -> Case {
    let facts = incident
        .rows
        .first()
        .map_or(&incident.facts, |row| &row.facts);
    let said = |text: &Option<String>| Some(text.clone().unwrap_or_else(|| UNSAID.to_owned()));
    let fields = [
        ("category", facts.category.clone()),
        ("subcategory", facts.subcategory.clone()),
        ("symptom", said(&facts.symptom)),
        ("location", facts.location.clone()),
        ("priority", Some(facts.priority.as_str_name().to_owned())),
        ("requester", incident.caller.clone()),
        ("opened by", said(&incident.opened_by)),
        ("creator", said(&incident.created_by)),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Case {
        fields: known.collect::<BTreeMap<_, _>>(),
        ..Case::default()
    }
}
