//! Figures of both timer stores.
fn main() {}
