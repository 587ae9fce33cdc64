//! What policies and calendars are as stored settings.

use std::time::Duration;

use jiff::civil::Date;
use lotse_calendar::{
    Calendar, Holiday, HolidayFile, InvalidCalendar, Region, Shift, Spec, TimeOfDay, Weekday,
};
use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{EscalationContent, PolicyContent};
use crate::store::settings::Content;

/// One version of a calendar, as it was put. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarContent {
    /// Unique among calendars.
    pub name: String,
    /// Where the week comes from, if not from the caller hour by hour.
    pub preset: Option<Preset>,
    /// The hours. Its version is 0 here; the setting knows it.
    pub spec: Spec,
    /// Where holidays come from, and what came.
    #[serde(default)]
    pub holidays: Holidays,
    /// From when on it counts, in milliseconds since 1970; `None` for all time.
    #[serde(default)]
    pub effective_at: Option<i64>,
}

/// Holidays of a calendar: what was put, and what it amounted to then. The days are kept, so that
/// a version means the same under every program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holidays {
    /// iCalendar files.
    pub files: Vec<HolidayFile>,
    /// Countries and parts of them.
    pub regions: Vec<Region>,
    /// One a date, in order.
    pub days: Vec<Holiday>,
    /// The last date that is known, where there would be more.
    pub until: Option<Date>,
}

/// Weekly hours that many teams have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Every hour of every day.
    Always,
    /// Monday 00:00 to Friday 24:00.
    #[serde(rename = "weekdays_24h")]
    Weekdays24h,
    /// Monday to Friday, 09:00 to 17:00.
    BusinessHours,
}

impl Content for PolicyContent {
    const KIND: &'static str = "policy";

    fn name(&self) -> &str {
        &self.name
    }
}

impl Content for CalendarContent {
    const KIND: &'static str = "calendar";

    fn name(&self) -> &str {
        &self.name
    }
}

impl Content for EscalationContent {
    const KIND: &'static str = "escalation_policy";

    fn name(&self) -> &str {
        &self.name
    }
}

impl CalendarContent {
    /// The calendar, ready to compute.
    ///
    /// # Errors
    /// Everything that is wrong with its hours.
    pub fn calendar(&self, version: u32) -> Result<Calendar, InvalidCalendar> {
        let spec = Spec {
            version,
            ..self.spec.clone()
        };
        Calendar::with_holidays(spec, self.holidays.days.clone())
    }

    /// From when on it counts; `None` for all time.
    pub fn effective_at(&self) -> Option<Timestamp> {
        self.effective_at.map(Timestamp::from_millis)
    }

    /// Whether `millis` of its open time come to an end within the horizon, from `now` or from when
    /// it takes effect.
    pub fn reaches(&self, now: Timestamp, millis: i64) -> bool {
        let budget = Duration::from_millis(millis.unsigned_abs());
        let from = self.effective_at().map_or(now, |at| at.max(now));
        self.calendar(0)
            .is_ok_and(|calendar| calendar.reaches(from, budget))
    }
}

impl Preset {
    /// The hours of the week.
    pub fn week(self) -> Vec<Shift> {
        let nine_to_five = (
            TimeOfDay::from_seconds(9 * 3_600),
            TimeOfDay::from_seconds(17 * 3_600),
        );
        let (days, from, to) = match (self, nine_to_five) {
            (Self::Always, _) => (&Weekday::ALL[..], TimeOfDay::START, TimeOfDay::END),
            (Self::BusinessHours, (Some(nine), Some(five))) => (&Weekday::ALL[..5], nine, five),
            _ => (&Weekday::ALL[..5], TimeOfDay::START, TimeOfDay::END),
        };
        days.iter()
            .map(|day| Shift {
                day: *day,
                from,
                to,
            })
            .collect()
    }
}

/// Whether a name could be taken for an id.
pub fn looks_like_id(prefix: &str, name: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_the_hours_they_are_named_after() {
        let content = |preset: Preset| CalendarContent {
            name: "c".into(),
            preset: Some(preset),
            spec: Spec {
                zone: "UTC".into(),
                version: 0,
                week: preset.week(),
                overrides: Vec::new(),
            },
            holidays: Holidays::default(),
            effective_at: None,
        };
        // From Monday, 2 March 2026, 00:00 UTC, one week.
        let monday = Timestamp::from_millis(1_772_409_600_000);
        let week = monday + Duration::from_secs(7 * 86_400);
        for (preset, hours) in [
            (Preset::Always, 168),
            (Preset::Weekdays24h, 120),
            (Preset::BusinessHours, 40),
        ] {
            let calendar = content(preset).calendar(1).unwrap();
            let open = calendar.elapsed(monday, week);
            assert_eq!(open, Duration::from_secs(hours * 3_600), "{preset:?}");
        }
    }
}
