//! The lives of clocks, cut into stays.

use std::sync::Arc;

use lotse_clock::Timestamp;

use crate::domain::{Hours, Metric, Mode, Priority, ResolutionEnd, Status};

/// What a clock is alike to others by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it measures.
    pub metric: Metric,
    /// What ends total_resolution.
    pub ends_at: ResolutionEnd,
    /// The ticket's priority.
    pub priority: Priority,
    /// The group that has the ticket; `None` while nobody has.
    pub group: Option<Arc<str>>,
}

/// One clock from its beginning to its end, or to the instant that is known.
#[derive(Clone, Debug)]
pub struct Lifetime<'a> {
    /// What it is.
    pub kind: Kind,
    /// The time that counts for it.
    pub hours: &'a Hours,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was fulfilled or cancelled; `None` while it is open.
    pub stopped_at: Option<Timestamp>,
    /// Its ticket's statuses, each with the instant it began, in order; the first began when the
    /// clock did or before.
    pub statuses: &'a [(Timestamp, Status)],
}

/// A part of a clock's life: its ticket was in one status, and the clock ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The status.
    pub status: Status,
    /// When the ticket came into it, or the clock began to run in it.
    pub from: Timestamp,
    /// How long both lasted, in milliseconds.
    pub stayed: i64,
    /// How long the clock ran from then on, in milliseconds, in this status and in those after it.
    pub ran: i64,
    /// Whether it stopped then; it may be that no more is known.
    pub stopped: bool,
}

/// Time as it counts in a status: while something waits to be worked on, the clock's own hours. A
/// solved ticket waits for nothing but its closing, and that comes by the calendar on the wall.
pub fn time_in(status: Status, hours: &Hours, from: Timestamp, to: Timestamp) -> i64 {
    if status.is_solved() {
        to.millis_since(from).max(0)
    } else {
        hours.elapsed(from, to)
    }
}

impl Lifetime<'_> {
    /// Its stays, oldest first, as known at `now`.
    pub fn stays(&self, now: Timestamp) -> Vec<Stay> {
        let end = self.stopped_at.unwrap_or(now).min(now);
        let is_over = self.stopped_at.is_some_and(|at| at <= now);
        let mut stays: Vec<Stay> = Vec::new();
        // Where the spell that runs began among the stays.
        let mut spell = 0;
        for (place, (entered, status)) in self.statuses.iter().enumerate() {
            let left = self.statuses.get(place + 1).map_or(end, |(at, _)| *at);
            let (from, to) = ((*entered).max(self.started_at), left.min(end));
            if *entered >= end || to <= from {
                continue;
            }
            let runs = self.kind.metric.mode(*status, self.kind.ends_at) == Mode::Runs;
            if runs {
                stays.push(Stay {
                    status: *status,
                    from,
                    stayed: time_in(*status, self.hours, from, to),
                    ran: 0,
                    stopped: false,
                });
            } else {
                self.close(&mut stays[spell..], from, true);
                spell = stays.len();
            }
        }
        self.close(&mut stays[spell..], end, is_over);
        stays
    }

    /// A spell of running ended at `to`, or is known up to then.
    fn close(&self, spell: &mut [Stay], to: Timestamp, stopped: bool) {
        for stay in spell {
            stay.ran = time_in(stay.status, self.hours, stay.from, to).max(stay.stayed);
            stay.stopped = stopped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_millis(hour * HOUR)
    }

    fn life(metric: Metric, statuses: &[(Timestamp, Status)]) -> Lifetime<'_> {
        Lifetime {
            kind: Kind {
                metric,
                ends_at: ResolutionEnd::Closed,
                priority: Priority::Normal,
                group: None,
            },
            hours: &Hours::Always,
            started_at: at(0),
            stopped_at: None,
            statuses,
        }
    }

    /// Status, hours stayed, hours run, stopped.
    fn told(life: &Lifetime<'_>, now: i64) -> Vec<(Status, i64, i64, bool)> {
        let stays = life.stays(at(now));
        let told = |stay: &Stay| {
            let hours = (stay.stayed / HOUR, stay.ran / HOUR);
            (stay.status, hours.0, hours.1, stay.stopped)
        };
        stays.iter().map(told).collect()
    }

    use Status::{Closed, New, Open, Pending, Solved};

    #[test]
    fn every_stay_knows_how_long_the_clock_ran_on() {
        let statuses = [
            (at(0), New),
            (at(2), Open),
            (at(5), Solved),
            (at(9), Closed),
        ];
        let life = Lifetime {
            stopped_at: Some(at(9)),
            ..life(Metric::TotalResolution, &statuses)
        };
        let expected = [(New, 2, 9, true), (Open, 3, 7, true), (Solved, 4, 4, true)];
        assert_eq!(told(&life, 100), expected);
    }

    #[test]
    fn what_is_not_over_is_known_up_to_now() {
        let statuses = [(at(0), New), (at(2), Open)];
        let life = life(Metric::TotalResolution, &statuses);
        assert_eq!(told(&life, 6), [(New, 2, 6, false), (Open, 4, 4, false)]);
        assert_eq!(
            told(&life, 1),
            [(New, 1, 1, false)],
            "nothing of the future"
        );
    }

    #[test]
    fn a_pause_ends_a_spell_and_another_begins_after_it() {
        let statuses = [
            (at(0), Open),
            (at(3), Pending),
            (at(8), Open),
            (at(9), Solved),
        ];
        let life = Lifetime {
            stopped_at: Some(at(9)),
            ..life(Metric::RequesterWait, &statuses)
        };
        assert_eq!(told(&life, 20), [(Open, 3, 3, true), (Open, 1, 1, true)]);
        let open = Lifetime {
            stopped_at: None,
            ..life
        };
        assert_eq!(told(&open, 5), [(Open, 3, 3, true)], "it stands still");
    }

    #[test]
    fn a_clock_that_began_within_a_status_counts_from_its_own_beginning() {
        let statuses = [(at(0), Open)];
        let life = Lifetime {
            started_at: at(4),
            stopped_at: Some(at(6)),
            ..life(Metric::NextReply, &statuses)
        };
        assert_eq!(told(&life, 20), [(Open, 2, 2, true)]);
    }
}
