//! `callboard show`: a call as a file. What the files look like stands in the domain; here stand the options, and what of
//! a snapshot goes into them.

use std::path::{Path, PathBuf};

use callboard_domain::{
    CallStatus, Placeholder,
    coaching::LandmarkState,
    transcript::{self, Landmark, Opening, Utterance},
};
use callboard_wire::rest::CallSnapshot;
use clap::ValueEnum;
use jiff::tz::TimeZone;

use crate::{
    calls::printed,
    failure::Unusable,
    reading::{Wanted, not_understood, snapshot},
    stack::StackArgs,
    times,
};

/// Show a call: its words as text, subtitles or Markdown, or all that is known of it as JSON
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// Id of the call, how the id begins, or last
    call: Wanted,
    #[command(flatten)]
    stack: StackArgs,
    /// What it is shown as; txt, or what the name of --output ends with
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// File to write it to, in the place of one that is there
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Time, speaker and words
    Txt,
    /// Subtitles
    Srt,
    /// Subtitles of the web, with voices
    Vtt,
    /// Summary, landmarks and words
    Md,
    /// The snapshot, as the REST interface gives it
    Json,
}

/// Shows it.
///
/// # Errors
/// `Unusable` where no call is meant or the file cannot be written; else says why the stack gives none.
pub(crate) async fn run(args: ShowArgs) -> anyhow::Result<()> {
    let format = args.format.or_else(|| args.output.as_deref().and_then(by_name)).unwrap_or(Format::Txt);
    let stack = args.stack.resolve()?;
    let body = snapshot(&stack, &args.call).await?;
    let snapshot: CallSnapshot = serde_json::from_str(&body).map_err(not_understood)?;
    for notice in notices(&snapshot) {
        eprintln!("callboard: {notice}");
    }
    let text = match format {
        Format::Json => body + "\n",
        format => written(&snapshot, format, &times::here()),
    };
    let Some(file) = args.output else {
        printed(&text)?;
        return Ok(());
    };
    let cannot =
        |error| Unusable(format!("{} cannot be written ({error}): name another file with --output", file.display()));
    Ok(std::fs::write(&file, text).map_err(cannot)?)
}

/// The format that the end of a file's name tells.
fn by_name(file: &Path) -> Option<Format> {
    Format::from_str(file.extension()?.to_str()?, true).ok()
}

/// What a reader should know of what is not in the file.
fn notices(snapshot: &CallSnapshot) -> Vec<String> {
    let mut notices = Vec::new();
    if snapshot.call.status != CallStatus::Ended {
        notices.push(format!("the call is {}: this is what is there by now", snapshot.call.status.as_str()));
    }
    let is_waiting = |placeholder| placeholder == Some(Placeholder::Waiting);
    match snapshot.segments.iter().filter(|segment| is_waiting(segment.placeholder)).count() {
        0 => {}
        1 => notices.push("one utterance waits for the transcription service: show the call again later".into()),
        many => {
            notices.push(format!("{many} utterances wait for the transcription service: show the call again later"))
        }
    }
    if snapshot.segments.iter().all(|segment| segment.is_silence()) {
        notices.push("no words are there".into());
    }
    notices
}

fn written(snapshot: &CallSnapshot, format: Format, zone: &TimeZone) -> String {
    let segments = snapshot.segments.iter();
    let utterances: Vec<Utterance<'_>> = segments
        .map(|segment| Utterance {
            channel: segment.channel,
            start_ms: segment.start_ms,
            end_ms: segment.end_ms,
            text: &segment.text,
            words: &segment.words,
            placeholder: segment.placeholder,
        })
        .collect();
    match format {
        Format::Srt => transcript::srt(&utterances),
        Format::Vtt => transcript::vtt(&utterances),
        Format::Md => transcript::markdown(&opening(snapshot, zone), &utterances),
        Format::Txt | Format::Json => transcript::text(&utterances),
    }
}

fn opening(snapshot: &CallSnapshot, zone: &TimeZone) -> Opening {
    let call = &snapshot.call;
    let (started, length) = (times::moment(call.started_at_ms, zone), times::length(call.duration_ms));
    Opening {
        title: format!("Call {}", call.call),
        about: format!("{started} · {length} · playbook {} · {}", call.playbook, call.status.as_str()),
        summary: snapshot.notes.as_ref().map(|notes| notes.value.summary.clone()),
        landmarks: landmarks(snapshot),
    }
}

