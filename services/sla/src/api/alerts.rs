//! The gRPC face of alerts and of what brings them out.

use lotse_auth::Caller;
use lotse_errors::Violations;
use lotse_grpc::caller;
use lotse_ids::AgentId;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::alert_service_server::AlertService;
use tonic::{Request, Response, Status};

use super::{Api, origin};

/// The agent on whose behalf a caller acts: the one named, which must be its own unless it
/// administers the service, or its own.
fn acting(caller: &Caller, named: &str) -> Result<Option<AgentId>, lotse_errors::Error> {
    if named.is_empty() {
        return Ok(caller.agent_id.clone());
    }
    let mut wrong = Violations::new();
    let agent = wrong.parse::<AgentId>("agent_id", named);
    let agent = wrong.finish_with(agent)?;
    if !caller.has("sla.admin") {
        caller.require_agent(&agent)?;
    }
    Ok(Some(agent))
}

#[tonic::async_trait]
impl AlertService for Api {
    async fn put_escalation_policy(
        &self,
        request: Request<proto::PutEscalationPolicyRequest>,
    ) -> Result<Response<proto::PutEscalationPolicyResponse>, Status> {
        let origin = origin(&request, &request.get_ref().request_id);
        let put = self.0.put_escalation_policy(&origin, request.get_ref());
        Ok(Response::new(put.await?))
    }

    async fn get_escalation_policy(
        &self,
        request: Request<proto::GetEscalationPolicyRequest>,
    ) -> Result<Response<proto::GetEscalationPolicyResponse>, Status> {
        let found = self.0.get_escalation_policy(request.get_ref());
        Ok(Response::new(found.await?))
    }

    async fn list_escalation_policies(
        &self,
        request: Request<proto::ListEscalationPoliciesRequest>,
    ) -> Result<Response<proto::ListEscalationPoliciesResponse>, Status> {
        let found = self.0.list_escalation_policies(request.get_ref());
        Ok(Response::new(found.await?))
    }

    async fn list_alerts(
        &self,
        request: Request<proto::ListAlertsRequest>,
    ) -> Result<Response<proto::ListAlertsResponse>, Status> {
        let found = self.0.list_alerts(request.get_ref());
        Ok(Response::new(found.await?))
    }

    async fn get_alert(
        &self,
        request: Request<proto::GetAlertRequest>,
    ) -> Result<Response<proto::GetAlertResponse>, Status> {
        let found = self.0.get_alert(request.get_ref());
        Ok(Response::new(found.await?))
    }

    async fn acknowledge_alert(
        &self,
        request: Request<proto::AcknowledgeAlertRequest>,
    ) -> Result<Response<proto::AcknowledgeAlertResponse>, Status> {
        let agent = acting(&caller(&request), &request.get_ref().agent_id)?;
        let origin = origin(&request, &request.get_ref().request_id);
        let done = self.0.acknowledge_alert(&origin, request.get_ref(), agent);
        Ok(Response::new(done.await?))
    }

    async fn resolve_alert(
        &self,
        request: Request<proto::ResolveAlertRequest>,
    ) -> Result<Response<proto::ResolveAlertResponse>, Status> {
        let agent = acting(&caller(&request), &request.get_ref().agent_id)?;
        let origin = origin(&request, &request.get_ref().request_id);
        let done = self.0.resolve_alert(&origin, request.get_ref(), agent);
        Ok(Response::new(done.await?))
    }

    async fn list_reaction_actions(
        &self,
        request: Request<proto::ListReactionActionsRequest>,
    ) -> Result<Response<proto::ListReactionActionsResponse>, Status> {
        let found = self.0.list_reaction_actions(request.get_ref());
        Ok(Response::new(found.await?))
    }

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lotse_auth::Scopes;
    use lotse_clock::Timestamp;
    use lotse_errors::ErrorReason;

    use super::*;

    #[test]
    fn a_caller_takes_care_as_its_own_agent_or_administers_all() {
        let (own, other) = (
            AgentId::generate(Timestamp::EPOCH),
            AgentId::generate(Timestamp::EPOCH),
        );
        let agent = Caller {
            principal: "p".into(),
            scopes: Scopes::These(Arc::new(["alerts.write".to_owned()].into())),
            agent_id: Some(own.clone()),
        };
        assert_eq!(acting(&agent, "").unwrap(), Some(own.clone()));
        assert_eq!(acting(&agent, own.as_str()).unwrap(), Some(own));
        let refused = acting(&agent, other.as_str()).unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::NotYourAgent);
        let refused = acting(&agent, "ada").unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::InvalidField);
        let scopes = Scopes::These(Arc::new(["sla.admin".to_owned()].into()));
        let admin = Caller { scopes, ..agent };
        assert_eq!(acting(&admin, other.as_str()).unwrap(), Some(other));
    }
}
