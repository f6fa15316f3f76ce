//! States: what a call's words do to landmarks, objections and cards, in whatever order they arrive.

use proptest::prelude::*;

use super::*;
use crate::playbook::{self, Playbook, Severity};

/// A playbook of two landmarks and four objections whose signals are plain words.
fn playbook() -> Playbook {
    let text = "\
id: states
name: States
version: 1
language: en
acceptance: [that makes sense]
landmarks:
  - {id: price, label: Price, why: It matters., channel: agent, question: May I name it?, signals: [same price],
     starts: [how much], reopens: [wrong price]}
  - {id: date, label: Date, channel: agent, question: When?, signals: [see you monday], starts: [which monday]}
objections:
  - {id: dear, label: Dear, severity: high, answer: The fee covers every later repair of your roof., signals: [too dear],
     follow_up: What would suit?, facts: [Repairs cost more each winter.], answers: [spread payments],
     resolves: [can pay that]}
  - {id: later, label: Later, severity: low, answer: Of course., signals: [think it over], answers: [take your time]}
  - {id: boss, label: Boss, severity: low, answer: Bring him along., signals: [ask my boss], answers: [bring your boss]}
  - {id: scam, label: Scam, severity: high, answer: Look us up., signals: [a scam], answers: [look us up]}
";
    playbook::parse_yaml(text).unwrap()
}

/// Utterances, each with the second at which it begins: `c5 too dear` is said by the customer at 5 s.
fn listen(rules: &Rules, said: &[&str]) -> Progress {
    let mut progress = Progress::default();
    for finding in said.iter().flat_map(|line| findings(rules, line)) {
        progress.add(&finding);
    }
    progress
}

fn findings(rules: &Rules, line: &str) -> Vec<Finding> {
    let (mark, text) = line.split_once(' ').unwrap();
    let channel = if mark.starts_with('c') { Channel::Customer } else { Channel::Agent };
    let start_ms = mark[1..].parse::<u64>().unwrap() * 1000;
    rules.read(&Said { channel, start_ms, end_ms: start_ms + 900, text })
}

/// Expects the state of `dear`, and the second of the evidence on its card.
#[track_caller]
fn check_objection(said: &[&str], state: ObjectionState, evidence_s: u64) {
    let rules = Rules::compile(playbook());
    let view = listen(&rules, said).view(rules.playbook());
    let dear = view.objections.iter().find(|it| it.id == "dear").unwrap();
    assert_eq!((dear.state, dear.evidence.start_ms), (state, evidence_s * 1000), "{said:?}");
}

#[test]
fn an_objection_is_answered_settled_and_raised_again() {
    use ObjectionState::{Active, Answered, Reopened, Resolved};
    let raised = "c10 It is too dear.";
    let answer = "a20 You can spread the payments.";
    for (said, state, evidence_s) in [
        (&[raised][..], Active, 10),
        (&[answer, "c30 It is too dear."], Active, 30),
        (&[raised, answer], Answered, 10),
        (&[raised, "a20 We cannot spread the payments."], Active, 10),
        (&[raised, "a20 The fee covers later repairs, you see."], Answered, 10),
        (&[raised, "a20 The roof is nice."], Active, 10),
        (&[raised, "a101 You can spread the payments."], Active, 10),
        (&[raised, answer, "c30 Okay, that makes sense."], Resolved, 10),
        (&[raised, answer, "c300 Okay, that makes sense."], Answered, 10),
        (&[raised, "c15 That makes sense."], Active, 10),
        (&[raised, "c15 Then I can pay that."], Resolved, 10),
        (&[raised, answer, "c30 It is too dear still."], Reopened, 30),
        (&[raised, answer, "c30 That makes sense, but it is too dear."], Reopened, 30),
        (&[raised, answer, "c30 It is too dear.", "a40 Spread the payments."], Answered, 30),
        (&[raised, "c12 It is too dear."], Active, 12),
    ] {
        check_objection(said, state, evidence_s);
    }
}

#[test]
fn an_acceptance_is_of_what_was_answered_last() {
    let rules = Rules::compile(playbook());
    let said = [
        "c10 Too dear. I must ask my boss.",
        "a20 Spread the payments.",
        "a25 Bring your boss.",
        "c30 That makes sense.",
    ];
    let states = |progress: &Progress| -> Vec<(String, ObjectionState)> {
        progress.view(rules.playbook()).objections.into_iter().map(|it| (it.id, it.state)).collect()
    };
    let expected = |dear, boss| vec![("dear".to_owned(), dear), ("boss".to_owned(), boss)];
    let mut progress = listen(&rules, &said);
    assert_eq!(states(&progress), expected(ObjectionState::Answered, ObjectionState::Resolved));
    findings(&rules, "c35 That makes sense, too.").iter().for_each(|finding| assert!(progress.add(finding)));
    assert_eq!(states(&progress), expected(ObjectionState::Resolved, ObjectionState::Resolved));
}

