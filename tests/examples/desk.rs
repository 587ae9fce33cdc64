//! The whole suite on a manual clock that whoever started it moves, for clients in other languages:
//! `cargo run -p lotse-tests --example desk`.
//!
//! It prints `grpc ADDRESS` and `ready`, then takes lines from its standard input: `advance MILLIS`
//! lets so much time pass, and everything that is due in it happen; after each it prints `now
//! MILLIS`, the time since the epoch. It ends with its input.
#![allow(
    clippy::print_stdout,
    reason = "whoever started it reads the address and the time"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lotse::suite::{self, Behaviour, Parts};
use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_grpc::{Config, Server};
use lotse_supervise::{Stepper, Supervisor};
use lotse_survey::{LinkKey, LinkKeys};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Monday, 2 March 2026, 09:00 UTC.
const OPENING: Timestamp = Timestamp::from_millis(1_772_442_000_000);

#[tokio::main]
async fn main() -> Result<()> {
    let clock = BusinessClock::manual(OPENING);
    let db = lotse_testkit::sqlite(suite::migrations).await;
    let parts = Parts::open(db.db(), clock.clone(), None).await?;
    let key = LinkKey {
        id: "test".to_owned(),
        secret: vec![7; 32],
    };
    let behaviour = Behaviour::new(LinkKeys::new(vec![key])?);
    let services = suite::services(&parts, &behaviour);
    let mut server = Server::new(Config::default(), Authenticator::local(), services)?;
    parts.connect(&Channel::in_process(server.stack()));
    let stepper = Stepper::new(clock.clone(), server.take_jobs())?;
    server.readiness().set_all(true);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("grpc {}", listener.local_addr()?);
    println!("ready");
    let supervisor = Supervisor::new(clock.clone());
    let (end, ended) = oneshot::channel();
    let driven = async {
        let driven = drive(&clock, &stepper).await;
        // Nobody listens when serving ended first, which is told below.
        end.send(()).ok();
        driven
    };
    let shutdown = async {
        ended.await.ok();
    };
    let (driven, served) = tokio::join!(driven, server.serve(listener, &supervisor, shutdown));
    driven?;
    Ok(served?)
}

/// Lets time pass as it is told.
async fn drive(clock: &BusinessClock, stepper: &Stepper) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let Some(millis) = line.strip_prefix("advance ") else {
            bail!("not understood: {line:?}");
        };
        let time = Duration::from_millis(millis.trim().parse().context("no milliseconds")?);
        stepper.advance_to(clock.now() + time).await?;
        stepper.settle().await?;
        println!("now {}", clock.now().as_millis());
    }
    Ok(())
}
