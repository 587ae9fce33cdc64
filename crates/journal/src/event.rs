//! Events: as a use case drafts them, and as they are read back.

use lotse_clock::Timestamp;
use lotse_proto::journal::v1 as proto;
use lotse_proto::time::to_proto;
use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint};
use sea_orm::{DbErr, QueryResult};

/// What happened: the catalogue of `lotse.journal.v1`.
pub use lotse_proto::journal::v1::event::Body;

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The caller's pseudonymous principal id, or the name of one of our services.
    pub principal: String,
    /// The command's request id, or `bucket:position` of the event that is answered.
    pub cause: String,
}

/// An event about to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it is ordered by: the ticket's id, or its own resource's where there is no ticket.
    pub key: String,
    /// The ticket, where there is one.
    pub ticket_id: Option<String>,
    /// When it happened, for imports and delayed mail. `None` for everything live: it is stamped
    /// under the bucket's lock, so that a reply is never written before a time its own timer has
    /// already judged.
    pub occurred_at: Option<Timestamp>,
    /// What happened.
    pub body: Body,
}

impl Draft {
    /// A live event of a ticket.
    pub fn ticket(ticket_id: impl Into<String>, body: Body) -> Self {
        let ticket_id = ticket_id.into();
        Self {
            key: ticket_id.clone(),
            ticket_id: Some(ticket_id),
            occurred_at: None,
            body,
        }
    }

    /// A live event of something that belongs to no ticket.
    pub fn resource(id: impl Into<String>, body: Body) -> Self {
        Self {
            key: id.into(),
            ticket_id: None,
            occurred_at: None,
            body,
        }
    }

    /// The same event, but it happened at `occurred_at`.
    #[must_use]
    pub fn at(self, occurred_at: Timestamp) -> Self {
        Self {
            occurred_at: Some(occurred_at),
            ..self
        }
    }
}

/// A journaled event.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its bucket.
    pub bucket: u8,
    /// Its position in the bucket: dense, from 1.
    pub position: i64,
    /// What it is ordered by.
    pub key: String,
    /// The ticket, where there is one.
    pub ticket_id: Option<String>,
    /// When it happened, by the business clock.
    pub occurred_at: Timestamp,
    /// When it was written, by the business clock. Does not go back within a bucket, except where
    /// clocks differ by more than [`crate::append::TOLERATED_SKEW`].
    pub recorded_at: Timestamp,
    /// Who did it.
    pub principal: String,
    /// What caused it.
    pub cause: String,
    /// W3C trace context of the change; empty when it was not traced.
    pub traceparent: String,
    /// Whether a reader that does not know it may pass over it.
    pub ignorable: bool,
    /// What happened.
    pub body: Body,
}

impl Recorded {
    /// `bucket:position`, the cause of whatever answers this event.
    pub fn reference(&self) -> String {
        format!("{}:{}", self.bucket, self.position)
    }
}

impl From<Recorded> for proto::Event {
    fn from(event: Recorded) -> Self {
        let Recorded {
            bucket,
            position,
            key,
            ticket_id,
            occurred_at,
            recorded_at,
            principal,
            cause,
            traceparent,
            ignorable,
            body,
        } = event;
        Self {
            bucket: bucket.into(),
            // Positions begin at 1.
            position: position.unsigned_abs(),
            key,
            ticket_id: ticket_id.unwrap_or_default(),
            occurred_at: Some(to_proto(occurred_at)),
            recorded_at: Some(to_proto(recorded_at)),
            principal,
            cause,
            traceparent,
            ignorable,
            body: Some(body),
        }
    }
}

/// What is stored of a body: an `Event` with nothing but the body and its mark, so that a reader
/// that lacks the kind can still tell whether it may pass over it.
pub(crate) fn encode(body: Body, ignorable: bool) -> Vec<u8> {
    let event = proto::Event {
        ignorable,
        body: Some(body),
        ..proto::Event::default()
    };
    event.encode_to_vec()
}