/// Expects the state of `price`, and the second of its evidence.
#[track_caller]
fn check_landmark(said: &[&str], state: LandmarkState, evidence_s: Option<u64>) {
    let rules = Rules::compile(playbook());
    let view = listen(&rules, said).view(rules.playbook());
    let price = &view.landmarks[0];
    let at_s = price.evidence.as_ref().map(|evidence| evidence.start_ms / 1000);
    assert_eq!((price.state, at_s), (state, evidence_s), "{said:?}");
    assert_eq!(price.why, "It matters.");
}

#[test]
fn a_landmark_begins_is_reached_and_reopens() {
    use LandmarkState::{Done, Open, Reopened, Started};
    let reached = "a10 You get the same price.";
    for (said, state, evidence_s) in [
        (&[][..], Open, None),
        (&["c5 How much is it?"], Started, Some(5)),
        (&["c5 How much is it?", reached], Done, Some(10)),
        (&[reached, "a20 The same price, as I said."], Done, Some(10)),
        (&[reached, "c20 That is the wrong price."], Reopened, Some(20)),
        (&["c5 That is the wrong price.", reached], Done, Some(10)),
        (&[reached, "c20 That is the wrong price.", "a30 The same price."], Done, Some(30)),
        (&["c20 That is the wrong price."], Open, None),
        (&["c10 You get the same price."], Open, None),
        (&["a10 I can't give you the same price."], Open, None),
        (&["a10 We are not able to offer you the same price."], Open, None),
        (&["a10 If I told you the same price, would you stay?"], Open, None),
        (&["a10 Suppose we offered you the same price."], Open, None),
        (&["a10 Can I offer you the same price?"], Done, Some(10)),
    ] {
        check_landmark(said, state, evidence_s);
    }
}

#[test]
fn the_next_question_is_the_one_that_is_due() {
    let rules = Rules::compile(playbook());
    for (said, question, remaining) in [
        (&[][..], "May I name it?", &["price", "date"][..]),
        (&["c5 How much is it?"], "When?", &["price", "date"]),
        (&["c5 How much?", "a7 See you Monday."], "May I name it?", &["price"]),
        (&["a5 The same price.", "c7 The wrong price.", "a8 Which Monday?"], "May I name it?", &["price", "date"]),
        (&["c5 Too dear."], "What would suit?", &["price", "date"]),
        (&["c5 Too dear.", "a7 Spread the payments."], "May I name it?", &["price", "date"]),
    ] {
        let view = listen(&rules, said).view(rules.playbook());
        assert_eq!(
            (view.next_question.as_deref(), view.remaining),
            (Some(question), remaining.iter().map(|id| (*id).to_owned()).collect()),
            "{said:?}"
        );
    }
}

#[test]
fn three_cards_are_open_the_gravest_first_and_the_rest_keep_their_status() {
    let rules = Rules::compile(playbook());
    let said = ["c10 Too dear.", "c20 I will think it over.", "c30 I must ask my boss.", "c40 It is a scam."];
    let mut progress = listen(&rules, &said);
    let ids = |cards: Vec<Card>| cards.into_iter().map(|card| card.id).collect::<Vec<_>>();
    assert_eq!(ids(progress.open_cards(rules.playbook())), ["scam", "dear", "boss"]);
    let cards = progress.cards(rules.playbook());
    assert!(cards.iter().all(|card| card.status == CardStatus::Active));
    assert_eq!(cards[0].facts, ["Repairs cost more each winter."]);
    assert_eq!(ids(cards), ["dear", "later", "boss", "scam"]);

    let before = progress.clone();
    findings(&rules, "a45 Look us up.").iter().for_each(|finding| assert!(progress.add(finding)));
    assert_eq!(ids(progress.open_cards(rules.playbook())), ["dear", "boss", "later"]);
    let changed = progress.cards_since(&before, rules.playbook());
    assert_eq!(
        changed.iter().map(|card| (card.id.as_str(), card.status)).collect::<Vec<_>>(),
        [("scam", CardStatus::Answered)]
    );
}

#[test]
fn a_dismissed_card_comes_back_when_it_is_raised_again() {
    let rules = Rules::compile(playbook());
    let mut progress = listen(&rules, &["c10 Too dear."]);
    let status = |progress: &Progress| progress.card(rules.playbook(), "dear").unwrap().status;
    assert!(progress.dismiss("dear", 10_000));
    assert!(!progress.dismiss("dear", 10_000), "a double");
    assert_eq!(status(&progress), CardStatus::Dismissed);
    assert!(progress.open_cards(rules.playbook()).is_empty());
    findings(&rules, "c20 Too dear!").iter().for_each(|finding| assert!(progress.add(finding)));
    assert_eq!(status(&progress), CardStatus::Active);
}

