//! Messages in, records or complaints out.

use callboard_wire::record::Event;
use serde_json::json;

use super::*;

const EVENT: &str = include_str!("../../../events/ingest.json");

fn event(body: &str) -> SocketEvent {
    let mut event: SocketEvent = serde_json::from_str(EVENT).unwrap();
    event.body = Some(body.to_owned());
    event
}

fn outcome(body: &str) -> Result<Record, Complaint> {
    read(&event(body), serde_json::from_str(body).ok())
}

fn audio(seq: Value, bytes: usize) -> String {
    json!({"action": "audio", "seq": seq, "data": STANDARD.encode(vec![1u8; bytes])}).to_string()
}

#[test]
fn the_sample_event_is_a_frame() {
    let event: SocketEvent = serde_json::from_str(EVENT).unwrap();
    let body = serde_json::from_str(event.body.as_deref().unwrap()).ok();
    let record = read(&event, body).unwrap();
    assert_eq!(record.header.event, Event::Audio { seq: 41 });
    assert_eq!(record.header.received_ms, event.request_context.request_time_epoch);
    assert!(!record.payload.is_empty());
}

#[test]
fn what_is_wrong_with_a_message_is_named() {
    for (body, code, words) in [
        ("hello", ErrorCode::BadJson, "no JSON object"),
        ("[1]", ErrorCode::BadJson, "no JSON object"),
        ("{}", ErrorCode::UnknownAction, "names no action"),
        (r#"{"action":"dance"}"#, ErrorCode::UnknownAction, "no action \"dance\""),
        (r#"{"action":"audio","data":""}"#, ErrorCode::BadMessage, "seq is missing"),
        (r#"{"action":"audio","seq":1}"#, ErrorCode::BadMessage, "data must be a string"),
        (r#"{"action":"audio","seq":1,"data":"%%%"}"#, ErrorCode::BadBase64, "data is no base64"),
        (r#"{"action":"stop","seq":-1}"#, ErrorCode::BadSeq, "seq must be a whole number"),
        (r#"{"action":"gone","from":5,"to":4}"#, ErrorCode::BadSeq, "from 5 is behind to 4"),
        (r#"{"audio_data":7}"#, ErrorCode::BadMessage, "audio_data must be a string"),
        (&audio(json!(-4), 3_200), ErrorCode::BadSeq, "seq must be"),
        (&audio(json!(1.5), 3_200), ErrorCode::BadSeq, "seq must be"),
        (&audio(json!("7"), 3_200), ErrorCode::BadSeq, "seq must be"),
        (&audio(json!(99_999_999_999u64), 3_200), ErrorCode::BadSeq, "seq must be"),
        (&audio(json!(1), 0), ErrorCode::BadFrame, "a frame of 0 ms"),
        (&audio(json!(1), 24_001), ErrorCode::BadFrame, "at most 24000 bytes"),
        (&audio(json!(1), 3_201), ErrorCode::BadFrame, "no whole number of samples"),
    ] {
        let complaint = outcome(body).unwrap_err();
        assert_eq!(complaint.code, code, "{body:.60}");
        assert!(complaint.message.contains(words), "{}", complaint.message);
    }
}

#[test]
fn a_frame_of_two_seconds_is_refused() {
    let mut event = event(&audio(json!(1), 16_000));
    event.request_context.authorizer.sample_rate = Some("8000".into());
    event.request_context.authorizer.channels = Some("agent".into());
    let body = event.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    assert!(read(&event, body).is_ok());
    let long = audio(json!(1), 20_000);
    event.body = Some(long.clone());
    let complaint = read(&event, serde_json::from_str(&long).ok()).unwrap_err();
    assert_eq!(complaint.message, "a frame of 1250 ms is not accepted: send 20 to 1000 ms a frame");
}

#[test]
fn clients_that_only_know_audio_data_are_taken() {
    let body = json!({"audio_data": STANDARD.encode(vec![0u8; 16_000])}).to_string();
    let record = outcome(&body).unwrap();
    assert!(matches!(record.header.event, Event::Unnumbered { .. }));
}

#[test]
fn a_connection_that_captures_nothing_may_not_send_audio() {
    let mut event = event(&audio(json!(1), 3_200));
    event.request_context.authorizer.call = None;
    let body = event.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    assert_eq!(read(&event, body).unwrap_err().code, ErrorCode::Forbidden);
}
