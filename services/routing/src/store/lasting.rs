//! Rows that last from one instant to another: which of them a list is about, and in which order.

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryOrder as _, Select};

use crate::domain::turns::Stretch;

/// Which of them are meant, with ids of this kind.
#[derive(Clone, Debug)]
pub(crate) struct Range<Id> {
    /// Only those that end after this instant.
    pub(crate) ends_after: Option<Timestamp>,
    /// Only those that begin before this instant.
    pub(crate) starts_before: Option<Timestamp>,
    /// Only those after this one, by beginning and id.
    pub(crate) after: Option<(Timestamp, Id)>,
}

impl<Id> Range<Id> {
    /// Those that last at some instant of a window.
    pub(crate) const fn within(window: Stretch) -> Self {
        Self {
            ends_after: Some(window.from),
            starts_before: Some(window.until),
            after: None,
        }
    }
}

/// The rows of a range, by beginning and id. The columns are those of beginning, end and id.
pub(super) fn of_range<E: EntityTrait>(
    mut select: Select<E>,
    range: &Range<impl AsRef<str>>,
    [starts_at, ends_at, id]: [E::Column; 3],
) -> Select<E> {
    if let Some(instant) = range.ends_after {
        select = select.filter(ends_at.gt(instant.as_millis()));
    }
    if let Some(instant) = range.starts_before {
        select = select.filter(starts_at.lt(instant.as_millis()));
    }
    if let Some((begin, last)) = &range.after {
        let begin = begin.as_millis();
        let same = Condition::all()
            .add(starts_at.eq(begin))
            .add(id.gt(last.as_ref()));
        select = select.filter(Condition::any().add(starts_at.gt(begin)).add(same));
    }
    select.order_by_asc(starts_at).order_by_asc(id)
}
