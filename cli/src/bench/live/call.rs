//! One call: a capture client that speaks the script at its own pace, and a dashboard that watches it.
//!
//! The client keeps the protocol with the outbox that every capture client has, and sends frames that were written once
//! for all calls. What the dashboard is pushed is held against the script when the call is over.

mod hearing;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use callboard_audio::outbox::{Limits, Outbox, Outgoing};
use callboard_domain::CallId;
use callboard_runtime::Clock;
use callboard_wire::{
    connection::channels_text,
    messages::{ClientMessage, WatchTarget},
};
use tokio::time::Instant;

use super::{
    board::Board,
    script::{CHANNELS, Script},
    service::Delay,
};
use crate::{
    socket::{Incoming, Socket},
    stack::Stack,
};
use hearing::Heard;

/// How long the end of a call is waited for once all was said.
const END: Duration = Duration::from_secs(60);
/// How long the last pushes are waited for once the call has ended.
const LAST_PUSHES: Duration = Duration::from_secs(5);
/// How often a lost connection is made anew, and after which pause.
const RECONNECTS: u32 = 20;
/// See [`RECONNECTS`].
const PAUSE: Duration = Duration::from_millis(300);

/// What all calls have in common.
pub(super) struct Plan {
    /// Where they go.
    pub(super) stack: Stack,
    /// What is said.
    pub(super) script: Arc<Script>,
    /// How long the transcription service takes.
    pub(super) delay: Delay,
    /// Length of a call, in milliseconds: to the end of the turn in which it is over.
    pub(super) duration_ms: u64,
    /// What is shown meanwhile.
    pub(super) board: Board,
}

/// What a call came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Audio, in milliseconds.
    pub(super) audio_ms: u64,
    /// Frames that it had.
    pub(super) frames: u32,
    /// Those of them that were never acknowledged.
    pub(super) frames_lost: u32,
    /// Frames that were sent once more.
    pub(super) frames_resent: u64,
    /// Messages to the gateway, over both connections.
    pub(super) sent: u64,
    /// Messages from it.
    pub(super) received: u64,
    /// Utterances that the script has.
    pub(super) utterances: usize,
    /// Those that no segment came for.
    pub(super) lost: usize,
    /// Segments that there should not be.
    pub(super) doubled: usize,
    /// Those with other words.
    pub(super) wrong: usize,
    /// See [`super::Report`].
    pub(super) added_delay_ms: Vec<u64>,
    /// See [`super::Report`].
    pub(super) frame_wait_ms: Vec<u64>,
    /// Connections that had to be made anew.
    pub(super) reconnects: u32,
    /// Messages that said that something was wrong.
    pub(super) errors: u64,
    /// What went wrong, for people.
    pub(super) reason: Option<String>,
}

impl Outcome {
    /// One that did not get through at all.
    pub(super) fn failed(reason: String) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }

    /// Whether every utterance is there, once and right, and every frame was acknowledged.
    pub(super) fn is_held(&self) -> bool {
        self.reason.is_none() && self.frames_lost == 0 && self.lost + self.doubled + self.wrong == 0
    }
}

/// A turn of this call.
struct Turn {
    /// Index in the script.
    at: usize,
    /// Media time at which it begins, in milliseconds.
    from_ms: u64,
}

/// A frame of this call.
struct Sent {
    /// Whose it is, in the script.
    turn: usize,
    piece: usize,
    /// Media time at which it ends, in milliseconds.
    until_ms: u64,
    /// When it was first sent: wall clock, ms.
    sent_ms: Option<i64>,
}

struct Call<'a> {
    plan: &'a Plan,
    id: CallId,
    clock: Clock,
    turns: Vec<Turn>,
    frames: Vec<Sent>,
    /// Frames that were spoken.
    spoken: usize,
    outbox: Outbox,
    began: Instant,
    heard: Heard,
    outcome: Outcome,
}

/// Speaks a call that begins with this turn of the script.
///
/// # Errors
/// Says why a connection could not be made or kept.
pub(super) async fn run(plan: &Plan, first_turn: usize) -> anyhow::Result<Outcome> {
    let clock = Clock::system();
    let id = clock.call_id();
    let parameters = [
        ("role", "capture".to_owned()),
        ("call", id.to_string()),
        ("encoding", plan.script.format.encoding.as_str().to_owned()),
        ("sample_rate", plan.script.format.sample_rate.to_string()),
        ("channels", channels_text(&CHANNELS)),
    ];
    let mut capture = Socket::open(&plan.stack, &parameters).await.context("connecting the capture client")?;
    let mut watch = Socket::open(&plan.stack, &[]).await.context("connecting the dashboard")?;
    let target = WatchTarget { call: Some(id.to_string()), calls: None };
    watch.send(&ClientMessage::Watch(target)).await.context("watching the call")?;
    let mut call = Call::new(plan, id, clock, first_turn);
    call.outcome.sent += 1;
    loop {
        match call.converse(&mut capture, &mut watch).await? {
            Over::Ended => break,
            Over::CaptureLost(reason) if call.outcome.reconnects < RECONNECTS => {
                tracing::warn!(reason, "the capture client lost its connection");
                call.outcome.reconnects += 1;
                call.outbox.disconnected();
                tokio::time::sleep(PAUSE).await;
                capture = Socket::open(&plan.stack, &parameters).await.context("connecting the capture client anew")?;
                call.connected();
            }
            Over::CaptureLost(reason) => bail!("the capture client lost its connection again and again: {reason}"),
        }
    }
    capture.close().await;
    watch.close().await;
    Ok(call.finish())
}

