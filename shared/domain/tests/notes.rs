//! Notes of whole calls, as the rules write them.
//!
//! `data/notes/*.json` holds what was said and what is expected, exactly and in order. A date stands in brackets behind
//! its item, who asks or has to do something before it.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use callboard_domain::{
    Channel,
    coaching::{Action, NoteItem, Notes, NotesStyle, RaisedObjection, Said, find_quote},
};
use serde_json::{Value, json};
use written::{playbook, rule_notes, said};

mod written;

fn name(it: impl serde::Serialize) -> String {
    serde_json::to_value(it).unwrap().as_str().unwrap().to_owned()
}

fn dated(text: &str, due: Option<&str>) -> String {
    due.map_or_else(|| text.to_owned(), |due| format!("{text} ({due})"))
}

fn items(items: &[NoteItem]) -> Vec<String> {
    items.iter().map(|it| dated(&it.text, it.due.as_deref())).collect()
}

/// What a test looks at.
fn outline(notes: &Notes) -> Value {
    let action = |it: &Action| format!("{}: {}", name(it.owner), dated(&it.text, it.due.as_deref()));
    let met = |it: &RaisedObjection| format!("{}: {}", it.id, name(it.met.as_ref().unwrap().outcome));
    let mut outline = json!({
        "agreements": items(&notes.agreements),
        "actions": notes.actions.iter().map(action).collect::<Vec<_>>(),
        "entities": notes.entities.iter().map(|it| format!("{}: {}", name(it.kind), it.text)).collect::<Vec<_>>(),
        "pain_points": items(&notes.pain_points),
        "open_questions":
            notes.open_questions.iter().map(|it| format!("{}: {}", name(it.asked_by), it.text)).collect::<Vec<_>>(),
        "objections": notes.objections.iter().map(met).collect::<Vec<_>>(),
        "sentiment": notes.sentiment.iter().map(|it| format!("{}: {}", name(it.channel), it.score)).collect::<Vec<_>>(),
        "interruptions": [notes.interruptions.agent, notes.interruptions.customer],
        "scores": notes.scorecard.parts.iter().map(|it| format!("{} {}/{}", it.id, it.points, it.of)).collect::<Vec<_>>(),
        "score": notes.scorecard.score,
        "quality": {"score": notes.quality.score, "problems": notes.quality.problems},
    });
    if let Some(diary) = &notes.diary {
        outline["diary"] = json!({
            "title": diary.title, "topics": items(&diary.topics), "done": items(&diary.done), "todo": items(&diary.todo),
            "mood": diary.mood.as_ref().map(|it| format!("{}: {}", it.text, it.quote)),
        });
    }
    outline
}

#[track_caller]
fn check(call: &str) {
    let call: Value = serde_json::from_str(call).unwrap();
    let mut playbook = playbook();
    if let Some(language) = call["language"].as_str() {
        language.clone_into(&mut playbook.language);
    }
    let said = said(&call["said"]);
    let notes = rule_notes(&playbook, &said);
    let (found, expected) = (outline(&notes), &call["expect"]);
    assert!(found == *expected, "found\n{found:#}\nexpected\n{expected:#}");
    for seed in 1..20 {
        let again = rule_notes(&playbook, &mixed(&said, seed));
        assert_eq!(again, notes, "order and doubles change nothing, seed {seed}");
    }
}

/// The same utterances in another order, some of them twice.
fn mixed<'a>(said: &[Said<'a>], seed: usize) -> Vec<Said<'a>> {
    let mut mixed = said.to_vec();
    mixed.extend(said.iter().skip(seed % 5).step_by(3));
    mixed.sort_by_key(|it| (it.start_ms as usize).wrapping_mul(seed * 7919) % 104_729);
    mixed
}

#[test]
fn a_sales_call() {
    check(include_str!("data/notes/sales.json"));
}

#[test]
fn a_service_call() {
    check(include_str!("data/notes/service.json"));
}

#[test]
fn a_call_as_a_recognizer_writes_it() {
    check(include_str!("data/notes/recognizer.json"));
}

