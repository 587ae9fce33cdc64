//! Memory, CPU time and open files of this process, under the names Prometheus clients share.

use std::fmt::Write as _;
use std::fs;

/// Kernel ticks per second in `/proc`: fixed at 100 for user space (proc(5), sysconf(3)).
const TICKS: f64 = 100.0;

/// Appends what `/proc` tells; nothing on systems without it.
pub(crate) fn render(text: &mut String) {
    let resident = fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|s| resident_bytes(&s));
    if let Some(bytes) = resident {
        append(text, "process_resident_memory_bytes", "gauge", bytes as f64);
    }
    let cpu = fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|s| cpu_seconds(&s));
    if let Some(seconds) = cpu {
        append(text, "process_cpu_seconds_total", "counter", seconds);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        append(text, "process_open_fds", "gauge", files.count() as f64);
    }
}

fn append(text: &mut String, name: &str, kind: &str, value: f64) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}\n");
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the program's name in parentheses and may hold anything; count after it.
    // Then utime is the 12th and stime the 13th (proc_pid_stat(5)).
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read_even_when_the_program_has_a_strange_name() {
        assert_eq!(
            resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"),
            Some(2_097_152)
        );
        let stat = "1 (a) b) S 0 1 1 0 -1 4194560 100 200 0 0 150 50 0 0 20 0 1 0 5 0 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
    }
}
