//! A server as its callers meet it, with a service whose behaviour the tests choose.

mod auth;
mod calls;
mod discovery;
mod drain;
mod observed;
mod scripted;
mod streams;
