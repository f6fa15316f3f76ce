//! Playbooks over REST: written, checked, tried, and what a call makes of them.

use callboard_tests::{
    audio, new_call,
    process::Machine,
    project,
    rest::{Answer, Rest},
    socket::{capture, capture_but},
    speech::Speech,
    stack::Local,
};
use serde_json::{Value, json};

const YAML: &[(&str, &str)] = &[("content-type", "application/yaml")];
const AS_YAML: &[(&str, &str)] = &[("accept", "application/yaml")];

/// A playbook that answers one objection in its own words.
fn text(id: &str, answer: &str) -> String {
    format!(
        "# Written by hand.\nid: {id}\nname: Ours\nversion: 9\nlanguage: en\nextends: sales\n\
         landmarks:\n  - {{id: greeting, label: Greeting, signals: [good morning]}}\n\
         objections:\n  - {{id: too_expensive, answer: {answer}}}\n"
    )
}

async fn create(rest: &Rest, text: &str) -> Answer {
    rest.ask("POST", "/v1/playbooks", YAML, text).await
}

/// Id, version and origin of every playbook.
async fn listed(rest: &Rest) -> Vec<(String, u64, String)> {
    let list = rest.ask("GET", "/v1/playbooks", &[], "").await.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = list["playbooks"].as_array().unwrap().clone();
    all.iter().map(|it| (text(&it["id"]), it["version"].as_u64().unwrap(), text(&it["origin"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_playbook_comes_before_the_shared_one_until_it_is_deleted() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let rest = dev.rest();
    let shared = [("sales".into(), 1, "shared".into()), ("tax_relief".into(), 1, "shared".into())];
    assert_eq!(listed(&rest).await, shared);
    let shipped = include_str!("../../../shared/domain/playbooks/sales.yaml");
    assert_eq!(rest.ask("GET", "/v1/playbooks/sales", AS_YAML, "").await.expect(200).text, shipped);

    let ours = text("sales", "Ours to give.");
    let created = create(&rest, &ours).await.expect(201);
    assert_eq!(created.header("location"), "/v1/playbooks/sales");
    let summary = json!({"id": "sales", "name": "Ours", "version": 2, "language": "en", "origin": "own"});
    assert_eq!(created.json(), summary);
    assert_eq!(listed(&rest).await[0], ("sales".into(), 2, "own".into()));
    let read = rest.ask("GET", "/v1/playbooks/sales", AS_YAML, "").await.expect(200);
    assert_eq!((read.text.as_str(), read.header("playbook-origin")), (ours.as_str(), "own"));
    assert!(read.header("content-type").starts_with("application/yaml"));

    // A call is held against it, and says which version that was.
    let call = new_call();
    let file = project().join("dashboard/demo/demo_call.wav");
    machine.stream(&dev, &file, &["--pace", "10", "--call", &call, "--playbook", "sales"]).end().await.messages();
    let snapshot = rest.snapshot(&call).await;
    let card = snapshot["cards"].as_array().unwrap().iter().find(|card| card["id"] == "too_expensive").unwrap();
    assert_eq!(card["say"], "Ours to give.");
    assert_eq!(snapshot["notes"]["playbook_version"], 2);

    // The same rules over the same words give the same.
    let tried = rest.send("POST", "/v1/playbooks/try", &json!({"playbook": "sales", "call": call})).await.expect(200);
    assert_eq!(tried.json()["notes"]["objections"], snapshot["notes"]["objections"]);
    assert_eq!(tried.json()["progress"]["percent"], snapshot["progress"]["percent"]);
    assert_eq!(tried.json()["cards"].as_array().unwrap().len(), snapshot["cards"].as_array().unwrap().len());

    rest.ask("DELETE", "/v1/playbooks/sales", &[], "").await.expect(204);
    rest.ask("DELETE", "/v1/playbooks/sales", &[], "").await.expect(404);
    assert_eq!(listed(&rest).await, shared);
    assert_eq!(rest.ask("GET", "/v1/playbooks/sales", AS_YAML, "").await.expect(200).text, shipped);
    // No other text ever has the version that a finding names.
    assert_eq!(create(&rest, &text("sales", "Other words.")).await.expect(201).json()["version"], 3);
    assert_eq!(rest.ask("GET", "/v1/playbooks/sales?version=2", AS_YAML, "").await.expect(200).text, ours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_counts_up_and_overwrites_nothing_unseen() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let rest = local.rest("acme-admin");
    let path = "/v1/playbooks/trade";
    let put = async |headers: &[(&str, &str)], answer: &str| {
        rest.ask("PUT", path, &[YAML, headers].concat(), &text("trade", answer)).await
    };
    put(&[], "Too early.").await.expect(404);
    let first = create(&rest, &text("trade", "One.")).await.expect(201);
    assert_eq!((&first.json()["version"], create(&rest, &text("trade", "One.")).await.status), (&json!(1), 409));

    // JSON as it is read can be sent back; its tag is that of the answer to the write.
    let read = rest.ask("GET", path, &[], "").await.expect(200);
    assert_eq!((read.header("etag"), &read.json()["version"]), (first.header("etag"), &json!(1)));
    let mut changed = read.json();
    changed["name"] = json!("Renamed");
    let tag = read.header("etag");
    let headers = [("content-type", "application/json"), ("if-match", tag)];
    let second = rest.ask("PUT", path, &headers, &changed.to_string()).await.expect(200);
    assert_eq!(second.json()["version"], 2);
    put(&[("if-match", tag)], "Unseen.").await.expect(412);
    rest.ask("DELETE", path, &[("if-match", tag)], "").await.expect(412);
    let as_text = rest.ask("GET", path, AS_YAML, "").await.expect(200);
    put(&[("if-match", as_text.header("etag"))], "Three.").await.expect(200);

    // What is known is not sent again, the list neither.
    for path in [path, "/v1/playbooks"] {
        let read = rest.ask("GET", path, &[], "").await.expect(200);
        let again = rest.ask("GET", path, &[("if-none-match", read.header("etag"))], "").await.expect(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", read.header("etag")));
    }

    // The last versions are kept, and only those.
    for number in 4..=23 {
        assert_eq!(put(&[], &format!("Number {number}.")).await.expect(200).json()["version"], number);
    }
    for (version, status) in [(2, 404), (3, 200), (22, 200), (23, 200), (24, 404)] {
        let read = rest.ask("GET", &format!("{path}?version={version}"), AS_YAML, "").await;
        assert_eq!(read.status, status, "version {version}: {}", read.text);
        assert!(status == 404 || version == 3 || read.text.contains(&format!("Number {version}.")), "{}", read.text);
    }
    rest.ask("GET", &format!("{path}?version=new"), &[], "").await.expect(400);
    assert_eq!(local.rest("other-admin").ask("GET", path, &[], "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_no_playbook_is_told_all_that_is_wrong() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let rest = local.rest("acme-admin");
    create(&rest, &text("trade", "One.")).await.expect(201);
    let wrong = "id: trade\nname: 7\nversion: 1\nlanguage: en\nextends: sales\nlandmark: []\n";
    for (method, path) in
        [("POST", "/v1/playbooks"), ("PUT", "/v1/playbooks/trade"), ("POST", "/v1/playbooks/validate")]
    {
        let told = rest.ask(method, path, YAML, wrong).await.expect(422);
        assert_eq!(told.header("content-type"), "application/problem+json");
        let problems = told.json()["problems"].as_array().unwrap().clone();
        assert!(problems.len() > 1, "{}", told.text);
        let name = json!({"line": 2, "column": 7, "message": "name is a number; put it into quotes to make it text"});
        assert!(problems.contains(&name), "{}", told.text);
    }
    let valid = rest.ask("POST", "/v1/playbooks/validate", YAML, &text("new", "One.")).await.expect(200).json();
    assert_eq!((&valid["valid"], &valid["playbook"]["id"]), (&json!(true), &json!("new")));
    assert_eq!(rest.ask("GET", "/v1/playbooks/new", &[], "").await.status, 404, "checked, not stored");

    let other = rest.ask("PUT", "/v1/playbooks/trade", YAML, &text("bid", "One.")).await.expect(422).json();
    assert_eq!(other["problems"][0]["line"], 2, "{other}");
    let long = format!("# {}\n{}", "x".repeat(200_000), text("long", "One."));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (method, path, headers, body, status, named) in [
        ("POST", "/v1/playbooks", YAML, long.as_str(), 413, "200000 bytes"),
        ("POST", "/v1/playbooks", &form, "id: x", 415, "application/yaml"),
        ("POST", "/v1/playbooks", YAML, &text("try", "One."), 422, "taken by the program"),
        ("PUT", "/v1/playbooks/tax_relief", YAML, &text("tax_relief", "One."), 404, "POST /v1/playbooks"),
        ("DELETE", "/v1/playbooks/sales", &[], "", 404, "not the organization's own"),
        ("GET", "/v1/playbooks/A%20B", &[], "", 400, "playbook \"A B\" is not valid"),
        ("PATCH", "/v1/playbooks/trade", &[], "", 405, "method"),
        ("GET", "/v1/nothing", &[], "", 404, "/v1/playbooks"),
    ] {
        let told = rest.ask(method, path, headers, body).await.expect(status);
        assert!(told.json()["detail"].as_str().unwrap().contains(named), "{method} {path}: {}", told.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_writes_and_all_but_devices_read_in_their_own_organization() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let ours = text("trade", "One.");
    create(&local.rest("acme-admin"), &ours).await.expect(201);
    for (token, read, write) in [
        ("acme-admin", 200, 200),
        ("acme-supervisor", 200, 403),
        ("acme-agent", 200, 403),
        ("acme-capture", 403, 403),
        ("other-admin", 404, 404),
        ("nobody", 401, 401),
    ] {
        let rest = local.rest(token);
        assert_eq!(rest.ask("GET", "/v1/playbooks/trade", &[], "").await.status, read, "{token} reads");
        assert_eq!(rest.ask("PUT", "/v1/playbooks/trade", YAML, &ours).await.status, write, "{token} replaces");
        if write != 200 {
            assert_eq!(rest.ask("DELETE", "/v1/playbooks/trade", &[], "").await.status, write, "{token} deletes");
        }
        let created = create(&rest, &text("more", "One.")).await.status;
        assert_eq!(created, if [200, 404].contains(&write) { 201 } else { write }, "{token} creates");
        let list = rest.ask("GET", "/v1/playbooks", &[], "").await;
        let has_trade = list.json()["playbooks"].as_array().is_some_and(|all| all.iter().any(|it| it["id"] == "trade"));
        assert_eq!(has_trade, read == 200, "{token} lists");
    }
    // A call may name its organization's playbooks only.
    for (token, granted) in [("acme-capture", true), ("other-capture", false)] {
        let query = capture_but(&new_call(), "playbook", "trade");
        assert_eq!(local.try_capture(&query, token).await.is_ok(), granted, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_playbook_is_tried_on_what_one_may_read_and_nothing_is_stored() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let call = new_call();
    let mut socket = local.try_capture(&capture(&call), "acme-agent").await.unwrap();
    socket.watch(json!({"call": call})).await;
    let last = socket.play(&audio::rearranged(&[0, 3]), 200, 1, 20).await;
    socket.stop(last).await;
    socket.hear_of("notes").await;
    let before = local.rest("acme-admin").snapshot(&call).await;
    let own = json!({"playbook": {"yaml": text("draft", "A draft.")}, "call": call});
    for (token, status) in [
        ("acme-admin", 200),
        ("acme-supervisor", 200),
        ("acme-agent", 200),
        ("acme-colleague", 404),
        ("other-admin", 404),
        ("acme-capture", 403),
    ] {
        let tried = local.rest(token).send("POST", "/v1/playbooks/try", &own).await.expect(status);
        assert!(status != 200 || tried.json()["cards"][0]["say"] == "A draft.", "{token}: {}", tried.text);
    }
    let rest = local.rest("acme-agent");
    let tried = async |body: Value| rest.send("POST", "/v1/playbooks/try", &body).await;
    let said = json!([{"channel": "agent", "text": "Good morning."},
        {"channel": "customer", "text": "I have to ask my boss first.", "start_ms": 9_000, "end_ms": 9_900}]);
    let trial = tried(json!({"playbook": "sales", "transcript": said})).await.expect(200).json();
    assert_eq!(
        (&trial["cards"][0]["id"], &trial["cards"][0]["evidence"]["start_ms"]),
        (&json!("ask_partner"), &json!(9_000))
    );
    assert!(trial["findings"].as_array().unwrap().iter().any(|found| found["id"] == "ask_partner"), "{trial}");
    assert!(trial["notes"]["summary"].is_string() && trial["progress"]["percent"].is_number(), "{trial}");
    for (body, status, named) in [
        (json!({"playbook": "sales"}), 400, "either a call or a transcript"),
        (json!({"playbook": "sales", "call": call, "transcript": said}), 400, "either a call or a transcript"),
        (json!({"call": call}), 400, "playbook must be an id"),
        (json!({"playbook": {"yaml": 7}, "call": call}), 400, "yaml"),
        (json!({"playbook": "sales", "calls": call}), 400, "no field calls"),
        (json!({"playbook": "unheard_of", "call": call}), 404, "unheard_of"),
        (json!({"playbook": "sales", "call": "1"}), 400, "call id"),
        (json!({"playbook": "sales", "call": new_call()}), 404, "no call"),
        (json!({"playbook": "sales", "transcript": [{"channel": "left", "text": "x"}]}), 400, "transcript[0]"),
        (json!({"playbook": {"yaml": "id: x"}, "transcript": []}), 422, "problems"),
    ] {
        let told = tried(body.clone()).await.expect(status);
        assert!(told.json()["detail"].as_str().unwrap().contains(named), "{body}: {}", told.text);
    }
    assert_eq!(local.rest("acme-admin").snapshot(&call).await, before);
}
