//! The rule layer from outside: text in, findings out.

use std::collections::BTreeMap;

use super::*;
use crate::playbook::{self, Landmark, Objection, Playbook, Severity};

/// A playbook of one objection and, with the same signals, one landmark of the agent.
fn rules(signals: &[&str]) -> Rules {
    let signals: Vec<String> = signals.iter().map(|signal| (*signal).to_owned()).collect();
    Rules::compile(Playbook {
        landmarks: vec![Landmark {
            id: "told".to_owned(),
            label: "Told".to_owned(),
            why: String::new(),
            required: true,
            channel: Some(Channel::Agent),
            signals: signals.clone(),
            unless: vec![],
            starts: vec![],
            reopens: vec![],
            question: "Told?".to_owned(),
        }],
        objections: vec![Objection {
            id: "pushback".to_owned(),
            label: "Pushback".to_owned(),
            severity: Severity::High,
            signals,
            unless: vec!["i will take it".to_owned()],
            answers: vec![],
            resolves: vec![],
            answer: "I see.".to_owned(),
            follow_up: String::new(),
            facts: vec![],
        }],
        lists: BTreeMap::from([("partner".to_owned(), vec!["wife".to_owned(), "better half".to_owned()])]),
        ..playbook::shipped("sales").unwrap()
    })
}

fn customer(text: &str) -> Said<'_> {
    Said { channel: Channel::Customer, start_ms: 0, end_ms: 900, text }
}

#[track_caller]
fn check(signal: &str, text: &str, expected: bool) {
    let findings = rules(&[signal]).read(&customer(text));
    let found = findings.iter().any(|finding| finding.kind == FindingKind::Objection);
    assert_eq!(found, expected, "signal {signal:?} in {text:?}");
}

#[test]
fn plain_phrases_bear_inflection_fillers_gaps_and_contractions() {
    for (signal, text) in [
        ("too expensive", "That is too expensive."),
        ("too expensive", "it's too, uh, you know, really expensive"),
        ("too expensive", "too damn expensive"),
        ("compare prices", "We are comparing the price first."),
        ("can't afford", "I can not afford that."),
        ("cannot afford", "I can’t really afford it"),
        ("do not have the money", "I don't have the money."),
        ("talk to my wife", "I'll talk this over to my wife."),
        ("need time to decide", "we need some more time to decide on it"),
        ("call may be recorded", "this call may also be recorded"),
    ] {
        check(signal, text, true);
    }
}

#[test]
fn recognition_errors_are_borne_where_enough_else_fits() {
    for (signal, text, expected) in [
        ("too expensive", "that is to expensive", true),
        ("too expensive", "that is too expansive", true),
        ("too expensive", "that is too intensive for me", false),
        ("confirm your date of birth", "confirm you're date of birth", true),
        ("outstanding balance federal government agency", "outstanding balance fat government agency", true),
        ("scam", "it is a scan", false),
        ("trust you", "trust", false),
    ] {
        check(signal, text, expected);
    }
}

#[test]
fn negated_hypothetical_and_reported_statements_are_no_objection() {
    for (text, expected) in [
        ("That is not too expensive.", false),
        ("It isn't too expensive at all.", false),
        ("I never said it was too expensive.", false),
        ("I don't think that's too expensive.", false),
        ("If it were too expensive I would tell you.", false),
        ("You said it is too expensive.", false),
        ("Is it too expensive?", false),
        ("Too expensive is not the problem.", false),
        ("It is too expensive, but fine, I'll take it.", false),
        ("It's not only too expensive, it is useless.", true),
        ("Isn't that too expensive?", true),
        ("I am not happy, it is too expensive.", true),
        ("no it's too expensive", true),
        ("If I am honest it is too expensive.", true),
        ("I do not want it. Too expensive.", true),
    ] {
        check("too expensive", text, expected);
    }
    check("price is a problem", "The price is not a problem.", false);
    check("not trust you", "It's not that I do not trust you.", false);
    check("send me information", "Why don't you send me some information?", true);
    check("send me information", "If you could send me some information.", true);
}

#[test]
fn what_others_say_and_what_was_then_is_no_objection() {
    for (signal, text, expected) in [
        ("not have the money", "I really don't have the money.", true),
        ("not have the money", "They really don't have the money.", false),
        ("not have the money", "When you don't have the money, you walk.", false),
        ("need to think about it", "She needs to think about it.", false),
        ("too expensive", "The old ones were just too expensive.", false),
        ("not want it", "We didn't want it.", false),
        ("no plans to change", "No, my plans have changed.", false),
        ("no i am good", "No, I'm good.", true),
        ("you people say", "You know, people say so.", false),
        ("ask my wife", "I must ask my wife.", true),
        ("ask my wife", "I asked my wife.", false),
        ("(ask|asked) my wife", "I asked my wife.", true),
        ("nine hundred dollars", "It's nine hundred dollars.", true),
    ] {
        check(signal, text, expected);
    }
}

