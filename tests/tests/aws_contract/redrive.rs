//! What Lambda gave up, taken up again: read from a bucket, put into its stream or told by its table once more.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use callboard_adapters::{
    audio::AudioStore,
    redrive::{Redrive, Replayed},
};
use callboard_tests::new_call;
use callboard_wire::record::Record;
use serde_json::{Value, json};

use crate::{
    backend::{Shared, now_ms},
    kinesis::{STREAM, frame, shards},
};

const BUCKET: &str = "failedbatchesbucket";

/// Puts a batch there as Lambda does.
async fn give_up(backend: &Shared, key: &str, info: &str, resource: &str, first: &str, records: &[Value]) {
    let object = json!({
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        info: {"streamArn": format!("arn:aws:{resource}"), "shardId": "shardId-0", "startSequenceNumber": first},
        "payload": json!({"Records": records}).to_string(),
    });
    let store = AudioStore::new(backend.s3(), BUCKET);
    store.put(&format!("aws/lambda/{key}"), object.to_string().into_bytes()).await.unwrap();
}

pub(crate) async fn batches_of_frames(backend: Shared) {
    let call = new_call();
    let record = |seq| {
        let record = frame(&call, seq);
        json!({"kinesis": {"partitionKey": record.partition_key(), "data": BASE64_STANDARD.encode(record.encode())}})
    };
    let resource = format!("kinesis:eu-central-1:123456789012:stream/{STREAM}");
    // Written in another order than they stood in the stream.
    for (key, first, seqs) in [("1", "100", [2, 3]), ("2", "99", [0, 1])] {
        give_up(&backend, key, "KinesisBatchInfo", &resource, first, &seqs.map(record)).await;
    }
    let redrive = Redrive::new(&backend.sdk);
    let batches = redrive.batches(BUCKET).await.unwrap();
    assert_eq!(batches, ["aws/lambda/2", "aws/lambda/1"]);
    for batch in &batches {
        assert_eq!(redrive.replay(BUCKET, batch, now_ms()).await, Ok(Replayed { records: 2, items: 0 }));
    }
    assert_eq!(redrive.batches(BUCKET).await, Ok(Vec::new()));
    let key = frame(&call, 0).partition_key();
    let stored =
        shards(&backend).await.into_values().flatten().filter(|record| record.partition_key.as_deref() == Some(&key));
    let seen: Vec<Record> = stored.map(|record| Record::decode(record.data.as_ref()).unwrap()).collect();
    assert_eq!(seen, (0..4).map(|seq| frame(&call, seq)).collect::<Vec<_>>());
}

pub(crate) async fn batches_of_items(backend: Shared) {
    let table = backend.table("CallsTable");
    table.put(&json!({"pk": "redrive", "sk": "CALL", "status": "live"})).await.unwrap();
    let record = |sk: &str| json!({"dynamodb": {"Keys": {"pk": {"S": "redrive"}, "sk": {"S": sk}}}});
    let resource = "dynamodb:eu-central-1:123456789012:table/CallsTable/stream/2026-11-25T00:00:00.000";
    give_up(&backend, "1", "DDBStreamBatchInfo", resource, "1", &[record("CALL"), record("GONE")]).await;
    let redrive = Redrive::new(&backend.sdk);
    // What is gone is not made again.
    let replayed = redrive.replay(BUCKET, "aws/lambda/1", 1_234).await;
    assert_eq!(replayed, Ok(Replayed { records: 0, items: 1 }));
    let item = json!({"pk": "redrive", "sk": "CALL", "status": "live", "redriven_at": 1_234});
    assert_eq!(table.get("redrive", "CALL").await, Ok(Some(item)));
    assert_eq!(table.get::<Value>("redrive", "GONE").await, Ok(None));
}
