//! Why a forecast says what it says.

use super::load::{Pace, Staffing};
use super::model::Chance;
use crate::domain::sentence;

/// How far work must be from usual to be worth a word.
const NOTABLE: f64 = 0.1;

/// The reasons of a forecast, each a code and words, the most telling first.
pub fn reasons(
    chance: &Chance,
    pace: Pace,
    staffing: Option<&Staffing>,
) -> Vec<(&'static str, String)> {
    if chance.breach >= 1.0 && chance.left == 0 && chance.level == 0 {
        return vec![("overdue", "its due time has passed".to_owned())];
    }
    let left = span(chance.left);
    let mut reasons = Vec::new();
    if chance.sample == 0 {
        let words = "nothing is known of clocks like it";
        reasons.push(("no_history", format!("{words}; {left} are left")));
    } else {
        let alike = ["", "", " and priority", ", priority and group"];
        let alike = alike[usize::from(chance.level).min(alike.len() - 1)];
        let took = match chance.typical {
            Some(typical) => format!("half stopped within {} from this point", span(typical)),
            None => "fewer than half are known to have stopped from this point".to_owned(),
        };
        let sample = chance.sample;
        reasons.push((
            "history",
            format!(
                "of {sample} clocks of the same metric, status{alike}, {took}; {left} are left"
            ),
        ));
    }
    if let Some(staffing) = staffing {
        if let Some(place) = staffing.place {
            let waiting = staffing.waiting;
            let words = format!("it waits at place {place} of {waiting} in its group's queue");
            reasons.push(("queue", words));
        }
        let (online, roster) = (staffing.online, staffing.roster);
        let words = format!("{online} of today's {roster} agents of its group are on");
        reasons.push(("staffing", words));
    }
    if (pace.0 - 1.0).abs() >= NOTABLE {
        let words = format!("work goes on {:.2} times as fast as usual", pace.0);
        reasons.push(("pace", words));
    }
    reasons
}

/// In whole minutes: a forecast knows no better.
fn span(millis: i64) -> String {
    sentence::span(millis / 60_000 * 60_000)
}
