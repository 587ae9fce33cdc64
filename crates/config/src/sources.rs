//! Where settings come from, and the keys that exist.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use config::{Config, Environment, File, FileFormat, Value, ValueKind};

use crate::{DEFAULTS, Problems};

/// Begins every environment variable that is a setting.
const PREFIX: &str = "LOTSE";

/// Where settings come from: the defaults, a file if there is one, the environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: Option<HashMap<String, String>>,
}

impl Sources {
    /// Defaults and environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `file` between the two.
    #[must_use]
    pub fn file(self, file: impl Into<PathBuf>) -> Self {
        Self {
            file: Some(file.into()),
            ..self
        }
    }

    /// Takes these variables instead of the process's own.
    #[must_use]
    pub fn environment(self, variables: HashMap<String, String>) -> Self {
        Self {
            environment: Some(variables),
            ..self
        }
    }

    /// Merges the sources and checks that every key exists.
    pub(crate) fn merge(self) -> Result<(Config, Problems), Problems> {
        let mut problems = Problems::default();
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let known = Config::builder().add_source(defaults.clone()).build();
        let known = known.map_err(|error| broken("defaults.toml", &error))?;
        let mut builder = Config::builder().add_source(defaults);
        if let Some(file) = &self.file {
            // Read here, so that a missing file and a broken one are told apart.
            let name = file.display().to_string();
            match std::fs::read_to_string(file) {
                Ok(text) => {
                    let source = File::from_str(&text, FileFormat::Toml);
                    // Alone first: a broken file must not hide what is wrong elsewhere.
                    match Config::builder().add_source(source.clone()).build() {
                        Ok(_) => builder = builder.add_source(source),
                        Err(error) => problems.extend(broken(&name, &error)),
                    }
                }
                Err(error) => problems.add(name, format!("cannot be read: {error}")),
            }
        }
        let variables = Environment::with_prefix(PREFIX)
            .prefix_separator("__")
            .separator("__")
            .source(self.environment);
        let merged = builder.add_source(variables).build();
        let merged = merged.map_err(|error| broken("settings", &error))?;
        check_keys(&known.cache, &merged.cache, &mut problems);
        Ok((merged, problems))
    }
}

fn broken(place: &str, error: &config::ConfigError) -> Problems {
    let mut problems = Problems::default();
    problems.add(place, error.to_string());
    problems
}

/// Reports keys that the defaults do not document. Sections without keys there belong to services,
/// which check their own.
fn check_keys(known: &Value, merged: &Value, problems: &mut Problems) {
    let (ValueKind::Table(known), ValueKind::Table(merged)) = (&known.kind, &merged.kind) else {
        return;
    };
    for (section, value) in merged {
        let Some(documented) = known.get(section) else {
            problems.add(section, unknown(section, known.keys()));
            continue;
        };
        let ValueKind::Table(documented) = &documented.kind else {
            continue;
        };
        let ValueKind::Table(given) = &value.kind else {
            problems.add(section, "must be a section");
            continue;
        };
        for key in given.keys() {
            if !documented.is_empty() && !documented.contains_key(key) {
                problems.add(format!("{section}.{key}"), unknown(key, documented.keys()));
            }
        }
    }
}

fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: BTreeSet<&String> = known.collect();
    match known.iter().find(|name| similar(key, name)) {
        Some(name) => format!("is not known; did you mean {name}?"),
        None => "is not known".to_owned(),
    }
}

/// The same letters but one, or the same letters in another order.
fn similar(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
        letters.sort_unstable();
        letters
    };
    let (a, b) = (sorted(a), sorted(b));
    let (short, mut long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    for letter in &short {
        if let Some(at) = long.iter().position(|other| other == letter) {
            long.remove(at);
        }
    }
    long.len() <= 1
}
