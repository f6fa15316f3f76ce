//! `callboard stream`: plays a recording as a live call, or listens to devices, and shows what comes back.
//!
//! Here stand the options and what they mean. The outbox of `callboard-audio` decides what is sent, `view` what is
//! known, `source` when a frame is due; `session` is the loop between them and the socket.

mod capture;
mod frames;
mod recording;
mod report;
mod session;
mod source;
pub(crate) mod summary;
mod view;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use callboard_audio::{Encoding, Format};
use callboard_domain::{CallId, PlaybookId};
use callboard_wire::connection::{self, channels_text};

use crate::{
    failure::Unusable,
    stack::{Stack, StackArgs},
};
use capture::{Capture, Wanted};
use frames::Frames;
use recording::{Recording, RecordingError};
use source::{Pace, Source};

/// Most audio on its way without an acknowledgement, where the source can wait.
const WINDOW: Duration = Duration::from_secs(30);
/// The same at the speaker's own pace: a speaker does not wait while a connection is mended.
const LIVE_WINDOW: Duration = Duration::from_secs(600);
/// Longest frame of PCM and mu-law, where nothing else is asked for, in milliseconds.
const PLAIN_FRAME_MS: u64 = 80;
/// The same of Opus, whose frames end early where speech pauses.
const OPUS_FRAME_MS: u64 = 1_000;

/// Play a recording, or what is spoken into this machine, as a live call and show what comes back
#[derive(clap::Args)]
pub(crate) struct StreamArgs {
    /// WAV file: PCM, mono or stereo, 8 to 48 kHz
    #[arg(required_unless_present_any = ["mic", "speaker", "list_devices"])]
    file: Option<PathBuf>,
    /// Listen to a microphone instead, as the agent; to the usual one, or one whose name has this in it
    #[arg(long, value_name = "NAME", num_args = 0..=1, conflicts_with = "file")]
    mic: Option<Option<String>>,
    /// Listen to what this machine plays, as the customer; to the usual output, or one whose name has this in it
    #[arg(long, value_name = "NAME", num_args = 0..=1, conflicts_with = "file")]
    speaker: Option<Option<String>>,
    /// Show the devices that can be listened to
    #[arg(long)]
    list_devices: bool,
    #[command(flatten)]
    stack: StackArgs,
    /// Id of the call, a ULID; a new one if left out
    #[arg(long, value_parser = |text: &str| CallId::parse(text))]
    call: Option<CallId>,
    /// Playbook that the call is held against; sales if left out
    #[arg(long, value_parser = |text: &str| PlaybookId::parse(text))]
    playbook: Option<PlaybookId>,
    /// Encoding of the frames: pcm_s16le, mulaw (8 kHz) or opus (16 kbit/s); pcm_s16le for a file, opus for devices
    #[arg(long, value_parser = parse_encoding)]
    encoding: Option<Encoding>,
    /// 1 is the speaker's own pace, N is so many times that, max is as fast as the stack acknowledges
    #[arg(long, default_value = "1")]
    pace: Pace,
    /// Longest frame in milliseconds, 80, or 1000 for opus; shorter where a message could not carry it
    #[arg(long, value_parser = clap::value_parser!(u64).range(20..=1_000))]
    frame_ms: Option<u64>,
    /// Who speaks on each channel; agent for mono and --mic, agent,customer for stereo
    #[arg(long)]
    channels: Option<String>,
    /// Sample rate in Hz that the file must have
    #[arg(long)]
    sample_rate: Option<u32>,
    /// Seconds to keep trying after the connection was lost
    #[arg(long, default_value_t = 120)]
    give_up: u64,
    /// Print each pushed message on a line of its own, as it came, and a summary at the end
    #[arg(long)]
    json: bool,
}

/// What is streamed where.
struct Plan {
    stack: Stack,
    call: CallId,
    parameters: Vec<(&'static str, String)>,
    source: Source,
    audio_ms: u64,
    window: usize,
    live: bool,
    give_up: Duration,
    json: bool,
}

/// Streams a recording; returns once the call has ended and its notes are in.
///
/// # Errors
/// `Unusable` for a file or option that cannot be used; anything else for a call that did not get through.
pub(crate) async fn run(args: StreamArgs) -> anyhow::Result<()> {
    if args.list_devices {
        let devices = capture::list().await.map_err(|error| Unusable(error.to_string()))?;
        io::stdout().write_all(devices.as_bytes())?;
        return Ok(());
    }
    session::run(plan(args).await?).await
}

pub(crate) fn parse_encoding(text: &str) -> Result<Encoding, String> {
    Encoding::parse(text).ok_or_else(|| "use pcm_s16le, mulaw or opus".to_owned())
}

impl StreamArgs {
    /// The devices that are asked for; none for a file.
    fn devices(&self) -> Vec<Wanted> {
        let mic = self.mic.clone().map(Wanted::Microphone);
        mic.into_iter().chain(self.speaker.clone().map(Wanted::Speaker)).collect()
    }

