//! The journal as a feed for outsiders.

use std::collections::HashSet;

use futures::{Stream, TryStreamExt as _};
use lotse_journal::{Body, Course, Recorded, Told};

use super::Intake;
use crate::error::Error;

/// Which events a reader wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Of these kinds; empty for all.
    pub(crate) kinds: HashSet<&'static str>,
    /// Of these tickets; empty for all, also events without a ticket.
    pub(crate) tickets: HashSet<String>,
}

impl Wanted {
    fn has(&self, event: &Recorded) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.contains(kind_of(&event.body));
        let of_ticket = |ticket: &String| self.tickets.contains(ticket);
        kind && (self.tickets.is_empty() || event.ticket_id.as_ref().is_some_and(of_ticket))
    }
}

impl Intake {
    /// The events that are wanted.
    ///
    /// # Errors
    /// [`Error::StaleResumeToken`] for positions of another incarnation.
    pub(crate) async fn stream(
        &self,
        wanted: Wanted,
        course: Course,
    ) -> Result<impl Stream<Item = Result<Told<Recorded>, Error>> + use<>, Error> {
        let wanted = move |event: Recorded| wanted.has(&event).then_some(event);
        Ok(self.journal.stream(course, wanted).await?.err_into())
    }
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
    TicketErased = "ticket_erased",
    RequesterErased = "requester_erased",
    AgentChanged = "agent_changed",
    TicketQueued = "ticket_queued",
    TicketAssigned = "ticket_assigned",
    TicketTransferred = "ticket_transferred",
    TicketEscalated = "ticket_escalated",
    TicketReleased = "ticket_released",
    OfferChanged = "offer_changed",
    WrapUpEnded = "wrap_up_ended",
    ReplyReviewed = "reply_reviewed",
    SupervisionChanged = "supervision_changed",
    ClockChanged = "clock_changed",
    PlanChosen = "plan_chosen",
    PlanOutdated = "plan_outdated",
    HistoryMerged = "history_merged",
    AlertChanged = "alert_changed",
    InvitationChanged = "invitation_changed",
    AnswerRecorded = "answer_recorded",
    ConfigurationChanged = "configuration_changed",
}
