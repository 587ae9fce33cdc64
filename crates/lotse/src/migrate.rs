//! `lotse migrate`: brings the database to the schema of this program.

use anyhow::Result;
use lotse_db::Db;

use crate::cli::Configured;
use crate::{config, suite};

/// Applies what is missing, and says what it was.
///
/// # Errors
/// When the configuration is wrong, or the database refuses.
pub async fn run(args: &Configured) -> Result<()> {
    let settings = config::load(args.config.as_deref())?;
    let _telemetry = lotse_telemetry::init(&settings.telemetry)?;
    let db = Db::connect_patiently(&config::database(&settings)).await?;
    let applied = lotse_db::migrate(&db, suite::migrations()).await?;
    if applied.is_empty() {
        tracing::info!("the schema is up to date");
    }
    for name in applied {
        tracing::info!(name, "migration applied");
    }
    db.close().await?;
    Ok(())
}
