//! What must hold of any bytes at all, wherever they come in: socket messages, records of the frame stream, stored
//! calls, and whatever a session is told in whatever order.
//!
//! Each function takes arbitrary bytes, panics when something does not hold, and says whether the bytes were taken for
//! what they should be. The test `fuzz` and the targets of `tests/fuzz` call them; where bytes come from is theirs.

use std::sync::LazyLock;

use callboard_adapters::live::Version;
use callboard_audio::{
    Checkpoint, Encoding, Format, Frame, FrameKey, Heard, Poll, Session, Utterance, opus, sequence::MAX_AHEAD,
    sequence::MAX_EARLY_BYTES,
};
use callboard_domain::{CallId, permissions::Role};
use callboard_transcribe::{
    call::{Batch, hear},
    state::CallState,
};
use callboard_wire::{
    connection::{AuthContext, Capture},
    messages::ClientMessage,
    record::{Event, Record},
    socket_event::{SocketContext, SocketEvent},
};

/// The demo call behind its WAV header: what a session hears, whatever the format it takes it for.
pub const SPEECH: &[u8] = include_bytes!("../../dashboard/demo/demo_call.wav").split_at(44).1;
/// Formats of sessions: encoding, rate and channels.
const FORMATS: [(Encoding, u32, u8); 9] = [
    (Encoding::PcmS16le, 8_000, 1),
    (Encoding::PcmS16le, 16_000, 1),
    (Encoding::PcmS16le, 16_000, 2),
    (Encoding::PcmS16le, 11_025, 2),
    (Encoding::PcmS16le, 44_100, 1),
    (Encoding::PcmS16le, 48_000, 2),
    (Encoding::Mulaw, 8_000, 2),
    (Encoding::Opus, 16_000, 1),
    (Encoding::Opus, 48_000, 2),
];
/// Numbers and times at which arithmetic breaks.
const EDGES: [i64; 12] = [
    0,
    1,
    -1,
    5_000_000,
    0x7FFF_FFFF,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
    1_795_255_201_000,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
];
/// Media time that a session is given at most, in milliseconds: most are short, for it is the voice detector that takes
/// long; some are as long as it takes to come to every limit.
const MEDIA_MS: [u64; 2] = [4_000, 50_000];

/// A message on the audio route; the first byte picks the connection that it comes over.
pub fn socket_message(bytes: &[u8]) -> bool {
    let Some((&connection, text)) = bytes.split_first() else { return false };
    // The gateway hands on text only.
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if let Ok(message) = serde_json::from_str::<ClientMessage>(text) {
        let again = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<ClientMessage>(&again).unwrap(), message);
    }
    let event = &CONNECTIONS[usize::from(connection) % CONNECTIONS.len()];
    match callboard_ingest::read(event, serde_json::from_str(text).ok()) {
        Ok(record) => {
            let audio = matches!(record.header.event, Event::Audio { .. } | Event::Unnumbered { .. });
            let length = record.payload.len();
            assert!(length <= text.len() && length <= Format::MAX_FRAME_BYTES, "a payload of {length} bytes");
            assert_eq!(record.header.format.validate_frame(&record.payload).is_ok(), audio, "{:?}", record.header);
            assert_eq!(Record::decode(&record.encode()), Ok(record));
            true
        }
        Err(complaint) => {
            assert!((1..1_000).contains(&complaint.message.len()), "{}", complaint.message);
            false
        }
    }
}

/// Connections that messages come over: three formats, one that captures nothing, and one whose context is broken.
static CONNECTIONS: LazyLock<[SocketEvent; 5]> = LazyLock::new(|| {
    let call = CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
    let capturing = |channels: &'static str, rate: &'static str| {
        let query = |name: &str| match name {
            "channels" => Some(channels),
            "sample_rate" => Some(rate),
            _ => None,
        };
        AuthContext::new("acme", "key-1", Role::Capture).capturing(&Capture::from_query(query).unwrap(), &call)
    };
    let event = |authorizer: AuthContext| SocketEvent {
        request_context: SocketContext {
            route_key: "audio".into(),
            connection_id: "GXLKAfX1FiACG1w=".into(),
            message_id: Some("GXLKJfX4FiACG1w=".into()),
            request_time_epoch: 1_795_255_201_000,
            authorizer,
        },
        body: None,
        headers: None,
    };
    [
        event(capturing("agent,customer", "16000")),
        event(capturing("agent", "8000")),
        event(capturing("customer", "48000")),
        event(AuthContext::new("acme", "ann", Role::Agent)),
        event(AuthContext { sample_rate: Some("fast".into()), ..capturing("agent", "16000") }),
    ]
});

