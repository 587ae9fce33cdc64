//! Which tickets are listed: a subset of AIP-160.
//!
//! Comparisons joined by `AND` and `OR`. As in AIP-160, `OR` binds closer: `a AND b OR c` is
//! `a AND (b OR c)`. No parentheses, no functions, no free words.

use lotse_clock::Timestamp;

use super::words::{Channel, Priority, Status};

/// Longest filter in bytes.
const MAX_BYTES: usize = 4_096;
/// Most comparisons.
const MAX_COMPARISONS: usize = 64;

/// All of these must hold; of each, one. Empty: every ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(pub Vec<Vec<Comparison>>);

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared.
    pub field: Field,
    /// How.
    pub op: Op,
    /// With what.
    pub value: Value,
}

/// What can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Whose turn it is.
    Status,
    /// Where it came from.
    Channel,
    /// How soon.
    Priority,
    /// What it is about.
    Category,
    /// The agent who has it.
    Assignee,
    /// The group that has it.
    Group,
    /// Who asks.
    Requester,
    /// Its language.
    Language,
    /// The caller's own id.
    ExternalId,
    /// When it was created.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// Its number.
    Number,
}

/// How things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Is,
    /// `!=`
    IsNot,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

/// What is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A stored word or text.
    Text(String),
    /// A number, or an instant in milliseconds.
    Number(i64),
}

/// A filter that cannot be read, in words that name the field or the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadFilter(String);

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// Says what is wrong and with which field.
    pub fn parse(given: &str) -> Result<Self, BadFilter> {
        if given.len() > MAX_BYTES {
            return Err(BadFilter(format!("must be at most {MAX_BYTES} bytes")));
        }
        let mut words = Words(given);
        let mut all = Vec::new();
        let mut count = 0;
        let Some(mut next) = words.next()? else {
            return Ok(Self(all));
        };
        let mut any = Vec::new();
        loop {
            count += 1;
            if count > MAX_COMPARISONS {
                return Err(BadFilter(format!(
                    "must have at most {MAX_COMPARISONS} comparisons"
                )));
            }
            any.push(comparison(next, &mut words)?);
            match words.next()? {
                None => break,
                Some(Word::Bare("OR")) => {}
                Some(Word::Bare("AND")) => all.push(std::mem::take(&mut any)),
                Some(word) => {
                    return Err(BadFilter(format!(
                        "{word} stands where AND or OR must stand"
                    )));
                }
            }
            let ends = || BadFilter("ends where a comparison must follow".to_owned());
            next = words.next()?.ok_or_else(ends)?;
        }
        all.push(any);
        Ok(Self(all))
    }
}

fn comparison(field: Word<'_>, words: &mut Words<'_>) -> Result<Comparison, BadFilter> {
    let Word::Bare(name) = field else {
        return Err(BadFilter(format!(
            "{field} stands where a field must stand"
        )));
    };
    let field = match name {
        "status" => Field::Status,
        "channel" => Field::Channel,
        "priority" => Field::Priority,
        "category" => Field::Category,
        "assignee" => Field::Assignee,
        "group" => Field::Group,
        "requester" => Field::Requester,
        "language" => Field::Language,
        "external_id" => Field::ExternalId,
        "created_at" => Field::CreatedAt,
        "updated_at" => Field::UpdatedAt,
        "number" => Field::Number,
        _ => {
            return Err(BadFilter(format!(
                "{name} is not a field that can be filtered by"
            )));
        }
    };
    let op = match words.next()? {
        Some(Word::Op(op)) => op,
        _ => {
            return Err(BadFilter(format!(
                "{name} must be followed by a comparison such as `=`"
            )));
        }
    };
    let ranged = matches!(field, Field::CreatedAt | Field::UpdatedAt | Field::Number);
    if !ranged && !matches!(op, Op::Is | Op::IsNot) {
        return Err(BadFilter(format!(
            "{name} can only be compared with `=` and `!=`"
        )));
    }
    let text = match words.next()? {
        Some(Word::Bare(text)) => text.to_owned(),
        Some(Word::Quoted(text)) => text,
        _ => return Err(BadFilter(format!("{name} must be compared with a value"))),
    };
    Ok(Comparison {
        field,
        op,
        value: value(field, name, text)?,
    })
}

fn value(field: Field, name: &str, text: String) -> Result<Value, BadFilter> {
    fn one_of<T: Copy>(
        name: &str,
        text: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Result<Value, BadFilter> {
        let found = all
            .iter()
            .find(|known| word(**known).eq_ignore_ascii_case(text));
        let words = || {
            all.iter()
                .map(|known| word(*known).to_uppercase())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match found {
            Some(known) => Ok(Value::Text(word(*known).to_owned())),
            None => Err(BadFilter(format!("{name} must be one of {}", words()))),
        }
    }
    match field {
        Field::Status => one_of(name, &text, Status::ALL, Status::word),
        Field::Channel => one_of(name, &text, Channel::ALL, Channel::word),
        Field::Priority => one_of(name, &text, Priority::ALL, Priority::word),
        Field::CreatedAt | Field::UpdatedAt => match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Value::Number(
                Timestamp::from_millis(at.as_millisecond()).as_millis(),
            )),
            Err(_) => Err(BadFilter(format!(
                "{name} must be compared with a time such as \"2016-03-01T08:00:00Z\""
            ))),
        },
        Field::Number => match text.parse() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err(BadFilter(format!(
                "{name} must be compared with a whole number"
            ))),
        },
        Field::Category
        | Field::Assignee
        | Field::Group
        | Field::Requester
        | Field::Language
        | Field::ExternalId => {
            if text.chars().any(char::is_control) {
                return Err(BadFilter(format!(
                    "{name} must not be compared with control characters"
                )));
            }
            Ok(Value::Text(text))
        }
    }
}

