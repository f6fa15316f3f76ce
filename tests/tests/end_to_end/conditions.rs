//! What a write to the calls table takes the place of, as the database sees its conditions.

use callboard_adapters::{
    accounts::Accounts,
    calls::Calls,
    table::{Table, Written},
};
use callboard_domain::{
    CallId, Channel, OrgId, Placeholder, PlaybookId, Segment, SegmentTimes,
    advice::Wording,
    coaching::{Card, Progress, Rules, Said, Source, notes},
    feedback::Verdict,
    playbook,
};
use callboard_tests::{new_call, speech::Speech, stack::Local};

async fn calls() -> (Local, Calls, OrgId) {
    let local = Local::start(&Speech::start().url).await;
    let table = Table::new(aws_sdk_dynamodb::Client::new(&local.stack.sdk_config()), "CallsTable");
    (local, Calls::new(table), OrgId::parse("acme").unwrap())
}

fn segment(call: &CallId, text: &str, placeholder: Option<Placeholder>) -> Segment {
    Segment {
        call: call.clone(),
        channel: Channel::Agent,
        start_ms: 0,
        end_ms: 1_000,
        text: placeholder.map_or_else(|| text.to_owned(), |placeholder| placeholder.text().to_owned()),
        words: Vec::new(),
        is_final: placeholder.is_none(),
        placeholder,
        masked: Vec::new(),
        provisional: false,
        times: SegmentTimes::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_placeholder_takes_no_place_that_says_as_much() {
    let (_local, calls, org) = calls().await;
    let playbook = PlaybookId::parse("sales").unwrap();
    let (waiting, failed) = (Some(Placeholder::Waiting), Some(Placeholder::Failed));
    for (order, expected) in [
        (vec![(waiting, Written::Yes), (waiting, Written::No), (failed, Written::Yes), (waiting, Written::No)], failed),
        (vec![(waiting, Written::Yes), (None, Written::Yes), (failed, Written::No), (waiting, Written::No)], None),
        (vec![(failed, Written::Yes), (None, Written::Yes), (None, Written::No)], None),
    ] {
        let call = CallId::parse(&new_call()).unwrap();
        for (at, (placeholder, written)) in order.into_iter().enumerate() {
            let segment = segment(&call, &format!("text {at}"), placeholder);
            let outcome = calls.put_late_segment(&segment, &org, "desk-1", &playbook).await.unwrap();
            assert_eq!(outcome, written, "{expected:?} {at}");
        }
        let kept = calls.segment(&org, &call, 0, Channel::Agent).await.unwrap().unwrap();
        assert_eq!((kept.placeholder, kept.is_final), (expected, expected.is_none()));
        assert!(expected.is_some() || kept.text == "text 1", "the first final stays: {}", kept.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_give_way_to_those_from_more_segments_only() {
    let (_local, calls, org) = calls().await;
    let call = CallId::parse(&new_call()).unwrap();
    let notes = notes(&playbook::shipped("sales").unwrap(), &Progress::default(), &[]);
    for (basis, written) in
        [(0, Written::Yes), (0, Written::No), (3, Written::Yes), (2, Written::No), (3, Written::No), (4, Written::Yes)]
    {
        assert_eq!(calls.put_notes(&org, &call, &notes, basis).await.unwrap(), written, "{basis}");
    }
    assert_eq!(calls.notes(&org, &call).await.unwrap().unwrap().basis, 4);
}

/// The card of pushback that was said here.
fn card(start_ms: u64) -> Card {
    let rules = Rules::compile(playbook::shipped("sales").unwrap());
    let said = Said { channel: Channel::Customer, start_ms, end_ms: start_ms + 900, text: "That is too expensive." };
    let mut progress = Progress::default();
    rules.read(&said).iter().for_each(|finding| {
        progress.add(finding);
    });
    progress.cards(rules.playbook()).remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_and_its_feedback_take_no_place_of_each_other() {
    let (_local, calls, org) = calls().await;
    let call = CallId::parse(&new_call()).unwrap();
    let id = card(0).id;
    let key = (&org, &call, id.as_str());
    let judge = async |who: &'static str, verdict| Box::pin(calls.put_verdict(key, who, verdict, 7)).await.unwrap();
    assert!(judge("al", Some(Verdict::Used)).await.is_none(), "there is no card yet");
    for (start_ms, version, written) in [(5_000, 2, Written::Yes), (6_000, 1, Written::No), (5_000, 2, Written::Yes)] {
        assert_eq!(calls.put_card(&org, &call, &card(start_ms), version, true).await.unwrap(), written, "{start_ms}");
    }
    let (seen, change) = judge("al", Some(Verdict::Used)).await.unwrap();
    assert_eq!((seen.card, change.before, change.now), (card(5_000), None, Some(Verdict::Used)));
    // A later version takes the place of the card, and leaves what people think of it.
    assert_eq!(calls.put_card(&org, &call, &card(4_000), 3, true).await.unwrap(), Written::Yes);
    judge("sue", Some(Verdict::Dismissed)).await.unwrap();
    let known = calls.card(&org, &call, &id).await.unwrap().unwrap();
    let verdicts: Vec<_> = known.feedback.iter().map(|it| (it.principal.as_str(), it.verdict, it.at_ms)).collect();
    assert_eq!(known.card, card(4_000));
    assert_eq!(verdicts, [("al", Verdict::Used, 7), ("sue", Verdict::Dismissed, 7)]);
    // What stands is not written again: no revision is spent on it.
    let revision = calls.revision(&org, &call).await.unwrap();
    let (_, change) = judge("al", Some(Verdict::Used)).await.unwrap();
    assert_eq!((change.before, calls.revision(&org, &call).await.unwrap()), (Some(Verdict::Used), revision));
    assert_eq!(known.revision, revision);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_models_words_are_for_one_pushback_alone() {
    let (_local, calls, org) = calls().await;
    let call = CallId::parse(&new_call()).unwrap();
    let id = card(0).id;
    let words = |say: &str| Wording { say: say.into(), follow_up: String::new() };
    let put = async |start_ms, say| Box::pin(calls.put_wording(&org, &call, &id, start_ms, &words(say))).await.unwrap();
    assert_eq!(put(5_000, "a").await, Written::No, "there is no card yet");
    calls.put_card(&org, &call, &card(5_000), 1, true).await.unwrap();
    assert_eq!((put(4_000, "a").await, put(5_000, "b").await), (Written::No, Written::Yes));
    let shown = async || calls.card(&org, &call, &id).await.unwrap().unwrap().shown().card;
    assert_eq!((shown().await.say.as_str(), shown().await.source), ("b", Source::Model));
    // The customer says it again: the playbook's words until the model has others.
    calls.put_card(&org, &call, &card(9_000), 2, true).await.unwrap();
    assert_eq!((shown().await.say, shown().await.source), (card(0).say, Source::Rule));
    assert_eq!(put(9_000, "c").await, Written::Yes);
    assert_eq!(calls.card(&org, &call, &id).await.unwrap().unwrap().suggested(), ["b", "c"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_judge_one_card_at_once_are_all_counted() {
    let (local, calls, org) = calls().await;
    let accounts = Accounts::new(Table::new(aws_sdk_dynamodb::Client::new(&local.stack.sdk_config()), "AccountsTable"));
    let (call, playbook) = (CallId::parse(&new_call()).unwrap(), PlaybookId::parse("sales").unwrap());
    calls.put_card(&org, &call, &card(0), 1, true).await.unwrap();
    let id = card(0).id;
    let judge = async |who: String| {
        let verdict = Some(Verdict::Helpful);
        let put = Box::pin(calls.put_verdict((&org, &call, &id), &who, verdict, 7)).await.unwrap().unwrap();
        Box::pin(accounts.note_feedback(&org, &playbook, &put.0.card.objection, &put.1)).await.unwrap();
    };
    tokio::join!(judge("a".into()), judge("b".into()), judge("c".into()), judge("d".into()));
    let known = calls.card(&org, &call, &id).await.unwrap().unwrap();
    assert_eq!(known.feedback.len(), 4);
    let learned = accounts.feedback(&org, &playbook).await.unwrap();
    assert_eq!(learned.len(), 1);
    assert_eq!((learned[0].objection.as_str(), learned[0].experience.counts.helpful), ("too_expensive", 4));
}
