//! Asking the model about tickets: those that wait for its answer, and any that somebody asks about.

use lotse_ids::TicketId;
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1 as journal;

use super::super::{App, by_routing};
use super::{Told, case};
use crate::domain::advice::Advice;
use crate::domain::codes::{State, TextUse};
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::domain::placement::{Everybody, awaits_advice, place};
use crate::domain::queue::turn;
use crate::error::Error;
use crate::store::items;

/// Tickets that are looked through together.
const PAGE: u64 = 500;

/// Tickets that are advised on together: as many texts are asked of intake at once.
const BATCH: usize = 32;

/// Why a ticket that was just advised on is in its queue, as the journal has it.
const ADVISED: &str = "advised";

impl App {
    /// Advises on some of what waits for advice. Returns whether there was any; then there may be
    /// more. Without a model, and without intake, there is advice all the same: that there is
    /// nothing to say, so that nothing waits for ever.
    pub(crate) async fn advise(&self) -> Result<bool, Error> {
        let directory = self.directory().await?;
        if !directory.asks_model() {
            return Ok(false);
        }
        let found = self.awaiting_advice(&directory).await?;
        if found.is_empty() {
            return Ok(false);
        }
        let model = if self.learning.config.enabled {
            self.model_in_force().await?
        } else {
            None
        };
        let tickets: Vec<&TicketId> = found.iter().map(|item| &item.ticket).collect();
        let told = match &model {
            Some(_) => self.cases(&found, &tickets).await?,
            None => Vec::new(),
        };
        for (place, item) in found.iter().enumerate() {
            let advice = match (&model, told.get(place)) {
                (Some(model), Some(told)) => {
                    let question = self.question(told, &directory);
                    Advice::of(&model.intake, model.version, &question)
                }
                _ => {
                    let nothing = Told {
                        case: case(item),
                        text: TextUse::Unused,
                    };
                    Advice::without_model(&self.question(&nothing, &directory))
                }
            };
            self.keep_advice(item, &advice, &directory).await?;
        }
        self.changed().await;
        Ok(true)
    }

    /// What waits for advice, in queue order, the first of it.
    async fn awaiting_advice(&self, directory: &Directory) -> Result<Vec<Item>, Error> {
        let wanted = items::Wanted {
            unplaced: true,
            ..items::Wanted::default()
        };
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = items::waiting(self.db.reader(), &wanted, after.as_ref(), PAGE).await?;
            let last = page.last().map(turn);
            let full = page.len() as u64 == PAGE;
            let waits = |item: &Item| awaits_advice(item, directory);
            found.extend(page.into_iter().filter(waits));
            if found.len() >= BATCH || !full {
                found.truncate(BATCH);
                return Ok(found);
            }
            after = last;
        }
    }

    /// Keeps what was advised, unless the ticket has changed since: then it is asked about again.
    /// The journal tells in which queue it waits now, so that whoever looks for its agent hears of
    /// it.
    async fn keep_advice(
        &self,
        item: &Item,
        advice: &Advice,
        directory: &Directory,
    ) -> Result<(), Error> {
        let now = self.now();
        let origin = by_routing(&item.trail.cause.reference);
        let work = |tx: Tx| async move {
            let found = items::lock(&tx, [&item.ticket]).await?.pop();
            let same =
                |found: &Item| found.version == item.version && found.state() == State::Waiting;
            if let Some(mut found) = found.filter(same) {
                found.version += 1;
                found.trail.advice = Some(advice.clone());
                items::save(&tx, [&found]).await?;
                let place = place(&found, directory, &Everybody, now);
                let queued = journal::TicketQueued {
                    group_id: place.map(|place| place.group.into()).unwrap_or_default(),
                    reason: ADVISED.to_owned(),
                    decision_id: String::new(),
                };
                tx.emit(Draft::ticket(
                    item.ticket.as_str(),
                    Body::TicketQueued(queued),
                ));
            }
            Ok::<_, Error>(())
        };
        self.journal.in_tx(&origin, work).await?;
        let outcome = advice.certainty.as_str();
        metrics::counter!("lotse_routing_advice_total", "certainty" => outcome).increment(1);
        Ok(())
    }
}
