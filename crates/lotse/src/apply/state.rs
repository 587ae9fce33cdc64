//! What there is, read through the API into the same shape as what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_client::Channel;
use lotse_proto::routing::v1::agent_service_client::AgentServiceClient;
use lotse_proto::routing::v1::coverage_service_client::CoverageServiceClient;
use lotse_proto::routing::v1::duty_service_client::DutyServiceClient;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{
    self as routing, GetCoverageRequirementsRequest, GetWorkflowRequest, ListAgentsRequest,
    ListCoversRequest, ListGroupsRequest, ListRotasRequest, ListShiftPlansRequest,
    ListSkillsRequest,
};
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::sla::v1::{
    ListCalendarsRequest, ListEscalationPoliciesRequest, ListNotificationTargetsRequest,
    ListPoliciesRequest,
};
use lotse_proto::survey::v1 as survey;
use lotse_proto::survey::v1::ListSurveysRequest;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_proto::time::duration_from_proto;
use tonic::Code;

use super::coverage::{self, Cover, Coverage, ShiftPlan};
use super::escalations::{self, Escalation, Ids};
use super::handling;
use super::promises::{known_calendar, known_policy};
use super::read::Kind;
use super::rotas;
use super::spec::{Agent, Calendar, Group, NotificationTarget, Policy, Rota, Skill, Spec, Survey};
use super::targets;
use super::words::{SURVEYS, TRIGGERS};
use super::workflows::{self, Workflow};

/// Services answer at most so many at once.
const PAGE: i32 = 1_000;

/// Clients of the services that keep configuration.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) workflow: WorkflowServiceClient<Channel>,
    pub(crate) agents: AgentServiceClient<Channel>,
    pub(crate) duty: DutyServiceClient<Channel>,
    pub(crate) coverage: CoverageServiceClient<Channel>,
    pub(crate) sla: SlaServiceClient<Channel>,
    pub(crate) alerts: AlertServiceClient<Channel>,
    pub(crate) surveys: SurveyServiceClient<Channel>,
}

impl Clients {
    pub(crate) fn new(channel: &Channel) -> Self {
        Self {
            workflow: WorkflowServiceClient::new(channel.clone()),
            agents: AgentServiceClient::new(channel.clone()),
            duty: DutyServiceClient::new(channel.clone()),
            coverage: CoverageServiceClient::new(channel.clone()),
            sla: SlaServiceClient::new(channel.clone()),
            alerts: AlertServiceClient::new(channel.clone()),
            surveys: SurveyServiceClient::new(channel.clone()),
        }
    }
}

/// A resource that is there.
pub(crate) struct Known<T> {
    pub(crate) etag: String,
    pub(crate) is: T,
}

/// All that is there, by name.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) skills: BTreeMap<String, Known<Skill>>,
    pub(crate) groups: BTreeMap<String, Known<Group>>,
    pub(crate) ids: Ids,
    pub(crate) agents: BTreeMap<String, Known<Agent>>,
    pub(crate) workflow: Option<Known<Workflow>>,
    pub(crate) rotas: BTreeMap<String, Known<Rota>>,
    pub(crate) shift_plans: BTreeMap<String, Known<ShiftPlan>>,
    pub(crate) coverage: BTreeMap<String, Known<Coverage>>,
    pub(crate) covers: BTreeMap<String, Known<Cover>>,
    /// The ids of covers.
    pub(crate) cover_ids: BTreeMap<String, String>,
    pub(crate) calendars: BTreeMap<String, Known<Calendar>>,
    pub(crate) escalations: BTreeMap<String, Known<Escalation>>,
    pub(crate) policies: BTreeMap<String, Known<Policy>>,
    pub(crate) notification_targets: BTreeMap<String, Known<NotificationTarget>>,
    pub(crate) surveys: BTreeMap<String, Known<Survey>>,
}

/// All pages of a list.
macro_rules! all {
    ($client:expr, $method:ident, $request:ident { $($field:ident: $value:expr),* }, $items:ident) => {{
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = $request { page_size: PAGE, page_token, $($field: $value,)* };
            let page = $client.clone().$method(request).await?.into_inner();
            all.extend(page.$items);
            if page.next_page_token.is_empty() {
                break all;
            }
            page_token = page.next_page_token;
        }
    }};
}

