//! One part of a recording: its utterances found, transcribed, redacted and written, section by section.
//!
//! Everything can be repeated: the same sections give the same utterances, and the first final segment wins. A section's
//! text is kept in memory until all of it is known, since what may be shown of a number is decided by what follows it;
//! so what is written depends on the section alone, however the recording was divided.

use std::sync::Arc;

use callboard_adapters::{ServiceError, table::Written};
use callboard_audio::{
    decode::DecodeError,
    endpoint::Spoken,
    keep::Keeper,
    recorded::{self, Options, Plan},
};
use callboard_domain::{
    Channel, Placeholder, Segment, SegmentTimes,
    recording::{Missing, Sound},
    redaction::{self, Pending, Redacted},
    settings::RedactionPolicy,
    speech::{Recognized, SpeechError, SpeechRequest, whole::HeardUtterance},
};
use callboard_runtime::{Stopwatch, speech::Hints};
use callboard_wire::items::RecordingItem;
use futures_util::{StreamExt as _, future::BoxFuture, stream};
use tokio::sync::mpsc;

use crate::{
    Context, WorkError,
    keep::{self, Listener},
    plan::{conclude, open},
    stages::Stages,
};

/// Events that the decoder may be ahead of the transcription service: with utterances of up to 15 s, 16 MB at most.
const AHEAD: usize = 32;
/// Segments that are written at once.
const WRITES: usize = 16;
/// How often progress is told, in milliseconds.
const TELL_MS: i64 = 2_000;
/// How often an utterance is asked for within one try of its part, where the service is busy.
const ASKS: u32 = 3;
/// The longest wait between two of these, in milliseconds.
const LONGEST_WAIT_MS: u64 = 20_000;
/// Of number words where nothing names a language.
const DEFAULT_LANGUAGE: &str = "en";

/// What the service made of an utterance, and when it was asked and answered.
type Heard = (usize, Spoken, Result<Recognized, SpeechError>, (i64, i64));

/// What comes out of the decoder, in order, with the words.
enum Step {
    Heard(Box<Heard>),
    End { index: u32, to_ms: u64, audio: Option<Keeper> },
    Rest(Keeper),
}

/// Works on a part. `last` says that what fails now is not tried again.
pub(crate) async fn work(item: &RecordingItem, part: usize, last: bool, context: &Context) -> Result<(), WorkError> {
    let recording = &item.recording;
    let (Some(sound), Some(open_part)) = (&recording.sound, recording.parts.get(part)) else {
        return Err(WorkError::Part);
    };
    if open_part.settled || recording.is_over() {
        return conclude(item, context).await;
    }
    let of = (&item.org, &item.call);
    context
        .calls
        .change_recording(of, context.clock.now_ms(), |it| it.advance(part, 0, context.clock.now_ms()))
        .await?;
    let missing = Box::pin(Worker::new(item, part, sound, last, context).await?.run()).await?;
    let settled =
        context.calls.change_recording(of, context.clock.now_ms(), |it| it.settle(part, missing.clone())).await?;
    match settled {
        Some(item) => conclude(&item, context).await,
        None => Ok(()),
    }
}

/// Writes what a service heard in a whole recording, whose only part is settled with it. `asked_ms` is when it was handed
/// over: wall clock, milliseconds since the Unix epoch.
pub(crate) async fn write_whole(
    item: &RecordingItem,
    heard: Vec<HeardUtterance>,
    asked_ms: i64,
    context: &Context,
) -> Result<(), WorkError> {
    let sound = item.recording.sound.as_ref().ok_or(WorkError::Part)?;
    let now_ms = context.clock.now_ms();
    let heard = heard.into_iter().map(|heard| {
        let HeardUtterance { channel, start_ms, end_ms, text, words } = heard;
        let at = Spoken { start_ms, end_ms, audio_start_ms: 0, pcm: Vec::new(), sample_rate: 0, closed_ms: end_ms };
        (channel, at, Ok(Recognized { text, words }), (asked_ms, now_ms))
    });
    let mut missing = Vec::new();
    let mut worker = Worker::new(item, 0, sound, true, context).await?;
    worker.settle_section(heard.collect(), None, (true, true), &mut missing).await?;
    let settled =
        context.calls.change_recording((&item.org, &item.call), now_ms, |it| it.settle(0, missing.clone())).await?;
    match settled {
        Some(item) => conclude(&item, context).await,
        None => Ok(()),
    }
}

