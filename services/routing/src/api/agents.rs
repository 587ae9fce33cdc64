//! `lotse.routing.v1.AgentService`.

use std::collections::BTreeSet;

use lotse_auth::Caller;
use lotse_errors::Violations;
use lotse_grpc::{caller, page};
use lotse_ids::AgentId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::agent_service_server::AgentService;
use tonic::{Request, Response, Status};

use super::{Api, channels, finish, parse, place, show};
use crate::app::Ref;
use crate::app::agents::{Field, Filter, WantedAgent};
use crate::app::presence::WantedPresence;
use crate::error::Error;

/// Most tickets at once.
const CAPACITY: u32 = 10_000;

/// What a caller may choose about an agent. With `fields` only these are looked at.
fn wanted(
    wrong: &mut Violations,
    agent: &proto::Agent,
    fields: Option<&BTreeSet<Field>>,
) -> WantedAgent {
    let proto::Agent {
        id: _,
        name,
        group_ids,
        tier,
        skills,
        languages,
        capacity,
        presence_never_expires,
        retired,
        presence: _,
        presence_since: _,
        presence_expires_at: _,
        load: _,
        last_assigned_at: _,
        version: _,
        etag: _,
        created_at: _,
        updated_at: _,
        channel_weights,
        channel_caps,
        channel_presences: _,
        channel_loads: _,
    } = agent;
    let looked_at = |field| fields.is_none_or(|fields| fields.contains(&field));
    let name = if looked_at(Field::Name) {
        parse::name(wrong, "agent.name", name, "agt")
    } else {
        String::new()
    };
    parse::at_most(wrong, "agent.group_ids", group_ids.len(), parse::list());
    let groups = group_ids.iter().enumerate().filter_map(|(at, group)| {
        parse::required_reference(wrong, &format!("agent.group_ids[{at}]"), group)
    });
    let groups = if looked_at(Field::Groups) {
        groups.collect()
    } else {
        Vec::new()
    };
    let skills = if looked_at(Field::Skills) {
        skills.as_slice()
    } else {
        &[]
    };
    wrong.require(
        "agent.capacity",
        *capacity <= CAPACITY,
        "must be at most 10,000",
    );
    WantedAgent {
        name,
        groups,
        tier: parse::tier(wrong, "agent.tier", *tier),
        skills: parse::skills(wrong, "agent.skills", skills, 128, None),
        languages: parse::languages(wrong, "agent.languages", languages, 32),
        capacity: *capacity,
        channel_weights: channels::weights(wrong, "agent.channel_weights", channel_weights),
        channel_caps: channels::caps(wrong, "agent.channel_caps", channel_caps),
        presence_never_expires: *presence_never_expires,
        retired: *retired,
    }
}

fn field(path: &str) -> Option<Field> {
    match path {
        "name" => Some(Field::Name),
        "group_ids" => Some(Field::Groups),
        "tier" => Some(Field::Tier),
        "skills" => Some(Field::Skills),
        "languages" => Some(Field::Languages),
        "capacity" => Some(Field::Capacity),
        "channel_weights" => Some(Field::ChannelWeights),
        "channel_caps" => Some(Field::ChannelCaps),
        "presence_never_expires" => Some(Field::PresenceNeverExpires),
        "retired" => Some(Field::Retired),
        _ => None,
    }
}

/// A caller acts for its own agent, or administers them.
pub(super) fn may_act(caller: &Caller, agent: &AgentId) -> Result<(), Error> {
    if !caller.has("routing.admin") {
        caller.require_agent(agent)?;
    }
    Ok(())
}

