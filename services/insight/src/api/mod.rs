//! The gRPC service: converts in, asks, converts out.

mod catalogue;
mod figures;

use lotse_errors::Violations;
use lotse_proto::insight::v1::insight_service_server::InsightService;
use lotse_proto::insight::v1::{
    DrillDownRequest, DrillDownResponse, ListMetricsRequest, ListMetricsResponse,
    QueryMetricsRequest, QueryMetricsResponse,
};
use tonic::{Request, Response, Status};

use crate::app::{DrillDown, Insight, Query};

/// The gRPC service.
#[derive(Clone, Debug)]
pub struct Api {
    insight: Insight,
}

impl Api {
    /// Serves `insight`.
    pub fn new(insight: Insight) -> Self {
        Self { insight }
    }
}

fn refused(error: crate::Error) -> Status {
    lotse_errors::Error::from(error).into()
}

#[tonic::async_trait]
impl InsightService for Api {
    async fn list_metrics(
        &self,
        request: Request<ListMetricsRequest>,
    ) -> Result<Response<ListMetricsResponse>, Status> {
        let ListMetricsRequest {} = request.into_inner();
        Ok(Response::new(catalogue::response()))
    }

    async fn query_metrics(
        &self,
        request: Request<QueryMetricsRequest>,
    ) -> Result<Response<QueryMetricsResponse>, Status> {
        let QueryMetricsRequest {
            metrics,
            group_by,
            grain,
            time_zone,
            period,
            filter,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let grain = figures::grain(grain, &mut wrong);
        let period = figures::period(period.as_ref(), &mut wrong);
        wrong.finish()?;
        let query = Query {
            metrics,
            group_by,
            grain,
            time_zone,
            period,
            filter,
        };
        let answer = self.insight.query(&query).await.map_err(refused)?;
        Ok(Response::new(figures::response(answer)))
    }

    async fn drill_down(
        &self,
        request: Request<DrillDownRequest>,
    ) -> Result<Response<DrillDownResponse>, Status> {
        let DrillDownRequest {
            metric,
            part,
            period,
            filter,
            numerator_only,
            page_size,
            page_token,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let period = figures::period(period.as_ref(), &mut wrong);
        wrong.finish()?;
        let asked = DrillDown {
            metric,
            part,
            period,
            filter,
            numerator_only,
            page_size,
            page_token,
        };
        let (ticket_ids, next_page_token) =
            self.insight.drill_down(&asked).await.map_err(refused)?;
        Ok(Response::new(DrillDownResponse {
            ticket_ids,
            next_page_token,
        }))
    }
}