/// A record of the frame stream. One that is accepted is heard, by a warm and by a cold environment alike.
pub fn kinesis_record(bytes: &[u8]) -> bool {
    let Ok(record) = Record::decode(bytes) else { return false };
    assert_eq!(Record::decode(&record.encode()).as_ref(), Ok(&record));
    let mut warm = CallState::begin(&record.header);
    take(&mut warm, &record);
    let (stored, _) = warm.encode();
    assert!(stored.len() <= 3 * bytes.len() + 2_000, "{} bytes stored for {}", stored.len(), bytes.len());
    let mut cold = CallState::decode(&Version { number: warm.version, state: stored }, &[]).unwrap();
    for state in [&mut warm, &mut cold] {
        // A second delivery, and the end.
        take(state, &record);
        state.session.close();
    }
    assert_eq!(settle(&mut warm.session), settle(&mut cold.session));
    assert_eq!(warm.session.poll(), Poll::Ended);
    assert!(warm.encode().0 == cold.encode().0, "a cold environment went on in another way");
    true
}

/// A call as it is stored between two batches. One that can be read can be gone on with.
pub fn stored_call(bytes: &[u8]) -> bool {
    if let Ok(checkpoint) = Checkpoint::decode(bytes) {
        let again = Checkpoint::decode(&checkpoint.encode()).unwrap();
        assert_eq!(again, checkpoint);
    }
    let stored = Version { number: 0, state: bytes.to_vec() };
    let Ok(mut state) = CallState::decode(&stored, &[]) else { return false };
    let format = state.session.format();
    let mut header = state.extra.header.clone();
    header.event = Event::Audio { seq: state.session.contiguous().map_or(0, |seq| seq.saturating_add(1)) };
    header.format = format;
    let frame = Record { header, payload: vec![0; frame_bytes(format, 80)] };
    take(&mut state, &frame);
    let mut header = frame.header.clone();
    header.event = Event::Unnumbered { message: "late".into() };
    take(&mut state, &Record { header, ..frame });
    state.session.close();
    let (_, end) = settle(&mut state.session);
    assert_eq!(end, Poll::Ended);
    state.version += 1;
    let (again, _) = state.encode();
    assert!(
        CallState::decode(&Version { number: state.version, state: again }, &[stored]).is_ok(),
        "what was gone on with cannot be read again"
    );
    true
}

/// What the transcribe function does with a record, but for the services.
fn take(state: &mut CallState, record: &Record) {
    let mut batch = Batch::default();
    hear(state, record, &mut batch);
    settle(&mut state.session);
    state.give_up_unanswered();
    batch.ended = settle(&mut state.session).1 == Poll::Ended;
    state.answer(&mut batch, record.header.received_ms);
}

/// All that a session has to say, and how it ends.
fn settle(session: &mut Session) -> (Vec<Utterance>, Poll) {
    let format = session.format();
    let mut said = Vec::new();
    loop {
        match session.poll() {
            Poll::Utterance(utterance) => {
                check_utterance(&utterance, format, session.duration_ms());
                said.push(utterance);
            }
            end => return (said, end),
        }
    }
}

fn check_utterance(utterance: &Utterance, format: Format, duration_ms: u64) {
    let Utterance { channel, spoken, .. } = utterance;
    assert!(*channel < usize::from(format.channels));
    assert!(spoken.audio_start_ms <= spoken.start_ms && spoken.start_ms < spoken.end_ms, "{spoken:.0?}");
    assert!(spoken.end_ms <= spoken.closed_ms && spoken.closed_ms <= duration_ms, "closed at {}", spoken.closed_ms);
    assert_eq!(spoken.sample_rate, format.sample_rate.min(callboard_audio::RATE));
    // The longest utterance with its margins.
    let most = 15_600 * spoken.sample_rate as usize / 1_000;
    assert!((1..=most).contains(&spoken.pcm.len()), "an utterance of {} samples", spoken.pcm.len());
}

/// Operations on a session, in any order: the first bytes pick the format and the length, the rest are operations.
pub fn session(bytes: &[u8]) -> bool {
    let mut bytes = Bytes(bytes);
    let (encoding, sample_rate, channels) = FORMATS[bytes.below(FORMATS.len())];
    let format = Format { encoding, sample_rate, channels };
    let most_ms = MEDIA_MS[usize::from(bytes.byte() < 4)];
    let (warm, cold) = (Session::new(format), Session::new(format));
    let mut call = Twins { warm, cold, most_ms, now_ms: 1_000_000, at: 0, said: 0 };
    while !bytes.0.is_empty() && call.warm.duration_ms() < most_ms {
        call.step(&mut bytes);
    }
    call.restart();
    call.tell(Session::close);
    assert_eq!(call.warm.poll(), Poll::Ended, "a call that is closed ends");
    assert_eq!(call.warm.waited_ms(), 0, "nothing waits in a call that has ended");
    call.said > 0
}

