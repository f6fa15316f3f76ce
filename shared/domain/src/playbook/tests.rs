//! Reading playbooks: what ships is sound, and each fault is told with its place.

use super::*;

#[test]
fn what_ships_is_sound() {
    for (file, text) in SHIPPED {
        let playbook = check(text).unwrap_or_else(|problems| panic!("{file}: {}", list(&problems)));
        assert_eq!(file.strip_suffix(".yaml"), Some(playbook.id.as_str()));
        let copy: Playbook = serde_json::from_str(&serde_json::to_string(&playbook).unwrap()).unwrap();
        assert_eq!(copy, playbook, "{file} survives the table");
    }
    assert!(shipped(DEFAULT_ID).is_some());
}

#[test]
fn what_was_stored_before_states_is_still_read() {
    let playbook = parse_yaml(SOUND).unwrap();
    let stored = serde_json::to_string(&playbook).unwrap();
    for field in ["starts", "reopens", "answers", "resolves", "acceptance"] {
        assert!(!stored.contains(field), "{field} is left out where it is empty, as it was");
    }
    assert_eq!(serde_json::from_str::<Playbook>(&stored).unwrap(), playbook);
}

const SOUND: &str = "\
id: mine
name: Mine
version: 1
language: en
lists:
  partner: [wife, husband]
landmarks:
  - id: greeting
    label: Greeting
    channel: agent
    signals:
      - good morning
objections:
  - id: too_expensive
    label: Too expensive
    severity: high
    answer: I see.
    signals:
      - too expensive
      - ask my {partner}
";

/// Replaces `from` in the sound playbook and expects exactly these problems, each `line:column: message`.
#[track_caller]
fn check_broken(from: &str, to: &str, expected: &[&str]) {
    assert!(from.is_empty() || SOUND.contains(from), "{from:?} is not in the text");
    let text = if from.is_empty() { to.to_owned() } else { SOUND.replacen(from, to, 1) };
    let problems = check(&text).map(|_| ()).unwrap_err();
    let told: Vec<String> = problems.iter().map(|it| format!("{}:{}: {}", it.line, it.column, it.message)).collect();
    assert_eq!(told, expected, "{text}");
}

#[test]
fn a_sound_playbook_is_read() {
    let playbook = parse_yaml(SOUND).unwrap();
    assert_eq!(playbook.landmarks[0].channel, Some(Channel::Agent));
    assert!(playbook.landmarks[0].required, "required unless said otherwise");
    assert_eq!(playbook.objections[0].severity, Severity::High);
}

#[test]
fn each_fault_is_told_with_its_place_and_what_to_do() {
    for (from, to, expected) in [
        (
            "name: Mine",
            "nmae: Mine",
            &["1:1: the playbook has no name; add name:", "2:1: a playbook has no field \"nmae\"; did you mean name?"]
                [..],
        ),
        ("name: Mine\n", "", &["1:1: the playbook has no name; add name:"]),
        ("id: mine", "id: My Playbook", &["1:5: playbook \"My Playbook\" is not valid: 1 to 64 of a-z, 0-9, - and _"]),
        ("version: 1", "version: one", &["3:10: version is no whole number from 1 up; start with version: 1"]),
        ("version: 1", "version: 0", &["3:10: version is no whole number from 1 up; start with version: 1"]),
        ("channel: agent", "channel: agnet", &["10:14: there is no channel \"agnet\"; use agent, customer or any"]),
        ("severity: high", "severity: huge", &["16:15: there is no severity \"huge\"; use low, medium or high"]),
        ("label: Greeting", "label: 7", &["9:12: label is a number; put it into quotes to make it text"]),
        ("label: Greeting", "label:", &["9:10: label is empty; fill it in or remove it"]),
        (
            "id: greeting",
            "id: Greeting!",
            &["8:9: the id \"Greeting!\" is not valid; use up to 64 of a-z, 0-9, _ and -, beginning with a letter"],
        ),
        (
            "    signals:\n      - good morning",
            "    signals: []",
            &["11:14: signals is empty; list what is said, such as - too expensive"],
        ),
        (
            "    signals:\n      - good morning\n",
            "",
            &["8:5: the landmark has no signals; list what is said, such as - too expensive"],
        ),
        ("- good morning", "- good (morning", &["12:9: \"(\" is never closed; add the \")\""]),
        (
            "- good morning",
            "- it is",
            &["12:9: the signal has small words only and would match everywhere; add a word that tells it apart"],
        ),
        ("- good morning", "- 12", &["12:9: an entry of signals is a number; put it into quotes to make it text"]),
        (
            "    channel: agent\n",
            "    starts:\n      - may (i\n    reopens: wrong\n",
            &[
                "11:9: \"(\" is never closed; add the \")\"",
                "12:14: reopens is text; it must be a list of texts, each beginning with -",
            ],
        ),
        (
            "    severity: high\n",
            "    answers:\n      - it is\n    resolves:\n      - 12\n",
            &[
                "17:9: the signal has small words only and would match everywhere; add a word that tells it apart",
                "19:9: an entry of resolves is a number; put it into quotes to make it text",
            ],
        ),
        (
            "language: en",
            "language: en\nacceptance: [{good}]",
            &["5:14: an entry of acceptance is a mapping; it must be text"],
        ),
        ("{partner}", "{spouse}", &["20:9: there is no list \"spouse\"; lists are number, day, month, partner"]),
        (
            "    channel: agent\n",
            "    channel: agent\n    label: Again\n",
            &["11:5: \"label\" stands here twice; keep one"],
        ),
        (
            "    answer: I see.",
            "    anwser: I see.",
            &[
                "14:5: the objection has no answer; add answer:",
                "17:5: an objection has no field \"anwser\"; did you mean answers?",
            ],
        ),
        (
            "language: en",
            "language: en\nextends: nothing",
            &["5:10: there is no shipped playbook \"nothing\" to extend; use sales, or leave this out"],
        ),
        (
            "",
            "- just\n- a list\n",
            &[
                "1:1: here stands a list; a playbook is a mapping with id, name, version, language, extends, terms, guardrails, acceptance, lists, landmarks, objections",
            ],
        ),
    ] {
        check_broken(from, to, expected);
    }
}

