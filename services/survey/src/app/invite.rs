//! Inviting: from the trigger, by command, and the end of an invitation.

use lotse_clock::Timestamp;
use lotse_ids::{InvitationId, RequesterId, SurveyId, TicketId};
use lotse_journal::{Body, Draft, Tx, bucket_of, lane_of};
use lotse_proto::common::v1::Channel;
use lotse_proto::journal::v1::InvitationChanged;
use lotse_proto::journal::v1::invitation_changed::Change;

use crate::api::convert;
use crate::app::{App, surveys};
use crate::domain::caps::{self, Skip};
use crate::domain::invitation::State;
use crate::error::Error;
use crate::link::LinkKeys;
use crate::store::{invitation, requester, survey, ticket};

/// Whom to ask, about what.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The survey.
    pub survey_id: SurveyId,
    /// About this ticket; without one about a touchpoint.
    pub ticket_id: Option<TicketId>,
    /// Who is asked; by default the ticket's requester.
    pub requester_id: Option<RequesterId>,
    /// The language to ask in; empty for the ticket's.
    pub language: String,
}

impl App {
    /// The invitation that a caller asks for: the one there is, or a new one.
    pub(crate) async fn invite(
        &self,
        tx: &Tx,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<invitation::Model, Error> {
        let survey = surveys::find(tx, wanted.survey_id.as_str()).await?;
        let ticket = match &wanted.ticket_id {
            Some(id) => Some(self.ticket(tx, id.as_str()).await?),
            None => None,
        };
        if let Some(ticket) = &ticket {
            let (subject, episode) = (&ticket.id, ticket.episode);
            let found = invitation::find_by_subject(tx, &survey.id, subject, episode).await?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        let requester = requester_of(wanted, ticket.as_ref())?;
        let mut invitation = new(&survey, ticket.as_ref(), requester, now, now);
        if !wanted.language.is_empty() {
            invitation.language.clone_from(&wanted.language);
        }
        make(tx, &self.links, &survey, &mut invitation, now).await?;
        if !invitation::insert(tx, invitation.clone()).await? {
            return Err(Error::LostRace);
        }
        if let Some(draft) = changed(&invitation)? {
            tx.emit(draft);
        }
        Ok(invitation)
    }

    /// A ticket, even one so young that the consumer has not seen it.
    async fn ticket(&self, tx: &Tx, id: &str) -> Result<ticket::Model, Error> {
        if let Some(found) = ticket::find(tx, id).await? {
            return Ok(found);
        }
        self.journal.catch_up(tx, &*self.follow, &[id]).await?;
        let found = ticket::find(tx, id).await?;
        found.ok_or_else(|| Error::NotFound("ticket", id.to_owned()))
    }
}

fn requester_of<'a>(
    wanted: &'a Wanted,
    ticket: Option<&'a ticket::Model>,
) -> Result<&'a str, lotse_errors::Error> {
    let named = wanted.requester_id.as_ref().map(RequesterId::as_str);
    let own = ticket.map(|ticket| ticket.requester_id.as_str());
    match (named, own) {
        (Some(named), Some(own)) if named != own => Err(lotse_errors::Error::invalid(
            "requester_id",
            "must be the ticket's requester, or empty",
        )),
        (named, own) => own.or(named).ok_or_else(|| {
            lotse_errors::Error::invalid("requester_id", "is required without a ticket")
        }),
    }
}

/// Whether giving a ticket of this channel to an agent is itself the reply: whoever takes a call,
/// a chat or a visit also answers it.
pub fn taking_is_answering(channel: i32) -> bool {
    use Channel::{Chat, Phone, WalkIn};
    [Chat as i32, Phone as i32, WalkIn as i32].contains(&channel)
}

/// A new invitation about a ticket that was solved at `solved_at`, to be made after the survey's
/// delay; stored at once as skipped where nobody is to be asked.
pub fn on_solved(
    survey: &survey::Model,
    ticket: &ticket::Model,
    solved_at: Timestamp,
) -> invitation::Model {
    let chat = ticket.channel == Channel::Chat as i32;
    let invite_at = if chat {
        solved_at
    } else {
        solved_at + survey.delay()
    };
    let mut invitation = new(
        survey,
        Some(ticket),
        &ticket.requester_id,
        solved_at,
        invite_at,
    );
    if ticket.human_reply {
        invitation.enter(State::Waiting, Some(invite_at));
    } else {
        skip(&mut invitation, Skip::NoHumanReply);
    }
    invitation
}

