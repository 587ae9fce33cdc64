//! The use cases: answering questions about metrics, and rebuilding the facts.

mod answer;
mod drill_down;
mod question;
mod rebuild;

use lotse_clock::BusinessClock;
use lotse_db::Db;

pub use answer::{Answer, Point, Series};
pub use drill_down::DrillDown;
pub use question::Query;
pub use rebuild::rebuild;

/// Answers questions.
#[derive(Clone, Debug)]
pub struct Insight {
    db: Db,
    clock: BusinessClock,
}

impl Insight {
    /// Answers from the facts in `db`; `clock` says what is overdue and what can still change.
    pub fn new(db: Db, clock: BusinessClock) -> Self {
        Self { db, clock }
    }
}
