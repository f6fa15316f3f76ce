//! From packets to samples: one interface over Symphonia's decoders and the Opus one. Knows no container and no time.

use ruopus::OpusDecoder;
use symphonia::core::audio::{Audio as _, Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known,
};
use symphonia::core::packet::Packet;

use super::error::DecodeError;
use super::open::guarded;

/// The rate that Opus is decoded at, whatever was recorded, in Hz.
const OPUS_RATE: u32 = 48_000;
/// The shortest and the fixed part of an Opus header, in bytes.
const OPUS_HEAD_BYTES: usize = 19;

/// Samples of an AAC packet.
const AAC_PACKET: i64 = 1_024;
/// How many AAC packets one decoder is used for: 1.5 s at 44.1 kHz.
const AAC_PACKETS_A_START: i64 = 64;

/// A decoder of one stream.
pub(super) struct Codec {
    engine: Engine,
    /// What to make the same decoder anew from.
    params: AudioCodecParameters,
    /// The codec's name.
    pub(super) name: &'static str,
    /// Samples a second and channel, in Hz.
    pub(super) rate: u32,
    /// 1 or 2.
    pub(super) channels: usize,
    /// Samples that the encoder put before the first one, where the codec's own header says so.
    pub(super) pre_skip: u32,
}

enum Engine {
    Symphonia(Box<dyn AudioDecoder>),
    Opus { decoder: Box<OpusDecoder>, gain: f32 },
}

/// Samples of a packet, a vector a channel.
pub(super) type Planes = Vec<Vec<i16>>;

impl Codec {
    /// Chooses the decoder.
    pub(super) fn new(params: &AudioCodecParameters) -> Result<Self, DecodeError> {
        let stated = params.channels.as_ref().map_or(0, Channels::count);
        if stated > 2 {
            return Err(DecodeError::Channels(stated));
        }
        if params.codec == well_known::CODEC_ID_OPUS {
            return Self::opus(params.extra_data.as_deref().unwrap_or_default());
        }
        let name = name(params.codec);
        let unsupported = || DecodeError::Unsupported { codec: name.to_owned() };
        let params = aac_core(params).unwrap_or_else(|| params.clone());
        // The trimming at both ends is the decoder's of this module: it knows which figures to trust.
        let options = AudioDecoderOptions::default().gapless(false);
        let registry = symphonia::default::get_codecs();
        let engine = guarded(|| registry.make_audio_decoder(&params, &options)).map_err(|_| unsupported())?;
        let actual = engine.codec_params();
        let rate = actual.sample_rate.or(params.sample_rate).ok_or_else(unsupported)?;
        let channels = actual.channels.as_ref().or(params.channels.as_ref()).map_or(0, Channels::count);
        if !(1..=2).contains(&channels) {
            return Err(DecodeError::Channels(channels));
        }
        if !(4_000..=192_000).contains(&rate) || !rate.is_multiple_of(25) {
            return Err(DecodeError::SampleRate(rate));
        }
        Ok(Self { engine: Engine::Symphonia(engine), params, name, rate, channels, pre_skip: 0 })
    }

    fn opus(head: &[u8]) -> Result<Self, DecodeError> {
        let field = |at: usize| head.get(at..at + 2).map_or([0; 2], |bytes| [bytes[0], bytes[1]]);
        if head.len() < OPUS_HEAD_BYTES {
            return Err(DecodeError::Damaged { from_ms: 0, reason: "the Opus header is cut off" });
        }
        let (channels, family) = (usize::from(head[9]), head[18]);
        if !(1..=2).contains(&channels) {
            return Err(DecodeError::Channels(channels));
        }
        if family != 0 {
            return Err(DecodeError::Unsupported { codec: format!("Opus with channel mapping {family}") });
        }
        let gain_db = f32::from(i16::from_le_bytes(field(16))) / 256.0;
        let engine = Engine::Opus { decoder: Box::new(OpusDecoder::new(channels)), gain: 10f32.powf(gain_db / 20.0) };
        let pre_skip = u32::from(u16::from_le_bytes(field(10)));
        let params = AudioCodecParameters::default();
        Ok(Self { engine, params, name: "Opus", rate: OPUS_RATE, channels, pre_skip })
    }

    /// Forgets what was decoded: the next packet does not follow the last one.
    pub(super) fn reset(&mut self) {
        if self.name == "AAC" {
            // A reset keeps the noise generator's state.
            self.start();
            return;
        }
        match &mut self.engine {
            Engine::Symphonia(decoder) => decoder.reset(),
            Engine::Opus { decoder, .. } => **decoder = OpusDecoder::new(self.channels),
        }
    }

