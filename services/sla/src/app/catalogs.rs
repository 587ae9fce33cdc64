//! The catalogue of policies and calendars, read again only when one of them changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::ConnectionTrait;

use super::editions::editions;
use crate::Error;
use crate::domain::{
    CalendarRef, CalendarVersion, Catalog, PolicyContent, PolicyRef, PolicyVersion,
};
use crate::settings::CalendarContent;
use crate::store::settings::{self, Setting};

/// Keeps the catalogue last read. Cheap to clone; clones share it.
#[derive(Clone, Default)]
pub struct Catalogs {
    last: Arc<Mutex<Option<Known>>>,
}

/// A catalogue and the revision it was read at.
struct Known {
    revision: i64,
    catalog: Arc<Catalog>,
}

impl Catalogs {
    /// The catalogue as `conn` sees it. Every change of a setting raises the revision in its own
    /// transaction, so one small query tells whether the last one is still true.
    ///
    /// # Errors
    /// The database's, or a stored setting that this program cannot read.
    pub async fn current(&self, conn: &impl ConnectionTrait) -> Result<Arc<Catalog>, Error> {
        let revision = settings::revision(conn).await?;
        if let Some(known) = &*self.lock()
            && known.revision == revision
        {
            return Ok(known.catalog.clone());
        }
        let catalog = Arc::new(load(conn).await?);
        *self.lock() = Some(Known {
            revision,
            catalog: catalog.clone(),
        });
        Ok(catalog)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn load(conn: &impl ConnectionTrait) -> Result<Catalog, Error> {
    let policies = settings::all::<PolicyContent>(conn).await?;
    let policies = policies.into_iter().map(|setting| {
        let Setting {
            id,
            version,
            current,
            content,
            ..
        } = setting;
        PolicyVersion {
            reference: PolicyRef { id, version },
            current,
            content,
        }
    });
    let mut versions = settings::all::<CalendarContent>(conn).await?;
    versions.sort_by(|one, other| (&one.id, one.version).cmp(&(&other.id, other.version)));
    let mut calendars = Vec::new();
    for versions in versions.chunk_by(|one, other| one.id == other.id) {
        for (setting, calendar) in versions.iter().zip(editions(versions)?) {
            let (id, version) = (setting.id.clone(), setting.version);
            calendars.push(CalendarVersion {
                reference: CalendarRef { id, version },
                current: setting.current,
                calendar: Arc::new(calendar),
            });
        }
    }
    Ok(Catalog::new(policies.collect(), calendars))
}
