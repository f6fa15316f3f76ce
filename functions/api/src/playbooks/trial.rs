//! Trying a playbook: its rules over a call that was, or over a written transcript. Nothing is stored.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use callboard_domain::{
    Channel,
    coaching::{Finding, Progress, Rules, Said, notes},
    permissions::Action,
    playbook::Playbook,
};
use callboard_wire::{items::SegmentItem, rest::PlaybookTrial};
use serde_json::{Map, Value};

use super::{absent, parse_id, usable, write::checked};
use crate::{
    Context,
    body::JsonObject,
    caller::Caller,
    calls::readable,
    problem::{Refused, refused},
};

/// Most utterances of a transcript.
const MAX_LINES: usize = 2_000;
/// How long an utterance without times is taken to last.
const LINE_MS: u64 = 5_000;
/// No call is longer.
const MAX_MS: u64 = 24 * 3_600_000;
const SHAPE: &str =
    r#"{"playbook":"<id>" or {"yaml":"…"},"call":"<id>"} or {…,"transcript":[{"channel":"customer","text":"…"}]}"#;

/// An utterance of a call or a transcript.
#[derive(Debug, PartialEq, Eq)]
struct Utterance {
    channel: Channel,
    start_ms: u64,
    end_ms: u64,
    text: String,
}

/// `POST /v1/playbooks/try`.
pub(crate) async fn run(
    State(context): State<Context>,
    caller: Caller,
    JsonObject(body): JsonObject,
) -> Result<Response, Refused> {
    caller.must(Action::TryPlaybooks, false, "try playbooks")?;
    if let Some(unknown) = body.keys().find(|key| !["playbook", "call", "transcript"].contains(&key.as_str())) {
        let brief: String = unknown.chars().take(40).collect();
        return Err(wrong(format!("there is no field {brief}: send {SHAPE}")));
    }
    let playbook = Box::pin(playbook(&context, &caller, body.get("playbook"))).await?;
    let said = match (body.get("call"), body.get("transcript")) {
        (Some(Value::String(call)), None) => {
            let call = readable(&context, &caller, call).await?;
            let segments = context.calls.segments(&caller.org, &call.call).await?;
            segments.into_iter().filter(|segment| segment.is_final).map(utterance).collect()
        }
        (None, Some(transcript)) => {
            let said = read(transcript).map_err(wrong)?;
            in_time(&said).map_err(|problem| refused(StatusCode::UNPROCESSABLE_ENTITY, problem))?;
            said
        }
        _ => return Err(wrong(format!("name either a call or a transcript: send {SHAPE}"))),
    };
    Ok(Json(trial(playbook, &said)).into_response())
}

fn wrong(detail: impl Into<String>) -> Refused {
    refused(StatusCode::BAD_REQUEST, detail)
}

async fn playbook(context: &Context, caller: &Caller, named: Option<&Value>) -> Result<Playbook, Refused> {
    match named {
        Some(Value::String(id)) => {
            let id = parse_id(id)?;
            let found = usable(context, caller, &id).await?;
            found.map(|(item, _)| item.playbook).ok_or_else(|| absent(&id))
        }
        Some(Value::Object(fields)) => match fields.get("yaml") {
            Some(Value::String(text)) if fields.len() == 1 => checked(text),
            _ => Err(wrong("playbook must be an id, or hold its text as yaml and nothing else")),
        },
        _ => Err(wrong(format!("playbook must be an id, or hold its text as yaml: send {SHAPE}"))),
    }
}

fn utterance(segment: SegmentItem) -> Utterance {
    let SegmentItem { channel, start_ms, end_ms, text, .. } = segment;
    Utterance { channel, start_ms, end_ms, text }
}

/// Reads a transcript. A complaint names the utterance, and none of its words.
fn read(transcript: &Value) -> Result<Vec<Utterance>, String> {
    const LINE: &str = r#"{"channel":"customer","text":"…"}"#;
    let Value::Array(lines) = transcript else { return Err(format!("transcript must be a list of {LINE}")) };
    if lines.len() > MAX_LINES {
        return Err(format!(
            "transcript has {} utterances, and {MAX_LINES} are the most: try a part of it",
            lines.len()
        ));
    }
    let mut said = Vec::new();
    let mut next_ms = 0;
    for (at, line) in lines.iter().enumerate() {
        let Value::Object(line) = line else { return Err(format!("transcript[{at}] must be such as {LINE}")) };
        let utterance = read_line(line, next_ms).map_err(|problem| format!("transcript[{at}]: {problem}"))?;
        next_ms = utterance.start_ms + LINE_MS;
        said.push(utterance);
    }
    Ok(said)
}