/// The number of the body's field in `Event`, which is what the `kind` column holds.
pub(crate) fn kind_of(mut payload: &[u8]) -> Result<i32, DbErr> {
    const IGNORABLE: u32 = 10;
    let broken = |error: prost::DecodeError| DbErr::Type(format!("not an event: {error}"));
    loop {
        let (field, wire) = decode_key(&mut payload).map_err(broken)?;
        match (field, wire) {
            (IGNORABLE, WireType::Varint) => decode_varint(&mut payload).map_err(broken)?,
            _ => return Ok(field.cast_signed()),
        };
    }
}

/// A row of the journal as this program understands it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// An event.
    Known(Box<Recorded>),
    /// Of a kind from a newer program that may be passed over.
    Ignorable { bucket: u8, position: i64 },
    /// Of a kind from a newer program that must not be passed over.
    Unknown {
        bucket: u8,
        position: i64,
        kind: i32,
    },
}

/// The columns that [`Entry::read`] expects, in its order; for the table `journal AS j`.
pub(crate) const COLUMNS: &str = "j.bucket, j.position, j.key, j.ticket_id, j.kind, \
     j.occurred_at, j.recorded_at, j.principal, j.cause, j.traceparent, j.payload";
/// How many they are.
pub(crate) const COLUMN_COUNT: usize = 11;

impl Entry {
    /// Its bucket and position.
    pub(crate) fn place(&self) -> (u8, i64) {
        match self {
            Self::Known(event) => (event.bucket, event.position),
            Self::Ignorable { bucket, position }
            | Self::Unknown {
                bucket, position, ..
            } => (*bucket, *position),
        }
    }

    /// Reads [`COLUMNS`], the first columns of a row.
    pub(crate) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let bucket = read_bucket(row, 0)?;
        let position = row.try_get_by(1)?;
        let payload: Vec<u8> = row.try_get_by(10)?;
        let event = proto::Event::decode(payload.as_slice())
            .map_err(|error| DbErr::Type(format!("event {bucket}:{position}: {error}")))?;
        let Some(body) = event.body else {
            return Ok(if event.ignorable {
                Self::Ignorable { bucket, position }
            } else {
                let kind = row.try_get_by(4)?;
                Self::Unknown {
                    bucket,
                    position,
                    kind,
                }
            });
        };
        Ok(Self::Known(Box::new(Recorded {
            bucket,
            position,
            key: row.try_get_by(2)?,
            ticket_id: row.try_get_by(3)?,
            occurred_at: Timestamp::from_millis(row.try_get_by(5)?),
            recorded_at: Timestamp::from_millis(row.try_get_by(6)?),
            principal: row.try_get_by(7)?,
            cause: row.try_get_by(8)?,
            traceparent: row.try_get_by(9)?,
            ignorable: event.ignorable,
            body,
        })))
    }
}

/// Reads a bucket number.
pub(crate) fn read_bucket(row: &QueryResult, column: usize) -> Result<u8, DbErr> {
    let bucket: i16 = row.try_get_by(column)?;
    u8::try_from(bucket).map_err(|_| DbErr::Type(format!("there is no bucket {bucket}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_the_field_number_of_the_body() {
        let body = Body::TicketQueued(proto::TicketQueued::default());
        assert_eq!(kind_of(&encode(body.clone(), false)), Ok(41));
        assert_eq!(kind_of(&encode(body, true)), Ok(41));
        assert!(kind_of(&[]).is_err());
    }

    #[test]
    fn a_body_of_a_newer_catalogue_decodes_to_none_and_keeps_its_mark() {
        // Field 500, an empty message.
        let body = [0xa2, 0x1f, 0x00];
        let event = proto::Event::decode(body.as_slice()).unwrap();
        assert_eq!((event.body, event.ignorable), (None, false));
        assert_eq!(kind_of(&body), Ok(500));
        let marked = [&[0x50, 0x01], body.as_slice()].concat();
        let event = proto::Event::decode(marked.as_slice()).unwrap();
        assert_eq!((event.body, event.ignorable), (None, true));
        assert_eq!(kind_of(&marked), Ok(500));
    }
}
