//! What is written out, and that its documentation says so.

use std::collections::BTreeMap;

use callboard_domain::{
    Call, PlaybookId, Segment, SegmentTimes,
    coaching::{Progress, Rules, Said, notes},
    playbook,
    recording::{Recording, Wish},
    redaction::Span,
};
use serde_json::Value;

use super::*;
use crate::items::{call_pk, sk};

const DOCUMENT: &str = include_str!("../../../../infra/export/README.md");

fn call() -> Call {
    Call {
        id: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
        org: OrgId::parse("acme").unwrap(),
        principal: "ada".to_owned(),
        playbook: PlaybookId::parse("sales").unwrap(),
        channels: vec![Channel::Agent, Channel::Customer],
        status: CallStatus::Ended,
        started_at_ms: 1_795_255_200_000,
        ended_at_ms: Some(1_795_255_260_000),
        end_reason: Some(EndReason::Stopped),
        duration_ms: 60_000,
        file_name: Some("call.wav".to_owned()),
    }
}

fn segments() -> Vec<SegmentItem> {
    let segment = |channel, start_ms: u64, text: &str| {
        let segment = Segment {
            call: call().id,
            channel,
            start_ms,
            end_ms: start_ms + 1_000,
            text: text.to_owned(),
            words: vec![Word { text: text.to_owned(), start_ms, end_ms: start_ms + 1_000, confidence: Some(0.5) }],
            is_final: true,
            placeholder: None,
            masked: vec![Span { kind: Kind::Phone, time_ms: None }],
            provisional: false,
            times: SegmentTimes { spoken: 5, ..SegmentTimes::default() },
        };
        SegmentItem::new(&segment, &call().org, "ada", &call().playbook, 1)
    };
    let waiting = SegmentItem { is_final: false, ..segment(Channel::Agent, 8_000, "…") };
    vec![
        segment(Channel::Agent, 0, "What is your budget for this?"),
        segment(Channel::Customer, 2_000, "Honestly, that is too expensive for us."),
        segment(Channel::Customer, 4_000, ""),
        waiting,
    ]
}

fn line() -> ExportedCall {
    let rules = Rules::compile(playbook::shipped("sales").unwrap());
    let segments = segments();
    let said: Vec<Said<'_>> = segments[..2]
        .iter()
        .map(|it| Said { channel: it.channel, start_ms: it.start_ms, end_ms: it.end_ms, text: &it.text })
        .collect();
    let mut progress = Progress::default();
    progress.add_all(&said.iter().flat_map(|said| rules.read(said)).collect::<Vec<_>>());
    let (org, call) = (call().org, call());
    let notes = NotesItem {
        pk: call_pk(&org, &call.id),
        sk: sk::NOTES.to_owned(),
        org,
        call: call.id.clone(),
        revision: 7,
        basis: 2,
        notes: notes(rules.playbook(), &progress, &said),
    };
    let recording = Recording::new(Wish { language: Some("en".to_owned()), ..Wish::default() });
    let recording = RecordingItem {
        pk: notes.pk.clone(),
        sk: sk::RECORDING.to_owned(),
        org: call.org.clone(),
        call: call.id.clone(),
        principal: call.principal.clone(),
        playbook: call.playbook.clone(),
        revision: 1,
        version: 1,
        created_at_ms: 0,
        started_at_ms: 0,
        upload: None,
        view: recording.view(0),
        recording,
        by_start_pk: None,
        by_start_sk: None,
    };
    call_line(&CallItem::new(&call, "", 1), &notes, Some(&recording), &ModelUse::default())
}

/// The columns of a table and their types, as the documentation declares them.
fn documented(table: &str) -> BTreeMap<String, String> {
    let (_, declared) = DOCUMENT.split_once(&format!("CREATE EXTERNAL TABLE {table} (\n")).unwrap();
    let (columns, _) = declared.split_once("\n)\n").unwrap();
    let column = |line: &str| {
        let mut words = line.trim().trim_end_matches(',').split(' ');
        (words.next().unwrap().to_owned(), words.next().unwrap().to_owned())
    };
    columns.lines().map(column).collect()
}

