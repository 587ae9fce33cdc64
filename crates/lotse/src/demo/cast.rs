//! Carries the story's actions out, over the public API.

use std::time::Duration;

use anyhow::Result;
use lotse_client::Channel;
use lotse_proto::common::v1::{AuthorKind, SurveyKind, Visibility};
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::{self as intake, create_ticket_request::Requester};
use lotse_proto::routing::v1 as routing;
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::sla::v1 as sla;
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::survey::v1 as survey;
use lotse_proto::survey::v1::invitation::State;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use tonic::{Code, Status};

use super::case::{Case, Opinion, Step};
use super::company::Company;
use super::story::{Action, Found, What};

/// What the external ids of the demo's own tickets begin with.
const OWN: &str = "demo-";
/// Tries of a call that may go better in a moment.
const TRIES: u32 = 6;
/// Before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(50);

/// Everybody who acts.
pub(crate) struct Cast {
    tickets: TicketServiceClient<Channel>,
    routing: RoutingServiceClient<Channel>,
    agents: AgentServiceClient<Channel>,
    alerts: AlertServiceClient<Channel>,
    surveys: SurveyServiceClient<Channel>,
    company: Company,
    /// What request ids begin with: no two runs of a demo share one.
    session: String,
}

impl Cast {
    pub(crate) fn new(channel: &Channel, company: Company, session: String) -> Self {
        Self {
            tickets: TicketServiceClient::new(channel.clone()),
            routing: RoutingServiceClient::new(channel.clone()),
            agents: AgentServiceClient::new(channel.clone()),
            alerts: AlertServiceClient::new(channel.clone()),
            surveys: SurveyServiceClient::new(channel.clone()),
            company,
            session,
        }
    }

