//! Audio that is kept: minutes of a stretch of a call, each a WAV file that any player takes by itself.
//!
//! Samples and what of them must be silent come in, in any order to each other; minutes are asked for once all is known
//! that may silence them. Where they are stored, and what has to be silent, is decided elsewhere.

use std::collections::VecDeque;

use crate::wav;

/// Longest minute, in milliseconds.
pub const MINUTE_MS: u64 = 60_000;

/// What must not be heard: a stretch of one channel. Media time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// Index of the channel.
    pub channel: usize,
    /// Where it begins.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
}

/// A minute of a call, or less at its end. Media time in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMinute {
    /// Where it begins.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
    /// A WAV file: PCM, 16 bit, channels interleaved.
    pub bytes: Vec<u8>,
}

/// Cuts a stretch of a call into minutes from its beginning on. The same samples give the same minutes, however they
/// come in.
#[derive(Debug)]
pub struct Keeper {
    sample_rate: u32,
    channels: u8,
    from_ms: u64,
    /// Minutes that were handed out: all full ones but the last.
    handed_out: u64,
    /// Samples behind those, as they came: put together once, in their minute.
    held: VecDeque<Vec<i16>>,
    /// How many these are.
    count: usize,
    silenced: Vec<Silence>,
}

impl Keeper {
    /// For a stretch that begins at `from_ms` of media time. Samples come at `sample_rate` Hz: at most 16 kHz is worth
    /// its bytes.
    pub fn new(sample_rate: u32, channels: u8, from_ms: u64) -> Self {
        let channels = channels.max(1);
        Self { sample_rate, channels, from_ms, handed_out: 0, held: VecDeque::new(), count: 0, silenced: Vec::new() }
    }

    /// The next samples, interleaved.
    pub fn push(&mut self, interleaved: impl Into<Vec<i16>>) {
        let samples = interleaved.into();
        self.count += samples.len();
        self.held.push_back(samples);
    }

    /// What must not be heard. It counts for minutes that are handed out from now on, also where its samples are still
    /// to come.
    pub fn silence(&mut self, spans: impl IntoIterator<Item = Silence>) {
        self.silenced.extend(spans);
    }

    /// The next full minute, if it ends at `known_ms` or before: up to there, all is known that must be silent. Where
    /// nothing must be, `u64::MAX`.
    pub fn pop(&mut self, known_ms: u64) -> Option<KeptMinute> {
        let is_full = self.count >= self.minute_samples();
        (is_full && self.start_ms() + MINUTE_MS <= known_ms).then(|| self.hand_out(self.minute_samples()))
    }

    /// The stretch is over: the next of what is left of it; none once there is nothing. Ask until then.
    pub fn finish(&mut self) -> Option<KeptMinute> {
        let unit = usize::from(self.channels);
        let left = self.count.min(self.minute_samples()) / unit * unit;
        (left > 0).then(|| self.hand_out(left))
    }

    /// Samples of a minute, over all channels.
    fn minute_samples(&self) -> usize {
        (u64::from(self.sample_rate) * MINUTE_MS / 1_000) as usize * usize::from(self.channels)
    }

    fn start_ms(&self) -> u64 {
        self.from_ms + self.handed_out * MINUTE_MS
    }

    fn hand_out(&mut self, count: usize) -> KeptMinute {
        let from_ms = self.start_ms();
        let mut samples = self.take(count);
        let frames = (samples.len() / usize::from(self.channels)) as u64;
        // Rounded up: what is there is said to be there.
        let to_ms = from_ms + (frames * 1_000).div_ceil(u64::from(self.sample_rate));
        for silence in &self.silenced {
            self.apply(silence, from_ms, &mut samples);
        }
        self.silenced.retain(|silence| silence.to_ms > to_ms);
        self.handed_out += 1;
        KeptMinute { from_ms, to_ms, bytes: wav::file(self.sample_rate, self.channels, &samples) }
    }

    /// The first samples, of which there are so many at least.
    fn take(&mut self, count: usize) -> Vec<i16> {
        let mut samples = Vec::with_capacity(count);
        while let Some(mut first) = self.held.pop_front() {
            let missing = count - samples.len();
            if first.len() > missing {
                let rest = first.split_off(missing);
                self.held.push_front(rest);
            }
            samples.append(&mut first);
            if samples.len() == count {
                break;
            }
        }
        self.count -= samples.len();
        samples
    }

