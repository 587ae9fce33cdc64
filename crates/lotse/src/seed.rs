//! What an empty installation begins with: a group, a two-hour first reply, an alert about tickets
//! that nobody touches for two hours, a CSAT survey.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_client::Channel;
use lotse_proto::common::v1::{Priority, SlaMetric, SurveyKind};
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{self as routing, ListGroupsRequest};
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::sla::v1::{self as sla, EscalationTargetKind, ListPoliciesRequest};
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_proto::survey::v1::{self as survey, ListSurveysRequest};
use lotse_proto::time::duration_to_proto;

const FIRST_REPLY: Duration = Duration::from_secs(2 * 3_600);
const UNTOUCHED: Duration = Duration::from_secs(2 * 3_600);
/// How long each level has before the next is told.
const LEVEL: Duration = Duration::from_secs(15 * 60);
/// How long whoever acknowledged has.
const CARE: Duration = Duration::from_secs(3_600);
/// The name of the escalation policy.
const ESCALATION: &str = "The agent, then the team";

/// Puts each default in place where there is nothing of its kind. What an operator has made, or
/// changed, stays.
pub(crate) async fn defaults(channel: &Channel) -> Result<()> {
    let mut workflow = WorkflowServiceClient::new(channel.clone());
    let groups = workflow
        .list_groups(ListGroupsRequest::default())
        .await?
        .into_inner();
    if groups.groups.is_empty() {
        group(&mut workflow).await?;
    }
    let mut policies = SlaServiceClient::new(channel.clone());
    let there = policies
        .list_policies(ListPoliciesRequest::default())
        .await?
        .into_inner();
    if there.policies.is_empty() {
        let mut alerts = AlertServiceClient::new(channel.clone());
        alerts.put_escalation_policy(escalation()).await?;
        policies.put_policy(promises()).await?;
    }
    let mut surveys = SurveyServiceClient::new(channel.clone());
    let there = surveys
        .list_surveys(ListSurveysRequest {})
        .await?
        .into_inner();
    if there.surveys.is_empty() {
        surveys.put_survey(csat()).await?;
    }
    Ok(())
}

async fn group(workflow: &mut WorkflowServiceClient<Channel>) -> Result<()> {
    let request = routing::PutGroupRequest {
        group: Some(routing::Group {
            name: "Support".to_owned(),
            tier: 1,
            ..routing::Group::default()
        }),
        ..routing::PutGroupRequest::default()
    };
    let group = workflow
        .put_group(request)
        .await?
        .into_inner()
        .group
        .context("no group came back")?;
    let request = routing::PutWorkflowRequest {
        workflow: Some(routing::Workflow {
            default_group_id: group.id,
            ..routing::Workflow::default()
        }),
        ..routing::PutWorkflowRequest::default()
    };
    workflow.put_workflow(request).await?;
    Ok(())
}

/// Whoever has the ticket, a quarter of an hour later another of the team, then the lead.
fn escalation() -> sla::PutEscalationPolicyRequest {
    let level = |delay: Duration, kind: EscalationTargetKind| sla::EscalationLevel {
        delay: Some(duration_to_proto(delay)),
        targets: vec![sla::EscalationTarget {
            kind: kind.into(),
            id: String::new(),
        }],
    };
    sla::PutEscalationPolicyRequest {
        escalation_policy: Some(sla::EscalationPolicy {
            name: ESCALATION.to_owned(),
            levels: vec![
                level(Duration::ZERO, EscalationTargetKind::TicketAgent),
                level(LEVEL, EscalationTargetKind::Team),
                level(LEVEL, EscalationTargetKind::GroupLead),
            ],
            acknowledgement_timeout: Some(duration_to_proto(CARE)),
            ..sla::EscalationPolicy::default()
        }),
        ..sla::PutEscalationPolicyRequest::default()
    }
}

/// A first reply within two hours round the clock, warned at 50, 75 and 90 %, whatever the priority;
/// a ticket that nobody touches for as long rings.
fn promises() -> sla::PutPolicyRequest {
    let priorities = [
        Priority::Urgent,
        Priority::High,
        Priority::Normal,
        Priority::Low,
    ];
    let target = |priority: Priority| sla::Target {
        metric: SlaMetric::FirstReply.into(),
        priority: priority.into(),
        target: Some(duration_to_proto(FIRST_REPLY)),
        calendar_id: String::new(),
    };
    let untouched = sla::Target {
        metric: SlaMetric::Idle.into(),
        target: Some(duration_to_proto(UNTOUCHED)),
        ..sla::Target::default()
    };
    let rings = sla::Reaction {
        metric: SlaMetric::Idle.into(),
        escalation_policy_id: ESCALATION.to_owned(),
        ..sla::Reaction::default()
    };
    sla::PutPolicyRequest {
        policy: Some(sla::Policy {
            name: "First reply within two hours".to_owned(),
            targets: priorities
                .map(target)
                .into_iter()
                .chain([untouched])
                .collect(),
            warn_percents: vec![50, 75, 90],
            reactions: vec![rings],
            ..sla::Policy::default()
        }),
        ..sla::PutPolicyRequest::default()
    }
}

fn csat() -> survey::PutSurveyRequest {
    survey::PutSurveyRequest {
        survey: Some(survey::Survey {
            name: "Customer satisfaction".to_owned(),
            kind: SurveyKind::Csat.into(),
            trigger: Trigger::Solved.into(),
            ask_resolved_first_contact: true,
            active: true,
            ..survey::Survey::default()
        }),
        ..survey::PutSurveyRequest::default()
    }
}