    /// AAC fills bands with noise whose generator runs on for as long as the decoder lives. Where this is true of the
    /// samples since the first packet, the decoder starts anew, so that no part of a recording depends on all before it.
    pub(super) fn starts_anew(&self, since_first: i64) -> bool {
        self.name == "AAC" && since_first.rem_euclid(AAC_PACKETS_A_START * AAC_PACKET) == 0
    }

    /// Starts anew, with the packet before the next one as run-up.
    pub(super) fn start_anew(&mut self, before: &Packet) {
        self.start();
        self.decode(before);
    }

    fn start(&mut self) {
        if let Ok(fresh) = Self::new(&self.params) {
            *self = fresh;
        }
    }

    /// The samples of a packet. None: it can't be decoded.
    pub(super) fn decode(&mut self, packet: &Packet) -> Option<Planes> {
        if self.is_pcm_16() {
            return Some(pcm_16(&packet.data, self.channels));
        }
        match &mut self.engine {
            Engine::Symphonia(decoder) => {
                let decoded = guarded(|| Ok(planes(&decoder.decode(packet)?)));
                decoded.ok()?.filter(|planes| planes.len() == self.channels)
            }
            Engine::Opus { decoder, gain } => {
                let samples = guarded(|| Ok(decoder.decode_packet(&packet.data))).ok()?.ok()?;
                let plane = |channel| {
                    samples.iter().skip(channel).step_by(self.channels).map(|sample| to_i16(sample * *gain)).collect()
                };
                Some((0..self.channels).map(plane).collect())
            }
        }
    }

    /// Whether its packets are samples as they are wanted.
    fn is_pcm_16(&self) -> bool {
        let params = &self.params;
        params.codec == well_known::CODEC_ID_PCM_S16LE && params.bits_per_coded_sample.is_none_or(|bits| bits == 16)
    }

    /// How many samples have to be decoded and dropped before a place, so that what comes from there on is what an
    /// undivided decode gives. The figures are measured: see the table in the module's documentation.
    pub(super) fn pre_roll(&self) -> u64 {
        match self.name {
            "MP3" => 12 * 1_152,
            "AAC" => ((AAC_PACKETS_A_START + 2) * AAC_PACKET).unsigned_abs(),
            "Vorbis" => 2 * 8_192,
            "Opus" => 4 * u64::from(OPUS_RATE),
            _ => 0,
        }
    }
}

/// Takes channels apart. Symphonia calls a function for every sample, which is as much work as finding its utterances.
fn pcm_16(data: &[u8], channels: usize) -> Planes {
    let samples = data.as_chunks::<2>().0;
    let frames = samples.len() / channels;
    let plane = |channel: usize| samples.iter().skip(channel).step_by(channels).take(frames);
    (0..channels).map(|channel| plane(channel).map(|sample| i16::from_le_bytes(*sample)).collect()).collect()
}

/// Float samples are rounded, whole ones cut: each becomes the sample that it was made from.
fn planes(buffer: &GenericAudioBufferRef<'_>) -> Option<Planes> {
    let mut planes = Vec::new();
    if let GenericAudioBufferRef::F32(buffer) = buffer {
        for plane in buffer.iter_planes() {
            planes.push(plane.iter().map(|sample| to_i16(*sample)).collect());
        }
    } else {
        buffer.copy_to_vecs_planar::<i16>(&mut planes);
    }
    let first: &Vec<i16> = planes.first()?;
    planes.iter().all(|plane| plane.len() == first.len()).then_some(planes)
}

/// Full scale is 1. What is no number becomes silence.
fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// AAC of the high-efficiency kinds is plain AAC at half the rate, with instructions to guess the rest of the spectrum.
/// Speech lies in the plain half: the header is replaced by one that asks for no more.
fn aac_core(params: &AudioCodecParameters) -> Option<AudioCodecParameters> {
    if params.codec != well_known::CODEC_ID_AAC {
        return None;
    }
    let mut core = params.clone();
    core.extra_data = Some(aac_core_header(params.extra_data.as_deref()?)?.into());
    Some(core)
}

/// The header of the plain part, two bytes. None: it is written or coded in another way.
fn aac_core_header(header: &[u8]) -> Option<[u8; 2]> {
    let start = header.iter().chain([0; 4].iter()).take(4).fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte));
    let bits = |from: u32, count: u32| (start >> (32 - from - count)) & ((1 << count) - 1);
    let (kind, rate, channels) = (bits(0, 5), bits(5, 4), bits(9, 4));
    let (kind, short_frames) = match kind {
        // A second rate, then the kind of the plain part.
        5 | 29 if bits(13, 4) != 15 => (bits(17, 5), bits(22, 1)),
        kind => (kind, bits(13, 1)),
    };
    let plain = kind == 2 && rate < 13 && (1..=2).contains(&channels) && short_frames == 0;
    plain.then(|| ((2u16 << 11) | ((rate as u16) << 7) | ((channels as u16) << 3)).to_be_bytes())
}

