//! Text as words that a model can learn from and nobody can read.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::case::Word;

/// Words shorter than this say little; in scripts without spaces every sign counts.
const SHORTEST: usize = 2;

/// A text contributes at most so many different words, the first ones.
const MOST: usize = 200;

/// Letters of a part of a word.
const PART: usize = 4;

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

    /// The parts of a word, each with its hash: four signs in a row, the ends being signs too. They
    /// tell what words have in common that differ in their endings or are put together. Words of
    /// fewer letters have none.
    pub fn parts(&self, word: &str) -> Vec<(String, Word)> {
        if word.chars().count() < PART {
            return Vec::new();
        }
        // No word contains these signs, so that no part is taken for a word.
        let signs: Vec<char> = format!("<{word}>").chars().collect();
        let parts = signs.windows(PART).map(|part| part.iter().collect());
        parts
            .map(|part: String| {
                let hash = self.hash(&format!("~{part}"));
                (part, hash)
            })
            .collect()
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

#[cfg(test)]
mod part_tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_parts_and_no_part_is_a_word() {
        let lexicon = Lexicon::new(b"secret");
        let [one, many] = ["drucker", "druckern"].map(|word| lexicon.parts(word));
        let shared = one.iter().filter(|part| many.contains(part)).count();
        assert_eq!((one.len(), shared), (6, 5));
        assert_eq!(one[0].0, "<dru");
        let word = lexicon.read("druc");
        assert!(one.iter().all(|(_, hash)| *hash != word[0].1));
        assert_eq!(lexicon.parts("pc"), []);
    }
}
