//! A naive model of the clocks: a simulation that looks at every minute. Times are minutes since the
//! ticket was created, on a Monday at nine.

use lotse_sla::domain::{Author, Bot, Metric, Priority, Reason, ResolutionEnd, State, Status};

use crate::suite::MONDAY_NINE;
use crate::vectors::format::{At, ClockText, Vector, What};

const MINUTE: i64 = 60_000;

fn minute(at: At) -> i64 {
    (at.0.as_millis() - MONDAY_NINE.as_millis()) / MINUTE
}

/// What the naive model says of a clock, in minutes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Naive {
    metric: Metric,
    cycle: u32,
    state: State,
    reason: Reason,
    target: i64,
    used: i64,
    started: i64,
    breached: Option<i64>,
    fulfilled: Option<i64>,
    cancelled: Option<i64>,
    /// Whether its time runs; not compared.
    runs: bool,
    /// When it ran out, if it did; not compared.
    due: Option<i64>,
}

impl Naive {
    pub(crate) fn of(clock: ClockText) -> Self {
        Self {
            metric: clock.metric,
            cycle: clock.cycle,
            state: clock.state,
            reason: clock.reason,
            target: clock.target.0 / MINUTE,
            used: clock.used.0 / MINUTE,
            started: minute(clock.started),
            breached: clock.breached.map(minute),
            fulfilled: clock.fulfilled.map(minute),
            cancelled: clock.cancelled.map(minute),
            runs: false,
            due: None,
        }
    }

    fn is_open(&self) -> bool {
        match self.state {
            State::Running | State::Paused => true,
            State::Breached => self.fulfilled.is_none() && self.cancelled.is_none(),
            _ => false,
        }
    }
}

struct World<'a> {
    vector: &'a Vector,
    now: i64,
    status: Status,
    priority: Priority,
    first_over: bool,
    wrote: Option<i64>,
    group: Option<String>,
    bot: Bot,
    clocks: Vec<Naive>,
}

/// Goes through a ticket's life minute by minute.
pub(crate) fn naive(vector: &Vector) -> Vec<Naive> {
    let mut world = World {
        vector,
        now: 0,
        status: Status::New,
        priority: Priority::Normal,
        first_over: false,
        wrote: None,
        group: None,
        bot: Bot::Waits,
        clocks: Vec::new(),
    };
    let mut events = vector.events.iter().peekable();
    let end = minute(vector.look);
    loop {
        world.let_due_pass();
        while let Some(event) = events.next_if(|event| minute(event.at) == world.now) {
            world.take(&event.what);
        }
        if world.now == end {
            break;
        }
        world.tick();
    }
    let mut clocks = world.clocks;
    clocks.sort_by_key(|clock| (clock.metric, clock.cycle));
    for clock in &mut clocks {
        (clock.runs, clock.due) = (false, None);
    }
    clocks
}

