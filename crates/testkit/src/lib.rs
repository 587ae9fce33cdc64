//! What tests of Lotse stand on: real databases and Redis, fresh for each test.
//!
//! ```text
//! lotse_testkit::on_both_databases! {
//!     migrations = crate::migrations;
//!
//!     async fn a_second_row_of_the_same_name_is_refused(db: TestDb) {
//!         db.in_tx(|tx| async move { … }).await.unwrap();
//!     }
//! }
//! ```
//!
//! makes two tests of it, `a_second_row_of_the_same_name_is_refused::sqlite`
//! and `…::postgres`. [`sqlite`], [`postgres`] and [`redis`] give the same by
//! hand, [`own_postgres`] and [`own_redis`] a server that a test may kill, [`Road`] a
//! way to it that a test may close, and [`eventually`] waits for what happens elsewhere. [`InProcess`] serves services
//! without a socket, on a manual clock.
//!
//! PostgreSQL and Redis come from the environment (`LOTSE_TEST_POSTGRES_URL`,
//! `LOTSE_TEST_REDIS_URL`; `cargo xtask test` sets them) or are started once
//! per test process. Where one is not installed, what needs it is left out and
//! says so; where `CI` is set that is a failure.

mod both;
mod cluster;
mod database;
mod eventually;
mod in_process;
mod own;
mod receivers;
mod redis;
mod road;
mod servers;

pub use database::{Backend, TestDb, databases, postgres, sqlite};
pub use eventually::{Outcome, eventually};
pub use in_process::InProcess;
pub use own::{own_postgres, own_redis};
pub use receivers::{RECEIVERS_AUTHORITY, Receiver};
pub use redis::{TestRedis, redis};
pub use road::Road;
