//! What putting a policy and putting a calendar have in common.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::etag;
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1::ConfigurationChanged;
use lotse_proto::sla::v1::{OpenTickets, PutOutcome};

use crate::Error;
use crate::store::rebases::{self, Rebase};
use crate::store::settings::{self, Content, Setting};

/// Which setting a Put is about.
pub(super) struct Given<'a> {
    /// Its id; empty to go by the name.
    pub(super) id: &'a str,
    /// Its name.
    pub(super) name: &'a str,
    /// The version the caller saw; empty for any.
    pub(super) etag: &'a str,
}

impl Given<'_> {
    /// The setting as it is now, if it is to be changed and not made.
    pub(super) fn find<'s, C: Content>(
        &self,
        in_force: &'s [Setting<C>],
    ) -> Result<Option<&'s Setting<C>>, Error> {
        let found = if self.id.is_empty() {
            in_force
                .iter()
                .find(|setting| setting.content.name() == self.name)
        } else {
            let found = in_force.iter().find(|setting| setting.id == self.id);
            Some(found.ok_or_else(|| Error::NotFound(C::KIND, self.id.to_owned()))?)
        };
        let version = found.map_or(0, |setting| setting.version);
        etag::check(self.etag, i64::from(version))?;
        Ok(found)
    }
}

/// The content, if nothing is wrong with it and no other setting has its name.
pub(super) fn accept<C: Content>(
    name: &str,
    existing: Option<&Setting<C>>,
    in_force: &[Setting<C>],
    content: Option<C>,
    mut wrong: Violations,
) -> Result<C, Error> {
    let id = existing.map(|setting| setting.id.as_str());
    let taken = in_force
        .iter()
        .find(|other| other.content.name() == name && Some(other.id.as_str()) != id);
    if let Some(other) = taken {
        if wrong.is_empty() {
            return Err(lotse_errors::Error::already_exists(C::KIND, name).into());
        }
        let field = format!("{}.name", C::KIND);
        wrong.add(field, format!("is the name of {} {}", C::KIND, other.id));
    }
    Ok(wrong.finish_with(content)?)
}

/// Stores the content as a new version, unless it is there already.
pub(super) async fn store<C: Content + Clone>(
    tx: &Tx,
    existing: Option<&Setting<C>>,
    content: C,
    now: Timestamp,
    new_id: impl FnOnce() -> String,
) -> Result<(Setting<C>, PutOutcome), Error> {
    if let Some(setting) = existing.filter(|setting| setting.content == content) {
        return Ok((setting.clone(), PutOutcome::Unchanged));
    }
    let setting = Setting {
        id: existing.map_or_else(new_id, |setting| setting.id.clone()),
        version: existing.map_or(0, |setting| setting.version) + 1,
        current: true,
        content,
        created_at: existing.map_or(now, |setting| setting.created_at),
        updated_at: now,
    };
    settings::put(tx, &setting).await?;
    let changed = ConfigurationChanged {
        kind: C::KIND.to_owned(),
        id: setting.id.clone(),
        version: setting.version,
        restores_version: 0,
    };
    tx.emit(Draft::resource(
        setting.id.clone(),
        Body::ConfigurationChanged(changed),
    ));
    let outcome = if existing.is_some() {
        PutOutcome::Updated
    } else {
        PutOutcome::Created
    };
    Ok((setting, outcome))
}

/// Which open tickets an edit is for.
pub(super) fn read_open_tickets(given: i32) -> Result<OpenTickets, Error> {
    match OpenTickets::try_from(given) {
        Ok(OpenTickets::Unspecified) => Ok(OpenTickets::Grandfather),
        Ok(known) => Ok(known),
        Err(_) => {
            let must = "must be GRANDFATHER or REBASE_OPEN";
            Err(lotse_errors::Error::invalid("open_tickets", must).into())
        }
    }
}

/// Leaves word for the job that tells open tickets of an edit, if it is for them too.
pub(super) async fn rebase<C: Content>(
    tx: &Tx,
    open_tickets: OpenTickets,
    setting: &Setting<C>,
    now: Timestamp,
) -> Result<(), Error> {
    if open_tickets == OpenTickets::RebaseOpen {
        let rebase = Rebase {
            id: setting.id.clone(),
            version: setting.version,
            edited_at: now,
            lane: 0,
            after: String::new(),
        };
        rebases::save(tx, &rebase).await?;
    }
    Ok(())
}
