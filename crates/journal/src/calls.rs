//! Idempotent calls that share a transaction: what [`Journal::command`](crate::Journal::command)
//! does for one, in two statements for many.

use std::collections::HashMap;

use lotse_clock::SystemClock;
use prost::Message;
use sea_orm::{ConnectionTrait, DbErr};
use sha2::{Digest as _, Sha256};

use crate::event::Origin;
use crate::sql::{Values, statement};
use crate::tx::Tx;

/// One call of a batch, by what it is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    caller: String,
    method: &'static str,
    request_id: String,
    /// SHA-256 of the encoded request.
    fingerprint: Vec<u8>,
}

/// What became of a call before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: it is new.
    Nothing,
    /// It was made; this is its encoded response.
    Answered(Vec<u8>),
    /// Its request id came with another request.
    Reused,
}

impl Call {
    /// The call of `method` whose request id is the cause in `origin`; `None` when that is empty
    /// and the call is not deduplicated.
    pub fn new(origin: &Origin, method: &'static str, request: &impl Message) -> Option<Self> {
        let Origin { principal, cause } = origin.clone();
        (!cause.is_empty()).then(|| Self {
            caller: principal,
            method,
            request_id: cause,
            fingerprint: Sha256::digest(request.encode_to_vec()).to_vec(),
        })
    }

    /// Caller, method and request id: what must not stand twice in one batch.
    pub fn id(&self) -> (&str, &str, &str) {
        (&self.caller, self.method, &self.request_id)
    }
}

impl Tx {
    /// What became of each of `calls` before, in their order.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn earlier(&self, calls: &[&Call]) -> Result<Vec<Earlier>, DbErr> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Values::default();
        let keys: Vec<String> = calls
            .iter()
            .map(|call| {
                let places = [
                    values.push(call.caller.as_str()),
                    values.push(call.method),
                    values.push(call.request_id.as_str()),
                ];
                format!("({})", places.join(", "))
            })
            .collect();
        let sql = format!(
            "SELECT caller, method, request_id, fingerprint, response FROM commands \
             WHERE (caller, method, request_id) IN (VALUES {})",
            keys.join(", ")
        );
        let rows = self
            .query_all_raw(statement(self, sql, values.take()))
            .await?;
        let mut stored = HashMap::new();
        for row in rows {
            let key: (String, String, String) =
                (row.try_get_by(0)?, row.try_get_by(1)?, row.try_get_by(2)?);
            let answer: (Vec<u8>, Vec<u8>) = (row.try_get_by(3)?, row.try_get_by(4)?);
            stored.insert(key, answer);
        }
        let earlier = |call: &&Call| {
            let (caller, method, request_id) = call.id();
            let key = (caller.to_owned(), method.to_owned(), request_id.to_owned());
            match stored.get(&key) {
                None => Earlier::Nothing,
                Some((fingerprint, response)) if *fingerprint == call.fingerprint => {
                    Earlier::Answered(response.clone())
                }
                Some(_) => Earlier::Reused,
            }
        };
        Ok(calls.iter().map(earlier).collect())
    }

    /// Stores the responses of calls that are new, each id once. Returns false when one of the ids
    /// was taken meanwhile: then the transaction has to be given up and run again. Waits for
    /// concurrent transactions with the same ids.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn answer(&self, answers: &[(&Call, Vec<u8>)]) -> Result<bool, DbErr> {
        if answers.is_empty() {
            return Ok(true);
        }
        // In the order of the key, so that two batches with the same ids cannot wait for each other.
        let mut answers: Vec<_> = answers.iter().collect();
        answers.sort_by_key(|(call, _)| call.id());
        let mut values = Values::default();
        // How long callers repeat a request is real time, also where business time is not.
        let now = values.push(SystemClock.now().as_millis());
        let rows: Vec<String> = answers
            .iter()
            .map(|(call, response)| {
                let places = [
                    values.push(call.caller.as_str()),
                    values.push(call.method),
                    values.push(call.request_id.as_str()),
                    values.push(call.fingerprint.clone()),
                    values.push(response.clone()),
                ];
                format!("({}, {now})", places.join(", "))
            })
            .collect();
        let sql = format!(
            "INSERT INTO commands \
             (caller, method, request_id, fingerprint, response, created_at) \
             VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        );
        let stored = self
            .execute_raw(statement(self, sql, values.take()))
            .await?;
        Ok(stored.rows_affected() == answers.len() as u64)
    }
}
