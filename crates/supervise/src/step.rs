//! Runs a piece of a job with its panics caught, for both drivers.

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::BoxError;

/// A panic in a job, seen as an error.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
struct Panicked(String);

/// Awaits `work`; a panic becomes an error. Jobs keep their state behind `&self`, in locks or in the database, so a
/// panic leaves it no more broken than an error returned at the same place.
pub(crate) async fn catch<T>(
    work: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => Err(Box::new(Panicked(message(&*panic)))),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// An error and its sources in one line; a source whose text the line already ends with is left out.
pub(crate) fn describe(error: &BoxError) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        source = Error::source(cause);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the cursor")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn a_failure_is_described_with_its_sources() {
        let error: BoxError = Box::new(Outer(std::fmt::Error));
        assert_eq!(
            describe(&error),
            format!("cannot read the cursor: {}", std::fmt::Error)
        );
    }

    #[test]
    fn a_source_already_told_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read: {0}")]
        struct Verbose(#[source] std::fmt::Error);
        let error: BoxError = Box::new(Verbose(std::fmt::Error));
        assert_eq!(
            describe(&error),
            format!("cannot read: {}", std::fmt::Error)
        );
    }
}
