//! The loop of a streamed call: connects, reconnects, and moves messages between the socket and the parts that decide.

mod hearing;
mod waiting;

use std::{future::Future, io, pin::Pin, time::Duration};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use callboard_audio::outbox::{Limits, Outbox, Outgoing};
use callboard_wire::{
    messages::{ClientMessage, WatchTarget},
    rest::CallSnapshot,
};
use rand::Rng;
use tokio::time::Instant;

use super::{
    Plan,
    report::Report,
    summary::{Spread, Summary},
    view::View,
};
use waiting::{backoff, load, or_interrupted};

use crate::{
    failure::Unusable,
    socket::{Incoming, Refusal, Socket},
};

/// Longest silence of the stack while its answer is all that is waited for, beyond the length of the audio.
const SILENCE: Duration = Duration::from_secs(60);
/// A connection that was silent for this long is asked whether it lives …
const PING_AFTER: Duration = Duration::from_secs(20);
/// … and taken for dead after this.
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// A push that overtook another one is given this long before a snapshot is loaded.
const HOLE_GRACE: Duration = Duration::from_millis(500);
/// After the stop, a push that got lost last shows in nothing but silence: look after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long the words of utterances that have to wait for the transcription service are waited for, once the notes are
/// in.
const LATE_WORDS: Duration = Duration::from_secs(120);
/// Most messages sent before listening again.
const BURST: usize = 32;

type Loading = Pin<Box<dyn Future<Output = anyhow::Result<Option<CallSnapshot>>> + Send>>;

struct Session {
    plan: Plan,
    outbox: Outbox,
    view: View,
    report: Report,
    began: Instant,
    delays_ms: Vec<u64>,
    errors: usize,
    interrupted: bool,
    /// When something was last said of the call.
    heard: Duration,
    /// When the connection last gave a sign of life.
    alive: Duration,
    pinged: bool,
    /// When the call was first known to be over, with its notes.
    noted: Option<Duration>,
    loading: Option<Loading>,
    load_at: Option<Duration>,
}

/// A connection that was lost, and the attempts since.
struct Outage {
    since: Duration,
    attempts: u32,
}

/// What woke the loop.
enum Event {
    Incoming(Option<Incoming>),
    Loaded(Box<anyhow::Result<Option<CallSnapshot>>>),
    Time,
    Interrupted(io::Result<()>),
}

/// How a connection ended.
enum Over {
    Done,
    Lost(String),
}

/// Streams as planned.
///
/// # Errors
/// When the call did not get through.
pub(super) async fn run(plan: Plan) -> anyhow::Result<()> {
    let limits = Limits { window: plan.window, ..Limits::default() };
    let report = Report::new(plan.json, plan.audio_ms);
    let mut session = Session {
        plan,
        outbox: Outbox::new(limits),
        view: View::default(),
        report,
        began: Instant::now(),
        delays_ms: Vec::new(),
        errors: 0,
        interrupted: false,
        heard: Duration::ZERO,
        alive: Duration::ZERO,
        pinged: false,
        noted: None,
        loading: None,
        load_at: None,
    };
    session.stream().await?;
    session.report.finish(&session.summary())?;
    Ok(())
}

impl Session {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    async fn stream(&mut self) -> anyhow::Result<()> {
        let mut outage: Option<Outage> = None;
        let mut connected_before = false;
        loop {
            let opened = or_interrupted(Socket::open(&self.plan.stack, &self.plan.parameters)).await?;
            let reason = match opened {
                Ok(socket) => {
                    self.begin_connection(connected_before);
                    connected_before = true;
                    match self.converse(socket, &mut outage).await? {
                        Over::Done => return Ok(()),
                        Over::Lost(reason) => reason,
                    }
                }
                Err(refusal @ Refusal::Denied { .. }) => bail!(refusal),
                Err(refusal @ Refusal::NobodyThere(_)) if !connected_before => bail!(refusal),
                Err(refusal) => refusal.to_string(),
            };
            self.outbox.disconnected();
            self.wait_for_reconnect(&mut outage, &reason).await?;
            self.plan.stack.look_token_up_again();
        }
    }

