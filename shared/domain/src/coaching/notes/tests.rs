//! What notes make of single utterances and short exchanges, and what of odd ones.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::{call::Channel, playbook};

static SALES: LazyLock<Playbook> = LazyLock::new(|| playbook::shipped("sales").unwrap());

fn cues() -> &'static Cues {
    Cues::of("en-US").unwrap()
}

fn said(channel: Channel, start_ms: u64, end_ms: u64, text: &str) -> Said<'_> {
    Said { channel, start_ms, end_ms, text }
}

fn read(text: &str) -> Utterance<'_> {
    Utterance::read(said(Channel::Agent, 0, 3000, text), Some(cues()))
}

/// Turns that follow one another within a second, after a word of each side; who speaks stands before the text.
fn exchange(turns: &[&str]) -> Notes {
    let turns: Vec<&str> = ["agent: We are up here in the north.", "customer: We are down there in it."]
        .iter()
        .chain(turns)
        .copied()
        .collect();
    notes(&SALES, &Progress::default(), &spoken(&turns))
}

fn spoken<'a>(turns: &[&'a str]) -> Vec<Said<'a>> {
    let turn = |(at, turn): (u64, &&'a str)| {
        let (who, text) = turn.split_once(": ")?;
        Some(said(Channel::parse(who).unwrap(), at * 5000, at * 5000 + 4500, text))
    };
    (0..).zip(turns).filter_map(turn).collect()
}

