//! gRPC: convert in, call the use case, convert out.

pub mod convert;

use lotse_clock::Timestamp;
use lotse_grpc::{caller, page};
use lotse_journal::Origin;
use lotse_proto::survey::v1 as proto;
use lotse_proto::survey::v1::survey_service_server::SurveyService;
use tonic::{Request, Response, Status};

use crate::app::{App, answer as answering, invite, surveys};
use crate::domain::invitation::may_answer;
use crate::domain::text::wording;
use crate::error::Error;
use crate::store::{answer, invitation, survey};

/// The service behind `lotse.survey.v1.SurveyService`.
#[derive(Clone)]
pub struct Api(pub(crate) App);

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

fn origin<T>(request: &Request<T>, request_id: &str) -> Origin {
    Origin {
        principal: caller(request).principal.to_string(),
        cause: request_id.to_owned(),
    }
}

/// Cuts a page that was read one row too far, and says where the next one begins.
fn cut<T>(rows: &mut Vec<T>, size: u32, scope: &page::Scope, id: fn(&T) -> &str) -> String {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    match rows.last() {
        Some(last) if more => scope.token(&[id(last)]),
        _ => String::new(),
    }
}

impl Api {
    fn token(&self, invitation: &invitation::Model) -> Result<proto::Invitation, Error> {
        convert::invitation_out(invitation, &self.0.links)
    }

    /// The invitation behind a token.
    async fn by_token(&self, token: &str) -> Result<invitation::Model, Error> {
        let unknown = || Error::NotFound("invitation", "for this link".to_owned());
        let id = self.0.links.invitation(token).ok_or_else(unknown)?;
        invitation::find(self.0.db.reader(), id.as_str())
            .await?
            .ok_or_else(unknown)
    }

    /// Notes the first opening, once.
    async fn note_opening(&self, origin: &Origin, id: &str, now: Timestamp) -> Result<(), Error> {
        self.0
            .journal
            .in_tx(origin, |tx| async move {
                if invitation::mark_opened(&tx, id, now).await?
                    && let Some(opened) = invitation::find(&tx, id).await?
                {
                    tx.emit(invite::opened(&opened)?);
                }
                Ok(())
            })
            .await
    }
}

