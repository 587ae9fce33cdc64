//! `lotse.routing.v1.DutyService`.

use lotse_auth::Caller;
use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::{caller, page};
use lotse_ids::{AgentId, DutyOverrideId};
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::duty_service_server::DutyService;
use lotse_proto::routing::v1::who_is_on_duty_request::Duty as Where;
use lotse_proto::time::{from_proto, to_proto};
use tonic::{Request, Response, Status};

use super::agents::may_act;
use super::lasting::Page;
use super::{Api, cut, finish, parse, place, replies, rotas, show, turns};
use crate::app::duty::Duty;
use crate::app::{Ref, find_agent, find_rota};
use crate::error::Error;

/// What a request calls for, and when.
fn wanted(request: &proto::WhoIsOnDutyRequest) -> Result<(Duty, Option<Timestamp>), Error> {
    let proto::WhoIsOnDutyRequest { duty, at } = request;
    let mut wrong = Violations::new();
    let at = wrong.take("at", at.as_ref().map(from_proto).transpose());
    let duty = match duty {
        Some(Where::RotaId(rota)) => {
            parse::required_reference(&mut wrong, "rota_id", rota).map(Duty::Rota)
        }
        Some(Where::GroupId(group)) => {
            parse::required_reference(&mut wrong, "group_id", group).map(Duty::Group)
        }
        None => {
            wrong.add("duty", "must name a rota or a group");
            None
        }
    };
    Ok(wrong.finish_with(duty.zip(at))?)
}

impl Api {
    /// Refuses callers whose token is another agent's.
    async fn acts_for(&self, caller: &Caller, agent: &Ref<AgentId>) -> Result<(), Error> {
        let directory = self.app.directory().await?;
        may_act(caller, &find_agent(&directory, agent)?.id)
    }
}

