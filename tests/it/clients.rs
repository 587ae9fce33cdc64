//! Clients of all services, and the calls that many tests make.

use std::time::Duration;

use lotse_client::Channel;
use lotse_proto::common::v1::{AuthorKind, Channel as Door, SlaMetric, SurveyKind, Visibility};
use lotse_proto::insight::v1::insight_service_client::InsightServiceClient;
use lotse_proto::insight::v1::{QueryMetricsRequest, Series};
use lotse_proto::intake::v1::create_ticket_request::Requester;
use lotse_proto::intake::v1::event_service_client::EventServiceClient;
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::{
    AddMessageRequest, Author, CreateTicketRequest, GetTicketRequest, ListTicketsRequest,
    RequesterProfile, SolveTicketRequest, Ticket,
};
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{
    Agent, Group, LanguageLevel, Presence, PutAgentRequest, PutGroupRequest, PutSkillRequest,
    PutWorkflowRequest, SetPresenceRequest, Skill, SkillLevel, Workflow,
};
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::sla::v1::{Clock, ListClocksRequest, Policy, PutPolicyRequest, Target};
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_proto::survey::v1::{PutSurveyRequest, Survey};
use lotse_proto::time::duration_to_proto;

/// How long a first reply may take at the tests' desk.
pub(crate) const FIRST_REPLY: Duration = Duration::from_secs(2 * 3_600);

/// One client per service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) tickets: TicketServiceClient<Channel>,
    pub(crate) events: EventServiceClient<Channel>,
    pub(crate) routing: RoutingServiceClient<Channel>,
    pub(crate) agents: AgentServiceClient<Channel>,
    pub(crate) workflow: WorkflowServiceClient<Channel>,
    pub(crate) sla: SlaServiceClient<Channel>,
    pub(crate) alerts: AlertServiceClient<Channel>,
    pub(crate) surveys: SurveyServiceClient<Channel>,
    pub(crate) insight: InsightServiceClient<Channel>,
}

/// Who works at the tests' desk, and what is promised there.
pub(crate) struct Team {
    pub(crate) first_line: String,
    pub(crate) second_line: String,
    /// Knows printers, speaks German.
    pub(crate) ada: String,
    /// Knows printers, speaks English.
    pub(crate) ben: String,
    /// Knows invoices, speaks German.
    pub(crate) cleo: String,
    /// The survey that is asked when a ticket is solved.
    pub(crate) csat: String,
}

impl Clients {
    pub(crate) fn of(channel: &Channel) -> Self {
        Self {
            tickets: TicketServiceClient::new(channel.clone()),
            events: EventServiceClient::new(channel.clone()),
            routing: RoutingServiceClient::new(channel.clone()),
            agents: AgentServiceClient::new(channel.clone()),
            workflow: WorkflowServiceClient::new(channel.clone()),
            sla: SlaServiceClient::new(channel.clone()),
            alerts: AlertServiceClient::new(channel.clone()),
            surveys: SurveyServiceClient::new(channel.clone()),
            insight: InsightServiceClient::new(channel.clone()),
        }
    }

    /// Two groups, three agents online in the first, a first reply in two hours, a CSAT survey.
    pub(crate) async fn staff(&self) -> Team {
        for name in ["printers", "invoices"] {
            let skill = Skill {
                name: name.into(),
                ..Skill::default()
            };
            let request = PutSkillRequest {
                skill: Some(skill),
                ..PutSkillRequest::default()
            };
            self.workflow.clone().put_skill(request).await.unwrap();
        }
        let first_line = self.group("First line", 1).await;
        let second_line = self.group("Second line", 2).await;
        let workflow = Workflow {
            default_group_id: first_line.clone(),
            ..Workflow::default()
        };
        let request = PutWorkflowRequest {
            workflow: Some(workflow),
            ..PutWorkflowRequest::default()
        };
        self.workflow.clone().put_workflow(request).await.unwrap();
        let ada = self.agent("Ada", &first_line, "printers", "de").await;
        let ben = self.agent("Ben", &first_line, "printers", "en").await;
        let cleo = self.agent("Cleo", &first_line, "invoices", "de").await;
        self.policy().await;
        let csat = self
            .survey("How was it?", SurveyKind::Csat, Trigger::Solved)
            .await;
        Team {
            first_line,
            second_line,
            ada,
            ben,
            cleo,
            csat,
        }
    }

    async fn group(&self, name: &str, tier: u32) -> String {
        let group = Group {
            name: name.into(),
            tier,
            ..Group::default()
        };
        let request = PutGroupRequest {
            group: Some(group),
            ..PutGroupRequest::default()
        };
        let response = self
            .workflow
            .clone()
            .put_group(request)
            .await
            .unwrap()
            .into_inner();
        response.group.unwrap().id
    }

