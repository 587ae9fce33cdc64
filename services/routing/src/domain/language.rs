//! Languages, as far as routing compares them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A BCP 47 tag, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Language(String);

/// Longest tag taken, in bytes. RFC 5646 (4.4.1) asks for 35.
const LONGEST: usize = 35;

impl Language {
    /// The tag as it is; `None` when it is not shaped like one: subtags of 1 to 8 ASCII letters
    /// and digits with hyphens between, the first of 2 to 8 letters.
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        let mut subtags = tag.split('-');
        let primary = subtags.next()?;
        let fits = tag.len() <= LONGEST
            && (2..=8).contains(&primary.len())
            && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
            && subtags.all(|subtag| {
                (1..=8).contains(&subtag.len())
                    && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        fits.then(|| Self(tag.to_ascii_lowercase()))
    }

    /// Whether somebody who speaks one understands the other: the primary language decides, so
    /// `de` and `de-AT` do.
    pub(crate) fn understands(&self, other: &Self) -> bool {
        self.primary() == other.primary()
    }

    /// Whether this range covers `tag` by RFC 4647 (3.3.1): `de` covers `de-AT`, not the reverse.
    pub(crate) fn covers(&self, tag: &Self) -> bool {
        tag.0
            .strip_prefix(&self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(tag: &str) -> Language {
        Language::parse(tag).unwrap()
    }

    #[test]
    fn tags_compare_without_case_by_their_primary_language() {
        assert!(tag("de").understands(&tag("DE-at")));
        assert!(!tag("de").understands(&tag("den")));
        assert!(tag("de").covers(&tag("de-AT")));
        assert!(!tag("de-AT").covers(&tag("de")));
        assert!(!tag("de").covers(&tag("den")));
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for bad in [
            "",
            "d",
            "de_AT",
            "de--AT",
            "d1",
            "deutschdeutsch",
            "de-\u{e4}",
        ] {
            assert_eq!(Language::parse(bad), None, "{bad}");
        }
    }
}
