//! Calendars: put, read.

use std::time::Duration;

use lotse_calendar::{Calendar, HORIZON};
use lotse_clock::Timestamp;
use lotse_errors::{ErrorReason, Violations};
use lotse_grpc::page;
use lotse_ids::CalendarId;
use lotse_journal::{Origin, Tx};
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::from_proto;

use super::editions::editions;
use super::put::{self, Given};
use crate::domain::{PolicyContent, Target};
use crate::settings::CalendarContent;
use crate::store::settings::{self, Setting};
use crate::wire::calendar::{read, write};
use crate::{App, Error};

impl App {
    /// Creates a calendar or changes one.
    ///
    /// # Errors
    /// All that is wrong with it at once; a policy in force that it would make impossible.
    pub async fn put_calendar(
        &self,
        origin: &Origin,
        request: &proto::PutCalendarRequest,
    ) -> Result<proto::PutCalendarResponse, Error> {
        let request_id = &request.request_id;
        self.journal
            .command(
                origin,
                "sla.PutCalendar",
                request_id,
                request,
                |tx| async move { self.put_calendar_in(&tx, request).await },
            )
            .await
    }

    async fn put_calendar_in(
        &self,
        tx: &Tx,
        request: &proto::PutCalendarRequest,
    ) -> Result<proto::PutCalendarResponse, Error> {
        let now = self.clock.now();
        let calendar = request.calendar.as_ref();
        let calendar =
            calendar.ok_or_else(|| lotse_errors::Error::invalid("calendar", "is required"))?;
        let open_tickets = put::read_open_tickets(request.open_tickets)?;
        settings::lock(tx).await?;
        let in_force = settings::in_force::<CalendarContent>(tx).await?;
        let mut wrong = Violations::new();
        let content = read(calendar, &mut wrong);
        let name = content
            .as_ref()
            .map_or(&calendar.name, |content| &content.name)
            .clone();
        let given = Given {
            id: &calendar.id,
            name: &name,
            etag: &calendar.etag,
        };
        let existing = given.find(&in_force)?;
        let effective_at = read_effective_at(request.effective_at.as_ref(), &mut wrong);
        let mut content = put::accept(&name, existing, &in_force, content, wrong)?;
        content.effective_at = effective(existing, &content, effective_at.flatten(), now)?;
        self.check_open(tx, existing, &content, now).await?;
        let id = || CalendarId::generate(now).to_string();
        let (setting, outcome) = put::store(tx, existing, content, now, id).await?;
        put::rebase(tx, open_tickets, &setting, now).await?;
        Ok(proto::PutCalendarResponse {
            calendar: Some(write(&setting)),
            outcome: outcome.into(),
        })
    }

    /// One calendar by id or name.
    ///
    /// # Errors
    /// When there is none, or none of that version.
    pub async fn get_calendar(
        &self,
        request: &proto::GetCalendarRequest,
    ) -> Result<proto::GetCalendarResponse, Error> {
        let proto::GetCalendarRequest { id, version } = request;
        let found = self.get_setting::<CalendarContent>(id, *version).await?;
        Ok(proto::GetCalendarResponse {
            calendar: Some(write(&found)),
        })
    }

    /// The calendars by name.
    ///
    /// # Errors
    /// For a wrong page.
    pub async fn list_calendars(
        &self,
        request: &proto::ListCalendarsRequest,
    ) -> Result<proto::ListCalendarsResponse, Error> {
        let proto::ListCalendarsRequest {
            page_size,
            page_token,
        } = request;
        let size = page::size(*page_size, 100, 1_000)?;
        let scope = page::Scope::new("ListCalendars", &[]);
        let after = scope.key::<1>(page_token)?;
        let mut all = settings::in_force::<CalendarContent>(self.db.reader()).await?;
        all.sort_by(|one, other| one.content.name.cmp(&other.content.name));
        if let Some([after]) = &after {
            all.retain(|calendar| calendar.content.name > *after);
        }
        let fitting = fitting(&all).min(size as usize);
        let more = all.len() > fitting;
        all.truncate(fitting);
        let last = all.last().filter(|_| more);
        Ok(proto::ListCalendarsResponse {
            calendars: all.iter().map(write).collect(),
            next_page_token: last
                .map_or_else(String::new, |last| scope.token(&[&last.content.name])),
        })
    }

