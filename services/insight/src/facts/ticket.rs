//! What insight knows of one ticket, and how events change it.
//!
//! A ticket's row is the whole state of the fold. Reply cycles, episodes and stays are rows of
//! their own, written whenever they change and never read back by the fold.
//!
//! **Handled** is a ticket from the moment anybody had to do with it: it was given to an agent,
//! answered in public by a human, transferred, escalated or solved. A ticket that only lies in a
//! group's queue is not handled. Rates of routing are shares of handled tickets.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_proto::common::v1::{AuthorKind, TicketStatus, Visibility};
use lotse_proto::journal::v1::event::Body;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::journal::v1::{
    MessageAdded, TicketAssigned, TicketCreated, TicketEscalated, TicketStatusChanged,
    TicketTransferred, TicketUpdated,
};

use super::code::{code, given};
use super::detail::{Cycle, CycleState, Details, Episode, Stay};

/// One ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// Its id.
    pub id: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Code of the channel.
    pub channel: Option<String>,
    /// Category, the latest.
    pub category: Option<String>,
    /// Code of the priority, the latest.
    pub priority: Option<String>,
    /// Language, BCP 47, the latest.
    pub language: Option<String>,
    /// Labels, the latest.
    pub tags: Vec<String>,
    /// The caller's own facts, the latest.
    pub attributes: BTreeMap<String, String>,
    /// The solved ticket that it repeats.
    pub repeat_of: Option<String>,
    /// Status.
    pub status: TicketStatus,
    /// The group that has it, or had it last.
    pub group: Option<String>,
    /// The agent who has it, or had it last since the group's queue.
    pub agent: Option<String>,
    /// Support level of the group.
    pub tier: Option<i64>,
    /// The first group it was given to.
    pub first_group: Option<String>,
    /// When it was first handled (see the module).
    pub handled_at: Option<Timestamp>,
    /// First public reply of a human.
    pub first_reply_at: Option<Timestamp>,
    /// Public replies of humans.
    pub replies: i64,
    /// Of these, those before the ticket was first solved.
    pub replies_before_solved: i64,
    /// How often it waited, for the requester or a third party, before it was first solved.
    pub waits_before_solved: i64,
    /// Transfers, those within a group included.
    pub transfers: i64,
    /// Transfers whose reason is a misroute.
    pub misroutes: i64,
    /// The first transfer.
    pub first_transferred_at: Option<Timestamp>,
    /// Escalations.
    pub escalations: i64,
    /// The first escalation.
    pub first_escalated_at: Option<Timestamp>,
    /// When it was first solved.
    pub first_solved_at: Option<Timestamp>,
    /// When it was last solved; kept while it is reopened.
    pub solved_at: Option<Timestamp>,
    /// The agent who solved it last.
    pub solved_by: Option<String>,
    /// How often it was reopened.
    pub reopenings: i64,
    /// When it was first reopened.
    pub first_reopened_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it went into another ticket.
    pub merged_at: Option<Timestamp>,
    /// When its present or last episode began: its creation, or its last reopening.
    pub episode_opened_at: Timestamp,
    /// Its present or last reply cycle.
    pub cycle: Cycle,
    /// Number of its present or last stay, from 1; 0 before the first.
    pub stay_number: i64,
    /// When it entered the group that has it; absent when no group has it, or it is solved.
    pub stay_entered_at: Option<Timestamp>,
}

/// Keeps the earlier of two instants: imports and delayed mail arrive late.
fn note(first: &mut Option<Timestamp>, at: Timestamp) {
    *first = Some(first.map_or(at, |known| known.min(at)));
}

impl Ticket {
    /// A ticket that was just taken in. Its requester waits from now on.
    pub fn created(id: &str, at: Timestamp, event: &TicketCreated, details: &mut Details) -> Self {
        let ticket = Self {
            id: id.to_owned(),
            created_at: at,
            channel: code(event.channel().as_str_name(), "CHANNEL_"),
            category: given(&event.category),
            priority: code(event.priority().as_str_name(), "PRIORITY_"),
            language: given(&event.language),
            tags: event.tags.clone(),
            attributes: event.attributes.clone(),
            repeat_of: given(&event.repeat_of),
            status: TicketStatus::New,
            group: None,
            agent: None,
            tier: None,
            first_group: None,
            handled_at: None,
            first_reply_at: None,
            replies: 0,
            replies_before_solved: 0,
            waits_before_solved: 0,
            transfers: 0,
            misroutes: 0,
            first_transferred_at: None,
            escalations: 0,
            first_escalated_at: None,
            first_solved_at: None,
            solved_at: None,
            solved_by: None,
            reopenings: 0,
            first_reopened_at: None,
            closed_at: None,
            merged_at: None,
            episode_opened_at: at,
            cycle: Cycle {
                number: 1,
                started_at: at,
                state: CycleState::Waiting,
                replied_at: None,
            },
            stay_number: 0,
            stay_entered_at: None,
        };
        ticket.write_cycle(details);
        ticket.write_episode(None, details);
        ticket
    }