    /// Carries an action out; a service that is busy is asked again with the same request id.
    /// Returns the ticket's id.
    pub(crate) async fn perform(&self, action: &Action) -> Result<String, Status> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.once(action).await {
                Err(status) if passes(status.code()) => {
                    tracing::debug!(code = ?status.code(), "trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
        self.once(action).await
    }

    async fn once(&self, action: &Action) -> Result<String, Status> {
        let id = &action.ticket_id;
        let request_id = format!("{}:{}", self.session, action.number);
        match &action.what {
            What::Create(case) => {
                let mut tickets = self.tickets.clone();
                let response = tickets.create_ticket(creation(case, request_id)).await?;
                return Ok(response
                    .into_inner()
                    .ticket
                    .map(|ticket| ticket.id)
                    .unwrap_or_default());
            }
            What::Work { agent, step } => self.work(id, agent, step, request_id).await?,
            What::Write(words) => {
                self.say(id, AuthorKind::Requester, "", words, request_id)
                    .await?;
            }
            What::Resume => {
                let request = intake::ResumeTicketRequest {
                    request_id,
                    ticket_id: id.clone(),
                    ..intake::ResumeTicketRequest::default()
                };
                self.tickets.clone().resume_ticket(request).await?;
            }
            What::Invite(kind) => {
                let request = survey::CreateInvitationRequest {
                    request_id,
                    survey_id: self.company.survey(*kind),
                    ticket_id: id.clone(),
                    ..survey::CreateInvitationRequest::default()
                };
                self.surveys.clone().create_invitation(request).await?;
            }
            What::Rate(kind, opinion) => self.rate(id, *kind, opinion, request_id).await?,
            What::Acknowledge(alarm) => {
                let request = sla::AcknowledgeAlertRequest {
                    request_id,
                    alert_id: alarm.alert_id.clone(),
                    agent_id: alarm.agent_id.clone(),
                    ..sla::AcknowledgeAlertRequest::default()
                };
                self.alerts.clone().acknowledge_alert(request).await?;
            }
            What::Take(alarm) => {
                let request = routing::AssignTicketRequest {
                    request_id,
                    ticket_id: id.clone(),
                    agent_id: alarm.agent_id.clone(),
                    ..routing::AssignTicketRequest::default()
                };
                self.routing.clone().assign_ticket(request).await?;
            }
            What::Answer(bid, true) => {
                let request = routing::AcceptOfferRequest {
                    request_id,
                    offer_id: bid.offer_id.clone(),
                };
                self.routing.clone().accept_offer(request).await?;
            }
            What::Answer(bid, false) => {
                let request = routing::DeclineOfferRequest {
                    request_id,
                    offer_id: bid.offer_id.clone(),
                    reason: routing::DeclineReason::Busy.into(),
                };
                self.routing.clone().decline_offer(request).await?;
            }
            What::Back(agent) => {
                let request = routing::SetPresenceRequest {
                    request_id,
                    agent_id: agent.clone(),
                    presence: routing::Presence::Online.into(),
                    ..routing::SetPresenceRequest::default()
                };
                self.agents.clone().set_presence(request).await?;
            }
        }
        Ok(id.clone())
    }

    async fn work(
        &self,
        ticket: &str,
        agent: &str,
        step: &Step,
        request_id: String,
    ) -> Result<(), Status> {
        let (ticket_id, agent_id) = (ticket.to_owned(), agent.to_owned());
        let second = format!("{request_id}:2");
        match step {
            Step::Reply(words) => {
                self.say(ticket, AuthorKind::Human, agent, words, request_id)
                    .await?;
            }
            Step::Ask { words, .. } => {
                self.say(ticket, AuthorKind::Human, agent, words, request_id)
                    .await?;
                let request = intake::WaitForRequesterRequest {
                    request_id: second,
                    ticket_id,
                    agent_id,
                    ..intake::WaitForRequesterRequest::default()
                };
                self.tickets.clone().wait_for_requester(request).await?;
            }
            Step::Hold { reason, .. } => {
                let request = intake::HoldTicketRequest {
                    request_id,
                    ticket_id,
                    agent_id,
                    reason: (*reason).to_owned(),
                    ..intake::HoldTicketRequest::default()
                };
                self.tickets.clone().hold_ticket(request).await?;
            }
            Step::Transfer { to, reason, note } => {
                let request = routing::TransferTicketRequest {
                    request_id,
                    ticket_id,
                    group_id: self.company.team(*to),
                    reason: (*reason).into(),
                    note: (*note).to_owned(),
                    ..routing::TransferTicketRequest::default()
                };
                self.routing.clone().transfer_ticket(request).await?;
            }
            Step::Escalate { summary } => {
                let request = routing::EscalateTicketRequest {
                    request_id,
                    ticket_id,
                    summary: (*summary).to_owned(),
                    ..routing::EscalateTicketRequest::default()
                };
                self.routing.clone().escalate_ticket(request).await?;
            }
            Step::Solve(words) => {
                self.say(ticket, AuthorKind::Human, agent, words, request_id)
                    .await?;
                let request = intake::SolveTicketRequest {
                    request_id: second,
                    ticket_id,
                    agent_id,
                    ..intake::SolveTicketRequest::default()
                };
                self.tickets.clone().solve_ticket(request).await?;
            }
        }
        Ok(())
    }

    async fn say(
        &self,
        ticket: &str,
        kind: AuthorKind,
        author: &str,
        words: &str,
        request_id: String,
    ) -> Result<(), Status> {
        let request = intake::AddMessageRequest {
            request_id,
            ticket_id: ticket.to_owned(),
            author: Some(intake::Author {
                kind: kind.into(),
                id: author.to_owned(),
            }),
            visibility: Visibility::Public.into(),
            body: words.to_owned(),
            ..intake::AddMessageRequest::default()
        };
        self.tickets.clone().add_message(request).await?;
        Ok(())
    }

    /// Opens the survey's page and answers; does nothing for somebody who was not asked.
    async fn rate(
        &self,
        ticket: &str,
        kind: SurveyKind,
        opinion: &Opinion,
        request_id: String,
    ) -> Result<(), Status> {
        let mut surveys = self.surveys.clone();
        let request = survey::ListInvitationsRequest {
            ticket_id: ticket.to_owned(),
            ..survey::ListInvitationsRequest::default()
        };
        let invitations = surveys
            .list_invitations(request)
            .await?
            .into_inner()
            .invitations;
        let asked = |one: &survey::Invitation| one.kind() == kind && one.state() == State::Invited;
        let Some(invitation) = invitations.into_iter().find(asked) else {
            return Ok(());
        };
        let request = survey::GetFormRequest {
            token: invitation.token.clone(),
            ..survey::GetFormRequest::default()
        };
        surveys.get_form(request).await?;
        let request = survey::SubmitAnswerRequest {
            request_id,
            token: invitation.token,
            score: opinion.score,
            comment: opinion.comment.to_owned(),
            resolved_first_contact: (kind == SurveyKind::Csat).then_some(opinion.first_contact),
        };
        surveys.submit_answer(request).await?;
        Ok(())
    }

    /// A ticket as the story needs it; `None` when it is solved.
    pub(crate) async fn look_up(&self, ticket_id: &str) -> Result<Option<Found>, Status> {
        let by = intake::get_ticket_request::By::TicketId(ticket_id.to_owned());
        let request = intake::GetTicketRequest { by: Some(by) };
        let ticket = self
            .tickets
            .clone()
            .get_ticket(request)
            .await?
            .into_inner()
            .ticket;
        Ok(ticket.filter(is_unsolved).map(found))
    }

    /// All unsolved tickets.
    pub(crate) async fn unsolved(&self) -> Result<Vec<Found>, Status> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = intake::ListTicketsRequest {
                page_size: 500,
                page_token,
                filter: "status = NEW OR status = OPEN OR status = PENDING OR status = ON_HOLD"
                    .to_owned(),
                order_by: "number asc".to_owned(),
            };
            let page = self
                .tickets
                .clone()
                .list_tickets(request)
                .await?
                .into_inner();
            all.extend(page.tickets.into_iter().map(found));
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            page_token = page.next_page_token;
        }
    }

