//! From bytes to a demuxer and a decoder: finds out what a recording is, or says what it is instead.

use std::io::{self, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error as DemuxError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::codec::Codec;
use super::error::DecodeError;
use super::mp4::{self, Mp4};
use super::sniff::{self, HEAD_BYTES, Looks};
use super::source::{Source, Watch, Watched};
use super::timeline::{Container, Timeline};
use super::wav;

/// A recording that is ready to be read.
pub(super) struct Opened {
    pub(super) demuxer: Box<dyn FormatReader>,
    pub(super) watch: Arc<Watch>,
    /// Bytes that are to be read.
    pub(super) length: u64,
    /// The demuxer's number of the track that is heard.
    pub(super) track: u32,
    pub(super) container: Container,
    pub(super) codec: Codec,
    pub(super) timeline: Timeline,
    pub(super) stated_ms: Option<u64>,
    /// The track's first packet, which was read to know where the recording starts.
    pub(super) first: Packet,
}

/// Opens a recording of `length` bytes.
pub(super) fn open(mut source: Box<dyn Source>, length: u64) -> Result<Opened, DecodeError> {
    let head = head(source.as_mut(), length).map_err(DecodeError::Source)?;
    if head.is_empty() {
        return Err(DecodeError::Empty);
    }
    refuse_by_looks(&head)?;
    let wav = wav::header(source.as_mut(), length).map_err(DecodeError::Source)?.unwrap_or_default();
    if let Some(codec) = wav.unsupported {
        return Err(DecodeError::Unsupported { codec });
    }
    let mp4 = mp4::read(source.as_mut(), length).map_err(DecodeError::Source)?;
    if mp4.as_ref().is_some_and(|mp4| !mp4.has_index) {
        let reason = "its index is missing, as it is written last: the file is not complete";
        return Err(DecodeError::Damaged { from_ms: 0, reason });
    }

    let length = wav.end.unwrap_or(length);
    let watch = Arc::new(Watch::default());
    source.seek(SeekFrom::Start(0)).map_err(DecodeError::Source)?;
    let bytes = MediaSourceStream::new(
        Box::new(Watched::new(source, length, wav.patches, Arc::clone(&watch))),
        Default::default(),
    );
    let mut demuxer = match probe(bytes) {
        Ok(demuxer) => demuxer,
        Err(error) => return Err(failure(&watch).unwrap_or_else(|| unreadable(&head, &error))),
    };
    let container = Container::from_name(demuxer.format_info().short_name).ok_or_else(not_known)?;
    let (track, params) = audio_track(demuxer.as_ref(), container, mp4.as_ref(), &head)?;
    let mut codec = Codec::new(&params)?;
    let first = first_packet(demuxer.as_mut(), track.id, &watch)?;
    let edit = mp4.and_then(|mp4| mp4.tracks.into_iter().find(|entry| entry.id == track.id)?.edit);
    let mut timeline = Timeline::new(container, &track, &codec, edit, &first).ok_or_else(not_known)?;
    timeline.end = wav.samples.or(timeline.end);
    if container == Container::Matroska && codec.name == "Vorbis" {
        let samples = codec.decode(&first).and_then(|planes| planes.first().map(Vec::len)).unwrap_or(0);
        timeline.shift_first(samples, codec.rate);
        codec.reset();
    }
    let stated_ms = stated_ms(demuxer.as_ref(), &track, &timeline, codec.rate);
    Ok(Opened { demuxer, watch, length, track: track.id, container, codec, timeline, stated_ms, first })
}

/// Finds the demuxer.
pub(super) fn probe(bytes: MediaSourceStream<'static>) -> Result<Box<dyn FormatReader>, DemuxError> {
    let (formats, tags) = (FormatOptions::default(), MetadataOptions::default());
    guarded(|| symphonia::default::get_probe().probe(&Hint::new(), bytes, formats, tags))
}

/// The WAV demuxer multiplies what a damaged header says without a look, in two places (48,000 damaged files found no
/// more): where arithmetic is checked, that is a panic. It ends the recording, not the process.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, DemuxError>) -> Result<T, DemuxError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(DemuxError::DecodeError("a number that is out of range")))
}

