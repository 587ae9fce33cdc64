//! The desk that is checked: groups, skills, languages and agents, configured through the API.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_client::Channel;
use lotse_proto::common::v1 as common;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::time::duration_to_proto;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

pub(super) const SKILLS: [&str; 6] = ["network", "mail", "printing", "accounts", "billing", "vpn"];
pub(super) const LANGUAGES: [&str; 4] = ["en", "de", "fr", "pt"];

/// How long an offer waits for an answer.
const OFFER: Duration = Duration::from_secs(3);

/// Clients of the service, and who works there.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) routing: RoutingServiceClient<Channel>,
    pub(super) agents: AgentServiceClient<Channel>,
    /// Ids.
    pub(super) people: Vec<String>,
    /// Ids.
    pub(super) groups: Vec<String>,
    /// The most that chats may take, in thousandths of a ticket, of those who have a cap.
    pub(super) chat_caps: HashMap<String, i64>,
}

impl Desk {
    /// Configures `groups` groups and `people` agents, all online.
    pub(super) async fn open(
        channel: Channel,
        groups: usize,
        people: usize,
        dice: &mut StdRng,
    ) -> Result<Self> {
        let mut workflows = WorkflowServiceClient::new(channel.clone());
        let mut agents = AgentServiceClient::new(channel.clone());
        for skill in SKILLS {
            let skill = proto::Skill {
                name: skill.to_owned(),
                ..proto::Skill::default()
            };
            let request = proto::PutSkillRequest {
                skill: Some(skill),
                request_id: String::new(),
            };
            workflows.put_skill(request).await?;
        }
        let mut desk = Self {
            routing: RoutingServiceClient::new(channel),
            agents: agents.clone(),
            people: Vec::new(),
            groups: Vec::new(),
            chat_caps: HashMap::new(),
        };
        for number in 0..groups {
            let wrap_up = Duration::from_millis(dice.random_range(0..=1) * 500);
            let handling = proto::GroupHandling {
                offer_timeout: Some(duration_to_proto(OFFER)),
                wrap_up: Some(duration_to_proto(wrap_up)),
                ..proto::GroupHandling::default()
            };
            let group = proto::Group {
                name: format!("group {number}"),
                handling: Some(handling),
                ..proto::Group::default()
            };
            let request = proto::PutGroupRequest {
                group: Some(group),
                request_id: String::new(),
            };
            let group = workflows.put_group(request).await?.into_inner().group;
            desk.groups.push(group.context("a group")?.id);
        }
        let workflow = proto::Workflow {
            default_group_id: desk.groups.first().context("no group")?.clone(),
            ..proto::Workflow::default()
        };
        let request = proto::PutWorkflowRequest {
            workflow: Some(workflow),
            request_id: String::new(),
        };
        workflows.put_workflow(request).await?;
        for number in 0..people {
            let somebody = desk.somebody(number, dice);
            let cap = somebody.channel_caps.first().map(|cap| cap.tickets);
            let request = proto::CreateAgentRequest {
                agent: Some(somebody),
                request_id: String::new(),
            };
            let agent = agents.create_agent(request).await?.into_inner().agent;
            let id = agent.context("an agent")?.id;
            desk.presence(&id, proto::Presence::Online).await?;
            desk.chat_caps
                .extend(cap.map(|cap| (id.clone(), i64::from(cap) * 1_000)));
            desk.people.push(id);
        }
        Ok(desk)
    }

    /// Says whether an agent takes new work.
    pub(super) async fn presence(&self, agent: &str, presence: proto::Presence) -> Result<()> {
        let request = proto::SetPresenceRequest {
            agent_id: agent.to_owned(),
            presence: presence.into(),
            ..proto::SetPresenceRequest::default()
        };
        self.agents.clone().set_presence(request).await?;
        Ok(())
    }

    /// One to three groups, some skills, one or two languages, room for one to six.
    fn somebody(&self, number: usize, dice: &mut StdRng) -> proto::Agent {
        let group_count = dice.random_range(1..=3).min(self.groups.len());
        let skill_count = dice.random_range(1..=4);
        let language_count = dice.random_range(1..=2);
        let capacity: u32 = dice.random_range(1..=6);
        let cap = dice.random_bool(0.5).then(|| proto::ChannelCap {
            channel: common::Channel::Chat.into(),
            tickets: capacity.div_ceil(2),
        });
        let level = |dice: &mut StdRng| dice.random_range(1..=5);
        proto::Agent {
            name: format!("agent {number}"),
            group_ids: self.groups.sample(dice, group_count).cloned().collect(),
            skills: SKILLS
                .sample(dice, skill_count)
                .map(|skill| (*skill).to_owned())
                .collect::<Vec<_>>()
                .into_iter()
                .map(|skill| proto::SkillLevel {
                    skill,
                    level: level(dice),
                })
                .collect(),
            languages: LANGUAGES
                .sample(dice, language_count)
                .map(|language| (*language).to_owned())
                .collect::<Vec<_>>()
                .into_iter()
                .map(|language| proto::LanguageLevel {
                    language,
                    level: level(dice),
                })
                .collect(),
            capacity,
            channel_caps: cap.into_iter().collect(),
            presence_never_expires: true,
            ..proto::Agent::default()
        }
    }
}
