//! One group answers for another for a while.

use lotse_clock::Timestamp;
use lotse_ids::{CoverId, GroupId};
use serde::{Deserialize, Serialize};

use super::language::Language;

/// A cover as configured, with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cover {
    /// The cover.
    pub(crate) id: CoverId,
    /// Who is covered.
    pub(crate) group: GroupId,
    /// By whom.
    pub(crate) by: GroupId,
    /// From when on.
    pub(crate) starts_at: Timestamp,
    /// Up to, not including.
    pub(crate) ends_at: Timestamp,
    /// What is told to requesters, and why it is so.
    pub(crate) words: CoverWords,
    /// Raised by every change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// What is said about a cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CoverWords {
    /// To requesters.
    pub(crate) notices: Vec<Notice>,
    /// To colleagues.
    pub(crate) reason: String,
}

/// What requesters are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// In which language; none for everybody else.
    pub(crate) language: Option<Language>,
    /// The text.
    pub(crate) text: String,
}

/// A cover as a decision has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Covered {
    /// The cover.
    pub(crate) id: CoverId,
    /// Whose agents count as members.
    pub(crate) by: GroupId,
    /// When it ends, in milliseconds since the epoch.
    pub(crate) until: i64,
}

impl Cover {
    /// Whether it lasts at an instant.
    pub(crate) fn lasts(&self, at: Timestamp) -> bool {
        self.starts_at <= at && at < self.ends_at
    }

    /// What a decision records of it.
    pub(crate) fn seen(&self) -> Covered {
        Covered {
            id: self.id.clone(),
            by: self.by.clone(),
            until: self.ends_at.as_millis(),
        }
    }
}

impl CoverWords {
    /// What somebody of a language is told: in it, else in what they understand, else what is meant
    /// for everybody, else the first there is.
    pub(crate) fn notice(&self, language: Option<&Language>) -> Option<&Notice> {
        let find = |fits: &dyn Fn(&Language) -> bool| {
            let mut notices = self.notices.iter();
            notices.find(|notice| notice.language.as_ref().is_some_and(fits))
        };
        let own = language.and_then(|wanted| {
            find(&|one| one == wanted)
                .or_else(|| find(&|one| one.covers(wanted)))
                .or_else(|| find(&|one| one.understands(wanted)))
        });
        own.or_else(|| self.notices.iter().find(|one| one.language.is_none()))
            .or_else(|| self.notices.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(notices: &[&str], language: &str) -> Option<String> {
        let notice = |tag: &&str| Notice {
            language: Language::parse(tag),
            text: format!("in {tag}"),
        };
        let words = CoverWords {
            notices: notices.iter().map(notice).collect(),
            reason: String::new(),
        };
        let told = words.notice(Language::parse(language).as_ref());
        told.map(|notice| notice.text.clone())
    }

    #[test]
    fn the_notice_nearest_to_the_language_is_told() {
        let all = ["", "de-CH", "de", "en"];
        assert_eq!(told(&all, "de-AT").unwrap(), "in de");
        assert_eq!(told(&all, "de-CH").unwrap(), "in de-CH");
        assert_eq!(told(&["en-GB", "fr"], "en-US").unwrap(), "in en-GB");
        assert_eq!(told(&all, "ja").unwrap(), "in ");
        assert_eq!(told(&all, "").unwrap(), "in ");
        assert_eq!(told(&["fr", "de"], "ja").unwrap(), "in fr");
        assert_eq!(told(&[], "de"), None);
    }
}