/// A part was tried as often as is reasonable and never came to an end.
pub(crate) async fn give_up(item: &RecordingItem, part: usize, context: &Context) -> Result<(), WorkError> {
    let whole = item.recording.sound.as_ref().map_or(0, |sound| sound.duration_ms);
    let sections = item.recording.parts.get(part).map_or(0..0, |part| part.from..part.to);
    let at = |section: u32| (u64::from(section) * recorded::SECTION_MS).min(whole);
    let to_ms = if part + 1 == item.recording.parts.len() { whole } else { at(sections.end) };
    let reason = "it was worked on again and again, and never to its end".to_owned();
    let missing = vec![Missing { from_ms: at(sections.start), to_ms, reason }];
    let now_ms = context.clock.now_ms();
    let settled =
        context.calls.change_recording((&item.org, &item.call), now_ms, |it| it.settle(part, missing.clone())).await?;
    match settled {
        Some(item) => conclude(&item, context).await,
        None => Ok(()),
    }
}

/// One part in the hands of an environment.
struct Worker<'a> {
    item: &'a RecordingItem,
    part: usize,
    last: bool,
    channels: Vec<Channel>,
    mono: bool,
    hints: Arc<Hints>,
    context: &'a Context,
    stages: Stages,
    told_ms: i64,
}

impl<'a> Worker<'a> {
    async fn new(
        item: &'a RecordingItem,
        part: usize,
        sound: &Sound,
        last: bool,
        context: &'a Context,
    ) -> Result<Self, WorkError> {
        let now_ms = context.clock.now_ms();
        let known = context.hints.of(&item.org, &item.playbook, now_ms).await?;
        let language = item.recording.wish.language.clone().or_else(|| known.language.clone());
        let hints = Arc::new(Hints { language, terms: known.terms.clone(), redaction: known.redaction });
        let channels = item.recording.wish.channels_of(usize::from(sound.channels)).map_err(|_| WorkError::Part)?;
        let mono = channels.len() < usize::from(sound.channels);
        Ok(Self { item, part, last, channels, mono, hints, context, stages: Stages::default(), told_ms: now_ms })
    }

    /// Works through the part's sections; returns what of it has no text.
    async fn run(mut self) -> Result<Vec<Missing>, WorkError> {
        let recording = &self.item.recording;
        let range = recording.parts.get(self.part).map_or(0..0, |part| part.from..part.to);
        let whole = recording.sound.clone().unwrap_or_default();
        let plan = Plan {
            container: whole.container,
            codec: whole.codec,
            sample_rate: whole.sample_rate,
            channels: whole.channels,
            duration_ms: whole.duration_ms,
            sections: recording.parts.last().map_or(0, |part| part.to),
        };
        let end_ms = match range.end >= plan.sections {
            true => plan.duration_ms,
            false => u64::from(range.end) * recorded::SECTION_MS,
        };
        let span = (u64::from(range.start) * recorded::SECTION_MS, end_ms);
        let options = Options { mono: self.mono, audio: true };
        let format = (recorded::rate_for(plan.sample_rate), if self.mono { 1 } else { plan.channels });
        let (sender, receiver) = mpsc::channel(AHEAD);
        let stages = self.stages.clone();
        let decode = open(self.item, self.context, move |mut decoder| {
            let mut events = recorded::sections(&mut decoder, &plan, range, options)?;
            loop {
                let began = Stopwatch::start();
                let event = events.next();
                stages.decoded(began.elapsed());
                let Some(event) = event.transpose()? else { return Ok(()) };
                if sender.blocking_send(event).is_err() {
                    // Nobody listens any more: the part failed elsewhere.
                    return Ok(());
                }
            }
        });
        let mut missing = Vec::new();
        let (decoded, written) = tokio::join!(decode, self.write(Listener::new(receiver, format), span, &mut missing));
        let (open_from_ms, rest, audio) = written?;
        match decoded? {
            Ok(()) => {}
            Err(DecodeError::Source(error)) => return Err(WorkError::Source(error.to_string())),
            Err(error) => {
                // What was before the damage is written like a section that ends there.
                let from_ms = match &error {
                    DecodeError::Damaged { from_ms, .. } => (*from_ms).max(open_from_ms),
                    _ => open_from_ms,
                };
                self.settle_section(rest, audio, (open_from_ms == 0, false), &mut missing).await?;
                missing.push(Missing { from_ms, to_ms: end_ms.max(from_ms), reason: error.to_string() });
            }
        }
        self.stages.report(&self.item.call);
        Ok(missing)
    }

