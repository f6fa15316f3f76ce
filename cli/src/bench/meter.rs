//! What a process used, as Linux counts it.

use std::{fs, path::PathBuf};

/// Ticks of the clock in which Linux counts a process' time, a second: the same on all its architectures that this runs on.
const TICKS: f64 = 100.0;

/// What a process used since it began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Used {
    /// Time of all its threads on processors, in seconds.
    pub cpu_s: f64,
    /// Most memory that it had at once, in MiB.
    pub peak_rss_mib: f64,
}

/// Of a process that runs; nothing where the system does not tell.
pub(crate) fn used(process: u32) -> Option<Used> {
    let read = |file: &str| fs::read_to_string(PathBuf::from(format!("/proc/{process}/{file}"))).ok();
    Some(Used { cpu_s: cpu_s(&read("stat")?)?, peak_rss_mib: peak_mib(&read("status")?)? })
}

/// Lets the peak of a process count from now on. Older systems keep the old one.
pub(crate) fn reset_peak(process: u32) {
    let _ = fs::write(format!("/proc/{process}/clear_refs"), "5");
}

fn cpu_s(stat: &str) -> Option<f64> {
    // The second field is the program's name, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

fn peak_mib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_are_read() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 4 0 100 1 1";
        assert_eq!(cpu_s(stat), Some(3.0));
        assert_eq!(cpu_s("7 (x"), None);
        assert_eq!(peak_mib("VmPeak:\t  9 kB\nVmHWM:\t  2048 kB\n"), Some(2.0));
        assert_eq!(peak_mib("VmPeak:\t  9 kB\n"), None);
    }
}