/// As progress has them. A call in which nothing was reached has none, and its notes tell what was missed.
fn landmarks(snapshot: &CallSnapshot) -> Vec<Landmark> {
    if let Some(progress) = &snapshot.progress {
        let landmark = |it: &callboard_domain::coaching::LandmarkView| {
            let evidence = it.evidence.as_ref().filter(|_| it.state == LandmarkState::Done);
            Landmark { label: it.label.clone(), reached_by: evidence.map(|evidence| evidence.quote.clone()) }
        };
        return progress.value.landmarks.iter().map(landmark).collect();
    }
    let Some(notes) = &snapshot.notes else { return Vec::new() };
    let reached = notes.value.reached.iter().map(|it| (&it.label, Some(it.evidence.quote.clone())));
    let missed = notes.value.missed.iter().map(|it| (&it.label, None));
    reached.chain(missed).map(|(label, reached_by)| Landmark { label: label.clone(), reached_by }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn segment(start_ms: u64, text: &str, placeholder: Option<&str>) -> Value {
        json!({
            "call": "c", "revision": 1, "channel": "agent", "start_ms": start_ms, "end_ms": start_ms + 900, "text": text,
            "final": placeholder.is_none(), "placeholder": placeholder,
            "times": {"spoken": 0, "received": 0, "transcribed": 0, "stored": 0, "closing_ms": 0, "asr_ms": 0},
        })
    }

    fn call(status: &str, segments: &[Value]) -> CallSnapshot {
        serde_json::from_value(json!({
            "revision": 9, "segments": segments, "progress": null, "cards": [],
            "call": {
                "call": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "revision": 3, "status": status, "playbook": "sales",
                "channels": ["agent"], "principal": "p", "started_at_ms": 1_772_982_300_000_i64, "duration_ms": 52_000,
            },
            "notes": {
                "revision": 8, "playbook": "sales", "playbook_version": 1, "summary": "All is well.", "percent": 50,
                "reached": [{"id": "a", "label": "Said hello", "evidence": {
                    "quote": "Hello", "channel": "agent", "start_ms": 0, "end_ms": 900,
                }}],
                "missed": [{"id": "b", "label": "Asked", "required": true, "why": ""}], "objections": [],
                "talk": {"agent_ms": 0, "customer_ms": 0, "agent_percent": null},
            },
        }))
        .unwrap()
    }

    #[test]
    fn the_format_is_what_the_name_ends_with() {
        for (name, expected) in [
            ("a.srt", Some(Format::Srt)),
            ("a/b.c.VTT", Some(Format::Vtt)),
            ("x.md", Some(Format::Md)),
            ("x.json", Some(Format::Json)),
            ("x.doc", None),
            ("srt", None),
        ] {
            assert_eq!(by_name(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_there_yet_is_told() {
        let words = segment(0, "hello", None);
        let waiting = segment(1_000, "(waiting)", Some("waiting"));
        for (status, segments, expected) in [
            ("ended", vec![words.clone()], &[][..]),
            ("live", vec![words.clone()], &["the call is live"]),
            ("ending", vec![words, waiting.clone()], &["the call is ending", "one utterance waits"]),
            ("ended", vec![waiting.clone(), waiting], &["2 utterances wait"]),
            ("ended", vec![segment(0, "", None)], &["no words"]),
        ] {
            let notices = notices(&call(status, &segments));
            assert_eq!(notices.len(), expected.len(), "{notices:?}");
            assert!(notices.iter().zip(expected).all(|(notice, start)| notice.starts_with(start)), "{notices:?}");
        }
    }

    #[test]
    fn markdown_has_the_notes_and_landmarks() {
        let mut snapshot = call("ended", &[segment(0, "hello", None), segment(1_000, "", None)]);
        let expected = "# Call 01ARZ3NDEKTSV4RRFFQ69G5FAV\n\n\
                        2026-03-08 15:05 +00:00 · 0:52 · playbook sales · ended\n\n\
                        ## Summary\n\nAll is well.\n\n\
                        ## Landmarks\n\n- [x] Said hello: “Hello”\n- [ ] Asked\n\n\
                        ## Transcript\n\n**Agent** 00:00:00: hello\n";
        assert_eq!(written(&snapshot, Format::Md, &TimeZone::UTC), expected);
        // While the call goes on, its progress tells the landmarks, and there is no summary.
        snapshot.notes = None;
        let progress = json!({
            "revision": 4, "percent": 0, "remaining": ["b"], "next_question": null,
            "landmarks": [{"id": "b", "label": "Asked", "required": true, "state": "open", "evidence": null}],
        });
        snapshot.progress = Some(serde_json::from_value(progress).unwrap());
        let page = written(&snapshot, Format::Md, &TimeZone::UTC);
        assert!(!page.contains("Summary") && page.contains("## Landmarks\n\n- [ ] Asked\n\n## Transcript"), "{page}");
    }
}
