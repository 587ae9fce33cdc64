//! Names of agents and groups, numbers and subjects of tickets, by their ids.

use std::collections::HashMap;

use lotse_client::Channel;
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::{GetTicketRequest, Ticket};
use lotse_proto::routing::v1::GetQueueStateResponse;
use tonic::{Code, Status};

/// Tickets kept at most; then all but those of the present queue are asked for anew.
const KEPT: usize = 4_096;

/// What is called how. It is filled by every look at routing and at the queue.
#[derive(Debug, Default)]
pub(crate) struct Names {
    agents: HashMap<String, String>,
    groups: HashMap<String, String>,
    /// None for a ticket that intake does not know.
    tickets: HashMap<String, Option<Title>>,
}

/// What a ticket is called.
#[derive(Debug)]
struct Title {
    number: u64,
    subject: String,
}

impl Names {
    /// Takes over what routing says.
    pub(crate) fn learn(&mut self, board: &GetQueueStateResponse) {
        let agents = board.agents.iter();
        self.agents
            .extend(agents.map(|agent| (agent.agent_id.clone(), agent.name.clone())));
        let groups = board.groups.iter();
        self.groups
            .extend(groups.map(|group| (group.group_id.clone(), group.name.clone())));
    }

    /// Takes over what is known of tickets anyway.
    pub(crate) fn learn_tickets(&mut self, tickets: &[Ticket]) {
        if self.tickets.len() > KEPT {
            self.tickets.clear();
        }
        for ticket in tickets {
            self.tickets.insert(ticket.id.clone(), Some(title(ticket)));
        }
    }

    /// Asks intake for the tickets of `ids` that are not known yet.
    pub(crate) async fn look_up(
        &mut self,
        intake: &Channel,
        ids: impl Iterator<Item = &str>,
    ) -> Result<(), Status> {
        let mut client = TicketServiceClient::new(intake.clone());
        for id in ids.filter(|id| !id.is_empty()) {
            if self.tickets.contains_key(id) {
                continue;
            }
            let by = Some(By::TicketId(id.to_owned()));
            let found = match client.get_ticket(GetTicketRequest { by }).await {
                Ok(response) => response.into_inner().ticket.as_ref().map(title),
                Err(status) if status.code() == Code::NotFound => None,
                Err(status) => return Err(status),
            };
            self.tickets.insert(id.to_owned(), found);
        }
        Ok(())
    }

    /// The agent's name; the id while it is not known, none for no agent.
    pub(crate) fn agent(&self, id: &str) -> Option<String> {
        called(&self.agents, id)
    }

    /// The group's name; the id while it is not known, none for no group.
    pub(crate) fn group(&self, id: &str) -> Option<String> {
        called(&self.groups, id)
    }

    /// The ticket's number, if it is known.
    pub(crate) fn number(&self, id: &str) -> Option<u64> {
        Some(self.title(id)?.number)
    }

    /// The ticket's subject, if it is known.
    pub(crate) fn subject(&self, id: &str) -> Option<String> {
        Some(self.title(id)?.subject.clone())
    }

    fn title(&self, id: &str) -> Option<&Title> {
        self.tickets.get(id)?.as_ref()
    }
}

fn title(ticket: &Ticket) -> Title {
    Title {
        number: ticket.number,
        subject: ticket.subject.clone(),
    }
}

fn called(names: &HashMap<String, String>, id: &str) -> Option<String> {
    let name = names.get(id).filter(|name| !name.is_empty());
    (!id.is_empty()).then(|| name.map_or(id, String::as_str).to_owned())
}
