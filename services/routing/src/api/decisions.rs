//! Decisions, as they are answered.

use std::collections::BTreeMap;

use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;

use super::hand_over::shown_summary;
use super::{learning, show, workflow_out};
use crate::app::hand_over::shown;
use crate::domain::choice::{Candidate, Look, Needs};
use crate::domain::decision::Decision;
use crate::domain::directory::Directory;
use crate::domain::words;

pub(super) fn decision(decision: &Decision, directory: &Directory) -> proto::Decision {
    let record = &decision.record;
    let look = record.look.as_ref();
    let step = record.step.as_ref();
    let by_hand = record.by_hand.clone().unwrap_or_default();
    let wanted = by_hand.wanted.clone().unwrap_or_default();
    proto::Decision {
        id: record.id.to_string(),
        advice: record
            .advice
            .as_ref()
            .map(|advice| learning::advice(advice, directory)),
        decided_at: Some(to_proto(decision.at)),
        kind: show::kind(record.kind),
        words: words::tell(record, directory),
        reason: record.reason.to_string(),
        group_id: show::id(record.group.as_ref()),
        agent_id: show::id(record.agent.as_ref()),
        from_group_id: show::id(record.from_group.as_ref()),
        from_agent_id: show::id(record.from_agent.as_ref()),
        workflow_version: step.map_or(0, |step| step.version),
        workflow_rule: step.map(|step| step.rule.clone()).unwrap_or_default(),
        workflow_step: step.map_or(0, |step| step.number),
        needs: look.map(|look| needs(&look.needs)),
        candidates: look.map(candidates).unwrap_or_default(),
        eligible: look.map_or(0, |look| look.eligible),
        rejections: look.map(rejections).unwrap_or_default(),
        transfer_reason: by_hand
            .transfer_reason
            .map_or(0, |reason| shown(reason).into()),
        note: by_hand.note.clone(),
        principal: by_hand.principal.clone(),
        over_capacity: by_hand.over_capacity,
        summary: by_hand.summary.clone().map(shown_summary),
        missing_skill: by_hand.missing.skill.clone().unwrap_or_default(),
        missing_language: show::id(by_hand.missing.language.as_ref()),
        guard: show::id(by_hand.guard.as_ref()),
        wanted_group_id: show::id(wanted.group.as_ref()),
        wanted_agent_id: show::id(wanted.agent.as_ref()),
        undone_decision_id: show::id(by_hand.undone.as_ref()),
        chances_version: look.and_then(|look| look.chances).unwrap_or_default(),
    }
}

fn needs(needs: &Needs) -> proto::Needs {
    let Needs {
        group,
        skills,
        preferred_skills,
        language,
        language_level,
        min_tier,
        order,
        load_steps: _,
        channel,
        weight,
        excluded,
        declined,
        preferred,
        repeats: _,
    } = needs;
    let skill_needs = |skills: &BTreeMap<String, u8>| {
        let need = |(skill, level): (&String, &u8)| proto::SkillNeed {
            skill: skill.clone(),
            min_level: (*level).into(),
        };
        skills.iter().map(need).collect()
    };
    proto::Needs {
        group_id: group.to_string(),
        skills: skill_needs(skills),
        language: show::id(language.as_ref()),
        weight: weight.as_tickets(),
        excluded_agent_ids: excluded.iter().map(ToString::to_string).collect(),
        preferred_agent_id: show::id(preferred.as_ref()),
        preferred_skills: skill_needs(preferred_skills),
        language_level: (*language_level).into(),
        min_tier: (*min_tier).into(),
        order: workflow_out::order(*order),
        channel: show::channel(*channel),
        declined_agent_ids: declined.iter().map(ToString::to_string).collect(),
    }
}

fn candidates(look: &Look) -> Vec<proto::Candidate> {
    let candidate = |one: &Candidate| proto::Candidate {
        agent_id: one.agent.to_string(),
        fit: one.fit,
        spare_share: one.spare_share(),
        last_assigned_at: show::time(
            one.last_assigned_at
                .map(lotse_clock::Timestamp::from_millis),
        ),
        chance: chance(one),
        load_step: one.load_step.into(),
    };
    look.candidates.iter().map(candidate).collect()
}

/// The chance of resolving the ticket without a transfer, 0 to 1.
pub(super) fn chance(candidate: &Candidate) -> Option<f64> {
    candidate.chance.map(|chance| f64::from(chance) / 1_000.0)
}

fn rejections(look: &Look) -> Vec<proto::Rejection> {
    look.rejections
        .iter()
        .map(|(misfit, agents)| proto::Rejection {
            reason: misfit.as_str().to_owned(),
            detail: misfit.to_string(),
            agents: *agents,
        })
        .collect()
}
