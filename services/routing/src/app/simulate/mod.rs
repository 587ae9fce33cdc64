//! Another workflow tried on what really came in: the tickets of a span, read from the journal, are
//! played twice through routing's own rules, on a clock of their own.

mod crew;
mod history;
mod tally;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_ids::{AgentId, GroupId, TicketId};

use self::history::{History, Past, Span, read};
pub(crate) use self::tally::Outcome;
use self::tally::Tally;
use super::App;
use super::workflow::{Wanted, check};
use crate::domain::directory::Directory;
use crate::domain::item::Facts;
use crate::domain::workflow::{Plan, Workflow};
use crate::domain::workflow_check::{Finding, doubts};
use crate::error::Error;
use crate::simulation::arrivals::{Arrival, Case, Truth};
use crate::simulation::chance::Lasts;
use crate::simulation::crew::{Conduct, Manners};
use crate::simulation::router::Policy;
use crate::simulation::world::{Course, Desk, play};

/// What is asked.
pub(crate) struct Question {
    pub(crate) candidate: Candidate,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) warm_up: Duration,
    pub(crate) follow_up: Duration,
    pub(crate) max_tickets: usize,
    pub(crate) max_examples: usize,
}

/// The workflow that is tried.
pub(crate) enum Candidate {
    /// One that nobody has put, and what is wrong with it already.
    Wanted(Box<(Option<Wanted>, Violations)>),
    /// A version there is.
    Version(u32),
}

/// What would have been.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) tickets: u32,
    pub(crate) in_force_version: u32,
    pub(crate) in_force: Outcome,
    pub(crate) candidate: Outcome,
    pub(crate) as_it_was: u32,
    pub(crate) elsewhere: u32,
    pub(crate) examples: Vec<Difference>,
    pub(crate) doubts: Vec<Finding>,
}

/// A ticket that would have gone elsewhere.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) ticket: TicketId,
    pub(crate) in_force: Option<(GroupId, AgentId)>,
    pub(crate) candidate: Option<(GroupId, AgentId)>,
    pub(crate) solved: Option<GroupId>,
}

/// Ends a simulation when whoever asked for it has gone.
struct Asked(Arc<AtomicBool>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl App {
    /// Tries a workflow.
    pub(crate) async fn simulate_workflow(&self, question: Question) -> Result<Answer, Error> {
        let directory = self.directory().await?;
        let in_force = directory.workflow.clone().ok_or_else(|| Error::NoSuch {
            resource: "workflow",
            id: "in force".to_owned(),
        })?;
        let candidate = match question.candidate {
            Candidate::Version(version) => self.workflow(Some(version)).await?.plan,
            Candidate::Wanted(wanted) => {
                let (wanted, mut wrong) = *wanted;
                let plan = wanted.and_then(|wanted| check(&directory, &wanted.plan, &mut wrong));
                wrong.finish_with(plan)?
            }
        };
        let doubts = doubts(&candidate, &directory);
        let span = Span {
            begin: question.from - question.warm_up,
            from: question.from,
            until: question.until,
            end: (question.until + question.follow_up).min(self.now() + Duration::from_millis(1)),
        };
        let history = read(
            &self.journal,
            self.db.reader(),
            &directory,
            &self.policy,
            span,
            question.max_tickets,
        );
        let history = history.await?;
        let gone = Arc::new(AtomicBool::new(false));
        let _asked = Asked(gone.clone());
        let most = question.max_examples;
        // Seconds of work: not on a thread that others wait for.
        let compared = tokio::task::spawn_blocking(move || {
            compare(&history, &directory, &in_force, candidate, most, &gone)
        });
        let answer = compared.await.map_err(lotse_errors::Error::internal)?;
        Ok(Answer { doubts, ..answer })
    }
}

fn compare(
    history: &History,
    directory: &Directory,
    in_force: &Workflow,
    candidate: Plan,
    most: usize,
    gone: &AtomicBool,
) -> Answer {
    let version = in_force.version;
    let real = run(history, directory, in_force.plan.clone(), gone);
    let other = run(history, directory, candidate, gone);
    let (mut tickets, mut as_it_was, mut elsewhere) = (0, 0, 0);
    let mut examples = Vec::new();
    let firsts = real.first.iter().zip(&other.first);
    for (past, (real, other)) in history.tickets.iter().zip(firsts) {
        if past.came < history.span.from {
            continue;
        }
        tickets += 1;
        let named = |first: &Option<(GroupId, usize)>| {
            let (group, agent) = first.as_ref()?;
            Some((group.clone(), history.agents[*agent].id.clone()))
        };
        let (real, other) = (named(real), named(other));
        let agent = real.as_ref().map(|(_, agent)| agent);
        as_it_was += u32::from(agent == past.first_agent.as_ref());
        let group =
            |first: &Option<(GroupId, AgentId)>| first.as_ref().map(|(group, _)| group.clone());
        if group(&real) != group(&other) {
            elsewhere += 1;
            if examples.len() < most {
                examples.push(Difference {
                    ticket: past.item.ticket.clone(),
                    in_force: real,
                    candidate: other,
                    solved: past.right.clone(),
                });
            }
        }
    }
    Answer {
        tickets,
        in_force_version: version,
        in_force: real,
        candidate: other,
        as_it_was,
        elsewhere,
        examples,
        doubts: Vec::new(),
    }
}

/// Plays a history under one workflow.
fn run(history: &History, directory: &Directory, plan: Plan, gone: &AtomicBool) -> Outcome {
    let desk = desk(history, directory, plan);
    let tally = RefCell::new(Tally::new(history));
    let course = Course {
        arrivals: history.tickets.iter().map(|past| arrival(past, history)),
        comings: history.comings.iter().copied(),
        until: history.span.end,
        called_off: gone,
    };
    play(
        &desk,
        Policy::Matched,
        0,
        course,
        |at, happened| tally.borrow_mut().happen(at, happened),
        &mut |ticket, group, waits| tally.borrow_mut().place(ticket, group, waits),
    );
    tally.into_inner().finish()
}

/// The agents there were, under a workflow. What tickets take is what they took, so nobody works at
/// a pace of their own, and everything in hand goes on at once.
fn desk(history: &History, directory: &Directory, plan: Plan) -> Desk {
    let workflow = Workflow {
        version: 1,
        plan,
        created_at: Timestamp::EPOCH,
    };
    let conduct = Conduct {
        at_once: u32::MAX,
        speed: 1.0,
        wrap_up: None,
        declines: 0.0,
        ignores: 0.0,
    };
    let manners = Manners {
        offered: BTreeSet::new(),
        answer: Lasts::Fixed(SignedDuration::ZERO),
        timeout: Duration::ZERO,
        back_after: Duration::ZERO,
    };
    let directory = Directory::new(
        directory.groups.values().cloned().collect(),
        history.agents.clone(),
        directory.skills.values().cloned().collect(),
        Some(workflow),
    )
    .with_load_steps(directory.load_steps)
    .with_covers(history.covers.clone());
    let conducts = vec![conduct; history.agents.len()];
    Desk::new(&history.agents, directory, conducts, manners)
}

fn arrival(past: &Past, history: &History) -> Arrival {
    // Had routing known, it would have been sent where it was solved.
    let truth = past.right.as_ref().map(|right| Truth {
        facts: Facts {
            requested_group: Some(right.clone()),
            ..past.item.facts.clone()
        },
        noticed_after: history.noticed_after,
    });
    Arrival {
        at: past.came,
        item: past.item.clone(),
        case: Case {
            class: 0,
            handling: past.handling,
            patience: None,
            writes_again: false,
            truth: truth.map(Arc::new),
        },
    }
}