    fn apply(&self, silence: &Silence, from_ms: u64, samples: &mut [i16]) {
        let unit = usize::from(self.channels);
        let frames = samples.len() / unit;
        let rate = u64::from(self.sample_rate);
        let frame = |samples: u64| usize::try_from(samples).unwrap_or(usize::MAX).min(frames);
        let first = frame(silence.from_ms.saturating_sub(from_ms).saturating_mul(rate) / 1_000);
        let end = frame(silence.to_ms.saturating_sub(from_ms).saturating_mul(rate).div_ceil(1_000));
        for sample in samples.iter_mut().skip(silence.channel).step_by(unit).take(end).skip(first) {
            if silence.channel < unit {
                *sample = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 1_000;

    /// Samples of a keeper that was fed so many milliseconds of 7s, two channels, in blocks, and asked as it goes.
    fn kept(from_ms: u64, length_ms: usize, block: usize, silenced: &[Silence]) -> Vec<(u64, u64, Vec<i16>)> {
        let mut keeper = Keeper::new(RATE, 2, from_ms);
        keeper.silence(silenced.iter().copied());
        let mut minutes = Vec::new();
        for samples in vec![7; 2 * length_ms].chunks(2 * block) {
            keeper.push(samples);
            minutes.extend(std::iter::from_fn(|| keeper.pop(u64::MAX)));
        }
        minutes.extend(std::iter::from_fn(|| keeper.finish()));
        let read = |bytes: &[u8]| {
            let samples = bytes[wav::HEAD_BYTES..].as_chunks::<2>().0;
            samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
        };
        minutes.into_iter().map(|minute| (minute.from_ms, minute.to_ms, read(&minute.bytes))).collect()
    }

    #[track_caller]
    fn check(from_ms: u64, length_ms: usize, expected: &[(u64, u64)]) {
        for block in [1, 999, 60_000, 150_000] {
            let minutes = kept(from_ms, length_ms, block, &[]);
            let times: Vec<(u64, u64)> = minutes.iter().map(|(from, to, _)| (*from, *to)).collect();
            assert_eq!(times, expected, "{length_ms} ms in blocks of {block}");
            assert_eq!(minutes.iter().map(|(_, _, samples)| samples.len()).sum::<usize>(), 2 * length_ms);
        }
    }

    #[test]
    fn minutes_begin_where_the_stretch_does() {
        check(0, 0, &[]);
        check(0, 1, &[(0, 1)]);
        check(0, 60_000, &[(0, 60_000)]);
        check(301_250, 130_001, &[(301_250, 361_250), (361_250, 421_250), (421_250, 431_251)]);
    }

    #[test]
    fn what_must_not_be_heard_is_silent_in_its_channel() {
        let silenced = [
            Silence { channel: 1, from_ms: 59_990, to_ms: 60_010 },
            Silence { channel: 0, from_ms: 60_500, to_ms: u64::MAX },
            Silence { channel: 0, from_ms: 0, to_ms: 5 },
            Silence { channel: 2, from_ms: 0, to_ms: 70_000 },
        ];
        let minutes = kept(100, 70_000, 1_000, &silenced);
        let silent = |minute: usize, channel: usize| -> Vec<usize> {
            let samples = minutes[minute].2.iter().skip(channel).step_by(2);
            samples.enumerate().filter(|(_, sample)| **sample == 0).map(|(at, _)| at).collect()
        };
        assert_eq!(silent(0, 0), [] as [usize; 0]);
        assert_eq!(silent(0, 1), (59_890..59_910).collect::<Vec<_>>());
        assert_eq!(silent(1, 0), (400..10_000).collect::<Vec<_>>());
        assert_eq!(silent(1, 1), [] as [usize; 0]);
    }

    #[test]
    fn a_minute_waits_until_all_is_known_of_it() {
        let mut keeper = Keeper::new(RATE, 1, 500);
        keeper.push([7; 61_000]);
        assert_eq!(keeper.pop(60_499), None);
        keeper.silence([Silence { channel: 0, from_ms: 500, to_ms: 501 }]);
        let minute = keeper.pop(60_500).unwrap();
        assert_eq!(minute.bytes[wav::HEAD_BYTES..wav::HEAD_BYTES + 4], [0, 0, 7, 0]);
        assert_eq!(keeper.pop(u64::MAX), None);
        assert_eq!(keeper.finish().map(|minute| (minute.from_ms, minute.to_ms)), Some((60_500, 61_500)));
        assert_eq!(keeper.finish(), None);
    }
}
