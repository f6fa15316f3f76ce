//! What buckets tell queues: a message for every object that was created.

use http::Method;
use http_body_util::BodyExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s3s::Body;
use serde_json::json;

use super::{
    LocalAws, REGION,
    clock::iso_time,
    queue::NewMessage,
    reply::{Response, uuid},
};

/// What S3 leaves of a key as it is.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

/// An object that a request creates, if it succeeds.
pub(super) struct Creates {
    bucket: String,
    key: String,
    event: &'static str,
    size: Option<u64>,
}

/// What a request creates.
pub(super) fn creates(request: &http::Request<Body>) -> Option<Creates> {
    let query = request.uri().query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let event = match *request.method() {
        Method::PUT if has("partNumber") => return None,
        Method::PUT if request.headers().contains_key("x-amz-copy-source") => "ObjectCreated:Copy",
        Method::PUT => "ObjectCreated:Put",
        Method::POST if has("uploadId") => "ObjectCreated:CompleteMultipartUpload",
        _ => return None,
    };
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().host()).unwrap_or_default().split(':').next().unwrap_or_default();
    let path = percent_decode_str(request.uri().path().trim_start_matches('/')).decode_utf8().ok()?;
    let (bucket, key) = match host.split_once(".s3.").map(|(bucket, _)| bucket).or(host.strip_suffix(".localhost")) {
        Some(bucket) => (bucket, &*path),
        None => path.split_once('/')?,
    };
    let length = request.headers().get(http::header::CONTENT_LENGTH);
    let size = length.and_then(|length| length.to_str().ok()?.parse().ok());
    (!key.is_empty()).then(|| Creates { bucket: bucket.to_owned(), key: key.to_owned(), event, size })
}

/// Tells the queues that are to know of an object, if the response says that it was created.
pub(super) async fn tell(aws: &LocalAws, creates: Creates, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    // A multipart upload is answered as it goes on: its end decides.
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else { return Response::from_parts(parts, Body::empty()) };
    let body = body.to_bytes();
    let failed = body.windows(7).any(|window| window == b"<Error>");
    let Creates { bucket, key, event, size } = creates;
    let told = aws.inner.notifications.iter().filter(|told| {
        !failed && told.bucket == bucket && key.starts_with(&told.prefix) && key.ends_with(&told.suffix)
    });
    for told in told {
        let object = json!({"key": utf8_percent_encode(&key, KEY).to_string(), "size": size, "sequencer": uuid()});
        let record = json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            "eventTime": iso_time(aws.now_ms()),
            "eventName": event,
            "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket, "arn": format!("arn:aws:s3:::{bucket}")}, "object": object},
        });
        let message =
            NewMessage { id: uuid(), body: json!({"Records": [record]}).to_string(), ..NewMessage::default() };
        let sent = aws.inner.sqs.with(&told.queue, |queue, now_ms| queue.send(message, now_ms));
        if let Err(error) = sent.map_err(|error| error.to_string()).and_then(|sent| sent.map_err(|e| e.to_string())) {
            tracing::error!(error, queue = told.queue, "S3 could not tell of an object");
        }
    }
    Response::from_parts(parts, Body::from(body))
}
