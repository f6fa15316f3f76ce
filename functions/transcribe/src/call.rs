//! One call through one batch.
//!
//! The order of effects is what makes a repetition harmless: segments first (stable keys, the first final wins), then
//! the new version of the session (put only if absent), then the call's status as of that version, then the
//! acknowledgement. A batch that is worked on twice, or by two environments at once, writes the same segments and one
//! version.

use callboard_adapters::{ServiceError, live::Version, table::Written};
use callboard_audio::{Encoding, Frame, Heard, Poll};
use callboard_domain::{Call, CallStatus, call::EndReason};
use callboard_wire::{
    messages::{ErrorCode, ServerMessage},
    record::{Event, Header, Record},
};

use crate::{
    Context, partial,
    state::{CallState, StateError},
    utterance::{settle_numbers, write_segment},
};

/// How often a call is taken up again after another environment was first.
const TRIES: usize = 5;
/// Versions of a call in Opus that are read at once, of which each holds about a second: most of what a sentence builds on.
/// They are small; those of samples are read as far as they are needed.
const VERSIONS_AT_ONCE: usize = 4;
/// How long an invocation asks the transcription service: half of the function's time in the template, since one more
/// request may follow that takes as long as it may.
const ASK_SERVICE_MS: i64 = 60_000;
/// The sweeper is told of a sign of life at most this often, in milliseconds.
const NOTE_MS: i64 = 15_000;
/// Acknowledgements go out at most this often, in milliseconds, since each is a message that is paid for: so that clients
/// have one within the two seconds in which they take silence for nothing (`Limits` of the outbox). Where an utterance ends,
/// one goes out at once: the next frame may be a long one.
const ACK_MS: i64 = 1_500;
/// Where audio comes faster than it is spoken, they go out after so much of it, in milliseconds.
const ACK_MEDIA_MS: u64 = 4_000;
/// How long a gap may be before its frames are asked for, and how often they are, in milliseconds.
const ASK_MS: i64 = 500;
/// How often frames are asked for while others come, until the client is taken for one that does not answer: then
/// what is missing stands as silence, so that the call goes on. Those count that are [`ASK_MS`] apart on the wall clock,
/// too: frames of ten seconds that are worked off in one leave a client no time to answer.
const MOST_ASKS: u32 = 20;

/// Why a call's records could not be worked on. All of it is worth a retry.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// A table, or where utterances wait, failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The stored session cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// Others were first, again and again.
    #[error("other environments were first {TRIES} times")]
    Contended,
}

/// What a batch brought, beside the session.
#[derive(Debug, Default)]
pub struct Batch {
    /// Something was heard twice: the client may not know that it was heard at all.
    pub repeated: bool,
    /// What the client is told once the batch is committed.
    pub answers: Vec<ServerMessage>,
    /// An utterance ended.
    pub closed: bool,
    /// The call is over.
    pub ended: bool,
    /// Why it is, or will be.
    pub end_reason: Option<EndReason>,
}

/// Works the records of one call, in their order.
pub async fn process(key: &str, records: &[Record], context: &Context) -> Result<(), CallError> {
    let Some(first) = records.first() else { return Ok(()) };
    let mut warm = context.take_warm(key).filter(|state| continues(state, records));
    let ask_until_ms = context.clock.now_ms() + ASK_SERVICE_MS;
    for _ in 0..TRIES {
        let mut state = match warm.take() {
            Some(state) => state,
            None => match load(records, &first.header, context).await? {
                Some(state) => state,
                None => return Ok(()),
            },
        };
        state.ask_until_ms = ask_until_ms;
        let mut batch = Box::pin(advance(&mut state, records, context)).await?;
        state.answer(&mut batch, context.clock.now_ms());
        state.version += 1;
        state.seal(&context.seal);
        let (bytes, held) = state.encode();
        let version = Version { number: state.version, state: bytes };
        let header = &first.header;
        if context.live.put(&header.org, &header.call, &version, context.clock.now_ms(), batch.ended).await?
            == Written::No
        {
            tracing::info!(call.key = key, "another environment was first");
            continue;
        }
        state.held = held;
        if !state.extra.told {
            context.calls.set_status(&call_of(&state), state.version).await?;
            state.extra.told = true;
        }
        if batch.ended {
            context.live.note_closed(&header.org, &header.call, state.extra.heard_ms).await?;
        }
        tell(&state, &batch.answers, context).await;
        context.keep_warm(key.to_owned(), state);
        return Ok(());
    }
    Err(CallError::Contended)
}

/// Whether a kept session can be trusted to be the latest: the batch follows on it without a gap. Otherwise others
/// may have gone on with the call, and what looks lost was heard by them.
fn continues(state: &CallState, records: &[Record]) -> bool {
    let numbers: Option<Vec<u32>> = records
        .iter()
        .map(|record| match record.header.event {
            Event::Audio { seq } => Some(seq),
            // What may end a call or give frames up is never decided on a state that may be old.
            _ => None,
        })
        .collect();
    let lowest = numbers.and_then(|numbers| numbers.into_iter().min());
    match (lowest, state.session.contiguous()) {
        (Some(lowest), Some(contiguous)) => lowest <= contiguous.saturating_add(1) && state.session.missing().is_none(),
        _ => false,
    }
}

