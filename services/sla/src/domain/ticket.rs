//! All clocks of one ticket, and what each fact does to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::catalog::Plan;
use super::clock::{Change, Clock};
use super::fact::{Event, Fact};
use super::hours::Terms;
use super::vocabulary::{Author, Bot, BotPhase, Metric, Mode, Reason, State, Status};

/// A ticket as its clocks see it.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What it goes by; `None` while no policy fits.
    pub plan: Option<Arc<Plan>>,
    /// When it was taken in.
    pub created_at: Timestamp,
    /// Whose turn it is.
    pub status: Status,
    /// Since when.
    pub status_at: Timestamp,
    /// The time of its latest fact.
    pub watermark: Timestamp,
    /// Whether the wait for a first reply is over: replied, or solved without.
    pub first_over: bool,
    /// The newest message of the requester since the last reply or solution.
    pub wrote_at: Option<Timestamp>,
    /// The group that has it, or had it last.
    pub group: Option<String>,
    /// Where it stands towards its bot phase.
    pub bot: Bot,
    /// When it last came under another plan.
    pub plan_at: Option<Timestamp>,
    /// What outlives a metric's cycles.
    pub tallies: BTreeMap<Metric, Tally>,
    /// The newest cycle of each metric.
    pub clocks: BTreeMap<Metric, Clock>,
    /// Older cycles that were succeeded since the ticket was loaded.
    pub past: Vec<Clock>,
}

/// What outlives the cycles of one metric on one ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Cycles so far.
    pub cycles: u32,
    /// What a reopened cycle inherits, in milliseconds on the calendar.
    pub spent: i64,
}

/// The time of a step: when it happened, and when it is noticed.
#[derive(Clone, Copy)]
pub(super) struct When {
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
}

impl Ticket {
    /// A ticket that nothing has happened to, not even its creation.
    pub fn blank(at: Timestamp) -> Self {
        Self {
            plan: None,
            created_at: at,
            status: Status::New,
            status_at: at,
            watermark: at,
            first_over: false,
            wrote_at: None,
            group: None,
            bot: Bot::Waits,
            plan_at: None,
            tallies: BTreeMap::new(),
            clocks: BTreeMap::new(),
            past: Vec::new(),
        }
    }

    /// The time a fact counts from: the ticket's creation at the earliest. Statuses follow each
    /// other in the order in which they were recorded, so a status counts from its predecessor at
    /// the earliest, and so does a message to a solved ticket: it came after the answer as far as
    /// the answer knows. An edit of what the ticket goes by counts from the last choice of that at
    /// the earliest: it was chosen anew knowing it.
    pub fn place(&self, event: &Event, at: Timestamp) -> Timestamp {
        let follows = match event {
            Event::Status { .. } => Some(self.status_at),
            Event::Wrote if self.status.is_solved() => Some(self.status_at),
            Event::Edited => self.plan_at,
            _ => None,
        };
        at.max(follows.unwrap_or(self.created_at))
    }

    /// Lets time run out until a fact was recorded that happened at `at`. A timer may not have come to
    /// it yet; whether the fact is [late](Self::is_late) must not depend on that.
    pub fn pass_until_recorded(
        &mut self,
        at: Timestamp,
        recorded_at: Timestamp,
        now: Timestamp,
    ) -> Vec<Change> {
        if at < recorded_at {
            self.pass(recorded_at, now)
        } else {
            Vec::new()
        }
    }

    /// Whether something that happened at `at` comes behind its time: later facts are there, or a
    /// breach that it could still have prevented. Such a fact is [reconciled](super::reconcile).
    pub fn is_late(&self, at: Timestamp) -> bool {
        // A clock that a retarget or its inheritance broke was broken by a fact, whatever came next.
        let prevents = |clock: &Clock| {
            clock.state == State::Breached
                && clock.reason == Reason::None
                && clock.times.fulfilled.is_none()
                && clock.times.due.is_some_and(|due| at <= due)
        };
        at < self.watermark || self.clocks.values().any(prevents)
    }

