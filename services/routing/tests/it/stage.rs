//! What the tests stand on: the service, a manual clock, and tickets made in the journal.

use std::sync::Arc;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::{Db, Migrations};
use lotse_errors::{ErrorReason, peer};
use lotse_grpc::Stack;
use lotse_ids::TicketId;
use lotse_journal::{Body, Draft, Journal, JournalConfig, Origin, Positions, Recorded, Wakeups};
use lotse_proto::common::v1::{Channel, Priority, TicketStatus};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_routing::{Config, Deps, Peers};
use lotse_testkit::{InProcess, TestDb};
use lotse_timers::LocalTimers;
use tonic::{Response, Status};

pub(crate) fn migrations() -> Migrations {
    let mut all = lotse_journal::migrations();
    all.extend(lotse_routing::migrations());
    all
}

/// One replica of the service.
pub(crate) struct Replica {
    pub(crate) suite: InProcess,
    pub(crate) journal: Journal,
    pub(crate) clock: BusinessClock,
}

impl Replica {
    pub(crate) async fn new(db: Db, clock: BusinessClock, config: Config) -> Self {
        let nowhere = lotse_client::Channel::later().0;
        Self::calling(&nowhere, db, clock, config).await
    }

    /// One that calls intake through `channel`.
    pub(crate) async fn calling(
        channel: &lotse_client::Channel,
        db: Db,
        clock: BusinessClock,
        config: Config,
    ) -> Self {
        let opened = Journal::open(
            db.clone(),
            clock.clone(),
            Wakeups::local(),
            JournalConfig::default(),
        );
        let journal = opened.await.unwrap();
        let deps = Deps {
            db,
            clock: clock.clone(),
            journal: journal.clone(),
            timers: Arc::new(LocalTimers::new()),
            peers: Peers::all(channel),
        };
        let service = lotse_routing::build(deps, config);
        Self {
            suite: InProcess::new(clock.clone(), vec![service]),
            journal,
            clock,
        }
    }

    pub(crate) fn agents(&self) -> AgentServiceClient<Stack> {
        AgentServiceClient::new(self.suite.stack())
    }

    pub(crate) fn routing(&self) -> RoutingServiceClient<Stack> {
        RoutingServiceClient::new(self.suite.stack())
    }

    pub(crate) fn workflows(&self) -> WorkflowServiceClient<Stack> {
        WorkflowServiceClient::new(self.suite.stack())
    }

    /// What intake would journal of a ticket, in one transaction.
    pub(crate) async fn journal(&self, ticket: &str, bodies: Vec<Body>) {
        let origin = Origin {
            principal: "test".to_owned(),
            cause: "test".to_owned(),
        };
        let done = self.journal.in_tx(&origin, |tx| {
            let bodies = bodies.clone();
            async move {
                for body in bodies {
                    tx.emit(Draft::ticket(ticket, body));
                }
                Ok::<_, sea_orm::DbErr>(())
            }
        });
        done.await.unwrap();
    }

    /// Everything that was journaled.
    pub(crate) async fn all_events(&self) -> Vec<Recorded> {
        let mut events: Vec<Recorded> = Vec::new();
        let mut from = Positions::start(self.journal.incarnation().await.unwrap());
        loop {
            let page = self.journal.read_feed(&from, 1_000).await.unwrap();
            if page.events.is_empty() {
                break;
            }
            events.extend(page.events);
            from = page.next;
        }
        events
    }

    /// Everything that was journaled of a ticket.
    pub(crate) async fn recorded(&self, ticket: &str) -> Vec<Recorded> {
        let mut events = self.all_events().await;
        events.retain(|event| event.ticket_id.as_deref() == Some(ticket));
        events
    }

    /// What routing has journaled of a ticket.
    pub(crate) async fn events(&self, ticket: &str) -> Vec<Body> {
        let events = self.recorded(ticket).await.into_iter();
        events
            .filter(|event| event.principal != "test")
            .map(|event| event.body)
            .collect()
    }

    pub(crate) async fn skill(&self, name: &str) {
        let skill = proto::Skill {
            name: name.to_owned(),
            ..proto::Skill::default()
        };
        let request = proto::PutSkillRequest {
            skill: Some(skill),
            request_id: String::new(),
        };
        self.workflows().put_skill(request).await.unwrap();
    }

    /// Creates a group and returns its id.
    pub(crate) async fn group(&self, name: &str, tier: u32) -> String {
        let group = proto::Group {
            name: name.to_owned(),
            tier,
            ..proto::Group::default()
        };
        self.put_group(group).await.unwrap().group.unwrap().id
    }

    pub(crate) async fn put_group(
        &self,
        group: proto::Group,
    ) -> Result<proto::PutGroupResponse, Status> {
        let request = proto::PutGroupRequest {
            group: Some(group),
            request_id: String::new(),
        };
        self.workflows()
            .put_group(request)
            .await
            .map(Response::into_inner)
    }

    /// Everything goes to one group.
    pub(crate) async fn default_group(&self, group: &str) {
        self.put_rules(Vec::new(), group).await;
    }

    /// Rules, and a group for everything else.
    pub(crate) async fn put_rules(&self, rules: Vec<proto::WorkflowRule>, group: &str) {
        let workflow = proto::Workflow {
            rules,
            default_group_id: group.to_owned(),
            ..proto::Workflow::default()
        };
        let request = proto::PutWorkflowRequest {
            workflow: Some(workflow),
            request_id: String::new(),
        };
        self.workflows().put_workflow(request).await.unwrap();
    }

