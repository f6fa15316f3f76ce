//! Batches of many calls, as a busy shard has them: what the function that transcribes holds at once then.

use std::path::Path;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use callboard_audio::{Encoding, Format, encode::Encoder};
use callboard_domain::{CallId, Channel};
use callboard_wire::record::{Event, Header, Record};
use hound::WavReader;
use serde_json::Value;
use ulid::Ulid;

/// Calls of a batch.
pub(super) const CALLS: usize = 100;
/// Longest frame that a capture client makes, in milliseconds.
const FRAME_MS: u64 = 1_000;

/// Batches that follow each other: in each, the next frame of every call. All of them are the demo call, in Opus.
///
/// # Errors
/// The sample event has no record, or the demo call cannot be read.
pub(super) fn batches(sample: &[u8], demo: &Path) -> anyhow::Result<Vec<Bytes>> {
    let mut event: Value = serde_json::from_slice(sample).context("the sample event is no JSON")?;
    let record = event["Records"][0].take();
    let data = record["kinesis"]["data"].as_str().context("the sample event has no record")?;
    let Record { header, .. } = Record::decode(&STANDARD.decode(data)?)?;
    let header = Header {
        channels: vec![Channel::Agent, Channel::Customer],
        format: Format { encoding: Encoding::Opus, sample_rate: 16_000, channels: 2 },
        ..header
    };
    let mut encoder = Encoder::new(header.format, FRAME_MS).context("the frames cannot be made")?;
    let reader = WavReader::open(demo).with_context(|| format!("{} cannot be read", demo.display()))?;
    let spec = reader.spec();
    ensure!((spec.sample_rate, spec.channels) == (16_000, 2), "{} is not the demo call", demo.display());
    encoder.push(&reader.into_samples::<i16>().collect::<Result<Vec<_>, _>>()?);
    encoder.finish();
    let calls = (0..CALLS).map(|_| CallId::parse(&Ulid::generate().to_string()));
    let calls = calls.collect::<Result<Vec<_>, _>>()?;
    let mut batches = Vec::new();
    let mut samples = 0;
    for seq in 1.. {
        let Some(frame) = encoder.pop() else { break };
        samples += frame.samples;
        let received_ms = header.received_ms + i64::try_from(header.format.samples_to_ms(samples))?;
        let records = calls.iter().map(|call| {
            let header = Header { call: call.clone(), event: Event::Audio { seq }, received_ms, ..header.clone() };
            let written = Record { header, payload: frame.payload.clone() };
            let mut record = record.clone();
            record["kinesis"]["partitionKey"] = written.partition_key().into();
            record["kinesis"]["data"] = STANDARD.encode(written.encode()).into();
            record
        });
        event["Records"] = records.collect();
        batches.push(Bytes::from(event.to_string()));
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use callboard_audio::{Frame, Poll, Session};

    use super::*;
    use crate::bench::talk;

    #[test]
    fn each_batch_has_the_next_frame_of_every_call() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let sample = std::fs::read(project.join("events/transcribe.json")).unwrap();
        let batches = batches(&sample, &talk::demo(&project)).unwrap();
        assert!(batches.len() > 20, "{}", batches.len());
        let (mut session, mut utterances) = (None, 0);
        for (at, batch) in batches.iter().enumerate() {
            let batch: Value = serde_json::from_slice(batch).unwrap();
            let records = batch["Records"].as_array().unwrap();
            let mut calls = std::collections::BTreeSet::new();
            for record in records {
                let data = STANDARD.decode(record["kinesis"]["data"].as_str().unwrap()).unwrap();
                let Record { header, payload } = Record::decode(&data).unwrap();
                assert_eq!(header.event, Event::Audio { seq: at as u32 + 1 });
                assert_eq!(header.format.validate_frame(&payload), Ok(()));
                if calls.insert(header.call.to_string()) && calls.len() == 1 {
                    let session = session.get_or_insert_with(|| Session::new(header.format));
                    let (key, received_ms) = (header.frame_key().unwrap(), header.received_ms);
                    session.hear(Frame { key, received_ms, payload });
                    while let Poll::Utterance(_) = session.poll() {
                        utterances += 1;
                    }
                }
            }
            assert_eq!(calls.len(), CALLS);
        }
        assert!(utterances > 5, "{utterances}");
    }
}
