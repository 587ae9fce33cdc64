//! Filters: a subset of AIP-160.
//!
//! ```text
//! filter  = all
//! all     = any { "AND" any }
//! any     = one { "OR" one }               OR binds tighter than AND, as AIP-160 has it
//! one     = [ "NOT" ] ( test | "(" all ")" )
//! test    = field ( "=" | "!=" | ":" ) value
//! field   = letters, digits, "_" and "."
//! value   = letters, digits, "_", "-", "." and "*", or anything in double quotes
//! ```

use std::fmt;

/// Longest filter, in bytes.
pub const LONGEST: usize = 4_096;

/// Deepest nesting of parentheses and NOT.
const DEEPEST: usize = 32;

/// What a filter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of these; everything when there are none.
    All(Vec<Filter>),
    /// At least one of these.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// One field compared with one value.
    Test(Test),
}

/// One field compared with one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The field.
    pub field: String,
    /// How they are compared.
    pub operator: Operator,
    /// The value.
    pub value: String,
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equals,
    /// `!=`
    Differs,
    /// `:`, one of the values of a field that has several, or with `*` any.
    Has,
}

/// Why a filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What is expected there.
    pub expected: &'static str,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: expected {}", self.at, self.expected)
    }
}

impl Filter {
    /// Reads a filter; an empty text lets everything through.
    ///
    /// # Errors
    /// Where it departs from the grammar.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let mut reader = Reader {
            text,
            at: 0,
            depth: 0,
        };
        if text.len() > LONGEST {
            return Err(reader.expected("at most 4096 bytes"));
        }
        reader.skip_space();
        if reader.rest().is_empty() {
            return Ok(Self::All(Vec::new()));
        }
        let filter = reader.all()?;
        match reader.rest() {
            "" => Ok(filter),
            _ => Err(reader.expected("AND, OR or the end")),
        }
    }

    /// All comparisons in it, from left to right.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::tests).collect(),
            Self::Not(part) => part.tests(),
            Self::Test(test) => vec![test],
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn expected(&self, expected: &'static str) -> Unreadable {
        Unreadable {
            at: self.at,
            expected,
        }
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Passes over a sign.
    fn sign(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
            self.skip_space();
        }
        found
    }

    /// Passes over a keyword, which must end where it ends.
    fn keyword(&mut self, word: &str) -> bool {
        self.run(is_word) == word && self.sign(word)
    }

    /// The longest run of such characters from here.
    fn run(&self, wanted: fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c| !wanted(c)).unwrap_or(rest.len())]
    }

    fn all(&mut self) -> Result<Filter, Unreadable> {
        let mut parts = vec![self.any()?];
        while self.keyword("AND") {
            parts.push(self.any()?);
        }
        Ok(single(parts, Filter::All))
    }

    fn any(&mut self) -> Result<Filter, Unreadable> {
        let mut parts = vec![self.one()?];
        while self.keyword("OR") {
            parts.push(self.one()?);
        }
        Ok(single(parts, Filter::Any))
    }

    fn one(&mut self) -> Result<Filter, Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.expected("less nesting"));
        }
        let filter = if self.keyword("NOT") {
            Filter::Not(Box::new(self.one()?))
        } else if self.sign("(") {
            let inner = self.all()?;
            if !self.sign(")") {
                return Err(self.expected("AND, OR or a closing parenthesis"));
            }
            inner
        } else {
            Filter::Test(self.test()?)
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn test(&mut self) -> Result<Test, Unreadable> {
        let field = self.run(is_word);
        if field.is_empty() || matches!(field, "AND" | "OR" | "NOT") {
            return Err(self.expected("the name of a field"));
        }
        self.sign(field);
        let operator = if self.sign("!=") {
            Operator::Differs
        } else if self.sign("=") {
            Operator::Equals
        } else if self.sign(":") {
            Operator::Has
        } else {
            return Err(self.expected("=, != or :"));
        };
        Ok(Test {
            field: field.to_owned(),
            operator,
            value: self.value()?,
        })
    }

    fn value(&mut self) -> Result<String, Unreadable> {
        if !self.rest().starts_with('"') {
            let word = self.run(|c| is_word(c) || matches!(c, '-' | '*'));
            return if word.is_empty() {
                Err(self.expected("a value, in double quotes unless it is a plain word"))
            } else {
                self.sign(word);
                Ok(word.to_owned())
            };
        }
        let mut value = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    self.skip_space();
                    return Ok(value);
                }
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
        Err(self.expected("a value that ends with a double quote"))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

fn single(mut parts: Vec<Filter>, several: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            several(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(field: &str, operator: Operator, value: &str) -> Filter {
        Filter::Test(Test {
            field: field.into(),
            operator,
            value: value.into(),
        })
    }

    #[test]
    fn or_binds_tighter_than_and() {
        let filter = Filter::parse("a = 1 AND b != x OR NOT c:y").unwrap();
        let either = Filter::Any(vec![
            test("b", Operator::Differs, "x"),
            Filter::Not(Box::new(test("c", Operator::Has, "y"))),
        ]);
        assert_eq!(
            filter,
            Filter::All(vec![test("a", Operator::Equals, "1"), either])
        );
    }

    #[test]
    fn parentheses_and_quotes_hold_together() {
        let filter = Filter::parse(r#" ( attributes.x="a \"b\" AND" ) "#).unwrap();
        assert_eq!(
            filter,
            test("attributes.x", Operator::Equals, r#"a "b" AND"#)
        );
        assert_eq!(Filter::parse("  "), Ok(Filter::All(vec![])));
        assert_eq!(
            Filter::parse("ANDROID = ORANGE"),
            Ok(test("ANDROID", Operator::Equals, "ORANGE"))
        );
    }

    #[test]
    fn what_departs_from_the_grammar_is_named_with_its_place() {
        let cases = [
            ("a", 1, "=, != or :"),
            (
                "a = ",
                4,
                "a value, in double quotes unless it is a plain word",
            ),
            ("a = 1 b = 2", 6, "AND, OR or the end"),
            ("a = 1 AND", 9, "the name of a field"),
            ("(a = 1", 6, "AND, OR or a closing parenthesis"),
            ("a = \"x", 4, "a value that ends with a double quote"),
            ("AND = 1", 0, "the name of a field"),
        ];
        for (text, at, expected) in cases {
            assert_eq!(
                Filter::parse(text),
                Err(Unreadable { at, expected }),
                "{text}"
            );
        }
        assert!(Filter::parse(&"(".repeat(100)).is_err());
        assert!(Filter::parse(&"a = 1 AND ".repeat(1_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_fall(text in "[a-c=!:()\"\\\\ ANDORT.é-]{0,40}") {
            let _ = Filter::parse(&text);
        }
    }
}
