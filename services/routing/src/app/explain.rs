//! Why a ticket is where it is.

use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, TicketId};

use super::{App, Ref, find_agent};
use crate::domain::case::{Case, Known, judge};
use crate::domain::codes::{DecisionKind, State};
use crate::domain::decision::{Decision, Record};
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::domain::queue::look_at;
use crate::domain::words::hopes;
use crate::domain::workflow::Step;
use crate::error::Error;
use crate::store::agents::{self, Full};
use crate::store::directory::standing_at;
use crate::store::learning::chances;
use crate::store::{decisions, items, seats};

/// What is to be explained.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) ticket: TicketId,
    /// Only this decision; none for all.
    pub(crate) decision: Option<DecisionId>,
    /// Whose case to tell too.
    pub(crate) agent: Option<AgentId>,
}

/// A ticket and everything decided about it.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) item: Item,
    /// Oldest first.
    pub(crate) decisions: Vec<Decision>,
    /// What a look at this instant finds, for a ticket that waits.
    pub(crate) current: Option<Decision>,
    /// What would have to change for it to find somebody, in words.
    pub(crate) hopes: Vec<String>,
    pub(crate) case: Option<AgentCase>,
    pub(crate) directory: Arc<Directory>,
}

/// One agent's case.
#[derive(Debug)]
pub(crate) struct AgentCase {
    pub(crate) agent: AgentId,
    /// The decision; the look at this instant where it was not recorded.
    pub(crate) decision: Option<Decision>,
    pub(crate) recorded: bool,
    /// The agent then; none when it is not kept any more.
    pub(crate) then: Option<Full>,
    /// None when nobody was compared, or nothing is kept.
    pub(crate) case: Option<Case>,
}

impl App {
    /// Every decision about a ticket, or one; and on request one agent's case.
    pub(crate) async fn explain(&self, question: &Question) -> Result<Explanation, Error> {
        let conn = self.db.reader();
        let no_such = |resource, id: &str| Error::NoSuch {
            resource,
            id: id.to_owned(),
        };
        let ticket = &question.ticket;
        let found = items::find(conn, ticket).await?;
        let item = found.ok_or_else(|| no_such("ticket", ticket.as_str()))?;
        let mut decisions = decisions::of_ticket(conn, ticket).await?;
        let directory = self.directory().await?;
        if let Some(wanted) = &question.decision {
            decisions.retain(|one| one.record.id == *wanted);
            if decisions.is_empty() {
                return Err(no_such("decision", wanted.as_str()));
            }
        }
        let (current, hopes) = match item.state() {
            State::Waiting if question.decision.is_none() => {
                let (current, hopes) = self.look_now(&item, &directory).await?;
                (Some(current), hopes)
            }
            _ => (None, Vec::new()),
        };
        let case = match &question.agent {
            Some(agent) => {
                let agent = &find_agent(&directory, &Ref::Id(agent.clone()))?.id;
                let recorded = current.is_none();
                let decision = current.as_ref().or(decisions.last());
                Some(self.case_of(agent, decision, recorded).await?)
            }
            None => None,
        };
        let mut told = Explanation {
            item,
            decisions,
            current,
            hopes,
            case,
            directory,
        };
        // Words are kept as hashes: what they were is asked of intake, as long as it knows.
        let records = told.decisions.iter_mut().chain(&mut told.current);
        let advice = records.filter_map(|decision| decision.record.advice.as_mut());
        let advice = advice.chain(&mut told.item.trail.second_opinion);
        self.spell(ticket, advice).await?;
        Ok(told)
    }

    /// What a look at this instant finds, and what would have to change.
    async fn look_now(
        &self,
        item: &Item,
        directory: &Directory,
    ) -> Result<(Decision, Vec<String>), Error> {
        let seats = agents::seats(self.db.reader()).await?;
        let now = self.now();
        let planned = look_at(item, directory, &seats, now);
        let relaxes_at = planned.step.as_ref().and_then(|step| step.relaxes_at);
        let relaxes_at = relaxes_at.map(Timestamp::from_millis);
        let look = planned.look.as_ref();
        let hopes = look.map(|look| hopes(look, relaxes_at, directory, &seats, now));
        let decision = Decision {
            ticket: item.ticket.clone(),
            version: item.version,
            at: now,
            record: Record {
                id: DecisionId::generate(now),
                kind: DecisionKind::Automatic,
                reason: planned.reason,
                from_group: item.group.clone(),
                from_agent: None,
                group: planned.group,
                agent: planned.agent.map(|(agent, _)| agent),
                offer: None,
                advice: item
                    .trail
                    .advice
                    .clone()
                    .filter(|_| asked(planned.step.as_ref())),
                step: planned.step,
                look: planned.look,
                by_hand: None,
            },
        };
        Ok((decision, hopes.unwrap_or_default()))
    }

    /// The case of an agent at a decision, from what routing knew of the agent then.
    async fn case_of(
        &self,
        agent: &AgentId,
        decision: Option<&Decision>,
        recorded: bool,
    ) -> Result<AgentCase, Error> {
        let conn = self.db.reader();
        let then = match decision {
            Some(decision) if recorded => {
                let place = seats::at_decision(conn, &decision.ticket, decision.version).await?;
                match place {
                    Some(place) => seats::find(conn, agent, place).await?,
                    None => None,
                }
            }
            _ => agents::find_all(conn, [agent]).await?.pop(),
        };
        let look = decision.and_then(|decision| decision.record.look.as_ref());
        let shift = match decision {
            Some(decision) => standing_at(conn, agent, decision.at).await?,
            None => None,
        };
        let chance = match look.and_then(|look| Some((look, look.chances?))) {
            Some((look, version)) => {
                let chances = chances::find(conn, version).await?;
                chances.and_then(|chances| chances.of(&look.needs.group, agent))
            }
            None => None,
        };
        let case = then.as_ref().zip(look).map(|(then, look)| {
            let chosen = decision.and_then(|decision| decision.record.agent.as_ref());
            let known = Known {
                agent: &then.agent,
                seat: &then.seat,
                shift,
                chance,
            };
            judge(&known, look, chosen)
        });
        Ok(AgentCase {
            agent: agent.clone(),
            decision: decision.cloned(),
            recorded,
            then,
            case,
        })
    }
}

/// Whether the model was asked for the group.
fn asked(step: Option<&Step>) -> bool {
    step.is_some_and(|step| step.learned)
}