#[test]
fn what_an_agent_tells_of_the_past_reaches_a_landmark() {
    let told = rules(&["ask my wife"]).read(&Said { channel: Channel::Agent, ..customer("I asked my wife.") });
    assert_eq!(told.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [FindingKind::Landmark]);
}

#[test]
fn what_is_told_is_no_objection() {
    let long = "and then there is the whole thing with the city where it came out that the new bridge is";
    for (signal, text, expected) in [
        ("a waste of money", "It's a waste of money.".to_owned(), true),
        ("a waste of money", format!("{long} a waste of money"), false),
        ("a waste of money", format!("{long} done. This is a waste of money."), true),
        ("too expensive", format!("{long} too expensive"), false),
        ("cannot afford", "The thing is that my roof is new and so I cannot afford it.".to_owned(), true),
        ("cannot afford", "When the kids are in school I cannot afford it.".to_owned(), false),
        ("costs a fortune", "They say at the garage it costs a fortune.".to_owned(), false),
        ("costs a fortune", "They know it, but it costs a fortune.".to_owned(), true),
        ("too expensive", "I was hoping for less, it is too expensive.".to_owned(), true),
        ("too expensive", "We went there and found it too expensive.".to_owned(), false),
        ("charge too much", "You people charge too much.".to_owned(), true),
        ("they charge less", "The others, they charge less.".to_owned(), true),
        ("need to think about it", "You need to think about it.".to_owned(), false),
        ("need to think about it", "If I'm honest, I need to think about it.".to_owned(), true),
        ("text me the details", "If you'd text me the details.".to_owned(), true),
    ] {
        check(signal, &text, expected);
    }
}

#[test]
fn the_notation_of_signals_does_what_it_says() {
    for (signal, text, expected) in [
        ("talk to my {partner}", "I must talk to my better half", true),
        ("talk to my {partner}", "I must talk to my dog", false),
        ("(email|text) me", "just text me", true),
        ("[way] too much", "too much", true),
        ("send ... email", "send it over to me by email", true),
        ("send email", "send it over to me with a nice email", false),
        ("no thank you .", "No thank you.", true),
        ("no thank you .", "No thank you for the lovely flowers.", false),
        ("{number} dollars", "about forty thousand dollars", true),
        ("{number} dollars", "about $40,000 dollars", true),
        ("{number} dollars", "about some dollars", false),
    ] {
        check(signal, text, expected);
    }
}

#[test]
fn a_finding_needs_its_channel_and_quotes_the_sentence() {
    let rules = rules(&["too expensive"]);
    let text = "Well, yes. That is TOO expensive! I mean it.";
    let read = |channel| rules.read(&Said { channel, start_ms: 40, end_ms: 90, text });
    let expected = |kind, id: &str, channel| {
        let evidence = Evidence {
            quote: "That is TOO expensive!".to_owned(),
            channel,
            start_ms: 40,
            end_ms: 90,
            source: Source::Rule,
        };
        vec![Finding { kind, id: id.to_owned(), evidence }]
    };
    assert_eq!(read(Channel::Customer), expected(FindingKind::Objection, "pushback", Channel::Customer));
    assert_eq!(read(Channel::Agent), expected(FindingKind::Landmark, "told", Channel::Agent));
}

#[test]
fn long_unpunctuated_speech_is_quoted_around_the_match() {
    let many = "and then you see the town ".repeat(8);
    let text = format!("{many}it is too expensive {many}");
    let findings = rules(&["too expensive"]).read(&customer(&text));
    let quote = &findings[0].evidence.quote;
    assert!(quote.contains("too expensive") && quote.len() < 120 && text.contains(quote.as_str()), "{quote}");
}

#[test]
fn odd_text_is_borne() {
    let rules = Rules::compile(playbook::shipped("tax_relief").unwrap());
    let long = "too much ".repeat(500);
    for text in
        ["", " ", "'", "n't", "'s", "…", "é’", "👍 too 👍", "1,2.3,", "ÀÉÎ’ß ﬁ", "it's it's it's", long.as_str()]
    {
        rules.read(&customer(text));
    }
}

/// A small generator, so that the order differs from run to run of the loop but not from run to run of the test.
fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut items = items.to_vec();
    for at in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(at, usize::try_from(state % (at as u64 + 1)).unwrap());
    }
    items
}

