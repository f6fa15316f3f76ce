//! How fast recordings are decoded, and what a seek costs: `cargo run --release -p callboard-audio --example decode_speed
//! -- FILE…` prints a line a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use callboard_audio::decode::{DecodeError, Decoder};

/// A file that counts what is read of it.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn open(path: &str, read: &Arc<AtomicU64>) -> Result<Decoder, Box<dyn std::error::Error>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(Decoder::open(Box::new(Counted { file, read: Arc::clone(read) }), length)?)
}

/// Decodes what is left, or a stretch of it; the samples.
fn run(decoder: &mut Decoder, most: u64) -> Result<u64, DecodeError> {
    let mut samples = 0;
    while samples < most
        && let Some(block) = decoder.next()?
    {
        samples += block.samples() as u64;
    }
    Ok(samples)
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn measure(path: &str) -> Result<String, Box<dyn std::error::Error>> {
    let read = Arc::new(AtomicU64::new(0));
    let mut decoder = open(path, &read)?;
    let info = decoder.info();
    let rate = f64::from(info.sample_rate);
    let start = Instant::now();
    let samples = run(&mut decoder, u64::MAX)?;
    let seconds = start.elapsed().as_secs_f64();

    read.store(0, Ordering::Relaxed);
    let start = Instant::now();
    let mut late = open(path, &read)?;
    late.seek(samples / 10 * 9)?;
    run(&mut late, 1)?;
    Ok(format!(
        "{path}: {} {} {} Hz x{}, {:.1} s, {:.0} times real time, open and seek to 90 %: {:.1} ms and {} KiB read, peak {} MiB",
        info.container,
        info.codec,
        info.sample_rate,
        info.channels,
        samples as f64 / rate,
        samples as f64 / rate / seconds,
        start.elapsed().as_secs_f64() * 1_000.0,
        read.load(Ordering::Relaxed) / 1_024,
        peak_kib() / 1_024,
    ))
}

fn main() -> io::Result<()> {
    for path in std::env::args().skip(1) {
        let line = measure(&path).unwrap_or_else(|error| format!("{path}: {error}"));
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}
