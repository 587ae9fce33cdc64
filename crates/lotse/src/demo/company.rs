//! The company of the demo: Kestrel Bikes sells electric bicycles. Its teams, promises and surveys,
//! put in place through the API.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_client::Channel;
use lotse_proto::common::v1::{self as common, Priority, SlaMetric, SurveyKind};
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::duty_service_client::DutyServiceClient;
use lotse_proto::routing::v1::rota_layer::Plan;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{self as routing, LanguageLevel, Presence, SkillLevel};
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::sla::v1::{self as sla, EscalationTargetKind};
use lotse_proto::survey::v1 as survey;
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_proto::time::duration_to_proto;
use tonic::Code;

use super::dice::minutes;
use super::people::Team::{self, Care, Specialists};
use super::people::{PEOPLE, Person, SKILLS};
use super::texts::Topic;

/// How long after the solution a satisfaction survey is sent, in minutes. Real teams wait a day;
/// nobody watches a demo for that long.
pub(crate) const CSAT_DELAY: f64 = 10.0;

/// Who is told of a ticket that nobody has touched for too long.
const UNTOUCHED: &str = "Untouched";

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
            let group = found(&mut workflow, team).await?;
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
        for team in Team::ALL {
            workflow.put_group(put(group(team))).await?;
        }
        let mut duty = DutyServiceClient::new(channel.clone());
        let request = routing::PutRotaRequest {
            rota: Some(rota()),
            ..routing::PutRotaRequest::default()
        };
        duty.put_rota(request).await?;
        let mut alerts = AlertServiceClient::new(channel.clone());
        let request = sla::PutEscalationPolicyRequest {
            escalation_policy: Some(escalation()),
            ..sla::PutEscalationPolicyRequest::default()
        };
        alerts.put_escalation_policy(request).await?;
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

/// Makes a team, led by whom it will be led by if there is somebody of that name yet.
async fn found(
    workflow: &mut WorkflowServiceClient<Channel>,
    team: Team,
) -> Result<Option<routing::Group>> {
    let response = match workflow.put_group(put(group(team))).await {
        Err(status) if status.code() == Code::NotFound => {
            let leaderless = routing::Group {
                lead_agent_id: String::new(),
                ..group(team)
            };
            workflow.put_group(put(leaderless)).await?
        }
        other => other?,
    };
    Ok(response.into_inner().group)
}

fn put(group: routing::Group) -> routing::PutGroupRequest {
    routing::PutGroupRequest {
        group: Some(group),
        ..routing::PutGroupRequest::default()
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
        lead_agent_id: team.lead().to_owned(),
        escalation_group_id: escalates_to.to_owned(),
        handling: Some(routing::GroupHandling {
            // Nobody waits for long, and no offer runs out between two looks at a fast clock.
            offer_timeout: Some(duration_to_proto(minutes(2.0))),
            ..routing::GroupHandling::default()
        }),
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

/// Who looks after what everybody else has left lying, a day at a time. The other teams have no
/// rota: of those whoever is there is on duty.
fn rota() -> routing::Rota {
    let people = PEOPLE.iter().filter(|person| person.teams.contains(&Care));
    let rotation = routing::Rotation {
        agent_ids: people.map(|person| person.name.to_owned()).collect(),
        unit: routing::RotationUnit::Days.into(),
        hand_over_at: "08:00".to_owned(),
        starts_on: "2026-01-05".to_owned(),
        ..routing::Rotation::default()
    };
    routing::Rota {
        name: "Care on duty".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        group_id: Care.name().to_owned(),
        layers: vec![routing::RotaLayer {
            name: "Ticket handler".to_owned(),
            plan: Some(Plan::Rotation(rotation)),
            hours: Vec::new(),
            shadow: None,
        }],
        ..routing::Rota::default()
    }
}

/// Untouched for too long: whoever has the ticket is told, then somebody else of the team, then its
/// lead.
fn escalation() -> sla::EscalationPolicy {
    use EscalationTargetKind::{GroupLead, Team, TicketAgent};
    let level = |after: f64, kind: EscalationTargetKind| sla::EscalationLevel {
        delay: Some(duration_to_proto(minutes(after))),
        targets: vec![sla::EscalationTarget {
            kind: kind.into(),
            ..sla::EscalationTarget::default()
        }],
    };
    sla::EscalationPolicy {
        name: UNTOUCHED.to_owned(),
        levels: vec![
            level(0.0, TicketAgent),
            level(15.0, Team),
            level(30.0, GroupLead),
        ],
        acknowledgement_timeout: Some(duration_to_proto(minutes(90.0))),
        ..sla::EscalationPolicy::default()
    }
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
    let alarm = sla::Reaction {
        metric: Idle.into(),
        escalation_policy_id: UNTOUCHED.to_owned(),
        ..sla::Reaction::default()
    };
    [
        sla::Policy {
            name: "Somebody is on the line".to_owned(),
            position: 1,
            conditions: Some(sla::PolicyConditions {
                channels: vec![common::Channel::Chat.into(), common::Channel::Phone.into()],
                ..sla::PolicyConditions::default()
            }),
            targets: live.to_vec(),
            reactions: vec![alarm.clone()],
            ..sla::Policy::default()
        },
        sla::Policy {
            name: "Written requests".to_owned(),
            position: 2,
            targets: written.to_vec(),
            reactions: vec![alarm],
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
