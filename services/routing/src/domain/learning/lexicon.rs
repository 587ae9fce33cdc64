//! Text as words that a model can learn from and nobody can read.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::case::Word;

/// Words shorter than this say little; in scripts without spaces every sign counts.
const SHORTEST: usize = 2;

/// A text contributes at most so many different words, the first ones.
const MOST: usize = 200;

/// Hashes words with a secret: equal words give equal hashes, and without the secret no list of
/// words tells which they were.
#[derive(Clone)]
pub struct Lexicon {
    secret: Hmac<Sha256>,
}

impl Lexicon {
    /// A lexicon with this secret; models learnt with another one know none of its words.
    pub fn new(secret: &[u8]) -> Self {
        // invariant: HMAC takes keys of any length.
        let secret = Hmac::new_from_slice(secret).expect("HMAC takes keys of any length");
        Self { secret }
    }

    /// The words of a text, each with its hash, in the order in which they first stand there.
    /// Letter case does not count, nor do numbers: they identify, they do not describe.
    pub fn read(&self, text: &str) -> Vec<(String, Word)> {
        let mut seen = BTreeSet::new();
        let words = split(text)
            .filter(|word| seen.insert(word.clone()))
            .take(MOST);
        words.map(|word| (word.clone(), self.hash(&word))).collect()
    }

    fn hash(&self, word: &str) -> Word {
        let mut hash = self.secret.clone();
        hash.update(word.as_bytes());
        let hash = hash.finalize().into_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Word(u64::from_be_bytes(first))
    }
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let words: Vec<String> = lower
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| word.chars().count() >= SHORTEST || !word.is_ascii() && !word.is_empty())
        .filter(|word| !word.chars().all(char::is_numeric))
        .map(str::to_owned)
        .collect();
    words.into_iter()
}
