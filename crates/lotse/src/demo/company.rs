//! The company of the demo: Kestrel Bikes sells electric bicycles. Its teams, promises and surveys,
//! put in place through the API.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_client::Channel;
use lotse_proto::common::v1::{self as common, Priority, SlaMetric, SurveyKind};
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{self as routing, LanguageLevel, Presence, SkillLevel};
use lotse_proto::sla::v1 as sla;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::survey::v1 as survey;
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_proto::time::duration_to_proto;

use super::dice::minutes;
use super::people::Team::{self, Care, Specialists};
use super::people::{PEOPLE, Person, SKILLS};
use super::texts::Topic;

/// How long after the solution a satisfaction survey is sent, in minutes. Real teams wait a day;
/// nobody watches a demo for that long.
pub(crate) const CSAT_DELAY: f64 = 10.0;

/// Ids of what was put in place.
pub(crate) struct Company {
    teams: BTreeMap<Team, String>,
    surveys: BTreeMap<i32, String>,
}

impl Company {
    /// Puts everything in place and everybody online. Repeating it changes nothing.
    pub(crate) async fn put(channel: &Channel) -> Result<Self> {
        let mut workflow = WorkflowServiceClient::new(channel.clone());
        for (name, description) in SKILLS {
            let skill = routing::Skill {
                name: name.to_owned(),
                description: description.to_owned(),
                ..routing::Skill::default()
            };
            let request = routing::PutSkillRequest {
                skill: Some(skill),
                ..routing::PutSkillRequest::default()
            };
            workflow.put_skill(request).await?;
        }
        let mut teams = BTreeMap::new();
        for team in Team::ALL {
            let request = routing::PutGroupRequest {
                group: Some(group(team)),
                ..routing::PutGroupRequest::default()
            };
            let group = workflow.put_group(request).await?.into_inner().group;
            teams.insert(team, group.context("no group came back")?.id);
        }
        let request = routing::PutWorkflowRequest {
            workflow: Some(rules()),
            ..routing::PutWorkflowRequest::default()
        };
        workflow.put_workflow(request).await?;
        let mut agents = AgentServiceClient::new(channel.clone());
        for person in &PEOPLE {
            hire(&mut agents, person).await?;
        }
        let mut promises = SlaServiceClient::new(channel.clone());
        for policy in policies() {
            let request = sla::PutPolicyRequest {
                policy: Some(policy),
                ..sla::PutPolicyRequest::default()
            };
            promises.put_policy(request).await?;
        }
        let mut surveys = BTreeMap::new();
        let mut asking = SurveyServiceClient::new(channel.clone());
        for survey in questions() {
            let kind = survey.kind;
            let request = survey::PutSurveyRequest {
                survey: Some(survey),
                ..survey::PutSurveyRequest::default()
            };
            let survey = asking.put_survey(request).await?.into_inner().survey;
            surveys.insert(kind, survey.context("no survey came back")?.id);
        }
        Ok(Self { teams, surveys })
    }

    /// The group's id.
    pub(crate) fn team(&self, team: Team) -> String {
        self.teams.get(&team).cloned().unwrap_or_default()
    }

    /// The survey's id.
    pub(crate) fn survey(&self, kind: SurveyKind) -> String {
        self.surveys
            .get(&i32::from(kind))
            .cloned()
            .unwrap_or_default()
    }
}

fn group(team: Team) -> routing::Group {
    let escalates_to = if team == Specialists {
        ""
    } else {
        Specialists.name()
    };
    routing::Group {
        name: team.name().to_owned(),
        tier: team.tier(),
        required_skills: team.skill().into_iter().map(skill_level).collect(),
        escalation_group_id: escalates_to.to_owned(),
        ..routing::Group::default()
    }
}

fn skill_level((skill, level): (&str, u32)) -> SkillLevel {
    SkillLevel {
        skill: skill.to_owned(),
        level,
    }
}