    fn begin_connection(&mut self, again: bool) {
        let now = self.now();
        self.plan.source.start(now);
        self.outbox.connected();
        self.alive = now;
        self.pinged = false;
        if again {
            self.report.notice("connected again");
            self.load_at = Some(now);
        }
    }

    async fn wait_for_reconnect(&mut self, outage: &mut Option<Outage>, reason: &str) -> anyhow::Result<()> {
        let now = self.now();
        let outage = outage.get_or_insert(Outage { since: now, attempts: 0 });
        if now.saturating_sub(outage.since) >= self.plan.give_up {
            bail!(
                "the connection was lost and did not come back within {} s ({reason}): {} of {} frames were acknowledged; \
                 run it again with --call {} to continue, or allow longer with --give-up",
                self.plan.give_up.as_secs(),
                self.outbox.last() - self.outbox.unacknowledged(),
                self.outbox.last(),
                self.plan.call
            );
        }
        if outage.attempts == 0 {
            self.report.notice(&format!("the connection was lost ({reason}); trying again"));
        }
        let wait = backoff(outage.attempts).mul_f64(rand::rng().random_range(0.5..=1.0));
        or_interrupted(tokio::time::sleep(wait)).await?;
        outage.attempts += 1;
        Ok(())
    }

    async fn converse(&mut self, mut socket: Socket, outage: &mut Option<Outage>) -> anyhow::Result<Over> {
        loop {
            while let Ok(incoming) = socket.incoming.try_recv() {
                match incoming {
                    Incoming::Text { text, at_ms } => self.hear(&text, at_ms, outage)?,
                    Incoming::Closed(reason) => return Ok(Over::Lost(reason)),
                }
            }
            if self.is_done() {
                socket.close().await;
                return Ok(Over::Done);
            }
            self.take_frames()?;
            let mut sent = 0;
            while sent < BURST {
                let Some(outgoing) = self.next_message() else { break };
                if let Err(error) = socket.send(&outgoing).await {
                    return Ok(Over::Lost(error.to_string()));
                }
                sent += 1;
            }
            if sent == BURST {
                continue;
            }
            self.check_silence()?;
            let quiet = self.now().saturating_sub(self.alive);
            if quiet >= DEAD_AFTER {
                return Ok(Over::Lost(format!("it was silent for {} s", quiet.as_secs())));
            }
            if quiet >= PING_AFTER && !self.pinged {
                self.pinged = true;
                if let Err(error) = socket.send(&ClientMessage::Ping {}).await {
                    return Ok(Over::Lost(error.to_string()));
                }
            }
            self.start_loading();
            let wake_at = self.began + self.wake_at();
            let event = tokio::select! {
                incoming = socket.incoming.recv() => Event::Incoming(incoming),
                loaded = load(&mut self.loading) => Event::Loaded(Box::new(loaded)),
                () = self.plan.source.arrived() => Event::Time,
                () = tokio::time::sleep_until(wake_at) => Event::Time,
                interrupted = tokio::signal::ctrl_c() => Event::Interrupted(interrupted),
            };
            match event {
                Event::Incoming(Some(Incoming::Text { text, at_ms })) => self.hear(&text, at_ms, outage)?,
                Event::Incoming(Some(Incoming::Closed(reason))) => return Ok(Over::Lost(reason)),
                Event::Incoming(None) => return Ok(Over::Lost("it ended".into())),
                Event::Loaded(loaded) => self.take_snapshot(*loaded)?,
                Event::Time => {}
                Event::Interrupted(interrupted) => {
                    interrupted.context("waiting for Ctrl-C")?;
                    self.interrupt()?;
                }
            }
        }
    }

