//! What was planned for a waiting ticket, done: the transaction that gives it to an agent, or
//! records why it waits.

use lotse_ids::DecisionId;
use lotse_journal::{Body, Draft, Origin, Tx};
use lotse_proto::journal::v1 as journal;
use tracing::Instrument as _;

use super::App;
use crate::domain::codes::{DecisionKind, State};
use crate::domain::decision::{Decision, Record};
use crate::domain::directory::Directory;
use crate::domain::hops::Put;
use crate::domain::item::Item;
use crate::domain::queue::Planned;
use crate::error::Error;
use crate::store::{agents, decisions, items};

impl App {
    /// Does what was planned for one ticket, in its own transaction, unless the ticket or the
    /// agent has changed since: then the next look plans anew.
    pub(super) async fn carry_out(
        &self,
        planned: &Planned,
        directory: &Directory,
    ) -> Result<(), Error> {
        let id = DecisionId::generate(self.now());
        let cause = &planned.cause;
        let origin = Origin {
            principal: "routing".to_owned(),
            cause: cause.reference.clone(),
        };
        let span = tracing::info_span!("routing.assign", ticket = %planned.ticket);
        let span = lotse_telemetry::span_with_parent(span, &cause.traceparent);
        let work = self.journal.in_tx(&origin, |tx| {
            let id = id.clone();
            async move { self.decide(&tx, planned, directory, id).await }
        });
        let done = work.instrument(span).await?;
        let outcome = match (done, &planned.agent) {
            (false, _) => "lost_race",
            (true, Some(_)) => "assigned",
            (true, None) => "queued",
        };
        metrics::counter!("lotse_routing_decisions_total", "outcome" => outcome).increment(1);
        Ok(())
    }

    async fn decide(
        &self,
        tx: &Tx,
        planned: &Planned,
        directory: &Directory,
        id: DecisionId,
    ) -> Result<bool, Error> {
        let found = items::lock(tx, [&planned.ticket]).await?.pop();
        let unchanged =
            |item: &Item| item.version == planned.version && item.state() == State::Waiting;
        let Some(before) = found.filter(unchanged) else {
            return Ok(false);
        };
        let now = self.now();
        let mut item = before.clone();
        item.version += 1;
        match &planned.agent {
            Some((agent, version)) => {
                let group = planned.group.clone();
                item.hand_to(group, Some(agent.clone()), now, &self.policy);
                if !agents::take_room(tx, agent, *version, item.load, now).await? {
                    return Ok(false);
                }
            }
            None => item.wait(planned.group.clone(), id.clone(), planned.reason),
        }
        if item.group.as_ref() == directory.triage_group() {
            // Whoever has it there chooses its first group.
            item.trail.had_group = before.trail.had_group;
        }
        // Once, where it was new.
        let is_new = before.group != item.group;
        let asked = planned.step.as_ref().is_some_and(|step| step.learned);
        let advice = item.trail.advice.clone().filter(|_| is_new && asked);
        let put = Put::new(
            (id.clone(), now),
            DecisionKind::Automatic,
            item.group.clone(),
            planned.step.clone(),
            before.trail.put.as_ref(),
        );
        item.trail.put = Some(put);
        items::save(tx, [&item]).await?;
        let group = item
            .group
            .as_ref()
            .and_then(|group| directory.groups.get(group));
        let tier = group.map_or(0, |group| group.profile.tier);
        tx.emit(Draft::ticket(
            item.ticket.as_str(),
            event(&before, &item, tier, &id),
        ));
        let decision = Decision {
            ticket: item.ticket.clone(),
            version: item.version,
            at: now,
            record: Record {
                id,
                kind: DecisionKind::Automatic,
                reason: planned.reason,
                from_group: before.group,
                from_agent: before.agent,
                group: item.group.clone(),
                agent: item.agent.clone(),
                step: planned.step.clone(),
                advice,
                look: planned.look.clone(),
                by_hand: None,
            },
        };
        decisions::insert(tx, &decision, item.trail.put.as_ref()).await?;
        Ok(true)
    }
}

fn event(before: &Item, item: &Item, tier: u8, decision: &DecisionId) -> Body {
    let group_id = item
        .group
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    match &item.agent {
        Some(agent) => Body::TicketAssigned(journal::TicketAssigned {
            group_id,
            agent_id: agent.to_string(),
            tier: tier.into(),
            decision_id: decision.to_string(),
            manual: false,
            over_capacity: false,
            first: !before.trail.had_group && item.trail.had_group,
        }),
        None => Body::TicketQueued(journal::TicketQueued {
            group_id,
            reason: item
                .reason
                .map(|reason| reason.to_string())
                .unwrap_or_default(),
            decision_id: decision.to_string(),
        }),
    }
}