impl State {
    /// Reads everything, as far as `spec` may be about it.
    pub(crate) async fn fetch(clients: &Clients, spec: &Spec) -> Result<Self> {
        let mut state = Self::default();
        for skill in all!(clients.workflow, list_skills, ListSkillsRequest {}, skills) {
            let is = Skill {
                name: skill.name,
                description: skill.description,
            };
            state.skills.insert(
                is.name.clone(),
                Known {
                    etag: skill.etag,
                    is,
                },
            );
        }
        let groups = all!(clients.workflow, list_groups, ListGroupsRequest {}, groups);
        let request = ListAgentsRequest {
            include_retired: true,
            page_size: PAGE,
            ..ListAgentsRequest::default()
        };
        let agents = agents(clients, request).await?;
        let of_groups = groups
            .iter()
            .map(|group| (group.id.clone(), group.name.clone()));
        let of_agents = agents
            .iter()
            .map(|agent| (agent.id.clone(), agent.name.clone()));
        let names: BTreeMap<String, String> = of_groups.chain(of_agents).collect();
        for group in groups {
            let (name, id) = (group.name.clone(), group.id.clone());
            state.ids.groups.insert(name, id);
            state
                .groups
                .insert(group.name.clone(), known_group(group, &names)?);
        }
        for agent in agents {
            let (name, id) = (agent.name.clone(), agent.id.clone());
            state.ids.agents.insert(name, id);
            state
                .agents
                .insert(agent.name.clone(), known_agent(agent, &names));
        }
        let workflow = clients
            .workflow
            .clone()
            .get_workflow(GetWorkflowRequest::default())
            .await;
        state.workflow = match workflow {
            Ok(response) => response
                .into_inner()
                .workflow
                .map(|one| workflows::known(one, &names)),
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => return Err(status.into()),
        };
        let mut rota_names = BTreeMap::new();
        for rota in all!(clients.duty, list_rotas, ListRotasRequest {}, rotas) {
            let name = rota.name.clone();
            state.ids.rotas.insert(name.clone(), rota.id.clone());
            rota_names.insert(rota.id.clone(), name.clone());
            state.rotas.insert(name, rotas::known(rota, &names));
        }
        state.fetch_coverage(clients, spec, &names).await?;
        let calendars = all!(
            clients.sla,
            list_calendars,
            ListCalendarsRequest {},
            calendars
        );
        let mut names = names;
        names.extend(rota_names);
        for calendar in calendars {
            names.insert(calendar.id.clone(), calendar.name.clone());
            state
                .calendars
                .insert(calendar.name.clone(), known_calendar(calendar));
        }
        let notification_targets = all!(
            clients.alerts,
            list_notification_targets,
            ListNotificationTargetsRequest {},
            notification_targets
        );
        for target in notification_targets {
            names.insert(target.id.clone(), target.name.clone());
            state
                .notification_targets
                .insert(target.name.clone(), targets::known(target));
        }
        state.fetch_escalations(clients, &mut names).await?;
        for policy in all!(clients.sla, list_policies, ListPoliciesRequest {}, policies) {
            let name = policy.name.clone();
            state.policies.insert(name, known_policy(policy, &names)?);
        }
        let surveys = clients
            .surveys
            .clone()
            .list_surveys(ListSurveysRequest {})
            .await?;
        for survey in surveys.into_inner().surveys {
            state
                .surveys
                .insert(survey.name.clone(), known_survey(survey)?);
        }
        Ok(state)
    }

    /// Reads shifts and covers, and how many must be there of the groups that the file tells.
    async fn fetch_coverage(
        &mut self,
        clients: &Clients,
        spec: &Spec,
        names: &BTreeMap<String, String>,
    ) -> Result<()> {
        let client = &clients.coverage;
        for plan in all!(
            client,
            list_shift_plans,
            ListShiftPlansRequest {},
            shift_plans
        ) {
            let known = coverage::known_plan(plan, names);
            self.shift_plans.insert(known.is.agent.clone(), known);
        }
        // Also those that are over: a file may still tell of them.
        let covers = all!(
            client,
            list_covers,
            ListCoversRequest {
                group_id: String::new(),
                ends_after: None
            },
            covers
        );
        for cover in covers {
            let id = cover.id.clone();
            let known = coverage::known_cover(cover, names);
            self.cover_ids.insert(known.is.name.clone(), id);
            self.covers.insert(known.is.name.clone(), known);
        }
        let told = spec.coverage.iter().map(|wanted| &wanted.group);
        for group_id in told.filter_map(|group| self.ids.groups.get(group)) {
            let request = GetCoverageRequirementsRequest {
                group_id: group_id.clone(),
            };
            let found = match client.clone().get_coverage_requirements(request).await {
                Ok(response) => response.into_inner().requirements,
                Err(status) if status.code() == Code::NotFound => None,
                Err(status) => return Err(status.into()),
            };
            if let Some(found) = found {
                let known = coverage::known_coverage(found, names);
                self.coverage.insert(known.is.group.clone(), known);
            }
        }
        Ok(())
    }

