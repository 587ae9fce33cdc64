//! The words of a file for what the API has numbers and spans for.

use std::time::Duration;

use lotse_proto::common::v1::{AuthorKind, Channel, Priority, SlaMetric, SurveyKind};
use lotse_proto::routing::v1::{AgentOrder, GroupChoice, RotationUnit};
use lotse_proto::sla::v1::{
    BotPhase, CalendarPreset, EscalationTargetKind, HandOn, OpenTickets, ResolutionEnd,
    SmtpSecurity, Weekday,
};
use lotse_proto::survey::v1::survey::Trigger;

/// An enum of the API: its values by their names in lower case, without their common prefix.
#[derive(Clone, Copy)]
pub(crate) struct Vocabulary {
    prefix: &'static str,
    name: fn(i32) -> Option<&'static str>,
}

macro_rules! vocabulary {
    ($name:ident, $enum:ty, $prefix:literal) => {
        pub(crate) const $name: Vocabulary = Vocabulary {
            prefix: $prefix,
            name: |code| Some(<$enum>::try_from(code).ok()?.as_str_name()),
        };
    };
}

vocabulary!(CHANNELS, Channel, "CHANNEL_");
vocabulary!(PRIORITIES, Priority, "PRIORITY_");
vocabulary!(METRICS, SlaMetric, "SLA_METRIC_");
vocabulary!(AUTHORS, AuthorKind, "AUTHOR_KIND_");
vocabulary!(SURVEYS, SurveyKind, "SURVEY_KIND_");
vocabulary!(TRIGGERS, Trigger, "TRIGGER_");
vocabulary!(BOT_PHASES, BotPhase, "BOT_PHASE_");
vocabulary!(OPEN_TICKETS, OpenTickets, "OPEN_TICKETS_");
vocabulary!(ENDS, ResolutionEnd, "RESOLUTION_END_");
vocabulary!(PRESETS, CalendarPreset, "CALENDAR_PRESET_");
vocabulary!(ORDERS, AgentOrder, "AGENT_ORDER_");
vocabulary!(CHOICES, GroupChoice, "GROUP_CHOICE_");
vocabulary!(UNITS, RotationUnit, "ROTATION_UNIT_");
vocabulary!(SECURITIES, SmtpSecurity, "SMTP_SECURITY_");
vocabulary!(
    TARGET_KINDS,
    EscalationTargetKind,
    "ESCALATION_TARGET_KIND_"
);
vocabulary!(HAND_ONS, HandOn, "HAND_ON_");
vocabulary!(WEEKDAYS, Weekday, "WEEKDAY_");

/// No enum of the API has more values.
const MOST: i32 = 64;

impl Vocabulary {
    /// The word for a code; empty for none.
    pub(crate) fn word(self, code: i32) -> String {
        let name = if code == 0 { None } else { (self.name)(code) };
        let word = name.map(|name| name.strip_prefix(self.prefix).unwrap_or(name));
        word.unwrap_or_default().to_lowercase()
    }

    /// The code of a word; 0 for the empty one.
    pub(crate) fn code(self, word: &str) -> i32 {
        let code = (1..MOST).find(|code| self.word(*code) == word);
        code.filter(|_| !word.is_empty()).unwrap_or(0)
    }

    /// All words, for people.
    pub(crate) fn all(self) -> String {
        let words = (1..MOST)
            .map(|code| self.word(code))
            .filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(", ")
    }
}

/// A span such as `90m`, `1h30m` or `2d`: whole numbers with `d`, `h`, `m` or `s`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = match rest[digits..].chars().next()? {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// A time of day as the API answers it: without seconds where there are none.
pub(crate) fn time_of_day(text: &str) -> String {
    let short = text.strip_suffix(":00").filter(|short| short.contains(':'));
    short.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_there_and_back() {
        assert_eq!(CHANNELS.code("walk_in"), Channel::WalkIn as i32);
        assert_eq!(CHANNELS.word(Channel::WalkIn.into()), "walk_in");
        assert_eq!(
            (CHANNELS.code("unspecified"), CHANNELS.word(0)),
            (0, String::new())
        );
        assert_eq!((PRESETS.code(""), PRESETS.word(99)), (0, String::new()));
        assert_eq!(PRIORITIES.all(), "urgent, high, normal, low");
    }

    #[test]
    fn spans_are_whole_numbers_with_units() {
        assert_eq!(span("1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(span("2d"), Some(Duration::from_secs(172_800)));
        assert_eq!(span("0s"), Some(Duration::ZERO));
        for bad in [
            "",
            "5",
            "h",
            "1.5h",
            "5 m",
            "-1h",
            "99999999999999999999d",
            "1w",
            "1ü",
        ] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_lose_empty_seconds_only() {
        assert_eq!(time_of_day("09:00:00"), "09:00");
        assert_eq!(time_of_day("09:00"), "09:00");
        assert_eq!(time_of_day("09:00:30"), "09:00:30");
    }
}