#[test]
fn a_voice_note() {
    check(include_str!("data/notes/diary.json"));
}

#[test]
fn a_call_in_a_language_without_cues() {
    check(include_str!("data/notes/spanish.json"));
}

/// Two hours of talk, 12 s a turn, which repeats itself every two minutes but for its numbers.
fn long_call() -> Vec<(Channel, String)> {
    let turn = |n: u32| {
        let text = match n % 10 {
            0 => format!("So let us look at point {n} of the list, it says that the pump was replaced."),
            1 => format!("Yes, and it broke down again, that is a problem for line {n}."),
            2 => format!("I will send you the report about line {n} by Friday."),
            3 => "Sounds good.".to_owned(),
            4 => format!("How many parts do you have for line {n}?"),
            5 => format!("About {n} parts, at $40 each."),
            _ => format!("And then there is the matter of the valves in hall {n}, which we have seen before."),
        };
        (if n.is_multiple_of(2) { Channel::Agent } else { Channel::Customer }, text)
    };
    (0..600).map(turn).collect()
}

#[test]
fn a_long_call_has_notes_of_bounded_size_from_all_over_it() {
    let call = long_call();
    let turn = |(n, (channel, text)): (u64, &'static (Channel, String))| Said {
        channel: *channel,
        start_ms: n * 12_000,
        end_ms: n * 12_000 + 9000,
        text,
    };
    let call: &'static Vec<_> = Box::leak(Box::new(call));
    let said: Vec<Said<'_>> = (0..).zip(call).map(turn).collect();
    let notes = rule_notes(&playbook(), &said);
    assert_eq!((notes.actions.len(), notes.agreements.len(), notes.pain_points.len()), (24, 12, 1));
    assert_eq!(notes.actions.last().unwrap().text, "I will send you the report about line 592 by Friday.");
    assert_eq!(notes.sentiment.len(), 24);
    assert_eq!(notes.open_questions, []);
    assert_eq!((notes.quality.low, &notes.quality.problems), (false, &vec![]));
    assert!(serde_json::to_string(&notes).unwrap().len() < 60_000);
    assert!(notes.summary.chars().count() <= 1200);
}

#[test]
fn a_call_without_words_has_notes_that_say_so() {
    for said in [vec![], vec![Said { channel: Channel::Agent, start_ms: 0, end_ms: 9000, text: "  " }]] {
        let notes = rule_notes(&playbook(), &said);
        assert_eq!(notes.summary, "Test calls: nothing was said.");
        assert_eq!((notes.style, &notes.diary, &notes.scorecard.parts), (NotesStyle::Call, &None, &vec![]));
        assert!(!notes.quality.low);
    }
}

#[test]
fn every_item_quotes_the_segment_that_it_links_to() {
    let calls = [
        include_str!("data/notes/sales.json"),
        include_str!("data/notes/service.json"),
        include_str!("data/notes/recognizer.json"),
        include_str!("data/notes/diary.json"),
    ];
    for call in calls {
        let call: Value = serde_json::from_str(call).unwrap();
        let said = said(&call["said"]);
        let notes = rule_notes(&playbook(), &said);
        let mut shown: Vec<(&str, &[callboard_domain::coaching::Link])> = vec![];
        shown.extend(notes.agreements.iter().chain(&notes.pain_points).map(|it| (it.quote.as_str(), &it.links[..])));
        shown.extend(notes.actions.iter().map(|it| (it.quote.as_str(), &it.links[..])));
        shown.extend(notes.open_questions.iter().map(|it| (it.quote.as_str(), &it.links[..])));
        let met = notes.objections.iter().filter_map(|it| it.met.as_ref());
        shown.extend(met.filter(|met| !met.links.is_empty()).map(|it| (it.quote.as_str(), &it.links[..])));
        assert!(shown.len() > 3);
        for (quote, links) in shown {
            let (at, bytes) = find_quote(&said, quote, Some(links[0].channel)).unwrap();
            assert_eq!(said[at].start_ms, links[0].start_ms, "{quote}");
            assert!(quote.starts_with(&said[at].text[bytes]), "{quote}");
        }
    }
}
