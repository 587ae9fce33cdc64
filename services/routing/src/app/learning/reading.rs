//! Reading the texts of tickets, for their words: afterwards, in the background, until it is done.

use lotse_ids::TicketId;

use super::super::App;
use super::lexicon::words;
use super::texts::Text;
use crate::domain::learning::Word;
use crate::error::Error;
use crate::store::learning::evidence;

/// Texts asked of intake at once.
const BATCH: u64 = 32;

impl App {
    /// Reads some texts. Returns whether any could be had; then there may be more.
    pub(crate) async fn read_words(&self) -> Result<bool, Error> {
        let Some(lexicon) = self.lexicon().await? else {
            return Ok(false);
        };
        let unread = evidence::unread(self.db.reader(), BATCH).await?;
        if unread.is_empty() {
            return Ok(false);
        }
        let tickets: Vec<&TicketId> = unread.iter().collect();
        let texts = self.learning.texts.read(&tickets).await;
        self.learning.note_intake(texts.contains(&Text::Away));
        let read: Vec<(&TicketId, Option<Vec<Word>>)> = tickets
            .into_iter()
            .zip(texts)
            .filter_map(|(ticket, text)| match text {
                Text::Read(text) => {
                    let words = words(lexicon, &text).into_iter();
                    Some((ticket, Some(words.map(|(_, word)| word).collect())))
                }
                Text::Gone => Some((ticket, None)),
                Text::Away => None,
            })
            .collect();
        if read.is_empty() {
            return Ok(false);
        }
        let read = &read;
        let own = self
            .learning
            .lexicon
            .get()
            .map(|(fingerprint, _)| fingerprint);
        self.db
            .in_tx(|tx| async move {
                // Another process may have changed the secret since: these words would mean nothing.
                let current = crate::store::learning::state::find(&tx).await?;
                if current.as_ref().map(|current| &current.lexicon) != own {
                    return Ok(());
                }
                for (ticket, words) in read {
                    evidence::save_words(&tx, ticket, words.as_deref()).await?;
                }
                Ok::<_, sea_orm::DbErr>(())
            })
            .await?;
        Ok(true)
    }
}
