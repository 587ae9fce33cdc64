//! The secret that words are hashed with: configured, or made by the installation for itself.
//!
//! A process that is configured with another secret than the one the database knows changes it:
//! words hashed with the old one mean nothing any more, so they are read anew, and models that
//! learnt them are dropped. While two processes are configured differently, the one that came first
//! does without words.

use std::collections::BTreeSet;

use lotse_clock::Timestamp;
use lotse_journal::Tx;
use rand::distr::{Alphanumeric, SampleString as _};
use sha2::{Digest as _, Sha256};

use super::super::App;
use crate::domain::learning::{Lexicon, Word};
use crate::error::Error;
use crate::store::learning::models::Which;
use crate::store::learning::state::State;
use crate::store::learning::{evidence, models, state};

/// Characters of a secret that the installation makes: 380 bits.
const LENGTH: usize = 64;

/// Words of a text that are learnt at most, the first ones: subjects say most.
const WORDS: usize = 64;

/// Of so many words the parts are learnt, too: about those of a subject.
const IN_PARTS: usize = 16;

/// Tells secrets apart without telling them.
fn fingerprint(secret: &str) -> String {
    let hash = Sha256::digest(format!("lotse word secret: {secret}").as_bytes());
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The words of a text, and of the first ones the parts, with their hashes and as people are told
/// of them, each once.
///
/// Parts pay where texts are short: on the project's own sample of subjects in five languages (six
/// groups, a sixth of the subjects held out in turn) words alone are wrong in 32 %, with prefixes of
/// five letters in 23 %, with parts in 19 %; pairs of words do not pay.
pub(super) fn words(lexicon: &Lexicon, text: &str) -> Vec<(String, Word)> {
    let words = lexicon.read(text).into_iter().take(WORDS);
    let mut seen = BTreeSet::new();
    let mut learnt = Vec::new();
    for (place, (word, hash)) in words.enumerate() {
        let parts = if place < IN_PARTS {
            lexicon.parts(&word)
        } else {
            Vec::new()
        };
        let parts = parts
            .into_iter()
            .map(|(part, hash)| (format!("letters {part:?}"), hash));
        let told = std::iter::once((format!("word {word:?}"), hash)).chain(parts);
        learnt.extend(told.filter(|(_, hash)| seen.insert(*hash)));
    }
    learnt
}

impl App {
    /// Where learning stands. The first call of a process makes sure that there is a secret, and
    /// that it is the configured one.
    pub(super) async fn learning_state(&self) -> Result<State, Error> {
        let configured = self.learning.config.word_secret.expose();
        if self.learning.lexicon.initialized()
            && let Some(found) = state::find(self.db.reader()).await?
        {
            return Ok(found);
        }
        let own = fingerprint(configured);
        let made = Alphanumeric.sample_string(&mut rand::rng(), LENGTH);
        let now = self.now();
        let origin = super::super::by_routing("learning");
        let found = self
            .journal
            .in_tx(&origin, |tx| {
                let (own, made) = (own.clone(), made.clone());
                async move {
                    if configured.is_empty() {
                        state::found(&tx, &fingerprint(&made), &made, now).await?;
                    } else {
                        state::found(&tx, &own, "", now).await?;
                    }
                    let mut found = current(&tx).await?;
                    // One that was made for itself stays until another is configured.
                    let stays = configured.is_empty() && !found.secret.is_empty();
                    if !stays && !configured.is_empty() && found.lexicon != own {
                        change(&tx, &found.lexicon, &own, now).await?;
                        super::models::announce_in_force(&tx, None);
                        found = current(&tx).await?;
                    }
                    Ok::<_, Error>(found)
                }
            })
            .await?;
        let secret = if configured.is_empty() {
            found.secret.as_str()
        } else {
            configured
        };
        let lexicon = || async { (fingerprint(secret), Lexicon::new(secret.as_bytes())) };
        self.learning.lexicon.get_or_init(lexicon).await;
        Ok(found)
    }

    /// Makes sure that there is a state of learning to change.
    pub(crate) async fn learning_begun(&self) -> Result<(), Error> {
        self.learning_state().await.map(|_| ())
    }

    /// What hashes words, if they are to be used and every process uses the same secret.
    pub(super) async fn lexicon(&self) -> Result<Option<&Lexicon>, Error> {
        if !self.learning.config.words {
            return Ok(None);
        }
        let found = self.learning_state().await?;
        let own = self.learning.lexicon.get();
        Ok(own
            .filter(|(fingerprint, _)| *fingerprint == found.lexicon)
            .map(|(_, lexicon)| lexicon))
    }
}

async fn current(tx: &Tx) -> Result<State, Error> {
    let found = state::find(tx).await?;
    let gone = || sea_orm::DbErr::RecordNotFound("routing_learning".to_owned());
    Ok(found.ok_or_else(gone)?)
}

async fn change(tx: &Tx, from: &str, to: &str, now: Timestamp) -> Result<(), Error> {
    if state::rotate(tx, from, to, now).await? {
        evidence::forget_words(tx).await?;
        let why = "its words were hashed with another secret";
        models::drop(tx, Which::NotOf(to), why).await?;
        tracing::warn!("the secret of words has changed: words are read anew");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_secrets_apart_and_nothing_else() {
        let [one, other] = ["one", "other"].map(fingerprint);
        assert_ne!(one, other);
        assert_eq!(one.len(), 16);
        assert_eq!(one, fingerprint("one"));
    }
}
