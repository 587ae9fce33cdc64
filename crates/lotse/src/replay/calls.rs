//! The services' clients, and one command as one call.

use std::time::Duration;

use anyhow::Result;
use lotse_client::Channel;
use lotse_errors::Error;
use lotse_proto::common::v1::{AuthorKind, Visibility};
use lotse_proto::insight::v1::insight_service_client::InsightServiceClient;
use lotse_proto::intake::v1 as intake;
use lotse_proto::intake::v1::event_service_client::EventServiceClient;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::routing::v1 as routing;
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use tonic::{Code, Status};

use super::log::Incident;
use super::plan::{Command, Update, attributes};
use super::setting::Setting;

/// How long a service may stay away before the replay gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Clients of all services, over one connection.
#[derive(Clone)]
pub(crate) struct Calls {
    pub(crate) tickets: TicketServiceClient<Channel>,
    pub(crate) events: EventServiceClient<Channel>,
    pub(crate) routing: RoutingServiceClient<Channel>,
    pub(crate) agents: AgentServiceClient<Channel>,
    pub(crate) workflow: WorkflowServiceClient<Channel>,
    pub(crate) sla: SlaServiceClient<Channel>,
    pub(crate) insight: InsightServiceClient<Channel>,
}

impl Calls {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            tickets: TicketServiceClient::new(channel.clone()),
            events: EventServiceClient::new(channel.clone()),
            routing: RoutingServiceClient::new(channel.clone()),
            agents: AgentServiceClient::new(channel.clone()),
            workflow: WorkflowServiceClient::new(channel.clone()),
            sla: SlaServiceClient::new(channel.clone()),
            insight: InsightServiceClient::new(channel),
        }
    }
}

/// A command and what it needs.
pub(crate) struct Call<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) incident: &'a Incident,
    /// Empty for the command that creates it.
    pub(crate) ticket_id: &'a str,
    pub(crate) command: &'a Command,
    /// `line:ticket:place of the command`: the same in every run, so that nothing is done twice.
    pub(crate) request_id: String,
}