#[test]
fn progress_and_notes_depend_on_the_set_of_segments_alone() {
    let rules = Rules::compile(playbook::shipped("tax_relief").unwrap());
    let texts = [
        "Good morning, this is Ann.",
        "That is too expensive.",
        "This call may be recorded.",
        "I can't afford it. I must ask my wife.",
        "How much do you owe?",
        "It is too expensive, I said.",
        "Let me think about it.",
    ];
    let said: Vec<Said<'_>> = (0..42_u64)
        .map(|n| Said {
            channel: if n % 2 == 0 { Channel::Agent } else { Channel::Customer },
            // Equal times on purpose.
            start_ms: n / 4 * 1000,
            end_ms: n / 4 * 1000 + 900,
            text: texts[usize::try_from(n * 5 % 7).unwrap()],
        })
        .collect();
    let outcome = |said: &[Said<'_>]| {
        let mut progress = Progress::default();
        for finding in said.iter().flat_map(|said| rules.read(said)) {
            progress.add(&finding);
        }
        let notes = notes(rules.playbook(), &progress, said);
        (progress, notes)
    };
    let expected = outcome(&said);
    assert!(!expected.0.landmarks.is_empty() && expected.0.objections.len() >= 3);
    for seed in 1..60 {
        let mut doubled = said.clone();
        doubled.extend(shuffled(&said, seed + 100).into_iter().take(11));
        assert_eq!(outcome(&shuffled(&doubled, seed)), expected, "seed {seed}");
    }
}

#[test]
fn adding_says_whether_anything_changed() {
    let finding = |start_ms| Finding {
        kind: FindingKind::Objection,
        id: "pushback".to_owned(),
        evidence: Evidence {
            quote: "no".to_owned(),
            channel: Channel::Customer,
            start_ms,
            end_ms: start_ms + 1,
            source: Source::Rule,
        },
    };
    let mut progress = Progress::default();
    assert!(progress.add(&finding(5)));
    assert!(!progress.add(&finding(5)), "a double");
    assert!(progress.add(&finding(9)), "later evidence");
    assert!(progress.add(&finding(2)), "earlier evidence");
    assert!(!progress.add(&finding(9)), "a double of the latest");
    let copy: Progress = serde_json::from_str(&serde_json::to_string(&progress).unwrap()).unwrap();
    assert_eq!(copy, progress);
}

#[test]
fn the_view_tells_what_remains_and_what_to_ask_next() {
    let rules = Rules::compile(playbook::shipped("tax_relief").unwrap());
    let mut progress = Progress::default();
    let agent = Said { channel: Channel::Agent, ..customer("Hello, this call is recorded.") };
    rules.read(&agent).iter().for_each(|finding| assert!(progress.add(finding)));
    let view = progress.view(rules.playbook());
    assert_eq!(view.percent, 28);
    assert_eq!(view.remaining, ["identity", "debt", "solution", "price", "next_step"]);
    assert_eq!(view.next_question.as_deref(), Some("To protect your privacy, can you confirm your date of birth?"));
    assert_eq!(view.landmarks[0].state, LandmarkState::Done);
    assert_eq!(view.landmarks[2].state, LandmarkState::Open);
    assert!(progress.cards(rules.playbook()).is_empty());
}

#[test]
fn notes_sum_up_the_call() {
    let rules = rules(&["too expensive"]);
    let said = [
        Said { channel: Channel::Agent, start_ms: 0, end_ms: 3000, text: "It is two thousand dollars." },
        Said { channel: Channel::Agent, start_ms: 3500, end_ms: 6000, text: "In four payments." },
        Said { channel: Channel::Customer, start_ms: 7000, end_ms: 8000, text: "Too expensive." },
    ];
    let mut progress = Progress::default();
    for finding in said.iter().flat_map(|said| rules.read(said)) {
        progress.add(&finding);
    }
    let notes = notes(rules.playbook(), &progress, &said);
    assert_eq!(notes.talk, Talk { agent_ms: 5500, customer_ms: 1000, agent_percent: Some(84) });
    let monologue = Monologue { channel: Channel::Agent, start_ms: 0, end_ms: 6000 };
    assert_eq!(notes.longest_monologue, Some(monologue));
    assert_eq!(
        notes.summary,
        "Sales, 0:08 of talk, the agent speaking 84 % of it. 0 of 1 landmarks reached; still open: Told. \
         The customer objected: Pushback (\"Too expensive.\")."
    );
    let copy: Notes = serde_json::from_str(&serde_json::to_string(&notes).unwrap()).unwrap();
    assert_eq!(copy, notes);
}
