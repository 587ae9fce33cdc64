//! What agents and customers do meanwhile: they take in, accept, decline, keep silent, solve, give
//! up, go and come.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, bail};
use lotse_clock::SystemClock;
use lotse_errors::{ErrorReason, peer};
use lotse_ids::{RequesterId, TicketId};
use lotse_journal::{Body, Draft, Journal, Origin};
use lotse_proto::common::v1::{Channel, Priority, TicketStatus};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::offer_changed::Change as Offer;
use lotse_proto::journal::v1::ticket_status_changed::Change as StatusChange;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::assignment_change::Change;
use lotse_supervise::Supervisor;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use sea_orm::DbErr;
use serde::Serialize;
use tokio::sync::mpsc;

use super::desk::Desk;

/// Why a ticket waits that somebody will take before long.
const BUSY: &str = "all_busy";

/// What was done, to be told.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Tally {
    pub(super) created: u64,
    pub(super) assigned: u64,
    pub(super) offered: u64,
    pub(super) accepted: u64,
    pub(super) declined: u64,
    pub(super) timed_out: u64,
    pub(super) rescinded: u64,
    /// Answers to offers that were over.
    pub(super) too_late: u64,
    pub(super) solved: u64,
    /// Tickets whose customers gave up.
    pub(super) given_up: u64,
    pub(super) presence_changes: u64,
    pub(super) kills: u64,
}

/// The players, and what they are about to do.
pub(super) struct Players {
    pub(super) desk: Desk,
    pub(super) journal: Journal,
    pub(super) tally: Tally,
    /// What they have done.
    pub(super) doing: mpsc::UnboundedReceiver<Result<Done>>,
    tell: mpsc::UnboundedSender<Result<Done>>,
    supervisor: Supervisor,
    solved: HashSet<String>,
    away: HashSet<String>,
    templates: Vec<proto::Agent>,
    dice: StdRng,
    /// Whether everybody now takes what is offered and nobody goes any more.
    willing: bool,
}

/// What somebody has done.
#[derive(Debug)]
pub(super) enum Done {
    Answered,
    TooLate,
    Presence,
    /// The time has come for a ticket to be solved, or given up by its customer.
    Solve {
        ticket: String,
        given_up: bool,
    },
}

impl Players {
    pub(super) async fn new(
        desk: Desk,
        journal: Journal,
        supervisor: Supervisor,
        seed: u64,
    ) -> Result<Self> {
        let (tell, doing) = mpsc::unbounded_channel();
        let mut templates = Vec::new();
        for id in &desk.people {
            let request = proto::GetAgentRequest { id: id.clone() };
            let got = desk.agents.clone().get_agent(request).await?;
            templates.extend(got.into_inner().agent);
        }
        Ok(Self {
            desk,
            journal,
            tally: Tally::default(),
            doing,
            tell,
            supervisor,
            solved: HashSet::new(),
            away: HashSet::new(),
            templates,
            dice: StdRng::seed_from_u64(seed),
            willing: false,
        })
    }

    /// Tickets that are neither solved nor given up.
    pub(super) fn open(&self) -> u64 {
        self.tally.created - self.tally.solved - self.tally.given_up
    }

    /// Takes in `count` tickets, each of which somebody could answer.
    pub(super) async fn create(&mut self, count: u64) -> Result<()> {
        let now = SystemClock.now();
        let mut drafts = Vec::new();
        for _ in 0..count {
            let ticket = TicketId::generate(now).to_string();
            self.tally.created += 1;
            if self.dice.random_bool(0.03) {
                let after = Duration::from_millis(self.dice.random_range(0..1_000));
                self.solve_after(&ticket, after, true);
            }
            let body = Body::TicketCreated(self.wish());
            drafts.push(Draft::ticket(ticket, body));
        }
        self.emit(drafts).await
    }

    /// What somebody could answer: a group, skills and perhaps the language of one agent.
    fn wish(&mut self) -> journal::TicketCreated {
        let dice = &mut self.dice;
        let mut created = journal::TicketCreated {
            number: self.tally.created,
            requester_id: RequesterId::generate(SystemClock.now()).to_string(),
            channel: Channel::Email.into(),
            priority: Priority::Normal.into(),
            ..journal::TicketCreated::default()
        };
        if dice.random_bool(0.4) {
            created.channel = Channel::Chat.into();
        }
        let priorities = [
            Priority::Urgent,
            Priority::High,
            Priority::Normal,
            Priority::Low,
        ];
        if let Some(priority) = priorities.choose(dice) {
            created.priority = (*priority).into();
        }
        let Some(template) = self.templates.choose(dice) else {
            return created;
        };
        if let Some(group) = template.group_ids.choose(dice) {
            created.requested_group_id.clone_from(group);
        }
        let skills = dice.random_range(0..=2);
        let skills = template.skills.sample(dice, skills);
        created.required_skills = skills.map(|one| one.skill.clone()).collect();
        if let Some(language) = template.languages.choose(dice)
            && dice.random_bool(0.6)
        {
            created.language.clone_from(&language.language);
            created.language_confidence = 1.0;
        }
        created
    }

    /// Somebody goes away, or comes back.
    pub(super) fn flap(&mut self) {
        let Some(agent) = self.desk.people.choose(&mut self.dice).cloned() else {
            return;
        };
        let presence = if self.away.remove(&agent) {
            proto::Presence::Online
        } else {
            self.away.insert(agent.clone());
            proto::Presence::Away
        };
        self.presence_after(&agent, presence, Duration::ZERO);
    }

    /// From now on everybody is there and takes what is offered.
    pub(super) async fn be_willing(&mut self) -> Result<()> {
        self.willing = true;
        self.away.clear();
        for agent in self.desk.people.clone() {
            self.desk.presence(&agent, proto::Presence::Online).await?;
            self.tally.presence_changes += 1;
        }
        Ok(())
    }