#[track_caller]
fn check_dates(text: &str, expected: &[&str]) {
    let utterance = read(text);
    let whole = 0..utterance.words.len();
    let dates = due::all(&utterance.words, &whole, Some(cues()));
    let found: Vec<&str> = dates.iter().map(|date| utterance.bare(&date.words)).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn dates_are_found_as_people_say_them() {
    check_dates("I'll call you by Friday at ten", &["by Friday at ten"]);
    check_dates("i will call you tomorrow morning around nine thirty", &["tomorrow morning around nine thirty"]);
    check_dates("Let's meet next week, or on the 5th", &["next week", "on the 5th"]);
    check_dates("it is due before the end of the month", &["before the end of the month"]);
    check_dates("within 24 hours, or in two weeks", &["within 24 hours", "in two weeks"]);
    check_dates("on the fifth of june in the morning", &["on the fifth of june in the morning"]);
    check_dates("June 5th and May twenty first", &["June 5th", "May twenty first"]);
    check_dates("by 6/12 or on 6/12/2026", &["by 6/12", "on 6/12/2026"]);
    check_dates("Thursday noon, no later than Friday", &["Thursday noon", "no later than Friday"]);
    check_dates("at 3:30, or at four o'clock", &["at 3:30", "at four o'clock"]);
    check_dates("At 10 a.m. on Monday. Friday is bad", &["At 10 a.m", "on Monday", "Friday"]);
    check_dates("as soon as possible", &["as soon as possible"]);
}

#[test]
fn what_only_looks_like_a_date_is_none() {
    for text in [
        "I may march on, second to none",
        "It is on the second floor",
        "one half is 1/2 and version 1.2 is old",
        "this month's bill",
        "for two people at five tables",
        "the first thing that I saw [date of birth]",
    ] {
        check_dates(text, &[]);
    }
}

#[track_caller]
fn check_amounts(text: &str, language: &str, expected: &[&str]) {
    let cues = Cues::of(language);
    let utterance = Utterance::read(said(Channel::Agent, 0, 1, text), cues);
    let found: Vec<&str> = amounts::amounts(&utterance, cues).into_iter().map(|bytes| &text[bytes]).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn amounts_need_a_symbol_or_a_unit() {
    check_amounts("$1,250.50 or €40, or 12 %", "en", &["$1,250.50", "€40", "12 %"]);
    check_amounts("four hundred and twenty dollars a month", "en", &["four hundred and twenty dollars"]);
    check_amounts("a hundred bucks, a dollar, twelve percent", "en", &["a hundred bucks", "twelve percent"]);
    check_amounts("$5 million, 30 dollars", "en", &["$5 million", "30 dollars"]);
    check_amounts("two vans and six drivers, 1200 of [amount]", "en", &[]);
    check_amounts("45 € und 10% von 300", "de", &["45 €", "10%"]);
}

#[track_caller]
fn check_names(text: &str, expected: &[(EntityKind, &str)]) {
    let utterance = read(text);
    let found = names::names(&utterance, cues());
    let found: Vec<(EntityKind, &str)> = found.iter().map(|(kind, range)| (*kind, utterance.bare(range))).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn names_are_led_to() {
    use EntityKind::{Organization, Person};
    check_names(
        "My name is Ann Lee, calling from Blue Sky Travel.",
        &[(Person, "Ann Lee"), (Organization, "Blue Sky Travel")],
    );
    check_names(
        "this is tom from harbor insurance how are you",
        &[(Person, "tom"), (Organization, "harbor insurance")],
    );
    check_names("Could I speak to Dr. Meyer or to Mrs. Ito?", &[(Person, "Dr. Meyer"), (Person, "Mrs. Ito")]);
    check_names("We bank with Harbor Union Bank here", &[(Organization, "Harbor Union Bank")]);
    check_names("I met with Anna. Bob and Cy came too.", &[(Person, "Anna")]);
    check_names("mister miller is out", &[(Person, "mister miller")]);
}

#[test]
fn masks_and_common_words_are_no_names() {
    for text in [
        "My name is [name] and this is [name] from [organization]",
        "this is great and i am sure that it is fine",
        "This is Friday. Hello, is this the right number?",
        "I am Happy To Help",
        "call me back tomorrow",
        "thank you for calling",
    ] {
        check_names(text, &[]);
    }
}

#[track_caller]
fn check_actions(text: &str, expected: &[(Owner, &str)]) {
    let actions = promises::actions(&read(text), false, cues());
    let found: Vec<(Owner, &str)> = actions.iter().map(|it| (it.owner, it.text.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn actions_have_an_owner() {
    use Owner::{Agent, Customer, Unknown};
    check_actions(
        "I'll definitely send it, and we'll call you.",
        &[(Agent, "I'll definitely send it"), (Agent, "we'll call you.")],
    );
    check_actions("could you please also email me the form", &[(Customer, "could you please also email me the form")]);
    check_actions("Please bring your papers.", &[(Customer, "Please bring your papers.")]);
    check_actions("you need to sign the form", &[(Customer, "you need to sign the form")]);
    check_actions("somebody will contact you", &[(Unknown, "somebody will contact you")]);
    check_actions("My colleague will call you", &[(Agent, "My colleague will call you")]);
}

#[test]
fn what_is_not_promised_is_no_action() {
    for text in [
        "I won't send anything.",
        "I do not think I will call you.",
        "If I will pay more, tell me.",
        "When will you send it?",
        "Do I need to sign anything?",
        "I will be honest with you.",
        "Can you hear me?",
        "Please hold the line.",
        "I will ask you a question.",
        "I sent it yesterday.",
        "[promise] [deed]",
    ] {
        check_actions(text, &[]);
    }
}

#[track_caller]
fn check_agreements(turns: &[&str], expected: &[(&str, Option<&str>)]) {
    let notes = exchange(turns);
    let found: Vec<(&str, Option<&str>)> =
        notes.agreements.iter().map(|it| (it.text.as_str(), it.due.as_deref())).collect();
    assert_eq!(found, expected, "{turns:?}");
}

#[test]
fn agreements_need_both_sides_or_a_plain_word() {
    check_agreements(
        &["agent: How about Tuesday at ten?", "customer: That works."],
        &[("How about Tuesday at ten?", Some("Tuesday at ten"))],
    );
    check_agreements(
        &["agent: shall we talk on monday", "customer: yes tuesday is better"],
        &[("shall we talk on monday", Some("tuesday"))],
    );
    check_agreements(&["customer: Okay, I'll take it."], &[("Okay, I'll take it.", None)]);
    check_agreements(
        &["customer: sounds good let's do tuesday at ten"],
        &[("sounds good let's do tuesday at ten", Some("tuesday at ten"))],
    );
}

#[test]
fn a_yes_to_anything_else_is_no_agreement() {
    for turns in [
        &["agent: How about Tuesday at ten?", "customer: That does not work."][..],
        &["agent: How about Tuesday at ten?", "customer: No."],
        &["agent: How about Tuesday at ten?"],
        &["agent: It rained all day in the north.", "customer: Sounds good."],
        &["agent: Is this your number?", "customer: Yes."],
        &["customer: Let me know if that works for you on Friday."],
        &["customer: I would not say that is a deal."],
        &["agent: Would Monday work?", "customer: Does that works for me mean yes?"],
    ] {
        check_agreements(turns, &[]);
    }
}

#[track_caller]
fn check_open(turns: &[&str], expected: &[&str]) {
    let notes = exchange(turns);
    let found: Vec<&str> = notes.open_questions.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(found, expected, "{turns:?}");
}

#[test]
fn a_question_is_open_when_nothing_is_said_to_it() {
    check_open(&["agent: We are here.", "customer: When is it delivered?"], &["When is it delivered?"]);
    check_open(&["customer: and when is it delivered", "agent: um well"], &["when is it delivered"]);
    check_open(&["customer: What does it cost?", "agent: I do not know."], &["What does it cost?"]);
    check_open(
        &["customer: What does it cost?", "agent: What do you pay now?", "customer: Too much."],
        &["What does it cost?"],
    );
    check_open(&["customer: What does it cost?", "", "", "", "agent: Ten dollars."], &["What does it cost?"]);
}

#[test]
fn a_question_is_answered_by_whatever_may_be_an_answer() {
    for turns in [
        &["customer: What does it cost?", "agent: Ten dollars."][..],
        &["customer: What does it cost?", "agent: Well, uh.", "agent: ten"],
        &["customer: What does it cost?", "agent: How many do you need?", "customer: Four.", "agent: Forty dollars."],
        &["customer: is that included", "agent: yes"],
        &["customer: How many are left?", "agent: One."],
        &["customer: Is it far?", "agent: You see, I like that."],
        &["customer: What does it cost? I would not pay much.", ""],
        &["agent: Hello there, how are you?", "", "", "customer: Hello."],
        &["agent: It costs ten dollars, right?", ""],
        &["customer: what a nice day that was"],
    ] {
        check_open(turns, &[]);
    }
}

#[track_caller]
fn check_interruptions(times: &[(Channel, u64, u64)], expected: (u32, u32)) {
    let mut said: Vec<Said<'_>> = times.iter().map(|(who, from, to)| said(*who, *from, *to, "so")).collect();
    said.sort_by_key(|it| (it.start_ms, it.channel));
    let found = talk::interruptions(&said);
    assert_eq!((found.agent, found.customer), expected, "{times:?}");
}

#[test]
fn who_begins_while_the_other_talks_interrupts() {
    use Channel::{Agent, Customer};
    check_interruptions(&[(Agent, 0, 5000), (Customer, 4000, 6000)], (0, 1));
    check_interruptions(&[(Agent, 0, 5000), (Customer, 4800, 6000)], (0, 0));
    check_interruptions(&[(Agent, 0, 5000), (Customer, 4000, 4200)], (0, 0));
    check_interruptions(&[(Agent, 0, 5000), (Customer, 0, 6000)], (0, 0));
    check_interruptions(&[(Customer, 0, 9000), (Agent, 1000, 2000), (Agent, 3000, 4000)], (2, 0));
    check_interruptions(&[(Customer, 0, 2000), (Agent, 1000, 5000), (Customer, 4000, 6000)], (1, 1));
    check_interruptions(&[(Agent, 900, 100), (Customer, 50, 3000)], (0, 0));
}

#[test]
fn who_only_shows_to_listen_interrupts_nobody() {
    for (text, expected) in [("mhm", 0), ("Yeah, right.", 0), ("No, wait, that is wrong", 1), ("stop", 1), ("No.", 1)] {
        let call = [
            said(Channel::Customer, 0, 5000, "We have had this roof for many years now, all of us."),
            said(Channel::Agent, 2000, 2900, text),
            said(Channel::Agent, 6000, 9000, "And what did the roof look like in all those years?"),
        ];
        assert_eq!(notes(&SALES, &Progress::default(), &call).interruptions.agent, expected, "{text}");
    }
}

#[test]
fn a_monologue_is_one_side_alone() {
    use Channel::{Agent, Customer};
    let many = "and then we went on ".repeat(20);
    for (agent, customer, expected) in [
        ("hello there", "", NotesStyle::Monologue),
        ("hello there", "hi", NotesStyle::Call),
        (many.as_str(), "mhm yes", NotesStyle::Monologue),
        ("mhm yes", many.as_str(), NotesStyle::Monologue),
        (many.as_str(), many.as_str(), NotesStyle::Call),
        ("", "", NotesStyle::Call),
    ] {
        assert_eq!(
            notes_style(&[said(Agent, 0, 1, agent), said(Customer, 2, 3, customer)]),
            expected,
            "{agent} {customer}"
        );
    }
}

#[test]
fn feelings_count_and_negations_turn_them() {
    for (text, expected) in [
        ("I am very happy, this is great.", 57),
        ("I am not happy.", -40),
        ("Good morning.", 0),
        ("This is terrible and I hate it.", -66),
        ("No problem at all.", 0),
        ("", 0),
    ] {
        let mut tally = sentiment::Tally::default();
        tally.add(&read(text).words, cues());
        assert_eq!(tally.score(), expected, "{text}");
    }
}

#[test]
fn notes_from_before_all_this_still_read() {
    let old = json!({
        "playbook": "sales", "playbook_version": 3, "summary": "Sales, 0:08 of talk.", "percent": 50,
        "reached": [{"id": "price", "label": "Price", "evidence":
            {"quote": "Ten dollars.", "channel": "agent", "start_ms": 0, "end_ms": 900}}],
        "missed": [{"id": "offer", "label": "Offer", "required": true, "why": ""}],
        "objections": [{"id": "too_expensive", "label": "Too expensive", "severity": "high", "evidence":
            {"quote": "Too expensive.", "channel": "customer", "start_ms": 1000, "end_ms": 1900}}],
        "talk": {"agent_ms": 900, "customer_ms": 900, "agent_percent": 50},
        "longest_monologue": {"channel": "agent", "start_ms": 0, "end_ms": 900},
    });
    let notes: Notes = serde_json::from_value(old.clone()).unwrap();
    assert_eq!((notes.style, notes.source, notes.quality.low), (NotesStyle::Call, NotesSource::Rule, false));
    assert_eq!((notes.objections[0].met.clone(), notes.actions.len()), (None, 0));
    let new = serde_json::to_value(&notes).unwrap();
    for (field, value) in old.as_object().unwrap() {
        let same = field == "objections" || new[field] == *value;
        assert!(same, "{field}: {}", new[field]);
    }
    let copy: Notes = serde_json::from_value(new).unwrap();
    assert_eq!(copy, notes);
}

#[test]
fn odd_texts_are_borne() {
    let long = "i will send it and ".repeat(500);
    let texts = [
        "'",
        "n't",
        "'s",
        "…?",
        "[",
        "[]",
        "[card number",
        "]",
        "é’",
        "👍 $ 👍 %",
        "$",
        "$1,2.3,/:",
        "1/2/",
        "ÀÉÎ’ß ﬁ?",
        "¿?",
        "the",
        "on the",
        "my name is",
        "this is [x] from",
        "by",
        "in a few",
        "twenty",
        "i will",
        "mr.",
        "a a a",
        "\u{a0}5\u{a0}€",
        "İi̇ will send",
        long.as_str(),
    ];
    let said: Vec<Said<'_>> = (0..)
        .zip(texts)
        .flat_map(|(at, text)| {
            let end_ms = if at % 3 == 0 { u64::MAX } else { at };
            [said(Channel::Agent, at, end_ms / 200, text), said(Channel::Customer, at, at + 9, text)]
        })
        .collect();
    for language in ["en", "ja"] {
        let playbook = Playbook { language: language.to_owned(), ..playbook::shipped("tax_relief").unwrap() };
        let notes = notes(&playbook, &Progress::default(), &said);
        assert!(serde_json::to_string(&notes).unwrap().len() < 100_000);
        for alone in &said {
            super::notes(&playbook, &Progress::default(), &[*alone]);
        }
    }
}

#[track_caller]
fn check_quality(change: impl Fn(&mut Notes), low: bool, expected: &[&str]) {
    let turns = [
        "agent: I will send you the offer by Friday.",
        "customer: Sounds good. What about the garden?",
        "",
        "",
        "agent: Goodbye.",
    ];
    let said = spoken(&turns);
    let mut notes = notes(&SALES, &Progress::default(), &said);
    change(&mut notes);
    let quality = quality(&notes, &said);
    assert_eq!(
        (&quality.problems[..], quality.low),
        (&expected.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()[..], low)
    );
    assert_eq!(quality.score == 100, expected.is_empty());
}

#[test]
fn quality_names_what_is_wrong() {
    check_quality(|_| {}, false, &[]);
    check_quality(|notes| notes.summary = " ".to_owned(), true, &["The summary is empty."]);
    check_quality(|notes| notes.actions[0].text = "x".repeat(281), false, &["1 text is too long."]);
    check_quality(
        |notes| notes.actions[0].quote = "I never said that".to_owned(),
        false,
        &["1 of 3 quotes do not occur in what was said."],
    );
    check_quality(
        |notes| notes.actions[0].links.clear(),
        false,
        &["1 of 3 quotes do not occur in what was said.", "1 date is not said where the item links to."],
    );
    check_quality(
        |notes| notes.actions[0].due = Some("by Monday".to_owned()),
        false,
        &["1 date is not said where the item links to.", "1 item is told with two dates."],
    );
    check_quality(|notes| notes.actions[0].text.clear(), false, &["1 item is without a text."]);
    check_quality(
        |notes| notes.style = NotesStyle::Monologue,
        false,
        &["A voice note needs a diary entry, and a call has none."],
    );
    check_quality(|notes| notes.percent = 50, false, &["Landmarks count as reached, but none is listed."]);
}

#[test]
fn notes_that_point_nowhere_are_low() {
    let text = "and so it goes on and on with nothing in it";
    let turn = |at: u64| {
        said(if at.is_multiple_of(2) { Channel::Agent } else { Channel::Customer }, at * 9000, at * 9000 + 8000, text)
    };
    let said: Vec<Said<'_>> = (0..60).map(turn).collect();
    let notes = notes(&SALES, &Progress::default(), &said);
    assert!(notes.quality.low);
    assert_eq!(notes.quality.problems, ["The notes point into 0 % of the call only."]);
}

#[test]
fn a_score_is_made_of_its_parts() {
    let empty = notes(&SALES, &Progress::default(), &[]);
    let empty: Value = serde_json::to_value(empty.scorecard).unwrap();
    assert_eq!(empty, json!({"score": 0, "parts": []}));
    let card =
        exchange(&["agent: Hello, I will send you the offer.", "customer: Thank you very much indeed."]).scorecard;
    let parts: Vec<(&str, u8, u8)> = card.parts.iter().map(|it| (it.id.as_str(), it.points, it.of)).collect();
    assert_eq!(parts, [("landmarks", 0, 50), ("next_step", 8, 15), ("balance", 10, 10), ("interruptions", 5, 5)]);
    assert_eq!(card.score, 28);
    assert_eq!(card.parts[1].why, "There is a next step, but no date for it.");
}
