//! What requests have in common, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use lotse_auth::Caller;
use lotse_clock::Timestamp;
use lotse_errors::{Error as Refusal, ErrorReason, Text, Violations};
use lotse_ids::GroupId;
use lotse_proto::common::v1 as common;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::from_proto;

use crate::app::Ref;
use crate::domain::codes::{Channel, Presence, Priority, TransferReason};
use crate::domain::language::Language;
use crate::error::Error;

/// Names of groups, agents and rules, in bytes.
const NAME: Text = Text::line(1..=128);
/// Values that a condition compares with, in bytes.
const VALUE: Text = Text::line(1..=256);
/// Highest support level.
const TIERS: u32 = 9;
/// Most of anything that a list may hold, where nothing else is said.
const LIST: usize = 64;

/// A unique name, which must not be taken for an id.
pub(super) fn name(wrong: &mut Violations, field: &str, given: &str, prefix: &str) -> String {
    let name = wrong.text(field, given, NAME);
    let like_id = name
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('_'));
    wrong.require(field, !like_id, "must not look like an id");
    name
}

/// A rule's name.
pub(super) fn rule_name(wrong: &mut Violations, field: &str, given: &str) -> String {
    wrong.text(field, given, NAME)
}

/// An id or a unique name; none when empty.
pub(super) fn reference<T: FromStr>(
    wrong: &mut Violations,
    field: &str,
    given: &str,
) -> Option<Ref<T>> {
    (!given.is_empty()).then(|| Ref::parse(&wrong.text(field, given, NAME)))
}

/// An id or a unique name.
pub(super) fn required_reference<T: FromStr>(
    wrong: &mut Violations,
    field: &str,
    given: &str,
) -> Option<Ref<T>> {
    let reference = reference(wrong, field, given);
    wrong.present(field, reference)
}

/// A support level; 0 means 1.
pub(super) fn tier(wrong: &mut Violations, field: &str, given: u32) -> u8 {
    wrong.require(field, given <= TIERS, "must be between 1 and 9");
    u8::try_from(given.clamp(1, TIERS)).unwrap_or(1)
}

/// A level of 1 to 5; 0 means `default`, or is refused where there is none.
pub(super) fn level(wrong: &mut Violations, field: &str, given: u32, default: Option<u8>) -> u8 {
    match (given, default) {
        (0, Some(default)) => default,
        (1..=5, _) => u8::try_from(given).unwrap_or(1),
        _ => {
            wrong.add(field, "must be between 1 and 5");
            1
        }
    }
}

/// What skills are called by: 1 to 64 of a-z, 0-9, `_`, `-` and `.`.
pub(super) fn skill(wrong: &mut Violations, field: &str, given: &str) -> String {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    let good = (1..=64).contains(&given.len()) && given.bytes().all(fits);
    wrong.require(field, good, "must be 1 to 64 of a-z, 0-9, '_', '-' and '.'");
    given.to_owned()
}

/// Skills with levels, each once. A level of 0 means `default`, or is refused.
pub(super) fn skills(
    wrong: &mut Violations,
    field: &str,
    given: &[proto::SkillLevel],
    most: usize,
    default: Option<u8>,
) -> BTreeMap<String, u8> {
    at_most(wrong, field, given.len(), most);
    let mut skills = BTreeMap::new();
    for (
        at,
        proto::SkillLevel {
            skill: name,
            level: given,
        },
    ) in given.iter().enumerate()
    {
        let name = skill(wrong, &format!("{field}[{at}].skill"), name);
        let level = level(wrong, &format!("{field}[{at}].level"), *given, default);
        if skills.insert(name, level).is_some() {
            wrong.add(format!("{field}[{at}].skill"), "is there twice");
        }
    }
    skills
}

/// Languages with levels, each once; a level of 0 means 5.
pub(super) fn languages(
    wrong: &mut Violations,
    field: &str,
    given: &[proto::LanguageLevel],
    most: usize,
) -> BTreeMap<Language, u8> {
    at_most(wrong, field, given.len(), most);
    let mut languages = BTreeMap::new();
    for (
        at,
        proto::LanguageLevel {
            language: tag,
            level: given,
        },
    ) in given.iter().enumerate()
    {
        let level = level(wrong, &format!("{field}[{at}].level"), *given, Some(5));
        let field = format!("{field}[{at}].language");
        let Some(language) = language(wrong, &field, tag) else {
            continue;
        };
        if languages.insert(language, level).is_some() {
            wrong.add(field, "is there twice");
        }
    }
    languages
}

/// A BCP 47 tag.
pub(super) fn language(wrong: &mut Violations, field: &str, given: &str) -> Option<Language> {
    let language = Language::parse(given);
    wrong.require(field, language.is_some(), "must be a BCP 47 language tag");
    language
}

/// Values that a condition compares with.
pub(super) fn values(wrong: &mut Violations, field: &str, given: &[String]) -> BTreeSet<String> {
    at_most(wrong, field, given.len(), LIST);
    let values = given.iter().enumerate();
    values
        .map(|(at, value)| wrong.text(&format!("{field}[{at}]"), value, VALUE))
        .collect()
}

/// Refuses a list that is too long.
pub(super) fn at_most(wrong: &mut Violations, field: &str, length: usize, most: usize) {
    if length > most {
        wrong.add(field, format!("must have at most {most} entries"));
    }
}

/// Most groups that a request can be limited to.
const MAX_GROUPS: usize = 1_000;

