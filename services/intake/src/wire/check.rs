//! The limits of the fields that several requests have.

use std::collections::BTreeMap;

use lotse_errors::{Text, Violations};

use crate::domain::language::canonical_tag;

const MAX_ITEMS: usize = 64;
const MAX_SKILLS: usize = 16;

/// Request id: any line of at most 128 bytes.
pub(crate) fn request_id(wrong: &mut Violations, given: &str) -> String {
    wrong.text("request_id", given, Text::line(0..=128))
}

/// A mail's subject may have 998 bytes (RFC 5322, section 2.1.1).
pub(crate) fn subject(wrong: &mut Violations, field: &str, given: &str) -> String {
    wrong.text(field, given, Text::line(1..=998))
}

/// A category, at most 128 bytes; empty for none.
pub(crate) fn category(wrong: &mut Violations, field: &str, given: &str) -> String {
    wrong.text(field, given, Text::line(0..=128))
}

/// A body of at most 1 MiB, and at least `min` bytes.
pub(crate) fn body(wrong: &mut Violations, given: &str, min: usize) -> String {
    wrong.text("body", given, Text::body(min..=1024 * 1024))
}

/// A language tag in its usual case; empty stays empty.
pub(crate) fn language(wrong: &mut Violations, field: &str, given: &str) -> String {
    if given.is_empty() {
        return String::new();
    }
    wrong.take(field, canonical_tag(given)).unwrap_or_default()
}

/// Labels: sorted, each once.
pub(crate) fn tags(wrong: &mut Violations, field: &str, given: &[String]) -> Vec<String> {
    labels(wrong, field, given, MAX_ITEMS, 64)
}

/// Names of skills: sorted, each once.
pub(crate) fn skills(wrong: &mut Violations, given: &[String]) -> Vec<String> {
    labels(wrong, "required_skills", given, MAX_SKILLS, 128)
}

fn labels(
    wrong: &mut Violations,
    field: &str,
    given: &[String],
    most: usize,
    bytes: usize,
) -> Vec<String> {
    if given.len() > most {
        wrong.add(field, format!("must be at most {most}"));
        return Vec::new();
    }
    let one = |(index, label): (usize, &String)| {
        wrong.text(&format!("{field}[{index}]"), label, Text::line(1..=bytes))
    };
    let mut labels: Vec<String> = given.iter().enumerate().map(one).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// The caller's own facts.
pub(crate) fn attributes(
    wrong: &mut Violations,
    field: &str,
    given: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    if given.len() > MAX_ITEMS {
        wrong.add(field, format!("must be at most {MAX_ITEMS}"));
        return BTreeMap::new();
    }
    given
        .iter()
        .map(|(key, value)| attribute(wrong, field, key, value))
        .collect()
}

/// One of the caller's own facts.
pub(crate) fn attribute(
    wrong: &mut Violations,
    field: &str,
    key: &str,
    value: &str,
) -> (String, String) {
    // The key is named as far as it can be shown.
    let shown: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
    let field = format!("{field}.{shown}");
    if !is_code(key, 1) {
        wrong.add(&field, "must have a key of `[a-z0-9_]`, 1 to 64 of them");
    }
    (
        key.to_owned(),
        wrong.text(&field, value, Text::line(0..=256)),
    )
}

/// The number of attributes after an edit.
pub(crate) fn attribute_count_allowed(count: usize) -> bool {
    count <= MAX_ITEMS
}

/// A reason: a code, because it travels in the journal.
pub(crate) fn reason(wrong: &mut Violations, given: &str, min: usize) -> String {
    if given.is_empty() && min > 0 {
        wrong.add("reason", "is required");
    } else if !is_code(given, min) {
        wrong.add(
            "reason",
            "must be a code of `[a-z0-9_]`, at most 64 of them, such as `awaiting_vendor`",
        );
    }
    given.to_owned()
}

fn is_code(given: &str, min: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (min..=64).contains(&given.len()) && given.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_each_once() {
        let mut wrong = Violations::new();
        let given = ["b", "a", "b"].map(str::to_owned);
        assert_eq!(tags(&mut wrong, "tags", &given), ["a", "b"]);
        assert!(wrong.is_empty());
    }

    #[test]
    fn reasons_are_codes_so_that_no_text_gets_into_the_journal() {
        for (given, min, good) in [
            ("awaiting_vendor", 1, true),
            ("", 0, true),
            ("", 1, false),
            ("Awaiting vendor", 1, false),
            ("ask_ann@example.com", 1, false),
        ] {
            let mut wrong = Violations::new();
            reason(&mut wrong, given, min);
            assert_eq!(wrong.is_empty(), good, "{given:?}");
        }
    }

    #[test]
    fn bad_attribute_is_named_without_its_control_characters() {
        let mut wrong = Violations::new();
        attribute(&mut wrong, "attributes", "a\0b", "x");
        let error = wrong.finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "attributes.ab: must have a key of `[a-z0-9_]`, 1 to 64 of them"
        );
    }
}