#[tonic::async_trait]
impl DutyService for Api {
    async fn put_rota(
        &self,
        request: Request<proto::PutRotaRequest>,
    ) -> Result<Response<proto::PutRotaResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &rotas::wanted_rota(&request)?;
        self.command(
            &caller,
            "PutRota",
            &request.request_id,
            &request,
            |tx| async move {
                let put = Box::pin(self.app.put_rota(&tx, wanted));
                let (rota, outcome) = self.app.telling_supervision(&tx, put).await?;
                Ok(proto::PutRotaResponse {
                    rota: Some(rotas::rota(&rota)),
                    outcome: show::outcome(outcome),
                })
            },
        )
        .await
    }

    async fn get_rota(
        &self,
        request: Request<proto::GetRotaRequest>,
    ) -> Result<Response<proto::GetRotaResponse>, Status> {
        let proto::GetRotaRequest { id } = request.into_inner();
        let directory = self.app.directory().await?;
        let rota = Some(rotas::rota(
            &find_rota(&directory, &Ref::parse(&id))?.setting,
        ));
        Ok(Response::new(proto::GetRotaResponse { rota }))
    }

    async fn list_rotas(
        &self,
        request: Request<proto::ListRotasRequest>,
    ) -> Result<Response<proto::ListRotasResponse>, Status> {
        let proto::ListRotasRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let scope = page::Scope::new("ListRotas", &[]);
        let place = place(&scope, page_size, &page_token)?;
        let directory = self.app.directory().await?;
        let all = directory.rotas_by_name();
        let (rotas, next_page_token) = cut(all, &scope, place, |rota| &rota.profile().name);
        Ok(Response::new(proto::ListRotasResponse {
            rotas: rotas
                .iter()
                .map(|rota| rotas::rota(&rota.setting))
                .collect(),
            next_page_token,
        }))
    }

    async fn put_override(
        &self,
        request: Request<proto::PutOverrideRequest>,
    ) -> Result<Response<proto::PutOverrideResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &rotas::wanted_override(&request)?;
        self.command(
            &caller,
            "PutOverride",
            &request.request_id,
            &request,
            |tx| async move {
                let put = Box::pin(self.app.put_override(&tx, wanted));
                let (one, outcome) = self.app.telling_supervision(&tx, put).await?;
                Ok(proto::PutOverrideResponse {
                    duty_override: Some(rotas::duty_override(&one)),
                    outcome: show::outcome(outcome),
                })
            },
        )
        .await
    }

    async fn delete_override(
        &self,
        request: Request<proto::DeleteOverrideRequest>,
    ) -> Result<Response<proto::DeleteOverrideResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::DeleteOverrideRequest {
            id,
            etag,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let id: Option<DutyOverrideId> = wrong.parse("id", id);
        let id = &finish(wrong, request_id, id)?;
        self.command(
            &caller,
            "DeleteOverride",
            request_id,
            &request,
            |tx| async move {
                let delete = Box::pin(self.app.delete_override(&tx, id, etag));
                self.app.telling_supervision(&tx, delete).await?;
                Ok(proto::DeleteOverrideResponse {})
            },
        )
        .await
    }

    async fn list_overrides(
        &self,
        request: Request<proto::ListOverridesRequest>,
    ) -> Result<Response<proto::ListOverridesResponse>, Status> {
        let proto::ListOverridesRequest {
            rota_id,
            ends_after,
            page_size,
            page_token,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let rota = parse::required_reference(&mut wrong, "rota_id", &rota_id);
        let ends_after = ends_after.as_ref().map(from_proto).transpose();
        let ends_after = wrong.take("ends_after", ends_after);
        let (rota, ends_after) = wrong
            .finish_with(rota.zip(ends_after))
            .map_err(Error::from)?;
        let page = Page::asked(
            "ListOverrides",
            &rota_id,
            ends_after,
            (page_size, &page_token),
        )?;
        let (found, more) = self.app.overrides(&rota, &page.range, page.limit).await?;
        let last = found.last().filter(|_| more);
        Ok(Response::new(proto::ListOverridesResponse {
            overrides: found.iter().map(rotas::duty_override).collect(),
            next_page_token: page.next(last.map(|last| (last.starts_at, &last.id))),
        }))
    }

    async fn who_is_on_duty(
        &self,
        request: Request<proto::WhoIsOnDutyRequest>,
    ) -> Result<Response<proto::WhoIsOnDutyResponse>, Status> {
        let (duty, at) = wanted(request.get_ref())?;
        let answer = self.app.on_duty(&duty, at).await?;
        let cover = answer.cover.as_ref();
        let (on_duty, notes) = (answer.on_duty.into_iter(), &answer.notes);
        Ok(Response::new(proto::WhoIsOnDutyResponse {
            on_duty: on_duty.map(|one| turns::on_duty(one, notes)).collect(),
            rota_id: show::id(answer.rota.as_ref()),
            at: Some(to_proto(answer.at)),
            cover_id: show::id(cover.map(|cover| &cover.id)),
            covered_by_group_id: show::id(cover.map(|cover| &cover.by)),
            covered_until: show::time(cover.map(|cover| cover.ends_at)),
        }))
    }

    async fn list_turns(
        &self,
        request: Request<proto::ListTurnsRequest>,
    ) -> Result<Response<proto::ListTurnsResponse>, Status> {
        let wanted = turns::wanted(request.get_ref())?;
        let found = self.app.turns(&wanted.rota, wanted.window).await?;
        Ok(Response::new(turns::listed(&wanted, found)))
    }

    async fn put_hand_over_note(
        &self,
        request: Request<proto::PutHandOverNoteRequest>,
    ) -> Result<Response<proto::PutHandOverNoteResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &turns::wanted_note(&request)?;
        self.acts_for(&caller, &wanted.author).await?;
        self.command(
            &caller,
            "PutHandOverNote",
            &request.request_id,
            &request,
            |tx| async move {
                let (note, outcome) = self.app.put_note(&tx, wanted).await?;
                Ok(proto::PutHandOverNoteResponse {
                    note: Some(turns::note(&note)),
                    outcome: show::outcome(outcome),
                })
            },
        )
        .await
    }

    async fn check_reply(
        &self,
        request: Request<proto::CheckReplyRequest>,
    ) -> Result<Response<proto::CheckReplyResponse>, Status> {
        let reply = replies::to_check(request.get_ref())?;
        let checked = self.app.check_reply(&reply).await?;
        Ok(Response::new(proto::CheckReplyResponse {
            allowed: checked.allowed,
            mentor_agent_id: show::id(checked.mentor.as_ref()),
            review: checked.review.as_ref().map(replies::review),
        }))
    }

    async fn request_reply_approval(
        &self,
        request: Request<proto::RequestReplyApprovalRequest>,
    ) -> Result<Response<proto::RequestReplyApprovalResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let reply = &replies::to_approve(&request)?;
        self.acts_for(&caller, &reply.agent).await?;
        self.command(
            &caller,
            "RequestReplyApproval",
            &request.request_id,
            &request,
            |tx| async move {
                let review = self.app.request_approval(&tx, reply).await?;
                Ok(proto::RequestReplyApprovalResponse {
                    review: Some(replies::review(&review)),
                })
            },
        )
        .await
    }

    async fn decide_reply(
        &self,
        request: Request<proto::DecideReplyRequest>,
    ) -> Result<Response<proto::DecideReplyResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wish = &replies::decided(&request)?;
        self.acts_for(&caller, &wish.by).await?;
        self.command(
            &caller,
            "DecideReply",
            &request.request_id,
            &request,
            |tx| async move {
                let review = self.app.decide_reply(&tx, wish).await?;
                Ok(proto::DecideReplyResponse {
                    review: Some(replies::review(&review)),
                })
            },
        )
        .await
    }

    async fn list_pending_replies(
        &self,
        request: Request<proto::ListPendingRepliesRequest>,
    ) -> Result<Response<proto::ListPendingRepliesResponse>, Status> {
        let proto::ListPendingRepliesRequest {
            mentor_agent_id,
            page_size,
            page_token,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let mentor = parse::reference(&mut wrong, "mentor_agent_id", &mentor_agent_id);
        wrong.finish().map_err(Error::from)?;
        let scope = page::Scope::new("ListPendingReplies", &[mentor_agent_id.as_str()]);
        let (after, limit) = place(&scope, page_size, &page_token)?;
        let page = self
            .app
            .pending_replies(mentor.as_ref(), after.as_deref(), limit);
        let (page, more) = page.await?;
        let last = page.last().filter(|_| more);
        let token = last.map(|last| scope.token(&[last.message.as_str()]));
        Ok(Response::new(proto::ListPendingRepliesResponse {
            reviews: page.iter().map(replies::review).collect(),
            next_page_token: token.unwrap_or_default(),
        }))
    }
}