/// The latest state of a call; none for one that never began and does not begin now: a connection that came and went.
async fn load(records: &[Record], header: &Header, context: &Context) -> Result<Option<CallState>, CallError> {
    let at_once = if header.format.encoding == Encoding::Opus { VERSIONS_AT_ONCE } else { 1 };
    let mut versions = context.live.latest(&header.org, &header.call, at_once).await?.into_iter();
    if let Some(latest) = versions.next() {
        let mut builds_on = CallState::builds_on(latest.number, &latest.state)?;
        let mut earlier: Vec<Version> = versions.filter(|version| builds_on.remove(&version.number)).collect();
        earlier.extend(context.live.earlier(&header.org, &header.call, &builds_on).await?);
        let mut state = CallState::decode(&latest, &earlier)?;
        state.open(&context.seal);
        return Ok(Some(state));
    }
    if records.iter().any(|record| !matches!(record.header.event, Event::Disconnected | Event::Swept { .. })) {
        let state = CallState::begin(header);
        ensure_call(&state, context).await?;
        return Ok(Some(state));
    }
    if !records.iter().any(|record| matches!(record.header.event, Event::Swept { .. })) {
        return Ok(None);
    }
    // Claimed, and nothing was heard of it since: it ends as it is. Where not even the claim came to be, there is
    // nothing to end.
    let claimed = context.calls.call(&header.org, &header.call).await?.is_some();
    if !claimed {
        context.live.note_closed(&header.org, &header.call, header.received_ms).await?;
        return Ok(None);
    }
    let mut state = CallState::begin(header);
    state.extra.heard_ms = 0;
    Ok(Some(state))
}

/// The call's item, for a client whose connection did not claim it.
async fn ensure_call(state: &CallState, context: &Context) -> Result<(), CallError> {
    let header = &state.extra.header;
    context.calls.claim(&call_of(state), &header.parameters()).await?;
    Ok(())
}

fn call_of(state: &CallState) -> Call {
    let header = &state.extra.header;
    Call {
        id: header.call.clone(),
        org: header.org.clone(),
        principal: header.principal.clone(),
        playbook: header.playbook.clone(),
        channels: header.channels.clone(),
        status: state.extra.status,
        started_at_ms: header.received_ms,
        ended_at_ms: state.extra.end.map(|(at_ms, _)| at_ms),
        end_reason: state.extra.end.map(|(_, reason)| reason),
        duration_ms: state.session.duration_ms(),
        file_name: None,
    }
}

/// Hears the records and writes what they bring.
async fn advance(state: &mut CallState, records: &[Record], context: &Context) -> Result<Batch, CallError> {
    let mut batch = Batch::default();
    let lost_before = state.session.lost_frames();
    let damaged_before = state.session.damaged_packets();
    for record in records {
        hear(state, record, &mut batch);
        write_segments(state, &mut batch, context).await?;
    }
    state.give_up_unanswered();
    let mut ended = write_segments(state, &mut batch, context).await?;
    if !ended && state.extra.left {
        // Audio that the disconnect overtook: it is heard, and nothing more will come.
        state.session.close();
        ended = write_segments(state, &mut batch, context).await?;
    }
    if ended {
        let orderly = batch.end_reason == Some(EndReason::Stopped);
        settle_numbers(state, orderly, context).await?;
        for index in 0..state.extra.header.channels.len() {
            partial::settle(state, index, None, context).await?;
        }
    } else {
        Box::pin(partial::show_open(state, context)).await?;
    }
    let lost = state.session.lost_frames() - lost_before;
    if lost > 0 {
        let total = state.session.lost_frames();
        let call = &state.extra.header.call;
        tracing::warn!(call.id = %call, frames.lost = lost, frames.lost_total = total, "frames stand as silence");
    }
    let damaged = state.session.damaged_packets() - damaged_before;
    if damaged > 0 {
        let total = state.session.damaged_packets();
        let call = &state.extra.header.call;
        tracing::warn!(call.id = %call, packets.damaged = damaged, packets.damaged_total = total, "packets stand as silence");
    }
    batch.ended = ended;
    if ended {
        // The sweeper forgets the call; should audio come all the same, it is told anew.
        state.extra.noted_ms = 0;
    }
    let status = match (ended, state.extra.status) {
        (true, _) => CallStatus::Ended,
        // Audio for a call that was over: it goes on.
        (false, CallStatus::Ended) => CallStatus::Live,
        (false, _) if batch.end_reason.is_some() => CallStatus::Ending,
        (false, status) => status,
    };
    if status != state.extra.status {
        state.extra.status = status;
        let reason = batch.end_reason.unwrap_or(EndReason::Stopped);
        state.extra.end = (status == CallStatus::Ended).then(|| (context.clock.now_ms(), reason));
        state.extra.told = false;
    }
    if !ended && state.extra.heard_ms - state.extra.noted_ms >= NOTE_MS {
        state.extra.noted_ms = state.extra.heard_ms;
        context.live.note_open(&state.extra.header, state.extra.heard_ms).await?;
    }
    Ok(batch)
}

