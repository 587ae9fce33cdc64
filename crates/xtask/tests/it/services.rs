//! The throwaway servers end with whoever started them.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use lotse_throwaway::{Part, leave_out};

/// A kept process that a failing test does not leave behind.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _gone = self.0.wait();
    }
}

#[test]
fn servers_end_and_leave_nothing_when_their_owner_is_killed() {
    for part in Part::ALL {
        if part.programs().is_none() {
            return leave_out(part);
        }
    }
    let temporary = tempfile::tempdir().expect("a folder");
    // When we are root the servers run as other users: open to all, like /tmp.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    std::fs::set_permissions(temporary.path(), open).expect("an open folder");
    let mut owner = Kept(
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("services")
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("xtask runs"),
    );
    let output = owner.0.stdout.take().expect("a pipe");
    let addresses: Vec<String> = BufReader::new(output)
        .lines()
        .map(|line| line.expect("text"))
        .take_while(|line| line.starts_with("export "))
        .map(|line| address(&line).expect("an address in the URL"))
        .collect();
    assert_eq!(addresses.len(), 2);
    for address in &addresses {
        TcpStream::connect(address).expect("the server listens");
    }
    assert_eq!(folders(&temporary).len(), 2);

    owner.0.kill().expect("killed");
    owner.0.wait().expect("gone");

    wait_until(|| {
        addresses
            .iter()
            .all(|address| TcpStream::connect(address).is_err())
    });
    wait_until(|| folders(&temporary).is_empty());
}

/// `127.0.0.1:5432` of `export NAME=postgres://user@127.0.0.1:5432/postgres`.
fn address(line: &str) -> Option<String> {
    let (_, after) = line.split_once("://")?;
    let (authority, _) = after.split_once('/')?;
    Some(authority.rsplit('@').next()?.to_owned())
}

fn folders(temporary: &tempfile::TempDir) -> Vec<PathBuf> {
    std::fs::read_dir(temporary.path())
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Looks until it holds, some ten seconds at most.
fn wait_until(holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    panic!("still not after ten seconds");
}
