//! `lotse status`: how the journal's consumers stand.

use std::path::Path;

use anyhow::{Context as _, Result};
use lotse_clock::BusinessClock;
use lotse_db::{Db, DbConfig};
use lotse_journal::{ConsumerStatus, Journal, JournalConfig, Wakeups};

use crate::cli::{Configured, Status};
use crate::{config, suite, up};

/// Prints a line per consumer, and one per bucket that needs somebody.
///
/// # Errors
/// When the database cannot be reached.
#[allow(clippy::print_stdout, reason = "the table is the output")]
pub async fn run(args: &Status) -> Result<()> {
    let config = database(&args.configured, args.data_dir.as_deref())?;
    let db = Db::connect(&config).await?;
    let pending = lotse_db::pending(&db, suite::migrations()).await?;
    println!("database   {}", up_to_date(&pending));
    let clock = BusinessClock::system();
    let journal = Journal::open(db, clock, Wakeups::local(), JournalConfig::default()).await?;
    println!("journal    incarnation {}", journal.incarnation().await?);
    println!(
        "{:<10} {:>8} {:>8} {:>8} {:>9}",
        "consumer", "lag", "parked", "stopped", "replicas"
    );
    for consumer in journal.status().await? {
        print!("{}", told(&consumer));
    }
    Ok(())
}

/// The database in a folder of `lotse up`, or of a configuration.
pub(crate) fn database(configured: &Configured, data_dir: Option<&Path>) -> Result<DbConfig> {
    let Some(folder) = data_dir else {
        return Ok(config::database(&config::load(
            configured.config.as_deref(),
        )?));
    };
    let file = up::database_file(folder);
    file.metadata()
        .with_context(|| format!("there is no {}", file.display()))?;
    Ok(DbConfig::new(format!("sqlite://{}", file.display())))
}

fn up_to_date(pending: &[String]) -> String {
    match pending {
        [] => "up to date".to_owned(),
        pending => format!("migrations pending: {}", pending.join(", ")),
    }
}

fn told(consumer: &ConsumerStatus) -> String {
    let ConsumerStatus {
        consumer: name,
        buckets,
    } = consumer;
    let mut owners: Vec<_> = buckets
        .iter()
        .filter_map(|bucket| bucket.owner.as_deref())
        .collect();
    owners.sort_unstable();
    owners.dedup();
    let stopped: Vec<_> = buckets.iter().filter(|bucket| bucket.stopped()).collect();
    let (lag, parked) = (consumer.lag(), consumer.parked());
    let (stops, owners) = (stopped.len(), owners.len());
    let mut told = format!("{name:<10} {lag:>8} {parked:>8} {stops:>8} {owners:>9}\n");
    for bucket in stopped {
        let error = bucket.error.as_deref().unwrap_or("no reason noted");
        told += &format!(
            "  bucket {} stands at {}: {error}\n",
            bucket.bucket, bucket.position
        );
    }
    told
}
