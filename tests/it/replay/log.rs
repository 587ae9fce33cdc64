//! A small incident log in the format of the real one, with everything that occurs in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::ToSpan as _;
use jiff::civil::{DateTime, date};
use serde_json::{Value, json};
use tempfile::TempDir;

const TICKET_COLUMNS: &str = "number,opened_at,caller_id,contact_type,priority,category,subcategory,u_symptom,location,impact,urgency";
const EVENT_COLUMNS: &str = "number,sys_updated_at,incident_state,priority,category,subcategory,u_symptom,location,impact,urgency,assignment_group,assigned_to,reassignment_count,reopen_count,made_sla,resolved_at";

/// Tickets of each kind.
const OF_EACH: usize = 6;
/// Minutes in a day.
const DAY: i64 = 24 * 60;

/// A row of the log, as far as rows differ: minutes after the ticket was opened, state, priority,
/// steps of the two counters.
type Row = (i64, &'static str, u8, u32, u32);

/// What one kind of ticket does, and what must be known of it in the end.
struct Kind {
    rows: &'static [Row],
    made_sla: bool,
    /// Minutes after it was opened at which it was last solved, and whether the log has that.
    solved: Option<(i64, bool)>,
    /// Whether its clock agrees with `made_sla`; nothing where no target is.
    agrees: Option<bool>,
}

const KINDS: [Kind; 10] = [
    // Straight through.
    Kind {
        rows: &[
            (1, "New", 3, 0, 0),
            (10, "Active", 3, 0, 0),
            (120, "Resolved", 3, 0, 0),
            (5 * DAY, "Closed", 3, 0, 0),
        ],
        made_sla: true,
        solved: Some((120, true)),
        agrees: Some(true),
    },
    // Handed on, two steps of the counter in one row, and waiting for the caller.
    Kind {
        rows: &[
            (0, "New", 4, 0, 0),
            (5, "Active", 4, 1, 0),
            (60, "Active", 4, 3, 0),
            (90, "Awaiting User Info", 4, 3, 0),
            (DAY, "Active", 4, 3, 0),
            (2 * DAY, "Resolved", 4, 3, 0),
            (7 * DAY, "Closed", 4, 3, 0),
        ],
        made_sla: true,
        solved: Some((2 * DAY, true)),
        agrees: Some(true),
    },
    // Waiting for others, and closed without being resolved first.
    Kind {
        rows: &[
            (0, "New", 3, 0, 0),
            (9, "Awaiting Vendor", 3, 0, 0),
            (30, "Awaiting Problem", 3, 0, 0),
            (99, "Awaiting Evidence", 3, 0, 0),
            (180, "Active", 3, 0, 0),
            (3 * DAY, "Closed", 3, 0, 0),
        ],
        made_sla: true,
        solved: Some((3 * DAY, true)),
        agrees: Some(true),
    },
    // Too slow, as the log says too.
    Kind {
        rows: &[
            (0, "New", 3, 0, 0),
            (DAY, "Active", 3, 1, 0),
            (29 * DAY, "Resolved", 3, 1, 0),
            (30 * DAY, "Closed", 3, 1, 0),
        ],
        made_sla: false,
        solved: Some((29 * DAY, true)),
        agrees: Some(true),
    },
    // Too slow, and the log says otherwise.
    Kind {
        rows: &[
            (0, "New", 3, 0, 0),
            (20 * DAY, "Resolved", 3, 0, 0),
            (25 * DAY, "Closed", 3, 0, 0),
        ],
        made_sla: true,
        solved: Some((20 * DAY, true)),
        agrees: Some(false),
    },
    // Reopened.
    Kind {
        rows: &[
            (0, "New", 2, 0, 0),
            (30, "Resolved", 2, 0, 0),
            (DAY, "Active", 2, 0, 1),
            (2 * DAY, "Resolved", 2, 1, 1),
            (3 * DAY, "Closed", 2, 1, 1),
        ],
        made_sla: true,
        solved: Some((2 * DAY, true)),
        agrees: None,
    },
    // Reopened after it was closed.
    Kind {
        rows: &[
            (0, "New", 1, 0, 0),
            (30, "Resolved", 1, 0, 0),
            (DAY, "Closed", 1, 0, 0),
            (4 * DAY, "Active", 1, 0, 1),
            (5 * DAY, "Resolved", 1, 0, 1),
            (6 * DAY, "Closed", 1, 0, 1),
        ],
        made_sla: false,
        solved: Some((5 * DAY, true)),
        agrees: None,
    },
    // Reopened three times without a row that shows it solved before, and no time of resolution.
    Kind {
        rows: &[
            (0, "New", 2, 0, 0),
            (15, "Active", 2, 0, 1),
            (45, "Active", 2, 2, 3),
            (2 * DAY, "Closed", 2, 2, 3),
        ],
        made_sla: true,
        solved: Some((2 * DAY, false)),
        agrees: None,
    },
    // Never solved, with a state that the log does not explain and a row that changes nothing.
    Kind {
        rows: &[
            (0, "New", 1, 0, 0),
            (20, "Active", 1, 0, 0),
            (40, "-100", 1, 0, 0),
            (60, "Active", 1, 0, 0),
            (60, "Active", 1, 0, 0),
        ],
        made_sla: true,
        solved: None,
        agrees: None,
    },
    // Of changing priority, with repeated ends and a row out of order.
    Kind {
        rows: &[
            (0, "New", 4, 0, 0),
            (60, "Active", 3, 0, 0),
            (50, "Active", 3, 1, 0),
            (90, "Resolved", 3, 1, 0),
            (DAY, "Resolved", 3, 1, 0),
            (2 * DAY, "Resolved", 3, 1, 0),
            (3 * DAY, "Closed", 3, 1, 0),
            (4 * DAY, "Closed", 3, 1, 0),
        ],
        made_sla: true,
        solved: Some((2 * DAY, true)),
        agrees: Some(true),
    },
];

/// A log in a folder of its own, and what must come out of it.
pub(super) struct Log {
    folder: TempDir,
    expected: Value,
    /// Hours from opening to the last solution, where the log has its time; ascending.
    hours: Vec<f64>,
    set_aside: Vec<(&'static str, usize)>,
}

impl Log {
    pub(super) fn write() -> Self {
        let mut tickets = format!("{TICKET_COLUMNS}\n");
        let mut events = format!("{EVENT_COLUMNS}\n");
        for place in 0..KINDS.len() * OF_EACH {
            one(place, &mut tickets, &mut events);
        }
        let set_aside = bad_rows(&mut tickets, &mut events);

        let folder = tempfile::tempdir().unwrap();
        let packed = std::fs::File::create(folder.path().join("tickets.csv.gz")).unwrap();
        let mut packed = GzEncoder::new(packed, Compression::fast());
        packed.write_all(tickets.as_bytes()).unwrap();
        packed.finish().unwrap();
        std::fs::write(folder.path().join("events.csv"), events).unwrap();
        let solved = KINDS.iter().filter_map(|kind| kind.solved);
        let logged = solved.filter(|(_, logged)| *logged);
        let mut hours: Vec<_> = logged
            .flat_map(|(minutes, _)| [minutes as f64 / 60.0; OF_EACH])
            .collect();
        hours.sort_by(f64::total_cmp);
        Self {
            folder,
            expected: expected(),
            hours,
            set_aside,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Fewer changes than a replay of it journals.
    pub(super) fn least_changes(&self) -> i64 {
        self.expected["events"].as_i64().unwrap()
    }

    /// Compares a report with what must come out.
    pub(super) fn check(&self, report: &Value) {
        for (key, value) in self.expected.as_object().unwrap() {
            assert_eq!(&report[key], value, "{key} of {report:#}");
        }
        let nearest_rank =
            |percent: usize| self.hours[(self.hours.len() * percent).div_ceil(100) - 1];
        for (key, percent) in [("p50", 50), ("p90", 90)] {
            let hours = report["resolution_hours"][key].as_f64().unwrap();
            assert!(
                (hours - nearest_rank(percent)).abs() < 1e-9,
                "{key}: {hours}"
            );
        }
        let aside: Vec<_> = report["set_aside"].as_array().unwrap().iter().collect();
        let places: Vec<_> = aside
            .iter()
            .map(|row| {
                (
                    row["file"].as_str().unwrap(),
                    row["line"].as_u64().unwrap() as usize,
                )
            })
            .collect();
        assert_eq!(places, self.set_aside, "{aside:#?}");
    }
}

fn opened(place: usize) -> DateTime {
    // On weekdays, so that days of the calendar are days of its weekdays-only clock.
    let day = i64::try_from(place / 20).unwrap();
    date(2016, 3, 7).at(8, 0, 0, 0) + day.days() + i64::try_from(place % 20 * 7).unwrap().minutes()
}

/// One ticket and its rows.
fn one(place: usize, tickets: &mut String, events: &mut String) {
    let kind = &KINDS[place % KINDS.len()];
    let opened = opened(place);
    let number = format!("INC{place:07}");
    let caller = if place.is_multiple_of(3) {
        "?".to_owned()
    } else {
        format!("Caller {}", place % 4)
    };
    let priority = label(kind.rows[0].2);
    let at = opened.strftime("%Y-%m-%dT%H:%M");
    writeln!(tickets, "{number},{at},{caller},Phone,{priority},Category 7,Subcategory 1,?,Location 3,2 - Medium,2 - Medium").unwrap();
    for &(minutes, state, priority, hops, reopenings) in kind.rows {
        let at = (opened + minutes.minutes())
            .strftime("%d/%m/%Y %H:%M")
            .to_string();
        let (group, agent) = match hops {
            0 => ("?", "?"),
            1 => ("Group 20", "Resolver 5"),
            _ => ("Group 56", "?"),
        };
        let resolved_at = match kind.solved {
            Some((_, true)) => at.as_str(),
            _ => "?",
        };
        let (made_sla, priority) = (kind.made_sla, label(priority));
        writeln!(events, "{number},{at},{state},{priority},Category 7,Subcategory 1,?,Location 3,2 - Medium,2 - Medium,{group},{agent},{hops},{reopenings},{made_sla},{resolved_at}").unwrap();
    }
}

fn label(priority: u8) -> &'static str {
    ["1 - Critical", "2 - High", "3 - Moderate", "4 - Low"][usize::from(priority) - 1]
}

/// Rows that cannot be used, and where they stand.
fn bad_rows(tickets: &mut String, events: &mut String) -> Vec<(&'static str, usize)> {
    let mut places = Vec::new();
    let mut add = |file, text: &mut String, row: &str| {
        text.push_str(row);
        text.push('\n');
        places.push((file, text.lines().count()));
    };
    let facts = "Category 7,?,?,?,?,?";
    for row in [
        format!("INC9000001,yesterday,?,Phone,3 - Moderate,{facts}"),
        format!("INC0000000,2016-03-07T08:00,?,Phone,3 - Moderate,{facts}"),
        format!("INC9000002,2016-03-07T08:00,?,Pigeon,3 - Moderate,{facts}"),
    ] {
        add("tickets.csv", tickets, &row);
    }
    for row in [
        format!("INC9000001,7/3/2016 08:00,New,3 - Moderate,{facts},?,?,0,0,true,?"),
        format!("INC0000000,7/3/2016 08:00,New,9 - None,{facts},?,?,0,0,true,?"),
        format!("INC0000000,7/3/2016 08:00,New,3 - Moderate,{facts},?,?,many,0,true,?"),
        "INC0000000,7/3/2016 08:00,New".to_owned(),
    ] {
        add("events.csv", events, &row);
    }
    places
}

/// Counted kind by kind, by other means than the replay's.
fn expected() -> Value {
    let sum = |of: &dyn Fn(&Kind) -> u64| KINDS.iter().map(of).sum::<u64>() * OF_EACH as u64;
    let last = |kind: &Kind| *kind.rows.last().unwrap();
    let mut by_priority = BTreeMap::new();
    let mut agreement: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for kind in &KINDS {
        let name = format!("P{}", last(kind).2);
        *by_priority.entry(name.clone()).or_insert(0) += OF_EACH;
        if let Some(agrees) = kind.agrees {
            let (agreeing, all) = agreement.entry(name).or_default();
            *agreeing += f64::from(u8::from(agrees));
            *all += 1.0;
        }
    }
    let agreement: BTreeMap<_, _> = agreement
        .into_iter()
        .map(|(name, (agreeing, all))| (name, agreeing / all))
        .collect();
    json!({
        "tickets": sum(&|_| 1),
        "events": sum(&|kind| kind.rows.len() as u64),
        "reassignments": sum(&|kind| u64::from(last(kind).3)),
        "transferred": sum(&|kind| u64::from(last(kind).3 > 0)),
        "reopened": sum(&|kind| u64::from(last(kind).4 > 0)),
        "reopenings": sum(&|kind| u64::from(last(kind).4)),
        "logged_sla_met": sum(&|kind| u64::from(kind.made_sla)),
        "by_priority": by_priority,
        "no_transfer_no_reopen": sum(&|kind| u64::from(last(kind).3 == 0 && last(kind).4 == 0)),
        "solved": sum(&|kind| u64::from(kind.solved.is_some())),
        "resolved": sum(&|kind| u64::from(kind.solved.is_some_and(|(_, logged)| logged))),
        "sla_agreement": agreement,
    })
}