/// Why a conversation is over.
enum Over {
    Ended,
    CaptureLost(String),
}

impl<'a> Call<'a> {
    fn new(plan: &'a Plan, id: CallId, clock: Clock, first_turn: usize) -> Self {
        let (mut turns, mut frames, mut from_ms) = (Vec::new(), Vec::new(), 0);
        for at in plan.script.turns_from(first_turn, plan.duration_ms) {
            let turn = &plan.script.turns[at];
            for (piece, it) in turn.frames.iter().enumerate() {
                frames.push(Sent { turn: at, piece, until_ms: from_ms + it.until_ms, sent_ms: None });
            }
            turns.push(Turn { at, from_ms });
            from_ms += turn.duration_ms;
        }
        let said = turns.iter().flat_map(|turn| &plan.script.turns[turn.at].said);
        let outcome = Outcome {
            audio_ms: from_ms,
            frames: u32::try_from(frames.len()).unwrap_or(u32::MAX),
            utterances: said.count(),
            ..Outcome::default()
        };
        let outbox = Outbox::new(Limits::default());
        let began = Instant::now();
        let mut call =
            Self { plan, id, clock, turns, frames, spoken: 0, outbox, began, heard: Heard::default(), outcome };
        call.connected();
        call
    }

    /// The capture client's connection stands; it does not watch.
    fn connected(&mut self) {
        self.outbox.connected();
        self.outbox.watching();
    }

    async fn converse(&mut self, capture: &mut Socket, watch: &mut Socket) -> anyhow::Result<Over> {
        loop {
            self.speak();
            while let Some(outgoing) = self.outbox.poll(self.began.elapsed()) {
                if let Err(error) = self.send(outgoing, capture).await {
                    return Ok(Over::CaptureLost(error.to_string()));
                }
            }
            if self.is_over() {
                return Ok(Over::Ended);
            }
            let (incoming, is_capture) = tokio::select! {
                incoming = capture.incoming.recv() => (incoming, true),
                incoming = watch.incoming.recv() => (incoming, false),
                () = tokio::time::sleep_until(self.wake_at()) => continue,
            };
            match (incoming, is_capture) {
                (Some(Incoming::Text { text, at_ms }), _) => self.hear(&text, at_ms),
                (Some(Incoming::Closed(reason)), true) => return Ok(Over::CaptureLost(reason)),
                (Some(Incoming::Closed(reason)), false) => bail!("the dashboard lost its connection: {reason}"),
                (None, _) => bail!("a connection ended"),
            }
        }
    }

    /// Hands the frames that are spoken by now to the outbox. Their bytes are the script's, so it keeps none.
    fn speak(&mut self) {
        let now_ms = self.began.elapsed().as_millis() as u64;
        while let Some(frame) = self.frames.get(self.spoken).filter(|frame| frame.until_ms <= now_ms) {
            let before = self.spoken.checked_sub(1).map_or(0, |before| self.frames[before].until_ms);
            self.plan.board.spoke(frame.until_ms - before);
            self.outbox.push(Vec::new());
            self.spoken += 1;
            if self.spoken == self.frames.len() {
                self.outbox.finish();
            }
        }
    }

    async fn send(&mut self, outgoing: Outgoing, capture: &mut Socket) -> anyhow::Result<()> {
        self.outcome.sent += 1;
        match outgoing {
            Outgoing::Audio { seq, .. } => {
                let frame = &mut self.frames[seq as usize - 1];
                self.outcome.frames_resent += u64::from(frame.sent_ms.is_some());
                frame.sent_ms.get_or_insert_with(|| self.clock.now_ms());
                let data = &self.plan.script.turns[frame.turn].frames[frame.piece].data;
                // As `ClientMessage::Audio` is written, without looking for what base64 has not: letters to be escaped.
                capture.send_text(format!(r#"{{"action":"audio","seq":{seq},"data":"{data}"}}"#)).await
            }
            Outgoing::Gone { from, to } => capture.send(&ClientMessage::Gone { from, to }).await,
            Outgoing::Stop { seq } => capture.send(&ClientMessage::Stop { seq }).await,
            Outgoing::Watch => {
                let target = WatchTarget { call: Some(self.id.to_string()), calls: None };
                capture.send(&ClientMessage::Watch(target)).await
            }
        }
    }

    fn is_over(&self) -> bool {
        let now = self.began.elapsed();
        if let Some(ended) = self.heard.ended {
            let complete = self.outbox.unacknowledged() == 0 && self.heard.noted;
            let has_words = self.heard.segments.len() >= self.outcome.utterances;
            return (complete && has_words) || now >= ended + LAST_PUSHES;
        }
        now >= self.last_spoken() + END
    }

    fn last_spoken(&self) -> Duration {
        Duration::from_millis(self.outcome.audio_ms)
    }

    fn wake_at(&self) -> Instant {
        let next = self.frames.get(self.spoken).map(|frame| Duration::from_millis(frame.until_ms));
        let limit = self.heard.ended.map_or(self.last_spoken() + END, |ended| ended + LAST_PUSHES);
        self.began + [next, self.outbox.timeout()].into_iter().flatten().fold(limit, Duration::min)
    }

    fn finish(mut self) -> Outcome {
        self.outcome.frames_lost = self.outbox.unacknowledged();
        self.judge();
        if self.heard.ended.is_none() {
            self.outcome.reason = Some(format!("call {} did not end within {} s", self.id, END.as_secs()));
        }
        self.outcome
    }
}
