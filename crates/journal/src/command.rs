//! Idempotent commands: the same request id gives the same response, once executed.
//!
//! The response is stored in the transaction of the command, so there is no instant at which one is
//! there without the other. Two concurrent calls with one id both execute; the one that commits
//! second finds the id taken, is rolled back with all it did and answers with the other's response.

use lotse_clock::SystemClock;
use lotse_db::TxError;
use prost::Message;
use sea_orm::{ConnectionTrait, DbErr};
use sha2::{Digest as _, Sha256};

use crate::event::Origin;
use crate::journal::Journal;
use crate::sql::statement;
use crate::tx::Tx;

/// The request id was used before, by the same caller for the same method, with another body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request id {request_id} was used before with another request")]
pub struct RequestIdReused {
    /// The request id.
    pub request_id: String,
}

/// Why a transaction of a command ended.
enum Ended<E> {
    /// The work's own error.
    Work(E),
    /// Another call with the same id has committed first.
    Raced,
    Reused,
}

impl<E: TxError> From<DbErr> for Ended<E> {
    fn from(error: DbErr) -> Self {
        Self::Work(E::from(error))
    }
}

impl<E: TxError> TxError for Ended<E> {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Work(error) => error.db_err(),
            Self::Raced | Self::Reused => None,
        }
    }
}

/// What a command is known by.
struct Key<'a> {
    caller: &'a str,
    method: &'static str,
    request_id: &'a str,
    /// SHA-256 of the encoded request. Maps are encoded in order, so equal requests are equal here.
    fingerprint: Vec<u8>,
}

impl Journal {
    /// Runs one mutation of a caller in one transaction, at most once: a repeated `request_id` of
    /// the same principal for the same `method` answers with the stored response. Responses are
    /// kept for [`JournalConfig::keep_commands`](crate::JournalConfig::keep_commands). An empty
    /// `request_id` is not deduplicated. Errors are not stored: nothing has happened, so a repeated
    /// call tries again.
    ///
    /// # Errors
    /// [`RequestIdReused`] when the id came with another request before; what `work` ends with; the
    /// database's error.
    pub async fn command<Req, Resp, E, F, Fut>(
        &self,
        origin: &Origin,
        method: &'static str,
        request_id: &str,
        request: &Req,
        work: F,
    ) -> Result<Resp, E>
    where
        Req: Message,
        Resp: Message + Default,
        E: TxError + From<RequestIdReused> + Send,
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Resp, E>> + Send,
    {
        if request_id.is_empty() {
            return self.in_tx(origin, work).await;
        }
        let key = Key {
            caller: &origin.principal,
            method,
            request_id,
            fingerprint: Sha256::digest(request.encode_to_vec()).to_vec(),
        };
        // Raced at most once per competitor, and a competitor that commits ends the race.
        loop {
            let outcome = self
                .in_tx(origin, |tx| {
                    let (key, work) = (&key, &work);
                    async move { once(tx, key, work).await }
                })
                .await;
            match outcome {
                Ok(response) => return Ok(response),
                Err(Ended::Work(error)) => return Err(error),
                Err(Ended::Raced) => {}
                Err(Ended::Reused) => {
                    let request_id = request_id.to_owned();
                    return Err(RequestIdReused { request_id }.into());
                }
            }
        }
    }
}

async fn once<Resp, E, F, Fut>(tx: Tx, key: &Key<'_>, work: &F) -> Result<Resp, Ended<E>>
where
    Resp: Message + Default,
    E: TxError,
    F: Fn(Tx) -> Fut,
    Fut: Future<Output = Result<Resp, E>>,
{
    if let Some((fingerprint, response)) = stored(&tx, key).await? {
        if fingerprint != key.fingerprint {
            return Err(Ended::Reused);
        }
        let broken = |error| DbErr::Type(format!("the stored response: {error}"));
        return Ok(Resp::decode(response.as_slice()).map_err(broken)?);
    }
    let response = work(tx.clone()).await.map_err(Ended::Work)?;
    if store(&tx, key, &response.encode_to_vec()).await? {
        Ok(response)
    } else {
        Err(Ended::Raced)
    }
}

/// Fingerprint and response of an earlier call.
async fn stored(tx: &Tx, key: &Key<'_>) -> Result<Option<(Vec<u8>, Vec<u8>)>, DbErr> {
    let sql = "SELECT fingerprint, response FROM commands \
               WHERE caller = $1 AND method = $2 AND request_id = $3";
    let values = [key.caller.into(), key.method.into(), key.request_id.into()];
    let row = tx.query_one_raw(statement(tx, sql, values)).await?;
    row.map(|row| Ok((row.try_get_by(0)?, row.try_get_by(1)?)))
        .transpose()
}

/// Returns whether the id was still free. Waits for a concurrent transaction with the same id.
async fn store(tx: &Tx, key: &Key<'_>, response: &[u8]) -> Result<bool, DbErr> {
    let sql = "INSERT INTO commands \
               (caller, method, request_id, fingerprint, response, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let values = [
        key.caller.into(),
        key.method.into(),
        key.request_id.into(),
        key.fingerprint.clone().into(),
        response.to_vec().into(),
        // How long callers repeat a request is real time, also where business time is not.
        SystemClock.now().as_millis().into(),
    ];
    let inserted = tx.execute_raw(statement(tx, sql, values)).await?;
    Ok(inserted.rows_affected() == 1)
}
