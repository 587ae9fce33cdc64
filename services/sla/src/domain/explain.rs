//! Why a clock is due when it is: all of its time in parts that add up.
//!
//! The parts lie between the marks of the clock's [life](super::life), cut where the calendar opens
//! and closes, at the due time of a broken promise, and at the instant that is explained. Without
//! gap or overlap they go from the clock's beginning to its end, or to its due time, or to that
//! instant; what earlier cycles consumed comes before.

use lotse_calendar::{Because, ClockChange, State as Opening};
use lotse_clock::Timestamp;

use super::clock::Clock;
use super::hours::{Hours, Terms};
use super::life::{Cause, Flow, Life, Mark};
use super::record::Record;
use super::vocabulary::{Reason, State};

/// A part of a clock's time.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// Why it counts, or does not.
    pub kind: Kind,
    /// Where it lies.
    pub phase: Phase,
    /// How much of it counts, in milliseconds.
    pub counted: i64,
}

/// Why a part counts, or does not.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Every hour counts.
    Always,
    /// Open by this version of this calendar.
    Open(Schedule),
    /// Closed by it.
    Closed(Schedule, Option<Special>),
    /// The clock stood still.
    Paused {
        /// Why.
        reason: Reason,
        /// What began it.
        begun: Cause,
        /// What ended it.
        ended: Option<Cause>,
    },
    /// The ticket was solved between two cycles.
    Solved {
        /// What solved it.
        begun: Cause,
        /// What reopened it.
        ended: Cause,
    },
    /// What an earlier cycle consumed; `None` when it cannot be told apart.
    Inherited(Option<u32>),
    /// Other terms go from here on.
    Retargeted {
        /// Until then.
        old: Box<Terms>,
        /// From then on.
        new: Box<Terms>,
        /// What changed them.
        cause: Cause,
    },
}

/// The calendar that says what is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// The version that counts in this part.
    pub version: u32,
    /// Where clocks on the wall are changed within the part.
    pub shifts: Vec<ClockChange>,
}

/// A date with hours of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Special {
    /// The date, YYYY-MM-DD.
    pub date: String,
    /// Its name; may be empty.
    pub name: String,
    /// Who says so.
    pub source: String,
}

/// Where a part lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the instant that is explained, and before the promise was broken.
    Past,
    /// After the promise was broken.
    Overdue,
    /// After the instant that is explained.
    Future,
}

/// All parts of the time of `clock`, one of `record`, at `as_of`, up to which time has run out.
/// `None` when its life was not watched.
pub fn explain(record: &Record, clock: &Clock, as_of: Timestamp) -> Option<Vec<Segment>> {
    let life = record.lives()?.get(clock.metric, clock.cycle)?;
    let mut segments = inherited(record, clock, life);
    let cut = Cut::of(clock, as_of);
    for (index, mark) in life.marks.iter().enumerate() {
        let (before, after) = (&life.marks[..index], &life.marks[index + 1..]);
        if let Some(before) = before.last().filter(|before| before.terms != mark.terms) {
            segments.push(cut.retarget(before, mark));
        }
        let end = after.first().map_or(cut.horizon(), |next| next.at);
        match mark.flow {
            Flow::Runs => cut.run(mark.at, end, &mark.terms, &mut segments),
            Flow::Stands(reason) => {
                // A retarget is a mark within the pause.
                let other = |one: &&Mark| one.flow != mark.flow;
                let since = before.iter().rev().take_while(|one| !other(one)).last();
                let kind = Kind::Paused {
                    reason,
                    begun: since.unwrap_or(mark).cause.clone(),
                    ended: after.iter().find(other).map(|one| one.cause.clone()),
                };
                segments.extend(cut.piece(mark.at, end, kind));
            }
            Flow::Over => {}
        }
    }
    Some(segments)
}

/// What earlier cycles consumed, cycle by cycle with the solved time between them where that adds
/// up to what was inherited, else as one.
fn inherited(record: &Record, clock: &Clock, life: &Life) -> Vec<Segment> {
    if life.inherited == 0 {
        return Vec::new();
    }
    one_by_one(record, clock, life).unwrap_or_else(|| {
        vec![Segment {
            start: clock.started_at,
            end: clock.started_at,
            kind: Kind::Inherited(None),
            phase: Phase::Past,
            counted: life.inherited,
        }]
    })
}