    /// Transcribes what comes from the decoder, and writes each section once all of it is known. Returns where the section
    /// begins that did not end, what was heard in it, and its audio.
    async fn write(
        &mut self,
        mut listener: Listener,
        (from_ms, to_ms): (u64, u64),
        missing: &mut Vec<Missing>,
    ) -> Result<(u64, Vec<Heard>, Option<Keeper>), WorkError> {
        let (context, hints, item, stages) = (self.context, self.hints.clone(), self.item, self.stages.clone());
        let events = stream::poll_fn(move |waker| listener.poll_next(waker));
        let steps = events.map(|event| -> BoxFuture<'_, Step> {
            match event {
                keep::Heard::Utterance { channel, spoken } => {
                    let heard = transcribe(channel, spoken, item, &hints, context, &stages);
                    Box::pin(async move { Step::Heard(Box::new(heard.await)) })
                }
                keep::Heard::End { index, to_ms, audio } => Box::pin(async move { Step::End { index, to_ms, audio } }),
                keep::Heard::Rest { audio } => Box::pin(async { Step::Rest(audio) }),
            }
        });
        let mut steps = steps.buffered(context.at_once);
        let (mut open, mut open_from_ms, mut rest) = (Vec::new(), from_ms, None);
        let sections = item.recording.parts.last().map_or(0, |part| part.to);
        while let Some(step) = steps.next().await {
            match step {
                Step::Heard(heard) => {
                    let at_ms = heard.1.end_ms;
                    open.push(*heard);
                    self.tell(at_ms.saturating_sub(from_ms), to_ms.saturating_sub(from_ms)).await?;
                }
                Step::End { index, to_ms, audio } => {
                    let section = std::mem::take(&mut open);
                    self.settle_section(section, audio, (index == 0, index + 1 == sections), missing).await?;
                    open_from_ms = to_ms;
                }
                Step::Rest(audio) => rest = Some(audio),
            }
        }
        Ok((open_from_ms, open, rest))
    }

    /// Tells now and then how far it is.
    async fn tell(&mut self, done_ms: u64, of_ms: u64) -> Result<(), WorkError> {
        let now_ms = self.context.clock.now_ms();
        if now_ms - self.told_ms < TELL_MS {
            return Ok(());
        }
        self.told_ms = now_ms;
        // The part is not done before it is settled.
        let thousandths = (done_ms * 1_000 / of_ms.max(1)).min(999) as u16;
        let of = (&self.item.org, &self.item.call);
        self.context.calls.change_recording(of, now_ms, |it| it.advance(self.part, thousandths, now_ms)).await?;
        Ok(())
    }

    /// Redacts and writes what was heard in a section, and its audio. The recording may begin and end with it.
    async fn settle_section(
        &mut self,
        section: Vec<Heard>,
        audio: Option<Keeper>,
        (begins, ends): (bool, bool),
        missing: &mut Vec<Missing>,
    ) -> Result<(), WorkError> {
        if let (false, Some(error)) = (self.last, section.iter().find_map(|heard| worth_a_retry(&heard.2))) {
            return Err(WorkError::Speech(error));
        }
        let language = self.hints.language.as_deref().unwrap_or(DEFAULT_LANGUAGE);
        let mut pending = vec![Pending::default(); self.channels.len()];
        if !begins {
            // What was before the border is not known here: what may be the end of a number stays masked.
            pending.iter_mut().for_each(|pending| drop(pending.interrupt()));
        }
        let mut shown: Vec<(usize, Redacted)> = Vec::new();
        let mut segments: Vec<Segment> = Vec::new();
        for (channel, spoken, recognized, times) in &section {
            let Some(&speaker) = self.channels.get(*channel) else { continue };
            let recognized = match recognized {
                Ok(recognized) => recognized,
                Err(error) => {
                    shown.extend(pending[*channel].interrupt().into_iter().map(|it| (*channel, it)));
                    segments.push(self.segment(speaker, spoken, None, *times));
                    let (from_ms, to_ms) = (spoken.start_ms, spoken.end_ms);
                    missing.push(Missing { from_ms, to_ms, reason: error.to_string() });
                    continue;
                }
            };
            if recognized.text.is_empty() {
                continue;
            }
            let words: Vec<_> =
                recognized.words.iter().cloned().map(|word| word.shifted(spoken.audio_start_ms)).collect();
            let (start_ms, text) = (spoken.start_ms, &recognized.text);
            if self.hints.redaction == RedactionPolicy::Off {
                shown.push((*channel, Redacted::unchanged(start_ms, text.clone(), words)));
            } else {
                let taken = redaction::take(&mut pending, *channel, start_ms, text, &words, language);
                shown.extend(taken.into_iter().map(|it| (*channel, it)));
            }
            segments.push(self.segment(speaker, spoken, Some(recognized), *times));
        }
        for (channel, pending) in pending.iter_mut().enumerate() {
            // What goes on behind the border is not known here: what may be the begin of a number stays masked.
            let settled = if ends { pending.finish() } else { pending.interrupt() };
            shown.extend(settled.into_iter().map(|it| (channel, it)));
        }
        for (channel, shown) in shown {
            let speaker = self.channels.get(channel);
            let of = |it: &&mut Segment| it.start_ms == shown.start_ms && Some(&it.channel) == speaker;
            if let Some(segment) = segments.iter_mut().find(of) {
                segment.text = shown.text;
                segment.words = shown.words;
                segment.masked = shown.spans;
            }
        }
        let began = Stopwatch::start();
        if let Some(audio) = audio {
            let policy = self.hints.redaction;
            keep::store(audio, self.item, &self.channels, &segments, policy, self.context).await?;
        }
        let (calls, item) = (&self.context.calls, self.item);
        let mut writes: Vec<BoxFuture<'_, Result<Written, ServiceError>>> = Vec::new();
        if !segments.is_empty() {
            let revisions = calls.take_revisions(&item.org, &item.call, segments.len() as u64).await?;
            for (segment, revision) in segments.iter().zip(revisions) {
                let written = calls.put_segment_as(segment, revision, &item.org, &item.principal, &item.playbook);
                writes.push(Box::pin(written));
            }
        }
        let written: Vec<_> = stream::iter(writes).buffer_unordered(WRITES).collect().await;
        written.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.stages.written(began.elapsed());
        Ok(())
    }

    /// An utterance's segment, its text to be redacted yet; one that says that there is none, if nothing was recognized.
    fn segment(
        &self,
        channel: Channel,
        spoken: &Spoken,
        recognized: Option<&Recognized>,
        (asked_ms, now_ms): (i64, i64),
    ) -> Segment {
        let spoken_ms = self.item.started_at_ms.saturating_add_unsigned(spoken.end_ms);
        let placeholder = recognized.is_none().then_some(Placeholder::Failed);
        Segment {
            call: self.item.call.clone(),
            channel,
            start_ms: spoken.start_ms,
            end_ms: spoken.end_ms,
            text: placeholder.map_or_else(String::new, |placeholder| placeholder.text().to_owned()),
            words: Vec::new(),
            is_final: recognized.is_some(),
            placeholder,
            masked: Vec::new(),
            provisional: false,
            times: SegmentTimes {
                spoken: spoken_ms,
                received: asked_ms,
                transcribed: now_ms,
                stored: now_ms,
                pushed: None,
                closing_ms: spoken.closed_ms.saturating_sub(spoken.end_ms),
                asr_ms: u64::try_from(now_ms - asked_ms).unwrap_or_default(),
            },
        }
    }
}

