//! The databases as the rest of the suite meets them.

mod connecting;
mod migrating;
mod transactions;
