//! A database of a measurement's own, gone afterwards.

use anyhow::{Context as _, Result, ensure};
use sea_orm::{ConnectionTrait as _, Database};

use crate::suite;

/// Where the rows are meanwhile.
pub(crate) struct Scratch {
    /// Its URL.
    pub(crate) url: String,
    made: Made,
}

enum Made {
    /// A database of this name, made on the server at this URL.
    OnServer { server: String, name: String },
    /// A file in this folder.
    InFolder(tempfile::TempDir),
}

impl Scratch {
    /// Makes one beside the database at `url` and brings it to the schema: on PostgreSQL a new
    /// database (whoever the URL names may create some), on SQLite a file in the folder `url` names.
    pub(crate) async fn make(url: &str) -> Result<Self> {
        let scratch = match url.strip_prefix("sqlite://") {
            Some(folder) => {
                let folder = tempfile::Builder::new()
                    .prefix("lotse-scratch-")
                    .tempdir_in(folder)
                    .with_context(|| format!("cannot make a folder in {folder}"))?;
                Self {
                    url: format!("sqlite://{}", folder.path().join("scratch.db").display()),
                    made: Made::InFolder(folder),
                }
            }
            None => {
                let name = format!("lotse_scratch_{:08x}", rand::random::<u32>());
                let server = Database::connect(url).await;
                let server = server.context("cannot reach PostgreSQL")?;
                let create = format!("CREATE DATABASE {name}");
                let created = server.execute_unprepared(&create).await;
                created.context("cannot make a database of its own")?;
                server.close().await?;
                Self {
                    url: beside(url, &name)?,
                    made: Made::OnServer {
                        server: url.to_owned(),
                        name,
                    },
                }
            }
        };
        let db = lotse_db::Db::connect(&lotse_db::DbConfig::new(&scratch.url)).await?;
        lotse_db::migrate(&db, suite::migrations()).await?;
        db.close().await?;
        Ok(scratch)
    }

    /// `PostgreSQL` or `SQLite`.
    pub(crate) fn kind(&self) -> &'static str {
        match self.made {
            Made::OnServer { .. } => "PostgreSQL",
            Made::InFolder(_) => "SQLite",
        }
    }

    /// Removes it.
    pub(crate) async fn remove(self) -> Result<()> {
        match self.made {
            Made::OnServer { server, name } => {
                let server = Database::connect(&server).await?;
                // Whoever is still connected was a worker of ours.
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                server.execute_unprepared(&drop).await?;
                server.close().await?;
            }
            Made::InFolder(folder) => folder.close()?,
        }
        Ok(())
    }
}

/// The URL of another database on the same server.
fn beside(url: &str, name: &str) -> Result<String> {
    let (head, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = head.split_once("://").context("the database's URL")?;
    ensure!(
        scheme.starts_with("postgres"),
        "the database is postgres://…/NAME, or sqlite://FOLDER"
    );
    let host = rest.split('/').next().unwrap_or_default();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    Ok(format!("{scheme}://{host}/{name}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_beside_another_has_the_same_server_and_settings() {
        let url = beside("postgres://me:secret@db:5433/postgres?sslmode=require", "x");
        assert_eq!(
            url.unwrap(),
            "postgres://me:secret@db:5433/x?sslmode=require"
        );
        assert_eq!(beside("postgres://db", "x").unwrap(), "postgres://db/x");
        assert!(beside("mysql://db/x", "x").is_err());
    }
}
