//! Reads an incident log: `tickets.csv[.gz]` and `events.csv[.gz]`.
//!
//! The format is that of the "Incident management process enriched event log" (UCI Machine
//! Learning Repository, data set 498). A row that cannot be read is set aside with its line and
//! the reason; it never stops the rest.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lotse_clock::Timestamp;
use lotse_proto::common::v1::{Channel, Priority};
use serde::Serialize;

/// How the log writes a missing value.
const MISSING: &str = "?";

/// A whole log, in the order of its files.
pub(crate) struct Log {
    pub(crate) incidents: Vec<Incident>,
    pub(crate) set_aside: Vec<SetAside>,
    /// Event rows that were read, whether or not their ticket is known.
    pub(crate) rows: usize,
}

/// One ticket and its rows, oldest first.
pub(crate) struct Incident {
    pub(crate) number: String,
    pub(crate) opened_at: Timestamp,
    pub(crate) caller: Option<String>,
    /// Who opened it; also absent in logs without the column.
    pub(crate) opened_by: Option<String>,
    /// Who keyed it in, by its first row; absent when a machine did, and likewise.
    pub(crate) created_by: Option<String>,
    pub(crate) channel: Channel,
    pub(crate) facts: Facts,
    pub(crate) rows: Vec<Row>,
}

/// What is known of a ticket at one instant and may change.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) subcategory: Option<String>,
    pub(crate) symptom: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) impact: Option<String>,
    pub(crate) urgency: Option<String>,
}

/// One row of `events.csv`.
pub(crate) struct Row {
    /// The line in the file, from 1 (the header).
    pub(crate) line: u64,
    pub(crate) at: Timestamp,
    pub(crate) state: State,
    pub(crate) facts: Facts,
    pub(crate) group: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) reassignments: u32,
    pub(crate) reopenings: u32,
    pub(crate) made_sla: bool,
    pub(crate) resolved: bool,
}

/// The log's own states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    New,
    Active,
    AwaitingUser,
    /// Waiting for somebody else; the text is the reason's code.
    Awaiting(&'static str),
    Resolved,
    Closed,
    /// One the log does not explain (such as `-100`): the ticket stays as it is.
    Unknown,
}

/// A row that could not be used.
#[derive(Debug, Serialize)]
pub(crate) struct SetAside {
    pub(crate) file: &'static str,
    pub(crate) line: u64,
    pub(crate) reason: String,
}

/// Reads the log in `folder`.
pub(crate) fn read(folder: &Path) -> Result<Log> {
    let mut set_aside = Vec::new();
    let mut incidents = Vec::new();
    let mut places = HashMap::new();
    each_row(
        folder,
        "tickets.csv",
        &mut set_aside,
        |columns, record, _| {
            let incident = incident(columns, record)?;
            if places.contains_key(&incident.number) {
                bail!("ticket {} stands in the file twice", incident.number);
            }
            places.insert(incident.number.clone(), incidents.len());
            incidents.push(incident);
            Ok(())
        },
    )?;
    let mut rows = 0;
    each_row(
        folder,
        "events.csv",
        &mut set_aside,
        |columns, record, line| {
            let number = columns.text(record, "number")?;
            let row = row(columns, record, line)?;
            let Some(place) = places.get(number) else {
                bail!("ticket {number} is not in tickets.csv");
            };
            rows += 1;
            let incident = &mut incidents[*place];
            if incident.rows.is_empty() {
                incident.created_by = columns.if_present(record, "sys_created_by")?;
            }
            incident.rows.push(row);
            Ok(())
        },
    )?;
    Ok(Log {
        incidents,
        set_aside,
        rows,
    })
}

fn incident(columns: &Columns, record: &StringRecord) -> Result<Incident> {
    Ok(Incident {
        number: columns.text(record, "number")?.to_owned(),
        opened_at: columns.time(record, "opened_at", "%Y-%m-%dT%H:%M")?,
        caller: columns.optional(record, "caller_id")?,
        opened_by: columns.if_present(record, "opened_by")?,
        created_by: None,
        channel: channel(columns.text(record, "contact_type")?)?,
        facts: facts(columns, record)?,
        rows: Vec::new(),
    })
}

