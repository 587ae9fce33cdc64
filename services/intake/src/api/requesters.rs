//! RequesterService.

use std::sync::Arc;

use lotse_grpc::caller;
use lotse_proto::intake::v1::requester_service_server::RequesterService;
use lotse_proto::intake::v1::{
    EraseRequesterRequest, EraseRequesterResponse, GetRequesterRequest, GetRequesterResponse,
};
use tonic::{Request, Response, Status};

use super::checked;
use crate::app::{Intake, origin};
use crate::wire::{answer, check};

/// RequesterService over the use cases.
pub(crate) struct RequesterApi(pub(crate) Arc<Intake>);

#[async_trait::async_trait]
impl RequesterService for RequesterApi {
    async fn get_requester(
        &self,
        request: Request<GetRequesterRequest>,
    ) -> Result<Response<GetRequesterResponse>, Status> {
        let GetRequesterRequest { requester_id } = request.into_inner();
        let id = checked(|wrong| wrong.parse("requester_id", &requester_id))?;
        let requester = Some(answer::requester(self.0.requester(&id).await?));
        Ok(Response::new(GetRequesterResponse { requester }))
    }

    async fn erase_requester(
        &self,
        request: Request<EraseRequesterRequest>,
    ) -> Result<Response<EraseRequesterResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let id = checked(|wrong| {
            check::request_id(wrong, &request.request_id);
            wrong.parse("requester_id", &request.requester_id)
        })?;
        let origin = origin(&caller, &request.request_id);
        Ok(Response::new(self.0.erase(&origin, &request, &id).await?))
    }
}
