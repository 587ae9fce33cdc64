//! The shell that holds a server and outlives us by a moment.
//!
//! It runs a script that obeys one word a line on its standard input, answers
//! each with `ok` or `failed`, and at the end of input stops the server and
//! removes the folder. The end of input comes with our end, whatever that was:
//! the operating system closes the pipe of a killed process too. The script
//! ignores the terminal's signals and stands in a process group of its own, so
//! that Ctrl-C reaches us first and it second.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{Error, Part};

/// How often another port is tried when a server cannot have its port.
const PORT_ATTEMPTS: u32 = 8;

/// A running keeper and the pipes to it.
#[derive(Debug)]
pub(crate) struct Keeper {
    part: Part,
    folder: std::path::PathBuf,
    port: u16,
    child: Child,
    /// `None` only while dropping: closing it is the order to clean up.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// Runs `script` with the programs' folder and a fresh temporary folder as
    /// `$1` and `$2`, waits until it has prepared itself, and starts its server.
    pub(crate) fn start(part: Part, script: &str, user: Option<&str>) -> Result<Keeper, Error> {
        let programs = part.programs().ok_or(Error::NotInstalled(part))?;
        let io = |source| Error::Io { part, source };
        let folder = tempfile::Builder::new()
            .prefix("lotse-test-")
            .tempdir()
            .map_err(io)?
            // From here on the keeper removes it: we may not live to do so.
            .keep();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script, "lotse-keeper"])
            .arg(&programs)
            .arg(&folder)
            .current_dir(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some((uid, gid)) = user.filter(|_| is_root()).and_then(ids_of) {
            std::os::unix::fs::chown(&folder, Some(uid), Some(gid)).map_err(io)?;
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().map_err(io)?;
        let missing_pipe = || io(std::io::ErrorKind::BrokenPipe.into());
        let orders = child.stdin.take().ok_or_else(missing_pipe)?;
        let answers = child.stdout.take().ok_or_else(missing_pipe)?;
        let mut keeper = Keeper {
            part,
            folder,
            port: 0,
            child,
            orders: Some(orders),
            answers: BufReader::new(answers),
        };
        keeper.answer("prepare its folder")?;
        keeper.start_on_a_free_port()?;
        Ok(keeper)
    }

    /// The loopback port the server listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Gives the server `order` (a word of its script) and waits for the answer.
    pub(crate) fn order(&mut self, order: &str) -> Result<(), Error> {
        let part = self.part;
        let line = format!("{order} {}\n", self.port);
        match &mut self.orders {
            Some(orders) => orders
                .write_all(line.as_bytes())
                .and_then(|()| orders.flush())
                .map_err(|source| Error::Io { part, source })?,
            None => return Err(self.failed(order)),
        }
        self.answer(order)
    }

    /// Between our finding a port free and the server's taking it somebody else
    /// may; then another one is tried.
    fn start_on_a_free_port(&mut self) -> Result<(), Error> {
        let mut attempt = 1;
        loop {
            self.port = free_port().map_err(|source| Error::Io {
                part: self.part,
                source,
            })?;
            match self.order("start") {
                Err(Error::Failed { .. }) if attempt < PORT_ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn answer(&mut self, action: &str) -> Result<(), Error> {
        let mut line = String::new();
        let part = self.part;
        self.answers
            .read_line(&mut line)
            .map_err(|source| Error::Io { part, source })?;
        if line.trim() == "ok" {
            Ok(())
        } else {
            Err(self.failed(action))
        }
    }

    fn failed(&self, action: &str) -> Error {
        Error::Failed {
            part: self.part,
            action: action.to_owned(),
            log: last_lines(&self.folder.join("log")),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Waiting keeps the promise that a dropped server is gone; a keeper
        // that cannot be waited for cleans up all the same.
        let _gone = self.child.wait();
    }
}

/// A port nobody listens on, below the range the kernel hands to outgoing
/// connections: a server that is stopped and started again finds it still free.
fn free_port() -> std::io::Result<u16> {
    let mut tries = 0;
    loop {
        let random = RandomState::new().hash_one(tries);
        let port = 20_000 + (random % 12_000) as u16;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_released) => return Ok(port),
            Err(error) if tries >= 100 => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

fn is_root() -> bool {
    // The owner of our own process entry; asking libc would need unsafe code.
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// User and group number of a user of this machine.
fn ids_of(user: &str) -> Option<(u32, u32)> {
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = table
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&user))?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// The end of a log, enough to see why a server gave up.
fn last_lines(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
