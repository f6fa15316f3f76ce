//! Recordings: the demo call with its true turns, calls put together from its turns, silence and noise.

use std::{fs::File, io::BufReader, path::Path};

use serde::Deserialize;

use crate::project;

/// What was said where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Turn {
    /// Index of the channel.
    pub channel: usize,
    /// `agent` or `customer`.
    pub speaker: String,
    /// The words.
    pub text: String,
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

/// Samples of 16 bit, one row a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Samples a second.
    pub rate: u32,
    /// One row a channel, all of one length.
    pub channels: Vec<Vec<i16>>,
    /// What is said in it.
    pub turns: Vec<Turn>,
}

/// The demo call.
pub fn demo() -> Recording {
    #[derive(Deserialize)]
    struct Truth {
        turns: Vec<Turn>,
    }
    let folder = project().join("dashboard/demo");
    let truth = File::open(folder.join("demo_call.json")).unwrap();
    let truth: Truth = serde_json::from_reader(BufReader::new(truth)).unwrap();
    Recording { turns: truth.turns, ..Recording::read(&folder.join("demo_call.wav")) }
}

/// Another call: these turns of the demo call, cut out and put one behind the other with a second of silence between.
pub fn rearranged(turns: &[usize]) -> Recording {
    rearranged_of(&demo(), turns)
}

/// The same of a demo call that is at hand.
pub fn rearranged_of(demo: &Recording, turns: &[usize]) -> Recording {
    let pause = vec![0; demo.samples(1_000)];
    let mut call = Recording { rate: demo.rate, channels: vec![pause.clone(); 2], turns: Vec::new() };
    for turn in turns.iter().map(|turn| &demo.turns[*turn]) {
        let spoken = demo.cut(turn.channel, turn.start_ms, turn.end_ms);
        let start_ms = call.duration_ms();
        for (channel, row) in call.channels.iter_mut().enumerate() {
            if channel == turn.channel {
                row.extend(&spoken);
            } else {
                row.resize(row.len() + spoken.len(), 0);
            }
        }
        let end_ms = call.duration_ms();
        call.turns.push(Turn { start_ms, end_ms, ..turn.clone() });
        call.channels.iter_mut().for_each(|row| row.extend(&pause));
    }
    call
}

/// Mono of 16 kHz, every sample from its number.
pub fn generated(duration_ms: u64, mut sample: impl FnMut(usize) -> f64) -> Recording {
    let count = usize::try_from(duration_ms * 16).unwrap();
    let row = (0..count).map(|at| (sample(at) * f64::from(i16::MAX)) as i16).collect();
    Recording { rate: 16_000, channels: vec![row], turns: Vec::new() }
}

impl Recording {
    /// A WAV file of 16 bit.
    pub fn read(path: &Path) -> Self {
        let reader = hound::WavReader::open(path).unwrap();
        let spec = reader.spec();
        let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
        let count = usize::from(spec.channels);
        let row = |channel: usize| samples.iter().skip(channel).step_by(count).copied().collect();
        Self { rate: spec.sample_rate, channels: (0..count).map(row).collect(), turns: Vec::new() }
    }

    /// Writes it as a WAV file.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.wav()).unwrap();
    }

    /// It as the bytes of a WAV file.
    pub fn wav(&self) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: u16::try_from(self.channels.len()).unwrap(),
            sample_rate: self.rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        self.interleaved(0, self.channels[0].len()).into_iter().for_each(|value| writer.write_sample(value).unwrap());
        writer.finalize().unwrap();
        file.into_inner()
    }

    /// One channel of it, with that channel's turns.
    pub fn channel(&self, channel: usize) -> Self {
        let turns = self.turns.iter().filter(|turn| turn.channel == channel);
        let turns = turns.map(|turn| Turn { channel: 0, ..turn.clone() }).collect();
        Self { rate: self.rate, channels: vec![self.channels[channel].clone()], turns }
    }

    /// It at half its sample rate.
    pub fn halved(&self) -> Self {
        let half = |row: &Vec<i16>| row.chunks_exact(2).map(|pair| pair[0].midpoint(pair[1])).collect();
        Self { rate: self.rate / 2, channels: self.channels.iter().map(half).collect(), turns: self.turns.clone() }
    }

    /// Its length.
    pub fn duration_ms(&self) -> u64 {
        self.channels[0].len() as u64 * 1_000 / u64::from(self.rate)
    }

    /// A stretch of one channel.
    pub fn cut(&self, channel: usize, start_ms: u64, end_ms: u64) -> Vec<i16> {
        self.channels[channel][self.samples(start_ms)..self.samples(end_ms)].to_vec()
    }

    /// It as frames of PCM s16le; the last is filled up with silence.
    pub fn frames(&self, frame_ms: u64) -> Vec<Vec<u8>> {
        let step = self.samples(frame_ms);
        let starts = (0..self.channels[0].len()).step_by(step);
        starts
            .map(|start| {
                let mut frame: Vec<u8> =
                    self.interleaved(start, start + step).into_iter().flat_map(i16::to_le_bytes).collect();
                frame.resize(step * self.channels.len() * 2, 0);
                frame
            })
            .collect()
    }

    fn samples(&self, ms: u64) -> usize {
        usize::try_from(ms * u64::from(self.rate) / 1_000).unwrap()
    }

    fn interleaved(&self, from: usize, to: usize) -> Vec<i16> {
        let to = to.min(self.channels[0].len());
        (from..to).flat_map(|at| self.channels.iter().map(move |row| row[at])).collect()
    }
}
