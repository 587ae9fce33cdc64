//! The journal as a feed for outsiders.

use std::collections::{HashSet, VecDeque};

use futures::Stream;
use futures::stream::unfold;
use lotse_journal::{BUCKETS, Body, FeedPage, Journal, Positions, Recorded};

use super::Intake;
use crate::error::Error;

/// Events read at once. What a reader has not taken yet is no more than that.
const PAGE: u32 = 256;

/// Which events a reader wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Of these kinds; empty for all.
    pub(crate) kinds: HashSet<&'static str>,
    /// Of these tickets; empty for all, also events without a ticket.
    pub(crate) tickets: HashSet<String>,
}

/// Where a stream begins and whether it ends.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// Behind the last item that the reader has handled.
    pub(crate) from: Option<Positions>,
    /// Without `from`: behind all there is.
    pub(crate) from_now: bool,
    /// End when what was there at the beginning has been given.
    pub(crate) ends: bool,
}

/// One item of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The event; `None` for a mark.
    pub(crate) event: Option<Recorded>,
    /// Where to go on after it.
    pub(crate) token: String,
    /// Whether nothing more was there.
    pub(crate) caught_up: bool,
}

impl Wanted {
    fn has(&self, event: &Recorded) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.contains(kind_of(&event.body));
        let of_ticket = |ticket: &String| self.tickets.contains(ticket);
        kind && (self.tickets.is_empty() || event.ticket_id.as_ref().is_some_and(of_ticket))
    }
}

impl Intake {
    /// The events that are wanted. Read page by page as the reader takes them, so a slow reader
    /// slows itself and nothing is dropped.
    ///
    /// # Errors
    /// [`Error::StaleResumeToken`] for positions of another incarnation.
    pub(crate) async fn stream(
        &self,
        wanted: Wanted,
        course: Course,
    ) -> Result<impl Stream<Item = Result<Told, Error>> + use<>, Error> {
        let Course {
            from,
            from_now,
            ends,
        } = course;
        let at = match from {
            Some(from) => {
                // Refused now, while the caller still gets a status instead of a broken stream.
                self.journal.read_feed(&from, 1).await?;
                from
            }
            None if from_now => self.journal.end().await?,
            None => self.journal.start().await?,
        };
        let until = if ends {
            Some(self.journal.end().await?)
        } else {
            None
        };
        let reader = Reader {
            journal: self.journal.clone(),
            wanted,
            at,
            until,
            ready: VecDeque::new(),
            marked: false,
            over: false,
        };
        Ok(unfold(reader, |mut reader| async move {
            let told = Box::pin(reader.next()).await.transpose()?;
            // A stream that has failed has nothing more to say.
            reader.over |= told.is_err();
            Some((told, reader))
        }))
    }
}

struct Reader {
    journal: Journal,
    wanted: Wanted,
    at: Positions,
    /// Where to end.
    until: Option<Positions>,
    ready: VecDeque<Told>,
    /// Whether the reader knows that it has caught up.
    marked: bool,
    over: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Told>, Error> {
        loop {
            if let Some(told) = self.ready.pop_front() {
                return Ok(Some(told));
            }
            if self.over {
                return Ok(None);
            }
            if self
                .until
                .as_ref()
                .is_some_and(|end| reached(&self.at, end))
            {
                self.over = true;
                self.mark_end();
                continue;
            }
            let page = self.journal.read_feed(&self.at, PAGE).await?;
            if page.next != self.at {
                self.take(page);
            } else if !self.mark_end() {
                self.journal.appended_since(&page).await;
            }
        }
    }

    /// Makes the wanted events of a page ready.
    fn take(&mut self, page: FeedPage) {
        self.marked = false;
        for event in page.events {
            self.at.advance(&event);
            if self.wanted.has(&event) {
                let token = self.at.to_token();
                self.ready.push_back(Told {
                    event: Some(event),
                    token,
                    caught_up: false,
                });
            }
        }
        self.at = page.next;
        if self.ready.is_empty() {
            self.ready.push_back(self.mark(false));
        }
    }

    /// Lets the reader know once that it has caught up. Returns whether it did not know.
    fn mark_end(&mut self) -> bool {
        let news = !std::mem::replace(&mut self.marked, true);
        if news {
            self.ready.push_back(self.mark(true));
        }
        news
    }

    fn mark(&self, caught_up: bool) -> Told {
        Told {
            event: None,
            token: self.at.to_token(),
            caught_up,
        }
    }
}

fn reached(at: &Positions, end: &Positions) -> bool {
    (0..BUCKETS).all(|bucket| at.at(bucket) >= end.at(bucket))
}

macro_rules! kinds {
    ($($body:ident = $name:literal,)+) => {
        /// Every kind of event, by the name of its field in `Event.body`.
        pub(crate) const KINDS: &[&str] = &[$($name),+];

        fn kind_of(body: &Body) -> &'static str {
            match body {
                $(Body::$body(_) => $name,)+
            }
        }
    };
}

kinds! {
    TicketCreated = "ticket_created",
    TicketUpdated = "ticket_updated",
    TicketStatusChanged = "ticket_status_changed",
    MessageAdded = "message_added",
    TicketMerged = "ticket_merged",
    TicketAbsorbed = "ticket_absorbed",
    AgentChanged = "agent_changed",
    TicketQueued = "ticket_queued",
    TicketAssigned = "ticket_assigned",
    TicketTransferred = "ticket_transferred",
    TicketEscalated = "ticket_escalated",
    TicketReleased = "ticket_released",
    ClockChanged = "clock_changed",
    PlanChosen = "plan_chosen",
    PlanOutdated = "plan_outdated",
    HistoryMerged = "history_merged",
    AlertChanged = "alert_changed",
    InvitationChanged = "invitation_changed",
    AnswerRecorded = "answer_recorded",
    ConfigurationChanged = "configuration_changed",
}
