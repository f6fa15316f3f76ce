//! The list of calls: filters, pages that stay right under them, and tags.

use callboard_adapters::{calls::Calls, table::Table};
use callboard_domain::{
    Call, CallId, CallStatus, Channel, OrgId, PlaybookId,
    coaching::{Evidence, Finding, FindingKind, Source},
    playbook,
};
use callboard_tests::{rest::Rest, stack::Local};
use serde_json::Value;

/// 2026-03-08T15:00:00Z.
const EIGHTH_OF_MARCH: i64 = 1_772_982_000_000;
const HOUR_MS: i64 = 3_600_000;
/// More than a page looks through for an objection.
const MANY: i64 = 230;

/// A stack whose tables hold what tests of lists need. Nothing here listens to any speech.
struct Lists {
    local: Local,
    calls: Calls,
}

impl Lists {
    async fn start() -> Self {
        let local = Local::start("http://127.0.0.1:1").await;
        let table = &local.stack.template().functions["ApiFunction"].environment["CALLS_TABLE"];
        let calls = Calls::new(Table::new(aws_sdk_dynamodb::Client::new(&local.stack.sdk_config()), table));
        Self { local, calls }
    }

    /// Adds a call that started so many hours after three o'clock; gives its id.
    async fn add(&self, org: &str, hour: i64, principal: &str, playbook: &str, status: CallStatus) -> String {
        let id = callboard_tests::new_call();
        let call = Call {
            id: CallId::parse(&id).unwrap(),
            org: OrgId::parse(org).unwrap(),
            principal: principal.into(),
            playbook: PlaybookId::parse(playbook).unwrap(),
            channels: vec![Channel::Agent, Channel::Customer],
            status,
            started_at_ms: EIGHTH_OF_MARCH + hour * HOUR_MS,
            ended_at_ms: None,
            end_reason: None,
            duration_ms: 0,
            file_name: None,
        };
        self.calls.claim(&call, "").await.unwrap();
        id
    }

    /// The customer pushed back in a call.
    async fn object(&self, org: &str, call: &str, playbook: &str, objection: &str) {
        let evidence = Evidence {
            quote: "that is too expensive".into(),
            channel: Channel::Customer,
            start_ms: 1_000,
            end_ms: 2_000,
            source: Source::Rule,
        };
        let finding = Finding { kind: FindingKind::Objection, id: objection.into(), evidence };
        let (org, call) = (OrgId::parse(org).unwrap(), CallId::parse(call).unwrap());
        let playbook = playbook::shipped(playbook).unwrap();
        self.calls.change_progress((&org, &call), &playbook, |progress| progress.add(&finding)).await.unwrap();
    }
}

/// The ids on a page, and where the next one begins.
async fn page(rest: &Rest, query: &str) -> (Vec<String>, Option<String>) {
    let page = rest.ask("GET", &format!("/v1/calls?{query}"), &[], "").await.expect(200).json();
    let ids = page["calls"].as_array().unwrap().iter().map(|call| call["call"].as_str().unwrap().to_owned());
    (ids.collect(), page["next"].as_str().map(str::to_owned))
}

