//! Pages of what lasts from one instant to another, by beginning and id.

use std::fmt::Display;
use std::str::FromStr;

use lotse_clock::Timestamp;
use lotse_errors::{Error as Refusal, ErrorReason};
use lotse_grpc::page;

use super::{DEFAULT_PAGE, MAX_PAGE};
use crate::error::Error;
use crate::store::lasting::Range;

/// A page that was asked for.
pub(super) struct Page<Id> {
    scope: page::Scope,
    /// What may stand on it.
    pub(super) range: Range<Id>,
    /// How much.
    pub(super) limit: usize,
}

impl<Id: FromStr + Display> Page<Id> {
    /// A page of a method's list about `subject`, of what ends after an instant.
    pub(super) fn asked(
        method: &'static str,
        subject: &str,
        ends_after: Option<Timestamp>,
        (page_size, page_token): (i32, &str),
    ) -> Result<Self, Error> {
        let bound = ends_after.map(|at| at.as_millis().to_string());
        let scope = page::Scope::new(method, &[subject, bound.as_deref().unwrap_or_default()]);
        let size = page::size(page_size, DEFAULT_PAGE, MAX_PAGE)?;
        let after = scope.key::<2>(page_token)?.map(place).transpose()?;
        Ok(Self {
            scope,
            range: Range {
                ends_after,
                starts_before: None,
                after,
            },
            limit: usize::try_from(size).unwrap_or(usize::MAX),
        })
    }

    /// The token of the next page, where there is one after this `last`.
    pub(super) fn next(&self, last: Option<(Timestamp, &Id)>) -> String {
        last.map_or_else(String::new, |(begins, id)| {
            let begins = begins.as_millis().to_string();
            self.scope.token(&[&begins, &id.to_string()])
        })
    }
}

/// The place in the list that a page token says.
fn place<Id: FromStr>([begins, id]: [String; 2]) -> Result<(Timestamp, Id), Error> {
    let place = begins.parse().ok().zip(id.parse().ok());
    let (begins, id) = place.ok_or_else(|| {
        Refusal::invalid("page_token", "is damaged").because(ErrorReason::InvalidPageToken)
    })?;
    Ok((Timestamp::from_millis(begins), id))
}
