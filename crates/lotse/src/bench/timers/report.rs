//! The figures as a table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::million::Million;
use super::sql::WithSql;
use super::tally::Lateness;

/// One side.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Contestant {
    /// Timers armed in bulk a second: the median of three times.
    pub(super) arm_per_second: f64,
    /// From due to done, without a kill.
    pub(super) lateness_ms: Lateness,
    /// Growth of Redis' used_memory.
    pub(super) bytes_per_timer: f64,
    /// The same by MEMORY USAGE of the keys.
    pub(super) bytes_per_timer_by_memory_usage: f64,
    /// CPU of the worker processes in the run without a kill.
    pub(super) cpu_seconds: f64,
    /// CPU of Redis in that run, its arming included.
    pub(super) redis_cpu_seconds: f64,
    /// Rows without an effect, in both runs.
    pub(super) lost: u64,
    /// Second effects, in both runs.
    pub(super) doubled: u64,
    /// Rows handed out again after their effect, which the row's state stopped.
    pub(super) delivered_again: u64,
    /// The run with a kill.
    pub(super) kill: Kill,
    /// What was chosen.
    pub(super) settings: serde_json::Value,
}

/// What a killed worker costs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Kill {
    /// Rows it had in hand.
    pub(super) killed_batch: u64,
    /// How late the latest of them was.
    pub(super) late_ms_max_killed_batch: f64,
    /// How late the latest of all others was.
    pub(super) late_ms_max_others: f64,
    /// And their p99.
    pub(super) late_ms_p99_others: f64,
    /// From the kill until the last row in hand was done.
    pub(super) catch_up_seconds: f64,
}

/// A goal and what came of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Goal {
    pub(super) goal: String,
    pub(super) figure: f64,
    pub(super) met: bool,
}

/// Everything.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lotse: Option<Contestant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bullmq: Option<Contestant>,
    pub(super) goals: Vec<Goal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) million: Option<Million>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) with_sql: Option<WithSql>,
    pub(super) machine: serde_json::Value,
}

/// One figure of a side.
type Figure = fn(&Contestant) -> f64;

/// Judges the figures.
fn goals(lotse: &Contestant, bullmq: Option<&Contestant>) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut goal = |goal: &str, figure: f64, met: bool| {
        goals.push(Goal {
            goal: goal.to_owned(),
            figure: (figure * 100.0).round() / 100.0,
            met,
        });
    };
    let (late, kill) = (&lotse.lateness_ms, &lotse.kill);
    goal("p99 lateness at most 5 ms", late.p99, late.p99 <= 5.0);
    goal("nothing lost", lotse.lost as f64, lotse.lost == 0);
    goal("nothing doubled", lotse.doubled as f64, lotse.doubled == 0);
    let batch = kill.late_ms_max_killed_batch;
    goal(
        "a killed worker's batch at most 5,000 ms late",
        batch,
        batch <= 5_000.0 && kill.killed_batch > 0,
    );
    let others = kill.late_ms_max_others;
    goal("everything else under 25 ms", others, others < 25.0);
    if let Some(other) = bullmq {
        let faster = lotse.arm_per_second / other.arm_per_second;
        goal("arming at least 10 x BullMQ's", faster, faster >= 10.0);
        let later = late.p99 / other.lateness_ms.p99;
        goal("p99 at most a tenth of BullMQ's", later, later <= 0.1);
        let larger = lotse.bytes_per_timer / other.bytes_per_timer;
        goal("memory at most a fifth of BullMQ's", larger, larger <= 0.2);
    }
    goals
}

impl Report {
    /// Compares with the goals.
    pub(super) fn judge(&mut self) {
        if let Some(lotse) = &self.lotse {
            self.goals = goals(lotse, self.bullmq.as_ref());
        }
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = self
            .lotse
            .as_ref()
            .map_or_else(String::new, |lotse| self.sides(lotse));
        for Goal { goal, figure, met } in &self.goals {
            let met = if *met { "met" } else { "MISSED" };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{goal:<48}{:>12}  {met}", number(*figure));
        }
        if let Some(million) = &self.million {
            let _ = writeln!(text, "\n{}", million.line());
        }
        if let Some(with_sql) = &self.with_sql {
            let _ = write!(text, "\n{}", with_sql.lines());
        }
        text
    }

    fn sides(&self, lotse: &Contestant) -> String {
        let mut text = String::new();
        let other = |figure: Figure| self.bullmq.as_ref().map(figure);
        let rows: [(&str, Figure); 13] = [
            ("armed a second", |side| side.arm_per_second),
            ("lateness p50, ms", |side| side.lateness_ms.p50),
            ("lateness p99, ms", |side| side.lateness_ms.p99),
            ("lateness max, ms", |side| side.lateness_ms.max),
            ("bytes a timer", |side| side.bytes_per_timer),
            ("CPU of workers, s", |side| side.cpu_seconds),
            ("CPU of Redis, s", |side| side.redis_cpu_seconds),
            ("lost", |side| side.lost as f64),
            ("doubled", |side| side.doubled as f64),
            ("killed with in hand", |side| side.kill.killed_batch as f64),
            ("  late at most, ms", |side| {
                side.kill.late_ms_max_killed_batch
            }),
            ("  the others, ms", |side| side.kill.late_ms_max_others),
            ("  caught up in, s", |side| side.kill.catch_up_seconds),
        ];
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<24}{:>12}{:>12}", "", "Lotse", "BullMQ");
        for (name, figure) in rows {
            let (mine, theirs) = (number(figure(lotse)), other(figure).map(number));
            let theirs = theirs.as_deref().unwrap_or("-");
            let _ = writeln!(text, "{name:<24}{mine:>12}{theirs:>12}");
        }
        text.push('\n');
        text
    }
}

/// Large ones whole, small ones with two decimals.
pub(super) fn number(figure: f64) -> String {
    if figure >= 1_000.0 || figure.fract() == 0.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}
