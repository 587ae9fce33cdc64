//! Why an attempt did not bring a notice to its receiver.

use std::time::Duration;

/// Bytes of a failure's detail at most.
const DETAIL: usize = 500;

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Failure {
    /// A stable code such as `timeout` or `status_500`.
    pub reason: String,
    /// For people; bounded, on one line, without secrets.
    pub detail: String,
    /// Whether another attempt could not do better.
    pub permanent: bool,
    /// How long the receiver asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// Another attempt may do better.
    pub fn passing(reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            detail: bounded(detail.into()),
            permanent: false,
            retry_after: None,
        }
    }

    /// Another attempt could not do better.
    pub fn permanent(reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            permanent: true,
            ..Self::passing(reason, detail)
        }
    }

    /// With what the receiver asked for.
    #[must_use]
    pub fn after(self, retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..self
        }
    }
}

/// `text` on one line and not too long.
fn bounded(text: String) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    line.truncate(line.floor_char_boundary(DETAIL));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_one_bounded_line() {
        let failure = Failure::passing("io", format!("a\r\nb{}", "\u{fc}".repeat(400)));
        assert!(failure.detail.starts_with("a  b\u{fc}"));
        assert!(failure.detail.len() <= DETAIL);
        assert!(!failure.permanent);
    }
}
