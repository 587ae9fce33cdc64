//! The conformance vectors of the timing contract: files under `tests/vectors`, one per rule. Each
//! is run against the pure state machine with timers that fire at once, late and never, and against
//! the running service on the manual clock on both databases.

pub(crate) mod format;
pub(crate) mod pure;
mod service;

use std::path::Path;

use format::Vector;

/// All vectors with their names, in order.
fn all() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut vectors: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let vector = serde_yaml_ng::from_str(&text);
            (
                name.clone(),
                vector.unwrap_or_else(|error| panic!("{name}: {error}")),
            )
        })
        .collect();
    vectors.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(vectors.len() >= 30, "vectors are missing");
    vectors
}
