//! Between messages and what the use cases work with.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_ids::SurveyId;
use lotse_proto::common::v1::{Channel, SurveyKind};
use lotse_proto::survey::v1 as proto;
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::time::{duration_from_proto, duration_to_proto, from_proto, to_proto};
use lotse_scores::{Estimate, Histogram};
use prost_types::Timestamp as WireTime;

use crate::app::answer::Given;
use crate::app::invite::Wanted as Inviting;
use crate::app::surveys::Definition;
use crate::domain::invitation::State;
use crate::domain::kind::Kind;
use crate::error::Error;
use crate::link::LinkKeys;
use crate::store::{answer, invitation, survey};

const DAY: Duration = Duration::from_secs(86_400);
const REQUEST_ID: Text = Text::line(0..=128);
const LANGUAGE: Text = Text::line(0..=35);

fn kind_in(kind: i32) -> Option<Kind> {
    match SurveyKind::try_from(kind).ok()? {
        SurveyKind::Unspecified => None,
        SurveyKind::Csat => Some(Kind::Csat),
        SurveyKind::Ces => Some(Kind::Ces),
        SurveyKind::Nps => Some(Kind::Nps),
    }
}

/// The message form of a kind.
pub fn kind_out(kind: Kind) -> SurveyKind {
    match kind {
        Kind::Csat => SurveyKind::Csat,
        Kind::Ces => SurveyKind::Ces,
        Kind::Nps => SurveyKind::Nps,
    }
}

fn span(
    wrong: &mut Violations,
    field: &str,
    given: Option<&prost_types::Duration>,
    default: Duration,
    most: Duration,
) -> Duration {
    let Some(given) = given else {
        return default;
    };
    let span = wrong
        .take(field, duration_from_proto(given))
        .unwrap_or(default);
    wrong.require(
        field,
        span <= most,
        &format!("must be at most {} days", most.as_secs() / 86_400),
    );
    span
}

fn instant(wrong: &mut Violations, field: &str, given: Option<&WireTime>) -> Option<Timestamp> {
    given.and_then(|given| wrong.take(field, from_proto(given)))
}

/// A survey as a caller wants it.
///
/// # Errors
/// INVALID_ARGUMENT with all violations.
pub fn definition(request: &proto::PutSurveyRequest) -> Result<Definition, lotse_errors::Error> {
    let mut wrong = Violations::new();
    wrong.text("request_id", &request.request_id, REQUEST_ID);
    let Some(survey) = wrong.present("survey", request.survey.clone()) else {
        return wrong.finish_with(None);
    };
    let proto::Survey {
        id,
        name,
        kind,
        questions,
        trigger,
        delay,
        sample,
        repeat_after,
        answer_within,
        ask_resolved_first_contact,
        active,
        version: _,
        etag,
    } = survey;
    let id = wrong.parse_optional::<SurveyId>("survey.id", &id);
    let name = wrong.text("survey.name", &name, Text::line(1..=128));
    let kind = wrong.present("survey.kind", kind_in(kind));
    let mut texts = std::collections::BTreeMap::new();
    for (language, question) in &questions {
        let field = format!("survey.questions[{language}]");
        let language = wrong.text(&field, language, Text::line(2..=35));
        let question = wrong.text(&field, question, Text::line(1..=500));
        texts.insert(language, question);
    }
    let on_solved = match Trigger::try_from(trigger) {
        Ok(Trigger::Unspecified | Trigger::Manual) => false,
        Ok(Trigger::Solved) => true,
        Err(_) => {
            wrong.add("survey.trigger", "is unknown");
            false
        }
    };
    let sample = sample.unwrap_or(1.0);
    wrong.require(
        "survey.sample",
        (0.0..=1.0).contains(&sample),
        "must be from 0 to 1",
    );
    let year = DAY * 366;
    let delay = span(&mut wrong, "survey.delay", delay.as_ref(), DAY, DAY * 90);
    let repeat = kind.map_or(Duration::ZERO, Kind::repeat_after);
    let repeat_after = span(
        &mut wrong,
        "survey.repeat_after",
        repeat_after.as_ref(),
        repeat,
        year * 2,
    );
    let answer_within = span(
        &mut wrong,
        "survey.answer_within",
        answer_within.as_ref(),
        DAY * 28,
        year,
    );
    wrong.require(
        "survey.answer_within",
        !answer_within.is_zero(),
        "must be more than zero",
    );
    wrong.finish_with(kind.map(|kind| Definition {
        id,
        name,
        kind,
        questions: texts,
        on_solved,
        delay,
        sample,
        repeat_after,
        answer_within,
        ask_resolved_first_contact,
        active,
        etag,
    }))
}

