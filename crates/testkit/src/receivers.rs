//! Receivers of notices: real HTTP and SMTP servers, each a process of its own, that fail, hang and
//! refuse as they are told. Their scripts stand in `receivers/` and need nothing but python3; they
//! share no code with what sends to them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const HTTP: &str = include_str!("../receivers/http.py");
const SMTP: &str = include_str!("../receivers/smtp.py");
/// For `receiver.test`, with its key.
const CERTIFICATE: &str = include_str!("../receivers/server.pem");

/// The authority, in PEM, that vouches for receivers that speak TLS: they are `receiver.test`.
pub const RECEIVERS_AUTHORITY: &str = include_str!("../receivers/ca.pem");

/// A server on a loopback port that is gone with this value, or with this process.
pub struct Receiver {
    child: Child,
    port: u16,
    log: PathBuf,
    _folder: TempDir,
}

impl Receiver {
    /// A receiver of HTTP calls, which checks signatures by `secret` unless that is empty.
    /// `receivers/http.py` says how it behaves by path.
    pub fn http(secret: &str) -> Receiver {
        Receiver::start(HTTP, &[secret], false)
    }

    /// The same, over TLS.
    pub fn https(secret: &str) -> Receiver {
        Receiver::start(HTTP, &[secret], true)
    }

    /// A mail server. `receivers/smtp.py` says what `mode` may be.
    pub fn smtp(mode: &str) -> Receiver {
        Receiver::start(SMTP, &[mode], mode.contains("tls"))
    }

    fn start(script: &str, arguments: &[&str], secure: bool) -> Receiver {
        match Receiver::try_start(script, arguments, secure) {
            Ok(receiver) => receiver,
            Err(error) => panic!(
                "cannot start a receiver: {error}; it needs python3, which is installed with: \
                 sudo apt-get install -y python3"
            ),
        }
    }

    fn try_start(script: &str, arguments: &[&str], secure: bool) -> std::io::Result<Receiver> {
        let folder = tempfile::Builder::new()
            .prefix("lotse-receiver-")
            .tempdir()?;
        let file = |name: &str, content: &str| -> std::io::Result<PathBuf> {
            let path = folder.path().join(name);
            std::fs::File::create(&path)?.write_all(content.as_bytes())?;
            Ok(path)
        };
        let (script, log) = (file("receiver.py", script)?, file("log", "")?);
        let mut command = Command::new("python3");
        command.arg(script).arg(&log).args(arguments);
        if secure {
            command.arg(file("certificate.pem", CERTIFICATE)?);
        }
        // Its standard input ends when this process does, however that happens.
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let port = line.trim().parse().map_err(std::io::Error::other)?;
        Ok(Receiver {
            child,
            port,
            log,
            _folder: folder,
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a path, by address.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it got, in order: JSON, one text each.
    pub fn received(&self) -> Vec<String> {
        lines(&self.log)
    }
}

fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // A line that is being written has no end yet.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().map(str::to_owned).collect()
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
