//! YAML as a tree that knows where everything stands, and a reader that collects all problems
//! instead of stopping at the first.

use std::fmt;
use std::ops::RangeInclusive;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

/// Something wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// Which value, such as `agents[2].capacity`.
    pub path: String,
    /// What it must be.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            path,
            message,
        } = self;
        if path.is_empty() {
            write!(f, "line {line}: {message}")
        } else {
            write!(f, "line {line}: {path} {message}")
        }
    }
}

/// All that is wrong.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, at: &At, message: impl Into<String>) {
        let At { line, path } = at.clone();
        self.0.push(Problem {
            line,
            path,
            message: message.into(),
        });
    }

    /// In the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.0.sort();
        self.0
    }
}

/// A place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: usize,
    pub(crate) path: String,
}

impl At {
    fn top() -> Self {
        Self {
            line: 1,
            path: String::new(),
        }
    }
}

/// A value and its place.
pub(crate) struct Entry<'a> {
    pub(crate) at: At,
    node: &'a MarkedYaml<'a>,
}

/// A mapping that is being read. What was not taken when it is finished is unknown.
pub(crate) struct Map<'a> {
    pub(crate) at: At,
    entries: Vec<(String, Entry<'a>)>,
}

/// The documents of a file; `None` when it is no YAML.
pub(crate) fn documents<'a>(text: &'a str, problems: &mut Problems) -> Option<Vec<MarkedYaml<'a>>> {
    match MarkedYaml::load_from_str(text) {
        Ok(documents) => Some(documents),
        Err(error) => {
            problems.add(&At::top(), format!("the file is not YAML: {error}"));
            None
        }
    }
}

/// The mapping that the one document of a file is.
pub(crate) fn top<'a>(documents: &'a [MarkedYaml<'a>], problems: &mut Problems) -> Option<Map<'a>> {
    match documents {
        [] => problems.add(&At::top(), "the file is empty"),
        [one] => {
            return Entry {
                at: At::top(),
                node: one,
            }
            .map(problems);
        }
        _ => problems.add(&At::top(), "there must be one document in the file"),
    }
    None
}

impl<'a> Entry<'a> {
    /// A text, which must not be empty; numbers must be quoted.
    pub(crate) fn text(&self, problems: &mut Problems) -> Option<String> {
        match &self.node.data {
            YamlData::Value(Scalar::String(text)) if !text.trim().is_empty() => {
                Some(text.trim().to_owned())
            }
            YamlData::Value(Scalar::String(_) | Scalar::Null) => {
                self.bad("must not be empty", problems)
            }
            YamlData::Value(_) => self.bad("must be a text: put it in quotes", problems),
            _ => self.bad("must be a text", problems),
        }
    }

    /// A whole number in this range.
    pub(crate) fn whole(&self, range: RangeInclusive<u32>, problems: &mut Problems) -> Option<u32> {
        let number = match &self.node.data {
            YamlData::Value(Scalar::Integer(number)) => u32::try_from(*number).ok(),
            _ => None,
        };
        let Some(number) = number.filter(|number| range.contains(number)) else {
            let (least, most) = range.into_inner();
            return self.bad(
                format!("must be a whole number from {least} to {most}"),
                problems,
            );
        };
        Some(number)
    }

    /// A number from 0 to 1.
    pub(crate) fn share(&self, problems: &mut Problems) -> Option<f64> {
        let number = match &self.node.data {
            YamlData::Value(Scalar::FloatingPoint(number)) => Some(number.into_inner()),
            YamlData::Value(Scalar::Integer(number @ (0 | 1))) => Some(f64::from(*number == 1)),
            _ => None,
        };
        match number.filter(|number| (0.0..=1.0).contains(number)) {
            Some(number) => Some(number),
            None => self.bad("must be a number from 0 to 1", problems),
        }
    }

    /// `true` or `false`.
    pub(crate) fn truth(&self, problems: &mut Problems) -> Option<bool> {
        match &self.node.data {
            YamlData::Value(Scalar::Boolean(truth)) => Some(*truth),
            _ => self.bad("must be true or false", problems),
        }
    }

    /// A list; anything else is a problem and an empty list.
    pub(crate) fn list(self, problems: &mut Problems) -> Vec<Entry<'a>> {
        let Self { at, node } = self;
        match &node.data {
            YamlData::Sequence(nodes) => {
                let entry = |(index, node): (usize, &'a MarkedYaml<'a>)| Entry {
                    at: At {
                        line: line(node),
                        path: format!("{}[{index}]", at.path),
                    },
                    node,
                };
                nodes.iter().enumerate().map(entry).collect()
            }
            // A section with nothing in it.
            YamlData::Value(Scalar::Null) => Vec::new(),
            _ => {
                problems.add(&at, "must be a list");
                Vec::new()
            }
        }
    }

    /// Texts.
    pub(crate) fn texts(self, problems: &mut Problems) -> Vec<(At, String)> {
        let entries = self.list(problems).into_iter();
        entries
            .filter_map(|entry| Some((entry.at.clone(), entry.text(problems)?)))
            .collect()
    }

    /// A text, or a list of them.
    pub(crate) fn one_or_more(self, problems: &mut Problems) -> Vec<String> {
        if matches!(self.node.data, YamlData::Sequence(_)) {
            let texts = self.texts(problems).into_iter();
            return texts.map(|(_, text)| text).collect();
        }
        self.text(problems).into_iter().collect()
    }

    /// A mapping.
    pub(crate) fn map(self, problems: &mut Problems) -> Option<Map<'a>> {
        let YamlData::Mapping(mapping) = &self.node.data else {
            return self.bad("must be a mapping of keys to values", problems);
        };
        let mut entries = Vec::new();
        for (key, node) in mapping {
            let YamlData::Value(Scalar::String(name)) = &key.data else {
                let at = At {
                    line: line(key),
                    path: self.at.path.clone(),
                };
                problems.add(&at, "has a key that is not a text");
                continue;
            };
            let path = match self.at.path.as_str() {
                "" => name.to_string(),
                above => format!("{above}.{name}"),
            };
            let at = At {
                line: line(key),
                path,
            };
            entries.push((name.to_string(), Entry { at, node }));
        }
        Some(Map {
            at: self.at,
            entries,
        })
    }

    /// Notes what is wrong with it.
    pub(crate) fn bad<T>(&self, message: impl Into<String>, problems: &mut Problems) -> Option<T> {
        problems.add(&self.at, message);
        None
    }
}

