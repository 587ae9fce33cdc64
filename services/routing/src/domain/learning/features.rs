//! A case taken apart into features: each known field, each cross of known fields, each word.

use std::collections::BTreeSet;

use super::case::{Case, Word};
use super::settings::Settings;

/// How [`Settings::crosses`] and explanations name the group that people chose first.
pub(super) const FIRST_GROUP: &str = "first group";

/// What a feature is called in the model: a hash of its field names and values. Sixty-four bits
/// keep the chance that any two of a million features meet below one in ten million.
pub(super) type Key = u64;

/// The key of what every case has: the groups' base rates.
pub(super) const BASE: Key = 0;

/// One feature of a case.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    /// What the model calls it.
    pub(super) key: Key,
    /// How much of it there is: 1, except of words, which share 1 by the root of their number so
    /// that long texts do not outweigh everything else.
    pub(super) value: f32,
}

/// All features of a case, [`BASE`] first, each key once.
pub(super) fn of(case: &Case, settings: &Settings) -> Vec<Feature> {
    let one = |key| Feature { key, value: 1.0 };
    let mut features = vec![one(BASE)];
    features.extend(parts(case, settings).map(|part| one(hash(&part))));
    let words: BTreeSet<Word> = case.words.iter().copied().collect();
    let value = 1.0 / (words.len().max(1) as f32).sqrt();
    features.extend(words.into_iter().map(|word| Feature {
        key: hash(&[("word", &format!("{:016x}", word.0))]),
        value,
    }));
    features
}

/// The names of the features of [`of`], in the same order.
pub(super) fn names(case: &Case, settings: &Settings) -> Vec<String> {
    let mut names = vec!["base rate".to_owned()];
    names.extend(parts(case, settings).map(|part| {
        let pairs: Vec<_> = part
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        pairs.join(" × ")
    }));
    let words: BTreeSet<Word> = case.words.iter().copied().collect();
    names.extend(
        words
            .into_iter()
            .map(|word| format!("word #{:016x}", word.0)),
    );
    names
}

/// Fields and crosses of fields, as names with values.
fn parts<'a>(
    case: &'a Case,
    settings: &'a Settings,
) -> impl Iterator<Item = Vec<(&'a str, &'a str)>> {
    let fields = case
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let first = case
        .first_group
        .iter()
        .map(|group| (FIRST_GROUP, group.as_str()));
    let crosses = settings.crosses.iter().filter_map(|names| {
        names
            .iter()
            .map(|name| Some((name.as_str(), value_of(case, name)?)))
            .collect()
    });
    fields.chain(first).map(|pair| vec![pair]).chain(crosses)
}

fn value_of<'a>(case: &'a Case, name: &str) -> Option<&'a str> {
    match name {
        FIRST_GROUP => case.first_group.as_deref(),
        _ => case.fields.get(name).map(String::as_str),
    }
}

/// FNV-1a with a final mix (that of SplitMix64): stable for ever, since models are stored.
fn hash(pairs: &[(&str, &str)]) -> Key {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |byte: u8| state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for (name, value) in pairs {
        for text in [name, value] {
            text.bytes().for_each(&mut take);
            // No UTF-8 text contains this byte: it keeps "a" + "bc" apart from "ab" + "c".
            take(0xff);
        }
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state ^ (state >> 31)).max(BASE + 1)
}