    /// The customers of tickets that nobody will ever take give up: everybody is there, and whoever
    /// could have them has declined.
    pub(super) async fn give_up_what_nobody_wants(&mut self) -> Result<()> {
        let request = proto::GetQueueStateRequest {
            max_waiting: 2_000,
            ..proto::GetQueueStateRequest::default()
        };
        let state = self.desk.routing.get_queue_state(request).await?;
        for waiting in state.into_inner().waiting {
            let ticket = waiting.ticket_id;
            let request = proto::ExplainRoutingRequest {
                ticket_id: ticket.clone(),
                ..proto::ExplainRoutingRequest::default()
            };
            let told = self.desk.routing.explain_routing(request).await?;
            let hopeless = told.into_inner().current.is_some_and(|look| {
                look.agent_id.is_empty() && look.reason != BUSY && look.candidates.is_empty()
            });
            if hopeless {
                let given_up = true;
                self.done(Done::Solve { ticket, given_up }).await?;
            }
        }
        Ok(())
    }

    /// Reacts to what routing did.
    pub(super) fn hear(&mut self, ticket: &str, change: &Change) {
        match change {
            Change::Assigned(_) => {
                self.tally.assigned += 1;
                let after = Duration::from_millis(self.dice.random_range(100..1_500));
                self.solve_after(ticket, after, false);
            }
            Change::OfferChanged(offer) => match offer.change() {
                Offer::Offered => {
                    self.tally.offered += 1;
                    self.answer(&offer.offer_id);
                }
                Offer::Accepted => self.tally.accepted += 1,
                Offer::Declined => self.tally.declined += 1,
                Offer::Rescinded => self.tally.rescinded += 1,
                Offer::TimedOut => {
                    self.tally.timed_out += 1;
                    // Whoever kept silent looks at the screen again after a while.
                    let after = Duration::from_millis(self.dice.random_range(500..3_000));
                    self.presence_after(&offer.agent_id, proto::Presence::Online, after);
                }
                Offer::Unspecified => {}
            },
            _ => {}
        }
    }

    /// Somebody accepts an offer, mostly; some decline it, some say nothing.
    fn answer(&mut self, offer: &str) {
        let luck = if self.willing {
            0
        } else {
            self.dice.random_range(0..100)
        };
        let after = Duration::from_millis(self.dice.random_range(10..300));
        let (mut routing, offer_id) = (self.desk.routing.clone(), offer.to_owned());
        let request_id = offer_id.clone();
        match luck {
            0..82 => self.act(async move {
                tokio::time::sleep(after).await;
                let request = proto::AcceptOfferRequest {
                    offer_id,
                    request_id,
                };
                answered(routing.accept_offer(request).await.map(drop))
            }),
            82..93 => self.act(async move {
                tokio::time::sleep(after).await;
                let request = proto::DeclineOfferRequest {
                    offer_id,
                    reason: proto::DeclineReason::Busy.into(),
                    request_id,
                };
                answered(routing.decline_offer(request).await.map(drop))
            }),
            _ => {}
        }
    }

    /// Has somebody do something in a task of its own: a call that is under way holds a transaction,
    /// which must go on whatever is looked at meanwhile.
    fn act(&self, what: impl Future<Output = Result<Done>> + Send + 'static) {
        let tell = self.tell.clone();
        self.supervisor.spawn_task("player", async move {
            tell.send(what.await).ok();
        });
    }

    fn presence_after(&mut self, agent: &str, presence: proto::Presence, after: Duration) {
        let (desk, agent) = (self.desk.clone(), agent.to_owned());
        self.act(async move {
            tokio::time::sleep(after).await;
            desk.presence(&agent, presence).await?;
            Ok(Done::Presence)
        });
    }

    fn solve_after(&mut self, ticket: &str, after: Duration, given_up: bool) {
        let ticket = ticket.to_owned();
        self.act(async move {
            tokio::time::sleep(after).await;
            Ok(Done::Solve { ticket, given_up })
        });
    }

    /// Takes note of what was done, and does what is due.
    pub(super) async fn done(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Answered => {}
            Done::TooLate => self.tally.too_late += 1,
            Done::Presence => self.tally.presence_changes += 1,
            Done::Solve { ticket, given_up } => {
                if self.solved.insert(ticket.clone()) {
                    let solved = Body::TicketStatusChanged(journal::TicketStatusChanged {
                        from: TicketStatus::Open.into(),
                        to: TicketStatus::Solved.into(),
                        change: StatusChange::Solved.into(),
                        ..journal::TicketStatusChanged::default()
                    });
                    self.emit(vec![Draft::ticket(ticket, solved)]).await?;
                    self.tally.given_up += u64::from(given_up);
                    self.tally.solved += u64::from(!given_up);
                }
            }
        }
        Ok(())
    }

    /// Journals what intake would.
    async fn emit(&self, drafts: Vec<Draft>) -> Result<()> {
        let origin = Origin {
            principal: "check".to_owned(),
            cause: "check".to_owned(),
        };
        let emitted = self.journal.in_tx(&origin, |tx| {
            let drafts = drafts.clone();
            async move {
                drafts.into_iter().for_each(|draft| tx.emit(draft));
                Ok::<_, DbErr>(())
            }
        });
        Ok(emitted.await?)
    }
}

fn answered(answer: Result<(), tonic::Status>) -> Result<Done> {
    match answer {
        Ok(()) => Ok(Done::Answered),
        Err(status) if peer::reason(&status) == Some(ErrorReason::OfferOver) => Ok(Done::TooLate),
        Err(status) => bail!("an answer to an offer was refused: {status}"),
    }
}