#[tonic::async_trait]
impl SurveyService for Api {
    async fn put_survey(
        &self,
        request: Request<proto::PutSurveyRequest>,
    ) -> Result<Response<proto::PutSurveyResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        let request = request.into_inner();
        let wanted = convert::definition(&request)?;
        let now = self.0.clock.now();
        let response = self
            .0
            .journal
            .command(&origin, "PutSurvey", &request.request_id, &request, |tx| {
                let wanted = &wanted;
                async move {
                    let (survey, changed) = surveys::put(&tx, wanted, now).await?;
                    let survey = Some(convert::survey_out(&survey)?);
                    Ok::<_, Error>(proto::PutSurveyResponse { survey, changed })
                }
            })
            .await?;
        Ok(Response::new(response))
    }

    async fn get_survey(
        &self,
        request: Request<proto::GetSurveyRequest>,
    ) -> Result<Response<proto::GetSurveyResponse>, Status> {
        let proto::GetSurveyRequest { id } = request.into_inner();
        let survey = surveys::find(self.0.db.reader(), &id).await?;
        let survey = Some(convert::survey_out(&survey)?);
        Ok(Response::new(proto::GetSurveyResponse { survey }))
    }

    async fn list_surveys(
        &self,
        request: Request<proto::ListSurveysRequest>,
    ) -> Result<Response<proto::ListSurveysResponse>, Status> {
        let proto::ListSurveysRequest {} = request.into_inner();
        let rows = survey::all(self.0.db.reader()).await.map_err(Error::from)?;
        let surveys = rows
            .iter()
            .map(convert::survey_out)
            .collect::<Result<_, _>>()?;
        Ok(Response::new(proto::ListSurveysResponse { surveys }))
    }

    async fn create_invitation(
        &self,
        request: Request<proto::CreateInvitationRequest>,
    ) -> Result<Response<proto::CreateInvitationResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        let request = request.into_inner();
        let wanted = convert::inviting(&request)?;
        let now = self.0.clock.now();
        let response = self
            .0
            .journal
            .command(
                &origin,
                "CreateInvitation",
                &request.request_id,
                &request,
                |tx| {
                    let wanted = &wanted;
                    async move {
                        let invitation = self.0.invite(&tx, wanted, now).await?;
                        let invitation = Some(self.token(&invitation)?);
                        Ok::<_, Error>(proto::CreateInvitationResponse { invitation })
                    }
                },
            )
            .await?;
        Ok(Response::new(response))
    }

    async fn get_invitation(
        &self,
        request: Request<proto::GetInvitationRequest>,
    ) -> Result<Response<proto::GetInvitationResponse>, Status> {
        let proto::GetInvitationRequest { id } = request.into_inner();
        let found = invitation::find(self.0.db.reader(), &id)
            .await
            .map_err(Error::from)?;
        let found = found.ok_or_else(|| Error::NotFound("invitation", id))?;
        let invitation = Some(self.token(&found)?);
        Ok(Response::new(proto::GetInvitationResponse { invitation }))
    }

    async fn list_invitations(
        &self,
        request: Request<proto::ListInvitationsRequest>,
    ) -> Result<Response<proto::ListInvitationsResponse>, Status> {
        let proto::ListInvitationsRequest {
            ticket_id,
            survey_id,
            page_size,
            page_token,
        } = request.into_inner();
        let size = page::size(page_size, DEFAULT_PAGE, MAX_PAGE)?;
        let scope = page::Scope::new("ListInvitations", &[&ticket_id, &survey_id]);
        let before = scope.key::<1>(&page_token)?.map(|[id]| id);
        let reader = self.0.db.reader();
        let mut rows =
            invitation::page(reader, &ticket_id, &survey_id, before, u64::from(size) + 1)
                .await
                .map_err(Error::from)?;
        let next_page_token = cut(&mut rows, size, &scope, |row| &row.id);
        let invitations = rows
            .iter()
            .map(|row| self.token(row))
            .collect::<Result<_, _>>()?;
        Ok(Response::new(proto::ListInvitationsResponse {
            invitations,
            next_page_token,
        }))
    }

    async fn get_form(
        &self,
        request: Request<proto::GetFormRequest>,
    ) -> Result<Response<proto::GetFormResponse>, Status> {
        let origin = origin(&request, "");
        let proto::GetFormRequest { token, language } = request.into_inner();
        let invitation = self.by_token(&token).await?;
        let now = self.0.clock.now();
        if invitation.opened_at.is_none() {
            self.note_opening(&origin, &invitation.id, now).await?;
        }
        let reader = self.0.db.reader();
        let survey = surveys::find(reader, &invitation.survey_id).await?;
        let answer = answer::find_by_invitation(reader, &invitation.id)
            .await
            .map_err(Error::from)?;
        let kind = invitation.kind().map_err(Error::from)?;
        let state = invitation.state().map_err(Error::from)?;
        let expires_at = Timestamp::from_millis(invitation.expires_at);
        let answered_at = invitation.answered_at.map(Timestamp::from_millis);
        let questions = survey.questions().map_err(Error::from)?;
        let wording = wording(kind, &questions, &[&language, &invitation.language]);
        let (min_score, max_score) = kind.range();
        let form = proto::Form {
            kind: convert::kind_out(kind).into(),
            question: wording.question,
            language: wording.language,
            min_score,
            max_score,
            min_label: wording.lowest.to_owned(),
            max_label: wording.highest.to_owned(),
            ask_resolved_first_contact: survey.ask_resolved_first_contact,
            open: may_answer(state, expires_at, answered_at, now).is_ok(),
            answer: answer.as_ref().map(convert::answer_out).transpose()?,
        };
        Ok(Response::new(proto::GetFormResponse { form: Some(form) }))
    }

    async fn submit_answer(
        &self,
        request: Request<proto::SubmitAnswerRequest>,
    ) -> Result<Response<proto::SubmitAnswerResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        let request = request.into_inner();
        let given = convert::given(&request)?;
        let invitation = self.by_token(&request.token).await?;
        let response = self
            .0
            .journal
            .command(
                &origin,
                "SubmitAnswer",
                &request.request_id,
                &request,
                |tx| {
                    let (given, id, now) = (&given, &invitation.id, self.0.clock.now());
                    async move {
                        let answer = answering::submit(&tx, id, given, now).await?;
                        let answer = Some(convert::answer_out(&answer)?);
                        Ok::<_, Error>(proto::SubmitAnswerResponse { answer })
                    }
                },
            )
            .await?;
        Ok(Response::new(response))
    }

    async fn list_answers(
        &self,
        request: Request<proto::ListAnswersRequest>,
    ) -> Result<Response<proto::ListAnswersResponse>, Status> {
        let request = request.into_inner();
        let wanted = convert::wanted_answers(&request)?;
        let size = page::size(request.page_size, DEFAULT_PAGE, MAX_PAGE)?;
        let scope = page::Scope::new("ListAnswers", &[&format!("{wanted:?}")]);
        let before = scope.key::<1>(&request.page_token)?.map(|[id]| id);
        let mut rows = answer::page(self.0.db.reader(), &wanted, before, u64::from(size) + 1)
            .await
            .map_err(Error::from)?;
        let next_page_token = cut(&mut rows, size, &scope, |row| &row.id);
        let answers = rows
            .iter()
            .map(convert::answer_out)
            .collect::<Result<_, _>>()?;
        Ok(Response::new(proto::ListAnswersResponse {
            answers,
            next_page_token,
        }))
    }

    async fn get_score(
        &self,
        request: Request<proto::GetScoreRequest>,
    ) -> Result<Response<proto::GetScoreResponse>, Status> {
        let request = request.into_inner();
        let (kind, wanted) = convert::wanted_score(&request)?;
        let reader = self.0.db.reader();
        let mut histogram = kind.histogram();
        for (score, times) in answer::scores(reader, &wanted).await.map_err(Error::from)? {
            if !histogram.add(score, times.unsigned_abs()) {
                tracing::warn!(%kind, score, "an answer off its scale is not counted");
            }
        }
        let invited = invitation::count_invited(reader, &wanted)
            .await
            .map_err(Error::from)?;
        let score = convert::score_out(kind, &histogram, invited);
        Ok(Response::new(proto::GetScoreResponse {
            score: Some(score),
        }))
    }
}