/// The groups that a request is about, by id; empty for all.
pub(super) fn groups(wrong: &mut Violations, given: &[String]) -> Vec<GroupId> {
    at_most(wrong, "group_ids", given.len(), MAX_GROUPS);
    let each = given.iter().take(MAX_GROUPS).enumerate();
    each.filter_map(|(at, group)| wrong.parse(&format!("group_ids[{at}]"), group))
        .collect()
}

/// Most entries of a list where nothing else is said.
pub(super) const fn list() -> usize {
    LIST
}

/// A channel that a condition names.
pub(super) fn channel(wrong: &mut Violations, field: &str, given: i32) -> Option<Channel> {
    let channel = match common::Channel::try_from(given) {
        Ok(common::Channel::Email) => Some(Channel::Email),
        Ok(common::Channel::Chat) => Some(Channel::Chat),
        Ok(common::Channel::Phone) => Some(Channel::Phone),
        Ok(common::Channel::Web) => Some(Channel::Web),
        Ok(common::Channel::Api) => Some(Channel::Api),
        Ok(common::Channel::Social) => Some(Channel::Social),
        Ok(common::Channel::WalkIn) => Some(Channel::WalkIn),
        Ok(common::Channel::Unspecified) | Err(_) => None,
    };
    wrong.require(field, channel.is_some(), "must be a known channel");
    channel
}

/// A priority that a condition names.
pub(super) fn priority(wrong: &mut Violations, field: &str, given: i32) -> Option<Priority> {
    let priority = match common::Priority::try_from(given) {
        Ok(common::Priority::Urgent) => Some(Priority::Urgent),
        Ok(common::Priority::High) => Some(Priority::High),
        Ok(common::Priority::Normal) => Some(Priority::Normal),
        Ok(common::Priority::Low) => Some(Priority::Low),
        Ok(common::Priority::Unspecified) | Err(_) => None,
    };
    wrong.require(field, priority.is_some(), "must be a known priority");
    priority
}

/// A presence; none when it is left open.
pub(super) fn presence(wrong: &mut Violations, field: &str, given: i32) -> Option<Presence> {
    match proto::Presence::try_from(given) {
        Ok(proto::Presence::Online) => Some(Presence::Online),
        Ok(proto::Presence::Away) => Some(Presence::Away),
        Ok(proto::Presence::NotResponding) => Some(Presence::NotResponding),
        Ok(proto::Presence::Offline) => Some(Presence::Offline),
        Ok(proto::Presence::Unspecified) => None,
        Err(_) => {
            wrong.add(field, "must be a known presence");
            None
        }
    }
}

/// Why a ticket is passed on; nothing said is unexplained.
pub(super) fn transfer_reason(wrong: &mut Violations, field: &str, given: i32) -> TransferReason {
    match common::TransferReason::try_from(given) {
        Ok(common::TransferReason::WrongSkill) => TransferReason::WrongSkill,
        Ok(common::TransferReason::WrongLanguage) => TransferReason::WrongLanguage,
        Ok(common::TransferReason::WrongTier) => TransferReason::WrongTier,
        Ok(common::TransferReason::Capacity) => TransferReason::Capacity,
        Ok(common::TransferReason::ShiftEnd) => TransferReason::ShiftEnd,
        Ok(common::TransferReason::RequesterAsked) => TransferReason::RequesterAsked,
        Ok(common::TransferReason::Unspecified | common::TransferReason::Unexplained) => {
            TransferReason::Unexplained
        }
        Err(_) => {
            wrong.add(field, "must be a known reason");
            TransferReason::Unexplained
        }
    }
}

/// When something happened; none for now.
pub(super) fn occurred_at(
    wrong: &mut Violations,
    given: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let given = given.map(from_proto).transpose();
    let at = wrong.take("occurred_at", given).flatten()?;
    wrong.require("occurred_at", at <= now, "must not be in the future");
    Some(at)
}

/// Lets only those tell of the past who may import history.
pub(super) fn may_tell(
    caller: &Caller,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Error> {
    if at.is_none_or(|at| at >= now) || caller.has("tickets.import") {
        return Ok(());
    }
    let message = "a time in the past needs the scope tickets.import";
    let reason = ErrorReason::PastTimeNotAllowed;
    Err(Refusal::permission_denied(reason, message)
        .with("scope", "tickets.import")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(10_000);
    const PAST: Timestamp = Timestamp::from_millis(9_999);

    #[test]
    fn the_past_needs_the_scope_of_imports() {
        let nobody = Caller::nobody();
        let refused: Refusal = may_tell(&nobody, Some(PAST), NOW).unwrap_err().into();
        assert_eq!(refused.reason(), ErrorReason::PastTimeNotAllowed);
        assert!(may_tell(&nobody, None, NOW).is_ok());
        assert!(may_tell(&nobody, Some(NOW), NOW).is_ok());
        assert!(may_tell(&Caller::local(), Some(PAST), NOW).is_ok());
    }

    #[test]
    fn a_required_level_may_be_left_out_and_an_agents_may_not() {
        let given = [proto::SkillLevel {
            skill: "vpn".to_owned(),
            level: 0,
        }];
        let mut wrong = Violations::new();
        let required = skills(&mut wrong, "required", &given, 9, Some(1));
        assert_eq!(required, BTreeMap::from([("vpn".to_owned(), 1)]));
        assert!(wrong.is_empty());
        skills(&mut wrong, "skills", &given, 9, None);
        assert!(!wrong.is_empty());
    }

    #[test]
    fn a_list_with_one_thing_twice_is_refused() {
        let mut wrong = Violations::new();
        let twice = ["de", "DE"].map(|language| proto::LanguageLevel {
            language: language.to_owned(),
            level: 3,
        });
        languages(&mut wrong, "languages", &twice, 9);
        assert!(!wrong.is_empty());
    }
}
