//! The figures as tables, for people.

use std::fmt::Write as _;

use super::figures::{Class, Outcome, Report};
use super::sample::Interval;

/// Beyond this many agents only groups are shown.
const MOST_AGENTS: usize = 40;

/// All tables.
pub(super) fn show(report: &Report) -> String {
    let mut out = String::new();
    let Report {
        scenario,
        seed,
        days,
        policies,
    } = report;
    line(&mut out, &format!("{scenario}: {days} days, seed {seed}"));
    line(&mut out, "");
    policies_side_by_side(&mut out, policies);
    for outcome in policies {
        classes(&mut out, outcome);
        people(&mut out, outcome);
        hours(&mut out, outcome);
    }
    out
}

/// What a row tells, and how of one policy.
type Row = (&'static str, fn(&Outcome) -> String);

fn policies_side_by_side(out: &mut String, policies: &[Outcome]) {
    let rows: [Row; 17] = [
        ("tickets", |one| one.total.came.to_string()),
        ("mean wait", |one| interval(&one.total.wait.mean)),
        ("longer than the first", |one| {
            one.longer_than_first.as_ref().map_or_else(dash, interval)
        }),
        ("wait p50, p90, p99", |one| quantiles(&one.total)),
        ("mean until begun", |one| interval(&one.total.begin.mean)),
        ("begun in time", |one| percent(one.total.service_level)),
        ("promise kept", |one| percent(one.total.promise_kept)),
        ("best fit", |one| percent(one.total.best_fit)),
        ("transfer rate", |one| percent(one.total.transfer_rate)),
        ("left", |one| percent(one.total.abandonment)),
        ("wrote again", |one| one.total.again.to_string()),
        ("solved, open at the end", |one| {
            format!("{}, {}", one.total.solved, one.total.open)
        }),
        ("fairness (Jain)", |one| number(one.fairness.jain)),
        ("unfairness (Gini)", |one| number(one.fairness.gini)),
        ("fairness of load (Jain)", |one| {
            number(one.fairness.jain_of_load)
        }),
        ("longest idle", |one| seconds(one.fairness.longest_idle)),
        ("tickets per second", |one| {
            format!("{:.0}", one.tickets_per_second)
        }),
    ];
    let mut table = Table::new();
    table.row(
        [String::new()]
            .into_iter()
            .chain(policies.iter().map(|one| one.policy.to_owned())),
    );
    for (name, figure) in rows {
        table.row(
            [name.to_owned()]
                .into_iter()
                .chain(policies.iter().map(figure)),
        );
    }
    table.show(out);
}

fn classes(out: &mut String, outcome: &Outcome) {
    let mut table = Table::new();
    let heads = [
        "class",
        "came",
        "mean wait",
        "p50, p90, p99",
        "in time",
        "promise",
        "fit",
        "transfers",
        "left",
    ];
    table.row(heads.map(str::to_owned));
    for class in &outcome.classes {
        table.row([
            class.class.clone(),
            class.came.to_string(),
            interval(&class.wait.mean),
            quantiles(class),
            percent(class.service_level),
            percent(class.promise_kept),
            percent(class.best_fit),
            percent(class.transfer_rate),
            percent(class.abandonment),
        ]);
    }
    line(out, &format!("{}, by class", outcome.policy));
    table.show(out);
}

fn people(out: &mut String, outcome: &Outcome) {
    let mut table = Table::new();
    table.row(["group", "agents", "load", "solved"].map(str::to_owned));
    for group in &outcome.groups {
        table.row([
            group.group.clone(),
            group.agents.to_string(),
            percent(group.load),
            group.solved.to_string(),
        ]);
    }
    line(out, &format!("{}, by group", outcome.policy));
    table.show(out);
    if outcome.agents.len() > MOST_AGENTS {
        return;
    }
    let mut table = Table::new();
    table.row(
        [
            "agent",
            "hours",
            "load",
            "got",
            "solved",
            "declined",
            "no answer",
            "longest idle",
        ]
        .map(str::to_owned),
    );
    for agent in &outcome.agents {
        table.row([
            agent.agent.clone(),
            format!("{:.1}", agent.hours),
            percent(agent.load),
            agent.assigned.to_string(),
            agent.solved.to_string(),
            agent.declined.to_string(),
            agent.timed_out.to_string(),
            seconds(agent.longest_idle),
        ]);
    }
    line(out, &format!("{}, by agent", outcome.policy));
    table.show(out);
}

fn hours(out: &mut String, outcome: &Outcome) {
    let mut table = Table::new();
    table.row(["hour", "came", "online", "waiting", "most", "mean wait"].map(str::to_owned));
    for hour in &outcome.hours {
        table.row([
            format!("{:02}", hour.hour),
            hour.came.to_string(),
            format!("{:.1}", hour.online),
            format!("{:.2}", hour.waiting),
            hour.most_waiting.to_string(),
            hour.wait.map_or_else(dash, seconds),
        ]);
    }
    line(out, &format!("{}, by hour of the day", outcome.policy));
    table.show(out);
}

/// Rows of cells; the first column to the left, the others to the right.
struct Table(Vec<Vec<String>>);

impl Table {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push(cells.into_iter().collect());
    }

    fn show(&self, out: &mut String) {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.0 {
            let mut text = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let _ = match at {
                    0 => write!(text, "{cell:<width$}"),
                    _ => write!(text, "  {cell:>width$}"),
                };
            }
            line(out, text.trim_end());
        }
        line(out, "");
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn quantiles(class: &Class) -> String {
    let wait = &class.wait;
    [wait.p50, wait.p90, wait.p99].map(seconds).join(", ")
}

fn interval(figure: &Interval) -> String {
    match figure.high {
        Some(high) => format!(
            "{} ±{}",
            seconds(figure.value),
            seconds(high - figure.value)
        ),
        None => seconds(figure.value),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(dash, |share| format!("{:.1} %", share * 100.0))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{value:.4}"))
}

fn dash() -> String {
    "-".to_owned()
}

/// `4.21 s`, `3 m 12 s`, `2 h 05 m`.
fn seconds(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let size = seconds.abs();
    if size < 60.0 {
        return format!("{sign}{size:.2} s");
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a simulation"
    )]
    let whole = size.round() as u64;
    match whole {
        ..3_600 => format!("{sign}{} m {:02} s", whole / 60, whole % 60),
        _ => format!("{sign}{} h {:02} m", whole / 3_600, whole % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let said = [0.0, 4.214, 192.0, 7_500.0, -90.0].map(seconds);
        assert_eq!(
            said,
            ["0.00 s", "4.21 s", "3 m 12 s", "2 h 05 m", "-1 m 30 s"]
        );
    }
}
