//! Ways of several steps: checked as a whole, in versions, and tickets on them.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_journal::Body;
use lotse_proto::common::v1::{Channel, Priority};
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_testkit::TestDb;
use tonic::{Response, Status};

use crate::stage::{Stage, agent, created, migrations, reason, skills};

fn minutes(minutes: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration {
        seconds: 60 * minutes,
        nanos: 0,
    })
}

fn step(group: &str, until: Option<i64>) -> proto::WorkflowStep {
    proto::WorkflowStep {
        group_id: group.to_owned(),
        timeout: until.and_then(minutes),
        ..proto::WorkflowStep::default()
    }
}

fn by_default(steps: Vec<proto::WorkflowStep>) -> proto::Workflow {
    proto::Workflow {
        default_steps: steps,
        ..proto::Workflow::default()
    }
}

impl Stage {
    async fn validate(&self, workflow: proto::Workflow) -> proto::ValidateWorkflowResponse {
        let request = proto::ValidateWorkflowRequest {
            workflow: Some(workflow),
        };
        self.workflows()
            .validate_workflow(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn roll_back(&self, version: u32) -> Result<proto::RollBackWorkflowResponse, Status> {
        let request = proto::RollBackWorkflowRequest {
            version,
            ..Default::default()
        };
        self.workflows()
            .roll_back_workflow(request)
            .await
            .map(Response::into_inner)
    }

    /// Lets time pass and routing work.
    async fn wait_minutes(&self, minutes: u64) {
        let to = self.clock.now() + Duration::from_secs(60 * minutes);
        self.suite.advance_to(to).await;
    }
}

/// A workflow with one mistake of every kind that is found as a whole.
fn wrong() -> proto::Workflow {
    let rule = |name: &str, tags: &[&str]| proto::WorkflowRule {
        name: name.to_owned(),
        group_id: "desk".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..proto::WorkflowRule::default()
    };
    let mut last = step("desk", None);
    last.skip_if = Some(proto::SkipIf {
        nobody_free: true,
        ..Default::default()
    });
    let mut asking = step("desk", Some(5));
    asking.skills = skills(&[("vpm", 2)]);
    proto::Workflow {
        rules: vec![
            rule("vip", &["vip", "gold"]),
            rule("vip", &["vip"]),
            proto::WorkflowRule {
                steps: vec![asking, step("nowhere", Some(5)), last],
                group_id: String::new(),
                ..rule("steps", &["x"])
            },
            proto::WorkflowRule {
                channels: vec![99],
                ..rule("channel", &["y"])
            },
        ],
        hop_limit: 101,
        ..proto::Workflow::default()
    }
}

const WRONG: [&str; 8] = [
    "workflow.rules[1].name",
    "workflow.rules[1]",
    "workflow.rules[2].steps[0].skills",
    "workflow.rules[2].steps[1].group_id",
    "workflow.rules[2].steps[1].timeout",
    "workflow.rules[2].steps[2].skip_if",
    "workflow.rules[3].channels",
    "workflow.default_group_id",
];

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn validating_and_putting_find_the_same_problems_all_at_once(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.group("desk", 1).await;
        let found = stage.validate(wrong()).await.problems;
        let fields: Vec<_> = found.iter().map(|one| one.field.as_str()).collect();
        for field in WRONG.iter().chain(&["workflow.hop_limit"]) {
            assert!(fields.contains(field), "{field} in {fields:?}");
        }
        let refused = stage.put_workflow(wrong()).await.unwrap_err();
        for one in &found {
            let told = format!("{}: {}", one.field, one.description);
            assert!(refused.message().contains(&one.field), "{told} in {}", refused.message());
        }
        assert_eq!(reason(Err::<(), _>(refused)), ErrorReason::InvalidField);
    }

    async fn doubts_do_not_keep_a_workflow_from_being_put(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.group("desk", 1).await;
        let valid = stage.validate(by_default(vec![step("desk", None)])).await;
        assert_eq!(valid.problems, []);
        assert_eq!(valid.warnings[0].field, "workflow.default_group_id");
        let put = stage.put_workflow(by_default(vec![step("desk", None)])).await.unwrap();
        assert_eq!(put.warnings, valid.warnings);
    }

    async fn what_was_put_is_answered_and_put_again_changes_nothing(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.skill("vpn").await;
        let desk = stage.group("desk", 1).await;
        let experts = stage.group("experts", 2).await;
        let mut first = step(&desk, Some(5));
        first.skills = skills(&[("vpn", 2)]);
        first.language_level = 3;
        first.min_tier = 1;
        first.order = proto::AgentOrder::LongestIdle.into();
        let weekdays = proto::WeeklyHours { weekdays: vec![1, 2], starts_at: "08:00".into(), ends_at: "18:00".into() };
        first.skip_if = Some(proto::SkipIf {
            nobody_online: true,
            nobody_free: true,
            outside: Some(proto::StepHours { time_zone: "Europe/Berlin".to_owned(), hours: vec![weekdays] }),
        });
        let mut last = step(&experts, None);
        last.language_level = 1;
        last.order = proto::AgentOrder::BestFit.into();
        let one_of = proto::AttributeValues { values: vec!["east".to_owned(), "north".to_owned()] };
        let vip = proto::WorkflowConditions { tags: vec!["vip".to_owned()], ..Default::default() };
        let rule = proto::WorkflowRule {
            name: "chats".to_owned(),
            group_id: desk.clone(),
            channels: vec![Channel::Chat.into()],
            organisations: vec!["Harbour Ltd".to_owned()],
            attributes: [("plan".to_owned(), "gold".to_owned())].into(),
            attributes_in: [("site".to_owned(), one_of)].into(),
            any_of: vec![vip.clone()],
            unless: vec![proto::WorkflowConditions { priorities: vec![Priority::Low.into()], ..vip }],
            steps: vec![first, last],
            preferred_skills: vec![proto::PreferredSkills { skills: skills(&[("vpn", 4)]), drop_after: minutes(2) }],
            choose: proto::GroupChoice::Configured.into(),
            ..Default::default()
        };
        let wanted = proto::Workflow {
            rules: vec![rule],
            default_group_id: desk.clone(),
            triage_group_id: desk.clone(),
            supervisor_group_id: experts.clone(),
            hop_limit: 4,
            default_choose: proto::GroupChoice::Configured.into(),
            ..Default::default()
        };
        let put = stage.put_workflow(wanted.clone()).await.unwrap().workflow.unwrap();
        let answered = proto::Workflow {
            version: 0,
            etag: String::new(),
            created_at: None,
            ..put.clone()
        };
        assert_eq!(answered, wanted);
        let again = stage.put_workflow(put).await.unwrap();
        assert_eq!(again.outcome(), proto::PutOutcome::Unchanged);
    }

    async fn an_earlier_version_is_brought_back_by_one_call(db: TestDb) {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        let other = stage.group("other", 1).await;
        let first = stage.put_workflow(by_default(vec![step(&desk, None)])).await.unwrap().workflow.unwrap();
        stage.put_workflow(by_default(vec![step(&other, None)])).await.unwrap();
        let back = stage.roll_back(1).await.unwrap();
        let workflow = back.workflow.clone().unwrap();
        assert_eq!((back.outcome(), workflow.version, workflow.restores_version), (proto::PutOutcome::Updated, 3, 1));
        assert_eq!(workflow.default_group_id, first.default_group_id);
        let again = stage.roll_back(1).await.unwrap();
        assert_eq!((again.outcome(), again.workflow), (proto::PutOutcome::Unchanged, back.workflow));
        assert_eq!(reason(stage.roll_back(9).await), ErrorReason::ResourceNotFound);
        // Putting the same by hand is no change, either.
        let same = stage.put_workflow(by_default(vec![step(&desk, None)])).await.unwrap();
        assert_eq!(same.outcome(), proto::PutOutcome::Unchanged);
        let told: Vec<_> = stage.all_events().await.into_iter().filter_map(|event| match event.body {
            Body::ConfigurationChanged(changed) if changed.kind == "workflow" => Some((changed.version, changed.restores_version)),
            _ => None,
        }).collect();
        assert_eq!(told, [(1, 0), (2, 0), (3, 1)]);
        let mut listed = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = proto::ListWorkflowVersionsRequest { page_size: 2, page_token };
            let page = stage.workflows().list_workflow_versions(request).await.unwrap().into_inner();
            listed.extend(page.versions.iter().map(|one| (one.version, one.restores_version)));
            page_token = page.next_page_token;
            if page_token.is_empty() { break; }
        }
        assert_eq!(listed, [(3, 1), (2, 0), (1, 0)]);
    }