    /// The first Ctrl-C ends the call, the second the program.
    fn interrupt(&mut self) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.interrupted, true) || self.plan.source.has_ended() {
            bail!("interrupted before the call's notes were in");
        }
        self.report.notice("ending the call; Ctrl-C again to leave at once");
        self.plan.source.cut();
        Ok(())
    }

    /// Hands the frames that are due to the outbox.
    fn take_frames(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        for notice in self.plan.source.notices() {
            self.report.notice(&notice);
        }
        while self.outbox.has_room() && self.plan.source.due().is_some_and(|due| due <= now) {
            match self.plan.source.next_frame().map_err(|error| Unusable(error.to_string()))? {
                Some(frame) => {
                    self.outbox.push(frame);
                    self.report.at(self.plan.source.position_ms(), self.plan.source.levels());
                }
                None => {
                    self.outbox.finish();
                    self.report.waiting_for("waiting for the last words and the notes");
                }
            }
        }
        Ok(())
    }

    fn next_message(&mut self) -> Option<ClientMessage> {
        let now = self.now();
        Some(match self.outbox.poll(now)? {
            Outgoing::Watch => {
                ClientMessage::Watch(WatchTarget { call: Some(self.plan.call.to_string()), calls: None })
            }
            Outgoing::Audio { seq, payload } => ClientMessage::Audio { seq, data: STANDARD.encode(payload) },
            Outgoing::Gone { from, to } => ClientMessage::Gone { from, to },
            Outgoing::Stop { seq } => ClientMessage::Stop { seq },
        })
    }

    /// Begins to load a snapshot where one is due, and looks by itself when all has been said and nothing comes.
    fn start_loading(&mut self) {
        let now = self.now();
        if self.plan.source.has_ended() && self.load_at.is_none() {
            self.load_at = Some(now + LOOK_AGAIN);
        }
        if self.loading.is_some() || self.load_at.is_none_or(|at| at > now) {
            return;
        }
        self.load_at = None;
        let (stack, call) = (self.plan.stack.clone(), self.plan.call.clone());
        self.loading = Some(Box::pin(async move { stack.snapshot(call.as_str()).await }));
    }

    /// Gives up on a stack that says nothing of the call, where that is all that is waited for.
    fn check_silence(&self) -> anyhow::Result<()> {
        let awaited = match (self.plan.source.has_ended(), self.outbox.has_room()) {
            (true, _) => "the end of the call",
            (false, false) => "an acknowledgement",
            (false, true) => return Ok(()),
        };
        if self.noted.is_some() {
            return Ok(());
        }
        let limit = SILENCE + Duration::from_millis(self.plan.audio_ms);
        if self.now().saturating_sub(self.heard) >= limit {
            let limit = limit.as_secs();
            bail!(
                "the stack said nothing for {limit} s while {awaited} was waited for: see its log, and `callboard doctor`"
            );
        }
        Ok(())
    }

    fn wake_at(&self) -> Duration {
        let now = self.now();
        let frame = self.plan.source.due().filter(|_| self.outbox.has_room());
        let load = self.load_at.filter(|_| self.loading.is_none());
        let earliest = [frame, self.outbox.timeout(), load].into_iter().flatten().min();
        earliest.unwrap_or(now + PING_AFTER).min(now + Duration::from_secs(1)).max(now)
    }

    fn is_done(&self) -> bool {
        let over = self.plan.source.has_ended() && self.view.has_ended() && self.view.has_notes();
        let waited = |since: Duration| self.now().saturating_sub(since) >= LATE_WORDS;
        over && !self.view.has_hole() && (self.view.has_all_words() || self.noted.is_some_and(waited))
    }

    fn summary(&self) -> Summary {
        let (segments, words) = self.view.segments_and_words();
        Summary {
            call: self.plan.call.to_string(),
            segments,
            words,
            cards: self.view.cards(),
            frames: self.plan.source.frames(),
            audio_ms: self.plan.source.position_ms(),
            latency_ms: if self.plan.live { Spread::of(self.delays_ms.clone()) } else { None },
            asr_ms: Spread::of(self.view.asr_ms()),
            errors: self.errors,
        }
    }
}