impl Call<'_> {
    /// Carries the command out, patiently: a service that is away is asked again with the same
    /// request id. Returns the ticket's id.
    pub(crate) async fn make(&self, calls: &Calls) -> Result<String, Status> {
        patiently(|| self.once(calls)).await
    }

    async fn once(&self, calls: &Calls) -> Result<String, Status> {
        let mut tickets = calls.tickets.clone();
        let request_id = self.request_id.clone();
        let ticket_id = self.ticket_id.to_owned();
        match self.command {
            Command::Create => {
                let response = tickets.create_ticket(self.creation()).await?.into_inner();
                let ticket = response
                    .ticket
                    .ok_or_else(|| Error::internal("no ticket came back"))?;
                return Ok(ticket.id);
            }
            Command::Assign { group, agent } => {
                let request = routing::AssignTicketRequest {
                    ticket_id,
                    group_id: self.group(group),
                    agent_id: self.agent(agent.as_deref()),
                    request_id,
                    ..routing::AssignTicketRequest::default()
                };
                calls.routing.clone().assign_ticket(request).await?;
            }
            Command::Transfer { group, agent } => {
                let request = routing::TransferTicketRequest {
                    ticket_id,
                    group_id: self.group(group),
                    agent_id: self.agent(agent.as_deref()),
                    request_id,
                    ..routing::TransferTicketRequest::default()
                };
                calls.routing.clone().transfer_ticket(request).await?;
            }
            Command::Update(update) => {
                tickets.update_ticket(self.update(update)).await?;
            }
            Command::Wait => {
                let request = intake::WaitForRequesterRequest {
                    request_id,
                    ticket_id,
                    ..intake::WaitForRequesterRequest::default()
                };
                tickets.wait_for_requester(request).await?;
            }
            Command::Hold(reason) => {
                let request = intake::HoldTicketRequest {
                    request_id,
                    ticket_id,
                    reason: (*reason).to_owned(),
                    ..intake::HoldTicketRequest::default()
                };
                tickets.hold_ticket(request).await?;
            }
            Command::Resume => {
                let request = intake::ResumeTicketRequest {
                    request_id,
                    ticket_id,
                    ..intake::ResumeTicketRequest::default()
                };
                tickets.resume_ticket(request).await?;
            }
            Command::Solve => {
                let request = intake::SolveTicketRequest {
                    request_id,
                    ticket_id,
                    ..intake::SolveTicketRequest::default()
                };
                tickets.solve_ticket(request).await?;
            }
            Command::Reopen => {
                let request = intake::ReopenTicketRequest {
                    request_id,
                    ticket_id,
                    ..intake::ReopenTicketRequest::default()
                };
                tickets.reopen_ticket(request).await?;
            }
            Command::Close => {
                let request = intake::CloseTicketRequest {
                    request_id,
                    ticket_id,
                    ..intake::CloseTicketRequest::default()
                };
                tickets.close_ticket(request).await?;
            }
            Command::Note => {
                tickets.add_message(self.note()).await?;
            }
        }
        Ok(self.ticket_id.to_owned())
    }

    fn group(&self, name: &str) -> String {
        self.setting.groups.get(name).cloned().unwrap_or_default()
    }

    fn agent(&self, name: Option<&str>) -> String {
        let id = name.and_then(|name| self.setting.agents.get(name));
        id.cloned().unwrap_or_default()
    }

    fn creation(&self) -> intake::CreateTicketRequest {
        use intake::create_ticket_request::Requester;
        let Incident {
            number,
            caller,
            channel,
            facts,
            ..
        } = self.incident;
        // A caller the log does not name is somebody else each time.
        let external_id = caller.as_ref().unwrap_or(number).clone();
        let profile = intake::RequesterProfile {
            external_id,
            ..intake::RequesterProfile::default()
        };
        intake::CreateTicketRequest {
            request_id: self.request_id.clone(),
            requester: Some(Requester::RequesterProfile(profile)),
            subject: format!("Incident {number}"),
            channel: (*channel).into(),
            category: facts.category.clone().unwrap_or_default(),
            priority: facts.priority.into(),
            attributes: attributes(facts),
            external_id: number.clone(),
            ..intake::CreateTicketRequest::default()
        }
    }

    fn update(&self, update: &Update) -> intake::UpdateTicketRequest {
        let mut ticket = intake::Ticket {
            id: self.ticket_id.to_owned(),
            ..intake::Ticket::default()
        };
        let mut paths = Vec::new();
        if let Some(priority) = update.priority {
            ticket.priority = priority.into();
            paths.push("priority".to_owned());
        }
        if let Some(category) = &update.category {
            ticket.category.clone_from(category);
            paths.push("category".to_owned());
        }
        if let Some(attributes) = &update.attributes {
            ticket.attributes.clone_from(attributes);
            paths.push("attributes".to_owned());
        }
        intake::UpdateTicketRequest {
            request_id: self.request_id.clone(),
            ticket: Some(ticket),
            update_mask: Some(prost_types::FieldMask { paths }),
            ..intake::UpdateTicketRequest::default()
        }
    }

    fn note(&self) -> intake::AddMessageRequest {
        intake::AddMessageRequest {
            request_id: self.request_id.clone(),
            ticket_id: self.ticket_id.to_owned(),
            author: Some(intake::Author {
                kind: AuthorKind::Automation.into(),
                id: "replay".to_owned(),
            }),
            visibility: Visibility::Internal.into(),
            body: "The log has a row here that changes nothing else.".to_owned(),
            ..intake::AddMessageRequest::default()
        }
    }
}

/// Calls until the answer is not about a service or a race that may be better in a moment.
pub(crate) async fn patiently<T, Fut>(call: impl Fn() -> Fut) -> Result<T, Status>
where
    Fut: Future<Output = Result<T, Status>>,
{
    let mut pause = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        match call().await {
            Err(status) if passes(status.code()) && waited < PATIENCE => {
                if pause == LONGEST_PAUSE {
                    tracing::warn!(code = ?status.code(), "a service is away; trying again");
                }
                tokio::time::sleep(pause).await;
                waited += pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// INTERNAL is among them: a commit whose outcome is unknown is told by the request id.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::ResourceExhausted
            | Code::Internal
            | Code::Unknown
            | Code::Cancelled
    )
}