fn row(columns: &Columns, record: &StringRecord, line: u64) -> Result<Row> {
    Ok(Row {
        line,
        at: columns.time(record, "sys_updated_at", "%d/%m/%Y %H:%M")?,
        state: state(columns.text(record, "incident_state")?),
        facts: facts(columns, record)?,
        group: columns.optional(record, "assignment_group")?,
        agent: columns.optional(record, "assigned_to")?,
        reassignments: columns.number(record, "reassignment_count")?,
        reopenings: columns.number(record, "reopen_count")?,
        made_sla: columns.text(record, "made_sla")? == "true",
        resolved: columns.optional(record, "resolved_at")?.is_some(),
    })
}

fn facts(columns: &Columns, record: &StringRecord) -> Result<Facts> {
    Ok(Facts {
        priority: priority(columns.text(record, "priority")?)?,
        category: columns.optional(record, "category")?,
        subcategory: columns.optional(record, "subcategory")?,
        symptom: columns.optional(record, "u_symptom")?,
        location: columns.optional(record, "location")?,
        impact: columns.optional(record, "impact")?,
        urgency: columns.optional(record, "urgency")?,
    })
}

fn priority(text: &str) -> Result<Priority> {
    Ok(match text.split(' ').next() {
        Some("1") => Priority::Urgent,
        Some("2") => Priority::High,
        Some("3") => Priority::Normal,
        Some("4") => Priority::Low,
        _ => bail!("priority {text:?} is not one of 1 to 4"),
    })
}

fn channel(text: &str) -> Result<Channel> {
    Ok(match text {
        "Phone" => Channel::Phone,
        "Email" => Channel::Email,
        "Self service" => Channel::Web,
        "Direct opening" => Channel::WalkIn,
        "IVR" => Channel::Phone,
        _ => bail!("contact_type {text:?} is unknown"),
    })
}

fn state(text: &str) -> State {
    match text {
        "New" => State::New,
        "Active" => State::Active,
        "Awaiting User Info" => State::AwaitingUser,
        "Awaiting Problem" => State::Awaiting("awaiting_problem"),
        "Awaiting Vendor" => State::Awaiting("awaiting_vendor"),
        "Awaiting Evidence" => State::Awaiting("awaiting_evidence"),
        "Resolved" => State::Resolved,
        "Closed" => State::Closed,
        _ => State::Unknown,
    }
}

/// Where each column stands.
struct Columns(HashMap<String, usize>);

impl Columns {
    fn text<'r>(&self, record: &'r StringRecord, name: &str) -> Result<&'r str> {
        let place = self
            .0
            .get(name)
            .with_context(|| format!("there is no column {name}"))?;
        let text = record
            .get(*place)
            .with_context(|| format!("{name} is missing"))?;
        if text.is_empty() {
            bail!("{name} is empty");
        }
        Ok(text)
    }

    fn optional(&self, record: &StringRecord, name: &str) -> Result<Option<String>> {
        let text = self.text(record, name)?;
        Ok((text != MISSING).then(|| text.to_owned()))
    }

    /// Like `optional`, of a column that a log need not have.
    fn if_present(&self, record: &StringRecord, name: &str) -> Result<Option<String>> {
        if self.0.contains_key(name) {
            self.optional(record, name)
        } else {
            Ok(None)
        }
    }

    fn number(&self, record: &StringRecord, name: &str) -> Result<u32> {
        let text = self.text(record, name)?;
        text.parse()
            .with_context(|| format!("{name} {text:?} is not a number"))
    }

    /// The log names no zone: its times are read as UTC.
    fn time(&self, record: &StringRecord, name: &str, format: &str) -> Result<Timestamp> {
        let text = self.text(record, name)?;
        let civil = DateTime::strptime(format, text)
            .with_context(|| format!("{name} {text:?} is not a time"))?;
        let at = civil.to_zoned(TimeZone::UTC)?.timestamp();
        Ok(Timestamp::from_millis(at.as_millisecond()))
    }
}

