//! What a consumer of the journal is.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use lotse_db::TxError;
use sea_orm::DbErr;

use crate::event::Recorded;
use crate::tx::Tx;

/// A reader of the journal whose effects are in the same database.
#[async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Its name, for ever: cursors are kept under it. Also the principal of what it emits.
    fn name(&self) -> &'static str;

    /// Applies `events`, which stand in order within each bucket, inside `tx`, and may emit events
    /// of its own. It may be called again for the same events when the transaction did not commit,
    /// so it changes nothing but the database. Written for batches: load what the batch needs in
    /// one query, apply in memory, write multi-row.
    ///
    /// # Errors
    /// A failure that is not the database's stops the bucket for some attempts and then parks the
    /// event at fault.
    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError>;

    /// Called after a transaction with effects has committed: for arming timers and the like, which
    /// must not be lost for good when the process dies before it.
    async fn committed(&self) {}
}

/// Why a consumer could not apply an event. Made by `?` from any error of a use case.
// Not an `Error` itself, so that the conversion from all errors can stand; `source` is one.
pub struct ConsumerError {
    source: Box<dyn Error + Send + Sync>,
    /// Kept apart, because failures of the database are not the event's fault.
    db: Option<DbErr>,
}

impl<E: TxError + Error + Send + Sync + 'static> From<E> for ConsumerError {
    fn from(error: E) -> Self {
        Self {
            db: error.db_err().cloned(),
            source: Box::new(error),
        }
    }
}

impl ConsumerError {
    /// A failure in which the database has no part.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: error.into(),
            db: None,
        }
    }

    /// The failure, to be reported.
    pub fn into_source(self) -> Box<dyn Error + Send + Sync> {
        self.source
    }

    /// Whether it is the database's trouble and will pass: no event is to blame.
    pub(crate) fn is_passing(&self) -> bool {
        self.db.as_ref().is_some_and(lotse_db::environmental)
    }
}

impl TxError for ConsumerError {
    fn db_err(&self) -> Option<&DbErr> {
        self.db.as_ref()
    }
}

/// With its sources.
impl fmt::Display for ConsumerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        let mut told = self.source.to_string();
        let mut next = self.source.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !told.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            told = text;
            next = cause.source();
        }
        Ok(())
    }
}

impl fmt::Debug for ConsumerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}
