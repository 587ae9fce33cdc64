//! One clock: the arithmetic of the timing contract.

use lotse_clock::Timestamp;
use lotse_ids::ClockId;

use super::hours::Terms;
use super::vocabulary::{Metric, Mode, Reason, State};

/// One cycle of one metric on one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    /// Given when it is first stored.
    pub id: Option<ClockId>,
    /// What it measures.
    pub metric: Metric,
    /// The how-manieth of its metric on the ticket, from 1.
    pub cycle: u32,
    /// What it goes by.
    pub terms: Terms,
    /// Where it stands.
    pub state: State,
    /// Why it stands there.
    pub reason: Reason,
    /// When what it times began.
    pub started_at: Timestamp,
    /// Used up until `resumed_at`, or in all when that is absent; milliseconds on the calendar.
    pub consumed: i64,
    /// Since when time runs. Also set while a breached clock is still unanswered.
    pub resumed_at: Option<Timestamp>,
    /// The highest share of the target warned about, in percent.
    pub warned: u8,
    /// What happened to it when.
    pub times: ClockTimes,
    /// Whether it is the newest cycle of its metric on its ticket.
    pub latest: bool,
}

/// The instants in a clock's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockTimes {
    /// When it is, or was, due.
    pub due: Option<Timestamp>,
    /// When the promise was broken: the due time.
    pub breached: Option<Timestamp>,
    /// When that was noticed.
    pub detected: Option<Timestamp>,
    /// When it was fulfilled.
    pub fulfilled: Option<Timestamp>,
    /// When it was cancelled; of a broken promise, when it became pointless to keep it.
    pub cancelled: Option<Timestamp>,
}

/// What can happen to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It began to run.
    Started,
    /// It stands still.
    Paused,
    /// It runs on.
    Resumed,
    /// It goes by other terms.
    Retargeted,
    /// This share of the target is used, in percent.
    Warned(u8),
    /// Fulfilled in time.
    Met,
    /// Past due.
    Breached,
    /// Fulfilled after the breach.
    FulfilledLate,
    /// Ended without a result.
    Cancelled,
    /// What was taken for a breach was none.
    BreachRetracted,
}

/// One transition of a clock, to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub transition: Transition,
    /// Why.
    pub reason: Reason,
    /// The clock after it.
    pub clock: Clock,
}

impl Clock {
    /// A clock of something that began at `started_at`; it does not run before it
    /// [begins](Self::begin).
    pub(super) fn new(metric: Metric, cycle: u32, terms: Terms, started_at: Timestamp) -> Self {
        Self {
            id: None,
            metric,
            cycle,
            terms,
            state: State::Paused,
            reason: Reason::None,
            started_at,
            consumed: 0,
            resumed_at: None,
            warned: 0,
            times: ClockTimes::default(),
            latest: true,
        }
    }

    /// Begins at `at`, in what `mode` says, with `consumed` used already; if that is more than
    /// there is, it is broken at once for the reason `over`.
    pub(super) fn begin(
        &mut self,
        at: Timestamp,
        consumed: i64,
        mode: Mode,
        now: Timestamp,
        over: Reason,
        log: &mut Vec<Change>,
    ) {
        self.consumed = consumed;
        if let Mode::Pauses(reason) = mode {
            self.reason = reason;
        } else {
            self.state = State::Running;
            self.resumed_at = Some(at);
            self.schedule(at);
        }
        self.tell(Transition::Started, at, self.reason, log);
        self.breach_if_over(now, over, log);
    }

    /// Whether it still waits for something: it runs, stands still, or is overdue and unanswered.
    pub fn is_open(&self) -> bool {
        match self.state {
            State::Running | State::Paused => true,
            State::Breached => self.times.fulfilled.is_none() && self.times.cancelled.is_none(),
            State::Met | State::Cancelled => false,
        }
    }

    /// How much is used at `at`, in milliseconds on the calendar.
    pub fn used(&self, at: Timestamp) -> i64 {
        let hours = &self.terms.hours;
        self.consumed + self.resumed_at.map_or(0, |from| hours.elapsed(from, at))
    }

    /// When the clock next needs a look: its next warning, or the first instant at which nothing
    /// can fulfil it in time any more. A fulfilment at the due time is in time, so that is the
    /// millisecond after it.
    pub fn next_at(&self) -> Option<Timestamp> {
        if self.state != State::Running {
            return None;
        }
        let breach = self.times.due.map(just_after);
        let next = self.terms.warn.iter().find(|share| **share > self.warned);
        let warning = next.and_then(|share| self.reaches(*share));
        match (warning, breach) {
            (Some(warning), Some(breach)) => Some(warning.min(breach)),
            (warning, breach) => warning.or(breach),
        }
    }

    /// Lets time run out until `to`: warnings up to and at it, a breach that lies before it.
    pub(super) fn pass(&mut self, to: Timestamp, now: Timestamp, log: &mut Vec<Change>) {
        if self.state != State::Running {
            return;
        }
        let shares = self.terms.warn.clone();
        let warned = self.warned;
        for share in shares.iter().copied().filter(|share| *share > warned) {
            let Some(at) = self.reaches(share).filter(|at| *at <= to) else {
                break;
            };
            self.warned = share;
            self.tell(Transition::Warned(share), at, Reason::None, log);
        }
        if let Some(due) = self.times.due.filter(|due| *due < to) {
            self.breach(due, now, Reason::None, log);
        }
    }

