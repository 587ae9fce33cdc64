//! The models that there are, and which of them answers.

use lotse_errors::ErrorReason;
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1 as journal;

use super::super::App;
use crate::domain::codes::Verdict;
use crate::error::Error;
use crate::store::learning::models::Listed;
use crate::store::learning::{models, state};

/// What [`Error::NoSuch`] and the journal call a model.
pub(super) const MODEL: &str = "routing_model";

/// A model, and whether it answers.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) listed: Listed,
    pub(crate) in_force: bool,
    pub(crate) pinned: bool,
}

/// The models of a page, and where learning stands.
#[derive(Debug)]
pub(crate) struct Models {
    pub(crate) shown: Vec<Shown>,
    pub(crate) due_at: lotse_clock::Timestamp,
}

/// Says which model is in force; 0 is none.
pub(super) fn announce_in_force(tx: &Tx, version: Option<u32>) {
    let changed = journal::ConfigurationChanged {
        kind: MODEL.to_owned(),
        id: MODEL.to_owned(),
        version: version.unwrap_or_default(),
        restores_version: 0,
    };
    tx.emit(Draft::resource(MODEL, Body::ConfigurationChanged(changed)));
}

impl App {
    /// Versions below `before`, the latest first.
    pub(crate) async fn models(&self, before: Option<u32>, limit: u64) -> Result<Models, Error> {
        let state = self.learning_state().await?;
        let listed = models::list(self.db.reader(), before, limit).await?;
        let shown = listed.into_iter().map(|listed| Shown {
            in_force: state.in_force == Some(listed.version),
            pinned: state.pinned && state.in_force == Some(listed.version),
            listed,
        });
        Ok(Models {
            shown: shown.collect(),
            due_at: state.due_at,
        })
    }

    /// One version, or the one in force.
    pub(crate) async fn model(&self, version: Option<u32>) -> Result<Shown, Error> {
        let state = self.learning_state().await?;
        let wanted = version.or(state.in_force);
        let listed = match wanted {
            Some(version) => models::find(self.db.reader(), version).await?,
            None => None,
        };
        let listed = listed.ok_or_else(|| no_such(version))?;
        Ok(Shown {
            in_force: state.in_force == Some(listed.version),
            pinned: state.pinned && state.in_force == Some(listed.version),
            listed,
        })
    }

    /// Wants a model fitted now, whenever the next one is due.
    pub(crate) async fn want_model(&self, tx: &Tx) -> Result<(), Error> {
        state::want(tx, self.now()).await?;
        Ok(())
    }

    /// After the commit of a command that wants one.
    pub(crate) fn model_wanted(&self) {
        self.learning.wanted.notify_one();
    }

    /// Puts a version in force for good, or with none leaves it to the figures again: then the
    /// latest that was accepted answers.
    pub(crate) async fn pin_model(&self, tx: &Tx, version: Option<u32>) -> Result<Shown, Error> {
        let in_force = match version {
            Some(version) => {
                let found = models::find(tx, version).await?;
                let found = found.ok_or_else(|| no_such(Some(version)))?;
                if found.verdict == Verdict::Dropped {
                    let message = format!("model {version} cannot be used: {}", found.why);
                    let refused = lotse_errors::Error::failed_precondition(
                        ErrorReason::IllegalTransition,
                        message,
                    );
                    return Err(refused.about("model", version.to_string()).into());
                }
                Some(version)
            }
            None => models::latest_accepted(tx).await?,
        };
        let before = state::find(tx).await?.and_then(|state| state.in_force);
        state::put_in_force(tx, in_force, version.is_some()).await?;
        if before != in_force {
            announce_in_force(tx, in_force);
        }
        let listed = match in_force {
            Some(version) => models::find(tx, version).await?,
            None => None,
        };
        Ok(Shown {
            listed: listed.ok_or_else(|| no_such(version))?,
            in_force: true,
            pinned: version.is_some(),
        })
    }
}

fn no_such(version: Option<u32>) -> Error {
    Error::NoSuch {
        resource: MODEL,
        id: version.map_or_else(|| "in force".to_owned(), |version| version.to_string()),
    }
}