/// A stored survey.
///
/// # Errors
/// When the row is damaged.
pub fn survey_out(row: &survey::Model) -> Result<proto::Survey, Error> {
    let trigger = if row.on_solved {
        Trigger::Solved
    } else {
        Trigger::Manual
    };
    Ok(proto::Survey {
        id: row.id.clone(),
        name: row.name.clone(),
        kind: kind_out(row.kind()?).into(),
        questions: row.questions()?,
        trigger: trigger.into(),
        delay: Some(duration_to_proto(row.delay())),
        sample: Some(row.sample),
        repeat_after: Some(duration_to_proto(row.repeat_after())),
        answer_within: Some(duration_to_proto(row.answer_within())),
        ask_resolved_first_contact: row.ask_resolved_first_contact,
        active: row.active,
        version: row.version.unsigned_abs(),
        etag: etag::of(row.version.into()),
    })
}

/// Whom to ask, about what.
///
/// # Errors
/// INVALID_ARGUMENT with all violations.
pub fn inviting(request: &proto::CreateInvitationRequest) -> Result<Inviting, lotse_errors::Error> {
    let proto::CreateInvitationRequest {
        request_id,
        survey_id,
        ticket_id,
        requester_id,
        language,
    } = request;
    let mut wrong = Violations::new();
    wrong.text("request_id", request_id, REQUEST_ID);
    let survey_id = wrong.parse("survey_id", survey_id);
    let ticket_id = wrong.parse_optional("ticket_id", ticket_id);
    let requester_id = wrong.parse_optional("requester_id", requester_id);
    let language = wrong.text("language", language, LANGUAGE);
    wrong.finish_with(survey_id.map(|survey_id| Inviting {
        survey_id,
        ticket_id,
        requester_id,
        language,
    }))
}

/// A stored invitation; with its token while it can be, or could have been, answered.
///
/// # Errors
/// When the row is damaged.
pub fn invitation_out(
    row: &invitation::Model,
    links: &LinkKeys,
) -> Result<proto::Invitation, Error> {
    use proto::invitation::State as Out;
    let state = row.state()?;
    let asked = !matches!(state, State::Waiting | State::Skipped);
    let id = row
        .id
        .parse()
        .map_err(|error| sea_orm::DbErr::Type(format!("{error}")))?;
    let at = |millis| to_proto(Timestamp::from_millis(millis));
    Ok(proto::Invitation {
        id: row.id.clone(),
        survey_id: row.survey_id.clone(),
        kind: kind_out(row.kind()?).into(),
        requester_id: row.requester_id.clone(),
        ticket_id: row.ticket_id.clone(),
        episode: row.episode.unsigned_abs(),
        state: match state {
            State::Waiting => Out::Waiting,
            State::Invited => Out::Invited,
            State::Answered => Out::Answered,
            State::Skipped => Out::Skipped,
            State::Cancelled => Out::Cancelled,
            State::Expired => Out::Expired,
        }
        .into(),
        reason: row.reason.clone(),
        token: if asked {
            links.token(&id)
        } else {
            String::new()
        },
        invite_at: Some(at(row.invite_at)),
        opened_at: row.opened_at.map(at),
        expires_at: Some(at(row.expires_at)),
        language: row.language.clone(),
    })
}

