//! The gRPC face: hands each call to its use case.

mod alerts;

use std::pin::Pin;

use futures::{Stream, TryStreamExt as _};
use lotse_grpc::caller;
use lotse_journal::Origin;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::sla_service_server::SlaService;
use tonic::{Request, Response, Status};

use crate::App;

/// The gRPC service.
#[derive(Clone)]
pub struct Api(pub App);

/// Who calls, and the request id that names the cause of what follows.
fn origin<T>(request: &Request<T>, request_id: &str) -> Origin {
    Origin {
        principal: caller(request).principal.to_string(),
        cause: request_id.to_owned(),
    }
}

#[tonic::async_trait]
impl SlaService for Api {
    async fn put_policy(
        &self,
        request: Request<proto::PutPolicyRequest>,
    ) -> Result<Response<proto::PutPolicyResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        Ok(Response::new(
            self.0.put_policy(&origin, request.get_ref()).await?,
        ))
    }

    async fn get_policy(
        &self,
        request: Request<proto::GetPolicyRequest>,
    ) -> Result<Response<proto::GetPolicyResponse>, Status> {
        Ok(Response::new(self.0.get_policy(request.get_ref()).await?))
    }

    async fn list_policies(
        &self,
        request: Request<proto::ListPoliciesRequest>,
    ) -> Result<Response<proto::ListPoliciesResponse>, Status> {
        Ok(Response::new(
            self.0.list_policies(request.get_ref()).await?,
        ))
    }

    async fn put_calendar(
        &self,
        request: Request<proto::PutCalendarRequest>,
    ) -> Result<Response<proto::PutCalendarResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        Ok(Response::new(
            self.0.put_calendar(&origin, request.get_ref()).await?,
        ))
    }

    async fn get_calendar(
        &self,
        request: Request<proto::GetCalendarRequest>,
    ) -> Result<Response<proto::GetCalendarResponse>, Status> {
        Ok(Response::new(self.0.get_calendar(request.get_ref()).await?))
    }

    async fn list_calendars(
        &self,
        request: Request<proto::ListCalendarsRequest>,
    ) -> Result<Response<proto::ListCalendarsResponse>, Status> {
        Ok(Response::new(
            self.0.list_calendars(request.get_ref()).await?,
        ))
    }

    async fn list_special_days(
        &self,
        request: Request<proto::ListSpecialDaysRequest>,
    ) -> Result<Response<proto::ListSpecialDaysResponse>, Status> {
        Ok(Response::new(
            self.0.list_special_days(request.get_ref()).await?,
        ))
    }

    async fn list_clocks(
        &self,
        request: Request<proto::ListClocksRequest>,
    ) -> Result<Response<proto::ListClocksResponse>, Status> {
        Ok(Response::new(self.0.list_clocks(request.get_ref()).await?))
    }

    type WatchClocksStream =
        Pin<Box<dyn Stream<Item = Result<proto::WatchClocksResponse, Status>> + Send>>;

    async fn watch_clocks(
        &self,
        request: Request<proto::WatchClocksRequest>,
    ) -> Result<Response<Self::WatchClocksStream>, Status> {
        let told = self.0.watch_clocks(request.get_ref()).await?;
        Ok(Response::new(Box::pin(told.err_into())))
    }

    async fn forecast_breaches(
        &self,
        request: Request<proto::ForecastBreachesRequest>,
    ) -> Result<Response<proto::ForecastBreachesResponse>, Status> {
        Ok(Response::new(
            self.0.forecast_breaches(request.get_ref()).await?,
        ))
    }

    async fn explain_deadline(
        &self,
        request: Request<proto::ExplainDeadlineRequest>,
    ) -> Result<Response<proto::ExplainDeadlineResponse>, Status> {
        Ok(Response::new(
            self.0.explain_deadline(request.get_ref()).await?,
        ))
    }
}
