//! Jobs driven live (paused tokio time) and on a manual clock.

mod stepper;
mod supervisor;
mod support;
