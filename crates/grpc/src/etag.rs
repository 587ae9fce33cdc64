//! Etags: a resource's version as callers see it.

use lotse_errors::{Error, ErrorReason};

/// The etag of a resource's version counter.
///
/// The counter is raised by changes of the resource's own fields, not of projections.
pub fn of(version: i64) -> String {
    format!("\"{version}\"")
}

/// Checks the etag that came with a change; an empty one means "whatever it is now".
///
/// # Errors
/// ABORTED when the resource has changed since the caller read it.
pub fn check(given: &str, version: i64) -> Result<(), Error> {
    if given.is_empty() || given == of(version) {
        return Ok(());
    }
    let message = "the resource has changed since it was read; read it again";
    Err(Error::aborted(ErrorReason::StaleEtag, message).with("etag", of(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_etag_is_refused_and_an_empty_one_passes() {
        assert!(check("", 3).is_ok());
        assert!(check(&of(3), 3).is_ok());
        let error = check(&of(2), 3).unwrap_err();
        assert_eq!(error.reason(), ErrorReason::StaleEtag);
    }
}
