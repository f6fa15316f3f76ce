//! Frames of live calls, put aside as they came: batches of the frame stream in, one object a call and batch out.
//!
//! It waits for a batch of a minute, and knows nothing of what a call is. Where one may have ended, it asks for its audio
//! to be made of its frames: `recordings` does. A batch that comes again writes the same objects.

use std::collections::BTreeMap;

use aws_lambda_events::{
    kinesis::{KinesisEvent, KinesisEventRecord},
    streams::{KinesisBatchItemFailure, KinesisEventResponse},
};
use callboard_adapters::{
    ServiceError,
    audio::{self, AudioStore},
    queue::WorkQueue,
};
use callboard_domain::{CallId, OrgId};
use callboard_runtime::{
    SettingError, Start,
    watch::{call_span, trace},
};
use callboard_wire::{
    frames::{self, Place},
    record::{Event, Record},
    work::{Task, Work},
};
use futures_util::{StreamExt as _, stream};
use tracing::Instrument as _;

/// Calls of one batch that are written at once.
const CALLS_AT_ONCE: usize = 8;
/// Longest that Lambda lets a batch wait, in seconds.
const LONGEST_WINDOW_S: u64 = 300;
/// What is in the stream so much later than it was received was taken up again, in milliseconds: its call may have ended
/// long ago.
const LATE_MS: i64 = 10 * 60_000;

/// What the function needs.
#[derive(Debug)]
pub struct Context {
    /// Where frames go.
    pub audio: AudioStore,
    /// Where it is asked for the audio of calls.
    pub work: WorkQueue,
    /// How long that waits, in seconds.
    pub delay_s: u64,
}

impl Context {
    /// Reads `AUDIO_BUCKET`, `WORK_QUEUE_URL` and `KEEP_WINDOW_SECONDS`, for which a batch waits (60 by default, at most
    /// 300).
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let name = "KEEP_WINDOW_SECONDS";
        let window_s: u64 = start.settings.parsed(name, 60)?;
        if window_s > LONGEST_WINDOW_S {
            return Err(SettingError::malformed(name, format!("use at most {LONGEST_WINDOW_S} seconds")));
        }
        Ok(Self {
            audio: AudioStore::new(audio::client(&start.sdk), start.settings.required("AUDIO_BUCKET")?),
            work: WorkQueue::new(aws_sdk_sqs::Client::new(&start.sdk), start.settings.required("WORK_QUEUE_URL")?),
            // What still comes of a call after its end waits as long as its end did.
            delay_s: 2 * window_s,
        })
    }
}

/// What a batch brings of one call.
#[derive(Debug, PartialEq, Eq)]
struct Share {
    org: OrgId,
    call: CallId,
    /// When the first record was received: wall clock, ms.
    received_ms: i64,
    /// Which of the batch its records are, in order.
    places: Vec<usize>,
    /// Whether the call's audio may be made now.
    may_be_over: bool,
    /// The trace of the last record that has one.
    trace: Option<String>,
}

