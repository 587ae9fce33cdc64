//! The model that answers, read once per version.

use std::sync::{Arc, PoisonError, RwLock};

use super::super::App;
use crate::domain::learning::{Model, Unreadable};
use crate::error::Error;
use crate::store::learning::models::Which;
use crate::store::learning::{models, state};

/// The two models of a version.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) version: u32,
    /// Without the first group.
    pub(super) intake: Model,
    /// With the first group.
    pub(super) rerouter: Model,
}

/// Keeps the version that was read last.
#[derive(Debug, Default)]
pub(super) struct InForce(RwLock<Option<Arc<Fitted>>>);

impl InForce {
    fn get(&self, version: u32) -> Option<Arc<Fitted>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.clone().filter(|fitted| fitted.version == version)
    }

    fn keep(&self, fitted: &Arc<Fitted>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(fitted.clone());
    }
}

impl App {
    /// The model in force; none before the first. One that cannot be read is dropped, the one
    /// before it takes its place, and a new one is wanted.
    pub(super) async fn model_in_force(&self) -> Result<Option<Arc<Fitted>>, Error> {
        loop {
            let Some(version) = self.learning_state().await?.in_force else {
                return Ok(None);
            };
            if let Some(kept) = self.learning.in_force.get(version) {
                return Ok(Some(kept));
            }
            match self.read_model(version).await? {
                Ok(fitted) => {
                    let fitted = Arc::new(fitted);
                    self.learning.in_force.keep(&fitted);
                    return Ok(Some(fitted));
                }
                Err(unreadable) => self.drop_unreadable(version, unreadable).await?,
            }
        }
    }

    /// A version's models, or why they cannot be read.
    pub(super) async fn read_model(
        &self,
        version: u32,
    ) -> Result<Result<Fitted, Unreadable>, Error> {
        let Some(bytes) = models::bytes(self.db.reader(), version).await? else {
            return Ok(Err(Unreadable::Damaged));
        };
        // Some megabytes: not on a thread that others wait for.
        let read = tokio::task::spawn_blocking(move || {
            Ok(Fitted {
                version,
                intake: Model::from_bytes(&bytes.intake)?,
                rerouter: Model::from_bytes(&bytes.rerouter)?,
            })
        });
        read.await
            .map_err(|error| Error::Learning(error.to_string()))
    }

    async fn drop_unreadable(&self, version: u32, unreadable: Unreadable) -> Result<(), Error> {
        tracing::error!(version, %unreadable, "a model cannot be read and is dropped");
        let why = unreadable.to_string();
        let now = self.now();
        let origin = super::super::by_routing("learning");
        self.journal
            .in_tx(&origin, |tx| {
                let why = why.clone();
                async move {
                    models::drop(&tx, Which::Version(version), &why).await?;
                    let before = models::latest_accepted(&tx).await?;
                    // Unless somebody has put another in force meanwhile.
                    let current = state::find(&tx).await?;
                    if current.is_some_and(|current| current.in_force == Some(version)) {
                        state::put_in_force(&tx, before, false).await?;
                        super::models::announce_in_force(&tx, before);
                    }
                    state::want(&tx, now).await?;
                    Ok::<_, Error>(())
                }
            })
            .await?;
        self.learning.wanted.notify_one();
        Ok(())
    }
}