    async fn a_ticket_goes_on_to_the_next_step_when_its_age_is_up(db: TestDb) {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        let experts = stage.group("experts", 2).await;
        stage.agent(agent("away", &desk, 3)).await;
        let expert = stage.online(agent("expert", &experts, 3)).await;
        stage.put_workflow(by_default(vec![step(&desk, Some(5)), step(&experts, None)])).await.unwrap();
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.route(&ticket).await.group_id, desk);
        stage.wait_minutes(4).await;
        assert_eq!(stage.route(&ticket).await.agent_id, "");
        stage.wait_minutes(1).await;
        let route = stage.route(&ticket).await;
        assert_eq!((route.group_id, route.agent_id), (experts, expert));
        let last = stage.explain(&ticket).await.decisions.pop().unwrap();
        assert_eq!((last.workflow_step, last.workflow_rule.as_str()), (2, "default"));
        assert!(last.words[0].contains("step 2"), "{:?}", last.words);
    }

    async fn preferred_skills_hold_a_ticket_back_and_then_no_more(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.skill("vpn").await;
        let desk = stage.group("desk", 1).await;
        let anybody = stage.online(agent("anybody", &desk, 3)).await;
        let preferred = proto::PreferredSkills { skills: skills(&[("vpn", 3)]), drop_after: minutes(2) };
        let workflow = proto::Workflow {
            default_group_id: desk.clone(),
            default_preferred_skills: vec![preferred],
            ..proto::Workflow::default()
        };
        let put = stage.put_workflow(workflow).await.unwrap();
        assert_eq!(put.warnings[0].field, "workflow.default_preferred_skills[0].skills");
        let ticket = stage.ticket(created()).await;
        let waits = stage.explain(&ticket).await.decisions.pop().unwrap();
        assert_eq!(waits.reason, "waiting_for_preferred");
        assert!(waits.words.iter().any(|word| word.starts_with("It waits until")), "{:?}", waits.words);
        assert_eq!(waits.rejections[0].reason, "lacks_preferred");
        stage.wait_minutes(2).await;
        assert_eq!(stage.route(&ticket).await.agent_id, anybody);
    }

    async fn a_ticket_comes_back_to_a_step_that_was_passed_over(db: TestDb) {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        let experts = stage.group("experts", 2).await;
        let keeper = stage.agent(proto::Agent { presence_never_expires: true, ..agent("keeper", &desk, 3) }).await;
        let mut first = step(&desk, Some(30));
        first.skip_if = Some(proto::SkipIf { nobody_online: true, ..Default::default() });
        stage.put_workflow(by_default(vec![first, step(&experts, None)])).await.unwrap();
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.route(&ticket).await.group_id, experts);
        stage.presence(&keeper, proto::Presence::Online).await;
        stage.suite.settle().await;
        let route = stage.route(&ticket).await;
        assert_eq!((route.group_id, route.agent_id), (desk, keeper));
    }

    async fn a_new_workflow_moves_what_waits_by_the_old_one_but_not_what_a_person_sent(db: TestDb) {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        let other = stage.group("other", 1).await;
        stage.put_workflow(by_default(vec![step(&desk, None)])).await.unwrap();
        let led = stage.ticket(created()).await;
        let sent = stage.ticket(created()).await;
        stage.assign(&sent, &desk, "").await.unwrap();
        let asked = journal::TicketCreated { requested_group_id: desk.clone(), ..created() };
        let asked = stage.ticket(asked).await;
        stage.put_workflow(by_default(vec![step(&other, None)])).await.unwrap();
        stage.suite.settle().await;
        let mut groups = Vec::new();
        for ticket in [&led, &sent, &asked] {
            groups.push(stage.route(ticket).await.group_id);
        }
        assert_eq!(groups, [other, desk.clone(), desk]);
    }
}
