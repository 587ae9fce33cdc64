//! Carries a plan out through the API, in the order of what needs what.

use std::collections::BTreeMap;

use lotse_proto::routing::v1::{self as routing, LanguageLevel, SkillLevel};
use lotse_proto::sla::v1 as sla;
use lotse_proto::survey::v1 as survey;
use lotse_proto::time::duration_to_proto;
use tonic::Status;

use super::coverage;
use super::escalations::{self, Ids};
use super::handling;
use super::plan::{Step, Verdict};
use super::promises::{instant, proto_calendar, proto_policy};
use super::read::Kind;
use super::rotas;
use super::spec::{Agent, Group, Skill, Spec, Survey};
use super::state::{Clients, Known, State};
use super::targets;
use super::words::{OPEN_TICKETS, SURVEYS, TRIGGERS, Vocabulary};
use super::workflows;

/// What stopped it.
pub(crate) struct Stopped {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) status: Status,
}

/// Carries out a plan.
pub(crate) struct Carrier<'a> {
    clients: Clients,
    spec: &'a Spec,
    state: &'a State,
    ids: Ids,
}

impl<'a> Carrier<'a> {
    pub(crate) fn new(clients: Clients, spec: &'a Spec, state: &'a State) -> Self {
        Self {
            clients,
            spec,
            state,
            ids: state.ids.clone(),
        }
    }

    /// Does everything that the plan does not call unchanged; tells `done` of each.
    pub(crate) async fn carry_out(
        mut self,
        plan: &[Step],
        mut done: impl FnMut(&Step),
    ) -> Result<(), Stopped> {
        let mut steps: Vec<&Step> = plan
            .iter()
            .filter(|step| step.verdict != Verdict::Unchanged)
            .collect();
        // A group may escalate to one of a higher tier only: that one first.
        let tiers: BTreeMap<&str, u32> = self
            .spec
            .groups
            .iter()
            .map(|group| (group.name.as_str(), group.tier))
            .collect();
        let tier = |step: &Step| match step.kind {
            Kind::Group => tiers.get(step.name.as_str()).copied().unwrap_or_default(),
            _ => 0,
        };
        steps.sort_by_key(|step| (step.kind, std::cmp::Reverse(tier(step))));
        for step in &steps {
            self.put(step)
                .await
                .map_err(|status| stopped(step, status))?;
            done(step);
        }
        // A lead who was not there when the group was put.
        for step in steps.iter().filter(|step| step.kind == Kind::Group) {
            let wanted = find(&self.spec.groups, |group| &group.name, &step.name);
            if let Some(group) = wanted.filter(|group| !self.lead_is_there(group)) {
                let put = self.put_group(group, &group.lead, String::new()).await;
                put.map_err(|status| stopped(step, status))?;
            }
        }
        Ok(())
    }

