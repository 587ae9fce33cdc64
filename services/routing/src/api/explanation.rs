//! Why a ticket is where it is, and one agent's case.

use lotse_errors::Violations;
use lotse_proto::routing::v1 as proto;
use tonic::{Response, Status};

use super::decisions::{chance, decision};
use super::{Api, learning, show};
use crate::app::explain::{AgentCase, Question};
use crate::domain::case::Verdict;
use crate::domain::choice::{Criterion, Misfit};
use crate::domain::decision::Decision;
use crate::domain::directory::Directory;
use crate::domain::words::{tell_by_hand, tell_case};
use crate::error::Error;
use crate::store::agents::Full;

impl Api {
    pub(super) async fn explain(
        &self,
        request: proto::ExplainRoutingRequest,
    ) -> Result<Response<proto::ExplainRoutingResponse>, Status> {
        let proto::ExplainRoutingRequest {
            ticket_id,
            decision_id,
            agent_id,
        } = request;
        let mut wrong = Violations::new();
        let ticket = wrong.parse("ticket_id", &ticket_id);
        let wanted = wrong.parse_optional("decision_id", &decision_id);
        let agent = wrong.parse_optional("agent_id", &agent_id);
        let question = ticket.map(|ticket| Question {
            ticket,
            decision: wanted,
            agent,
        });
        let question = wrong.finish_with(question).map_err(Error::from)?;
        let told = self.app.explain(&question).await?;
        let directory = &told.directory;
        let group = told.item.group.as_ref();
        let group = group.and_then(|group| directory.groups.get(group));
        let tier = group.map_or(0, |group| group.profile.tier);
        let mut current = told.current.as_ref().map(|look| decision(look, directory));
        if let Some(current) = &mut current {
            // It was not recorded, so there is nothing to refer to.
            current.id.clear();
            current.words.extend(told.hopes.iter().cloned());
        }
        let decisions = told.decisions.iter();
        Ok(Response::new(proto::ExplainRoutingResponse {
            route: Some(show::route(&told.item, tier)),
            decisions: decisions.map(|one| decision(one, directory)).collect(),
            current,
            agent_case: told.case.as_ref().map(|case| agent_case(case, directory)),
            second_opinion: told
                .item
                .trail
                .second_opinion
                .as_ref()
                .map(|one| learning::advice(one, directory)),
        }))
    }
}

fn agent_case(told: &AgentCase, directory: &Directory) -> proto::AgentCase {
    let agent = directory.agents.get(&told.agent);
    let name = agent.map(|agent| agent.profile.name.clone());
    let name = name.unwrap_or_default();
    let recorded = told.decision.as_ref().filter(|_| told.recorded);
    let verdict = told.case.as_ref().map(|case| &case.verdict);
    let (failed, criterion) = match verdict {
        Some(Verdict::LeftOut(failed)) => (failed.as_slice(), None),
        Some(Verdict::Eligible(by)) => (&[][..], *by),
        _ => (&[][..], None),
    };
    proto::AgentCase {
        agent_id: told.agent.to_string(),
        decision_id: recorded
            .map(|it| it.record.id.to_string())
            .unwrap_or_default(),
        verdict: code(told).to_owned(),
        words: words(told, &name, directory),
        failed: failed.iter().map(failed_check).collect(),
        criterion: criterion
            .map(Criterion::as_str)
            .unwrap_or_default()
            .to_owned(),
        then: told.then.as_ref().map(then),
        chance: told
            .case
            .as_ref()
            .and_then(|case| chance(case.standing.as_ref()?)),
        name,
    }
}

fn code(told: &AgentCase) -> &'static str {
    match told.case.as_ref().map(|case| &case.verdict) {
        Some(Verdict::Chosen) => "chosen",
        Some(Verdict::Eligible(_)) => "eligible",
        Some(Verdict::LeftOut(_)) => "left_out",
        Some(Verdict::NotMember) => "not_member",
        Some(Verdict::Changed) => "changed",
        None if told.then.is_none() => "not_kept",
        None if by_hand(told.decision.as_ref()) => "by_hand",
        None => "no_look",
    }
}

fn by_hand(decision: Option<&Decision>) -> bool {
    decision.is_some_and(|decision| decision.record.by_hand.is_some())
}

fn words(told: &AgentCase, name: &str, directory: &Directory) -> Vec<String> {
    let Some(then) = &told.then else {
        return vec![format!(
            "What routing knew of {name} then is not kept any more; the record of the decision is."
        )];
    };
    match (&told.case, &told.decision) {
        (Some(case), Some(decision)) => {
            tell_case(case, &then.agent, &then.seat, &decision.record, directory)
        }
        (_, decision) if by_hand(decision.as_ref()) => {
            tell_by_hand(&then.agent, &then.seat, directory)
        }
        _ => vec!["Nobody was looked for: there was no group to look in.".to_owned()],
    }
}

fn failed_check(misfit: &Misfit) -> proto::FailedCheck {
    proto::FailedCheck {
        reason: misfit.as_str().to_owned(),
        detail: misfit.to_string(),
    }
}

fn then(full: &Full) -> proto::AgentThen {
    let proto::Agent {
        group_ids,
        skills,
        languages,
        presence,
        load,
        last_assigned_at,
        version,
        ..
    } = show::agent(full);
    proto::AgentThen {
        version,
        group_ids,
        skills,
        languages,
        presence,
        capacity: full.seat.capacity.as_tickets(),
        load,
        last_assigned_at,
    }
}
