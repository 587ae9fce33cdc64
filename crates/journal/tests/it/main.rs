//! The journal as services and outsiders meet it, on both databases.

mod appending;
mod catching_up;
mod commands;
mod consuming;
mod feed;
mod parking;
mod restoring;
mod support;
mod waking;