    async fn put(&mut self, step: &Step) -> Result<(), Status> {
        let (spec, state, name) = (self.spec, self.state, step.name.as_str());
        match step.kind {
            Kind::Skill => {
                let Some(skill) = find(&spec.skills, |one| &one.name, name) else {
                    return Ok(());
                };
                let request = routing::PutSkillRequest {
                    skill: Some(proto_skill(skill, etag(&state.skills, name))),
                    ..routing::PutSkillRequest::default()
                };
                self.clients.workflow.put_skill(request).await?;
            }
            Kind::Group => {
                let Some(group) = find(&spec.groups, |one| &one.name, name) else {
                    return Ok(());
                };
                let there = self.lead_is_there(group);
                let lead = if there { group.lead.as_str() } else { "" };
                self.put_group(group, lead, etag(&state.groups, name))
                    .await?;
            }
            Kind::Agent => {
                let Some(agent) = find(&spec.agents, |one| &one.name, name) else {
                    return Ok(());
                };
                let request = routing::PutAgentRequest {
                    agent: Some(proto_agent(agent, etag(&state.agents, name))),
                    ..routing::PutAgentRequest::default()
                };
                let put = self.clients.agents.put_agent(request).await?.into_inner();
                if let Some(put) = put.agent {
                    self.ids.agents.insert(put.name, put.id);
                }
            }
            Kind::Workflow => {
                let etag = state.workflow.as_ref().map(|known| known.etag.clone());
                let workflow = spec.workflow.as_ref();
                let request = routing::PutWorkflowRequest {
                    workflow: workflow.map(|one| workflows::proto(one, etag.unwrap_or_default())),
                    ..routing::PutWorkflowRequest::default()
                };
                self.clients.workflow.put_workflow(request).await?;
            }
            Kind::Rota => {
                let Some(rota) = find(&spec.rotas, |one| &one.name, name) else {
                    return Ok(());
                };
                let request = routing::PutRotaRequest {
                    rota: Some(rotas::proto(rota, etag(&state.rotas, name))),
                    ..routing::PutRotaRequest::default()
                };
                let put = self.clients.duty.put_rota(request).await?.into_inner();
                if let Some(put) = put.rota {
                    self.ids.rotas.insert(put.name, put.id);
                }
            }
            Kind::ShiftPlan => {
                let Some(plan) = find(&spec.shift_plans, |one| &one.agent, name) else {
                    return Ok(());
                };
                let etag = etag(&state.shift_plans, name);
                let request = routing::PutShiftPlanRequest {
                    shift_plan: Some(coverage::proto_plan(plan, etag)),
                    ..routing::PutShiftPlanRequest::default()
                };
                self.clients.coverage.put_shift_plan(request).await?;
            }
            Kind::Coverage => {
                let Some(wanted) = find(&spec.coverage, |one| &one.group, name) else {
                    return Ok(());
                };
                let etag = etag(&state.coverage, name);
                let request = routing::PutCoverageRequirementsRequest {
                    requirements: Some(coverage::proto_coverage(wanted, etag)),
                    ..routing::PutCoverageRequirementsRequest::default()
                };
                let put = self.clients.coverage.put_coverage_requirements(request);
                put.await?;
            }
            Kind::Cover => {
                let Some(cover) = find(&spec.covers, |one| &one.name, name) else {
                    return Ok(());
                };
                let id = state.cover_ids.get(name).cloned().unwrap_or_default();
                let etag = etag(&state.covers, name);
                let request = routing::PutCoverRequest {
                    cover: Some(coverage::proto_cover(cover, id, etag)),
                    ..routing::PutCoverRequest::default()
                };
                self.clients.coverage.put_cover(request).await?;
            }
            Kind::Calendar => {
                let Some(calendar) = find(&spec.calendars, |one| &one.name, name) else {
                    return Ok(());
                };
                let request = sla::PutCalendarRequest {
                    calendar: Some(proto_calendar(calendar, etag(&state.calendars, name))),
                    effective_at: calendar.effective_at.as_deref().and_then(instant),
                    open_tickets: OPEN_TICKETS.code(&calendar.open_tickets),
                    ..sla::PutCalendarRequest::default()
                };
                self.clients.sla.put_calendar(request).await?;
            }
            Kind::Escalation => {
                let Some(escalation) = find(&spec.escalations, |one| &one.name, name) else {
                    return Ok(());
                };
                let etag = etag(&state.escalations, name);
                let policy = escalations::proto(escalation, &self.ids, etag);
                let request = sla::PutEscalationPolicyRequest {
                    escalation_policy: Some(policy),
                    ..sla::PutEscalationPolicyRequest::default()
                };
                self.clients.alerts.put_escalation_policy(request).await?;
            }
            Kind::Policy => {
                let Some(policy) = find(&spec.policies, |one| &one.name, name) else {
                    return Ok(());
                };
                let etag = etag(&state.policies, name);
                let request = sla::PutPolicyRequest {
                    policy: Some(proto_policy(policy, &self.ids.groups, etag)),
                    open_tickets: OPEN_TICKETS.code(&policy.open_tickets),
                    ..sla::PutPolicyRequest::default()
                };
                self.clients.sla.put_policy(request).await?;
            }
            Kind::NotificationTarget => {
                let Some(target) = find(&spec.notification_targets, |one| &one.name, name) else {
                    return Ok(());
                };
                let etag = etag(&state.notification_targets, name);
                let request = sla::PutNotificationTargetRequest {
                    notification_target: Some(targets::proto(target, etag)),
                    ..sla::PutNotificationTargetRequest::default()
                };
                self.clients.alerts.put_notification_target(request).await?;
            }
            Kind::Survey => {
                let Some(survey) = find(&spec.surveys, |one| &one.name, name) else {
                    return Ok(());
                };
                let request = survey::PutSurveyRequest {
                    survey: Some(proto_survey(survey, etag(&state.surveys, name))),
                    ..survey::PutSurveyRequest::default()
                };
                self.clients.surveys.put_survey(request).await?;
            }
        }
        Ok(())
    }

