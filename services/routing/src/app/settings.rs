//! The one way in which everything that is configured under a name is put and read back.

use lotse_clock::Timestamp;
use lotse_grpc::etag;
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1 as journal;

use super::{App, Outcome};
use crate::domain::setting::{Content, Setting};
use crate::error::Error;
use crate::store::settings as store;

/// The setting that a caller wants to change: the one with the id, else the one with the name.
/// None for a new one.
pub(super) fn meant<'a, C: Content>(
    mut all: impl Iterator<Item = &'a Setting<C>> + Clone,
    id: Option<&C::Id>,
    name: &str,
) -> Result<Option<&'a Setting<C>>, Error> {
    let by_name = all.clone().find(|one| one.profile.name() == name);
    let Some(id) = id else {
        return Ok(by_name);
    };
    let found = all.find(|one| one.id == *id).ok_or_else(|| Error::NoSuch {
        resource: C::KIND,
        id: id.to_string(),
    })?;
    match by_name {
        Some(other) if other.id != found.id => Err(Error::Taken {
            resource: C::KIND,
            name: name.to_owned(),
        }),
        _ => Ok(Some(found)),
    }
}

/// Puts what is wanted in force, as a version of its own when it differs from `before`.
pub(super) async fn put<C: Content>(
    tx: &Tx,
    before: Option<&Setting<C>>,
    profile: C,
    etag: &str,
    now: Timestamp,
) -> Result<(Setting<C>, Outcome), Error> {
    etag::check(etag, before.map_or(0, |before| before.version))?;
    let (setting, outcome) = match before {
        Some(before) if before.profile == profile => {
            return Ok((before.clone(), Outcome::Unchanged));
        }
        Some(before) => (before.next(profile, now), Outcome::Updated),
        None => (Setting::new(profile, now), Outcome::Created),
    };
    store::insert(tx, &setting).await?;
    tell(
        tx,
        C::KIND,
        &setting.id.to_string(),
        setting.version,
        setting.profile.restores(),
    );
    Ok((setting, outcome))
}

impl App {
    /// The versions of a setting below `before`, the latest first, at most `limit`.
    pub(crate) async fn versions<C: Content>(
        &self,
        id: &C::Id,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<Setting<C>>, Error> {
        Ok(store::versions(self.db.reader(), id, before, limit).await?)
    }

    /// Any version there ever was of a setting, or the one in force.
    pub(crate) async fn at_version<C: Content>(
        &self,
        id: &C::Id,
        version: Option<i64>,
    ) -> Result<Setting<C>, Error> {
        let conn = self.db.reader();
        let found = match version {
            Some(version) => store::at_version(conn, id, version).await?,
            None => store::in_force(conn, id).await?,
        };
        found.ok_or_else(|| Error::NoSuch {
            resource: C::KIND,
            id: version.map_or_else(
                || id.to_string(),
                |version| format!("{id} version {version}"),
            ),
        })
    }
}

/// Tells the journal of a change of configuration.
pub(super) fn announce(tx: &Tx, kind: &str, id: &str, version: i64) {
    tell(tx, kind, id, version, None);
}

fn tell(tx: &Tx, kind: &str, id: &str, version: i64, restored: Option<u32>) {
    let changed = journal::ConfigurationChanged {
        kind: kind.to_owned(),
        id: id.to_owned(),
        version: u32::try_from(version).unwrap_or(u32::MAX),
        restores_version: restored.unwrap_or_default(),
    };
    tx.emit(Draft::resource(id, Body::ConfigurationChanged(changed)));
}
