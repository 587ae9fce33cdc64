//! Names of agents and groups, and numbers of tickets, by their ids.

use std::collections::HashMap;

use lotse_client::Channel;
use lotse_proto::intake::v1::GetTicketRequest;
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::routing::v1::GetQueueStateResponse;
use tonic::{Code, Status};

/// Numbers kept at most; then all but those of the present queue are asked for anew.
const KEPT: usize = 4_096;

/// What is called how. It is filled by every look at routing and at the queue.
#[derive(Debug, Default)]
pub(crate) struct Names {
    agents: HashMap<String, String>,
    groups: HashMap<String, String>,
    /// None for a ticket that intake does not know.
    numbers: HashMap<String, Option<u64>>,
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

    /// Takes over numbers that are known anyway.
    pub(crate) fn number_all<'a>(&mut self, numbers: impl Iterator<Item = (&'a str, u64)>) {
        if self.numbers.len() > KEPT {
            self.numbers.clear();
        }
        for (id, number) in numbers {
            if !self.numbers.contains_key(id) {
                self.numbers.insert(id.to_owned(), Some(number));
            }
        }
    }

    /// Asks intake for the numbers of `ids` that are not known yet.
    pub(crate) async fn look_up(
        &mut self,
        intake: &Channel,
        ids: impl Iterator<Item = &str>,
    ) -> Result<(), Status> {
        let mut client = TicketServiceClient::new(intake.clone());
        for id in ids.filter(|id| !id.is_empty()) {
            if self.numbers.contains_key(id) {
                continue;
            }
            let by = Some(By::TicketId(id.to_owned()));
            let number = match client.get_ticket(GetTicketRequest { by }).await {
                Ok(response) => response.into_inner().ticket.map(|ticket| ticket.number),
                Err(status) if status.code() == Code::NotFound => None,
                Err(status) => return Err(status),
            };
            self.numbers.insert(id.to_owned(), number);
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
        self.numbers.get(id).copied().flatten()
    }
}

fn called(names: &HashMap<String, String>, id: &str) -> Option<String> {
    let name = names.get(id).filter(|name| !name.is_empty());
    (!id.is_empty()).then(|| name.map_or(id, String::as_str).to_owned())
}
