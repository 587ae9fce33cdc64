//! Alerts and reactions, with routing and intake faked ([`world`]) and the rest as it is.

mod calls;
mod climbing;
mod ending;
mod founding;
mod policies;
mod reacting;
mod replicas;
mod stage;
mod world;
