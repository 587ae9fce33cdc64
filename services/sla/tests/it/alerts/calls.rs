//! Alerts, for callers.

use lotse_errors::ErrorReason;
use lotse_ids::{AgentId, AlertId, GroupId};
use lotse_proto::common::v1::SlaMetric;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::{AlertState, AlertStepKind};
use lotse_testkit::TestDb;
use tonic::Code;

use super::stage::{CLIMB, HOUR, MINUTE, Stage};
use crate::suite::{MONDAY_NINE, migrations, refusal, reply};

fn acknowledge(alert_id: &str, request_id: &str) -> proto::AcknowledgeAlertRequest {
    proto::AcknowledgeAlertRequest {
        alert_id: alert_id.to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

fn resolve(alert_id: &str) -> proto::ResolveAlertRequest {
    proto::ResolveAlertRequest {
        alert_id: alert_id.to_owned(),
        ..Default::default()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn wrong_states_and_requests_answer_what_is_documented(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let (ada, bob) = (stage.team.ada.clone(), stage.team.bob.clone());
        stage.ticket(&ada).await;
        stage.until(2 * MINUTE).await;
        let id = stage.alert().await.id;

        let nobody = AlertId::generate(MONDAY_NINE).to_string();
        let refused = stage.alerts.acknowledge_alert(acknowledge(&nobody, "")).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
        let refused = stage.alerts.resolve_alert(resolve(&nobody)).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
        let get = proto::GetAlertRequest { alert_id: nobody };
        let refused = stage.alerts.get_alert(get).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
        let wrong = proto::AcknowledgeAlertRequest {
            note: "n".repeat(2_001),
            ..acknowledge(&id, "")
        };
        let refused = stage.alerts.acknowledge_alert(wrong).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["note"]);
        let refused = stage.alerts.acknowledge_alert(acknowledge("alert", "")).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["alert_id"]);

        // A repeated call answers the same; somebody else may take over.
        let first = acknowledge(&id, "once");
        let one = stage.alerts.acknowledge_alert(first.clone()).await.unwrap().into_inner();
        stage.until(3 * MINUTE).await;
        let again = stage.alerts.acknowledge_alert(first).await.unwrap().into_inner();
        assert_eq!(one, again);
        let other = proto::AcknowledgeAlertRequest { agent_id: bob.clone(), ..acknowledge(&id, "once") };
        let refused = stage.alerts.acknowledge_alert(other).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::RequestIdReused);
        let alert = stage.alert().await;
        let taken = stage.acknowledge(&alert, &bob).await;
        assert_eq!(taken.acknowledged_by_agent_id, bob);

        let over = stage.alerts.resolve_alert(resolve(&id)).await.unwrap().into_inner();
        let over = over.alert.unwrap();
        assert_eq!((over.state(), over.resolution.as_str()), (AlertState::Resolved, "manual"));
        let again = stage.alerts.resolve_alert(resolve(&id)).await.unwrap().into_inner();
        assert_eq!(again.alert, Some(over), "it stays as it is");
        let refused = stage.alerts.acknowledge_alert(acknowledge(&id, "")).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(refusal(&refused).0, ErrorReason::IllegalTransition);
        let kinds: Vec<_> = stage.alert().await.steps.iter().map(|step| step.kind()).collect();
        assert_eq!(kinds, [
            AlertStepKind::Opened,
            AlertStepKind::Notified,
            AlertStepKind::Acknowledged,
            AlertStepKind::Acknowledged,
            AlertStepKind::Resolved,
        ]);
    }

    async fn alerts_are_listed_by_ticket_state_agent_group_and_policy_in_pages(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let (ada, bob, cy) = (stage.team.ada.clone(), stage.team.bob.clone(), stage.team.cy.clone());
        let first = stage.ticket(&ada).await;
        stage.until(10 * MINUTE).await;
        let second = stage.ticket(&cy).await;
        // The first has told Ada and Bob by then, the second Cy alone.
        stage.until(20 * MINUTE).await;
        stage.happens(&second, reply(MONDAY_NINE + 20 * MINUTE), "test").await;
        stage.suite.served.settle().await;
        let all = proto::ListAlertsRequest::default();
        let found = async |stage: &mut Stage, request: &proto::ListAlertsRequest| {
            let listed = stage.alerts.list_alerts(request.clone()).await.unwrap().into_inner();
            listed.alerts.into_iter().map(|alert| alert.ticket_id).collect::<Vec<_>>()
        };
        let (one, two) = (vec![first.clone()], vec![second.clone()]);
        let both = vec![second.clone(), first.clone()];
        let group = stage.team.group.clone();
        let other = GroupId::generate(MONDAY_NINE).to_string();
        let by_agent = |agent: &str| proto::ListAlertsRequest {
            agent_id: agent.to_owned(),
            ..all.clone()
        };
        let by_group = |group: &str| proto::ListAlertsRequest {
            group_ids: vec![group.to_owned()],
            ..all.clone()
        };
        let by_policy = |name: &str| proto::ListAlertsRequest {
            escalation_policy: name.to_owned(),
            ..all.clone()
        };
        let resolved = proto::ListAlertsRequest {
            states: vec![AlertState::Resolved.into()],
            ..all.clone()
        };
        let of_first = proto::ListAlertsRequest { ticket_ids: one.clone(), ..all.clone() };
        let nobody = AgentId::generate(MONDAY_NINE).to_string();
        for (request, wanted) in [
            (all.clone(), both.clone()),
            (of_first, one.clone()),
            (resolved, two.clone()),
            (by_agent(&bob), one),
            (by_agent(&cy), two),
            (by_agent(&nobody), vec![]),
            (by_group(&group), both.clone()),
            (by_group(&other), vec![]),
            (by_policy(CLIMB), both),
            (by_policy("nothing"), vec![]),
        ] {
            assert_eq!(found(&mut stage, &request).await, wanted, "{request:?}");
        }

        let mut request = proto::ListAlertsRequest { page_size: 1, ..all };
        let page = stage.alerts.list_alerts(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.alerts[0].ticket_id, second, "the newest first");
        assert_eq!(page.alerts[0].steps, [], "steps are GetAlert's");
        request.page_token = page.next_page_token;
        let page = stage.alerts.list_alerts(request.clone()).await.unwrap().into_inner();
        assert_eq!((page.alerts[0].ticket_id.as_str(), page.next_page_token.as_str()), (&*first, ""));
        request.agent_id = ada;
        let refused = stage.alerts.list_alerts(request).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::InvalidPageToken);
        let wrong = proto::ListAlertsRequest {
            ticket_ids: vec!["1".to_owned()],
            states: vec![0],
            agent_id: "ada".to_owned(),
            group_ids: vec!["desk".to_owned()],
            ..Default::default()
        };
        let refused = stage.alerts.list_alerts(wrong).await.unwrap_err();
        let fields = ["agent_id", "ticket_ids[0]", "states[0]", "group_ids[0]"];
        assert_eq!(refusal(&refused).1, fields);
        let wrong = proto::ListReactionActionsRequest { states: vec![9], ..Default::default() };
        let refused = stage.alerts.list_reaction_actions(wrong).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["states[0]"]);
    }

    async fn targets_are_written_to_by_every_level_and_learn_that_it_is_over(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let target = |name: &str| proto::NotificationTarget {
            name: name.to_owned(),
            channel: Some(proto::notification_target::Channel::Webhook(proto::WebhookTarget {
                url: "https://example.com/hook".to_owned(),
                secrets: vec![proto::NotificationSecret {
                    value: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX".to_owned(),
                    ..Default::default()
                }],
            })),
            ..Default::default()
        };
        let mut ids = Vec::new();
        for name in ["pager", "chat"] {
            let request = proto::PutNotificationTargetRequest {
                notification_target: Some(target(name)),
                request_id: String::new(),
            };
            let put = stage.alerts.put_notification_target(request).await.unwrap().into_inner();
            ids.push(put.notification_target.unwrap().id);
        }
        let mut climb = stage.founding();
        climb.notification_target_ids = vec!["chat".to_owned()];
        let pager = proto::EscalationTarget {
            kind: proto::EscalationTargetKind::NotificationTarget.into(),
            id: "pager".to_owned(),
        };
        climb.levels[1].targets.push(pager);
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let ada = stage.team.ada.clone();
        let ticket = stage.ticket(&ada).await;
        stage.until(HOUR).await;
        stage.happens(&ticket, reply(MONDAY_NINE + HOUR), "test").await;
        stage.suite.served.settle().await;
        let alert = stage.alert().await;
        let (pager, chat) = (ids[0].clone(), ids[1].clone());
        assert_eq!(alert.steps[1].notification_target_ids, std::slice::from_ref(&chat));
        assert_eq!(alert.steps[2].notification_target_ids, [pager.clone(), chat.clone()]);
        let sent = stage.deliveries().await;
        let mut sent: Vec<_> = sent
            .iter()
            .map(|(target, notice)| (notice.kind.as_str(), notice.facts.get("level").unwrap().as_str(), target))
            .collect();
        sent.sort_unstable();
        let mut wanted = [
            ("alert.notified", "1", &chat),
            ("alert.notified", "2", &chat),
            ("alert.notified", "2", &pager),
            ("alert.resolved", "2", &chat),
            ("alert.resolved", "2", &pager),
        ];
        wanted.sort_unstable();
        assert_eq!(sent, wanted);
        let notices = stage.deliveries().await;
        assert!(notices.iter().all(|(_, notice)| notice.subject_key == alert.id));
        let first = notices.iter().find(|(_, notice)| notice.facts["level"] == "1").unwrap();
        assert_eq!(first.1.facts["agent_ids"], ada);
        assert_eq!(first.1.title, format!("first_reply is overdue on {ticket}"));
    }
}