    /// Creates an agent, offline, and returns the id.
    pub(crate) async fn agent(&self, agent: proto::Agent) -> String {
        let request = proto::CreateAgentRequest {
            agent: Some(agent),
            request_id: String::new(),
        };
        let created = self.agents().create_agent(request).await.unwrap();
        created.into_inner().agent.unwrap().id
    }

    /// Creates an agent who is online for good, and returns the id.
    pub(crate) async fn online(&self, agent: proto::Agent) -> String {
        let agent = self
            .agent(proto::Agent {
                presence_never_expires: true,
                ..agent
            })
            .await;
        self.presence(&agent, proto::Presence::Online).await;
        agent
    }

    pub(crate) async fn presence(&self, agent: &str, presence: proto::Presence) {
        let request = proto::SetPresenceRequest {
            agent_id: agent.to_owned(),
            presence: presence.into(),
            ..Default::default()
        };
        self.agents().set_presence(request).await.unwrap();
    }

    pub(crate) async fn get_agent(&self, agent: &str) -> proto::Agent {
        let request = proto::GetAgentRequest {
            id: agent.to_owned(),
        };
        let got = self.agents().get_agent(request).await.unwrap();
        got.into_inner().agent.unwrap()
    }

    pub(crate) async fn assign(
        &self,
        ticket: &str,
        group: &str,
        agent: &str,
    ) -> Result<proto::AssignTicketResponse, Status> {
        let request = proto::AssignTicketRequest {
            ticket_id: ticket.to_owned(),
            group_id: group.to_owned(),
            agent_id: agent.to_owned(),
            ..proto::AssignTicketRequest::default()
        };
        self.routing()
            .assign_ticket(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn explain(&self, ticket: &str) -> proto::ExplainRoutingResponse {
        let request = proto::ExplainRoutingRequest {
            ticket_id: ticket.to_owned(),
            ..proto::ExplainRoutingRequest::default()
        };
        self.routing()
            .explain_routing(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// What was said with a ticket, the latest first.
    pub(crate) async fn hand_overs(&self, ticket: &str) -> Vec<proto::HandOver> {
        let request = proto::GetHandOverRequest {
            ticket_id: ticket.to_owned(),
        };
        let got = self.routing().get_hand_over(request).await.unwrap();
        got.into_inner().hand_overs
    }

    pub(crate) async fn route(&self, ticket: &str) -> proto::TicketRoute {
        self.explain(ticket).await.route.unwrap()
    }

    pub(crate) async fn board(&self) -> proto::GetQueueStateResponse {
        let request = proto::GetQueueStateRequest::default();
        self.routing()
            .get_queue_state(request)
            .await
            .unwrap()
            .into_inner()
    }
}

/// The service on one database, at some instant.
pub(crate) struct Stage {
    pub(crate) replica: Replica,
    pub(crate) db: TestDb,
}

impl std::ops::Deref for Stage {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

impl Stage {
    pub(crate) async fn new(db: TestDb) -> Self {
        Self::with(db, Config::default()).await
    }

    pub(crate) async fn with(db: TestDb, config: Config) -> Self {
        let clock = BusinessClock::manual(Timestamp::from_millis(1_700_000_000_000));
        let replica = Replica::new(db.db(), clock, config).await;
        Self { replica, db }
    }

    /// A stage with one group that everything goes to.
    pub(crate) async fn with_group(db: TestDb) -> (Self, String) {
        let stage = Self::new(db).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        (stage, group)
    }

    /// Takes in a ticket and lets routing work.
    pub(crate) async fn ticket(&self, created: journal::TicketCreated) -> String {
        let ticket = new_ticket(self.clock.now());
        self.journal(&ticket, vec![Body::TicketCreated(created)])
            .await;
        self.suite.settle().await;
        ticket
    }
}

pub(crate) fn new_ticket(now: Timestamp) -> String {
    TicketId::generate(now).into()
}

/// A mail of normal priority.
pub(crate) fn created() -> journal::TicketCreated {
    journal::TicketCreated {
        number: 1,
        channel: Channel::Email.into(),
        priority: Priority::Normal.into(),
        ..journal::TicketCreated::default()
    }
}

pub(crate) fn status(to: TicketStatus, change: Change) -> Body {
    Body::TicketStatusChanged(journal::TicketStatusChanged {
        to: to.into(),
        change: change.into(),
        ..journal::TicketStatusChanged::default()
    })
}

pub(crate) fn solved() -> Body {
    status(TicketStatus::Solved, Change::Solved)
}

pub(crate) fn closed() -> Body {
    status(TicketStatus::Closed, Change::Closed)
}

pub(crate) fn reopened() -> Body {
    status(TicketStatus::Open, Change::Reopened)
}

/// An agent of one group with room for `capacity` tickets.
pub(crate) fn agent(name: &str, group: &str, capacity: u32) -> proto::Agent {
    proto::Agent {
        name: name.to_owned(),
        group_ids: vec![group.to_owned()],
        capacity,
        ..proto::Agent::default()
    }
}

pub(crate) fn skills(skills: &[(&str, u32)]) -> Vec<proto::SkillLevel> {
    let level = |(skill, level): &(&str, u32)| proto::SkillLevel {
        skill: (*skill).to_owned(),
        level: *level,
    };
    skills.iter().map(level).collect()
}

pub(crate) fn language(language: &str) -> Vec<proto::LanguageLevel> {
    vec![proto::LanguageLevel {
        language: language.to_owned(),
        level: 5,
    }]
}

/// Why a call was refused.
pub(crate) fn reason<T: std::fmt::Debug>(refused: Result<T, Status>) -> ErrorReason {
    let status = refused.unwrap_err();
    peer::reason(&status).unwrap_or_else(|| panic!("no reason in {status:?}"))
}