/// Whether a value is of a declared type; every field of a declared struct must be there, and no other.
#[track_caller]
fn check_type(name: &str, declared: &str, value: &Value) {
    let inner = declared.strip_prefix("array<").and_then(|inner| inner.strip_suffix('>'));
    if let Some(inner) = inner {
        let items = value.as_array().unwrap_or_else(|| panic!("{name} is {declared}, and not {value}"));
        assert!(!items.is_empty(), "{name} shows nothing of its type");
        return items.iter().for_each(|item| check_type(name, inner, item));
    }
    if let Some(fields) = declared.strip_prefix("struct<").and_then(|inner| inner.strip_suffix('>')) {
        let fields: BTreeMap<&str, &str> = fields.split(',').map(|field| field.split_once(':').unwrap()).collect();
        let object = value.as_object().unwrap();
        assert!(object.keys().eq(fields.keys()), "{name}: {:?}", object.keys());
        return fields.iter().for_each(|(field, declared)| check_type(field, declared, &object[*field]));
    }
    let fits = match declared {
        "string" => value.is_string(),
        "int" | "bigint" => value.is_i64() || value.is_u64(),
        "double" => value.is_f64(),
        "boolean" => value.is_boolean(),
        other => panic!("{name} has the type {other}, which is not known here"),
    };
    assert!(fits || value.is_null(), "{name} is {declared}, and not {value}");
}

#[track_caller]
fn check<T: Serialize>(table: &str, lines: &[T]) {
    let text = String::from_utf8(to_lines(lines)).unwrap();
    assert_eq!(text.matches('\n').count(), lines.len());
    for line in text.lines() {
        let Value::Object(line) = serde_json::from_str(line).unwrap() else { panic!("{line} is no object") };
        let declared = documented(table);
        assert!(line.keys().eq(declared.keys()), "{table}: {:?}, and {:?}", line.keys(), declared.keys());
        line.iter().for_each(|(name, value)| check_type(name, &declared[name], value));
    }
}

#[test]
fn columns_are_as_documented() {
    check("calls", &[line()]);
    check("segments", &segment_lines(&segments()));
}

#[test]
fn a_line_tells_what_came_of_a_call() {
    let line = line();
    assert_eq!((line.kind, line.language.as_deref(), line.revision), ("recorded", Some("en"), 7));
    assert_eq!(line.objections.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["too_expensive"]);
    let (reached, missed): (Vec<_>, Vec<_>) = line.landmarks.iter().partition(|it| it.reached);
    assert!(reached.iter().all(|it| it.quote.is_some()) && missed.iter().all(|it| it.quote.is_none()));
    assert!(line.notes.contains(&format!("\"percent\":{}", line.percent)));
}

#[test]
fn segments_without_words_are_no_lines() {
    let lines = segment_lines(&segments());
    assert_eq!(lines.iter().map(|it| it.start_ms).collect::<Vec<_>>(), [0, 2_000]);
    assert_eq!(lines[0].masked, [Kind::Phone]);
}

#[test]
fn a_call_lies_under_the_day_on_which_it_began() {
    let of = |started_at_ms| keys(&call().org, &call().id, started_at_ms);
    for (started_at_ms, expected) in [
        (0, "1970-01-01"),
        (951_782_400_000, "2000-02-29"),
        (1_798_761_599_999, "2026-12-31"),
        (1_798_761_600_000, "2027-01-01"),
        (-1, "1969-12-31"),
    ] {
        let name = "acme-01ARZ3NDEKTSV4RRFFQ69G5FAV.jsonl";
        let expected = ["calls", "segments"].map(|table| format!("{table}/date={expected}/{name}"));
        assert_eq!(of(started_at_ms), expected);
    }
}