impl World<'_> {
    /// Whether the coming minute counts: Monday to Friday, nine to five, or always.
    fn counts(&self) -> bool {
        let minute = self.now + 9 * 60;
        let (day, hour) = (minute / 1_440 % 7, minute / 60 % 24);
        self.vector.calendars.is_empty() || day < 5 && (9..17).contains(&hour)
    }

    fn tick(&mut self) {
        let counts = self.counts();
        self.now += 1;
        for clock in self.clocks.iter_mut().filter(|clock| clock.runs && counts) {
            clock.used += 1;
            if clock.used == clock.target && clock.state == State::Running {
                clock.due = Some(self.now);
            }
        }
    }

    fn let_due_pass(&mut self) {
        for clock in &mut self.clocks {
            if clock.state == State::Running && clock.due.is_some_and(|due| due < self.now) {
                clock.state = State::Breached;
                clock.breached = clock.due;
            }
        }
    }

    fn target(&self, metric: Metric) -> i64 {
        let targets = &self.vector.policies[0].targets;
        let of = |priority| {
            targets
                .iter()
                .find(|one| one.metric == metric && one.priority == priority)
        };
        let own = of(Some(self.priority)).or_else(|| of(None));
        own.unwrap().target.0 / MINUTE
    }

    /// Whether time runs in the present status, stands still, or is over.
    fn runs(&self, metric: Metric) -> Option<bool> {
        let closes = self.vector.policies[0].ends_at == ResolutionEnd::Closed;
        match (self.status, metric) {
            (Status::Closed, _) => None,
            (Status::Solved, Metric::TotalResolution) => closes.then_some(true),
            (Status::Solved, _) => None,
            (_, Metric::FirstReply) => Some(self.bot != Bot::Talks),
            (Status::Pending, Metric::RequesterWait | Metric::PausableUpdate) => Some(false),
            (
                Status::Pending | Status::OnHold,
                Metric::AgentWork | Metric::GroupOwnership | Metric::Idle,
            ) => Some(false),
            _ => Some(true),
        }
    }

    /// Why a clock that does not run stands still.
    fn why(&self, metric: Metric) -> Reason {
        match (metric, self.status) {
            (Metric::FirstReply, _) => Reason::BotPhase,
            (_, Status::Pending) => Reason::Pending,
            _ => Reason::OnHold,
        }
    }

    fn start(&mut self, metric: Metric, from: i64) {
        let Some(runs) = self.runs(metric) else {
            return;
        };
        let mut before = self.clocks.iter().filter(|clock| clock.metric == metric);
        let (cycle, last) = (before.clone().count(), before.next_back());
        if last.is_some_and(Naive::is_open) {
            return;
        }
        let inherits = matches!(
            metric,
            Metric::RequesterWait | Metric::AgentWork | Metric::TotalResolution
        );
        let used = last.filter(|_| inherits).map_or(0, |last| last.used);
        let waiting = if runs { Reason::None } else { self.why(metric) };
        self.clocks.push(Naive {
            metric,
            cycle: u32::try_from(cycle).unwrap() + 1,
            state: if runs { State::Running } else { State::Paused },
            reason: waiting,
            target: self.target(metric),
            used,
            started: from,
            breached: None,
            fulfilled: None,
            cancelled: None,
            runs,
            due: None,
        });
        let last = self.clocks.len() - 1;
        self.judge(last, Reason::Inherited);
    }

    /// After a change of what is used or of the target of a clock that runs.
    fn judge(&mut self, index: usize, reason: Reason) {
        let clock = &mut self.clocks[index];
        if clock.state == State::Running {
            clock.due = (clock.used == clock.target).then_some(self.now);
            if clock.used > clock.target {
                clock.state = State::Breached;
                clock.reason = reason;
                clock.breached = Some(self.now);
            }
        }
    }

    fn fulfil(&mut self, metric: Metric) {
        let mut clocks = self.clocks.iter_mut().rev();
        let last = clocks.find(|clock| clock.metric == metric);
        if let Some(clock) = last.filter(|clock| clock.is_open()) {
            clock.fulfilled = Some(self.now);
            clock.runs = false;
            if clock.state != State::Breached {
                clock.state = State::Met;
                clock.reason = Reason::None;
            }
        }
    }

    fn cancel(&mut self, metric: Metric, reason: Reason) {
        for clock in self
            .clocks
            .iter_mut()
            .filter(|clock| clock.metric == metric)
        {
            if matches!(clock.state, State::Running | State::Paused) {
                clock.state = State::Cancelled;
                clock.reason = reason;
                clock.cancelled = Some(self.now);
            }
            if clock.is_open() || clock.state == State::Cancelled {
                clock.runs = false;
            }
        }
    }

    /// As [`Self::cancel`], but nothing can fulfil a broken one any more.
    fn end(&mut self, metric: Metric, reason: Reason) {
        self.cancel(metric, reason);
        for clock in &mut self.clocks {
            if clock.metric == metric && clock.is_open() {
                clock.cancelled = Some(self.now);
            }
        }
    }

    /// What a metric repeats with was done, other than in the minute it began.
    fn renew(&mut self, metric: Metric) {
        let mut clocks = self.clocks.iter().rev();
        let last = clocks.find(|clock| clock.metric == metric);
        if last.is_some_and(|last| last.started < self.now) {
            self.fulfil(metric);
        }
    }

    /// A human agent did something.
    fn touch(&mut self) {
        self.renew(Metric::Idle);
        self.take_over();
    }

    fn take_over(&mut self) {
        self.bot = Bot::Over;
        if let Some(runs) = self.runs(Metric::FirstReply) {
            self.turn(Metric::FirstReply, runs);
        }
    }

    fn start_all(&mut self) {
        for metric in [
            Metric::PeriodicUpdate,
            Metric::PausableUpdate,
            Metric::RequesterWait,
            Metric::AgentWork,
            Metric::TotalResolution,
            Metric::Idle,
        ] {
            self.start(metric, self.now);
        }
    }

    /// It is a group's now, or an agent's of that group.
    fn hand(&mut self, group: &str, agent: bool, hop: bool) {
        let moves = self.group.as_deref() != Some(group);
        if moves {
            self.fulfil(Metric::GroupOwnership);
        }
        match (agent, hop || moves) {
            (true, _) => self.fulfil(Metric::Pickup),
            (false, true) => self.end(Metric::Pickup, Reason::HandedOn),
            (false, false) => {}
        }
        if agent || hop {
            self.take_over();
        }
        if moves {
            self.group = Some(group.to_owned());
            self.start(Metric::GroupOwnership, self.now);
        }
        if !agent {
            self.start(Metric::Pickup, self.now);
        }
    }

    fn take(&mut self, what: &What) {
        match what {
            What::Created(_) => {
                self.start(Metric::FirstReply, self.now);
                self.start_all();
            }
            What::Status(to) => self.enter(*to),
            What::AgentSets(to) => {
                self.touch();
                self.enter(*to);
                self.start(Metric::Idle, self.now);
            }
            What::RequesterWrites {} => {
                self.wrote = Some(self.now);
                if self.status == Status::Pending {
                    self.enter(Status::Open);
                }
                if self.first_over {
                    self.start(Metric::NextReply, self.now);
                }
            }
            What::Reply(Author::Human) => {
                self.touch();
                self.fulfil(Metric::FirstReply);
                self.fulfil(Metric::NextReply);
                (self.first_over, self.wrote) = (true, None);
                for metric in [Metric::PeriodicUpdate, Metric::PausableUpdate] {
                    self.renew(metric);
                    self.start(metric, self.now);
                }
                self.start(Metric::Idle, self.now);
            }
            What::Reply(_) => {
                if self.bot == Bot::Waits {
                    self.bot = Bot::Talks;
                    if let Some(runs) = self.runs(Metric::FirstReply) {
                        self.turn(Metric::FirstReply, runs);
                    }
                }
            }
            What::Note {} => {
                self.touch();
                self.start(Metric::Idle, self.now);
            }
            What::Group(group) | What::Queued(group) => self.hand(group, false, false),
            What::PickedUp(group) => self.hand(group, true, false),
            What::Transfer(group) | What::Escalate(group) => {
                self.renew(Metric::Idle);
                self.hand(group, false, true);
                self.start(Metric::Idle, self.now);
            }
            What::TransferToAgent(group) => {
                self.renew(Metric::Idle);
                self.hand(group, true, true);
                self.start(Metric::Idle, self.now);
            }
            What::Released(()) => self.start(Metric::Pickup, self.now),
            What::Priority(priority) => {
                self.priority = *priority;
                for index in 0..self.clocks.len() {
                    let target = self.target(self.clocks[index].metric);
                    let clock = &mut self.clocks[index];
                    let live = matches!(clock.state, State::Running | State::Paused);
                    if live && clock.target != target {
                        clock.target = target;
                        self.judge(index, Reason::Retarget);
                    }
                }
            }
            other => unreachable!("{other:?} is not generated"),
        }
    }

    fn enter(&mut self, to: Status) {
        if to == self.status {
            return;
        }
        let was = std::mem::replace(&mut self.status, to);
        for metric in Metric::ALL.iter().copied() {
            match (self.runs(metric), metric) {
                (
                    None,
                    Metric::RequesterWait
                    | Metric::AgentWork
                    | Metric::TotalResolution
                    | Metric::GroupOwnership,
                ) => self.fulfil(metric),
                (None, Metric::PeriodicUpdate | Metric::PausableUpdate | Metric::Pickup) => {
                    self.end(metric, Reason::Solved);
                }
                (None, Metric::Idle) => self.cancel(metric, Reason::Solved),
                (None, _) => self.cancel(metric, Reason::SolvedWithoutReply),
                (Some(runs), _) => self.turn(metric, runs),
            }
        }
        let solved = |status| matches!(status, Status::Solved | Status::Closed);
        if solved(to) {
            self.first_over = true;
            if !solved(was) {
                self.wrote = None;
            }
        } else if solved(was) {
            if self.wrote == Some(self.now) {
                self.start(Metric::NextReply, self.now);
            }
            if self.group.is_some() {
                self.start(Metric::GroupOwnership, self.now);
            }
            self.start_all();
        }
    }

    /// Lets the open clocks of a metric run, or stand still.
    fn turn(&mut self, metric: Metric, runs: bool) {
        let why = self.why(metric);
        for index in 0..self.clocks.len() {
            let clock = &mut self.clocks[index];
            if clock.metric != metric || !clock.is_open() {
                continue;
            }
            let resumes = runs && !clock.runs;
            clock.runs = runs;
            if clock.state == State::Breached {
                continue;
            }
            clock.state = if runs { State::Running } else { State::Paused };
            clock.reason = if runs { Reason::None } else { why };
            if resumes {
                self.judge(index, Reason::Retarget);
            }
        }
    }
}