/// The first packet of a track.
pub(super) fn first_packet(demuxer: &mut dyn FormatReader, track: u32, watch: &Watch) -> Result<Packet, DecodeError> {
    loop {
        let result = guarded(|| demuxer.next_packet());
        if let Some(error) = failure(watch) {
            return Err(error);
        }
        match result {
            Ok(Some(packet)) if packet.track_id == track => return Ok(packet),
            Ok(Some(_)) => {}
            Ok(None) => return Err(DecodeError::Empty),
            Err(_) => return Err(DecodeError::Damaged { from_ms: 0, reason: "it ends before any sound" }),
        }
    }
}

/// A read that failed, whatever the demuxer made of it.
pub(super) fn failure(watch: &Watch) -> Option<DecodeError> {
    watch.take_failure().map(DecodeError::Source)
}

fn head(source: &mut dyn Source, length: u64) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD_BYTES.min(usize::try_from(length).unwrap_or(HEAD_BYTES))];
    source.seek(SeekFrom::Start(0))?;
    source.read_exact(&mut head)?;
    Ok(head)
}

fn refuse_by_looks(head: &[u8]) -> Result<(), DecodeError> {
    match sniff::looks(head) {
        Some(Looks::Like(looks_like)) => Err(DecodeError::NotAudio { looks_like }),
        Some(Looks::Unsupported(codec)) => Err(DecodeError::Unsupported { codec: codec.to_owned() }),
        None => Ok(()),
    }
}

/// Why no demuxer takes the file: it begins like a recording and is damaged, or it is none.
fn unreadable(head: &[u8], error: &DemuxError) -> DecodeError {
    if !sniff::begins_like_a_recording(head) {
        return not_known();
    }
    let reason = match error {
        DemuxError::IoError(_) => "it ends within its header",
        _ => "its header can't be read",
    };
    DecodeError::Damaged { from_ms: 0, reason }
}

fn not_known() -> DecodeError {
    DecodeError::NotAudio { looks_like: "a file of unknown kind" }
}

/// The track to be heard: the one that the file calls its default, else its first of sound.
fn audio_track(
    demuxer: &dyn FormatReader,
    container: Container,
    mp4: Option<&Mp4>,
    head: &[u8],
) -> Result<(Track, AudioCodecParameters), DecodeError> {
    let track = demuxer.default_track(TrackType::Audio).or_else(|| demuxer.first_track(TrackType::Audio));
    if let Some(track) = track
        && let Some(CodecParameters::Audio(params)) = &track.codec_params
    {
        return Ok((track.clone(), params.clone()));
    }
    if let Some(sound) = mp4.and_then(|mp4| mp4.tracks.iter().find(|track| track.is_sound)) {
        let letters = String::from_utf8_lossy(&sound.codec).trim().to_owned();
        return Err(DecodeError::Unsupported { codec: format!("MP4 codec '{}'", letters.escape_default()) });
    }
    if container == Container::Ogg && head.get(28..36) == Some(b"Speex   ".as_slice()) {
        return Err(DecodeError::Unsupported { codec: "Speex".to_owned() });
    }
    Err(DecodeError::NoSound { container: container.name() })
}

fn stated_ms(demuxer: &dyn FormatReader, track: &Track, timeline: &Timeline, rate: u32) -> Option<u64> {
    if let Some(samples) = timeline.end.or(track.num_frames).filter(|samples| *samples > 0) {
        return samples.checked_mul(1_000).map(|scaled| scaled / u64::from(rate));
    }
    let media = demuxer.media_info();
    let duration = media.duration.filter(|duration| duration.get() > 0)?;
    u64::try_from(media.time_base?.calc_duration(duration)?.as_millis()).ok()
}