    /// Time runs on from `at`.
    pub(super) fn run(&mut self, at: Timestamp, now: Timestamp, log: &mut Vec<Change>) {
        if self.resumed_at.is_some() {
            return;
        }
        self.resumed_at = Some(at);
        if self.state == State::Paused {
            self.state = State::Running;
            self.reason = Reason::None;
            self.schedule(at);
            self.tell(Transition::Resumed, at, Reason::None, log);
            self.breach_if_over(now, Reason::Retarget, log);
        }
    }

    /// Time stands still from `at`.
    pub(super) fn pause(&mut self, at: Timestamp, reason: Reason, log: &mut Vec<Change>) {
        self.halt(at);
        match self.state {
            State::Running => {
                self.state = State::Paused;
                self.reason = reason;
                self.times.due = None;
                self.tell(Transition::Paused, at, reason, log);
            }
            State::Paused => self.reason = reason,
            State::Met | State::Breached | State::Cancelled => {}
        }
    }

    /// The promise is kept at `at`. The caller has let time run out until then.
    pub(super) fn fulfil(&mut self, at: Timestamp, log: &mut Vec<Change>) {
        self.halt(at);
        self.times.fulfilled = Some(at);
        if self.state == State::Breached {
            self.tell(Transition::FulfilledLate, at, self.reason, log);
        } else {
            self.state = State::Met;
            self.reason = Reason::None;
            self.tell(Transition::Met, at, Reason::None, log);
        }
    }

    /// The promise has become pointless. One that is broken already stays broken and unanswered;
    /// only its time no longer runs.
    pub(super) fn cancel(&mut self, at: Timestamp, reason: Reason, log: &mut Vec<Change>) {
        self.halt(at);
        if matches!(self.state, State::Running | State::Paused) {
            self.state = State::Cancelled;
            self.reason = reason;
            self.times.due = None;
            self.times.cancelled = Some(at);
            self.tell(Transition::Cancelled, at, reason, log);
        }
    }

    /// The cycle is over at `at`: as [`Self::cancel`], but a broken promise waits no longer to be
    /// kept.
    pub(super) fn end(&mut self, at: Timestamp, reason: Reason, log: &mut Vec<Change>) {
        self.cancel(at, reason, log);
        if self.is_open() {
            self.times.cancelled = Some(at);
            self.tell(Transition::Cancelled, at, reason, log);
        }
    }

    /// Goes by other terms from `at`, keeping what is consumed, its pause and its cycle.
    pub(super) fn retarget(
        &mut self,
        terms: Terms,
        at: Timestamp,
        now: Timestamp,
        reason: Reason,
        log: &mut Vec<Change>,
    ) {
        let runs = self.resumed_at.is_some();
        self.halt(at);
        self.terms = terms;
        // A share that is no longer reached will be warned about again.
        let used = self.consumed;
        let target = self.terms.target;
        let reached = |share: &u8| threshold(target, *share) <= used;
        let highest = self.terms.warn.iter().copied().filter(reached).max();
        self.warned = self.warned.min(highest.unwrap_or(0));
        if runs {
            self.resumed_at = Some(at);
            self.schedule(at);
        }
        self.tell(Transition::Retargeted, at, reason, log);
        if runs {
            self.breach_if_over(now, Reason::Retarget, log);
        }
    }

    /// Past due since `due`.
    pub(super) fn breach(
        &mut self,
        due: Timestamp,
        now: Timestamp,
        reason: Reason,
        log: &mut Vec<Change>,
    ) {
        self.state = State::Breached;
        self.reason = reason;
        self.times.due = Some(due);
        self.times.breached = Some(due);
        self.times.detected = Some(now);
        self.tell(Transition::Breached, due, reason, log);
    }

    /// Breaches a running clock that has used more than there is: not by time running out, but by
    /// what has just been done to it.
    fn breach_if_over(&mut self, now: Timestamp, reason: Reason, log: &mut Vec<Change>) {
        if let Some(at) = self
            .resumed_at
            .filter(|_| self.consumed > self.terms.target)
        {
            self.breach(at, now, reason, log);
        }
    }

    /// Sets the due time of a clock that runs from `at`. No time left: due at once.
    fn schedule(&mut self, at: Timestamp) {
        let left = (self.terms.target - self.consumed).max(0);
        self.times.due = self.terms.hours.advance(at, left);
    }

    /// Closes the running interval at `at`.
    fn halt(&mut self, at: Timestamp) {
        self.consumed = self.used(at);
        self.resumed_at = None;
    }

    /// When a running clock has used this share of its target.
    pub fn reaches(&self, share: u8) -> Option<Timestamp> {
        let left = (threshold(self.terms.target, share) - self.consumed).max(0);
        let from = self.resumed_at?;
        self.terms.hours.advance(from, left)
    }

    /// Adds a change to the log.
    pub(super) fn tell(
        &self,
        transition: Transition,
        at: Timestamp,
        reason: Reason,
        log: &mut Vec<Change>,
    ) {
        log.push(Change {
            at,
            transition,
            reason,
            clock: self.clone(),
        });
    }
}

/// The first whole millisecond at which `share` percent of `target` are used.
fn threshold(target: i64, share: u8) -> i64 {
    let hundredths = i128::from(target) * i128::from(share);
    i64::try_from((hundredths + 99) / 100).unwrap_or(i64::MAX)
}

/// The next instant that a clock can show.
fn just_after(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(1))
}
