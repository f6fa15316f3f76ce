//! Audio of a recording that is kept: the minutes of each section, written once all is known that must not be heard in
//! them; and the uploaded file, which goes when all was made of it.

use std::task::{self, Poll, ready};

use callboard_adapters::ServiceError;
use callboard_audio::{
    endpoint::Spoken,
    keep::{Keeper, Silence},
    recorded::Event,
};
use callboard_domain::{
    Channel, Segment,
    recording::RecordingState,
    redaction::{Span, silenced},
    settings::RedactionPolicy,
};
use callboard_wire::{
    items::{RecordingItem, source_key},
    kept::{kept_key, kept_prefix},
};
use tokio::sync::mpsc;

use crate::Context;

/// What minutes are.
pub(crate) const WAV: &str = "audio/wav";

/// What comes out of the decoder, its samples put aside.
pub(crate) enum Heard {
    Utterance {
        channel: usize,
        spoken: Spoken,
    },
    /// A section ended, with its audio.
    End {
        index: u32,
        to_ms: u64,
        audio: Option<Keeper>,
    },
    /// The decoder broke off, with the audio of a section that did not end.
    Rest {
        audio: Keeper,
    },
}

/// Listens to the decoder, and puts samples aside until their section ends.
pub(crate) struct Listener {
    receiver: mpsc::Receiver<Event>,
    /// Samples a second, in Hz, and channels.
    format: (u32, u8),
    audio: Option<Keeper>,
}

impl Listener {
    pub(crate) fn new(receiver: mpsc::Receiver<Event>, format: (u32, u8)) -> Self {
        Self { receiver, format, audio: None }
    }

    /// What comes next; none when that is all.
    pub(crate) fn poll_next(&mut self, waker: &mut task::Context<'_>) -> Poll<Option<Heard>> {
        loop {
            match ready!(self.receiver.poll_recv(waker)) {
                Some(Event::Audio { start_ms, samples }) => {
                    let (sample_rate, channels) = self.format;
                    let keeper = self.audio.get_or_insert_with(|| Keeper::new(sample_rate, channels, start_ms));
                    keeper.push(samples);
                }
                Some(Event::Utterance { channel, spoken }) => {
                    return Poll::Ready(Some(Heard::Utterance { channel, spoken }));
                }
                Some(Event::SectionEnd { index, to_ms, .. }) => {
                    return Poll::Ready(Some(Heard::End { index, to_ms, audio: self.audio.take() }));
                }
                None => return Poll::Ready(self.audio.take().map(|audio| Heard::Rest { audio })),
            }
        }
    }
}

/// Writes a section's audio, silent where it must be. `speakers` are who speaks on its channels, `segments` all that was
/// said in it.
pub(crate) async fn store(
    mut audio: Keeper,
    item: &RecordingItem,
    speakers: &[Channel],
    segments: &[Segment],
    policy: RedactionPolicy,
    context: &Context,
) -> Result<(), ServiceError> {
    if policy == RedactionPolicy::MaskAndDropAudio {
        audio.silence(segments.iter().flat_map(|segment| silences(segment, speakers)));
    }
    while let Some(minute) = audio.finish() {
        let key = kept_key(&item.org, &item.call, minute.from_ms, minute.to_ms);
        context.audio.put_kept(&key, WAV, minute.bytes).await?;
    }
    Ok(())
}

/// What must not be heard of a segment; `speakers` are who speaks on the audio's channels. Where its words are not known, nobody knows what is in it.
pub(crate) fn silences(segment: &Segment, speakers: &[Channel]) -> Vec<Silence> {
    let Some(channel) = speakers.iter().position(|speaker| *speaker == segment.channel) else { return Vec::new() };
    let whole = |kind| vec![Span { kind, time_ms: None }];
    let masked = match segment.placeholder {
        Some(_) => whole(callboard_domain::redaction::Kind::Number),
        None => segment.masked.clone(),
    };
    let spans = silenced(segment.start_ms, segment.end_ms, &masked);
    spans.into_iter().map(|(from_ms, to_ms)| Silence { channel, from_ms, to_ms }).collect()
}