fn one_by_one(record: &Record, clock: &Clock, life: &Life) -> Option<Vec<Segment>> {
    let lives = record.lives()?;
    let mut segments = Vec::new();
    let (mut clock, mut life) = (clock, life);
    while life.inherited != 0 {
        let cycle = clock.cycle.checked_sub(1)?;
        let same = |other: &&Clock| other.metric == clock.metric && other.cycle == cycle;
        let earlier = record.clocks().find(same)?;
        let its = lives.get(earlier.metric, cycle)?;
        let solved = earlier.times.fulfilled?;
        let own = earlier.consumed - its.inherited;
        if earlier.consumed != life.inherited
            || own < 0
            || solved > clock.started_at
            || its.marks.first()?.at != earlier.started_at
        {
            return None;
        }
        let past = |start, end, kind, counted| Segment {
            start,
            end,
            kind,
            phase: Phase::Past,
            counted,
        };
        let between = Kind::Solved {
            begun: its.marks.last()?.cause.clone(),
            ended: life.marks.first()?.cause.clone(),
        };
        // From the newest to the oldest.
        segments.push(past(solved, clock.started_at, between, 0));
        let kind = Kind::Inherited(Some(cycle));
        segments.push(past(earlier.started_at, solved, kind, own));
        (clock, life) = (earlier, its);
    }
    segments.reverse();
    Some(segments)
}

/// The instants at which parts are cut.
struct Cut {
    as_of: Timestamp,
    /// When the promise was broken, if it is.
    broken: Option<Timestamp>,
    /// When a running clock is due.
    due: Option<Timestamp>,
}

impl Cut {
    fn of(clock: &Clock, as_of: Timestamp) -> Self {
        Self {
            as_of,
            broken: clock.times.breached,
            due: clock.times.due.filter(|_| clock.state == State::Running),
        }
    }

    /// Where the last part ends, unless the clock has ended before.
    fn horizon(&self) -> Timestamp {
        self.due.map_or(self.as_of, |due| due.max(self.as_of))
    }

    fn phase(&self, start: Timestamp) -> Phase {
        if self.broken.is_some_and(|broken| start >= broken) {
            Phase::Overdue
        } else if start >= self.as_of {
            Phase::Future
        } else {
            Phase::Past
        }
    }

    /// A part in which nothing counts.
    fn piece(&self, start: Timestamp, end: Timestamp, kind: Kind) -> Option<Segment> {
        (start < end).then(|| Segment {
            start,
            end,
            kind,
            phase: self.phase(start),
            counted: 0,
        })
    }

    fn retarget(&self, before: &Mark, mark: &Mark) -> Segment {
        Segment {
            start: mark.at,
            end: mark.at,
            kind: Kind::Retargeted {
                old: Box::new(before.terms.clone()),
                new: Box::new(mark.terms.clone()),
                cause: mark.cause.clone(),
            },
            phase: self.phase(mark.at),
            counted: 0,
        }
    }

    /// The parts of a stretch in which the clock runs.
    fn run(&self, from: Timestamp, to: Timestamp, terms: &Terms, segments: &mut Vec<Segment>) {
        let within = |at: &Timestamp| from < *at && *at < to;
        let mut cuts: Vec<_> = self.broken.into_iter().chain([self.as_of]).collect();
        cuts.retain(within);
        cuts.push(to);
        cuts.sort_unstable();
        let mut start = from;
        for end in cuts {
            self.run_piece(start, end, terms, segments);
            start = end;
        }
    }

    fn run_piece(
        &self,
        start: Timestamp,
        end: Timestamp,
        terms: &Terms,
        segments: &mut Vec<Segment>,
    ) {
        if start >= end {
            return;
        }
        let phase = self.phase(start);
        let calendar = match (&terms.hours, &terms.calendar) {
            (Hours::Open(calendar), Some(reference)) => (calendar, &reference.id),
            _ => {
                segments.push(Segment {
                    start,
                    end,
                    kind: Kind::Always,
                    phase,
                    counted: end.millis_since(start),
                });
                return;
            }
        };
        let (hours, id) = calendar;
        for stretch in hours.spans(start, end) {
            let schedule = Schedule {
                id: id.clone(),
                version: stretch.version,
                shifts: stretch.clock_changes,
            };
            let (start, end) = (stretch.start, stretch.end);
            let (kind, counted) = match stretch.state {
                Opening::Open => (Kind::Open(schedule), end.millis_since(start)),
                Opening::Closed(because) => (Kind::Closed(schedule, special(because)), 0),
            };
            segments.push(Segment {
                start,
                end,
                kind,
                phase,
                counted,
            });
        }
    }
}

fn special(because: Because<'_>) -> Option<Special> {
    match because {
        Because::CommonWeek => None,
        Because::SpecialDay(day) => Some(Special {
            date: day.date.to_string(),
            name: day.name.clone(),
            source: day.source.to_string(),
        }),
    }
}