    /// Applies an event of this ticket; says whether anything changed.
    pub fn apply(&mut self, at: Timestamp, body: &Body, details: &mut Details) -> bool {
        match body {
            Body::TicketUpdated(event) => self.updated(event),
            Body::TicketStatusChanged(event) => self.status_changed(at, event, details),
            Body::MessageAdded(event) => return self.message_added(at, event, details),
            Body::TicketQueued(event) => self.enter(at, &event.group_id, None, details),
            Body::TicketAssigned(event) => self.assigned(at, event, details),
            Body::TicketTransferred(event) => self.transferred(at, event, details),
            Body::TicketEscalated(event) => self.escalated(at, event, details),
            Body::TicketMerged(_) => self.merged(at, details),
            _ => return false,
        }
        true
    }

    /// Whether it is solved, or was when it was closed.
    pub fn is_solved(&self) -> bool {
        self.is_done() && self.solved_at.is_some()
    }

    fn is_done(&self) -> bool {
        matches!(self.status, TicketStatus::Solved | TicketStatus::Closed)
    }

    fn updated(&mut self, event: &TicketUpdated) {
        for field in &event.changed {
            match field.as_str() {
                "priority" => self.priority = code(event.priority().as_str_name(), "PRIORITY_"),
                "category" => self.category = given(&event.category),
                "language" => self.language = given(&event.language),
                "tags" => self.tags.clone_from(&event.tags),
                "attributes" => self.attributes.clone_from(&event.attributes),
                // Fields of later versions that insight has no fact for.
                _ => {}
            }
        }
    }

    fn status_changed(
        &mut self,
        at: Timestamp,
        event: &TicketStatusChanged,
        details: &mut Details,
    ) {
        let (was_done, to) = (self.is_done(), event.to());
        if to == TicketStatus::Unspecified {
            return;
        }
        self.status = to;
        match to {
            TicketStatus::Solved => {
                self.solved_by = given(&event.agent_id).or_else(|| self.agent.clone());
                self.solved_at = Some(at);
                self.first_solved_at.get_or_insert(at);
                note(&mut self.handled_at, at);
                self.end_episode(at, details);
            }
            TicketStatus::Closed => {
                self.closed_at = Some(at);
                if !was_done {
                    self.end_episode(at, details);
                }
            }
            TicketStatus::Pending | TicketStatus::OnHold if self.first_solved_at.is_none() => {
                self.waits_before_solved += 1;
            }
            _ => {}
        }
        if was_done && !self.is_done() {
            self.reopened(at, event.change() == Change::RequesterWrote, details);
        }
    }

    /// It went into another ticket, which is answered or not in its stead: it is no solved ticket, even
    /// if it was one.
    fn merged(&mut self, at: Timestamp, details: &mut Details) {
        if !self.is_done() {
            self.end_episode(at, details);
        }
        self.status = TicketStatus::Closed;
        self.closed_at = Some(at);
        self.merged_at = Some(at);
        (self.first_solved_at, self.solved_at, self.solved_by) = (None, None, None);
    }

    fn end_episode(&mut self, at: Timestamp, details: &mut Details) {
        self.write_episode(Some(at), details);
        if self.cycle.state == CycleState::Waiting {
            self.cycle.state = CycleState::Dropped;
            self.write_cycle(details);
        }
        self.leave(at, details);
    }

    fn reopened(&mut self, at: Timestamp, by_message: bool, details: &mut Details) {
        self.reopenings += 1;
        note(&mut self.first_reopened_at, at);
        self.closed_at = None;
        self.episode_opened_at = at;
        self.write_episode(None, details);
        if self.group.is_some() {
            self.begin_stay(at, details);
        }
        // The message may stand in the journal before the reopening it causes, or after it.
        if self.cycle.state == CycleState::AfterEnd {
            self.cycle.state = CycleState::Waiting;
            self.write_cycle(details);
        } else if by_message {
            self.begin_cycle(at, CycleState::Waiting, details);
        }
    }