/// Whether every utterance ends after it begins.
fn in_time(said: &[Utterance]) -> Result<(), String> {
    let backwards = said.iter().enumerate().find(|(_, utterance)| utterance.end_ms < utterance.start_ms);
    backwards.map_or(Ok(()), |(at, Utterance { start_ms, end_ms, .. })| {
        Err(format!("transcript[{at}]: end_ms {end_ms} is before start_ms {start_ms}"))
    })
}

/// An utterance; one without times begins `next_ms` into the call.
fn read_line(line: &Map<String, Value>, next_ms: u64) -> Result<Utterance, String> {
    let channel = line.get("channel").and_then(Value::as_str).and_then(Channel::parse);
    let channel = channel.ok_or("channel must be agent or customer")?;
    let text = line.get("text").and_then(Value::as_str).ok_or("text must be a string")?;
    let time = |name: &str| match line.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|ms| *ms <= MAX_MS) {
            Some(ms) => Ok(Some(ms)),
            None => Err(format!("{name} must be whole milliseconds from 0 to {MAX_MS}, or left out")),
        },
    };
    let start_ms = time("start_ms")?.unwrap_or(next_ms);
    let end_ms = time("end_ms")?.unwrap_or(start_ms + LINE_MS);
    Ok(Utterance { channel, start_ms, end_ms, text: text.to_owned() })
}

/// What the rules make of what was said.
fn trial(playbook: Playbook, utterances: &[Utterance]) -> PlaybookTrial {
    let rules = Rules::compile(playbook);
    let mut progress = Progress::default();
    let mut findings: Vec<Finding> = Vec::new();
    let mut all = Vec::new();
    for Utterance { channel, start_ms, end_ms, text } in utterances {
        let said = Said { channel: *channel, start_ms: *start_ms, end_ms: *end_ms, text };
        let found = rules.read(&said);
        found.iter().for_each(|finding| {
            progress.add(finding);
        });
        findings.extend(found);
        all.push(said);
    }
    PlaybookTrial {
        progress: progress.view(rules.playbook()),
        cards: progress.cards(rules.playbook()),
        notes: notes(rules.playbook(), &progress, &all),
        findings,
    }
}

#[cfg(test)]
mod tests {
    use callboard_domain::playbook;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(transcript: Value, expected: Result<&[(u64, u64)], &str>) {
        let times = read(&transcript).map(|said| said.iter().map(|it| (it.start_ms, it.end_ms)).collect::<Vec<_>>());
        assert_eq!(times.as_deref().map_err(String::as_str), expected, "{transcript}");
    }

    #[test]
    fn transcripts_are_read_or_told_what_is_wrong() {
        let line = |more: Value| {
            let mut line = json!({"channel": "agent", "text": "secret"});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        check(json!([]), Ok(&[]));
        check(json!([line(json!({})), line(json!({}))]), Ok(&[(0, 5_000), (5_000, 10_000)]));
        let timed = line(json!({"start_ms": 9_000, "end_ms": 9_500}));
        check(json!([timed, line(json!({}))]), Ok(&[(9_000, 9_500), (14_000, 19_000)]));
        check(json!("secret"), Err(r#"transcript must be a list of {"channel":"customer","text":"…"}"#));
        check(json!(["secret"]), Err(r#"transcript[0] must be such as {"channel":"customer","text":"…"}"#));
        check(json!([line(json!({"channel": "left"}))]), Err("transcript[0]: channel must be agent or customer"));
        check(json!([line(json!({"text": 7}))]), Err("transcript[0]: text must be a string"));
        let late = "transcript[0]: start_ms must be whole milliseconds from 0 to 86400000, or left out";
        check(json!([line(json!({"start_ms": u64::MAX}))]), Err(late));
        check(json!([line(json!({"start_ms": -1}))]), Err(late));
        let backwards = line(json!({"start_ms": 10, "end_ms": 5}));
        let read = read(&json!([line(json!({})), backwards])).unwrap();
        assert_eq!(in_time(&read), Err("transcript[1]: end_ms 5 is before start_ms 10".to_owned()));
        assert_eq!(in_time(&read[..1]), Ok(()));
    }

    #[test]
    fn a_trial_tells_what_a_call_would_have_brought() {
        let said = read(&json!([
            {"channel": "agent", "text": "Good morning, how are you?"},
            {"channel": "customer", "text": "That is too expensive for me."},
        ]));
        let trial = trial(playbook::shipped("sales").unwrap(), &said.unwrap());
        let objections: Vec<&str> = trial.cards.iter().map(|card| card.objection.as_str()).collect();
        assert_eq!(objections, ["too_expensive"]);
        assert_eq!(trial.notes.objections.len(), 1);
        assert!(trial.findings.iter().any(|finding| finding.id == "too_expensive"));
        assert_eq!(trial.progress.landmarks.len(), trial.notes.reached.len() + trial.notes.missed.len());
    }
}
