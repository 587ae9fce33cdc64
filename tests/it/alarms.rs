//! An alarm through all services: the founding case, and what a policy does by itself.

use std::time::Duration;

use lotse_proto::common::v1::{AuthorKind, Priority, SlaMetric};
use lotse_proto::routing::v1::{ExplainRoutingRequest, RouteState};
use lotse_proto::sla::v1::{
    AcknowledgeAlertRequest, Alert, AlertState, EscalationLevel, EscalationPolicy,
    EscalationTarget, EscalationTargetKind, GetAlertRequest, HandOn, ListAlertsRequest,
    ListReactionActionsRequest, Policy, PutEscalationPolicyRequest, PutPolicyRequest, Reaction,
    ReactionActionState, Target,
};
use lotse_proto::time::duration_to_proto;

use crate::clients::{Clients, printer_on_fire};
use crate::desk::{Desk, HOUR, MINUTE, on_both};

on_both!(
    untouched_for_two_hours_the_agent_is_alerted_then_another_of_the_team,
    an_overdue_ticket_becomes_urgent_and_goes_up_once
);

/// A policy with a target for idle time and this reaction to its breach.
async fn react(clients: &Clients, idle: Duration, reaction: Reaction) {
    let target = Target {
        metric: SlaMetric::Idle.into(),
        target: Some(duration_to_proto(idle)),
        ..Target::default()
    };
    let policy = Policy {
        name: "Nobody is forgotten".into(),
        targets: vec![target],
        reactions: vec![Reaction {
            metric: SlaMetric::Idle.into(),
            ..reaction
        }],
        ..Policy::default()
    };
    let request = PutPolicyRequest {
        policy: Some(policy),
        ..PutPolicyRequest::default()
    };
    clients.sla.clone().put_policy(request).await.unwrap();
}

async fn alerts(clients: &Clients) -> Vec<Alert> {
    let request = ListAlertsRequest::default();
    let listed = clients.alerts.clone().list_alerts(request).await.unwrap();
    listed.into_inner().alerts
}

async fn untouched_for_two_hours_the_agent_is_alerted_then_another_of_the_team(desk: Desk) {
    let clients = desk.clients.clone();
    let team = clients.staff().await;
    let level = |minutes: u32, kind: EscalationTargetKind| EscalationLevel {
        delay: Some(duration_to_proto(minutes * MINUTE)),
        targets: vec![EscalationTarget {
            kind: kind.into(),
            id: String::new(),
        }],
    };
    let climb = EscalationPolicy {
        name: "Climb".into(),
        levels: vec![
            level(0, EscalationTargetKind::TicketAgent),
            level(15, EscalationTargetKind::Team),
        ],
        ..EscalationPolicy::default()
    };
    let request = PutEscalationPolicyRequest {
        escalation_policy: Some(climb),
        ..PutEscalationPolicyRequest::default()
    };
    let put = clients.alerts.clone().put_escalation_policy(request).await;
    put.unwrap();
    let rings = Reaction {
        escalation_policy_id: "Climb".into(),
        ..Reaction::default()
    };
    react(&clients, 2 * HOUR, rings).await;
    desk.settle().await;
    let ticket = clients.create(printer_on_fire("customer-1")).await.id;
    desk.settle().await;
    assert_eq!(clients.ticket(&ticket).await.assignee_id, team.ada);

    desk.until(2 * HOUR).await;
    assert_eq!(alerts(&clients).await, []);
    desk.until(2 * HOUR + MINUTE).await;
    let [alert] = &alerts(&clients).await[..] else {
        panic!("one alert");
    };
    assert_eq!(alert.ticket_id, ticket);
    assert_eq!(alert.told_agent_ids, std::slice::from_ref(&team.ada));

    desk.until(2 * HOUR + 16 * MINUTE).await;
    let alert = alerts(&clients).await.remove(0);
    let [ada, other] = &alert.told_agent_ids[..] else {
        panic!("two agents: {alert:?}");
    };
    assert_eq!(*ada, team.ada);
    assert!([&team.ben, &team.cleo].contains(&other), "{other}");

    let request = AcknowledgeAlertRequest {
        alert_id: alert.id.clone(),
        agent_id: other.clone(),
        ..AcknowledgeAlertRequest::default()
    };
    clients
        .alerts
        .clone()
        .acknowledge_alert(request)
        .await
        .unwrap();
    clients
        .says(&ticket, AuthorKind::Human, other, "Ich sehe nach.")
        .await;
    desk.settle().await;
    let request = GetAlertRequest { alert_id: alert.id };
    let alert = clients.alerts.clone().get_alert(request).await.unwrap();
    let alert = alert.into_inner().alert.unwrap();
    assert_eq!(alert.state(), AlertState::Resolved);
    assert_eq!(alert.acknowledged_by_agent_id, *other);
    assert_eq!(alert.steps.len(), 5, "{alert:?}");
}

async fn an_overdue_ticket_becomes_urgent_and_goes_up_once(desk: Desk) {
    let clients = desk.clients.clone();
    let team = clients.staff().await;
    let acts = Reaction {
        raise_priority_to: Priority::Urgent.into(),
        hand_on: HandOn::Escalate.into(),
        ..Reaction::default()
    };
    react(&clients, HOUR, acts).await;
    desk.settle().await;
    let ticket = clients.create(printer_on_fire("customer-1")).await.id;
    desk.until(HOUR + MINUTE).await;
    let seen = clients.ticket(&ticket).await;
    assert_eq!(seen.priority(), Priority::Urgent);
    assert_eq!(seen.group_id, team.second_line);

    desk.until(12 * HOUR).await;
    let request = ListReactionActionsRequest::default();
    let done = clients.alerts.clone().list_reaction_actions(request).await;
    let done = done.unwrap().into_inner().actions;
    let states: Vec<_> = done.iter().map(|action| action.state()).collect();
    assert_eq!(states, [ReactionActionState::Done; 2], "{done:?}");
    let request = ExplainRoutingRequest {
        ticket_id: ticket.clone(),
        ..ExplainRoutingRequest::default()
    };
    let route = clients
        .routing
        .clone()
        .explain_routing(request)
        .await
        .unwrap();
    let route = route.into_inner().route.unwrap();
    assert_eq!((route.state(), route.escalations), (RouteState::Waiting, 1));
    assert_eq!(alerts(&clients).await, []);
}
