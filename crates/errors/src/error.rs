//! The error every service error becomes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::ErrorReason;

/// A source of any type, kept for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What the caller should do about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Change the request: these fields are wrong.
    Invalid(Vec<FieldViolation>),
    /// Ask for something that exists.
    NotFound,
    /// Use what is there already, or another name.
    AlreadyExists,
    /// Bring the resource into another state first.
    FailedPrecondition,
    /// Read again, then repeat the whole operation: a race was lost.
    Aborted,
    /// Slow down and repeat after this time.
    Exhausted(Duration),
    /// Repeat after this time: something this service needs is away.
    Unavailable(Duration),
    /// Ask with more time; the outcome of a mutation is unknown, its `request_id` tells.
    DeadlineExceeded,
    /// Ask somebody for the permission.
    PermissionDenied,
    /// Present a valid token.
    Unauthenticated,
    /// Report the trace id: this is our fault.
    Internal,
}

/// One field of a request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field in the request, as in `tickets[3].subject`.
    pub field: String,
    /// What the field must be, in words for the caller.
    pub description: String,
}

/// An error on its way to the caller.
///
/// Message, metadata and resource are shown to the caller; the source is only logged.
pub struct Error(Box<Inner>);

pub(crate) struct Inner {
    pub(crate) kind: Kind,
    pub(crate) reason: ErrorReason,
    pub(crate) message: String,
    pub(crate) metadata: BTreeMap<String, String>,
    /// Type and name of the resource it is about.
    pub(crate) resource: Option<(String, String)>,
    pub(crate) source: Option<BoxError>,
}

impl Error {
    fn new(kind: Kind, reason: ErrorReason, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
            resource: None,
            source: None,
        }))
    }

    /// The request is wrong in one field; for several use [`crate::Violations`].
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldViolation {
            field: field.into(),
            description: description.into(),
        }])
    }

    /// The request is wrong in these fields.
    pub fn invalid_fields(violations: Vec<FieldViolation>) -> Self {
        let message = match violations.as_slice() {
            [one] => format!("{}: {}", one.field, one.description),
            many => {
                let fields: Vec<&str> = many.iter().map(|v| v.field.as_str()).collect();
                format!("{} fields are wrong: {}", many.len(), fields.join(", "))
            }
        };
        Self::new(
            Kind::Invalid(violations),
            ErrorReason::InvalidField,
            message,
        )
    }

    /// There is no `resource` (`ticket`, `agent`) named `id`.
    pub fn not_found(resource: &str, id: impl Into<String>) -> Self {
        let id = id.into();
        Self::new(
            Kind::NotFound,
            ErrorReason::ResourceNotFound,
            format!("there is no {resource} {id:?}"),
        )
        .about(resource, id)
    }

    /// A `resource` named `id` exists.
    pub fn already_exists(resource: &str, id: impl Into<String>) -> Self {
        let id = id.into();
        let message = format!("the {resource} {id:?} exists already");
        Self::new(Kind::AlreadyExists, ErrorReason::ResourceExists, message).about(resource, id)
    }

    /// The resource is not in a state that allows this.
    pub fn failed_precondition(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self::new(Kind::FailedPrecondition, reason, message)
    }

    /// A race was lost or an etag is stale; read again and repeat.
    pub fn aborted(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self::new(Kind::Aborted, reason, message)
    }

    /// Too much at once; nothing was done. Repeat after `retry_after`.
    pub fn exhausted(retry_after: Duration, message: impl Into<String>) -> Self {
        Self::new(
            Kind::Exhausted(retry_after),
            ErrorReason::Overloaded,
            message,
        )
    }

    /// Something this service needs does not answer. Repeat after `retry_after`.
    pub fn unavailable(retry_after: Duration, source: impl Into<BoxError>) -> Self {
        Self::new(
            Kind::Unavailable(retry_after),
            ErrorReason::DependencyDown,
            "something this service needs does not answer; try again later",
        )
        .caused_by(source)
    }

    /// This server stops; another one, or itself after a restart, goes on after `retry_after`.
    pub fn stopping(retry_after: Duration) -> Self {
        Self::new(
            Kind::Unavailable(retry_after),
            ErrorReason::DependencyDown,
            "the server is stopping; connect again",
        )
    }

    /// The caller's deadline passed before an answer was ready.
    pub fn deadline_exceeded() -> Self {
        Self::new(
            Kind::DeadlineExceeded,
            ErrorReason::DeadlineExceeded,
            "the deadline passed before the answer was ready",
        )
    }

    /// The caller is known and may not do this.
    pub fn permission_denied(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self::new(Kind::PermissionDenied, reason, message)
    }

    /// The caller is not known. The message must not help to guess a token.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(Kind::Unauthenticated, ErrorReason::Unauthenticated, message)
    }

    /// Our fault. The caller sees a fixed text and a trace id, the log sees the source.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::Internal, ErrorReason::Internal, "").caused_by(source)
    }

    /// Says more precisely why, where the kind alone has a general reason.
    #[must_use]
    pub fn because(mut self, reason: ErrorReason) -> Self {
        self.0.reason = reason;
        self
    }

    /// Names the resource the error is about.
    #[must_use]
    pub fn about(mut self, resource: &str, id: impl Into<String>) -> Self {
        self.0.resource = Some((resource.to_owned(), id.into()));
        self
    }

    /// Adds a value a program may read: `ErrorInfo.metadata[key]`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What the caller should do.
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// Why, as a value of `lotse.common.v1.ErrorReason`.
    pub fn reason(&self) -> ErrorReason {
        self.0.reason
    }

    pub(crate) fn into_inner(self) -> Inner {
        *self.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("reason", &self.0.reason)
            .field("message", &self.0.message)
            .field("resource", &self.0.resource)
            .field("metadata", &self.0.metadata)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.message.as_str() {
            "" => f.write_str("internal error"),
            message => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
