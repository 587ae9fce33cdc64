//! `cargo xtask services`: the servers the tests use, for a person to keep open
//! beside an editor. With the printed lines in its environment `cargo test`
//! needs no servers of its own.

use std::io::Write as _;

use anyhow::Result;
use lotse_throwaway::{Part, Postgres, Redis};

/// Starts both servers, prints their URLs and holds them until this process is
/// ended, by Ctrl-C or otherwise; the servers end with it.
pub(crate) fn run() -> Result<std::process::ExitCode> {
    let postgres = Postgres::start()?;
    let redis = Redis::start()?;
    println!(
        "export {}={}",
        Part::Postgres.url_variable(),
        postgres.url()
    );
    println!("export {}={}", Part::Redis.url_variable(), redis.url());
    println!("# gone at Ctrl-C, with all that is in them");
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}
