//! Answering.

use lotse_clock::Timestamp;
use lotse_ids::AnswerId;
use lotse_journal::{Body, Tx};
use lotse_proto::journal::v1::AnswerRecorded;

use crate::api::convert;
use crate::app::invite;
use crate::domain::invitation::{State, may_answer};
use crate::error::Error;
use crate::store::{answer, invitation};

/// What a requester said.
#[derive(Clone, Debug)]
pub struct Given {
    /// On the survey's scale; whether it is, only the invitation knows.
    pub score: i32,
    /// In words.
    pub comment: String,
    /// Whether the first contact solved it.
    pub resolved_first_contact: Option<bool>,
}

/// Stores the first answer to an invitation, or a revision of it.
pub async fn submit(
    tx: &Tx,
    invitation_id: &str,
    given: &Given,
    now: Timestamp,
) -> Result<answer::Model, Error> {
    let mut invitation = invitation::find(tx, invitation_id)
        .await?
        .ok_or_else(|| Error::NotFound("invitation", invitation_id.to_owned()))?;
    let kind = invitation.kind()?;
    if !kind.allows(given.score) {
        let (lowest, highest) = kind.range();
        let range = format!("must be from {lowest} to {highest}");
        return Err(lotse_errors::Error::invalid("score", range).into());
    }
    let expires_at = Timestamp::from_millis(invitation.expires_at);
    let answered_at = invitation.answered_at.map(Timestamp::from_millis);
    may_answer(invitation.state()?, expires_at, answered_at, now)?;

    let answer = match answer::find_by_invitation(tx, invitation_id).await? {
        None => first(&invitation, given, now)?,
        Some(before) => answer::Model {
            score: given.score,
            comment: given.comment.clone(),
            resolved_first_contact: given.resolved_first_contact,
            revision: before.revision + 1,
            revised_at: Some(now.as_millis()),
            ..before
        },
    };
    // The generation makes two first answers, or an answer and an expiry, exclude each other.
    let generation = invitation.generation;
    invitation.answered_at.get_or_insert(now.as_millis());
    invitation.enter(State::Answered, None);
    if !invitation::update(tx, invitation.clone(), generation).await? {
        return Err(Error::LostRace);
    }
    answer::save(tx, &answer).await?;
    tx.emit(invite::about(&invitation, recorded(&answer)?));
    Ok(answer)
}

fn first(
    invitation: &invitation::Model,
    given: &Given,
    now: Timestamp,
) -> Result<answer::Model, Error> {
    Ok(answer::Model {
        id: AnswerId::generate(now).into(),
        invitation_id: invitation.id.clone(),
        survey_id: invitation.survey_id.clone(),
        kind: invitation.kind.clone(),
        scale: invitation.kind()?.scale().to_owned(),
        score: given.score,
        comment: given.comment.clone(),
        resolved_first_contact: given.resolved_first_contact,
        revision: 1,
        answered_at: now.as_millis(),
        revised_at: None,
        ticket_id: invitation.ticket_id.clone(),
        agent_id: invitation.agent_id.clone(),
        group_id: invitation.group_id.clone(),
        channel: invitation.channel,
        language: invitation.language.clone(),
        category: invitation.category.clone(),
    })
}

fn recorded(answer: &answer::Model) -> Result<Body, Error> {
    Ok(Body::AnswerRecorded(AnswerRecorded {
        answer_id: answer.id.clone(),
        invitation_id: answer.invitation_id.clone(),
        survey_id: answer.survey_id.clone(),
        kind: convert::kind_out(answer.kind()?).into(),
        scale: answer.scale.clone(),
        score: answer.score,
        revision: answer.revision.unsigned_abs(),
        resolved_first_contact: answer.resolved_first_contact,
        commented: !answer.comment.is_empty(),
        agent_id: answer.agent_id.clone(),
        group_id: answer.group_id.clone(),
        channel: answer.channel,
        language: answer.language.clone(),
        category: answer.category.clone(),
    }))
}