/// Takes a batch. The lowest record that could not be put aside is reported, and all from there on comes again.
///
/// # Errors
/// None: failures are reported record by record.
pub async fn handle(event: KinesisEvent, context: &Context) -> Result<KinesisEventResponse, ServiceError> {
    let records = &event.records;
    let (shares, mut failed) = shares(records);
    let kept = shares.into_iter().map(|share| async move {
        let span = call_span(&share.org, &share.call, share.trace.as_deref());
        let kept = keep(&share, records, context).instrument(span).await;
        (share, kept)
    });
    let kept: Vec<_> = stream::iter(kept).buffer_unordered(CALLS_AT_ONCE).collect().await;
    for (share, kept) in kept {
        if let Err(error) = kept {
            tracing::error!(%error, call.id = %share.call, records = share.places.len(), "frames not put aside");
            failed = failed.into_iter().chain(share.places.first().copied()).min();
        }
    }
    let mut response = KinesisEventResponse::default();
    if let Some(at) = failed {
        let mut failure = KinesisBatchItemFailure::default();
        failure.item_identifier = records.get(at).map(|record| record.kinesis.sequence_number.clone());
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

/// What a batch brings, call by call, up to the first record that is none; and the index of that.
fn shares(records: &[KinesisEventRecord]) -> (Vec<Share>, Option<usize>) {
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        let decoded = match Record::decode(&record.kinesis.data) {
            Ok(decoded) => decoded,
            // Written by a version of this code that is not this one, or damaged. Retried, then kept in the bucket.
            Err(error) => {
                tracing::error!(%error, record.sequence = %record.kinesis.sequence_number, "record refused");
                return (shares.into_values().collect(), Some(at));
            }
        };
        let key = decoded.partition_key();
        let header = decoded.header;
        if header.event == Event::Disconnected && !header.may_end() {
            // It changes nothing, and may come when the call was removed.
            continue;
        }
        let arrived_ms = record.kinesis.approximate_arrival_timestamp.timestamp_millis();
        let may_be_over = header.may_end() || arrived_ms.saturating_sub(header.received_ms) >= LATE_MS;
        let share = shares.entry(key).or_insert(Share {
            org: header.org,
            call: header.call,
            received_ms: header.received_ms,
            places: Vec::new(),
            may_be_over: false,
            trace: None,
        });
        share.places.push(at);
        share.may_be_over |= may_be_over;
        share.trace = header.trace.or(share.trace.take());
    }
    (shares.into_values().collect(), None)
}

/// Puts aside what came of one call, and asks for its audio where it may be over.
async fn keep(share: &Share, records: &[KinesisEventRecord], context: &Context) -> Result<(), ServiceError> {
    let of_call: Vec<&KinesisEventRecord> = share.places.iter().filter_map(|at| records.get(*at)).collect();
    let (Some(first), Some(last)) = (of_call.first(), of_call.last()) else { return Ok(()) };
    let place = Place {
        received_ms: share.received_ms,
        shard: shard_of(first),
        first: &first.kinesis.sequence_number,
        last: &last.kinesis.sequence_number,
    };
    let key = frames::frames_key(&share.org, &share.call, place);
    let bytes = frames::to_bytes(of_call.iter().map(|record| record.kinesis.data.as_slice()));
    context.audio.put(&key, bytes).await?;
    if share.may_be_over {
        let work = Work::new(&share.org, &share.call, Task::Keep { asked: 0 }, trace());
        context.work.send(&work, context.delay_s).await?;
    }
    Ok(())
}

/// An event's id is the shard's, a colon, and the sequence number.
fn shard_of(record: &KinesisEventRecord) -> &str {
    let id = record.event_id.as_deref().unwrap_or_default();
    id.split(':').next().unwrap_or_default()
}

/// Why frames could not be put aside.
pub type Error = ServiceError;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> KinesisEvent {
        serde_json::from_str(include_str!("../../../events/keep.json")).unwrap()
    }

    #[test]
    fn the_sample_event_is_the_end_of_a_call() {
        let event = sample();
        assert_eq!(shard_of(&event.records[0]), "shardId-000000000006");
        let events = event.records.iter().map(|record| Record::decode(&record.kinesis.data).unwrap().header.event);
        assert_eq!(events.collect::<Vec<_>>(), [Event::Audio { seq: 7 }, Event::Stop { seq: 7 }]);
    }

    /// The sample's frame, as of another call or time; something else that happened to a call; or no record at all.
    enum Came {
        Frame { call: char, late_ms: i64 },
        Other { call: char, event: Event },
        Damaged,
    }

    /// Takes what came, and tells of each call its letter, which records came of it, and whether it may be over.
    #[track_caller]
    fn check(came: &[Came], expected: &[(char, &[usize], bool)], damaged_at: Option<usize>) {
        let frame = sample().records[0].clone();
        let records = came.iter().map(|came| {
            let mut record = frame.clone();
            let mut decoded = Record::decode(&record.kinesis.data).unwrap();
            let arrived_ms = record.kinesis.approximate_arrival_timestamp.timestamp_millis();
            let id = |letter: &char| CallId::parse(&format!("01ARZ3NDEKTSV4RRFFQ69G5FA{letter}")).unwrap();
            match came {
                Came::Frame { call, late_ms } => {
                    decoded.header.call = id(call);
                    decoded.header.received_ms = arrived_ms - late_ms;
                }
                Came::Other { call, event } => {
                    decoded.header.call = id(call);
                    decoded.header.event = event.clone();
                    decoded.payload.clear();
                }
                Came::Damaged => {}
            }
            record.kinesis.data.0 = if matches!(came, Came::Damaged) { vec![9] } else { decoded.encode() };
            record
        });
        let records: Vec<_> = records.collect();
        let (shares, failed) = shares(&records);
        let told = shares
            .iter()
            .map(|share| (share.call.to_string().chars().last().unwrap(), share.places.clone(), share.may_be_over));
        let expected: Vec<_> = expected.iter().map(|(call, places, over)| (*call, places.to_vec(), *over)).collect();
        assert_eq!((told.collect::<Vec<_>>(), failed), (expected, damaged_at));
    }

    #[test]
    fn each_call_is_put_aside_by_itself() {
        let frame = |call| Came::Frame { call, late_ms: 40 };
        check(&[], &[], None);
        check(&[frame('A'), frame('B'), frame('A')], &[('A', &[0, 2], false), ('B', &[1], false)], None);
        let stop = Came::Other { call: 'B', event: Event::Stop { seq: 7 } };
        check(&[frame('A'), stop, frame('B')], &[('A', &[0], false), ('B', &[1, 2], true)], None);
    }

    #[test]
    fn who_may_come_back_changes_nothing_by_leaving() {
        let other = |event| Came::Other { call: 'A', event };
        check(&[other(Event::Disconnected)], &[], None);
        check(&[other(Event::Connected), other(Event::Disconnected)], &[('A', &[0], false)], None);
    }

    #[test]
    fn what_was_taken_up_again_may_be_of_a_call_that_is_over() {
        let late = |late_ms| Came::Frame { call: 'A', late_ms };
        check(&[late(LATE_MS - 1)], &[('A', &[0], false)], None);
        check(&[late(LATE_MS), late(0)], &[('A', &[0, 1], true)], None);
    }

    #[test]
    fn what_is_behind_a_damaged_record_comes_again() {
        let frame = |call| Came::Frame { call, late_ms: 40 };
        check(&[frame('A'), Came::Damaged, frame('A'), Came::Damaged], &[('A', &[0], false)], Some(1));
        check(&[Came::Damaged], &[], Some(0));
    }
}