    fn encoding(&self) -> Encoding {
        let usual = if self.file.is_some() { Encoding::PcmS16le } else { Encoding::Opus };
        self.encoding.unwrap_or(usual)
    }

    fn frame_ms(&self) -> u64 {
        self.frame_ms.unwrap_or(if self.encoding() == Encoding::Opus { OPUS_FRAME_MS } else { PLAIN_FRAME_MS })
    }

    /// Who speaks where, if nobody says.
    fn usual_channels(&self, format: Format) -> &'static str {
        match (format.channels, self.mic.is_none() && self.speaker.is_some()) {
            (1, true) => "customer",
            (1, false) => "agent",
            _ => "agent,customer",
        }
    }

    /// The call as it is captured, in this format.
    fn parameters(&self, call: &CallId, format: Format, what: &str) -> Result<connection::Capture, Unusable> {
        let rate = format.sample_rate.to_string();
        let channels = self.channels.as_deref().unwrap_or_else(|| self.usual_channels(format));
        let capture = connection::Capture::from_query(|name| match name {
            "call" => Some(call.as_str()),
            "encoding" => Some(format.encoding.as_str()),
            "sample_rate" => Some(&rate),
            "channels" => Some(channels),
            "playbook" => self.playbook.as_ref().map(PlaybookId::as_str),
            _ => None,
        })
        .map_err(|error| Unusable(error.to_string()))?;
        if capture.channels.len() != usize::from(format.channels) {
            return Err(Unusable(format!(
                "{what} has {} channel(s), and --channels {channels} names {}: name one for each",
                format.channels,
                capture.channels.len()
            )));
        }
        Ok(capture)
    }

    /// What is spoken, how long it is in milliseconds, and what it is, for people.
    async fn source(&self) -> anyhow::Result<(Source, Format, u64, String)> {
        let (encoding, frame_ms) = (self.encoding(), self.frame_ms());
        let Some(file) = &self.file else {
            let wanted = self.devices();
            let format = Format { encoding, sample_rate: encoding.default_rate(), channels: wanted.len() as u8 };
            let capture = Capture::open(&wanted, format, frame_ms).await;
            let capture = capture.map_err(|error| Unusable(error.to_string()))?;
            return Ok((Source::devices(capture, format, frame_ms), format, 0, "what is listened to".to_owned()));
        };
        let frames = self.frames(file, encoding, frame_ms)?;
        let (format, audio_ms) = (frames.format(), frames.duration_ms());
        Ok((Source::recording(frames, self.pace, frame_ms), format, audio_ms, file.display().to_string()))
    }

    fn frames(&self, file: &Path, encoding: Encoding, frame_ms: u64) -> Result<Frames, Unusable> {
        let recording = Recording::open(file).map_err(|error: RecordingError| Unusable(error.to_string()))?;
        let found = recording.format().sample_rate;
        if let Some(rate) = self.sample_rate.filter(|rate| *rate != found) {
            return Err(Unusable(format!(
                "{} has {found} Hz, not the {rate} Hz of --sample-rate: leave the option out, or convert the file",
                file.display(),
            )));
        }
        Frames::new(recording, encoding, frame_ms)
            .ok_or_else(|| Unusable(format!("{} cannot be sent as {}", file.display(), encoding.as_str())))
    }
}

async fn plan(args: StreamArgs) -> anyhow::Result<Plan> {
    let call = args.call.clone().unwrap_or_else(new_call);
    let (source, format, audio_ms, what) = args.source().await?;
    let capture = args.parameters(&call, format, &what)?;
    let parameters = vec![
        ("role", "capture".to_owned()),
        ("call", call.to_string()),
        ("encoding", format.encoding.as_str().to_owned()),
        ("sample_rate", format.sample_rate.to_string()),
        ("channels", channels_text(&capture.channels)),
        ("playbook", capture.playbook.to_string()),
    ];
    let live = args.file.is_none() || args.pace == Pace::Times(1.0);
    Ok(Plan {
        stack: args.stack.resolve()?,
        call,
        parameters,
        audio_ms,
        window: source.frames_in(if live { LIVE_WINDOW } else { WINDOW }),
        source,
        live,
        give_up: Duration::from_secs(args.give_up),
        json: args.json,
    })
}

fn new_call() -> CallId {
    let text = ulid::Ulid::generate().to_string();
    match CallId::parse(&text) {
        Ok(call) => call,
        Err(error) => unreachable!("a fresh ULID is a call id: {error}"),
    }
}
