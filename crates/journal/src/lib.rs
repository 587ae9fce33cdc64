//! The journal: every change of state, in order, in the transaction that made it.
//!
//! It is append-only and the spine of the suite: the audit trail, the feed for outsiders, and the
//! only place where one service learns another's facts.
//!
//! - **Writing.** [`Journal::in_tx`] runs one use case; what it [emits](Tx::emit) is appended as
//!   the last thing its transaction does. [`Journal::command`] also makes it idempotent.
//! - **Order.** Keys (ticket ids, mostly) hash into [`BUCKETS`] buckets; positions are dense and in
//!   order within a bucket, and nothing is promised between buckets. Four neighbouring buckets are
//!   a lane: batches stay inside one, so that they do not wait for each other.
//! - **Reading.** A [`Consumer`] keeps a cursor per bucket in the transaction of its effects, so
//!   each effect happens exactly once. Replicas share the buckets by leases, and each takeover
//!   raises the bucket's epoch, which fences out whoever had it before. Events that always fail
//!   are parked and those of the same key queue behind them. [`Journal::catch_up`] lets a timer
//!   read first what its service has not yet seen. [`Journal::read_feed`] is for outsiders, and
//!   [`Journal::stream`] the same as an endless stream. Who keeps in memory what a consumer has in
//!   tables [follows](Journal::follow) it, and shares that work among replicas by a [`Tenure`].
//!
//! Locks are taken in this order everywhere: cursor rows by ascending bucket, domain rows, bucket
//! locks by ascending bucket. So two transactions of the journal never wait for each other in a
//! circle; domain rows have the order that their service gives them.

mod append;
mod at;
pub mod audit;
mod batch;
mod bucket;
mod calls;
mod catch_up;
mod command;
mod consumer;
mod cursor;
mod event;
mod feed;
mod follow;
mod heads;
mod history;
mod incarnation;
mod job;
mod journal;
mod lease;
mod parked;
mod positions;
mod rewind;
mod schema;
mod sql;
mod status;
mod stream;
mod sweep;
mod tenure;
mod trace;
mod tx;
mod wakeups;

pub use bucket::{BUCKETS, BUCKETS_PER_LANE, LANES, bucket_of, buckets_of, lane_of};
pub use calls::{Call, Earlier};
pub use command::RequestIdReused;
pub use consumer::{Consumer, ConsumerError};
pub use event::{Body, Draft, Origin, Recorded};
pub use feed::{FeedError, FeedPage};
pub use follow::{Follower, Pulse};
pub use incarnation::Incarnation;
pub use journal::{Journal, JournalConfig, OpenError};
pub use parked::{ParkedEvent, Redrive};
pub use positions::{Positions, TokenError};
pub use schema::migrations;
pub use status::{BucketStatus, ConsumerStatus};
pub use stream::{Course, Told};
pub use tenure::Tenure;
pub use tx::Tx;
pub use wakeups::Wakeups;
