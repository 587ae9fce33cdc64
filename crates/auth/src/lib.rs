//! Who may call.
//!
//! Callers bring a bearer JWT signed with a key of the configured JWKS ([`Authenticator::tokens`]),
//! which says who they are and which scopes they have. Without that, a server is for development:
//! it serves loopback only ([`require_auth_or_loopback`]) and everybody there is [`Caller::local`].
//! [`LocalKey`] mints tokens for compose files, tests and small installations.

mod authenticator;
mod caller;
mod keys;
mod local_key;
mod loopback;
mod source;
mod token;

pub use authenticator::{Authenticator, TokenConfig};
pub use caller::{Caller, Scopes};
pub use keys::KeysError;
pub use local_key::{Claims, LocalKey, LocalKeyError};
pub use loopback::{OpenToAll, check_loopback, require_auth_or_loopback};
pub use source::KeySource;
