//! What `lotse bench routing` measures inside of this service: the index without a database beside
//! looking through the queue, pairs beside one by one, and rows to measure the real service with.

mod desk;
mod instances;
mod pure;
mod rows;

pub use desk::{Arriving, Size};
pub use instances::{Compared, Way, compare};
pub use pure::{Latency, Pure, measure};
pub use rows::{look_through, seed};