#[test]
fn what_was_stored_before_states_is_still_read() {
    let evidence = r#"{"quote":"Too dear.","channel":"customer","start_ms":10000,"end_ms":10900}"#;
    let reached = r#"{"quote":"The same price.","channel":"agent","start_ms":5000,"end_ms":5900}"#;
    let stored = format!(r#"{{"landmarks":{{"price":{reached}}},"objections":{{"dear":{evidence}}}}}"#);
    let mut progress: Progress = serde_json::from_str(&stored).unwrap();
    assert_eq!(serde_json::to_string(&progress).unwrap(), stored, "and written as it was");
    let rules = Rules::compile(playbook());
    let view = progress.view(rules.playbook());
    assert_eq!(view.landmarks[0].state, LandmarkState::Done);
    assert_eq!(view.objections[0].state, ObjectionState::Active);
    findings(&rules, "a20 Spread the payments.").iter().for_each(|finding| assert!(progress.add(finding)));
    assert_eq!(progress.card(rules.playbook(), "dear").unwrap().status, CardStatus::Answered);

    let view = r#"{"percent":0,"landmarks":[{"id":"a","label":"A","required":true,"state":"open","evidence":null}],"remaining":["a"],"next_question":null}"#;
    assert!(serde_json::from_str::<ProgressView>(view).unwrap().objections.is_empty());
}

#[test]
fn a_model_s_finding_counts_like_a_rule_s() {
    let rules = Rules::compile(playbook());
    let evidence = Evidence {
        quote: "I would rather not spend that".to_owned(),
        channel: Channel::Customer,
        start_ms: 10_000,
        end_ms: 11_000,
        source: Source::Model,
    };
    let mut progress = Progress::default();
    assert!(progress.add(&Finding { kind: FindingKind::Objection, id: "dear".to_owned(), evidence: evidence.clone() }));
    let card = progress.card(rules.playbook(), "dear").unwrap();
    assert_eq!((card.severity, card.evidence.source), (Severity::High, Source::Model));
    let text = serde_json::to_string(&evidence).unwrap();
    assert!(text.contains(r#""source":"model""#));
    let by_rule = Evidence { source: Source::Rule, ..evidence };
    assert!(!serde_json::to_string(&by_rule).unwrap().contains("source"));
}

const KINDS: [FindingKind; 7] = [
    FindingKind::Landmark,
    FindingKind::LandmarkStarted,
    FindingKind::LandmarkReopened,
    FindingKind::Objection,
    FindingKind::ObjectionAnswered,
    FindingKind::ObjectionResolved,
    FindingKind::Accepted,
];

/// Few ids and times, so that ties and doubles are the rule.
fn any_finding() -> impl Strategy<Value = Finding> {
    let ids = prop::sample::select(vec!["price", "date", "dear", "boss"]);
    let quotes = prop::sample::select(vec!["one", "two"]);
    let sources = prop::sample::select(vec![Source::Rule, Source::Model]);
    (prop::sample::select(KINDS.to_vec()), ids, 0..60_u64, quotes, any::<bool>(), sources).prop_map(
        |(kind, id, at_s, quote, agent, source)| Finding {
            kind,
            id: id.to_owned(),
            evidence: Evidence {
                quote: quote.to_owned(),
                channel: if agent { Channel::Agent } else { Channel::Customer },
                start_ms: at_s * 1000,
                end_ms: at_s * 1000 + 900,
                source,
            },
        },
    )
}

fn collect<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Progress {
    let mut progress = Progress::default();
    findings.into_iter().for_each(|finding| {
        progress.add(finding);
    });
    progress
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn progress_depends_on_the_set_of_findings_alone(
        (sorted, shuffled) in prop::collection::vec(any_finding(), 0..200).prop_flat_map(|findings| {
            let mut doubled = findings.clone();
            doubled.extend(findings.iter().step_by(3).cloned());
            (Just(findings), Just(doubled).prop_shuffle())
        }),
    ) {
        let (expected, found) = (collect(&sorted), collect(&shuffled));
        prop_assert_eq!(&found, &expected);
        let mut again = found.clone();
        for finding in &sorted {
            prop_assert!(!again.add(finding), "what is known changes nothing");
        }
    }
}

/// A call of this many findings of each kind about every id.
fn long_call(length: u64) -> Progress {
    let mut progress = Progress::default();
    for at_s in 0..length {
        for (kind, id) in KINDS.iter().flat_map(|kind| ["price", "dear"].map(|id| (*kind, id))) {
            let evidence = Evidence {
                quote: "so it was said".to_owned(),
                channel: Channel::Customer,
                start_ms: 1_000_000 + at_s * 1000,
                end_ms: 1_000_000 + at_s * 1000 + 900,
                source: Source::Rule,
            };
            progress.add(&Finding { kind, id: id.to_owned(), evidence });
        }
    }
    progress
}

#[test]
fn progress_is_no_larger_after_hours_than_after_some_minutes() {
    let size = |length| serde_json::to_string(&long_call(length)).unwrap().len();
    assert_eq!(size(3600), size(200));
}