    /// When a clock of this ticket next needs a look.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.clocks.values().filter_map(Clock::next_at).min()
    }

    /// Lets time run out until `to`: every warning up to it, every due time before it.
    pub fn pass(&mut self, to: Timestamp, now: Timestamp) -> Vec<Change> {
        let mut log = Vec::new();
        for clock in self.clocks.values_mut() {
            clock.pass(to, now, &mut log);
        }
        log.sort_by_key(|change| change.at);
        log
    }

    /// Takes a fact that is not [late](Self::is_late), noticed at `now`. `before` are the facts
    /// until then, in order of time; read only when the fact's plan [adds
    /// metrics](Self::adds_metrics) or another ticket is absorbed.
    pub fn step(&mut self, fact: &Fact, before: &[Fact], now: Timestamp) -> Vec<Change> {
        let mut log = self.pass(fact.at, now);
        let when = When { at: fact.at, now };
        // What is let go is judged by what was promised where it comes from.
        let anew = self.let_go(&fact.event, when, &mut log);
        match (&fact.replan, &fact.event) {
            (Some(replan), Event::Created { .. }) => self.plan = replan.plan.clone(),
            (Some(replan), _) => self.replan(replan, anew, before, when, &mut log),
            (None, _) => {}
        }
        if fact.replan.is_some() {
            self.plan_at = Some(fact.at);
        }
        if fact.human {
            self.renew(Metric::Idle, when, &mut log);
        }
        if fact.human || fact.event.takes_over() {
            self.take_over(when, &mut log);
        }
        let was_solved = self.status.is_solved();
        self.take(fact, before, when, &mut log);
        // Whoever created, touched or reopened it leaves it untouched from now on.
        let reopened = was_solved && !self.status.is_solved();
        if fact.human || reopened || matches!(fact.event, Event::Created { .. }) {
            self.ensure(Metric::Idle, when.at, when, &mut log);
        }
        self.watermark = self.watermark.max(fact.at);
        log.sort_by_key(|change| change.at);
        log
    }

    fn take(&mut self, fact: &Fact, before: &[Fact], when: When, log: &mut Vec<Change>) {
        match &fact.event {
            Event::Created { for_requester } => {
                if *for_requester {
                    self.ensure(Metric::FirstReply, when.at, when, log);
                }
                for metric in FROM_CREATION {
                    self.ensure(metric, when.at, when, log);
                }
            }
            Event::Status { to, by_requester } => self.enter(*to, *by_requester, when, log),
            Event::Wrote => {
                self.wrote_at = Some(when.at);
                if self.status == Status::Pending {
                    // The pause ends when the message arrived, whenever it was worked on.
                    self.enter(Status::Open, true, when, log);
                }
                self.await_reply(when, log);
            }
            Event::Asked => {
                self.wrote_at = Some(when.at);
                self.await_reply(when, log);
            }
            Event::Answered(author) => {
                if self.counts(*author) {
                    self.answer(when, log);
                }
                if *author == Author::Bot {
                    self.let_bot_talk(when, log);
                }
            }
            Event::Handed(hand) => self.hand_over(hand, when, log),
            Event::Merged => self.go(when, log),
            Event::Absorbed { .. } => self.absorb(&fact.absorbed, before, when, log),
            Event::Edited | Event::Touched => {}
        }
    }

    /// The requester waits for a reply: until the first one, that is what they wait for.
    fn await_reply(&mut self, when: When, log: &mut Vec<Change>) {
        if self.first_over {
            self.ensure(Metric::NextReply, when.at, when, log);
        }
    }

    /// The requester has a reply that counts.
    fn answer(&mut self, when: When, log: &mut Vec<Change>) {
        self.fulfil(Metric::FirstReply, when, log);
        self.fulfil(Metric::NextReply, when, log);
        self.first_over = true;
        self.wrote_at = None;
        for metric in UPDATES {
            self.renew(metric, when, log);
            self.ensure(metric, when.at, when, log);
        }
    }

    /// The ticket's status is `to` from now on.
    fn enter(&mut self, to: Status, by_requester: bool, when: When, log: &mut Vec<Change>) {
        if to == self.status {
            return;
        }
        let was = std::mem::replace(&mut self.status, to);
        self.status_at = when.at;
        let bot = self.bot;
        for clock in self.clocks.values_mut().filter(|clock| clock.is_open()) {
            match mode(clock.metric, &clock.terms, to, bot) {
                Mode::Runs => clock.run(when.at, when.now, log),
                Mode::Pauses(reason) => clock.pause(when.at, reason, log),
                Mode::Fulfils => {
                    clock.fulfil(when.at, log);
                    if clock.metric.inherits() {
                        self.tallies.entry(clock.metric).or_default().spent = clock.consumed;
                    }
                }
                Mode::Cancels(reason) => clock.cancel(when.at, reason, log),
                Mode::Ends(reason) => clock.end(when.at, reason, log),
            }
        }
        if to.is_solved() {
            self.first_over = true;
            if !was.is_solved() {
                self.wrote_at = None;
            }
        } else if was.is_solved() {
            for metric in FROM_CREATION {
                self.ensure(metric, when.at, when, log);
            }
            if self.group.is_some() {
                self.ensure(Metric::GroupOwnership, when.at, when, log);
            }
            // A word of thanks long before somebody else reopened the ticket waits for nothing.
            let from = self
                .wrote_at
                .filter(|wrote| by_requester || *wrote == when.at);
            if by_requester || from.is_some() {
                self.ensure(Metric::NextReply, from.unwrap_or(when.at), when, log);
            }
        }
    }

    /// What `metric` repeats with was done: its cycle is fulfilled. Several such things done in one
    /// instant are one.
    fn renew(&mut self, metric: Metric, when: When, log: &mut Vec<Change>) {
        let clock = self.clocks.get(&metric);
        if clock.is_some_and(|clock| clock.started_at < when.at) {
            self.fulfil(metric, when, log);
        }
    }

    /// Whether a public message of `author` is a reply.
    fn counts(&self, author: Author) -> bool {
        match &self.plan {
            Some(plan) => plan.replies.contains(&author),
            None => author == Author::Human,
        }
    }

    pub(super) fn fulfil(&mut self, metric: Metric, when: When, log: &mut Vec<Change>) {
        if let Some(clock) = self.clocks.get_mut(&metric).filter(|clock| clock.is_open()) {
            clock.fulfil(when.at, log);
        }
    }

    /// Starts a cycle of `metric` that times from `from`, if something is promised on it, the
    /// ticket is in a status where it can run, and none is open.
    pub(super) fn ensure(
        &mut self,
        metric: Metric,
        from: Timestamp,
        when: When,
        log: &mut Vec<Change>,
    ) {
        let spent = self.tallies.get(&metric).map_or(0, |tally| tally.spent);
        self.start(
            metric,
            from,
            (from, spent),
            Reason::Inherited,
            when.now,
            log,
        );
    }

    /// As [`Self::ensure`], beginning at an instant with something consumed.
    pub(super) fn start(
        &mut self,
        metric: Metric,
        from: Timestamp,
        (at, consumed): (Timestamp, i64),
        over: Reason,
        now: Timestamp,
        log: &mut Vec<Change>,
    ) {
        let Some(terms) = self.plan.as_ref().and_then(|plan| plan.terms.get(&metric)) else {
            return;
        };
        let mode = mode(metric, terms, self.status, self.bot);
        let open = self.clocks.get(&metric).is_some_and(Clock::is_open);
        if open || !matches!(mode, Mode::Runs | Mode::Pauses(_)) {
            return;
        }
        let tally = self.tallies.entry(metric).or_default();
        tally.cycles += 1;
        let mut clock = Clock::new(metric, tally.cycles, terms.clone(), from);
        clock.begin(at, consumed, mode, now, over, log);
        if let Some(mut previous) = self.clocks.insert(metric, clock) {
            previous.latest = false;
            self.past.push(previous);
        }
    }
}

/// What is timed from creation on, and again from a reopening; FirstReply apart.
const FROM_CREATION: [Metric; 5] = [
    Metric::PeriodicUpdate,
    Metric::PausableUpdate,
    Metric::RequesterWait,
    Metric::AgentWork,
    Metric::TotalResolution,
];

/// What begins anew with each reply.
const UPDATES: [Metric; 2] = [Metric::PeriodicUpdate, Metric::PausableUpdate];

/// What the ticket's status and its bot phase do to a clock.
pub(super) fn mode(metric: Metric, terms: &Terms, status: Status, bot: Bot) -> Mode {
    let excluded = metric == Metric::FirstReply && terms.bot_phase == BotPhase::Excluded;
    match metric.mode(status, terms.ends_at) {
        Mode::Runs if excluded && bot == Bot::Talks => Mode::Pauses(Reason::BotPhase),
        mode => mode,
    }
}