/// Asks the service for an utterance, again where it is busy for a moment.
async fn transcribe(
    channel: usize,
    spoken: Spoken,
    item: &RecordingItem,
    hints: &Hints,
    context: &Context,
    stages: &Stages,
) -> Heard {
    let began = Stopwatch::start();
    let asked_ms = context.clock.now_ms();
    let wish = &item.recording.wish;
    let request = SpeechRequest {
        pcm: &spoken.pcm,
        sample_rate: spoken.sample_rate,
        language: hints.language.as_deref(),
        terms: &hints.terms,
        context: &[],
        model: wish.model.as_deref(),
        prompt: wish.prompt.as_deref(),
    };
    let mut asks = 1;
    let heard = loop {
        match context.speech.transcribe(request).await {
            Err(SpeechError::Busy { retry_after_ms }) if asks < ASKS => {
                let wait_ms = retry_after_ms.unwrap_or(1_000).min(LONGEST_WAIT_MS);
                tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
                asks += 1;
            }
            heard => break heard,
        }
    };
    stages.recognized(began.elapsed());
    (channel, spoken, heard, (asked_ms, context.clock.now_ms()))
}

/// The error of an utterance that the service may still do. What it refuses, it refuses again.
fn worth_a_retry(heard: &Result<Recognized, SpeechError>) -> Option<SpeechError> {
    match heard {
        Err(SpeechError::Refused(_)) | Ok(_) => None,
        Err(error) => Some(error.clone()),
    }
}