fn rules() -> routing::Workflow {
    let rule = |topic: Topic| routing::WorkflowRule {
        name: format!("about {}", topic.category()),
        group_id: Team::of(topic).name().to_owned(),
        categories: vec![topic.category().to_owned()],
        ..routing::WorkflowRule::default()
    };
    routing::Workflow {
        rules: vec![rule(Topic::Billing), rule(Topic::Product)],
        default_group_id: Care.name().to_owned(),
        ..routing::Workflow::default()
    }
}

async fn hire(agents: &mut AgentServiceClient<Channel>, person: &Person) -> Result<()> {
    let language = |(language, level): &(&str, u32)| LanguageLevel {
        language: (*language).to_owned(),
        level: *level,
    };
    let agent = routing::Agent {
        name: person.name.to_owned(),
        group_ids: person
            .teams
            .iter()
            .map(|team| team.name().to_owned())
            .collect(),
        tier: person
            .teams
            .iter()
            .map(|team| team.tier())
            .max()
            .unwrap_or(1),
        skills: person.skills.iter().copied().map(skill_level).collect(),
        languages: person.languages.iter().map(language).collect(),
        capacity: person.capacity,
        presence_never_expires: true,
        ..routing::Agent::default()
    };
    let request = routing::PutAgentRequest {
        agent: Some(agent),
        ..routing::PutAgentRequest::default()
    };
    let agent = agents.put_agent(request).await?.into_inner().agent;
    let request = routing::SetPresenceRequest {
        agent_id: agent.context("no agent came back")?.id,
        presence: Presence::Online.into(),
        ..routing::SetPresenceRequest::default()
    };
    agents.set_presence(request).await?;
    Ok(())
}

/// Two policies: who calls or chats waits on the line, who writes does not.
fn policies() -> [sla::Policy; 2] {
    use Priority::{High, Low, Unspecified, Urgent};
    use SlaMetric::{FirstReply, Idle, NextReply, RequesterWait, TotalResolution};
    let live = [
        target(FirstReply, Unspecified, 20.0),
        target(Idle, Unspecified, 60.0),
        target(RequesterWait, Unspecified, 240.0),
    ];
    let written = [
        target(FirstReply, Urgent, 30.0),
        target(FirstReply, High, 60.0),
        target(FirstReply, Low, 240.0),
        target(FirstReply, Unspecified, 120.0),
        target(NextReply, Unspecified, 180.0),
        target(Idle, Urgent, 45.0),
        target(Idle, High, 60.0),
        target(Idle, Unspecified, 120.0),
        target(RequesterWait, Unspecified, 480.0),
        target(TotalResolution, Unspecified, 1_440.0),
    ];
    [
        sla::Policy {
            name: "Somebody is on the line".to_owned(),
            position: 1,
            conditions: Some(sla::PolicyConditions {
                channels: vec![common::Channel::Chat.into(), common::Channel::Phone.into()],
                ..sla::PolicyConditions::default()
            }),
            targets: live.to_vec(),
            ..sla::Policy::default()
        },
        sla::Policy {
            name: "Written requests".to_owned(),
            position: 2,
            targets: written.to_vec(),
            ..sla::Policy::default()
        },
    ]
}

fn target(metric: SlaMetric, priority: Priority, span: f64) -> sla::Target {
    sla::Target {
        metric: metric.into(),
        priority: priority.into(),
        target: Some(duration_to_proto(minutes(span))),
        calendar_id: String::new(),
    }
}

fn questions() -> [survey::Survey; 3] {
    let survey = |name: &str, kind: SurveyKind, trigger: Trigger, delay: Duration| survey::Survey {
        name: name.to_owned(),
        kind: kind.into(),
        trigger: trigger.into(),
        delay: Some(duration_to_proto(delay)),
        ask_resolved_first_contact: kind == SurveyKind::Csat,
        active: true,
        ..survey::Survey::default()
    };
    [
        survey(
            "How did we do?",
            SurveyKind::Csat,
            Trigger::Solved,
            minutes(CSAT_DELAY),
        ),
        survey(
            "How easy was it?",
            SurveyKind::Ces,
            Trigger::Manual,
            Duration::ZERO,
        ),
        survey(
            "Would you recommend us?",
            SurveyKind::Nps,
            Trigger::Manual,
            Duration::ZERO,
        ),
    ]
}
