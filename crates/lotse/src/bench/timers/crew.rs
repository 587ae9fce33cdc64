//! Worker processes, what they say, and what they cost.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lotse_clock::BusinessClock;
use lotse_supervise::Supervisor;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// Longer than a process takes to start, on a busy machine too.
const START: Duration = Duration::from_secs(60);

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It works from now on.
    Ready,
    /// It had the effect of a row, so many milliseconds after it was due; `again` when somebody
    /// had claimed the row before.
    Effect { row: u64, late: i64, again: bool },
    /// It was handed a row whose effect was there already.
    Again,
    /// It has work in hand and takes no further step.
    Holding,
    /// Something else, to be read by who knows.
    Other(String),
}

impl Said {
    fn read(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["ready"] => Self::Ready,
            ["holding"] => Self::Holding,
            ["again", _] => Self::Again,
            [row, late, again] => match (row.parse(), late.parse()) {
                (Ok(row), Ok(late)) => Self::Effect {
                    row,
                    late,
                    again: again == "1",
                },
                _ => Self::Other(line.to_owned()),
            },
            _ => Self::Other(line.to_owned()),
        }
    }
}

/// Some workers. Dropping them kills them.
pub(super) struct Crew {
    members: Vec<Member>,
    said: mpsc::UnboundedReceiver<(usize, Said)>,
    supervisor: Supervisor,
}

struct Member {
    child: Child,
    pid: u32,
    /// CPU seconds when it was ready.
    before: f64,
    /// CPU seconds when it was killed.
    at_its_end: Option<f64>,
}

impl Crew {
    /// Starts one process for each command and waits until all are ready.
    pub(super) async fn start(commands: Vec<Command>) -> Result<Self> {
        let supervisor = Supervisor::new(BusinessClock::system());
        let (tell, said) = mpsc::unbounded_channel();
        let mut members = Vec::new();
        for (index, mut command) in commands.into_iter().enumerate() {
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .with_context(|| format!("cannot start {:?}", command.as_std().get_program()))?;
            let out = child.stdout.take().context("a worker without output")?;
            let tell = tell.clone();
            supervisor.spawn_task(format!("worker {index}"), async move {
                let mut lines = BufReader::new(out).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if tell.send((index, Said::read(&line))).is_err() {
                        return;
                    }
                }
            });
            members.push(Member {
                pid: child.id().context("a worker that has ended")?,
                child,
                before: 0.0,
                at_its_end: None,
            });
        }
        // From here on the readers alone hold the other end.
        drop(tell);
        let mut crew = Self {
            members,
            said,
            supervisor,
        };
        let ready = async {
            for _ in 0..crew.members.len() {
                match crew.said.recv().await {
                    Some((index, Said::Ready)) => {
                        let member = &mut crew.members[index];
                        member.before = cpu_seconds(member.pid);
                    }
                    other => bail!("a worker said {other:?} before it was ready"),
                }
            }
            Ok(())
        };
        tokio::time::timeout(START, ready)
            .await
            .context("a worker does not start; what it says stands above")??;
        Ok(crew)
    }

    /// The next thing that one says; `None` after `patience`.
    pub(super) async fn next(&mut self, patience: Duration) -> Option<Said> {
        let next = tokio::time::timeout(patience, self.said.recv()).await;
        next.ok().flatten().map(|(_, said)| said)
    }

    /// kill -9 for one of them.
    pub(super) async fn kill(&mut self, member: usize) -> Result<()> {
        let member = &mut self.members[member];
        member.at_its_end = Some(cpu_seconds(member.pid));
        member.child.kill().await.context("cannot kill a worker")
    }

    /// CPU seconds of all of them since they were ready, user and system.
    pub(super) fn cpu_seconds(&self) -> f64 {
        let spent = |member: &Member| {
            let now = member.at_its_end.unwrap_or_else(|| cpu_seconds(member.pid));
            (now - member.before).max(0.0)
        };
        self.members.iter().map(spent).sum()
    }

    /// Tells all of them to end, waits, and returns what they still said.
    pub(super) async fn end(self) -> Vec<Said> {
        let Self {
            members,
            mut said,
            supervisor,
        } = self;
        for mut member in members {
            drop(member.child.stdin.take());
            if member.at_its_end.is_none() {
                // One that does not go is killed when it is dropped.
                tokio::time::timeout(Duration::from_secs(20), member.child.wait())
                    .await
                    .ok();
            }
        }
        let mut rest = Vec::new();
        let last = async {
            // Ends when the last reader has come to the end of its worker's output.
            while let Some((_, word)) = said.recv().await {
                rest.push(word);
            }
        };
        tokio::time::timeout(Duration::from_secs(5), last)
            .await
            .ok();
        supervisor.shutdown(Duration::from_secs(5)).await.ok();
        rest
    }
}

/// CPU seconds of a process so far (`/proc/PID/stat`, proc(5): ticks of 10 ms on every Linux); zero
/// where there is no such thing.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may have spaces; behind it user time is the 12th field, system the 13th.
    let behind_the_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = behind_the_name.split_whitespace().collect();
    let ticks = |field: usize| {
        let ticks = fields
            .get(field)
            .and_then(|ticks| ticks.parse::<f64>().ok());
        ticks.unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_meant() {
        let effect = Said::Effect {
            row: 12,
            late: -1,
            again: true,
        };
        assert_eq!(Said::read("12 -1 1"), effect);
        assert_eq!(Said::read("again 12"), Said::Again);
        assert_eq!(Said::read("holding"), Said::Holding);
        assert_eq!(Said::read("lag 1 2 3"), Said::Other("lag 1 2 3".to_owned()));
    }
}
