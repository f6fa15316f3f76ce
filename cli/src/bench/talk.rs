//! Talk to measure with: the demo call, over and over, with pauses in which it is as quiet as a telephone line.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use callboard_audio::{
    decode::Decoder,
    recorded::{self, Event, Options},
};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

/// How loud the pauses are: about 70 dB below the loudest.
const NOISE: i16 = 8;

/// A stretch of talk that can be written over and over.
pub(crate) struct Talk {
    spec: WavSpec,
    /// Interleaved.
    samples: Vec<i16>,
    /// Share of its time in which somebody speaks, as the voice detector hears it.
    pub share: f64,
}

/// Where the demo call is.
pub(crate) fn demo(project: &Path) -> PathBuf {
    project.join("dashboard/demo/demo_call.wav")
}

/// So many samples of a telephone line on which nobody speaks. Any sequence without a period that the ear or a codec would
/// find will do.
pub(crate) fn quiet(count: usize) -> impl Iterator<Item = i16> {
    (0..count as u64).map(|at| {
        let mixed = (at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        i16::try_from((mixed >> 33) % (2 * NOISE as u64 + 1)).unwrap_or_default() - NOISE
    })
}

impl Talk {
    /// The demo call, with as much of a pause behind it as makes this share of speech; none where it has less as it is.
    ///
    /// # Errors
    /// The demo call cannot be read.
    pub(crate) fn new(demo: &Path, stereo: bool, share: f64) -> anyhow::Result<Self> {
        let mut talk = Self::read(demo, stereo).with_context(|| format!("{} cannot be read", demo.display()))?;
        let spoken_ms = talk.spoken_ms()?;
        let missing_ms = (spoken_ms as f64 / share - talk.duration_ms() as f64).max(0.0);
        let pause = missing_ms as usize * talk.spec.sample_rate as usize / 1_000 * usize::from(talk.spec.channels);
        talk.samples.extend(quiet(pause));
        talk.share = talk.spoken_ms()? as f64 / talk.duration_ms() as f64;
        Ok(talk)
    }

    fn read(demo: &Path, stereo: bool) -> anyhow::Result<Self> {
        let reader = WavReader::new(BufReader::new(File::open(demo)?))?;
        let spec = reader.spec();
        let mut samples = reader.into_samples::<i16>().collect::<Result<Vec<_>, _>>()?;
        anyhow::ensure!(spec.channels == 2 && !samples.is_empty(), "it is not the demo call");
        if !stereo {
            samples = samples.chunks_exact(2).map(|pair| pair[0].saturating_add(pair[1])).collect();
        }
        let channels = if stereo { 2 } else { 1 };
        Ok(Self { spec: WavSpec { channels, ..spec }, samples, share: 0.0 })
    }

    /// Whether both sides have channels of their own.
    pub(crate) fn is_stereo(&self) -> bool {
        self.spec.channels == 2
    }

    /// Its length in milliseconds.
    pub(crate) fn duration_ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / u64::from(self.spec.channels) / u64::from(self.spec.sample_rate)
    }

    /// How long somebody speaks, all channels together, by what the recordings function would hear.
    fn spoken_ms(&self) -> anyhow::Result<u64> {
        let mut file = std::io::Cursor::new(Vec::new());
        self.write_to(&mut file, self.duration_ms())?;
        let length = file.get_ref().len() as u64;
        file.set_position(0);
        let mut decoder = Decoder::open(Box::new(file), length)?;
        let plan = recorded::plan(&mut decoder)?;
        let mut spoken_ms = 0;
        for event in recorded::sections(&mut decoder, &plan, 0..plan.sections, Options::default())? {
            if let Event::Utterance { spoken, .. } = event? {
                spoken_ms += spoken.end_ms - spoken.start_ms;
            }
        }
        Ok(spoken_ms)
    }

    /// Writes a WAV file of this length.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self, path: &Path, duration_ms: u64) -> anyhow::Result<()> {
        let cannot = || format!("{} cannot be written", path.display());
        let file = BufWriter::new(File::create(path).with_context(cannot)?);
        self.write_to(file, duration_ms).with_context(cannot)
    }

    fn write_to(&self, file: impl std::io::Write + std::io::Seek, duration_ms: u64) -> anyhow::Result<()> {
        let spec = WavSpec { bits_per_sample: 16, sample_format: SampleFormat::Int, ..self.spec };
        let count = duration_ms * u64::from(spec.sample_rate) / 1_000 * u64::from(spec.channels);
        let mut writer = WavWriter::new(file, spec)?;
        let count = usize::try_from(count).context("too long")?;
        self.samples.iter().cycle().take(count).try_for_each(|sample| writer.write_sample(*sample))?;
        Ok(writer.finalize()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_as_much_speech_as_was_asked_for() {
        let demo = demo(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref());
        for (stereo, share) in [(false, 0.45), (true, 0.45), (true, 0.2)] {
            let talk = Talk::new(&demo, stereo, share).unwrap();
            assert!((talk.share - share).abs() < 0.03, "{stereo}: {} and not {share}", talk.share);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        Talk::new(&demo, true, 0.45).unwrap().write(&path, 90_000).unwrap();
        assert_eq!(WavReader::open(&path).unwrap().duration(), 90 * 16_000);
    }
}
