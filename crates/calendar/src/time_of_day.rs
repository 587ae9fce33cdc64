//! A local time within a day.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A local wall-clock time to the second, `00:00` to `24:00`, the end of the day. Written
/// `HH:MM` or `HH:MM:SS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u32);

/// A text that is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time of day: write HH:MM or HH:MM:SS, from 00:00 to 24:00")]
pub struct NotATime(String);

impl TimeOfDay {
    /// Midnight at the beginning of the day.
    pub const START: TimeOfDay = TimeOfDay(0);
    /// Midnight at the end of the day.
    pub const END: TimeOfDay = TimeOfDay(86_400);

    /// The time `seconds` after midnight; `None` beyond the end of the day.
    #[must_use]
    pub fn from_seconds(seconds: u32) -> Option<TimeOfDay> {
        (seconds <= TimeOfDay::END.0).then_some(TimeOfDay(seconds))
    }

    /// Seconds since midnight, by the clock on the wall: 0 to 86,400.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<TimeOfDay, NotATime> {
        parse(text).ok_or_else(|| NotATime(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<TimeOfDay> {
    let mut parts = text.split(':').map(|part| {
        let two_digits = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
        two_digits.then(|| part.parse::<u32>().ok()).flatten()
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let in_range = parts.next().is_none() && minutes < 60 && seconds < 60;
    in_range
        .then(|| TimeOfDay::from_seconds(hours * 3600 + minutes * 60 + seconds))
        .flatten()
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}")?;
        if seconds > 0 {
            write!(f, ":{seconds:02}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = NotATime;

    fn try_from(text: String) -> Result<TimeOfDay, NotATime> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_it_is_read() {
        for text in ["00:00", "08:30", "23:59:59", "24:00"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "8:30",
            "08",
            "24:01",
            "24:00:01",
            "12:60",
            "12:00:60",
            "12:00:00:00",
            "+1:00",
            "noon",
        ] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }
}
