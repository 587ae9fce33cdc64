//! All versions of all escalation policies, read again only when a setting changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::ConnectionTrait;

use crate::Error;
use crate::domain::{EscalationContent, UnknownVersion};
use crate::store::settings;

/// Keeps what was last read. Cheap to clone; clones share it.
#[derive(Clone, Default)]
pub struct Escalations {
    last: Arc<Mutex<Option<Read>>>,
}

/// Escalation policies, and the revision they were read at.
type Read = (i64, Arc<Known>);

/// Escalation policies by id and version.
#[derive(Default)]
pub(super) struct Known {
    versions: BTreeMap<(String, u32), Arc<EscalationContent>>,
    in_force: BTreeMap<String, u32>,
}

impl Escalations {
    /// The escalation policies as `conn` sees them.
    pub(super) async fn current(&self, conn: &impl ConnectionTrait) -> Result<Arc<Known>, Error> {
        let revision = settings::revision(conn).await?;
        let last = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((_, known)) = last.filter(|(at, _)| *at == revision) {
            return Ok(known);
        }
        let mut known = Known::default();
        for setting in settings::all::<EscalationContent>(conn).await? {
            let (id, version) = (setting.id, setting.version);
            if setting.current {
                known.in_force.insert(id.clone(), version);
            }
            let content = Arc::new(setting.content);
            known.versions.insert((id, version), content);
        }
        let known = Arc::new(known);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((revision, known.clone()));
        Ok(known)
    }
}

impl Known {
    /// A version that an alert names.
    pub(super) fn version(
        &self,
        id: &str,
        version: u32,
    ) -> Result<Arc<EscalationContent>, UnknownVersion> {
        let found = self.versions.get(&(id.to_owned(), version)).cloned();
        found.ok_or_else(|| UnknownVersion {
            id: id.to_owned(),
            version,
        })
    }

    /// The version in force, and which it is.
    pub(super) fn in_force(&self, id: &str) -> Option<(u32, Arc<EscalationContent>)> {
        let version = *self.in_force.get(id)?;
        Some((version, self.version(id, version).ok()?))
    }
}
