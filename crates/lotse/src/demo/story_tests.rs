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
    assert!(story.refused(&work, later));
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

/// A story with one ticket of "ana" that nobody looks at for hours, and who listens.
fn neglected(deaf: usize) -> (Story, Key) {
    let mut dice = Dice::new(SEED, 1);
    let customer = Customer::speaking(Tongue::English, 1, &mut dice);
    let request = Request::about(Topic::Order, Tongue::English, &mut dice);
    let mut case = Case::plain(
        FOUND - 1,
        START,
        customer,
        Channel::Email,
        request,
        &mut dice,
    );
    case.neglect = minutes(600.0);
    case.hearing = Hearing {
        deaf,
        after: minutes(5.0),
    };
    // Nothing else happens.
    let mut story = Story::new(SEED, Arrivals::new(SEED, 1, START + minutes(10_000.0)));
    story.add(vec![case]);
    let create = story.next(START).unwrap();
    story.done(&create, "one", START);
    assert!(story.assigned("one", "ana", START));
    (story, create.key)
}

fn alarm(agent: &str) -> Alarm {
    Alarm {
        alert_id: "alert".to_owned(),
        ticket_id: "one".to_owned(),
        agent_id: agent.to_owned(),
    }
}

#[test]
fn the_first_who_is_told_does_nothing_and_the_second_takes_the_ticket() {
    let (mut story, key) = neglected(1);
    story.alarmed(&alarm("ana"), START + minutes(120.0));
    assert!(story.next(START + minutes(134.0)).is_none());
    let told = START + minutes(135.0);
    story.alarmed(&alarm("ben"), told);
    // Once more is not another person.
    story.alarmed(&alarm("ben"), told);
    let heard = told + minutes(5.0);
    let action = story.next(heard).unwrap();
    assert!(matches!(&action.what, What::Acknowledge(alarm) if alarm.agent_id == "ben"));
    story.done(&action, "one", heard);
    let read = heard + minutes(6.0);
    assert!(story.next(read - minutes(0.1)).is_none());
    let action = story.next(read).unwrap();
    assert!(matches!(&action.what, What::Take(alarm) if alarm.agent_id == "ben"));
    story.done(&action, "one", read);
    let action = story.next(read + minutes(5.0)).unwrap();
    assert!(matches!(&action.what, What::Work { agent, .. } if agent == "ben"));
    assert_eq!(action.key, key);
}

#[test]
fn whoever_has_the_ticket_takes_care_of_it_at_once() {
    let (mut story, key) = neglected(0);
    let told = START + minutes(120.0);
    story.alarmed(&alarm("ana"), told);
    let heard = told + minutes(5.0);
    let action = story.next(heard).unwrap();
    story.done(&action, "one", heard);
    let action = story.next(heard + minutes(5.0)).unwrap();
    assert!(matches!(&action.what, What::Work { agent, .. } if agent == "ana"));
    assert_eq!(action.key, key);
}

#[test]
fn nobody_takes_care_of_what_somebody_has_worked_on_since() {
    let (mut story, _) = neglected(0);
    let told = START + minutes(599.0);
    story.alarmed(&alarm("ben"), told);
    // Ana looks at it by herself a minute later, and is done just when Ben would begin.
    let mut actions = Vec::new();
    let end = told + minutes(20.0);
    while let Some(at) = story.next_at().filter(|at| *at < end) {
        if let Some(action) = story.next(at) {
            story.done(&action, "one", at);
            actions.push(action.what);
        }
    }
    let worked = |what: &What| matches!(what, What::Work { agent, .. } if agent == "ana");
    assert!(actions.iter().any(worked), "{actions:?}");
    let took = |what: &What| matches!(what, What::Take(_));
    assert!(!actions.iter().any(took), "{actions:?}");
    story.alarmed(&alarm("cem"), end);
    assert!(story.next(end + minutes(30.0)).is_none(), "it is over");
}
