//! Old bytes: what every edition of this code wrote stands in `old/`, and today's code reads all of it.
//!
//! An edition is what a type writes. Whoever changes a type raises its edition here and records what it writes then, beside
//! what was: `old/<name>.<edition>.jsonl`, a sample a line (`.hex` for bytes), and its fields in `old/shapes.txt`. Nothing
//! recorded is ever changed. Whether older code bears the new edition, `infra/OPERATIONS.md` says how to judge; where it does
//! not, the `VERSION` of the module changes, too.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{fmt::Write as _, path::PathBuf};

use callboard_audio::session::Checkpoint;
use callboard_domain::{
    SegmentTimes, Word,
    coaching::{Card, Notes, Progress, ProgressView},
    feedback::Feedback,
    redaction::Span,
    settings::OrgSettings,
};
use callboard_wire::{
    advice::AdviceRequest,
    archive::ArchiveRequest,
    connection::AuthContext,
    deferred::DeferredUtterance,
    frames,
    items::*,
    messages::{CallMessage, ClientMessage, SegmentMessage, ServerMessage, ShownCard},
    record::{Header, Record},
    work::{Asked, Work},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};
use serde_json::Value;

/// Reads one sample and writes it again.
type Again = fn(&str) -> Result<String, String>;

/// What is written, by name: its edition, and how a sample is read and written again.
const WRITTEN: [(&str, u32, Again); 33] = [
    ("record", 2, |text| bytes(text, |it| Ok(Record::decode(it).map_err(told)?.encode()))),
    ("frames", 1, |text| bytes(text, kept_frames)),
    ("checkpoint", 2, |text| bytes(text, |it| Ok(Checkpoint::decode(it).map_err(told)?.encode()))),
    ("work", 2, |text| match Asked::parse(text).map_err(told)? {
        Asked::Work(work) => Ok(work.to_json()),
        Asked::Uploaded(_) => Err("it is no work".to_owned()),
    }),
    ("advice", 2, |text| Ok(AdviceRequest::parse(text).map_err(told)?.to_json())),
    ("archive", 2, |text| Ok(ArchiveRequest::parse(text).map_err(told)?.to_json())),
    ("deferred", 2, |text| Ok(DeferredUtterance::parse(text).map_err(told)?.to_json())),
    ("call_item", 1, json::<CallItem>),
    ("segment_item", 2, json::<SegmentItem>),
    ("progress_item", 2, json::<ProgressItem>),
    ("card_item", 1, json::<CardItem>),
    ("notes_item", 1, json::<NotesItem>),
    ("recording_item", 1, json::<RecordingItem>),
    ("connection_item", 1, json::<ConnectionItem>),
    ("watch_item", 1, json::<WatchItem>),
    ("org_settings_item", 1, json::<OrgSettingsItem>),
    ("retention_item", 1, json::<RetentionItem>),
    ("playbook_item", 1, json::<PlaybookItem>),
    ("feedback_item", 1, json::<FeedbackItem>),
    ("deployment_item", 1, json::<DeploymentItem>),
    ("org_item", 1, json::<OrgItem>),
    ("user_item", 1, json::<UserItem>),
    ("email_item", 1, json::<EmailItem>),
    ("invitation_item", 1, json::<InvitationItem>),
    ("invitation_lookup_item", 1, json::<InvitationLookupItem>),
    ("session_item", 1, json::<SessionItem>),
    ("key_item", 1, json::<KeyItem>),
    ("key_entry_item", 1, json::<KeyEntryItem>),
    ("key_use_item", 1, json::<KeyUseItem>),
    ("attempts_item", 1, json::<AttemptsItem>),
    ("signing_key_item", 1, json::<SigningKeyItem>),
    ("client_message", 1, json::<ClientMessage>),
    ("server_message", 1, json::<ServerMessage>),
];

/// The fields of what is written, and of what stands within it: each with the edition of what it is part of.
fn shapes() -> Vec<(String, String)> {
    let mut shapes = Vec::new();
    macro_rules! shape {
        ($($kind:ident $edition:literal),* $(,)?) => {
            $(shapes.push((format!("{}.{}", stringify!($kind), $edition), fields::<$kind>()));)*
        };
    }
    shape!(
        Header 2, Work 2, AdviceRequest 2, ArchiveRequest 2, DeferredUtterance 2, AuthContext 1,
        CallItem 1, SegmentItem 2, ProgressItem 2, CardItem 1, NotesItem 1, RecordingItem 1, ConnectionItem 1,
        WatchItem 1, OrgSettingsItem 1, RetentionItem 1, PlaybookItem 1, FeedbackItem 1, DeploymentItem 1, OrgItem 1,
        UserItem 1, EmailItem 1, InvitationItem 1, InvitationLookupItem 1, SessionItem 1, KeyItem 1, KeyEntryItem 1,
        KeyUseItem 1, AttemptsItem 1, SigningKeyItem 1, CallMessage 1, SegmentMessage 1, ShownCard 1, SegmentTimes 1,
        Word 1, Span 1, Card 1, Notes 1, Progress 1, ProgressView 1, Feedback 1, OrgSettings 1,
    );
    shapes
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn bytes(text: &str, again: fn(&[u8]) -> Result<Vec<u8>, String>) -> Result<String, String> {
    again(&hex::decode(text).map_err(told)?).map(hex::encode)
}

fn kept_frames(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let records = frames::records(bytes).collect::<Result<Vec<_>, _>>().map_err(told)?;
    let written: Vec<_> = records.iter().map(Record::encode).collect();
    Ok(frames::to_bytes(written.iter().map(Vec::as_slice)))
}

fn json<T: Serialize + DeserializeOwned>(text: &str) -> Result<String, String> {
    let read: T = serde_json::from_str(text).map_err(told)?;
    serde_json::to_string(&read).map_err(told)
}

/// JSON in the order of its keys; other text as it is.
fn ordered(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |value| value.to_string())
}

