//! `lotse.routing.v1.RoutingService`.

use lotse_errors::Violations;
use lotse_grpc::{caller, page};
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::routing_service_server::RoutingService;
use tonic::{Request, Response, Status};

use super::board::queue_state;
use super::watch::Changes;
use super::{Api, parse, simulate};
use crate::error::Error;

const DEFAULT_WAITING: u32 = 200;
const MAX_WAITING: u32 = 2_000;

#[tonic::async_trait]
impl RoutingService for Api {
    async fn simulate_workflow(
        &self,
        request: Request<proto::SimulateWorkflowRequest>,
    ) -> Result<Response<proto::SimulateWorkflowResponse>, Status> {
        let question = simulate::question(request.into_inner(), self.app.clock.now())?;
        let answer = self.app.simulate_workflow(question).await?;
        Ok(Response::new(simulate::answer(answer)))
    }

    async fn get_queue_state(
        &self,
        request: Request<proto::GetQueueStateRequest>,
    ) -> Result<Response<proto::GetQueueStateResponse>, Status> {
        let proto::GetQueueStateRequest {
            group_ids,
            max_waiting,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let groups = parse::groups(&mut wrong, &group_ids);
        wrong.require("max_waiting", max_waiting >= 0, "must not be negative");
        wrong.finish().map_err(Error::from)?;
        let limit = page::size(max_waiting, DEFAULT_WAITING, MAX_WAITING).map_err(Error::from)?;
        let board = self.app.board(&groups, limit).await?;
        Ok(Response::new(queue_state(&board, &groups, self.app.mode())))
    }

    async fn assign_ticket(
        &self,
        request: Request<proto::AssignTicketRequest>,
    ) -> Result<Response<proto::AssignTicketResponse>, Status> {
        self.assign(&caller(&request), request.into_inner()).await
    }

    async fn transfer_ticket(
        &self,
        request: Request<proto::TransferTicketRequest>,
    ) -> Result<Response<proto::TransferTicketResponse>, Status> {
        self.transfer(&caller(&request), request.into_inner()).await
    }

    async fn escalate_ticket(
        &self,
        request: Request<proto::EscalateTicketRequest>,
    ) -> Result<Response<proto::EscalateTicketResponse>, Status> {
        self.escalate(&caller(&request), request.into_inner()).await
    }

    async fn get_hand_over(
        &self,
        request: Request<proto::GetHandOverRequest>,
    ) -> Result<Response<proto::GetHandOverResponse>, Status> {
        self.hand_overs(request.into_inner()).await
    }

    async fn accept_offer(
        &self,
        request: Request<proto::AcceptOfferRequest>,
    ) -> Result<Response<proto::AcceptOfferResponse>, Status> {
        self.accept_offer(request).await
    }

    async fn decline_offer(
        &self,
        request: Request<proto::DeclineOfferRequest>,
    ) -> Result<Response<proto::DeclineOfferResponse>, Status> {
        self.decline_offer(request).await
    }

    async fn list_offers(
        &self,
        request: Request<proto::ListOffersRequest>,
    ) -> Result<Response<proto::ListOffersResponse>, Status> {
        self.list_offers(request).await
    }

    async fn end_wrap_up(
        &self,
        request: Request<proto::EndWrapUpRequest>,
    ) -> Result<Response<proto::EndWrapUpResponse>, Status> {
        self.end_wrap_up(request).await
    }

    async fn explain_routing(
        &self,
        request: Request<proto::ExplainRoutingRequest>,
    ) -> Result<Response<proto::ExplainRoutingResponse>, Status> {
        self.explain(request.into_inner()).await
    }

    async fn report_misroutes(
        &self,
        request: Request<proto::ReportMisroutesRequest>,
    ) -> Result<Response<proto::ReportMisroutesResponse>, Status> {
        self.misroute_report(request.into_inner()).await
    }

    async fn list_misroutes(
        &self,
        request: Request<proto::ListMisroutesRequest>,
    ) -> Result<Response<proto::ListMisroutesResponse>, Status> {
        self.misroutes(request.into_inner()).await
    }

    async fn suggest_rebalance(
        &self,
        request: Request<proto::SuggestRebalanceRequest>,
    ) -> Result<Response<proto::SuggestRebalanceResponse>, Status> {
        self.suggest(request.into_inner()).await
    }

    async fn apply_rebalance(
        &self,
        request: Request<proto::ApplyRebalanceRequest>,
    ) -> Result<Response<proto::ApplyRebalanceResponse>, Status> {
        let caller = caller(&request);
        self.apply(&caller, request.into_inner()).await
    }

    type WatchAssignmentsStream = Changes;

    async fn watch_assignments(
        &self,
        request: Request<proto::WatchAssignmentsRequest>,
    ) -> Result<Response<Changes>, Status> {
        self.watch(request.into_inner()).await
    }
}
