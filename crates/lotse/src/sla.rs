//! `lotse sla verify`: whether every clock is what the journal leads to.

use anyhow::{Result, bail};
use lotse_clock::SystemClock;
use lotse_db::{Db, DbConfig};
use lotse_sla::app::verify::{Report, Verifier};

use crate::cli::VerifyClocks;
use crate::status;

/// Prints each difference as it is found, and what was looked at.
///
/// # Errors
/// When there are differences, the schema is not this program's, or the database cannot be read.
#[allow(clippy::print_stdout, reason = "the report is the output")]
pub async fn verify(args: &VerifyClocks) -> Result<()> {
    let config = match &args.database {
        Some(url) => DbConfig::new(url),
        None => status::database(&args.configured, args.data_dir.as_deref())?,
    };
    let began = SystemClock.monotonic();
    let db = Db::connect(&config).await?;
    if let [first, ..] = lotse_db::pending(&db, crate::suite::migrations())
        .await?
        .as_slice()
    {
        bail!("the database is not migrated: {first} is pending; run `lotse migrate`");
    }
    let verifier = Verifier::new(db.clone());
    let mut tell = |difference: &lotse_sla::app::differences::Difference| println!("{difference}");
    let report = verifier.verify(args.ticket.as_deref(), &mut tell).await?;
    db.close().await?;
    let Report {
        tickets,
        clocks,
        events,
        waiting,
        differences,
    } = report;
    println!("tickets     {tickets}");
    println!("clocks      {clocks}");
    println!("events      {events}");
    println!("waiting     {waiting} behind parked events, not checked");
    println!("differences {differences}");
    println!("seconds     {:.1}", began.elapsed().as_secs_f64());
    if differences > 0 {
        bail!("{differences} differences between what is stored and what the journal leads to");
    }
    Ok(())
}
