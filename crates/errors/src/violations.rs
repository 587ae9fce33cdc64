//! Collecting everything that is wrong with a request.

use std::fmt::Display;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;

use crate::{Error, FieldViolation};

/// What is wrong with a request, field by field.
///
/// ```
/// # use lotse_errors::{Text, Violations};
/// # fn check(subject: &str, page_size: i32) -> Result<String, lotse_errors::Error> {
/// let mut wrong = Violations::new();
/// let subject = wrong.text("subject", subject, Text::line(1..=500));
/// wrong.require("page_size", page_size >= 0, "must not be negative");
/// wrong.finish()?;
/// # Ok(subject) }
/// # assert_eq!(check("Printer", 1).unwrap(), "Printer");
/// # assert!(check("", -1).is_err());
/// ```
#[derive(Debug, Default)]
pub struct Violations(Vec<FieldViolation>);

/// The limits of a text field.
#[derive(Debug, Clone)]
pub struct Text {
    bytes: std::ops::RangeInclusive<usize>,
    multiline: bool,
}

impl Text {
    /// One line: no control characters at all. `bytes` counts UTF-8 after normalisation.
    pub const fn line(bytes: std::ops::RangeInclusive<usize>) -> Self {
        Self {
            bytes,
            multiline: false,
        }
    }

    /// Several lines: line feed, carriage return and tab are allowed.
    pub const fn body(bytes: std::ops::RangeInclusive<usize>) -> Self {
        Self {
            bytes,
            multiline: true,
        }
    }

    fn allows(&self, c: char) -> bool {
        !c.is_control() || (self.multiline && matches!(c, '\n' | '\r' | '\t'))
    }
}

impl Violations {
    /// Nothing wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that `field` is wrong.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation {
            field: field.into(),
            description: description.into(),
        });
    }

    /// Records `description` unless `holds`.
    pub fn require(&mut self, field: &str, holds: bool, description: &str) {
        if !holds {
            self.add(field, description);
        }
    }

    /// Checks a text and returns it normalised to NFC, so that equal texts compare equal.
    ///
    /// A text far above its limit is refused before it is normalised.
    pub fn text(&mut self, field: &str, value: &str, limits: Text) -> String {
        let (min, max) = (*limits.bytes.start(), *limits.bytes.end());
        // NFC never shrinks a text below a third of its bytes (UAX 15, "Forms and sizes").
        if value.len() / 3 > max {
            self.add(field, format!("must be at most {max} bytes of UTF-8"));
            return String::new();
        }
        let text: String = value.nfc().collect();
        if text.len() > max {
            self.add(field, format!("must be at most {max} bytes of UTF-8"));
        } else if text.is_empty() && min > 0 {
            self.add(field, "must not be empty");
        } else if text.len() < min {
            self.add(field, format!("must be at least {min} bytes of UTF-8"));
        } else if min > 0 && text.trim().is_empty() {
            self.add(field, "must not be blank");
        }
        if let Some(c) = text.chars().find(|c| !limits.allows(*c)) {
            self.add(
                field,
                format!("must not contain the control character U+{:04X}", c as u32),
            );
        }
        text
    }

    /// Parses a value; a failure is recorded with the parser's own words.
    pub fn parse<T>(&mut self, field: &str, value: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.take(field, value.parse())
    }

    /// Parses a value unless it is empty.
    pub fn parse_optional<T>(&mut self, field: &str, value: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        if value.is_empty() {
            None
        } else {
            self.parse(field, value)
        }
    }

    /// Keeps a good value, records a bad one.
    pub fn take<T, E: Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value
            .map_err(|error| self.add(field, error.to_string()))
            .ok()
    }

    /// Keeps a value that must be there.
    pub fn present<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        self.require(field, value.is_some(), "is required");
        value
    }

    /// Adds what is wrong inside an element: `subject` under `tickets[3]` is `tickets[3].subject`.
    pub fn nest(&mut self, path: &str, inner: Violations) {
        self.0
            .extend(inner.0.into_iter().map(|violation| FieldViolation {
                field: format!("{path}.{}", violation.field),
                description: violation.description,
            }));
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the check.
    ///
    /// # Errors
    /// INVALID_ARGUMENT with every violation collected.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid_fields(self.0))
        }
    }

    /// Ends the check of a request whose parsed `value` is there when nothing is wrong.
    ///
    /// # Errors
    /// INVALID_ARGUMENT with every violation collected; INTERNAL when a value is missing although
    /// nothing was recorded, which is a mistake of the check.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Error> {
        self.finish()?;
        value.ok_or_else(|| Error::internal("a checked field is missing without a violation"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn fields(wrong: Violations) -> Vec<(String, String)> {
        match wrong.finish().unwrap_err().kind() {
            Kind::Invalid(list) => list
                .iter()
                .map(|v| (v.field.clone(), v.description.clone()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_is_normalised_to_nfc() {
        let mut wrong = Violations::new();
        assert_eq!(
            wrong.text("name", "Zu\u{308}rich", Text::line(1..=7)),
            "Z\u{fc}rich"
        );
        assert!(wrong.finish().is_ok());
    }

    #[test]
    fn text_limits_count_bytes_not_characters() {
        let mut wrong = Violations::new();
        wrong.text("name", "\u{fc}\u{fc}", Text::line(1..=3));
        wrong.text("huge", &"x".repeat(100), Text::line(1..=3));
        wrong.text("blank", "  ", Text::line(1..=3));
        wrong.text("empty", "", Text::line(1..=3));
        wrong.text("optional", "", Text::line(0..=3));
        let names: Vec<_> = fields(wrong).into_iter().map(|(field, _)| field).collect();
        assert_eq!(names, ["name", "huge", "blank", "empty"]);
    }

    #[test]
    fn control_characters_are_refused_but_a_body_may_have_lines() {
        let mut wrong = Violations::new();
        wrong.text("subject", "a\nb", Text::line(1..=9));
        wrong.text("body", "a\r\n\tb", Text::body(1..=9));
        wrong.text("bell", "a\u{7}", Text::body(1..=9));
        let all = fields(wrong);
        assert_eq!(all[0].1, "must not contain the control character U+000A");
        assert_eq!(all[1].0, "bell");
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn all_violations_come_at_once_with_their_paths() {
        let mut inner = Violations::new();
        inner.require("subject", false, "must not be empty");
        let mut wrong = Violations::new();
        assert_eq!(wrong.parse::<u8>("size", "300"), None);
        assert_eq!(wrong.parse_optional::<u8>("limit", ""), None);
        assert_eq!(wrong.present::<u8>("priority", None), None);
        wrong.nest("tickets[3]", inner);
        let names: Vec<_> = fields(wrong).into_iter().map(|(field, _)| field).collect();
        assert_eq!(names, ["size", "priority", "tickets[3].subject"]);
    }
}
