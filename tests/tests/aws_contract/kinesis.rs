//! The frame stream: what is appended is read in the order of its call, from where a reader stands.

use std::collections::BTreeMap;

use aws_sdk_kinesis::{
    primitives::Blob,
    types::{Record as Stored, ShardIteratorType},
};
use callboard_adapters::frames::FrameStream;
use callboard_audio::{Encoding, Format};
use callboard_domain::{CallId, Channel, OrgId, PlaybookId};
use callboard_tests::new_call;
use callboard_wire::record::{Event, Header, Record};

use crate::{backend::Shared, dynamodb::is_refused};

pub(crate) const STREAM: &str = "FrameStream";

pub(crate) fn frame(call: &str, seq: u32) -> Record {
    let header = Header {
        org: OrgId::parse("acme").unwrap(),
        call: CallId::parse(call).unwrap(),
        connection: Some("c1".into()),
        principal: "desk-1".into(),
        playbook: PlaybookId::parse("sales").unwrap(),
        channels: vec![Channel::Agent],
        format: Format { encoding: Encoding::PcmS16le, sample_rate: 8_000, channels: 1 },
        received_ms: i64::from(seq) * 80,
        resumable: true,
        event: Event::Audio { seq },
        trace: None,
    };
    Record { header, payload: vec![7; 1280] }
}

/// The records of a shard from there on, and where a reader stands then.
async fn read(backend: &Shared, shard: &str, from: ShardIteratorType, number: Option<&str>) -> (Vec<Stored>, String) {
    let client = backend.kinesis();
    let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id(shard).shard_iterator_type(from);
    let iterator = iterator.set_starting_sequence_number(number.map(str::to_owned)).send().await.unwrap();
    read_on(backend, iterator.shard_iterator().unwrap(), None).await
}

async fn read_on(backend: &Shared, iterator: &str, limit: Option<i32>) -> (Vec<Stored>, String) {
    let read = backend.kinesis().get_records().shard_iterator(iterator).set_limit(limit).send().await.unwrap();
    (read.records, read.next_shard_iterator.unwrap())
}

/// Every shard with all of its records.
pub(crate) async fn shards(backend: &Shared) -> BTreeMap<String, Vec<Stored>> {
    let listed = backend.kinesis().list_shards().stream_name(STREAM).send().await.unwrap();
    let mut shards = BTreeMap::new();
    for shard in listed.shards() {
        let (records, _) = read(backend, &shard.shard_id, ShardIteratorType::TrimHorizon, None).await;
        shards.insert(shard.shard_id.clone(), records);
    }
    shards
}

pub(crate) async fn order_within_a_call(backend: Shared) {
    let stream = FrameStream::new(backend.kinesis(), STREAM);
    let calls: Vec<String> = (0..8).map(|_| new_call()).collect();
    for seq in 0..5 {
        for call in &calls {
            stream.append(&frame(call, seq)).await.unwrap();
        }
    }
    let listed = backend.kinesis().list_shards().stream_name(STREAM).send().await.unwrap();
    assert_eq!(listed.shards().len(), 3);
    let ranges: BTreeMap<&str, (u128, u128)> = listed
        .shards()
        .iter()
        .map(|shard| {
            let range = shard.hash_key_range().unwrap();
            (shard.shard_id(), (range.starting_hash_key.parse().unwrap(), range.ending_hash_key.parse().unwrap()))
        })
        .collect();
    let shards = shards(&backend).await;
    for call in &calls {
        let key = frame(call, 0).partition_key();
        // The key's digest says which shard it is.
        let hash = u128::from_be_bytes(md5::compute(&key).0);
        let (shard, _) = ranges.iter().find(|(_, (first, last))| (first..=last).contains(&&hash)).unwrap();
        let of_call = shards[*shard].iter().filter(|record| record.partition_key.as_deref() == Some(&key));
        let sequence: Vec<Record> = of_call.map(|record| Record::decode(record.data.as_ref()).unwrap()).collect();
        assert_eq!(sequence, (0..5).map(|seq| frame(call, seq)).collect::<Vec<_>>());
    }
    for records in shards.values() {
        // Numbers, however long.
        let numbers = records.iter().map(|record| (record.sequence_number.len(), &record.sequence_number));
        let numbers: Vec<(usize, &String)> = numbers.collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert!(records.iter().all(|record| record.approximate_arrival_timestamp.is_some()));
    }
    let sent = FrameStream::new(backend.kinesis(), "NoStream").append(&frame(&calls[0], 0)).await;
    assert!(is_refused(&sent, "ResourceNotFoundException"), "{sent:?}");
}

pub(crate) async fn iterators(backend: Shared) {
    let client = backend.kinesis();
    let put = async |data: String| {
        let put = client.put_record().stream_name(STREAM).partition_key("iterators").data(Blob::new(data));
        let put = put.send().await.unwrap();
        (put.shard_id, put.sequence_number)
    };
    let data = |records: &[Stored]| -> Vec<String> {
        let own = records.iter().filter(|record| record.partition_key.as_deref() == Some("iterators"));
        own.map(|record| String::from_utf8(record.data.as_ref().to_vec()).unwrap()).collect()
    };
    let (shard, first) = put("0".to_owned()).await;
    for number in 1..6 {
        assert_eq!(put(number.to_string()).await.0, shard);
    }
    let (all, end) = read(&backend, &shard, ShardIteratorType::AtSequenceNumber, Some(&first)).await;
    assert_eq!(data(&all), ["0", "1", "2", "3", "4", "5"]);
    let (after, _) =
        read(&backend, &shard, ShardIteratorType::AfterSequenceNumber, Some(&all[2].sequence_number)).await;
    assert_eq!(data(&after), ["3", "4", "5"]);
    let (latest, newest) = read(&backend, &shard, ShardIteratorType::Latest, None).await;
    assert!(latest.is_empty());

    // A reader goes on from where it stands, however little it takes at once.
    put("6".to_owned()).await;
    for place in [&end, &newest] {
        assert_eq!(data(&read_on(&backend, place, None).await.0), ["6"]);
    }
    let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id(&shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::AtSequenceNumber).starting_sequence_number(first);
    let mut place = iterator.send().await.unwrap().shard_iterator.unwrap();
    let mut found = Vec::new();
    for _ in 0..4 {
        let (records, next) = read_on(&backend, &place, Some(2)).await;
        assert!(records.len() <= 2);
        found.extend(records);
        place = next;
    }
    assert_eq!(data(&found), ["0", "1", "2", "3", "4", "5", "6"]);
}
