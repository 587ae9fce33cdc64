//! Survey definitions.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_grpc::etag;
use lotse_ids::SurveyId;
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1::ConfigurationChanged;
use sea_orm::DbErr;

use crate::domain::kind::Kind;
use crate::error::Error;
use crate::store::{invitation, survey};

/// A survey as a caller wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Which one to change; by name when absent.
    pub id: Option<SurveyId>,
    /// Unique.
    pub name: String,
    /// What it asks.
    pub kind: Kind,
    /// Its own questions by language.
    pub questions: BTreeMap<String, String>,
    /// Asked when a ticket is solved.
    pub on_solved: bool,
    /// From the trigger to the invitation.
    pub delay: Duration,
    /// Share of requesters asked.
    pub sample: f64,
    /// Until the same requester is asked again.
    pub repeat_after: Duration,
    /// From the invitation to its expiry.
    pub answer_within: Duration,
    /// Whether to ask too if the first contact solved it.
    pub ask_resolved_first_contact: bool,
    /// In use.
    pub active: bool,
    /// The version the caller has seen; empty for whichever there is.
    pub etag: String,
}

/// Creates or changes a survey; says whether anything changed.
pub async fn put(
    tx: &Tx,
    wanted: &Definition,
    now: Timestamp,
) -> Result<(survey::Model, bool), Error> {
    let present = match &wanted.id {
        Some(id) => Some(find(tx, id.as_str()).await?),
        None => survey::find_by_name(tx, &wanted.name).await?,
    };
    let (id, version) = match &present {
        Some(present) => {
            if !wanted.etag.is_empty() {
                etag::check(&wanted.etag, present.version.into())?;
            }
            (present.id.clone(), present.version)
        }
        None => (SurveyId::generate(now).into(), 0),
    };
    let mut row = row(wanted, id, version)?;
    let Some(present) = present else {
        row.version = 1;
        survey::insert(tx, row.clone()).await?;
        tx.emit(changed(&row));
        return Ok((row, true));
    };
    if row == present {
        return Ok((present, false));
    }
    if row.kind != present.kind && invitation::any_of(tx, &present.id).await? {
        return Err(Error::KindInUse(present.id));
    }
    row.version += 1;
    if !survey::replace(tx, row.clone()).await? {
        return Err(Error::LostRace);
    }
    tx.emit(changed(&row));
    Ok((row, true))
}

/// One survey.
pub async fn find(conn: &impl sea_orm::ConnectionTrait, id: &str) -> Result<survey::Model, Error> {
    survey::find(conn, id)
        .await?
        .ok_or_else(|| Error::NotFound("survey", id.to_owned()))
}

fn row(wanted: &Definition, id: String, version: i32) -> Result<survey::Model, Error> {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let questions = serde_json::to_string(&wanted.questions);
    Ok(survey::Model {
        id,
        name: wanted.name.clone(),
        kind: wanted.kind.as_str().to_owned(),
        questions: questions.map_err(|error| DbErr::Json(error.to_string()))?,
        on_solved: wanted.on_solved,
        delay_ms: millis(wanted.delay),
        sample: wanted.sample,
        repeat_after_ms: millis(wanted.repeat_after),
        answer_within_ms: millis(wanted.answer_within),
        ask_resolved_first_contact: wanted.ask_resolved_first_contact,
        active: wanted.active,
        version,
    })
}

fn changed(survey: &survey::Model) -> Draft {
    Draft::resource(
        survey.id.clone(),
        Body::ConfigurationChanged(ConfigurationChanged {
            kind: "survey".to_owned(),
            id: survey.id.clone(),
            version: survey.version.unsigned_abs(),
            restores_version: 0,
        }),
    )
}