#[test]
fn ids_are_unique_and_cards_are_short() {
    let twice = "objections:\n  - id: too_expensive\n    label: A\n    answer: B\n    signals: [too dear]\n";
    let expected = "18:9: the id \"too_expensive\" is taken by the objection on line 14; ids are unique";
    check_broken("objections:\n", twice, &[expected]);
    let long = format!("answer: {}", "x".repeat(300));
    check_broken(
        "answer: I see.",
        &long,
        &["17:13: the answer has 300 characters and a card holds 280; shorten it by 20"],
    );
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_lines() {
    let text = SOUND.replace("agent", "boss").replace("high", "huge").replace("version: 1", "version: -1");
    let lines: Vec<u64> = check(&text).unwrap_err().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [3, 10, 16]);
    let error = parse_yaml(&text).unwrap_err().to_string();
    assert!(error.starts_with("line 3, column 10: version is no whole number"), "{error}");
}

#[test]
fn broken_yaml_is_told_with_its_place() {
    for (text, line) in [("id: [mine\n", 2), ("id: mine\n\tname: x\n", 2), ("a: 1\n  b: 2\n", 2)] {
        let problems = check(text).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.starts_with("this is not valid YAML: "), "{}", problems[0]);
        assert!(problems[0].line <= line && problems[0].line > 0, "{}", problems[0]);
    }
}

#[test]
fn extending_takes_objections_over_and_adds_to_them() {
    let extended = "language: en\nextends: sales\nacceptance: [good enough]";
    let text = SOUND.replace("language: en", extended).replace("severity: high", "answers: [split the bill]");
    let playbook = parse_yaml(&text).unwrap();
    let base = shipped("sales").unwrap();
    let ids = |playbook: &Playbook| playbook.objections.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&playbook), ids(&base));
    let (own, other) = (&playbook.objections[0], &base.objections[0]);
    assert_eq!((own.answer.as_str(), own.severity), ("I see.", other.severity));
    assert_eq!(own.signals.len(), other.signals.len() + 2);
    assert_eq!(own.answers.len(), other.answers.len() + 1);
    assert!(!other.resolves.is_empty());
    assert_eq!(own.resolves, other.resolves);
    assert!(!base.acceptance.is_empty());
    assert_eq!(playbook.acceptance.len(), base.acceptance.len() + 1);
}

#[test]
fn shipped_playbooks_have_the_ids_that_others_rely_on() {
    let ids = [
        "too_expensive",
        "think_about_it",
        "ask_partner",
        "competitor",
        "no_trust",
        "no_time",
        "send_information",
        "already_have",
        "not_interested",
        "commitment",
    ];
    for playbook in SHIPPED.iter().map(|(_, text)| parse_yaml(text).unwrap()) {
        assert_eq!(playbook.objections.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ids);
        assert!(playbook.objections.iter().all(|it| it.signals.len() >= 15 && it.answer.chars().count() <= CARD_CHARS));
    }
}
