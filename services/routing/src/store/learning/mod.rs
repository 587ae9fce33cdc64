//! What learning keeps: [`evidence`] of where tickets belong, [`models`] fitted on it, [`state`]
//! says which is in force and when the next is due, [`chances`] counts who passed on what
//! and keeps what was published of it.

pub(crate) mod chances;
pub(crate) mod evidence;
pub(crate) mod models;
pub(crate) mod state;
