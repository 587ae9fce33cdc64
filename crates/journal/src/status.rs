//! Where the consumers stand, for operators.

use sea_orm::DbErr;

use crate::cursor::{self, Cursor};
use crate::journal::Journal;

/// Where a consumer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Its name.
    pub consumer: String,
    /// All buckets, ascending.
    pub buckets: Vec<BucketStatus>,
}

impl ConsumerStatus {
    /// Events not yet read.
    pub fn lag(&self) -> i64 {
        self.buckets.iter().map(BucketStatus::lag).sum()
    }

    /// Events parked.
    pub fn parked(&self) -> i64 {
        self.buckets
            .iter()
            .map(|bucket| i64::from(bucket.parked))
            .sum()
    }
}

/// Where a consumer stands in one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketStatus {
    /// The bucket.
    pub bucket: u8,
    /// The last position read.
    pub position: i64,
    /// The last position there is.
    pub head: i64,
    /// Events parked.
    pub parked: i32,
    /// The replica that reads it; none between two.
    pub owner: Option<String>,
    /// Raised by each takeover.
    pub epoch: i64,
    /// Failures of the next event so far; 0 beside an error means that the bucket has stopped at a
    /// kind unknown to its reader.
    pub attempts: i32,
    /// Why it does not go on.
    pub error: Option<String>,
}

impl BucketStatus {
    /// Events not yet read.
    pub fn lag(&self) -> i64 {
        self.head - self.position
    }

    /// Whether it waits for a program that knows the next event's kind.
    pub fn stopped(&self) -> bool {
        self.error.is_some() && self.attempts == 0
    }
}

impl Journal {
    /// Where all consumers stand that ever read this journal, by name.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn status(&self) -> Result<Vec<ConsumerStatus>, DbErr> {
        let mut all: Vec<ConsumerStatus> = Vec::new();
        for cursor in cursor::of_everybody(self.db().reader()).await? {
            let Cursor {
                consumer,
                bucket,
                position,
                owner,
                epoch,
                parked,
                redrive: _,
                attempts,
                error,
                head,
            } = cursor;
            if all.last().is_none_or(|last| last.consumer != consumer) {
                let buckets = Vec::new();
                all.push(ConsumerStatus { consumer, buckets });
            }
            if let Some(status) = all.last_mut() {
                status.buckets.push(BucketStatus {
                    bucket,
                    position,
                    head,
                    parked,
                    owner,
                    epoch,
                    attempts,
                    error,
                });
            }
        }
        Ok(all)
    }
}
