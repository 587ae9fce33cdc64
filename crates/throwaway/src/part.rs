//! The two servers by name: how to find, install and announce each.

use std::path::{Path, PathBuf};

/// A server that tests can use when it is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// PostgreSQL 15 or newer.
    Postgres,
    /// Redis 7 or newer.
    Redis,
}

impl Part {
    /// Both parts, in the order they are talked about.
    pub const ALL: [Part; 2] = [Part::Postgres, Part::Redis];

    /// The name people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Part::Postgres => "PostgreSQL",
            Part::Redis => "Redis",
        }
    }

    /// The one line that installs it on Debian.
    pub fn install_line(self) -> &'static str {
        match self {
            Part::Postgres => "sudo apt-get install -y postgresql",
            Part::Redis => "sudo apt-get install -y redis-server",
        }
    }

    /// The environment variable that carries the URL of a server to use
    /// instead of starting one.
    pub fn url_variable(self) -> &'static str {
        match self {
            Part::Postgres => "LOTSE_TEST_POSTGRES_URL",
            Part::Redis => "LOTSE_TEST_REDIS_URL",
        }
    }

    /// The folder of the installed programs; `None` when it is not installed.
    ///
    /// Debian keeps PostgreSQL's programs out of `PATH`, one folder per major
    /// version: the newest of them counts.
    pub fn programs(self) -> Option<PathBuf> {
        match self {
            Part::Postgres => debian_postgres().or_else(|| in_path("initdb")),
            Part::Redis => in_path("redis-server"),
        }
    }
}

/// The newest `/usr/lib/postgresql/*/bin`.
fn debian_postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").is_file().then_some((version, bin))
        })
        .max()
        .map(|(_, bin)| bin)
}

/// The folder of `PATH` that holds `program`; a link is followed, because
/// PostgreSQL looks for its sister programs beside the real file.
fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .and_then(|found| found.canonicalize().ok())
        .and_then(|real| real.parent().map(Path::to_path_buf))
}
