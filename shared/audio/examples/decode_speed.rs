//! How fast recordings are decoded and cut into utterances, and what planning and seeking cost: `cargo run --release -p
//! callboard-audio --features decode --example decode_speed -- [--mono] FILE…` prints a line a file. Speeds are media time
//! by processor time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use callboard_audio::decode::{DecodeError, Decoder};
use callboard_audio::recorded::{Event, Options, plan, sections};

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

/// Processor time of this thread, in seconds.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|number| number.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// Runs it: what it gives, and its processor time in seconds.
fn timed<T>(
    work: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>,
) -> Result<(T, f64), Box<dyn std::error::Error>> {
    let start = cpu_s();
    let given = work()?;
    Ok((given, cpu_s() - start))
}

fn measure(path: &str, mono: bool) -> Result<String, Box<dyn std::error::Error>> {
    let read = Arc::new(AtomicU64::new(0));
    let mut decoder = open(path, &read)?;
    let info = decoder.info();
    let (samples, decode_s) = timed(|| Ok(run(&mut decoder, u64::MAX)?))?;
    let media_s = samples as f64 / f64::from(info.sample_rate);

    read.store(0, Ordering::Relaxed);
    let (_, seek_s) = timed(|| {
        let mut late = open(path, &read)?;
        late.seek(samples / 10 * 9)?;
        Ok(run(&mut late, 1)?)
    })?;
    let seek_kib = read.swap(0, Ordering::Relaxed) / 1_024;

    let (plan, plan_s) = timed(|| Ok(plan(&mut open(path, &read)?)?))?;
    let plan_kib = read.load(Ordering::Relaxed) / 1_024;
    let (mut spoken_s, mut utterances) = (0.0, 0);
    let (_, chain_s) = timed(|| {
        let mut decoder = open(path, &read)?;
        for event in sections(&mut decoder, &plan, 0..plan.sections, Options { mono, audio: false })? {
            if let Event::Utterance { spoken, .. } = event? {
                utterances += 1;
                spoken_s += (spoken.end_ms - spoken.start_ms) as f64 / 1_000.0;
            }
        }
        Ok(())
    })?;
    let heard = if mono { 1.0 } else { f64::from(info.channels) };
    Ok(format!(
        "{path}: {} {} {} Hz x{}, {media_s:.1} s; decoded {:.0} times real time, to utterances {:.0} ({utterances}, speech {:.0} % of a channel); plan {:.1} ms and {plan_kib} KiB, open and seek to 90 % {:.1} ms and {seek_kib} KiB, peak {} MiB",
        info.container,
        info.codec,
        info.sample_rate,
        info.channels,
        media_s / decode_s,
        media_s / chain_s,
        spoken_s / media_s / heard * 100.0,
        plan_s * 1_000.0,
        seek_s * 1_000.0,
        peak_kib() / 1_024,
    ))
}

fn main() -> io::Result<()> {
    let (options, paths): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word == "--mono");
    for path in paths {
        let line = measure(&path, !options.is_empty()).unwrap_or_else(|error| format!("{path}: {error}"));
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}
