//! The story against a routing that gives each ticket to the next agent at once.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::demo::opening;

const SEED: u64 = 11;
const AGENTS: [&str; 10] = [
    "ana", "ben", "cem", "dot", "eva", "fay", "gus", "hal", "ida", "jon",
];
const START: Timestamp = Timestamp::EPOCH;

/// A story and what came of it, in words.
struct Play {
    story: Story,
    log: Vec<String>,
    /// Created and not solved.
    open: BTreeSet<Key>,
    most_open: usize,
    turn: usize,
}

impl Play {
    fn new(seed: u64) -> Self {
        Self {
            story: Story::new(seed, Arrivals::new(seed, 1, START)),
            log: Vec::new(),
            open: BTreeSet::new(),
            most_open: 0,
            turn: 0,
        }
    }

    fn assign(&mut self, ticket: &str, now: Timestamp) {
        let agent = AGENTS[self.turn % AGENTS.len()];
        self.turn += 1;
        assert!(self.story.assigned(ticket, agent, now));
    }

    fn run(&mut self, hours: u64) {
        let end = START + Duration::from_secs(hours * 3_600);
        while let Some(now) = self.story.next_at().filter(|at| *at < end) {
            while let Some(action) = self.story.next(now) {
                self.log.push(format!("{now} {action:?}"));
                let ticket = format!("ticket {}", action.key);
                self.story.done(&action, &ticket, now);
                match &action.what {
                    What::Create(_) => {
                        self.open.insert(action.key);
                        self.assign(&ticket, now);
                    }
                    What::Work {
                        step: Step::Transfer { .. } | Step::Escalate { .. },
                        ..
                    } => {
                        self.assign(&ticket, now);
                    }
                    What::Work {
                        step: Step::Solve(_),
                        ..
                    } => {
                        self.open.remove(&action.key);
                    }
                    // Whoever says thank you is done; who writes that it is not solved is back.
                    What::Write(words)
                        if Tongue::ALL
                            .iter()
                            .any(|one| one.phrases().again.contains(words)) =>
                    {
                        self.open.insert(action.key);
                        self.assign(&ticket, now);
                    }
                    _ => {}
                }
                self.most_open = self.most_open.max(self.open.len());
            }
        }
    }
}

#[test]
fn the_same_answers_tell_the_same_story() {
    let (mut one, mut two) = (Play::new(SEED), Play::new(SEED));
    one.run(24);
    two.run(24);
    assert_eq!(one.log, two.log);
    let mut other = Play::new(SEED + 1);
    other.run(24);
    assert_ne!(one.log, other.log);
}

#[test]
fn the_backlog_neither_explodes_nor_empties_over_days() {
    // Ten agents do what twelve usually share.
    let mut play = Play::new(SEED);
    play.run(24);
    let first = play.most_open;
    play.run(96);
    assert!((20..80).contains(&first), "{first} on the first day");
    assert!(
        play.most_open < 2 * first,
        "{} after {first}",
        play.most_open
    );
    assert!(play.open.len() > 3, "{} left", play.open.len());
}

#[test]
fn what_is_over_is_forgotten() {
    let mut play = Play::new(SEED);
    play.run(96);
    let (known, open) = (play.story.tickets.len(), play.open.len());
    let created = play
        .log
        .iter()
        .filter(|line| line.contains("Create("))
        .count();
    assert_eq!(play.story.keys.len(), known);
    // Besides the open ones those whose survey is still to be answered.
    assert!(
        known < open + 40 && created > 10 * known,
        "{known} of {created}"
    );
}

#[test]
fn nobody_finishes_two_pieces_of_work_in_less_than_their_effort() {
    let mut play = Play::new(SEED);
    play.run(12);
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for line in &play.log {
        let Some(agent) = AGENTS
            .iter()
            .find(|agent| line.contains(&format!("agent: \"{agent}\"")))
        else {
            continue;
        };
        let at: i64 = line.split("ms").next().unwrap().parse().unwrap();
        let before = last.insert(agent, at);
        // The shortest piece of ordinary work takes two minutes.
        assert!(before.is_none_or(|before| at - before >= 120_000), "{line}");
    }
    assert_eq!(last.len(), AGENTS.len());
}

#[test]
fn a_ticket_that_somebody_else_reopened_is_taken_on_again() {
    let mut play = Play::new(SEED);
    let found = Found {
        ticket_id: "theirs".into(),
        status: TicketStatus::Open,
        language: "de".into(),
        agent: "ana".into(),
    };
    play.story.adopt(found, START);
    play.run(1);
    assert!(
        play.log
            .iter()
            .any(|line| line.contains("theirs") && line.contains("Solve"))
    );
    assert!(
        !play.story.assigned("theirs", "ana", START),
        "over, so not in play"
    );
}

#[test]
fn a_refused_action_leaves_the_ticket_alone_and_the_agent_free() {
    let mut story = Story::new(SEED, Arrivals::new(SEED, 1, START));
    let now = story.next_at().unwrap();
    let create = story.next(now).unwrap();
    story.done(&create, "one", now);
    assert!(story.assigned("one", "ana", now));
    let later = now + Duration::from_secs(86_400);
    let work = loop {
        let action = story.next(later).unwrap();
        if matches!(action.what, What::Work { .. }) {
            break action;
        }
    };
    story.refused(&work, later);
    assert!(!story.assigned("one", "ana", later));
    assert!(
        story
            .next(later)
            .is_none_or(|action| action.ticket_id != "one")
    );
}

#[test]
fn scenes_come_beside_the_ordinary_tickets() {
    let mut story = Story::new(SEED, Arrivals::new(SEED, 1, START));
    story.add(opening::scenes(SEED, START + Duration::from_secs(7_200)));
    let end = START + Duration::from_secs(4 * 3_600);
    let mut keys = BTreeSet::new();
    while let Some(action) = story.next(end) {
        keys.insert(action.key);
        if keys.len() > 200 {
            break;
        }
    }
    assert!(keys.contains(&1) && keys.contains(&opening::FIRST));
}