/// All ids, page by page, and how many pages it took.
async fn pages(rest: &Rest, query: &str) -> (Vec<String>, usize) {
    let (mut all, mut next, mut count) = (Vec::new(), None::<String>, 0);
    loop {
        let cursor = next.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let (ids, following) = page(rest, &format!("{query}{cursor}")).await;
        all.extend(ids);
        count += 1;
        match following {
            Some(_) => next = following,
            None => return (all, count),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_found_by_time_status_agent_playbook_and_objection() {
    let lists = Lists::start().await;
    let mut ids = Vec::new();
    for (hour, principal, playbook, status) in [
        (0, "al", "sales", CallStatus::Ended),
        (1, "cole", "sales", CallStatus::Ended),
        (2, "al", "tax_relief", CallStatus::Ended),
        (3, "al", "sales", CallStatus::Live),
        (4, "cole", "tax_relief", CallStatus::Live),
    ] {
        ids.push(lists.add("acme", hour, principal, playbook, status).await);
    }
    lists.add("other", 2, "al", "sales", CallStatus::Ended).await;
    lists.object("acme", &ids[0], "sales", "too_expensive").await;
    lists.object("acme", &ids[1], "sales", "no_time").await;
    lists.object("acme", &ids[3], "sales", "too_expensive").await;
    let (all, mine) = (lists.local.rest("acme-supervisor"), lists.local.rest("acme-agent"));
    for (rest, query, expected) in [
        (&all, "limit=50", &[4, 3, 2, 1, 0][..]),
        (&all, "from=2026-03-08T16:00:00Z", &[4, 3, 2, 1]),
        (&all, "to=2026-03-08T16:00:00Z", &[0]),
        (&all, "from=2026-03-08T17:00:00%2B01:00&to=2026-03-08T18:00:00Z", &[2, 1]),
        (&all, "from=2026-03-08T16:00:00.001Z&to=2026-03-08T17:00:00.001Z", &[2]),
        (&all, "from=2027-01-01T00:00:00Z", &[]),
        (&all, "status=live", &[4, 3]),
        (&all, "status=ending", &[]),
        (&all, "agent=cole", &[4, 1]),
        (&all, "agent=al&status=ended&playbook=sales", &[0]),
        (&all, "playbook=tax_relief", &[4, 2]),
        (&all, "objection=too_expensive", &[3, 0]),
        (&all, "objection=too_expensive&status=live", &[3]),
        (&all, "objection=no_time&to=2026-03-08T16:00:00Z", &[]),
        (&all, "objection=never_heard_of", &[]),
        (&mine, "limit=50", &[3, 2, 0]),
        (&mine, "agent=al&status=ended", &[2, 0]),
        (&mine, "agent=cole", &[]),
    ] {
        let expected: Vec<String> = expected.iter().map(|at: &usize| ids[*at].clone()).collect();
        assert_eq!(page(rest, query).await, (expected.clone(), None), "{query}");
        // The same, one by one.
        if !query.contains("limit") {
            let (found, count) = pages(rest, &format!("{query}&limit=1")).await;
            assert_eq!((found, count), (expected.clone(), expected.len().max(1)), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_finds_nothing_says_where_to_go_on() {
    let lists = Lists::start().await;
    let old = lists.add("acme", 0, "al", "sales", CallStatus::Live).await;
    lists.object("acme", &old, "sales", "too_expensive").await;
    let mut newer = Vec::new();
    for hour in 1..=MANY {
        newer.push(lists.add("acme", hour, "al", "sales", CallStatus::Live).await);
    }
    let rest = lists.local.rest("acme-admin");
    let (ids, next) = page(&rest, "objection=too_expensive").await;
    assert!(ids.is_empty() && next.is_some(), "{ids:?} {next:?}");
    assert_eq!(pages(&rest, "objection=too_expensive&limit=7").await, (vec![old.clone()], 2));
    newer.reverse();
    newer.push(old);
    // What begins while somebody turns the pages comes before them, and moves none.
    let (first, next) = page(&rest, "limit=100").await;
    lists.add("acme", MANY + 1, "al", "sales", CallStatus::Live).await;
    let (second, last) = page(&rest, &format!("limit=200&cursor={}", next.unwrap())).await;
    assert_eq!(([first, second].concat(), last), (newer, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_parameter_is_told() {
    let lists = Lists::start().await;
    for hour in 0..3 {
        lists.add("acme", hour, "al", "sales", CallStatus::Live).await;
        lists.add("other", hour, "al", "sales", CallStatus::Live).await;
    }
    let rest = lists.local.rest("acme-admin");
    let (_, theirs) = page(&lists.local.rest("other-admin"), "limit=2").await;
    let theirs = format!("cursor={}", theirs.unwrap());
    for (query, status, told) in [
        ("limit=0", 400, "limit must be a whole number from 1 to 200"),
        ("from=yesterday", 400, "from must be a time such as 2026-03-08T15:05:00Z"),
        ("to=1772982000000", 400, "to must be a time"),
        ("from=2026-03-09T00:00:00Z&to=2026-03-08T00:00:00Z", 422, "from is not before to"),
        ("status=over", 400, "status must be one of live, ending, ended"),
        ("agent=", 400, "agent must have 1 to 256 characters"),
        ("playbook=A%23B", 400, "playbook \"A#B\" is not valid"),
        ("limit=1&limit=2", 400, "limit is given more than once"),
        ("agnet=al", 400, "there is no parameter \"agnet\": known are limit, cursor, from"),
        ("cursor=001772982000000", 400, "cursor is none that this list gave"),
        (theirs.as_str(), 400, "cursor is none that this list gave"),
    ] {
        let answer = rest.ask("GET", &format!("/v1/calls?{query}"), &[], "").await.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(told), "{query}: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_is_not_sent_again() {
    let lists = Lists::start().await;
    let call = lists.add("acme", 0, "al", "sales", CallStatus::Live).await;
    let rest = lists.local.rest("acme-admin");
    for path in ["/v1/calls".to_owned(), format!("/v1/calls/{call}"), format!("/v1/calls/{call}/transcript")] {
        let first = rest.ask("GET", &path, &[], "").await.expect(200);
        let known = [("if-none-match", first.header("etag"))];
        let second = rest.ask("GET", &path, &known, "").await.expect(304);
        assert_eq!((second.text.as_str(), second.header("etag")), ("", first.header("etag")), "{path}");
        assert_ne!(first.json(), Value::Null, "{path}");
    }
    let before = rest.ask("GET", "/v1/calls", &[], "").await.expect(200);
    lists.add("acme", 1, "al", "sales", CallStatus::Live).await;
    rest.ask("GET", "/v1/calls", &[("if-none-match", before.header("etag"))], "").await.expect(200);
}