/// Writes the segments of all utterances that are complete by now; says whether the call is over.
async fn write_segments(state: &mut CallState, batch: &mut Batch, context: &Context) -> Result<bool, CallError> {
    loop {
        match state.session.poll() {
            Poll::Utterance(utterance) => {
                write_segment(state, &utterance, context).await?;
                batch.closed = true;
            }
            Poll::Ended => return Ok(true),
            _ => return Ok(false),
        }
    }
}

/// Tells the session what a record says.
pub fn hear(state: &mut CallState, record: &Record, batch: &mut Batch) {
    let header = &record.header;
    if let Some(reason) = header.closes(state.extra.heard_ms) {
        batch.end_reason = Some(reason);
        state.extra.left |= header.event == Event::Disconnected;
        return state.session.close();
    }
    match &header.event {
        Event::Connected => {
            state.extra.connection.clone_from(&header.connection);
            state.extra.heard_ms = state.extra.heard_ms.max(header.received_ms);
            return;
        }
        Event::Stop { seq } => {
            batch.end_reason = Some(EndReason::Stopped);
            state.extra.heard_ms = state.extra.heard_ms.max(header.received_ms);
            return state.session.stop(*seq);
        }
        Event::Gone { from, to } => return state.session.gone(*from, *to),
        Event::Disconnected | Event::Swept { .. } => return,
        Event::Audio { .. } | Event::Unnumbered { .. } => {}
    }
    let Some(key) = header.frame_key() else { return };
    if header.format != state.session.format() {
        // No connection that the call is claimed for has another one.
        let reason = "the call began in another format: connect with the parameters that it began with";
        batch.answers.push(ServerMessage::error(ErrorCode::BadFrame, reason, Some("audio")));
        return;
    }
    state.extra.heard_ms = state.extra.heard_ms.max(header.received_ms);
    state.extra.connection.clone_from(&header.connection);
    match state.session.hear(Frame { key, received_ms: header.received_ms, payload: record.payload.clone() }) {
        Heard::New => {}
        Heard::Duplicate => batch.repeated = true,
        Heard::NoRoom => {
            tracing::warn!(call.id = %header.call, "too much came early, a frame is left out until it comes again")
        }
        Heard::TooFarAhead => {
            if let Event::Audio { seq } = header.event {
                let reason = format!("seq {seq} is too far ahead: number frames one after the other");
                batch.answers.push(ServerMessage::error(ErrorCode::BadSeq, reason, Some("audio")));
            }
        }
    }
}

/// Tells the client what was committed and what is missing. What is said here is said again when it was not heard:
/// the client sends again whatever stays unacknowledged.
async fn tell(state: &CallState, answers: &[ServerMessage], context: &Context) {
    let Some(connection) = &state.extra.connection else { return };
    for message in answers {
        if let Err(error) = context.gateway.post(connection, message).await {
            tracing::warn!(error = %error, "client not told");
        }
    }
}

impl CallState {
    /// Decides what the client is told, and notes that it was.
    pub fn answer(&mut self, batch: &mut Batch, clock_ms: i64) {
        let call = self.extra.header.call.to_string();
        let now_ms = self.extra.heard_ms;
        if let Some(seq) = self.session.contiguous() {
            let due = self.extra.acked.is_none_or(|(acked, at_ms)| {
                let media_ms = u64::from(seq.saturating_sub(acked)) * self.session.frame_ms();
                seq > acked && (now_ms.saturating_sub(at_ms) >= ACK_MS || media_ms >= ACK_MEDIA_MS)
            });
            if due || batch.closed || batch.ended || batch.repeated {
                self.extra.acked = Some((seq, now_ms));
                batch.answers.push(ServerMessage::Ack { call: call.clone(), seq });
            }
        }
        if let Some((from, to)) = self.session.missing() {
            let waited = self.session.waited_ms() >= ASK_MS && now_ms.saturating_sub(self.extra.asked_ms) >= ASK_MS;
            if waited || batch.end_reason.is_some() {
                self.extra.asked_ms = now_ms;
                if from != self.extra.asked_from {
                    (self.extra.asked_from, self.extra.asks) = (from, 0);
                }
                if clock_ms.saturating_sub(self.extra.ask_counted_ms) >= ASK_MS {
                    self.extra.ask_counted_ms = clock_ms;
                    self.extra.asks = self.extra.asks.saturating_add(1);
                }
                batch.answers.push(ServerMessage::Resend { call, from, to });
            }
        }
    }

    /// What was asked for again and again while other frames came is not waited for any longer.
    pub fn give_up_unanswered(&mut self) {
        if let Some((from, to)) = self.session.missing()
            && from == self.extra.asked_from
            && self.extra.asks >= MOST_ASKS
        {
            self.session.gone(from, to);
        }
    }
}
