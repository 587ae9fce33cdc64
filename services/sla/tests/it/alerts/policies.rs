//! Escalation policies and reactions, as an admin puts them.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_proto::common::v1::{Priority, SlaMetric};
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::{EscalationTargetKind as Kind, HandOn, PutOutcome};
use lotse_testkit::TestDb;
use tonic::Status;

use super::stage::{MINUTE, SECOND, Stage, escalation, some};
use crate::suite::{migrations, policy, refusal};

async fn put(
    stage: &mut Stage,
    policy: proto::EscalationPolicy,
) -> Result<(proto::EscalationPolicy, PutOutcome), Status> {
    let request = proto::PutEscalationPolicyRequest {
        escalation_policy: Some(policy),
        request_id: String::new(),
    };
    let put = stage.alerts.put_escalation_policy(request).await?;
    let put = put.into_inner();
    let outcome = put.outcome();
    Ok((put.escalation_policy.unwrap(), outcome))
}

fn get(id: &str, version: u32) -> proto::GetEscalationPolicyRequest {
    proto::GetEscalationPolicyRequest {
        id: id.to_owned(),
        version,
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn an_escalation_policy_is_versioned_and_putting_it_again_changes_nothing(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let plain = proto::EscalationPolicy {
            repeat: 1,
            repeat_after: some(MINUTE),
            acknowledgement_timeout: some(30 * MINUTE),
            ..stage.founding()
        };
        let (first, outcome) = put(&mut stage, plain.clone()).await.unwrap();
        assert_eq!((first.version, outcome), (1, PutOutcome::Created));
        assert!(first.id.starts_with("esc_"));
        for same in [first.clone(), plain] {
            let (again, outcome) = put(&mut stage, same).await.unwrap();
            assert_eq!((&again, outcome), (&first, PutOutcome::Unchanged));
        }
        let renamed = proto::EscalationPolicy { name: "other".to_owned(), ..first.clone() };
        let (second, outcome) = put(&mut stage, renamed.clone()).await.unwrap();
        assert_eq!((second.version, outcome), (2, PutOutcome::Updated));
        let stale = proto::EscalationPolicy { repeat: 2, ..renamed };
        let refused = put(&mut stage, stale).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::StaleEtag);
        let old = stage.alerts.get_escalation_policy(get("other", 1)).await.unwrap();
        assert_eq!(old.into_inner().escalation_policy.unwrap().name, "climb");
        for missing in [get("climb", 0), get("other", 3)] {
            let refused = stage.alerts.get_escalation_policy(missing).await.unwrap_err();
            assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
        }
        let (third, _) = put(&mut stage, escalation(&[
            (Duration::ZERO, &[(Kind::TicketAgent, "")]),
        ])).await.unwrap();
        let mut request = proto::ListEscalationPoliciesRequest { page_size: 1, ..Default::default() };
        let mut listed = Vec::new();
        loop {
            let page = stage.alerts.list_escalation_policies(request.clone()).await.unwrap();
            let page = page.into_inner();
            listed.extend(page.escalation_policies);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(listed, [third, second], "by name");
    }

    async fn all_that_is_wrong_with_an_escalation_policy_is_told_at_once(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let mut wrong = escalation(&[
            (SECOND, &[(Kind::TicketAgent, "agt_x"), (Kind::Agent, "ada")]),
            (40 * 24 * 60 * MINUTE, &[(Kind::OnDuty, "rta_?"), (Kind::GroupLead, "desk")]),
            (SECOND, &[]),
            (SECOND, &[(Kind::NotificationTarget, "pager"), (Kind::Unspecified, "")]),
            (SECOND, &[(Kind::Team, ""), (Kind::Team, "")]),
        ]);
        wrong.name = String::new();
        wrong.repeat = 21;
        wrong.acknowledgement_timeout = some(SECOND);
        wrong.support_calendar_id = "office".to_owned();
        wrong.notification_target_ids = vec!["nowhere".to_owned()];
        let refused = put(&mut stage, wrong).await.unwrap_err();
        let (reason, found) = refusal(&refused);
        assert_eq!(reason, ErrorReason::InvalidField);
        assert_eq!(found, [
            "name",
            "levels[0].targets[0].id",
            "levels[0].targets[1].id",
            "levels[1].delay",
            "levels[1].targets[0].id",
            "levels[1].targets[1].id",
            "levels[2].targets",
            "levels[3].targets[0].id",
            "levels[3].targets[1].kind",
            "levels[4].targets[1]",
            "repeat",
            "repeat_after",
            "acknowledgement_timeout",
            "support_calendar_id",
            "notification_target_ids[0]",
        ].map(|field| format!("escalation_policy.{field}")));
        let empty = proto::PutEscalationPolicyRequest::default();
        let refused = stage.alerts.put_escalation_policy(empty).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["escalation_policy"]);
    }

    async fn a_policy_s_reactions_are_answered_as_they_were_put_and_checked(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = stage.founding();
        let id = stage.put(climb).await;
        let reaction = |metric: SlaMetric, at_percent| proto::Reaction {
            metric: metric.into(),
            at_percent,
            escalation_policy_id: "climb".to_owned(),
            ..Default::default()
        };
        let mut good = policy("p", &[(SlaMetric::FirstReply, 60), (SlaMetric::Idle, 60)]);
        good.reactions = vec![
            proto::Reaction {
                raise_priority_to: Priority::High.into(),
                hand_on: HandOn::Escalate.into(),
                hand_on_group_id: stage.team.group.clone(),
                ..reaction(SlaMetric::Idle, 0)
            },
            reaction(SlaMetric::FirstReply, 90),
        ];
        let put = proto::PutPolicyRequest { policy: Some(good.clone()), ..Default::default() };
        let put = stage.suite.client.put_policy(put).await.unwrap().into_inner().policy.unwrap();
        good.reactions.reverse();
        for reaction in &mut good.reactions {
            reaction.escalation_policy_id.clone_from(&id);
        }
        assert_eq!(put.reactions, good.reactions, "in the order of the metrics, with ids");

        good.reactions = vec![
            proto::Reaction::default(),
            reaction(SlaMetric::NextReply, 0),
            reaction(SlaMetric::Idle, 60),
            proto::Reaction {
                escalation_policy_id: "nobody".to_owned(),
                raise_priority_to: 9,
                hand_on: 9,
                hand_on_group_id: "desk".to_owned(),
                ..reaction(SlaMetric::Idle, 50)
            },
            proto::Reaction {
                hand_on_group_id: stage.team.group.clone(),
                ..reaction(SlaMetric::Idle, 75)
            },
            reaction(SlaMetric::Idle, 0),
            reaction(SlaMetric::Idle, 0),
        ];
        let put = proto::PutPolicyRequest { policy: Some(good), ..Default::default() };
        let refused = stage.suite.client.put_policy(put).await.unwrap_err();
        let (reason, found) = refusal(&refused);
        assert_eq!(reason, ErrorReason::InvalidField);
        assert_eq!(found, [
            "policy.reactions[0].metric",
            "policy.reactions[0].escalation_policy_id",
            "policy.reactions[1].metric",
            "policy.reactions[2].at_percent",
            "policy.reactions[3].escalation_policy_id",
            "policy.reactions[3].raise_priority_to",
            "policy.reactions[3].hand_on",
            "policy.reactions[3].hand_on_group_id",
            "policy.reactions[4].hand_on_group_id",
            "policy.reactions[6]",
        ]);
    }

    async fn an_alert_keeps_the_version_it_was_opened_with(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        stage.ticket(&ada).await;
        stage.until(2 * MINUTE).await;
        let short = escalation(&[(Duration::ZERO, &[(Kind::TicketAgent, "")])]);
        stage.put(short).await;
        stage.until(3 * MINUTE).await;
        stage.ticket(&ada).await;
        stage.until(60 * MINUTE).await;
        let all = stage.all().await;
        let levels: Vec<_> = all
            .iter()
            .map(|alert| (alert.escalation_policy_version, alert.levels, alert.level))
            .collect();
        assert_eq!(levels, [(1, 2, 2), (2, 1, 1)]);
    }
}
