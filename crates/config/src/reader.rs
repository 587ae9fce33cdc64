//! Reads values one by one, so that every wrong one is reported.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use config::Config;

use crate::Problems;

/// Reads settings by key. A wrong one is recorded and stands for the type's default: it is never
/// used, because problems end the reading.
pub(crate) struct Reader<'a> {
    config: &'a Config,
    pub(crate) problems: Problems,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(config: &'a Config, problems: Problems) -> Self {
        Self { config, problems }
    }

    /// The value as text, whatever it was written as.
    pub(crate) fn text(&mut self, key: &str) -> String {
        self.config.get_string(key).unwrap_or_else(|_| {
            self.problems
                .add(key, "must be one value, not a list or a section");
            String::new()
        })
    }

    /// `None` when empty.
    pub(crate) fn optional(&mut self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    pub(crate) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key).map(PathBuf::from)
    }

    pub(crate) fn required(&mut self, key: &str) -> String {
        let text = self.text(key);
        self.problems
            .require(key, !text.is_empty(), "must not be empty");
        text
    }

    /// Parses, saying in `what` the value must be.
    pub(crate) fn parse<T: FromStr>(&mut self, key: &str, what: &str) -> Option<T> {
        let text = self.text(key);
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            // Only for values that are no secrets.
            self.problems
                .add(key, format!("must be {what}, not {text:?}"));
        }
        parsed
    }

    pub(crate) fn number<T>(&mut self, key: &str, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let (low, high) = (*range.start(), *range.end());
        let what = format!("a number from {low} to {high}");
        let number = self.parse(key, &what);
        if number.is_some_and(|number| !range.contains(&number)) {
            self.problems.add(key, format!("must be {what}"));
        }
        number.unwrap_or(low)
    }

    pub(crate) fn duration(&mut self, key: &str) -> Duration {
        let text = self.text(key);
        duration(text.trim()).unwrap_or_else(|| {
            let what = "must be a duration such as 250ms, 5s, 10m or 2h";
            self.problems.add(key, format!("{what}, not {text:?}"));
            Duration::ZERO
        })
    }

    /// A duration above zero.
    pub(crate) fn span(&mut self, key: &str) -> Duration {
        let before = self.problems.list().len();
        let span = self.duration(key);
        if span.is_zero() && self.problems.list().len() == before {
            self.problems.add(key, "must be more than zero");
        }
        span
    }
}

/// A whole number and its unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        assert_eq!(duration("2h"), Some(Duration::from_secs(7200)));
        assert_eq!(duration("1d"), Some(Duration::from_secs(86_400)));
        for bad in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "1.5s",
            "5w",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(duration("999999999999999999d"), None, "overflow");
    }
}
