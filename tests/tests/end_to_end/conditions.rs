//! What a write to the calls table takes the place of, as the database sees its conditions.

use callboard_adapters::{
    calls::Calls,
    table::{Table, Written},
};
use callboard_domain::{
    CallId, Channel, OrgId, Placeholder, PlaybookId, Segment, SegmentTimes,
    coaching::{Progress, notes},
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
