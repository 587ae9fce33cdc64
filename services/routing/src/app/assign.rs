//! What was planned for a waiting ticket, done: the transaction that gives it to an agent, or
//! records why it waits.

use lotse_ids::{DecisionId, OfferId};
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::offer_changed::Change;

use super::App;
use super::offers::changed;
use crate::domain::codes::{DecisionKind, Reason, State};
use crate::domain::decision::{Decision, Record};
use crate::domain::directory::Directory;
use crate::domain::hops::Put;
use crate::domain::item::Item;
use crate::domain::offer::Offer;
use crate::domain::queue::Planned;
use crate::error::Error;
use crate::store::{agents, decisions, items, offers};

impl App {
    /// Does what was planned for one ticket, unless the ticket or the agent has changed since: then
    /// nothing, and none. Else returns the ticket as it is after that.
    pub(super) async fn decide(
        &self,
        tx: &Tx,
        planned: &Planned,
        directory: &Directory,
        id: DecisionId,
    ) -> Result<Option<Item>, Error> {
        let found = items::lock(tx, [&planned.ticket]).await?.pop();
        let unchanged =
            |item: &Item| item.version == planned.version && item.state() == State::Waiting;
        let Some(before) = found.filter(unchanged) else {
            return Ok(None);
        };
        let now = self.now();
        let group = planned.group.as_ref();
        let group = group.and_then(|group| directory.groups.get(group));
        let service = &self.policy.handling;
        let handling = group.map_or(*service, |group| group.profile.handling.over(service));
        let mut item = before.clone();
        item.version += 1;
        match &planned.agent {
            Some((agent, version)) => {
                // The room is measured by this profile, so it must be the one that was planned by.
                let known = directory.agents.get(agent);
                let Some(known) = known.filter(|known| known.version == *version) else {
                    return Ok(None);
                };
                let limits = known.profile.limits();
                item.weigh_for(Some(&limits));
                let group = planned.group.clone();
                if handling.auto_accept.contains(item.channel) {
                    item.hand_to(group, Some(agent.clone()), now, &self.policy);
                } else {
                    let offer = Offer {
                        id: OfferId::generate(now),
                        agent: agent.clone(),
                        expires_at: now + handling.offer_timeout,
                        attempt: item.trail.offers + 1,
                        decision: id.clone(),
                    };
                    item.offer_to(group, offer, &self.policy);
                }
                let room = agents::Room {
                    channel: item.channel,
                    weight: item.full_load(),
                    load: item.load,
                    cap: limits.cap(item.channel, item.full_load()),
                };
                if !agents::take_room(tx, agent, *version, &room, now).await? {
                    return Ok(None);
                }
            }
            None => {
                let (group, reason) = (planned.group.clone(), planned.reason);
                let declined = reason == Reason::EverybodyDeclined;
                let pause = handling.offer_again_after.filter(|_| declined);
                let again_at = pause.map(|pause| now + pause);
                item.wait(group, id.clone(), reason, again_at, &self.policy);
            }
        }
        if item.group.as_ref() == directory.triage_group() {
            // Whoever has it there chooses its first group.
            item.trail.had_group = before.trail.had_group;
        }
        // Once, where it was new.
        let is_new = before.group != item.group;
        let asked = planned.step.as_ref().is_some_and(|step| step.learned);
        let advice = item.trail.advice.clone().filter(|_| is_new && asked);
        let model = item.trail.advice.as_ref().filter(|_| asked);
        let model = model.and_then(|advice| advice.chose(item.group.as_ref()));
        let put = Put::new(
            (id.clone(), now),
            DecisionKind::Automatic,
            item.group.clone(),
            (planned.step.clone(), model),
            before.trail.put.as_ref(),
        );
        item.trail.put = Some(put);
        items::save(tx, [&item]).await?;
        offers::insert(tx, &item, now).await?;
        self.tracker.arm([&item]);
        let tier = group.map_or(0, |group| group.profile.tier);
        tx.emit(Draft::ticket(
            item.ticket.as_str(),
            event(&before, &item, tier, &id),
        ));
        let offered = item.offer.as_ref();
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
                agent: item
                    .agent
                    .clone()
                    .or(offered.map(|offer| offer.agent.clone())),
                offer: offered.map(|offer| offer.id.clone()),
                step: planned.step.clone(),
                advice,
                look: planned.look.clone(),
                by_hand: None,
            },
        };
        decisions::insert(tx, &decision, item.trail.put.as_ref()).await?;
        Ok(Some(item))
    }
}

fn event(before: &Item, item: &Item, tier: u8, decision: &DecisionId) -> Body {
    let group_id = item
        .group
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    if let Some(offer) = &item.offer {
        return changed(item, offer, Change::Offered, "");
    }
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