/// Removes the uploaded file of a recording that is done, unless its organization keeps it, or some of it is nowhere else.
pub(crate) async fn forget_source(item: &RecordingItem, context: &Context) -> Result<(), ServiceError> {
    if item.recording.state != RecordingState::Done {
        return Ok(());
    }
    let settings = context.orgs.settings(&item.org).await?;
    if settings.keeps_source() {
        return Ok(());
    }
    if settings.redaction != RedactionPolicy::MaskAndDropAudio && !is_kept(item, context).await? {
        return Ok(());
    }
    context.audio.delete(&source_key(&item.org, &item.call)).await
}

/// Whether all of a recording is kept in minutes, as far as is known.
async fn is_kept(item: &RecordingItem, context: &Context) -> Result<bool, ServiceError> {
    if !item.recording.missing().is_empty() {
        return Ok(false);
    }
    let prefix = kept_prefix(&item.org, &item.call);
    Ok(!context.audio.list(&prefix, None, Some(1)).await?.is_empty())
}

#[cfg(test)]
mod tests {
    use callboard_domain::{CallId, Placeholder, SegmentTimes, redaction::Kind};
    use futures_util::{StreamExt as _, stream};

    use super::*;

    #[track_caller]
    fn check(channel: Channel, placeholder: Option<Placeholder>, times: &[Option<(u64, u64)>], expected: &[Silence]) {
        let segment = Segment {
            call: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            channel,
            start_ms: 1_000,
            end_ms: 9_000,
            text: String::new(),
            words: Vec::new(),
            is_final: placeholder.is_none(),
            placeholder,
            masked: times.iter().map(|time_ms| Span { kind: Kind::Card, time_ms: *time_ms }).collect(),
            provisional: false,
            times: SegmentTimes::default(),
        };
        assert_eq!(silences(&segment, &[Channel::Agent, Channel::Customer]), expected);
        assert_eq!(silences(&segment, &[]), []);
    }

    #[test]
    fn what_is_masked_is_silent_on_its_channel_and_so_is_what_nobody_knows() {
        let silence = |channel, from_ms, to_ms| Silence { channel, from_ms, to_ms };
        check(Channel::Agent, None, &[], &[]);
        check(Channel::Customer, None, &[Some((2_000, 3_000))], &[silence(1, 1_880, 3_120)]);
        check(Channel::Agent, None, &[None], &[silence(0, 880, 9_120)]);
        check(Channel::Agent, Some(Placeholder::Failed), &[], &[silence(0, 880, 9_120)]);
    }

    #[tokio::test]
    async fn samples_wait_for_the_end_of_their_section() {
        let (sender, receiver) = mpsc::channel(8);
        let second = |start_ms| Event::Audio { start_ms, samples: vec![7; 8_000] };
        for event in [
            second(0),
            second(1_000),
            Event::SectionEnd { index: 0, from_ms: 0, to_ms: 2_000 },
            Event::SectionEnd { index: 1, from_ms: 2_000, to_ms: 2_000 },
            second(2_000),
        ] {
            sender.send(event).await.unwrap();
        }
        drop(sender);
        let mut listener = Listener::new(receiver, (8_000, 1));
        let mut heard = stream::poll_fn(|waker| listener.poll_next(waker));
        let times = |mut audio: Keeper| audio.finish().map(|minute| (minute.from_ms, minute.to_ms));
        let Some(Heard::End { index: 0, audio: Some(audio), .. }) = heard.next().await else { panic!("no audio") };
        assert_eq!(times(audio), Some((0, 2_000)));
        let Some(Heard::End { index: 1, audio: None, .. }) = heard.next().await else { panic!("audio of nothing") };
        let Some(Heard::Rest { audio }) = heard.next().await else { panic!("nothing left") };
        assert_eq!(times(audio), Some((2_000, 3_000)));
        assert!(heard.next().await.is_none());
    }
}