/// What a requester said.
///
/// # Errors
/// INVALID_ARGUMENT with all violations.
pub fn given(request: &proto::SubmitAnswerRequest) -> Result<Given, lotse_errors::Error> {
    let proto::SubmitAnswerRequest {
        request_id,
        token: _,
        score,
        comment,
        resolved_first_contact,
    } = request;
    let mut wrong = Violations::new();
    wrong.text("request_id", request_id, REQUEST_ID);
    let comment = wrong.text("comment", comment, Text::body(0..=4_000));
    wrong.finish()?;
    Ok(Given {
        score: *score,
        comment,
        resolved_first_contact: *resolved_first_contact,
    })
}

/// A stored answer.
///
/// # Errors
/// When the row is damaged.
pub fn answer_out(row: &answer::Model) -> Result<proto::Answer, Error> {
    let at = |millis| to_proto(Timestamp::from_millis(millis));
    Ok(proto::Answer {
        id: row.id.clone(),
        invitation_id: row.invitation_id.clone(),
        survey_id: row.survey_id.clone(),
        kind: kind_out(row.kind()?).into(),
        scale: row.scale.clone(),
        score: row.score,
        comment: row.comment.clone(),
        resolved_first_contact: row.resolved_first_contact,
        revision: row.revision.unsigned_abs(),
        answered_at: Some(at(row.answered_at)),
        revised_at: row.revised_at.map(at),
        ticket_id: row.ticket_id.clone(),
        agent_id: row.agent_id.clone(),
        group_id: row.group_id.clone(),
        channel: Channel::try_from(row.channel).unwrap_or_default().into(),
        language: row.language.clone(),
        category: row.category.clone(),
    })
}

/// Which answers a caller wants.
///
/// # Errors
/// INVALID_ARGUMENT with all violations.
pub fn wanted_answers(
    request: &proto::ListAnswersRequest,
) -> Result<answer::Wanted, lotse_errors::Error> {
    let mut wrong = Violations::new();
    let wanted = answer::Wanted {
        kind: kind_in(request.kind),
        ticket_id: request.ticket_id.clone(),
        from: instant(&mut wrong, "from", request.from.as_ref()),
        to: instant(&mut wrong, "to", request.to.as_ref()),
        ..answer::Wanted::default()
    };
    wrong.require(
        "kind",
        SurveyKind::try_from(request.kind).is_ok(),
        "is unknown",
    );
    wrong.finish()?;
    Ok(wanted)
}

/// Whose score a caller wants.
///
/// # Errors
/// INVALID_ARGUMENT with all violations.
pub fn wanted_score(
    request: &proto::GetScoreRequest,
) -> Result<(Kind, answer::Wanted), lotse_errors::Error> {
    let proto::GetScoreRequest {
        kind,
        from,
        to,
        agent_id,
        group_id,
        survey_id,
    } = request;
    let mut wrong = Violations::new();
    let kind = wrong.present("kind", kind_in(*kind));
    let wanted = answer::Wanted {
        kind,
        ticket_id: String::new(),
        from: instant(&mut wrong, "from", from.as_ref()),
        to: instant(&mut wrong, "to", to.as_ref()),
        agent_id: agent_id.clone(),
        group_id: group_id.clone(),
        survey_id: survey_id.clone(),
    };
    wrong.finish_with(kind.map(|kind| (kind, wanted)))
}

/// A score with what it rests on.
pub fn score_out(kind: Kind, histogram: &Histogram, invited: u64) -> proto::Score {
    let out = |estimate: Option<Estimate>| {
        estimate.map(|Estimate { value, low, high }| proto::Estimate { value, low, high })
    };
    let share = kind.good_from();
    proto::Score {
        kind: kind_out(kind).into(),
        n: histogram.n(),
        share: out(share.and_then(|least| histogram.share_from(least))),
        mean: out(share.and_then(|_| histogram.mean())),
        nps: out((kind == Kind::Nps)
            .then(|| histogram.net_promoter())
            .flatten()),
        histogram: histogram.counts().to_vec(),
        invited,
    }
}