/// One call in a warm environment, and in one that now and then begins cold. They must not differ in anything.
struct Twins {
    warm: Session,
    cold: Session,
    most_ms: u64,
    now_ms: i64,
    /// Where in [`SPEECH`] the next frame begins.
    at: usize,
    said: usize,
}

impl Twins {
    fn step(&mut self, bytes: &mut Bytes) {
        match bytes.below(16) {
            0..=4 => {
                let seq = self.near(bytes);
                self.now_ms = self.now_ms.saturating_add(i64::from(bytes.byte()) * 8);
                self.numbered(seq, bytes);
            }
            5 => {
                let seq = bytes.edge() as u32;
                self.numbered(seq, bytes);
            }
            6 | 7 => {
                let received_ms = self.now_ms.saturating_sub(i64::from(bytes.byte()) * 4);
                let key = FrameKey::Received(received_ms, format!("m{}", bytes.byte() % 4));
                let payload = self.payload(bytes);
                self.hear(&Frame { key, received_ms, payload });
            }
            8 => self.now_ms = bytes.edge(),
            9 => {
                let last = self.near(bytes);
                self.tell(|session| session.stop(last));
            }
            10 if self.is_long() => {
                let last = bytes.edge() as u32;
                self.tell(|session| session.stop(last));
            }
            11 => {
                let (from, to) = (self.near(bytes), self.near(bytes));
                self.tell(|session| session.gone(from, to));
            }
            12 => {
                let (from, to) = (bytes.edge() as u32, bytes.edge() as u32);
                self.tell(|session| session.gone(from, to));
            }
            13 if bytes.byte() < 64 => self.tell(Session::close),
            14 => self.restart(),
            15 if self.is_long() && bytes.byte() < 64 => self.burst(bytes),
            _ => self.now_ms = self.now_ms.saturating_add(100),
        }
    }

    /// Whether it may come to what takes long: minutes of silence in place of what was lost, many frames at once.
    fn is_long(&self) -> bool {
        self.most_ms == MEDIA_MS[1]
    }

    /// A number near the next one.
    fn near(&self, bytes: &mut Bytes) -> u32 {
        let next = self.warm.contiguous().map_or(0, |seq| seq.saturating_add(1));
        match bytes.byte() {
            0..=159 => next,
            other => next.saturating_add_signed((i32::from(other) - 176) / 8),
        }
    }

    /// Many long frames, mostly early ones.
    fn burst(&mut self, bytes: &mut Bytes) {
        let (first, step) = (self.near(bytes), u32::from(bytes.byte() % 3));
        let format = self.warm.format();
        let payload = vec![0; frame_bytes(format, 1_000)];
        let unnumbered = bytes.byte() < 32;
        for at in 0..u32::from(bytes.byte()) {
            let key = if unnumbered {
                FrameKey::Received(self.now_ms, format!("b{at}"))
            } else {
                FrameKey::Numbered(first.saturating_add(1 + at * step))
            };
            if self.warm.duration_ms() < self.most_ms {
                self.hear(&Frame { key, received_ms: self.now_ms, payload: payload.clone() });
            }
        }
        self.restart();
    }

    fn numbered(&mut self, seq: u32, bytes: &mut Bytes) {
        let payload = self.payload(bytes);
        self.hear(&Frame { key: FrameKey::Numbered(seq), received_ms: self.now_ms, payload });
    }

    /// Speech that goes on, speech from anywhere, or silence, of any length.
    fn payload(&mut self, bytes: &mut Bytes) -> Vec<u8> {
        let format = self.warm.format();
        let length = match bytes.byte() {
            0 => usize::from(bytes.byte()) * 100 + usize::from(bytes.byte()),
            other if format.encoding == Encoding::Opus => usize::from(other) * 8,
            other => frame_bytes(format, 20 + u64::from(other) * 4),
        };
        let kind = bytes.byte();
        if kind < 64 {
            return vec![0; length];
        }
        if kind < 96 {
            self.at = usize::from(bytes.byte()) * 7_000;
        }
        let from = self.at % (SPEECH.len() - 48_000);
        self.at = from + length;
        let speech = &SPEECH[from..from + length];
        if format.encoding != Encoding::Opus {
            return speech.to_vec();
        }
        // Packets of one kind, of bytes that are no sound.
        let (toc, size) = (bytes.byte(), 1 + usize::from(bytes.byte() % 64));
        let mut frame = Vec::new();
        for body in speech.chunks(size) {
            opus::append(&mut frame, &[&[toc], &body[1..]].concat());
        }
        frame
    }