    /// Refuses hours that are never open, and hours on which a policy in force could never keep its
    /// promise.
    async fn check_open(
        &self,
        tx: &Tx,
        existing: Option<&Setting<CalendarContent>>,
        content: &CalendarContent,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut versions = match existing {
            Some(existing) => settings::versions(tx, &existing.id).await?,
            None => Vec::new(),
        };
        versions.push(Setting {
            id: existing.map_or_else(String::new, |existing| existing.id.clone()),
            version: versions.last().map_or(0, |last: &Setting<_>| last.version) + 1,
            current: true,
            content: content.clone(),
            created_at: now,
            updated_at: now,
        });
        let mut editions = editions(&versions)?;
        let Some(calendar) = editions.pop() else {
            return Ok(());
        };
        if !calendar.reaches(now, Duration::from_millis(1)) {
            let text = "is closed for five years in a row";
            return Err(lotse_errors::Error::invalid("calendar", text).into());
        }
        if let Some(existing) = existing {
            let policies = settings::in_force::<PolicyContent>(tx).await?;
            check_reached(&existing.id, &calendar, &policies, now)?;
        }
        Ok(())
    }
}

/// How many calendars make a page of at most 1 MiB of holiday files; at least one.
fn fitting(calendars: &[Setting<CalendarContent>]) -> usize {
    let mut left = 1024 * 1024;
    let fits = |calendar: &&Setting<CalendarContent>| {
        let files = &calendar.content.holidays.files;
        let bytes: usize = files.iter().map(|file| file.text.len()).sum();
        left -= i64::try_from(bytes).unwrap_or(i64::MAX);
        left >= 0
    };
    calendars.iter().take_while(fits).count().max(1)
}

/// The instant of a Put, in whole milliseconds, if there is one.
fn read_effective_at(
    given: Option<&prost_types::Timestamp>,
    wrong: &mut Violations,
) -> Option<Option<Timestamp>> {
    let Some(given) = given else {
        return Some(None);
    };
    let whole = given.nanos % 1_000_000 == 0;
    wrong.require("effective_at", whole, "must be whole milliseconds");
    wrong.take("effective_at", from_proto(given)).map(Some)
}

/// From when on a content counts that is put now: what is there already stays as it is.
fn effective(
    existing: Option<&Setting<CalendarContent>>,
    content: &CalendarContent,
    given: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<i64>, Error> {
    let Some(existing) = existing else {
        return Ok(given.map(Timestamp::as_millis));
    };
    let since = existing.content.effective_at;
    let same = existing.content
        == CalendarContent {
            effective_at: since,
            ..content.clone()
        };
    let in_effect = existing.content.effective_at().is_none_or(|at| at <= now);
    let wrong = |text| Err(lotse_errors::Error::invalid("effective_at", text).into());
    match given {
        None if same && in_effect => Ok(since),
        None => Ok(Some(now.as_millis())),
        Some(at) if same && since == Some(at.as_millis()) => Ok(since),
        Some(at) if at < now => wrong("must not be in the past"),
        Some(at) if at > now + HORIZON => wrong("must be at most five years ahead"),
        Some(at) => Ok(Some(at.as_millis())),
    }
}

/// Refuses hours on which a policy in force could never keep its promise.
fn check_reached(
    id: &str,
    calendar: &Calendar,
    policies: &[Setting<PolicyContent>],
    now: Timestamp,
) -> Result<(), Error> {
    for policy in policies {
        let mut targets = policy.content.targets.iter();
        let on_it = |target: &&Target| {
            let budget = Duration::from_millis(target.millis.unsigned_abs());
            uses(target, id) && !calendar.reaches(now, budget)
        };
        if let Some(target) = targets.find(on_it) {
            let text = format!(
                "the {} target of policy {:?} is not reached within five years on these hours",
                target.metric.code(),
                policy.content.name,
            );
            let error = lotse_errors::Error::failed_precondition(ErrorReason::ResourceInUse, text);
            return Err(error.about("policy", policy.id.as_str()).into());
        }
    }
    Ok(())
}

fn uses(target: &Target, calendar: &str) -> bool {
    target.calendar.as_deref() == Some(calendar)
}