fn new(
    survey: &survey::Model,
    ticket: Option<&ticket::Model>,
    requester_id: &str,
    now: Timestamp,
    invite_at: Timestamp,
) -> invitation::Model {
    let id = InvitationId::generate(now).to_string();
    let subject = ticket.map_or(&id, |ticket| &ticket.id).clone();
    let text =
        |field: fn(&ticket::Model) -> &String| ticket.map(field).cloned().unwrap_or_default();
    invitation::Model {
        survey_id: survey.id.clone(),
        kind: survey.kind.clone(),
        ticket_id: text(|ticket| &ticket.id),
        requester_id: requester_id.to_owned(),
        lane: lane_of(bucket_of(&subject)).into(),
        subject,
        episode: ticket.map_or(0, |ticket| ticket.episode),
        state: State::Waiting.as_str().to_owned(),
        reason: String::new(),
        created_at: now.as_millis(),
        invite_at: invite_at.as_millis(),
        opened_at: None,
        answered_at: None,
        expires_at: (invite_at + survey.answer_within()).as_millis(),
        due_at: None,
        generation: 0,
        agent_id: text(|ticket| &ticket.agent_id),
        group_id: text(|ticket| &ticket.group_id),
        channel: ticket.map_or(0, |ticket| ticket.channel),
        language: text(|ticket| &ticket.language),
        category: text(|ticket| &ticket.category),
        id,
    }
}

/// Makes the invitation, or skips it where a cap says so. The requester's row is locked, so that
/// two surveys cannot both find that nobody asked lately.
pub async fn make(
    tx: &Tx,
    links: &LinkKeys,
    survey: &survey::Model,
    invitation: &mut invitation::Model,
    now: Timestamp,
) -> Result<(), Error> {
    requester::lock(tx, &invitation.requester_id).await?;
    let asked = invitation::last_asked(tx, &invitation.requester_id, &survey.id).await?;
    let secret = links.sampling_secret();
    let skipped = if !survey.active {
        Some(Skip::Inactive)
    } else if !caps::sampled(secret, &survey.id, &invitation.requester_id, survey.sample) {
        Some(Skip::SampledOut)
    } else {
        caps::check(asked, survey.repeat_after(), now)
    };
    match skipped {
        Some(why) => skip(invitation, why),
        None => {
            let expires_at = now + survey.answer_within();
            invitation.invite_at = now.as_millis();
            invitation.expires_at = expires_at.as_millis();
            invitation.enter(State::Invited, Some(expires_at));
        }
    }
    Ok(())
}

fn skip(invitation: &mut invitation::Model, why: Skip) {
    why.code().clone_into(&mut invitation.reason);
    invitation.enter(State::Skipped, None);
}

/// Why an invitation is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its ticket was reopened.
    Reopened,
    /// Its ticket went into another one.
    Merged,
}

/// Withdraws an invitation.
pub fn cancel(invitation: &mut invitation::Model, was: State, why: Why) {
    let reason = match (was, why) {
        (State::Waiting, _) => invitation::NEVER_SENT,
        (_, Why::Reopened) => "reopened",
        (_, Why::Merged) => "merged",
    };
    reason.clone_into(&mut invitation.reason);
    invitation.enter(State::Cancelled, None);
}

/// The journal's word on what became of an invitation; a waiting one is not yet worth one.
pub fn changed(invitation: &invitation::Model) -> Result<Option<Draft>, Error> {
    let change = match invitation.state()? {
        State::Waiting | State::Answered => return Ok(None),
        State::Invited => Change::Invited,
        State::Skipped => Change::Skipped,
        State::Cancelled => Change::Cancelled,
        State::Expired => Change::Expired,
    };
    Ok(Some(draft(invitation, change)?))
}

/// The journal's word that the page was opened.
pub fn opened(invitation: &invitation::Model) -> Result<Draft, Error> {
    draft(invitation, Change::Opened)
}

fn draft(invitation: &invitation::Model, change: Change) -> Result<Draft, Error> {
    let body = Body::InvitationChanged(InvitationChanged {
        invitation_id: invitation.id.clone(),
        survey_id: invitation.survey_id.clone(),
        kind: convert::kind_out(invitation.kind()?).into(),
        change: change.into(),
        reason: invitation.reason.clone(),
        episode: invitation.episode.unsigned_abs(),
        requester_id: invitation.requester_id.clone(),
    });
    Ok(about(invitation, body))
}

/// An event about an invitation: of its ticket, where it has one.
pub fn about(invitation: &invitation::Model, body: Body) -> Draft {
    if invitation.ticket_id.is_empty() {
        Draft::resource(invitation.subject.clone(), body)
    } else {
        Draft::ticket(invitation.ticket_id.clone(), body)
    }
}
