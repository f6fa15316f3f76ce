//! `callboard stream`: plays a recording as a live call and shows what comes back.
//!
//! Here stand the options and what they mean. The outbox of `callboard-audio` decides what is sent, `view` what is
//! known, `source` when a frame is due; `session` is the loop between them and the socket.

mod recording;
mod report;
mod session;
mod source;
pub(crate) mod summary;
mod view;

use std::{path::PathBuf, time::Duration};

use callboard_domain::{CallId, PlaybookId};
use callboard_wire::connection::{Capture, channels_text};

use crate::{
    failure::Unusable,
    stack::{Stack, StackArgs},
};
use recording::{Recording, RecordingError};
use source::{Pace, Source};

/// Most audio on its way without an acknowledgement, where the source can wait.
const WINDOW: Duration = Duration::from_secs(30);
/// The same at the speaker's own pace: a speaker does not wait while a connection is mended.
const LIVE_WINDOW: Duration = Duration::from_secs(600);

/// Play a recording as a live call and show what comes back
#[derive(clap::Args)]
pub(crate) struct StreamArgs {
    /// WAV file: PCM, mono or stereo, 8 to 48 kHz
    file: PathBuf,
    #[command(flatten)]
    stack: StackArgs,
    /// Id of the call, a ULID; a new one if left out
    #[arg(long, value_parser = |text: &str| CallId::parse(text))]
    call: Option<CallId>,
    /// Playbook that the call is held against; sales if left out
    #[arg(long, value_parser = |text: &str| PlaybookId::parse(text))]
    playbook: Option<PlaybookId>,
    /// Encoding of the frames
    #[arg(long, default_value = "pcm_s16le", value_parser = ["pcm_s16le"])]
    encoding: String,
    /// 1 is the speaker's own pace, N is so many times that, max is as fast as the stack acknowledges
    #[arg(long, default_value = "1")]
    pace: Pace,
    /// Length of a frame in milliseconds; shorter where a message could not carry it
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u64).range(20..=1_000))]
    frame_ms: u64,
    /// Who speaks on each channel of the file; agent for mono, agent,customer for stereo
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
    session::run(plan(args)?).await
}

fn plan(args: StreamArgs) -> anyhow::Result<Plan> {
    let unusable = |error: RecordingError| Unusable(error.to_string());
    let recording = Recording::open(&args.file).map_err(unusable)?;
    let format = recording.format();
    if let Some(rate) = args.sample_rate.filter(|rate| *rate != format.sample_rate) {
        return Err(Unusable(format!(
            "{} has {} Hz, not the {rate} Hz of --sample-rate: leave the option out, or convert the file",
            args.file.display(),
            format.sample_rate
        ))
        .into());
    }
    let channels =
        args.channels.unwrap_or_else(|| if format.channels == 1 { "agent" } else { "agent,customer" }.into());
    let call = args.call.unwrap_or_else(new_call);
    let rate = format.sample_rate.to_string();
    let capture = Capture::from_query(|name| match name {
        "call" => Some(call.as_str()),
        "encoding" => Some(&args.encoding),
        "sample_rate" => Some(&rate),
        "channels" => Some(&channels),
        "playbook" => args.playbook.as_ref().map(PlaybookId::as_str),
        _ => None,
    })
    .map_err(|error| Unusable(error.to_string()))?;
    if capture.channels.len() != usize::from(format.channels) {
        return Err(Unusable(format!(
            "{} has {} channel(s), and --channels {channels} names {}: name one for each",
            args.file.display(),
            format.channels,
            capture.channels.len()
        ))
        .into());
    }
    let parameters = vec![
        ("role", "capture".to_owned()),
        ("call", call.to_string()),
        ("encoding", args.encoding),
        ("sample_rate", rate),
        ("channels", channels_text(&capture.channels)),
        ("playbook", capture.playbook.to_string()),
    ];
    let audio_ms = recording.duration_ms();
    let source = Source::new(recording, args.pace, args.frame_ms);
    let live = args.pace == Pace::Times(1.0);
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
