//! `lotse.routing.v1.CoverageService`.

use lotse_errors::Violations;
use lotse_grpc::{caller, page};
use lotse_ids::CoverId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::coverage_service_server::CoverageService;
use lotse_proto::time::from_proto;
use tonic::{Request, Response, Status};

use super::lasting::Page;
use super::{Api, covers, cut, finish, gaps, parse, place, shifts, show};
use crate::domain::shift_plan::ShiftPlan;
use crate::error::Error;

#[tonic::async_trait]
impl CoverageService for Api {
    async fn put_shift_plan(
        &self,
        request: Request<proto::PutShiftPlanRequest>,
    ) -> Result<Response<proto::PutShiftPlanResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &shifts::wanted(&request)?;
        let done = self
            .command(
                &caller,
                "PutShiftPlan",
                &request.request_id,
                &request,
                |tx| async move {
                    let (plan, outcome) = self.app.put_shift_plan(&tx, wanted).await?;
                    Ok(proto::PutShiftPlanResponse {
                        shift_plan: Some(shifts::shift_plan(&plan)),
                        outcome: show::outcome(outcome),
                    })
                },
            )
            .await;
        self.app.changed().await;
        done
    }

    async fn get_shift_plan(
        &self,
        request: Request<proto::GetShiftPlanRequest>,
    ) -> Result<Response<proto::GetShiftPlanResponse>, Status> {
        let proto::GetShiftPlanRequest { agent_id } = request.into_inner();
        let mut wrong = Violations::new();
        let agent = parse::required_reference(&mut wrong, "agent_id", &agent_id);
        let agent = wrong.finish_with(agent).map_err(Error::from)?;
        let plan = self.app.shift_plan(&agent).await?;
        let now = self.app.clock.now();
        Ok(Response::new(proto::GetShiftPlanResponse {
            shift_plan: Some(shifts::shift_plan(&plan.setting)),
            standing: shifts::standing(plan.standing(now)),
            until: show::time(plan.next_change(now)),
        }))
    }

    async fn list_shift_plans(
        &self,
        request: Request<proto::ListShiftPlansRequest>,
    ) -> Result<Response<proto::ListShiftPlansResponse>, Status> {
        let proto::ListShiftPlansRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let scope = page::Scope::new("ListShiftPlans", &[]);
        let place = place(&scope, page_size, &page_token)?;
        let directory = self.app.directory().await?;
        let plans = directory.shift_plans.values();
        let mut all: Vec<(&String, &ShiftPlan)> = plans
            .filter_map(|plan| Some((&directory.agents.get(&plan.setting.id)?.profile.name, plan)))
            .collect();
        all.sort_by_key(|(name, _)| *name);
        let (plans, next_page_token) = cut(all, &scope, place, |(name, _)| name);
        let plans = plans
            .iter()
            .map(|(_, plan)| shifts::shift_plan(&plan.setting));
        Ok(Response::new(proto::ListShiftPlansResponse {
            shift_plans: plans.collect(),
            next_page_token,
        }))
    }

    async fn put_cover(
        &self,
        request: Request<proto::PutCoverRequest>,
    ) -> Result<Response<proto::PutCoverResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &covers::wanted(&request)?;
        let done = self
            .command(
                &caller,
                "PutCover",
                &request.request_id,
                &request,
                |tx| async move {
                    let put = Box::pin(self.app.put_cover(&tx, wanted));
                    let (cover, outcome) = self.app.telling_supervision(&tx, put).await?;
                    Ok(proto::PutCoverResponse {
                        cover: Some(covers::cover(&cover)),
                        outcome: show::outcome(outcome),
                    })
                },
            )
            .await;
        self.app.changed().await;
        done
    }

    async fn delete_cover(
        &self,
        request: Request<proto::DeleteCoverRequest>,
    ) -> Result<Response<proto::DeleteCoverResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::DeleteCoverRequest {
            id,
            etag,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let id: Option<CoverId> = wrong.parse("id", id);
        let id = &finish(wrong, request_id, id)?;
        self.command(
            &caller,
            "DeleteCover",
            request_id,
            &request,
            |tx| async move {
                let delete = Box::pin(self.app.delete_cover(&tx, id, etag));
                self.app.telling_supervision(&tx, delete).await?;
                Ok(proto::DeleteCoverResponse {})
            },
        )
        .await
    }

    async fn list_covers(
        &self,
        request: Request<proto::ListCoversRequest>,
    ) -> Result<Response<proto::ListCoversResponse>, Status> {
        let proto::ListCoversRequest {
            group_id,
            ends_after,
            page_size,
            page_token,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let group = parse::reference(&mut wrong, "group_id", &group_id);
        let ends_after = ends_after.as_ref().map(from_proto).transpose();
        let ends_after = wrong.take("ends_after", ends_after);
        let ends_after = wrong.finish_with(ends_after).map_err(Error::from)?;
        let page = Page::asked(
            "ListCovers",
            &group_id,
            ends_after,
            (page_size, &page_token),
        )?;
        let (found, more) = self
            .app
            .covers(group.as_ref(), &page.range, page.limit)
            .await?;
        let last = found.last().filter(|_| more);
        Ok(Response::new(proto::ListCoversResponse {
            covers: found.iter().map(covers::cover).collect(),
            next_page_token: page.next(last.map(|last| (last.starts_at, &last.id))),
        }))
    }

    async fn get_acknowledgement(
        &self,
        request: Request<proto::GetAcknowledgementRequest>,
    ) -> Result<Response<proto::GetAcknowledgementResponse>, Status> {
        let (subject, language) = covers::subject(request.get_ref())?;
        let told = self.app.acknowledgement(&subject, language).await?;
        Ok(Response::new(covers::acknowledgement(told)))
    }

    async fn put_coverage_requirements(
        &self,
        request: Request<proto::PutCoverageRequirementsRequest>,
    ) -> Result<Response<proto::PutCoverageRequirementsResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &gaps::wanted(&request)?;
        self.command(
            &caller,
            "PutCoverageRequirements",
            &request.request_id,
            &request,
            |tx| async move {
                let (setting, outcome) = self.app.put_requirements(&tx, wanted).await?;
                Ok(proto::PutCoverageRequirementsResponse {
                    requirements: Some(gaps::requirements(&setting)),
                    outcome: show::outcome(outcome),
                })
            },
        )
        .await
    }

    async fn get_coverage_requirements(
        &self,
        request: Request<proto::GetCoverageRequirementsRequest>,
    ) -> Result<Response<proto::GetCoverageRequirementsResponse>, Status> {
        let proto::GetCoverageRequirementsRequest { group_id } = request.into_inner();
        let mut wrong = Violations::new();
        let group = parse::required_reference(&mut wrong, "group_id", &group_id);
        let group = wrong.finish_with(group).map_err(Error::from)?;
        let setting = self.app.requirements(&group).await?;
        Ok(Response::new(proto::GetCoverageRequirementsResponse {
            requirements: Some(gaps::requirements(&setting)),
        }))
    }

    async fn list_coverage_gaps(
        &self,
        request: Request<proto::ListCoverageGapsRequest>,
    ) -> Result<Response<proto::ListCoverageGapsResponse>, Status> {
        let (wanted, scope) = gaps::asked(request.get_ref())?;
        let found = self.app.gaps(&wanted).await?;
        Ok(Response::new(gaps::answer(&found, &scope)))
    }
}
