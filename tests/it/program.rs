//! The real program, as whoever starts it meets it.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use lotse_client::Target;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::clients::Clients;

/// Longer than any start or end takes, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A run of the program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
    _home: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// All of standard error.
    pub(crate) log: String,
}

impl Program {
    /// Starts `lotse` in a fresh folder, with none of this process's own settings.
    pub(crate) fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("log");
        let own = std::env::vars_os().map(|(name, _)| name);
        let settings = own.filter(|name| name.to_string_lossy().starts_with("LOTSE"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_lotse-under-test"));
        settings.for_each(|name| {
            command.env_remove(name);
        });
        let mut child = command
            .args(arguments)
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            said,
            log,
            _home: home,
        }
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// The next line on standard output.
    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(SOON, self.said.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("it says nothing; its log:\n{}", self.log()));
        line.unwrap()
            .unwrap_or_else(|| panic!("it ended; its log:\n{}", self.log()))
    }

    /// Asks it to end, as an orchestrator does.
    pub(crate) async fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap();
        assert!(sent.success());
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) -> Ended {
        self.ended_within(SOON).await
    }

    /// Waits for its end, of a run that takes its time.
    pub(crate) async fn ended_within(mut self, patience: Duration) -> Ended {
        let status = tokio::time::timeout(patience, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it does not end:\n{}", self.log()));
        Ended {
            status: status.unwrap(),
            log: self.log(),
        }
    }
}

/// A `lotse up` that is ready.
pub(crate) struct Up {
    pub(crate) program: Program,
    pub(crate) clients: Clients,
}

impl Up {
    /// Starts it on ports nobody uses.
    pub(crate) async fn start(folder: &Path, more: &[&str]) -> Self {
        let mut program = Program::start(up_arguments(folder, more));
        let mut grpc = None;
        loop {
            let line = program.line().await;
            if let Some(address) = line.strip_prefix("grpc") {
                grpc = Some(address.trim().to_owned());
            }
            if line == "ready" {
                break;
            }
        }
        Self {
            program,
            clients: clients_at(&grpc.unwrap()),
        }
    }
}

/// The arguments of `lotse up` on ports nobody uses.
pub(crate) fn up_arguments(folder: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments = vec!["up".to_owned(), "--data-dir".to_owned()];
    arguments.push(folder.display().to_string());
    for port in ["--grpc", "--http", "--public-http"] {
        arguments.extend([port.to_owned(), "127.0.0.1:0".to_owned()]);
    }
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    arguments
}

pub(crate) fn clients_at(address: &str) -> Clients {
    let target = Target::new(format!("http://{address}"));
    Clients::of(&lotse_client::connect(&target).unwrap())
}

/// What `grpc.health.v1` answers for `service` at `address`.
pub(crate) async fn health(address: &str, service: &str) -> Result<ServingStatus, tonic::Status> {
    let channel = lotse_client::connect(&Target::new(format!("http://{address}"))).unwrap();
    let request = HealthCheckRequest {
        service: service.into(),
    };
    let response = HealthClient::new(channel).check(request).await?;
    Ok(response.into_inner().status())
}

/// An address on loopback that is free now: `serve` does not say which port it took.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().to_string()
}