    /// An agent online with room for ten tickets.
    async fn agent(&self, name: &str, group: &str, skill: &str, language: &str) -> String {
        let agent = Agent {
            name: name.into(),
            group_ids: vec![group.into()],
            skills: vec![SkillLevel {
                skill: skill.into(),
                level: 3,
            }],
            languages: vec![LanguageLevel {
                language: language.into(),
                level: 5,
            }],
            capacity: 10,
            presence_never_expires: true,
            ..Agent::default()
        };
        let request = PutAgentRequest {
            agent: Some(agent),
            ..PutAgentRequest::default()
        };
        let response = self
            .agents
            .clone()
            .put_agent(request)
            .await
            .unwrap()
            .into_inner();
        let agent_id = response.agent.unwrap().id;
        let online = SetPresenceRequest {
            agent_id: agent_id.clone(),
            presence: Presence::Online.into(),
            ..SetPresenceRequest::default()
        };
        self.agents.clone().set_presence(online).await.unwrap();
        agent_id
    }

    /// A first reply within [`FIRST_REPLY`], warned about at half of it.
    pub(crate) async fn policy(&self) {
        let policy = Policy {
            name: "Replies".into(),
            targets: vec![Target {
                metric: SlaMetric::FirstReply.into(),
                target: Some(duration_to_proto(FIRST_REPLY)),
                ..Target::default()
            }],
            warn_percents: vec![50],
            ..Policy::default()
        };
        let request = PutPolicyRequest {
            policy: Some(policy),
            ..PutPolicyRequest::default()
        };
        self.sla.clone().put_policy(request).await.unwrap();
    }

    pub(crate) async fn survey(&self, name: &str, kind: SurveyKind, trigger: Trigger) -> String {
        let survey = Survey {
            name: name.into(),
            kind: kind.into(),
            trigger: trigger.into(),
            active: true,
            ..Survey::default()
        };
        let request = PutSurveyRequest {
            survey: Some(survey),
            ..PutSurveyRequest::default()
        };
        let response = self
            .surveys
            .clone()
            .put_survey(request)
            .await
            .unwrap()
            .into_inner();
        response.survey.unwrap().id
    }

    /// Takes a ticket in; panics when it is refused.
    pub(crate) async fn create(&self, request: CreateTicketRequest) -> Ticket {
        let response = self.tickets.clone().create_ticket(request).await.unwrap();
        response.into_inner().ticket.unwrap()
    }

    pub(crate) async fn ticket(&self, id: &str) -> Ticket {
        let request = GetTicketRequest {
            by: Some(By::TicketId(id.into())),
        };
        let response = self.tickets.clone().get_ticket(request).await.unwrap();
        response.into_inner().ticket.unwrap()
    }

    /// Every ticket there is, oldest first.
    pub(crate) async fn all_tickets(&self) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListTicketsRequest {
                page_size: 500,
                page_token,
                order_by: "number".into(),
                ..ListTicketsRequest::default()
            };
            let page = self
                .tickets
                .clone()
                .list_tickets(request)
                .await
                .unwrap()
                .into_inner();
            tickets.extend(page.tickets);
            if page.next_page_token.is_empty() {
                return tickets;
            }
            page_token = page.next_page_token;
        }
    }

    /// Adds a public message.
    pub(crate) async fn says(&self, ticket_id: &str, kind: AuthorKind, id: &str, body: &str) {
        let request = AddMessageRequest {
            ticket_id: ticket_id.into(),
            author: Some(Author {
                kind: kind.into(),
                id: id.into(),
            }),
            visibility: Visibility::Public.into(),
            body: body.into(),
            ..AddMessageRequest::default()
        };
        self.tickets.clone().add_message(request).await.unwrap();
    }

    pub(crate) async fn solve(&self, ticket_id: &str, agent_id: &str) {
        let request = SolveTicketRequest {
            ticket_id: ticket_id.into(),
            agent_id: agent_id.into(),
            ..SolveTicketRequest::default()
        };
        self.tickets.clone().solve_ticket(request).await.unwrap();
    }

    /// The clocks of one ticket.
    pub(crate) async fn clocks(&self, ticket_id: &str) -> Vec<Clock> {
        let request = ListClocksRequest {
            ticket_ids: vec![ticket_id.into()],
            ..ListClocksRequest::default()
        };
        self.sla
            .clone()
            .list_clocks(request)
            .await
            .unwrap()
            .into_inner()
            .clocks
    }

    /// One metric over all time, by at most one dimension.
    pub(crate) async fn series(&self, metric: &str, by: Option<&str>) -> Vec<Series> {
        let request = QueryMetricsRequest {
            metrics: vec![metric.into()],
            group_by: by.map(Into::into).into_iter().collect(),
            ..QueryMetricsRequest::default()
        };
        self.insight
            .clone()
            .query_metrics(request)
            .await
            .unwrap()
            .into_inner()
            .series
    }
}

/// A German ticket about a printer, by mail.
pub(crate) fn printer_on_fire(requester: &str) -> CreateTicketRequest {
    CreateTicketRequest {
        requester: Some(Requester::RequesterProfile(RequesterProfile {
            external_id: requester.into(),
            ..RequesterProfile::default()
        })),
        subject: "Der Drucker brennt".into(),
        body: "Es ist recht warm hier.".into(),
        channel: Door::Email.into(),
        category: "hardware".into(),
        language: "de".into(),
        required_skills: vec!["printers".into()],
        ..CreateTicketRequest::default()
    }
}