    /// Reads escalation policies, and who and what else they name.
    async fn fetch_escalations(
        &mut self,
        clients: &Clients,
        names: &mut BTreeMap<String, String>,
    ) -> Result<()> {
        let policies = all!(
            clients.alerts,
            list_escalation_policies,
            ListEscalationPoliciesRequest {},
            escalation_policies
        );
        for policy in policies {
            names.insert(policy.id.clone(), policy.name.clone());
            let etag = policy.etag.clone();
            let is = escalations::known(policy, names)?;
            self.escalations.insert(is.name.clone(), Known { etag, is });
        }
        Ok(())
    }

    /// Whether there is one of that name.
    pub(crate) fn has(&self, kind: Kind, name: &str) -> bool {
        match kind {
            Kind::Skill => self.skills.contains_key(name),
            Kind::Group => self.groups.contains_key(name),
            Kind::Agent => self.agents.contains_key(name),
            Kind::Calendar => self.calendars.contains_key(name),
            Kind::Rota => self.rotas.contains_key(name),
            Kind::NotificationTarget => self.notification_targets.contains_key(name),
            Kind::Escalation => self.escalations.contains_key(name),
            Kind::ShiftPlan => self.shift_plans.contains_key(name),
            Kind::Coverage => self.coverage.contains_key(name),
            Kind::Cover => self.covers.contains_key(name),
            Kind::Workflow | Kind::Policy | Kind::Survey => false,
        }
    }
}

async fn agents(clients: &Clients, first: ListAgentsRequest) -> Result<Vec<routing::Agent>> {
    let mut all = Vec::new();
    let mut request = first;
    loop {
        let page = clients
            .agents
            .clone()
            .list_agents(request.clone())
            .await?
            .into_inner();
        all.extend(page.agents);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        request.page_token = page.next_page_token;
    }
}

/// The name of an id; the id itself where nobody knows it.
pub(crate) fn named(id: String, names: &BTreeMap<String, String>) -> String {
    names.get(&id).cloned().unwrap_or(id)
}

fn levels(skills: Vec<routing::SkillLevel>) -> BTreeMap<String, u32> {
    skills
        .into_iter()
        .map(|one| (one.skill, one.level))
        .collect()
}

pub(super) fn lower(tags: Vec<String>) -> BTreeSet<String> {
    tags.into_iter()
        .map(|tag| tag.to_ascii_lowercase())
        .collect()
}

fn known_group(group: routing::Group, names: &BTreeMap<String, String>) -> Result<Known<Group>> {
    let is = Group {
        handling: handling::known(group.handling)?,
        name: group.name,
        tier: group.tier,
        required_skills: levels(group.required_skills),
        lead: named(group.lead_agent_id, names),
        escalates_to: named(group.escalation_group_id, names),
    };
    Ok(Known {
        etag: group.etag,
        is,
    })
}

fn known_agent(agent: routing::Agent, names: &BTreeMap<String, String>) -> Known<Agent> {
    let languages = agent.languages.into_iter();
    let is = Agent {
        name: agent.name,
        groups: agent
            .group_ids
            .into_iter()
            .map(|id| named(id, names))
            .collect(),
        tier: agent.tier,
        skills: levels(agent.skills),
        languages: languages
            .map(|one| (one.language.to_ascii_lowercase(), one.level))
            .collect(),
        capacity: agent.capacity,
        channel_weights: handling::known_weights(agent.channel_weights),
        channel_caps: handling::known_caps(agent.channel_caps),
        presence_never_expires: agent.presence_never_expires,
        retired: agent.retired,
    };
    Known {
        etag: agent.etag,
        is,
    }
}

fn known_survey(survey: survey::Survey) -> Result<Known<Survey>> {
    let is = Survey {
        name: survey.name,
        kind: SURVEYS.word(survey.kind),
        questions: survey.questions,
        trigger: TRIGGERS.word(survey.trigger),
        delay: time(survey.delay)?,
        sample: survey.sample.unwrap_or(1.0),
        repeat_after: time(survey.repeat_after)?,
        answer_within: time(survey.answer_within)?,
        ask_resolved_first_contact: survey.ask_resolved_first_contact,
        active: survey.active,
    };
    Ok(Known {
        etag: survey.etag,
        is,
    })
}

pub(super) fn time(span: Option<prost_types::Duration>) -> Result<Duration> {
    let span = duration_from_proto(&span.unwrap_or_default());
    span.context("a service answered a span that is none")
}