    fn message_added(
        &mut self,
        at: Timestamp,
        event: &MessageAdded,
        details: &mut Details,
    ) -> bool {
        if event.visibility() != Visibility::Public {
            return false;
        }
        match event.author_kind() {
            AuthorKind::Human => self.replied(at, details),
            AuthorKind::Requester => {
                let state = if self.is_done() {
                    CycleState::AfterEnd
                } else {
                    CycleState::Waiting
                };
                // Further words do not start the wait anew.
                if self.cycle.state == state {
                    return false;
                }
                self.begin_cycle(at, state, details);
            }
            // Bots, rules and Lotse itself.
            _ => return false,
        }
        true
    }

    fn replied(&mut self, at: Timestamp, details: &mut Details) {
        self.replies += 1;
        if self.first_solved_at.is_none() {
            self.replies_before_solved += 1;
        }
        note(&mut self.first_reply_at, at);
        note(&mut self.handled_at, at);
        if self.cycle.state == CycleState::Waiting {
            self.cycle.state = CycleState::Answered;
            self.cycle.replied_at = Some(at);
            self.write_cycle(details);
        }
    }

    fn assigned(&mut self, at: Timestamp, event: &TicketAssigned, details: &mut Details) {
        self.enter(at, &event.group_id, Some(event.tier), details);
        self.agent = given(&event.agent_id);
        if self.agent.is_some() {
            note(&mut self.handled_at, at);
        }
    }

    fn transferred(&mut self, at: Timestamp, event: &TicketTransferred, details: &mut Details) {
        self.transfers += 1;
        self.misroutes += i64::from(event.misroute);
        note(&mut self.first_transferred_at, at);
        note(&mut self.handled_at, at);
        if self.first_group.is_none() {
            self.first_group = given(&event.from_group_id);
        }
        self.enter(at, &event.to_group_id, None, details);
        self.agent = given(&event.to_agent_id);
    }

    fn escalated(&mut self, at: Timestamp, event: &TicketEscalated, details: &mut Details) {
        self.escalations += 1;
        note(&mut self.first_escalated_at, at);
        note(&mut self.handled_at, at);
        self.enter(at, &event.to_group_id, Some(event.to_tier), details);
        self.agent = None;
    }

    /// The ticket belongs to `group` from now on, if it has not before.
    fn enter(&mut self, at: Timestamp, group: &str, tier: Option<u32>, details: &mut Details) {
        let tier = tier.filter(|tier| *tier > 0).map(i64::from);
        let group = given(group);
        if group.is_some() && group != self.group {
            self.leave(at, details);
            self.group = group;
            self.tier = tier;
            if self.first_group.is_none() {
                self.first_group.clone_from(&self.group);
            }
            if !self.is_done() {
                self.begin_stay(at, details);
            }
        } else if tier.is_some() && tier != self.tier {
            self.tier = tier;
            self.write_stay(None, details);
        }
    }

    fn begin_stay(&mut self, at: Timestamp, details: &mut Details) {
        self.stay_number += 1;
        self.stay_entered_at = Some(at);
        self.write_stay(None, details);
    }

    fn leave(&mut self, at: Timestamp, details: &mut Details) {
        self.write_stay(Some(at), details);
        self.stay_entered_at = None;
    }

    fn begin_cycle(&mut self, at: Timestamp, state: CycleState, details: &mut Details) {
        self.cycle = Cycle {
            number: self.cycle.number + 1,
            started_at: at,
            state,
            replied_at: None,
        };
        self.write_cycle(details);
    }

    fn write_cycle(&self, details: &mut Details) {
        let key = (self.id.clone(), self.cycle.number);
        details.cycles.insert(key, self.cycle.clone());
    }

    fn write_episode(&self, ended_at: Option<Timestamp>, details: &mut Details) {
        let episode = Episode {
            number: self.reopenings,
            opened_at: self.episode_opened_at,
            ended_at,
        };
        details
            .episodes
            .insert((self.id.clone(), self.reopenings), episode);
    }

    fn write_stay(&self, left_at: Option<Timestamp>, details: &mut Details) {
        let Some(entered_at) = self.stay_entered_at else {
            return;
        };
        let stay = Stay {
            number: self.stay_number,
            group: self.group.clone(),
            tier: self.tier,
            entered_at,
            left_at,
        };
        details
            .stays
            .insert((self.id.clone(), self.stay_number), stay);
    }
}