/// The name of a codec, for people.
fn name(codec: AudioCodecId) -> &'static str {
    use well_known::*;
    match codec {
        CODEC_ID_PCM_S16LE | CODEC_ID_PCM_S16BE => "PCM, 16 bit",
        CODEC_ID_PCM_S24LE | CODEC_ID_PCM_S24BE => "PCM, 24 bit",
        CODEC_ID_PCM_S32LE | CODEC_ID_PCM_S32BE => "PCM, 32 bit",
        CODEC_ID_PCM_U8 | CODEC_ID_PCM_S8 => "PCM, 8 bit",
        CODEC_ID_PCM_F32LE | CODEC_ID_PCM_F32BE => "PCM, 32 bit float",
        CODEC_ID_PCM_F64LE | CODEC_ID_PCM_F64BE => "PCM, 64 bit float",
        CODEC_ID_PCM_ALAW => "A-law",
        CODEC_ID_PCM_MULAW => "mu-law",
        CODEC_ID_VORBIS => "Vorbis",
        CODEC_ID_OPUS => "Opus",
        CODEC_ID_MP3 => "MP3",
        CODEC_ID_AAC => "AAC",
        CODEC_ID_FLAC => "FLAC",
        CODEC_ID_MP1 | CODEC_ID_MP2 => "MPEG audio other than MP3",
        CODEC_ID_ALAC => "Apple Lossless (ALAC)",
        CODEC_ID_AC3 | CODEC_ID_EAC3 | CODEC_ID_AC4 => "Dolby Digital",
        CODEC_ID_DCA => "DTS",
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_WMA => "Windows Media (WMA)",
        CODEC_ID_ADPCM_MS | CODEC_ID_ADPCM_IMA_WAV | CODEC_ID_ADPCM_IMA_QT => "ADPCM",
        CODEC_ID_ADPCM_G722 => "G.722",
        CODEC_ID_ADPCM_G726 | CODEC_ID_ADPCM_G726LE => "G.726",
        _ => "a codec that is not known here",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_efficiency_aac_is_asked_for_its_plain_part() {
        let check = |header: &[u8], expected: Option<[u8; 2]>| {
            assert_eq!(aac_core_header(header), expected, "{header:02x?}");
        };
        // Plain, 44.1 kHz, stereo; the same with a trailing extension; 16 kHz, mono.
        check(&[0x12, 0x10], Some([0x12, 0x10]));
        check(&[0x12, 0x10, 0x56, 0xe5, 0x00], Some([0x12, 0x10]));
        check(&[0x14, 0x08], Some([0x14, 0x08]));
        // HE-AAC: 22.05 kHz, told as 44.1; HE-AAC v2: the plain part is mono.
        check(&[0x2b, 0x92, 0x08, 0x00], Some([0x13, 0x90]));
        check(&[0xeb, 0x8a, 0x08, 0x00], Some([0x13, 0x88]));
        // 960 samples a frame; the low-delay kind; six channels; nothing.
        check(&[0x12, 0x14], None);
        check(&[0xba, 0x10], None);
        check(&[0x12, 0x30], None);
        check(&[], None);
    }

    #[test]
    fn an_opus_header_says_gain_and_run_up() {
        let head = |channels: u8, family: u8| {
            let mut head = b"OpusHead\x01".to_vec();
            head.extend([channels, 0x38, 0x01, 0x80, 0xbb, 0, 0, 0x00, 0xfa, family]);
            head
        };
        let codec = Codec::opus(&head(2, 0)).unwrap();
        assert_eq!((codec.channels, codec.rate, codec.pre_skip), (2, 48_000, 312));
        let Engine::Opus { gain, .. } = codec.engine else { panic!("Opus is Opus") };
        assert!((gain - 0.501).abs() < 0.001, "-6 dB are half: {gain}");
        for (head, expected) in [
            (head(6, 1), "6 channels are not supported: send one channel, or two with a speaker on each"),
            (head(0, 0), "0 channels are not supported: send one channel, or two with a speaker on each"),
            (
                b"OpusHead".to_vec(),
                "the recording is damaged from 0 ms on (the Opus header is cut off): send it again, or go on with what was read",
            ),
        ] {
            assert_eq!(Codec::opus(&head).err().unwrap().to_string(), expected);
        }
        assert!(Codec::opus(&head(2, 255)).err().unwrap().to_string().contains("Opus with channel mapping 255"));
    }

    #[test]
    fn samples_are_rounded_and_kept_in_range() {
        for (sample, expected) in
            [(0.0, 0), (1.0, 32_767), (-1.0, -32_768), (7.0, 32_767), (f32::NAN, 0), (0.6 / 32_768.0, 1)]
        {
            assert_eq!(to_i16(sample), expected, "{sample}");
        }
    }
}
