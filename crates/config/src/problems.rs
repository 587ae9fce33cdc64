//! Everything that is wrong with the settings.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The key, as in `server.grpc`, or the file.
    pub key: String,
    /// What it must be.
    pub message: String,
}

/// All that is wrong, to be told at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Records a problem.
    pub fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            key: key.into(),
            message: message.into(),
        });
    }

    /// Records a problem unless `holds`.
    pub fn require(&mut self, key: &str, holds: bool, message: &str) {
        if !holds {
            self.add(key, message);
        }
    }

    /// The problems, by key.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// Gives `value` if there is no problem.
    ///
    /// # Errors
    /// All problems, sorted by key.
    pub fn or<T>(mut self, value: T) -> Result<T, Self> {
        self.0.sort();
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// Keeps a good value; records what is wrong with a bad one.
    pub fn take<T>(&mut self, value: Result<T, Self>) -> Option<T> {
        value.map_err(|problems| self.extend(problems)).ok()
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings have {} problem(s):", self.0.len())?;
        for Problem { key, message } in &self.0 {
            write!(f, "\n  {key}: {message}")?;
        }
        Ok(())
    }
}
