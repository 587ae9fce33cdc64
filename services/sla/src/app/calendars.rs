//! Calendars: put, read.

use lotse_clock::Timestamp;
use lotse_errors::{ErrorReason, Violations};
use lotse_grpc::page;
use lotse_ids::CalendarId;
use lotse_journal::{Origin, Tx};
use lotse_proto::sla::v1 as proto;

use super::put::{self, Given};
use crate::domain::PolicyContent;
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
        let content = put::accept(&name, existing, &in_force, content, wrong)?;
        if let Some(existing) = existing {
            let policies = settings::in_force::<PolicyContent>(tx).await?;
            check_reached(&existing.id, &content, &policies, now)?;
        }
        let id = || CalendarId::generate(now).to_string();
        let (setting, outcome) = put::store(tx, existing, content, now, id).await?;
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
        let more = all.len() > size as usize;
        all.truncate(size as usize);
        let last = all.last().filter(|_| more);
        Ok(proto::ListCalendarsResponse {
            calendars: all.iter().map(write).collect(),
            next_page_token: last
                .map_or_else(String::new, |last| scope.token(&[&last.content.name])),
        })
    }
}

/// Refuses hours on which a policy in force could never keep its promise.
fn check_reached(
    id: &str,
    content: &CalendarContent,
    policies: &[Setting<PolicyContent>],
    now: Timestamp,
) -> Result<(), Error> {
    for policy in policies {
        let mut targets = policy.content.targets.iter();
        let on_it = |target: &&_| uses(target, id) && !content.reaches(now, target.millis);
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

fn uses(target: &crate::domain::Target, calendar: &str) -> bool {
    target.calendar.as_deref() == Some(calendar)
}
