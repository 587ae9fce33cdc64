//! What whoever goes off duty leaves for the next turn.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, HandOverNoteId, RotaId};

use super::duty::OnDuty;

/// A note, with its version. A hand-over has one at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HandOverNote {
    /// The note.
    pub(crate) id: HandOverNoteId,
    /// Of which rota.
    pub(crate) rota: RotaId,
    /// Of which of its layers, by name.
    pub(crate) layer: String,
    /// Who left it.
    pub(crate) author: AgentId,
    /// When the turn began or begins that it was left for.
    pub(crate) turn_begins: Timestamp,
    /// For people.
    pub(crate) text: String,
    /// Raised by every change.
    pub(crate) version: i64,
    /// When it was left.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

impl HandOverNote {
    /// What was left for a turn. Where turns have moved since, by an exception or another plan, a
    /// note stays with whoever is on duty when its turn should have begun; of several the last.
    pub(crate) fn of_turn<'a>(notes: &'a [Self], turn: &OnDuty) -> Option<&'a Self> {
        let (from, until) = turn.from.zip(turn.until)?;
        let left = notes.iter().filter(|note| {
            note.layer == turn.layer && from <= note.turn_begins && note.turn_begins < until
        });
        left.max_by_key(|note| note.turn_begins)
    }
}
