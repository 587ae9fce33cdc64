//! The gRPC face of alerts and of what brings them out.

use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::alert_service_server::AlertService;
use tonic::{Request, Response, Status};

use super::{Api, origin};

#[tonic::async_trait]
impl AlertService for Api {
    async fn put_notification_target(
        &self,
        request: Request<proto::PutNotificationTargetRequest>,
    ) -> Result<Response<proto::PutNotificationTargetResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        let put = self.0.put_notification_target(&origin, request.get_ref());
        Ok(Response::new(put.await?))
    }

    async fn get_notification_target(
        &self,
        request: Request<proto::GetNotificationTargetRequest>,
    ) -> Result<Response<proto::GetNotificationTargetResponse>, Status> {
        let found = self.0.get_notification_target(request.get_ref());
        Ok(Response::new(found.await?))
    }

    async fn list_notification_targets(
        &self,
        request: Request<proto::ListNotificationTargetsRequest>,
    ) -> Result<Response<proto::ListNotificationTargetsResponse>, Status> {
        let page = self.0.list_notification_targets(request.get_ref());
        Ok(Response::new(page.await?))
    }

    async fn test_notification_target(
        &self,
        request: Request<proto::TestNotificationTargetRequest>,
    ) -> Result<Response<proto::TestNotificationTargetResponse>, Status> {
        let tested = self.0.test_notification_target(request.get_ref());
        Ok(Response::new(tested.await?))
    }

    async fn list_dead_letters(
        &self,
        request: Request<proto::ListDeadLettersRequest>,
    ) -> Result<Response<proto::ListDeadLettersResponse>, Status> {
        let page = self.0.list_dead_letters(request.get_ref());
        Ok(Response::new(page.await?))
    }

    async fn redrive_dead_letters(
        &self,
        request: Request<proto::RedriveDeadLettersRequest>,
    ) -> Result<Response<proto::RedriveDeadLettersResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        let redriven = self.0.redrive_dead_letters(&origin, request.get_ref());
        Ok(Response::new(redriven.await?))
    }
}