    /// The number of the latest ordinary ticket of the story; 0 when there is none.
    pub(crate) async fn latest(&self) -> Result<u64, Status> {
        let request = intake::ListTicketsRequest {
            page_size: 500,
            order_by: "number desc".to_owned(),
            ..intake::ListTicketsRequest::default()
        };
        let page = self
            .tickets
            .clone()
            .list_tickets(request)
            .await?
            .into_inner();
        let ordinals = page.tickets.iter().filter_map(|ticket| {
            let ordinal = ticket.external_id.strip_prefix(OWN)?.parse().ok()?;
            (ordinal < super::opening::FIRST).then_some(ordinal)
        });
        Ok(ordinals.max().unwrap_or(0))
    }
}

fn is_unsolved(ticket: &intake::Ticket) -> bool {
    use lotse_proto::common::v1::TicketStatus::{Closed, Solved};
    !matches!(ticket.status(), Solved | Closed)
}

fn found(ticket: intake::Ticket) -> Found {
    Found {
        status: ticket.status(),
        ticket_id: ticket.id,
        language: ticket.language,
        agent: ticket.assignee_id,
    }
}

fn creation(case: &Case, request_id: String) -> intake::CreateTicketRequest {
    let customer = &case.customer;
    let language = customer.tongue.tag().to_owned();
    let profile = intake::RequesterProfile {
        external_id: format!("customer-{}", customer.number),
        email: format!("customer-{}@example.org", customer.number),
        name: customer.name.clone(),
        language: language.clone(),
        ..intake::RequesterProfile::default()
    };
    intake::CreateTicketRequest {
        request_id,
        requester: Some(Requester::RequesterProfile(profile)),
        subject: case.subject.clone(),
        body: case.body.clone(),
        channel: case.channel.into(),
        category: case.category.to_owned(),
        priority: case.priority.into(),
        language,
        external_id: format!("{OWN}{}", case.ordinal),
        ..intake::CreateTicketRequest::default()
    }
}

/// Whether another try may go better.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded
    )
}