enum Word<'a> {
    Bare(&'a str),
    Quoted(String),
    Op(Op),
}

impl std::fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bare(text) => write!(f, "{text:?}"),
            Self::Quoted(text) => write!(f, "{text:?}"),
            Self::Op(_) => f.write_str("a comparison"),
        }
    }
}

/// What is left of a filter.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<Word<'a>>, BadFilter> {
        const OPS: [(&str, Op); 6] = [
            ("!=", Op::IsNot),
            ("<=", Op::AtMost),
            (">=", Op::AtLeast),
            ("=", Op::Is),
            ("<", Op::Below),
            (">", Op::Above),
        ];
        self.0 = self.0.trim_start();
        if self.0.is_empty() {
            return Ok(None);
        }
        for (sign, op) in OPS {
            if let Some(rest) = self.0.strip_prefix(sign) {
                self.0 = rest;
                return Ok(Some(Word::Op(op)));
            }
        }
        if let Some(rest) = self.0.strip_prefix('"') {
            return self.quoted(rest).map(Some);
        }
        let bare =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '+' | '/' | '@');
        let end = self.0.find(|c| !bare(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        if word.is_empty() {
            let odd: String = rest.chars().take(1).collect();
            return Err(BadFilter(format!("{odd:?} has no meaning here")));
        }
        self.0 = rest;
        Ok(Some(Word::Bare(word)))
    }

    /// Text until the closing quote; a backslash takes the next character as it is.
    fn quoted(&mut self, rest: &'a str) -> Result<Word<'a>, BadFilter> {
        let mut text = String::new();
        let mut characters = rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.0 = &rest[at + 1..];
                    return Ok(Word::Quoted(text));
                }
                '\\' => text.extend(characters.next().map(|(_, c)| c)),
                c => text.push(c),
            }
        }
        Err(BadFilter("a quote is not closed".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(field: Field, op: Op, value: &str) -> Comparison {
        Comparison {
            field,
            op,
            value: Value::Text(value.to_owned()),
        }
    }

    #[test]
    fn or_binds_closer_than_and() {
        let filter = Filter::parse("status = NEW OR status=open AND channel = EMAIL").unwrap();
        assert_eq!(
            filter.0,
            [
                vec![
                    text(Field::Status, Op::Is, "new"),
                    text(Field::Status, Op::Is, "open")
                ],
                vec![text(Field::Channel, Op::Is, "email")],
            ]
        );
        assert_eq!(Filter::parse("  "), Ok(Filter::default()));
    }

    #[test]
    fn values_may_be_quoted_and_times_are_instants() {
        let filter =
            Filter::parse(r#"category != "a \"b\" AND" AND created_at >= "1970-01-01T00:00:01Z""#)
                .unwrap();
        assert_eq!(
            filter.0[0][0],
            text(Field::Category, Op::IsNot, "a \"b\" AND")
        );
        assert_eq!(filter.0[1][0].value, Value::Number(1_000));
        let unassigned = Filter::parse(r#"assignee = """#).unwrap();
        assert_eq!(unassigned.0[0][0], text(Field::Assignee, Op::Is, ""));
    }

    #[test]
    fn errors_name_the_field() {
        for (given, said) in [
            (
                "colour = red",
                "colour is not a field that can be filtered by",
            ),
            (
                "status = ASLEEP",
                "status must be one of NEW, OPEN, PENDING, ON_HOLD, SOLVED, CLOSED",
            ),
            (
                "status > NEW",
                "status can only be compared with `=` and `!=`",
            ),
            (
                "created_at > yesterday",
                "created_at must be compared with a time such as \"2016-03-01T08:00:00Z\"",
            ),
            ("number = x", "number must be compared with a whole number"),
            (
                "status",
                "status must be followed by a comparison such as `=`",
            ),
            ("status =", "status must be compared with a value"),
            (
                "status = NEW status = OPEN",
                "\"status\" stands where AND or OR must stand",
            ),
            ("status = NEW AND", "ends where a comparison must follow"),
            ("category = \"x", "a quote is not closed"),
            ("(status = NEW)", "\"(\" has no meaning here"),
            (
                "category = \"a\0\"",
                "category must not be compared with control characters",
            ),
        ] {
            assert_eq!(
                Filter::parse(given).unwrap_err().to_string(),
                said,
                "{given}"
            );
        }
        let many = vec!["number = 1"; MAX_COMPARISONS + 1].join(" OR ");
        assert!(Filter::parse(&many).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(given in ".*") {
            let _ = Filter::parse(&given);
        }

        #[test]
        fn what_is_quoted_comes_back(category in "[^\\p{Cc}]{0,40}") {
            let quoted = category.replace('\\', "\\\\").replace('"', "\\\"");
            let filter = Filter::parse(&format!("category = \"{quoted}\"")).unwrap();
            prop_assert_eq!(&filter.0[0][0], &text(Field::Category, Op::Is, &category));
        }
    }
}