#[tonic::async_trait]
impl AgentService for Api {
    async fn create_agent(
        &self,
        request: Request<proto::CreateAgentRequest>,
    ) -> Result<Response<proto::CreateAgentResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::CreateAgentRequest { agent, request_id } = &request;
        let mut wrong = Violations::new();
        let wanted_agent = wrong.present("agent", agent.as_ref()).map(|agent| {
            wrong.require("agent.id", agent.id.is_empty(), "is chosen by the server");
            wanted(&mut wrong, agent, None)
        });
        let wanted = &finish(wrong, request_id, wanted_agent)?;
        self.command(
            &caller,
            "CreateAgent",
            request_id,
            &request,
            |tx| async move {
                let full = self.app.create_agent(&tx, wanted).await?;
                let agent = Some(show::agent(&full));
                Ok(proto::CreateAgentResponse { agent })
            },
        )
        .await
    }

    async fn put_agent(
        &self,
        request: Request<proto::PutAgentRequest>,
    ) -> Result<Response<proto::PutAgentResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::PutAgentRequest { agent, request_id } = &request;
        let mut wrong = Violations::new();
        let wish = wrong.present("agent", agent.as_ref()).map(|agent| {
            let id: Option<AgentId> = wrong.parse_optional("agent.id", &agent.id);
            (id, agent.etag.clone(), wanted(&mut wrong, agent, None))
        });
        let (id, etag, wanted) = &finish(wrong, request_id, wish)?;
        let response = self
            .command(&caller, "PutAgent", request_id, &request, |tx| async move {
                let put = self.app.put_agent(&tx, id.as_ref(), etag, wanted);
                let (full, outcome) = put.await?;
                Ok(proto::PutAgentResponse {
                    agent: Some(show::agent(&full)),
                    outcome: show::outcome(outcome),
                })
            })
            .await?;
        self.arm_presence(response.get_ref().agent.as_ref()).await?;
        Ok(response)
    }

    async fn get_agent(
        &self,
        request: Request<proto::GetAgentRequest>,
    ) -> Result<Response<proto::GetAgentResponse>, Status> {
        let proto::GetAgentRequest { id } = request.into_inner();
        let full = self.app.agent(&Ref::parse(&id)).await?;
        let agent = Some(show::agent(&full));
        Ok(Response::new(proto::GetAgentResponse { agent }))
    }

    async fn list_agents(
        &self,
        request: Request<proto::ListAgentsRequest>,
    ) -> Result<Response<proto::ListAgentsResponse>, Status> {
        let proto::ListAgentsRequest {
            group_id,
            presence,
            include_retired,
            page_size,
            page_token,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let group = wrong.parse_optional("group_id", &group_id);
        let wanted = parse::presence(&mut wrong, "presence", presence);
        wrong.finish().map_err(Error::from)?;
        let parts = [
            &group_id,
            &presence.to_string(),
            &include_retired.to_string(),
        ];
        let scope = page::Scope::new("ListAgents", &parts.map(String::as_str));
        let (after, size) = place(&scope, page_size, &page_token)?;
        let filter = Filter {
            group,
            presence: wanted,
            include_retired,
            after,
        };
        let (agents, next) = self.app.agents(&filter, size).await?;
        Ok(Response::new(proto::ListAgentsResponse {
            agents: agents.iter().map(show::agent).collect(),
            next_page_token: next.map(|last| scope.token(&[&last])).unwrap_or_default(),
        }))
    }

    async fn update_agent(
        &self,
        request: Request<proto::UpdateAgentRequest>,
    ) -> Result<Response<proto::UpdateAgentResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::UpdateAgentRequest {
            agent,
            update_mask,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let mut fields = BTreeSet::new();
        for path in update_mask.iter().flat_map(|mask| &mask.paths) {
            let known = wrong.present(&format!("update_mask.{path}"), field(path));
            fields.extend(known);
        }
        let empty = update_mask
            .as_ref()
            .is_none_or(|mask| mask.paths.is_empty());
        wrong.require("update_mask", !empty, "must name the fields to change");
        let wish = wrong.present("agent", agent.as_ref()).and_then(|agent| {
            let wanted = wanted(&mut wrong, agent, Some(&fields));
            let id: Option<AgentId> = wrong.parse("agent.id", &agent.id);
            Some((id?, agent.etag.clone(), wanted))
        });
        let (id, etag, wanted) = &finish(wrong, request_id, wish)?;
        let fields = &fields;
        let response = self
            .command(
                &caller,
                "UpdateAgent",
                request_id,
                &request,
                |tx| async move {
                    let full = self.app.update_agent(&tx, id, etag, fields, wanted).await?;
                    let agent = Some(show::agent(&full));
                    Ok(proto::UpdateAgentResponse { agent })
                },
            )
            .await?;
        self.arm_presence(response.get_ref().agent.as_ref()).await?;
        Ok(response)
    }

    async fn set_presence(
        &self,
        request: Request<proto::SetPresenceRequest>,
    ) -> Result<Response<proto::SetPresenceResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::SetPresenceRequest {
            agent_id,
            presence,
            request_id,
            channels: by_channel,
        } = &request;
        let mut wrong = Violations::new();
        let id: Option<AgentId> = wrong.parse("agent_id", agent_id);
        let overall = channels::chosen_presence(&mut wrong, "presence", *presence);
        if by_channel.is_empty() {
            wrong.present("presence", overall);
        }
        let wanted = WantedPresence {
            overall,
            channels: channels::presences(&mut wrong, "channels", by_channel),
        };
        let id = finish(wrong, request_id, id)?;
        may_act(&caller, &id)?;
        let (agent, wanted) = (&id, &wanted);
        let response = self
            .command(
                &caller,
                "SetPresence",
                request_id,
                &request,
                |tx| async move {
                    let full = self.app.set_presence(&tx, agent, wanted).await?;
                    let agent = Some(show::agent(&full));
                    Ok(proto::SetPresenceResponse { agent })
                },
            )
            .await?;
        self.arm_presence(response.get_ref().agent.as_ref()).await?;
        Ok(response)
    }

    async fn heartbeat(
        &self,
        request: Request<proto::HeartbeatRequest>,
    ) -> Result<Response<proto::HeartbeatResponse>, Status> {
        let caller = caller(&request);
        let proto::HeartbeatRequest { agent_id } = request.into_inner();
        let mut wrong = Violations::new();
        let id: Option<AgentId> = wrong.parse("agent_id", &agent_id);
        let id = wrong.finish_with(id).map_err(Error::from)?;
        may_act(&caller, &id)?;
        let full = self.app.heartbeat(&id).await?;
        Ok(Response::new(proto::HeartbeatResponse {
            presence: show::presence(full.seat.presence()),
            presence_expires_at: show::time(full.presence_due_at),
        }))
    }
}

impl Api {
    /// After a command that may have set a presence: arms its timer, and lets the dispatcher look.
    async fn arm_presence(&self, agent: Option<&proto::Agent>) -> Result<(), Error> {
        if let Some(id) = agent.and_then(|agent| agent.id.parse::<AgentId>().ok()) {
            self.app.arm_presence(&id).await?;
        }
        self.app.changed().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lotse_auth::Scopes;
    use lotse_clock::Timestamp;
    use lotse_errors::ErrorReason;

    use super::*;

    #[test]
    fn a_caller_acts_for_its_own_agent_or_administers_all() {
        let [own, other] = [(); 2].map(|()| AgentId::generate(Timestamp::EPOCH));
        let agent = Caller {
            agent_id: Some(own.clone()),
            ..Caller::nobody()
        };
        assert!(may_act(&agent, &own).is_ok());
        let refused: lotse_errors::Error = may_act(&agent, &other).unwrap_err().into();
        assert_eq!(refused.reason(), ErrorReason::NotYourAgent);
        let scopes = Scopes::These(Arc::new(["routing.admin".to_owned()].into()));
        let admin = Caller { scopes, ..agent };
        assert!(may_act(&admin, &other).is_ok());
    }
}
