//! Agents: configuration, presence, heartbeats.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use lotse_routing::Config;
use lotse_testkit::TestDb;
use prost_types::FieldMask;
use tonic::Response;

use crate::stage::{Stage, agent, created, language, migrations, reason, skills};

const TTL: Duration = Duration::from_secs(90);

impl Stage {
    async fn put(&self, agent: proto::Agent) -> Result<proto::PutAgentResponse, tonic::Status> {
        let request = proto::PutAgentRequest {
            agent: Some(agent),
            request_id: String::new(),
        };
        self.agents()
            .put_agent(request)
            .await
            .map(Response::into_inner)
    }

    async fn beat(&self, agent: &str) -> proto::HeartbeatResponse {
        let request = proto::HeartbeatRequest {
            agent_id: agent.to_owned(),
        };
        self.agents().heartbeat(request).await.unwrap().into_inner()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn putting_an_agent_twice_changes_nothing(db: TestDb) {
        let (stage, _) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let wanted = proto::Agent {
            skills: skills(&[("vpn", 4)]),
            languages: language("de"),
            tier: 2,
            // By its name.
            ..agent("Anna", "desk", 5)
        };
        let first = stage.put(wanted.clone()).await.unwrap();
        assert_eq!(first.outcome(), proto::PutOutcome::Created);
        let again = stage.put(wanted.clone()).await.unwrap();
        assert_eq!((again.outcome(), &again.agent), (proto::PutOutcome::Unchanged, &first.agent));
        let changed = stage.put(proto::Agent { capacity: 6, ..wanted }).await.unwrap();
        assert_eq!(changed.outcome(), proto::PutOutcome::Updated);
        assert_eq!(changed.agent.unwrap().version, 2);
    }

    async fn what_does_not_exist_cannot_be_put_on_an_agent(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let unskilled = proto::Agent { skills: skills(&[("vnp", 4)]), ..agent("Anna", &group, 5) };
        assert_eq!(reason(stage.put(unskilled).await), ErrorReason::ResourceNotFound);
        let lost = stage.put(agent("Anna", "dsek", 5)).await;
        assert_eq!(reason(lost), ErrorReason::ResourceNotFound);
        stage.put(agent("Anna", &group, 5)).await.unwrap();
        let request = proto::CreateAgentRequest { agent: Some(agent("Anna", &group, 1)), request_id: String::new() };
        let twice = stage.agents().create_agent(request).await;
        assert_eq!(reason(twice), ErrorReason::ResourceExists);
    }

    async fn all_that_is_wrong_is_told_at_once(db: TestDb) {
        let stage = Stage::new(db).await;
        let wrong = proto::Agent {
            name: "agt_01h455vb4pex5vsknk084sn02q".to_owned(),
            tier: 10,
            skills: skills(&[("VPN", 6)]),
            languages: language("d_e"),
            capacity: 10_001,
            ..proto::Agent::default()
        };
        let refused = stage.put(wrong).await.unwrap_err();
        for field in ["agent.name", "agent.tier", "skills[0].skill", "skills[0].level", "languages[0].language", "agent.capacity"] {
            assert!(refused.message().contains(field), "{field} in {}", refused.message());
        }
    }

    async fn an_update_changes_the_named_fields_only(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 5)).await;
        let request = proto::UpdateAgentRequest {
            agent: Some(proto::Agent { id: anna.clone(), capacity: 7, name: "ignored".to_owned(), ..Default::default() }),
            update_mask: Some(FieldMask { paths: vec!["capacity".to_owned()] }),
            request_id: String::new(),
        };
        let updated = stage.agents().update_agent(request.clone()).await.unwrap().into_inner().agent.unwrap();
        assert_eq!((updated.capacity, updated.name.as_str(), &updated.group_ids), (7, "Anna", &vec![group]));
        let mut stale = request.clone();
        stale.agent.as_mut().unwrap().etag = "\"1\"".to_owned();
        let refused = stage.agents().update_agent(stale).await;
        assert_eq!(reason(refused), ErrorReason::StaleEtag);
        let unknown = proto::UpdateAgentRequest {
            update_mask: Some(FieldMask { paths: vec!["load".to_owned()] }),
            ..request
        };
        let refused = stage.agents().update_agent(unknown).await;
        assert_eq!(reason(refused), ErrorReason::InvalidField);
    }

    async fn more_capacity_is_used_at_once(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 0)).await;
        let ticket = stage.ticket(created()).await;
        let request = proto::UpdateAgentRequest {
            agent: Some(proto::Agent { id: anna.clone(), capacity: 1, ..Default::default() }),
            update_mask: Some(FieldMask { paths: vec!["capacity".to_owned()] }),
            request_id: String::new(),
        };
        stage.agents().update_agent(request).await.unwrap();
        stage.suite.settle().await;
        assert_eq!(stage.route(&ticket).await.agent_id, anna);
    }

    async fn an_agent_whose_heartbeats_stop_goes_offline_on_time(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 5)).await;
        stage.presence(&anna, proto::Presence::Online).await;
        stage.suite.advance(TTL - Duration::from_secs(1)).await;
        let kept = stage.beat(&anna).await;
        let until = stage.clock.now() + TTL;
        assert_eq!(kept.presence_expires_at, Some(to_proto(until)));
        stage.suite.advance(TTL - Duration::from_millis(1)).await;
        assert_eq!(stage.get_agent(&anna).await.presence(), proto::Presence::Online);
        stage.suite.advance(Duration::from_secs(600)).await;
        let gone = stage.get_agent(&anna).await;
        assert_eq!((gone.presence(), gone.presence_since), (proto::Presence::Offline, Some(to_proto(until))));
        // A late heartbeat does not bring anybody back.
        assert_eq!(stage.beat(&anna).await.presence(), proto::Presence::Offline);
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.route(&ticket).await.state(), proto::RouteState::Waiting);
    }

    async fn presence_stays_where_it_never_expires(db: TestDb) {
        let config = Config { heartbeat_ttl_seconds: 0, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        let anna = stage.agent(agent("Anna", &group, 5)).await;
        stage.presence(&anna, proto::Presence::Online).await;
        stage.suite.advance(TTL * 100).await;
        assert_eq!(stage.get_agent(&anna).await.presence(), proto::Presence::Online);
    }

    async fn whoever_is_retired_is_gone(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let request = proto::UpdateAgentRequest {
            agent: Some(proto::Agent { id: anna.clone(), retired: true, ..Default::default() }),
            update_mask: Some(FieldMask { paths: vec!["retired".to_owned()] }),
            request_id: String::new(),
        };
        stage.agents().update_agent(request).await.unwrap();
        assert_eq!(stage.get_agent(&anna).await.presence(), proto::Presence::Offline);
        let request = proto::SetPresenceRequest {
            agent_id: anna,
            presence: proto::Presence::Online.into(),
            ..Default::default()
        };
        let refused = stage.agents().set_presence(request).await;
        assert_eq!(reason(refused), ErrorReason::AgentNotEligible);
        assert_eq!(stage.board().await.agents, []);
    }

    async fn pages_of_agents_hold_everybody_once(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        for name in ["Clara", "Anna", "\u{c4}nne", "Bruno", "anton"] {
            stage.agent(agent(name, &group, 1)).await;
        }
        let mut names = Vec::new();
        let mut request = proto::ListAgentsRequest { group_id: group, page_size: 2, ..Default::default() };
        loop {
            let page = stage.agents().list_agents(request.clone()).await.unwrap().into_inner();
            names.extend(page.agents.into_iter().map(|agent| agent.name));
            if page.next_page_token.is_empty() { break; }
            request.page_token = page.next_page_token;
        }
        assert_eq!(names, ["Anna", "Bruno", "Clara", "anton", "\u{c4}nne"]);
        let other = proto::ListAgentsRequest { include_retired: true, ..request };
        let refused = stage.agents().list_agents(other).await;
        assert_eq!(reason(refused), ErrorReason::InvalidPageToken);
    }
}