impl<'a> Map<'a> {
    /// The value of a key, if it is there.
    pub(crate) fn take(&mut self, key: &str) -> Option<Entry<'a>> {
        let place = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(place).1)
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&mut self, key: &str, problems: &mut Problems) -> Option<Entry<'a>> {
        let entry = self.take(key);
        if entry.is_none() {
            problems.add(&self.at, format!("needs {key:?}"));
        }
        entry
    }

    /// All keys and values, for a mapping whose keys are names.
    pub(crate) fn into_entries(self) -> Vec<(String, Entry<'a>)> {
        self.entries
    }

    /// Notes every key that nobody took.
    pub(crate) fn finish(self, problems: &mut Problems) {
        for (name, entry) in self.entries {
            problems.add(
                &entry.at,
                format!("is not known here: there is no key {name:?}"),
            );
        }
    }
}

fn line(node: &MarkedYaml<'_>) -> usize {
    node.span.start.line()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_with_its_line_and_path() {
        let mut problems = Problems::default();
        let text = "one: 5\ntwo:\n  - true\n  - word\nthree: 1\n";
        let documents = documents(text, &mut problems).unwrap();
        let mut map = top(&documents, &mut problems).unwrap();
        let told = &mut problems;
        map.require("one", told).and_then(|one| one.text(told));
        for entry in map.require("two", told).map(|two| two.list(told)).unwrap() {
            entry.truth(told);
        }
        map.require("four", told);
        map.finish(told);
        let lines: Vec<_> = problems
            .into_sorted()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lines,
            [
                "line 1: needs \"four\"",
                "line 1: one must be a text: put it in quotes",
                "line 4: two[1] must be true or false",
                "line 5: three is not known here: there is no key \"three\"",
            ]
        );
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        for (text, told) in [
            ("a: [1", "not YAML"),
            ("", "empty"),
            ("a: 1\na: 2\n", "duplicate"),
            ("- a", "mapping"),
        ] {
            let mut problems = Problems::default();
            let read = documents(text, &mut problems);
            assert!(read.is_none_or(|read| top(&read, &mut problems).is_none()));
            let problems = problems.into_sorted();
            assert!(problems[0].message.contains(told), "{problems:?}");
        }
    }
}