    /// Whether the group's lead was there before anything was done.
    fn lead_is_there(&self, group: &Group) -> bool {
        group.lead.is_empty() || self.state.has(Kind::Agent, &group.lead)
    }

    async fn put_group(&mut self, group: &Group, lead: &str, etag: String) -> Result<(), Status> {
        let Group {
            name,
            tier,
            required_skills,
            lead: _,
            escalates_to,
            handling,
        } = group;
        let request = routing::PutGroupRequest {
            group: Some(routing::Group {
                name: name.clone(),
                tier: *tier,
                required_skills: skill_levels(required_skills),
                lead_agent_id: lead.to_owned(),
                escalation_group_id: escalates_to.clone(),
                handling: handling::proto(handling),
                etag,
                ..routing::Group::default()
            }),
            ..routing::PutGroupRequest::default()
        };
        let response = self.clients.workflow.put_group(request).await?.into_inner();
        if let Some(put) = response.group {
            self.ids.groups.insert(put.name, put.id);
        }
        Ok(())
    }
}

fn stopped(step: &Step, status: Status) -> Stopped {
    Stopped {
        kind: step.kind,
        name: step.name.clone(),
        status,
    }
}

fn find<'a, T>(all: &'a [T], name: fn(&T) -> &String, wanted: &str) -> Option<&'a T> {
    all.iter().find(|one| name(one) == wanted)
}

fn etag<T>(known: &BTreeMap<String, Known<T>>, name: &str) -> String {
    known
        .get(name)
        .map(|known| known.etag.clone())
        .unwrap_or_default()
}

pub(super) fn codes<'a>(words: impl IntoIterator<Item = &'a String>, of: Vocabulary) -> Vec<i32> {
    words.into_iter().map(|word| of.code(word)).collect()
}

pub(super) fn list<'a>(of: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    of.into_iter().cloned().collect()
}

pub(super) fn skill_levels(levels: &BTreeMap<String, u32>) -> Vec<SkillLevel> {
    let level = |(skill, level): (&String, &u32)| SkillLevel {
        skill: skill.clone(),
        level: *level,
    };
    levels.iter().map(level).collect()
}

fn proto_skill(skill: &Skill, etag: String) -> routing::Skill {
    let Skill { name, description } = skill.clone();
    routing::Skill {
        name,
        description,
        etag,
        ..routing::Skill::default()
    }
}

fn proto_agent(agent: &Agent, etag: String) -> routing::Agent {
    let Agent {
        name,
        groups,
        tier,
        skills,
        languages,
        capacity,
        channel_weights,
        channel_caps,
        presence_never_expires,
        retired,
    } = agent;
    let language = |(language, level): (&String, &u32)| LanguageLevel {
        language: language.clone(),
        level: *level,
    };
    routing::Agent {
        name: name.clone(),
        group_ids: list(groups),
        tier: *tier,
        skills: skill_levels(skills),
        languages: languages.iter().map(language).collect(),
        capacity: *capacity,
        channel_weights: handling::proto_weights(channel_weights),
        channel_caps: handling::proto_caps(channel_caps),
        presence_never_expires: *presence_never_expires,
        retired: *retired,
        etag,
        ..routing::Agent::default()
    }
}

fn proto_survey(survey: &Survey, etag: String) -> survey::Survey {
    let Survey {
        name,
        kind,
        questions,
        trigger,
        delay,
        sample,
        repeat_after,
        answer_within,
        ask_resolved_first_contact,
        active,
    } = survey;
    survey::Survey {
        name: name.clone(),
        kind: SURVEYS.code(kind),
        questions: questions.clone(),
        trigger: TRIGGERS.code(trigger),
        delay: Some(duration_to_proto(*delay)),
        sample: Some(*sample),
        repeat_after: Some(duration_to_proto(*repeat_after)),
        answer_within: Some(duration_to_proto(*answer_within)),
        ask_resolved_first_contact: *ask_resolved_first_contact,
        active: *active,
        etag,
        ..survey::Survey::default()
    }
}
