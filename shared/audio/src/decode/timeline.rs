//! Where a packet's samples belong: from the container's clock, with its roundings and run-ups, to sample positions that
//! count from the first sample that is to be heard. Decodes nothing.

use symphonia::core::formats::Track;
use symphonia::core::packet::Packet;

use super::codec::Codec;

/// The containers that differ in how they tell time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Wav,
    Mp3,
    Aac,
    Mp4,
    Flac,
    Ogg,
    Matroska,
}

impl Container {
    /// By the demuxer's short name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "wave" => Self::Wav,
            "mp3" => Self::Mp3,
            "aac" => Self::Aac,
            "isomp4" => Self::Mp4,
            "flac" => Self::Flac,
            "ogg" => Self::Ogg,
            "matroska" => Self::Matroska,
            _ => return None,
        })
    }

    /// How much is read before a place, in seconds, because the positions right after a jump are doubtful: those of the
    /// first Ogg page, and those of the Matroska cluster that an index points into.
    pub(super) fn pre_roll_s(self) -> u64 {
        match self {
            Self::Ogg => 3,
            Self::Matroska => 6,
            _ => 0,
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wav => "WAV",
            Self::Mp3 => "MP3",
            Self::Aac => "AAC",
            Self::Mp4 => "MP4",
            Self::Flac => "FLAC",
            Self::Ogg => "Ogg",
            Self::Matroska => "WebM",
        }
    }
}

/// What LAME and its likes put before the first sample, where the file does not say: 1,105 samples.
const MP3_RUN_UP: i64 = 1_105;
/// The first AAC packet only starts the decoder, in any file: 1,024 samples.
const AAC_RUN_UP: i64 = 1_024;

/// Positions of a track's packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline {
    /// Samples a tick, as a fraction.
    samples: i128,
    ticks: i128,
    /// Ticks of the first packet.
    first: i64,
    /// Position of the first packet: negative by the run-up.
    start: i64,
    /// By how much a clock in milliseconds puts everything off, in samples: it rounded the run-up.
    bias: i64,
    /// Packets lie on multiples of this many samples from the first one.
    step: i64,
    /// Where the recording ends, in samples, where the container says so to the sample.
    pub(super) end: Option<u64>,
}

impl Timeline {
    /// `edit` is an MP4 file's edit list: the part that is to be played, in ticks. `None` if the clock makes no sense.
    pub(super) fn new(
        container: Container,
        track: &Track,
        codec: &Codec,
        edit: Option<(u64, Option<u64>)>,
        first_packet: &Packet,
    ) -> Option<Self> {
        let clock = track.time_base?;
        let first = first_packet.pts.get();
        let mut timeline = Self {
            samples: i128::from(clock.numer.get()) * i128::from(codec.rate),
            ticks: i128::from(clock.denom.get()),
            first,
            start: 0,
            bias: 0,
            step: 1,
            end: None,
        };
        let trimmed = i64::try_from(first_packet.trim_start.get()).ok()?;
        timeline.start = match container {
            Container::Mp3 if track.delay.is_some() => first.min(0),
            Container::Mp3 => -MP3_RUN_UP,
            Container::Ogg | Container::Matroska if codec.name == "Opus" => -i64::from(codec.pre_skip),
            Container::Ogg => -trimmed,
            Container::Mp4 if let Some((skip, _)) = edit => {
                let skip = i64::try_from(skip).unwrap_or(i64::MAX);
                timeline.scale(first.saturating_sub(skip)).min(0)
            }
            _ if codec.name == "AAC" => -AAC_RUN_UP,
            _ => 0,
        };
        if container == Container::Matroska {
            timeline.step = matroska_step(codec.name);
        }
        timeline.end = timeline.stated_end(container, track, codec, edit);
        Some(timeline)
    }

    /// Position of the first sample of a packet; negative within the run-up.
    pub(super) fn position(&self, ticks: i64) -> i64 {
        let distance = self.scale(ticks.saturating_sub(self.first)).saturating_sub(self.bias);
        let steps = distance.saturating_add(self.step / 2).div_euclid(self.step);
        self.start.saturating_add(steps.saturating_mul(self.step))
    }

    /// Samples of run-up and after, from the first packet on.
    pub(super) fn since_first(&self, position: i64) -> i64 {
        position.saturating_sub(self.start)
    }

    /// Ticks of a position: what to ask the demuxer for.
    pub(super) fn ticks(&self, position: i64) -> i64 {
        let distance = i128::from(position.saturating_sub(self.start)) * self.ticks / self.samples.max(1);
        self.first.saturating_add(i64::try_from(distance).unwrap_or(i64::MAX))
    }

    /// The first packet of a Vorbis stream only starts the decoder. Ogg says so; Matroska gives it the time of the second.
    pub(super) fn shift_first(&mut self, samples: usize, rate: u32) {
        let samples = i64::try_from(samples).unwrap_or(0);
        let rate = i64::from(rate);
        self.start = self.start.saturating_sub(samples);
        self.bias = (samples * 1_000 + rate / 2) / rate * rate / 1_000 - samples;
    }

    fn scale(&self, ticks: i64) -> i64 {
        let doubled = i128::from(ticks) * self.samples * 2 + self.ticks;
        i64::try_from(doubled.div_euclid((self.ticks * 2).max(1))).unwrap_or(i64::MAX)
    }

    fn stated_end(
        &self,
        container: Container,
        track: &Track,
        codec: &Codec,
        edit: Option<(u64, Option<u64>)>,
    ) -> Option<u64> {
        match container {
            Container::Wav | Container::Flac => track.num_frames.filter(|samples| *samples > 0),
            // Only an encoder that tells its run-up counted the samples; else the figure is a guess from the bitrate.
            Container::Mp3 => track.num_frames.filter(|_| track.delay.is_some()),
            Container::Ogg => track.num_frames?.checked_sub(u64::from(codec.pre_skip)),
            Container::Mp4 => {
                let ticks = track.duration?.get();
                if ticks == 0 {
                    return None;
                }
                let (skip, keep) = edit.unwrap_or_default();
                let media = ticks.saturating_sub(skip);
                let kept = keep.map_or(media, |keep| keep.min(media));
                u64::try_from(self.scale(i64::try_from(kept).ok()?)).ok()
            }
            Container::Aac | Container::Matroska => None,
        }
    }
}

/// Matroska's clock ticks in milliseconds; packets are whole frames of the codec.
fn matroska_step(codec: &str) -> i64 {
    match codec {
        "Opus" => 120,
        "AAC" => 1_024,
        "MP3" => 576,
        // A quarter of the short block that every encoder uses.
        "Vorbis" => 64,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_milliseconds_loses_no_sample() {
        let opus = Timeline { samples: 48_000, ticks: 1_000, first: -6, start: -312, bias: 0, step: 120, end: None };
        // A packet every 20 ms, its time cut to the millisecond after 6.5 ms were taken off.
        for (ticks, expected) in [(-6, -312), (13, 648), (14, 648), (33, 1_608), (5_994, 287_688), (5_993, 287_688)] {
            assert_eq!(opus.position(ticks), expected, "{ticks}");
        }
        assert_eq!(opus.position(opus.ticks(287_688)), 287_688);
    }

    #[test]
    fn clocks_of_any_size_are_survived() {
        let odd =
            Timeline { samples: 192_000, ticks: 1, first: i64::MIN, start: i64::MIN, bias: 0, step: 1, end: None };
        for ticks in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert!(odd.position(i64::MIN) <= odd.position(ticks), "{ticks}");
            assert!(odd.ticks(i64::MIN) <= odd.ticks(ticks), "{ticks}");
        }
    }
}
