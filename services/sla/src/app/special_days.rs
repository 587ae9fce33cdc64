//! The dates on which a calendar does not go by the weekday.

use jiff::civil::Date;
use jiff::{Timestamp as Instant, ToSpan as _, tz::TimeZone};
use lotse_calendar::SpecialDay;
use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_proto::sla::v1 as proto;

use super::editions::editions;
use crate::settings::CalendarContent;
use crate::store::settings;
use crate::wire::calendar::read_date;
use crate::wire::holidays::write_special_day;
use crate::{App, Error};

impl App {
    /// The special days of a calendar between two dates.
    ///
    /// # Errors
    /// When there is no such calendar or version; for wrong dates or a wrong page.
    pub async fn list_special_days(
        &self,
        request: &proto::ListSpecialDaysRequest,
    ) -> Result<proto::ListSpecialDaysResponse, Error> {
        let proto::ListSpecialDaysRequest {
            id,
            version,
            from_date,
            to_date,
            page_size,
            page_token,
        } = request;
        let size = page::size(*page_size, 100, 1_000)? as usize;
        let found = self.get_setting::<CalendarContent>(id, *version).await?;
        let (from, to) = self.dates(from_date, to_date, &found.content.spec.zone)?;
        let parts = [&found.id, &found.version.to_string()];
        let scope = page::Scope::new("ListSpecialDays", &[parts[0], parts[1], from_date, to_date]);
        let after = scope.key::<2>(page_token)?;
        let mut versions = settings::versions(self.db.reader(), &found.id).await?;
        versions.retain(|one| one.version <= found.version);
        let calendar = editions(&versions)?.pop();
        let always = (Timestamp::from_millis(i64::MIN), Timestamp::MAX);
        let days = calendar
            .iter()
            .flat_map(|one| one.special_days(always.0, always.1));
        let mut days: Vec<(u32, &SpecialDay)> = days
            .filter(|(_, day)| from <= day.date && day.date <= to)
            .filter(|day| after.as_ref().is_none_or(|after| key(day) > *after))
            .collect();
        let more = days.len() > size;
        days.truncate(size);
        let last = days.last().filter(|_| more).map(key);
        Ok(proto::ListSpecialDaysResponse {
            special_days: days
                .iter()
                .map(|(version, day)| write_special_day(*version, day))
                .collect(),
            next_page_token: last.map_or_else(String::new, |[date, version]| {
                scope.token(&[&date, &version])
            }),
        })
    }

    /// The first and the last date that are asked for.
    fn dates(&self, from: &str, to: &str, zone: &str) -> Result<(Date, Date), Error> {
        let mut wrong = Violations::new();
        let from = match from {
            "" => Some(today(self.clock.now(), zone)),
            given => wrong.take("from_date", read_date(given)),
        };
        let to = match (to, from) {
            ("", from) => from.map(|from| from.saturating_add(1.year())),
            (given, _) => wrong.take("to_date", read_date(given)),
        };
        if let (Some(from), Some(to)) = (from, to) {
            wrong.require("to_date", from <= to, "must not be before from_date");
        }
        Ok(wrong.finish_with(from.zip(to))?)
    }
}

fn today(now: Timestamp, zone: &str) -> Date {
    let now = Instant::from_millisecond(now.as_millis()).unwrap_or(Instant::UNIX_EPOCH);
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    now.to_zoned(zone).date()
}

/// Sorts as text does: dates of four digits, versions filled up.
fn key((version, day): &(u32, &SpecialDay)) -> [String; 2] {
    [day.date.to_string(), format!("{version:010}")]
}
