//! Groups, skills and the workflow.

use lotse_errors::ErrorReason;
use lotse_proto::common::v1::Priority;
use lotse_proto::routing::v1 as proto;
use lotse_testkit::TestDb;
use tonic::Response;

use crate::stage::{Stage, created, migrations, reason, skills};

impl Stage {
    pub(crate) async fn put_workflow(
        &self,
        workflow: proto::Workflow,
    ) -> Result<proto::PutWorkflowResponse, tonic::Status> {
        let request = proto::PutWorkflowRequest {
            workflow: Some(workflow),
            request_id: String::new(),
        };
        self.workflows()
            .put_workflow(request)
            .await
            .map(Response::into_inner)
    }
}

fn urgent(name: &str, group: &str) -> proto::WorkflowRule {
    proto::WorkflowRule {
        name: name.to_owned(),
        group_id: group.to_owned(),
        priorities: vec![Priority::Urgent.into()],
        ..proto::WorkflowRule::default()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn putting_a_group_twice_changes_nothing(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.skill("vpn").await;
        let wanted = proto::Group {
            name: "network".to_owned(),
            required_skills: skills(&[("vpn", 2)]),
            ..proto::Group::default()
        };
        let first = stage.put_group(wanted.clone()).await.unwrap();
        assert_eq!(first.outcome(), proto::PutOutcome::Created);
        assert_eq!(first.group.as_ref().unwrap().tier, 1);
        let again = stage.put_group(wanted.clone()).await.unwrap();
        assert_eq!((again.outcome(), &again.group), (proto::PutOutcome::Unchanged, &first.group));
        let renamed = proto::Group { id: first.group.unwrap().id, name: "lines".to_owned(), ..wanted };
        let renamed = stage.put_group(renamed).await.unwrap();
        assert_eq!(renamed.outcome(), proto::PutOutcome::Updated);
        let request = proto::GetGroupRequest { id: "lines".to_owned() };
        let got = stage.workflows().get_group(request).await.unwrap().into_inner();
        assert_eq!(got.group, renamed.group);
    }

    async fn a_name_belongs_to_one_group(db: TestDb) {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        stage.group("network", 1).await;
        let taken = proto::Group { id: desk, name: "network".to_owned(), ..proto::Group::default() };
        assert_eq!(reason(stage.put_group(taken).await), ErrorReason::ResourceExists);
    }

    async fn escalations_lead_upwards(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.group("desk", 1).await;
        let down = proto::Group {
            name: "experts".to_owned(),
            tier: 2,
            escalation_group_id: "desk".to_owned(),
            ..proto::Group::default()
        };
        let refused = stage.put_group(down).await.unwrap_err();
        assert!(refused.message().starts_with("group.escalation_group_id"), "{refused:?}");
    }

    async fn a_workflow_is_versioned_and_checked_as_a_whole(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.group("desk", 1).await;
        let good = proto::Workflow {
            rules: vec![urgent("urgent", "desk")],
            default_group_id: "desk".to_owned(),
            ..proto::Workflow::default()
        };
        let first = stage.put_workflow(good.clone()).await.unwrap();
        assert_eq!(first.workflow.as_ref().unwrap().version, 1);
        let again = stage.put_workflow(good.clone()).await.unwrap();
        assert_eq!((again.outcome(), &again.workflow), (proto::PutOutcome::Unchanged, &first.workflow));
        let bad = proto::Workflow {
            rules: vec![
                urgent("urgent", "nowhere"),
                urgent("urgent", "desk"),
                proto::WorkflowRule { name: "all".to_owned(), group_id: "desk".to_owned(), ..Default::default() },
            ],
            default_group_id: "nobody".to_owned(),
            ..proto::Workflow::default()
        };
        let refused = stage.put_workflow(bad).await.unwrap_err();
        for field in ["rules[0].group_id", "rules[1].name", "rules[2]", "default_group_id"] {
            assert!(refused.message().contains(field), "{field} in {}", refused.message());
        }
        let stale = proto::Workflow { etag: "\"7\"".to_owned(), ..good.clone() };
        assert_eq!(reason(stage.put_workflow(stale).await), ErrorReason::StaleEtag);
        let shorter = proto::Workflow { rules: vec![], ..good };
        assert_eq!(stage.put_workflow(shorter).await.unwrap().workflow.unwrap().version, 2);
        let request = proto::GetWorkflowRequest { version: 1 };
        let old = stage.workflows().get_workflow(request).await.unwrap().into_inner();
        assert_eq!(old.workflow, first.workflow);
        let request = proto::GetWorkflowRequest { version: 9 };
        let none = stage.workflows().get_workflow(request).await;
        assert_eq!(reason(none), ErrorReason::ResourceNotFound);
    }

    async fn lists_are_sorted_and_paged_by_name(db: TestDb) {
        let stage = Stage::new(db).await;
        for name in ["b", "c", "a"] {
            stage.group(name, 1).await;
            stage.skill(name).await;
        }
        let request = proto::ListGroupsRequest { page_size: 2, page_token: String::new() };
        let first = stage.workflows().list_groups(request).await.unwrap().into_inner();
        let request = proto::ListGroupsRequest { page_size: 2, page_token: first.next_page_token };
        let second = stage.workflows().list_groups(request).await.unwrap().into_inner();
        let groups = first.groups.into_iter().chain(second.groups);
        assert_eq!(groups.map(|group| group.name).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(second.next_page_token, "");
        let request = proto::ListSkillsRequest::default();
        let skills = stage.workflows().list_skills(request).await.unwrap().into_inner().skills;
        assert_eq!(skills.into_iter().map(|skill| skill.name).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    async fn the_board_can_be_cut_to_some_groups(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let other = stage.group("other", 1).await;
        stage.ticket(created()).await;
        let request = proto::GetQueueStateRequest { group_ids: vec![other.clone()], max_waiting: 0 };
        let board = stage.routing().get_queue_state(request).await.unwrap().into_inner();
        assert_eq!((board.waiting.len(), board.groups.len()), (0, 1));
        assert_eq!(board.groups[0].group_id, other);
        let all = stage.board().await;
        let of_desk = all.groups.iter().find(|group| group.group_id == desk).unwrap();
        assert_eq!((of_desk.waiting, &of_desk.oldest_queued_at), (1, &all.as_of));
    }
}
