//! The turns of a rota, and what is left for them.

use lotse_grpc::etag;
use lotse_ids::{AgentId, HandOverNoteId, RotaId};
use lotse_journal::Tx;

use super::settings::announce;
use super::{App, Outcome, Ref, find_agent, find_rota};
use crate::domain::duty::OnDuty;
use crate::domain::hand_over_note::HandOverNote;
use crate::domain::rota::Rota;
use crate::domain::turn_list;
use crate::domain::turns::Stretch;
use crate::error::Error;
use crate::store::lasting::Range;
use crate::store::{directory, hand_over_notes as store, rotas};

/// A note as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedNote {
    pub(crate) rota: Ref<RotaId>,
    /// By name; none for the first.
    pub(crate) layer: Option<String>,
    pub(crate) author: Ref<AgentId>,
    pub(crate) text: String,
    pub(crate) etag: String,
}

/// The turns of a rota.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) rota: RotaId,
    pub(crate) turns: Vec<OnDuty>,
    /// What was left for them.
    pub(crate) notes: Vec<HandOverNote>,
}

impl App {
    /// The turns of a rota that last at some instant of a window, by beginning.
    pub(crate) async fn turns(&self, rota: &Ref<RotaId>, window: Stretch) -> Result<Turns, Error> {
        let directory = self.directory().await?;
        let rota = find_rota(&directory, rota)?;
        let is_active = |agent: &_| directory.is_active(agent);
        let hull = rota.hull(is_active, window);
        let range = Range::within(hull);
        let conn = self.db.reader();
        let overrides = rotas::overrides(conn, &rota.setting.id, &range, None).await?;
        let turns = rota.turns_within(&overrides, is_active, window);
        let notes = self.notes(rota, &turns).await?;
        Ok(Turns {
            rota: rota.setting.id.clone(),
            turns,
            notes,
        })
    }

    /// What was left for these turns of a rota.
    pub(crate) async fn notes(
        &self,
        rota: &Rota,
        turns: &[OnDuty],
    ) -> Result<Vec<HandOverNote>, Error> {
        let from = turns.iter().filter_map(|turn| turn.from).min();
        let until = turns.iter().filter_map(|turn| turn.until).max();
        let Some((from, until)) = from.zip(until) else {
            return Ok(Vec::new());
        };
        let stretch = Stretch { from, until };
        Ok(store::within(self.db.reader(), &rota.setting.id, stretch).await?)
    }

    /// Leaves a note for the turn that follows the author's, or changes it.
    pub(crate) async fn put_note(
        &self,
        tx: &Tx,
        wanted: &WantedNote,
    ) -> Result<(HandOverNote, Outcome), Error> {
        // Nothing of the directory changes, but one note at a time is left for a turn.
        directory::lock(tx).await?;
        let now = self.now();
        let directory = directory::load(tx, now).await?;
        let rota = find_rota(&directory, &wanted.rota)?;
        let author = &find_agent(&directory, &wanted.author)?.id;
        let layers = &rota.profile().layers;
        let layer = match &wanted.layer {
            Some(name) => layers.iter().find(|layer| layer.name == *name),
            None => layers.first(),
        };
        let none = || lotse_errors::Error::invalid("layer", "must be one of the rota's");
        let layer = &layer.ok_or_else(none)?.name;
        let is_active = |agent: &_| directory.is_active(agent);
        let range = Range {
            ends_after: Some(rota.hull(is_active, turn_list::recently(now)).from),
            starts_before: None,
            after: None,
        };
        let overrides = rotas::overrides(tx, &rota.setting.id, &range, None).await?;
        let begins = rota.handed_over_to(layer, author, &overrides, is_active, now);
        let begins = begins.ok_or_else(|| {
            let message = "must be on duty in the layer, or have been before whoever is";
            lotse_errors::Error::invalid("agent_id", message)
        })?;
        let before = store::find(tx, &rota.setting.id, layer, begins).await?;
        etag::check(&wanted.etag, before.as_ref().map_or(0, |note| note.version))?;
        let note = HandOverNote {
            id: before
                .as_ref()
                .map_or_else(|| HandOverNoteId::generate(now), |note| note.id.clone()),
            rota: rota.setting.id.clone(),
            layer: layer.clone(),
            author: author.clone(),
            turn_begins: begins,
            text: wanted.text.clone(),
            version: before.as_ref().map_or(1, |note| note.version + 1),
            created_at: before.as_ref().map_or(now, |note| note.created_at),
            updated_at: now,
        };
        if let Some(before) = &before
            && (&before.text, &before.author) == (&note.text, &note.author)
        {
            return Ok((before.clone(), Outcome::Unchanged));
        }
        store::save(tx, &note).await?;
        announce(tx, "hand_over_note", note.id.as_str(), note.version);
        let outcome = before.map_or(Outcome::Created, |_| Outcome::Updated);
        Ok((note, outcome))
    }
}