/// The fields that a type asks its deserializer for; `any` for one that takes what comes.
fn fields<T: DeserializeOwned>() -> String {
    struct Asked;
    impl<'de> Deserializer<'de> for Asked {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(Error::custom("any"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            Err(Error::custom(fields.join(" ")))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }
    T::deserialize(Asked).err().map(told).unwrap_or_default()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/old"))
}

/// The samples of an edition, line by line; none if it was never recorded.
fn samples(name: &str, edition: u32) -> Vec<String> {
    let read = |end: &str| std::fs::read_to_string(folder().join(format!("{name}.{edition}.{end}"))).ok();
    let text = read("jsonl").or_else(|| read("hex")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// What is wrong with the samples of one kind.
fn problems(name: &str, edition: u32, again: Again, samples: impl Fn(u32) -> Vec<String>) -> String {
    let mut problems = String::new();
    for older in 1..=edition {
        let recorded = samples(older);
        if recorded.is_empty() {
            writeln!(problems, "{name}: edition {older} is not recorded").unwrap();
        }
        for (line, sample) in recorded.iter().enumerate() {
            match again(sample) {
                Err(error) => writeln!(problems, "{name}.{older}, line {}: is not read: {error}", line + 1).unwrap(),
                Ok(written) if older == edition && ordered(&written) != ordered(sample) => writeln!(
                    problems,
                    "{name}.{older}, line {}: another text is written: raise the edition and record\n{written}",
                    line + 1
                )
                .unwrap(),
                Ok(_) => {}
            }
        }
    }
    if !samples(edition + 1).is_empty() {
        writeln!(problems, "{name}: edition {} is recorded, and {edition} is written", edition + 1).unwrap();
    }
    problems
}

#[test]
fn what_any_edition_wrote_is_read_and_the_newest_is_written_as_recorded() {
    let found: String =
        WRITTEN.iter().map(|(name, edition, again)| problems(name, *edition, *again, |it| samples(name, it))).collect();
    assert!(found.is_empty(), "{found}");
}

#[test]
fn no_field_changes_without_an_edition() {
    let recorded = std::fs::read_to_string(folder().join("shapes.txt")).unwrap_or_default();
    let mut found = String::new();
    for (name, fields) in shapes() {
        let line = format!("{name}: {fields}");
        if !recorded.lines().any(|known| known == line) {
            writeln!(found, "{line}").unwrap();
        }
    }
    assert!(found.is_empty(), "not as recorded in old/shapes.txt: raise the edition and record\n{found}");
}

/// A type, and what others may make of it one day.
#[test]
fn a_change_is_found() {
    #[derive(Serialize, Deserialize)]
    struct Now {
        a: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        b: Option<u32>,
    }
    #[derive(Serialize, Deserialize)]
    struct Renamed {
        a: u32,
        c: u32,
    }
    #[derive(Serialize, Deserialize)]
    struct More {
        a: u32,
        #[serde(default)]
        c: u32,
    }
    let recorded = |edition: u32| if edition == 1 { vec![r#"{"b":2,"a":1}"#.to_owned()] } else { Vec::new() };
    let check = |edition: u32, again: Again, expected: &str| {
        let found = problems("x", edition, again, recorded);
        assert!(if expected.is_empty() { found.is_empty() } else { found.contains(expected) }, "{found}");
    };
    check(1, json::<Now>, "");
    check(1, json::<Renamed>, "x.1, line 1: is not read: missing field `c`");
    check(1, json::<More>, "another text is written");
    check(2, json::<More>, "edition 2 is not recorded");
    let later = |edition: u32| if edition <= 2 { vec![r#"{"a":1,"c":0}"#.to_owned()] } else { Vec::new() };
    assert_eq!(problems("x", 2, json::<More>, later), "");
    assert!(problems("x", 1, json::<More>, later).contains("edition 2 is recorded, and 1 is written"));
    assert_eq!([fields::<Now>(), fields::<Renamed>()], ["a b", "a c"]);
}
