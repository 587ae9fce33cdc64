//! The gRPC services: read the request, call the use case, write the answer, nothing else.

mod batch;
mod events;
mod requesters;
mod tickets;

pub(crate) use events::EventApi;
pub(crate) use requesters::RequesterApi;
pub(crate) use tickets::TicketApi;

use lotse_errors::{Error, Violations};

/// Reads a request; refuses it with everything that is wrong at once.
fn checked<T>(read: impl FnOnce(&mut Violations) -> Option<T>) -> Result<T, Error> {
    let mut wrong = Violations::new();
    let value = read(&mut wrong);
    wrong.finish_with(value)
}
