//! The versions of a calendar, one taking over from the other.

use lotse_calendar::Calendar;

use crate::Error;
use crate::settings::CalendarContent;
use crate::store::settings::Setting;

/// What each version of one calendar amounts to; they are in order. A version counts from when it
/// takes effect, and until then whatever the version before would have counted.
///
/// # Errors
/// A stored version that this program cannot read.
pub(super) fn editions(versions: &[Setting<CalendarContent>]) -> Result<Vec<Calendar>, Error> {
    let mut all: Vec<Calendar> = Vec::with_capacity(versions.len());
    for setting in versions {
        let Setting { id, version, .. } = setting;
        let own = setting.content.calendar(*version);
        let own = own.map_err(|source| Error::Stored {
            table: "sla_setting_versions",
            key: format!("{id} version {version}"),
            source: source.into(),
        })?;
        let calendar = match (all.last(), setting.content.effective_at()) {
            (Some(before), Some(at)) => before.followed_by(at, &own),
            _ => own,
        };
        all.push(calendar);
    }
    Ok(all)
}