/// Calls `take` with each row of a file; what it refuses is set aside.
fn each_row(
    folder: &Path,
    file: &'static str,
    set_aside: &mut Vec<SetAside>,
    mut take: impl FnMut(&Columns, &StringRecord, u64) -> Result<()>,
) -> Result<()> {
    let mut reader = csv::Reader::from_reader(open(folder, file)?);
    let header = reader
        .headers()
        .with_context(|| format!("{file} has no header"))?;
    let columns = Columns(header.iter().map(str::to_owned).zip(0..).collect());
    for record in reader.records() {
        let (line, outcome) = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                (line, take(&columns, &record, line))
            }
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                return Err(error).with_context(|| format!("cannot read {file}"));
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                (line, Err(error.into()))
            }
        };
        if let Err(error) = outcome {
            set_aside.push(SetAside {
                file,
                line,
                reason: format!("{error:#}"),
            });
        }
    }
    Ok(())
}

fn open(folder: &Path, file: &str) -> Result<Box<dyn Read>> {
    let packed: PathBuf = folder.join(format!("{file}.gz"));
    if packed.exists() {
        let reader =
            File::open(&packed).with_context(|| format!("cannot open {}", packed.display()))?;
        return Ok(Box::new(MultiGzDecoder::new(reader)));
    }
    let plain = folder.join(file);
    let reader = File::open(&plain).with_context(|| {
        format!(
            "neither {} nor {} can be opened",
            packed.display(),
            plain.display()
        )
    })?;
    Ok(Box::new(reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKETS: &str = "number,opened_at,caller_id,contact_type,priority,category,subcategory,u_symptom,location,impact,urgency\n";
    const EVENTS: &str = "number,sys_updated_at,incident_state,priority,category,subcategory,u_symptom,location,impact,urgency,assignment_group,assigned_to,reassignment_count,reopen_count,made_sla,resolved_at\n";

    fn log(tickets: &str, events: &str) -> Log {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("tickets.csv"),
            format!("{TICKETS}{tickets}"),
        )
        .unwrap();
        std::fs::write(
            folder.path().join("events.csv"),
            format!("{EVENTS}{events}"),
        )
        .unwrap();
        read(folder.path()).unwrap()
    }

    #[test]
    fn bad_rows_are_set_aside_by_line_and_the_rest_is_read() {
        let log = log(
            "INC1,2016-02-29T01:16,?,Phone,3 - Moderate,?,?,?,?,?,?\nINC2,yesterday,?,Phone,3 - Moderate,?,?,?,?,?,?\n",
            "INC1,29/2/2016 01:23,New,3 - Moderate,?,?,?,?,?,?,?,?,0,0,true,?\n\
             INC1,29/2/2016 01:24,New,3 - Moderate\n\
             INC9,29/2/2016 01:23,New,3 - Moderate,?,?,?,?,?,?,?,?,0,0,true,?\n\
             INC1,29/2/2016 02:00,Closed,3 - Moderate,?,?,?,?,?,?,Group 1,?,many,0,true,?\n",
        );
        let aside: Vec<_> = log
            .set_aside
            .iter()
            .map(|row| (row.file, row.line))
            .collect();
        assert_eq!(
            aside,
            [
                ("tickets.csv", 3),
                ("events.csv", 3),
                ("events.csv", 4),
                ("events.csv", 5)
            ]
        );
        assert_eq!((log.incidents.len(), log.rows), (1, 1));
        assert!(log.set_aside[3].reason.contains("reassignment_count"));
    }

    #[test]
    fn a_question_mark_is_a_missing_value() {
        let log = log(
            "INC1,2016-02-29T01:16,?,Phone,3 - Moderate,?,?,?,?,?,?\n",
            "",
        );
        let incident = &log.incidents[0];
        assert_eq!(incident.caller, None);
        assert_eq!(incident.facts.category, None);
        assert_eq!(incident.opened_at.as_millis(), 1_456_708_560_000);
    }

    #[test]
    fn a_folder_without_a_log_says_which_files_it_wants() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).err().unwrap();
        assert!(error.to_string().contains("tickets.csv"), "{error}");
    }
}
