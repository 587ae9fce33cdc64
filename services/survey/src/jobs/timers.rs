//! The timers: invite when the delay is over, expire when nobody answered.

use async_trait::async_trait;
use lotse_clock::Timestamp;
use lotse_journal::Origin;
use lotse_supervise::BoxError;
use lotse_timers::{DueRows, Entry};

use crate::app::{App, invite, surveys, timer};
use crate::domain::invitation::State;
use crate::error::Error;
use crate::store::invitation;

/// What the timer worker asks of this service.
pub struct Due {
    app: App,
}

impl Due {
    /// The rows of `app`.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    /// One invitation, in one transaction: a reopening that was committed in time comes first.
    async fn look_at(&self, entry: &Entry) -> Result<Option<invitation::Model>, Error> {
        let app = &self.app;
        let origin = Origin {
            principal: "survey".to_owned(),
            cause: format!("timer:{}:{}", entry.row, entry.generation),
        };
        app.journal
            .in_tx(&origin, |tx| async move {
                let Some(found) = invitation::find(&tx, &entry.row).await? else {
                    return Ok(None);
                };
                let subject = found.subject.as_str();
                app.journal.catch_up(&tx, &*app.follow, &[subject]).await?;
                let now = app.clock.now();
                let Some(mut invitation) = invitation::find(&tx, &entry.row).await? else {
                    return Ok(None);
                };
                let due = invitation.due_at.is_some_and(|due| due <= now.as_millis());
                if invitation.generation != entry.generation || !due {
                    return Ok(None);
                }
                match invitation.state()? {
                    State::Waiting => {
                        let survey = surveys::find(&tx, &invitation.survey_id).await?;
                        invite::make(&tx, &app.links, &survey, &mut invitation, now).await?;
                    }
                    State::Invited => invitation.enter(State::Expired, None),
                    _ => return Ok(None),
                }
                if !invitation::update(&tx, invitation.clone(), entry.generation).await? {
                    return Ok(None);
                }
                invite::changed(&invitation)?
                    .into_iter()
                    .for_each(|draft| tx.emit(draft));
                Ok(Some(invitation))
            })
            .await
    }
}

#[async_trait]
impl DueRows for Due {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        for entry in due {
            if let Some(invitation) = self.look_at(entry).await? {
                self.app.arm(&invitation).await;
            }
        }
        Ok(())
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let rows = invitation::due_before(self.app.db.reader(), before, limit).await?;
        Ok(rows.iter().filter_map(timer).collect())
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let rows = invitation::armed(self.app.db.reader(), lane, after, limit).await?;
        Ok(rows.iter().filter_map(timer).collect())
    }
}