    fn hear(&mut self, frame: &Frame) {
        // What does not fit is refused before, as [`Session::hear`] says.
        if self.warm.format().validate_frame(&frame.payload).is_ok() {
            let heard = [&mut self.warm, &mut self.cold].map(|session| session.hear(frame.clone()));
            assert_eq!(heard[0], heard[1], "{:?}", frame.key);
            let near = matches!(&frame.key, FrameKey::Numbered(seq) if *seq > self.next().saturating_add(MAX_AHEAD));
            assert!(!near || heard[0] == Heard::TooFarAhead, "{:?} came {:?}", frame.key, heard[0]);
            self.compare();
        }
    }

    fn tell(&mut self, operation: impl Fn(&mut Session)) {
        operation(&mut self.warm);
        operation(&mut self.cold);
        self.compare();
    }

    fn next(&self) -> u32 {
        self.warm.contiguous().map_or(0, |seq| seq.saturating_add(1))
    }

    /// Both say the same, and what they say of the sequence fits together.
    fn compare(&mut self) {
        let before = (self.warm.contiguous(), self.warm.duration_ms(), self.warm.lost_frames());
        let (said, end) = settle(&mut self.warm);
        self.said += said.len();
        assert_eq!((said, end), settle(&mut self.cold));
        let facts = |session: &Session| {
            let sequence = (session.contiguous(), session.missing(), session.waited_ms());
            (sequence, session.duration_ms(), session.latest_ms(), session.lost_frames())
        };
        assert_eq!(facts(&self.warm), facts(&self.cold));
        let after = (self.warm.contiguous(), self.warm.duration_ms(), self.warm.lost_frames());
        assert!(before.0 <= after.0 && before.1 <= after.1 && before.2 <= after.2, "{before:?} became {after:?}");
        assert!(self.warm.waited_ms() >= 0);
        if let Some((from, to)) = self.warm.missing() {
            assert!(from == self.next().max(1) && from <= to, "{from} to {to} are missing after {:?}", after.0);
        }
    }

    /// The cold one is begun anew from what was stored.
    fn restart(&mut self) {
        let stored = self.cold.checkpoint().encode();
        check_size(self.cold.format(), stored.len());
        self.cold = Session::resume(Checkpoint::decode(&stored).unwrap());
        assert!(self.cold.checkpoint().encode() == stored, "a checkpoint changes by being read");
        assert!(self.warm.checkpoint().encode() == stored, "a warm and a cold environment store different states");
    }
}

/// Holds a checkpoint to the most that it may be.
///
/// # Panics
/// When it is larger.
pub fn check_size(format: Format, bytes: usize) {
    // What is needed since the reset point: 15 s before an onset, 15 s of an utterance, a frame on either side.
    let kept_ms = 32_000;
    // Opus has at most 96 bytes a millisecond.
    let second =
        format.sample_bytes().map_or(96_000 * usize::from(format.channels), |unit| unit * format.sample_rate as usize);
    let kept = kept_ms * second / 1_000;
    // Each frame has a header, each unnumbered one a memory, each gap an entry.
    let frames = kept_ms / Format::MIN_FRAME_MS as usize + MAX_AHEAD as usize;
    let most = kept + MAX_EARLY_BYTES + frames * 200 + MAX_AHEAD as usize * 100 + 1_000;
    assert!(bytes <= most, "a checkpoint of {bytes} bytes, where {most} are the most");
}

/// Bytes of a frame this long, or of the longest that is accepted.
fn frame_bytes(format: Format, ms: u64) -> usize {
    match format.sample_bytes() {
        Some(unit) => ((u64::from(format.sample_rate) * ms / 1_000) as usize * unit).min(Format::MAX_FRAME_BYTES),
        // Each length that is 0 stands for 20 ms of silence.
        None => ms as usize / 20 * 2 * usize::from(format.channels),
    }
}

/// Bytes as choices; zeros when there are no more.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// A number at which arithmetic breaks, or any other.
    fn edge(&mut self) -> i64 {
        match self.byte() {
            edge @ 0..=191 => EDGES[usize::from(edge) % EDGES.len()],
            _ => i64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }
}
