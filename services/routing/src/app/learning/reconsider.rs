//! The re-router: looks again at the group that a person chose first, before anybody has begun.

use lotse_ids::TicketId;
use lotse_journal::Tx;

use super::super::hand_over::{HandOver, What};
use super::super::{App, by_routing};
use crate::config::Reroute;
use crate::domain::advice::{Advice, Question};
use crate::domain::codes::{Status, TransferReason};
use crate::domain::decision::Missing;
use crate::domain::item::Item;
use crate::error::Error;
use crate::store::items;
use crate::store::learning::evidence;

/// Tickets looked at together.
const BATCH: u64 = 32;

impl App {
    /// Looks again at some tickets whose first group a person has just chosen. Returns whether
    /// there were any.
    pub(crate) async fn reconsider(&self) -> Result<bool, Error> {
        let config = &self.learning.config;
        if !config.enabled || config.reroute == Reroute::Off {
            return Ok(false);
        }
        let tickets = evidence::to_reconsider(self.db.reader(), BATCH).await?;
        if tickets.is_empty() {
            return Ok(false);
        }
        for ticket in &tickets {
            self.reconsider_one(ticket).await?;
        }
        Ok(true)
    }

    async fn reconsider_one(&self, ticket: &TicketId) -> Result<(), Error> {
        let item = items::find(self.db.reader(), ticket).await?;
        let advice = match &item {
            Some(item) if may_move(item) => self.second_opinion(item).await?,
            _ => None,
        };
        let moves = self.learning.config.reroute == Reroute::Automatic;
        let origin = by_routing("learning");
        let (item, advice) = (&item, &advice);
        let work = |tx: Tx| async move {
            // Whoever notes it first acts on it.
            if !evidence::reconsidered(&tx, ticket).await? {
                return Ok(false);
            }
            let (Some(item), Some(advice)) = (item, advice) else {
                return Ok(false);
            };
            let found = items::lock(&tx, [ticket]).await?.pop();
            let Some(mut found) = found.filter(|found| found.version == item.version) else {
                return Ok(false);
            };
            // No change of the route, so the version stays: whoever works with it is not disturbed.
            found.trail.second_opinion = Some(advice.clone());
            items::save(&tx, [&found]).await?;
            if let Some(better) = advice.sure_of().filter(|_| moves) {
                let wish = HandOver {
                    ticket: ticket.clone(),
                    // The person's choice was wrong, and passing the ticket on counts as it does
                    // when people do it.
                    what: What::Transfer(TransferReason::WrongSkill),
                    group: Some(better.clone()),
                    agent: None,
                    guarded: true,
                    model: Some(advice.model),
                    missing: Missing::default(),
                    note: note(advice),
                    summary: None,
                    etag: String::new(),
                    at: None,
                };
                self.hand_over(&tx, &wish).await?;
            }
            Ok::<_, Error>(true)
        };
        if self.journal.in_tx(&origin, work).await? {
            self.changed().await;
        }
        Ok(())
    }

    /// What the model says now that the first group is known, if it is sure of another one.
    async fn second_opinion(&self, item: &Item) -> Result<Option<Advice>, Error> {
        let Some(model) = self.model_in_force().await? else {
            return Ok(None);
        };
        let directory = self.directory().await?;
        let items = std::slice::from_ref(item);
        let Some(mut told) = self.cases(items, &[&item.ticket]).await?.pop() else {
            return Ok(None);
        };
        told.case.first_group = item.group.as_ref().map(ToString::to_string);
        let question = Question {
            case: &told.case,
            text: told.text,
            groups: &directory.groups,
            except: directory.triage_group(),
            threshold: self.learning.config.reroute_confidence,
        };
        let advice = Advice::of(&model.rerouter, model.version, &question);
        let elsewhere = advice
            .sure_of()
            .is_some_and(|best| item.group.as_ref() != Some(best));
        Ok(elsewhere.then_some(advice))
    }
}

/// Whether nobody has begun, so that nobody's work would be lost.
fn may_move(item: &Item) -> bool {
    item.status == Status::Open && !item.begun && item.transfers == 0
}

/// For whoever gets it, without a word of the ticket's text.
fn note(advice: &Advice) -> String {
    let probability = advice.best().map_or(0.0, |best| best.probability);
    format!(
        "Re-routed by model {}: this group with a probability of {probability:.2}.",
        advice.model
    )
}
