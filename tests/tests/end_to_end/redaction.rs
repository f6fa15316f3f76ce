//! Card numbers and the like, said to a running stack with a model beside it: they are nowhere afterwards, neither in its
//! files, nor its logs, nor in what it pushed, answered or asked the model.

use std::{fs, path::Path};

use callboard_tests::{
    audio,
    model::{KEY, Model},
    process::Machine,
    project,
    rest::Rest,
    speech::Speech,
};
use serde_json::{Value, json};

/// Turns of the demo call, and what is said in them: values that must vanish stand between « and ».
const SAID: &[(usize, &str)] = &[
    (0, "Thank you. My own number is «five five five two three four one nine eight seven» if we get cut off."),
    (1, "Sure, the card is «four one one one»"),
    (2, "Mhm, go on please."),
    (3, "«one one one one»"),
    (4, "And your e-mail is «jane dot miller at gmail dot com», right?"),
    (5, "«one one one one, one one one one» and my social security number is «219-09-9999»."),
    (6, "You were born on «March 5, 1962», and the account is «DE89 3704 0044 0532 0130 00»?"),
    (7, "Yes. My old card was «4012 8888 8888 1881», and that is too expensive for us."),
];

/// What was masked must not be found in any of these spellings.
fn originals() -> Vec<String> {
    let inside = SAID.iter().flat_map(|(_, text)| text.split('«').skip(1)).filter_map(|rest| rest.split_once('»'));
    let values: Vec<String> = inside.map(|(value, _)| value.to_owned()).collect();
    // The pieces of the card are common words by themselves; together they are the number.
    let mut spellings: Vec<String> =
        values.into_iter().filter(|value| value.len() > 20 || !value.contains("one")).collect();
    spellings.push("four one one one".into());
    spellings
}

fn plain(text: &str) -> String {
    text.replace(['«', '»'], "")
}

/// Every file below a folder.
fn files(folder: &Path, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, all);
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

#[track_caller]
fn assert_nowhere(place: &str, bytes: &[u8]) {
    for original in originals() {
        let found = bytes.windows(original.len()).position(|part| part.eq_ignore_ascii_case(original.as_bytes()));
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(80)..(at + original.len() + 80).min(bytes.len())];
            panic!("{original} is in {place}: {}", String::from_utf8_lossy(around));
        }
    }
}

/// A model that copies all that it is told into its answers.
fn parrot(prompt: &callboard_tests::model::Prompt) -> Value {
    let told: String = prompt.user.chars().take(200).collect();
    match prompt.name.as_str() {
        "pushback" => json!({"card": {"quote": "that is too expensive", "say": told, "follow_up": told}}),
        "talk" => json!({"landmarks": [], "objections": [], "next_question": null}),
        _ => json!({"summary": prompt.user}),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_masked_is_nowhere() {
    let (speech, model, machine) = (Speech::start(), Model::start(parrot), Machine::new());
    let demo = audio::demo();
    for (turn, text) in SAID {
        speech.mishears(&demo.turns[*turn].text, &plain(text));
    }
    let settings = [
        ("MODEL_PROVIDER", "openai"),
        ("MODEL_URL", model.url.as_str()),
        ("MODEL_NAME", "stub-1"),
        ("MODEL_API_KEY", KEY),
        ("CALLBOARD_LOG", "trace,hyper=info,h2=info"),
    ];
    let dev = machine.dev_with(&["--port", "0", "--speech", &speech.url], &settings).await;
    let file = project().join("dashboard/demo/demo_call.wav");
    let ended = machine.stream(&dev, &file, &["--playbook", "sales", "--pace", "8"]).end().await;
    let call = ended.messages().last().unwrap()["call"].as_str().unwrap().to_owned();

    let rest: Rest = dev.rest();
    let snapshot = rest.noted(&call).await;
    let texts: Vec<&str> =
        snapshot["segments"].as_array().unwrap().iter().filter_map(|it| it["text"].as_str()).collect();
    for mask in
        ["[card number]", "[phone number]", "[e-mail]", "[social security number]", "[date of birth]", "[bank account]"]
    {
        assert!(texts.iter().any(|text| text.contains(mask)), "{mask} in {texts:#?}");
    }
    assert!(texts.iter().all(|text| !text.contains("[number]")), "all is decided at the end: {texts:#?}");
    model.wait_for(2).await;

    assert_nowhere("the snapshot", snapshot.to_string().as_bytes());
    for message in &ended.printed {
        assert_nowhere("a pushed message", message.to_string().as_bytes());
    }
    for asked in model.asked() {
        assert_nowhere("a request to the model", asked.body.to_string().as_bytes());
    }
    let said = dev.said();
    assert!(said.len() > 1_000, "the logs are there to be looked at");
    assert_nowhere("the logs", said.as_bytes());
    let mut all = Vec::new();
    files(&machine.path().join("data"), &mut all);
    assert!(all.iter().any(|(_, bytes)| bytes.len() > 100_000), "the tables are there to be looked at");
    for (name, bytes) in &all {
        assert_nowhere(name, bytes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_turns_out_to_be_nothing_is_shown_again() {
    let (speech, machine) = (Speech::start(), Machine::new());
    let demo = audio::demo();
    speech.mishears(&demo.turns[1].text, "I live at four one one one");
    speech.mishears(&demo.turns[3].text, "Main Street, the red house.");
    let dev = machine.dev(&speech.url).await;
    let file = project().join("dashboard/demo/demo_call.wav");
    let ended = machine.stream(&dev, &file, &["--playbook", "sales", "--pace", "8"]).end().await;
    let of_first =
        |message: &&Value| message["type"] == "segment" && message["text"].as_str().unwrap().starts_with("I live");
    let told: Vec<(&str, bool)> = ended
        .messages()
        .iter()
        .filter(of_first)
        .map(|message| (message["text"].as_str().unwrap(), message["provisional"] == true))
        .collect();
    assert_eq!(told, [("I live at [number]", true), ("I live at four one one one", false)]);
    let call = ended.messages().last().unwrap()["call"].as_str().unwrap();
    let snapshot = dev.rest().noted(call).await;
    assert!(snapshot["segments"].as_array().unwrap().iter().any(|it| it["text"] == "I live at four one one one"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_may_keep_its_numbers() {
    let (speech, machine) = (Speech::start(), Machine::new());
    let demo = audio::demo();
    speech.mishears(&demo.turns[1].text, "It is 4012 8888 8888 1881.");
    let dev = machine.dev(&speech.url).await;
    dev.rest().send("PUT", "/v1/settings", &json!({"redaction": "off"})).await.expect(200);
    assert_eq!(dev.rest().get("/v1/settings").await.1["redaction"], "off");
    let file = project().join("dashboard/demo/demo_call.wav");
    let ended = machine.stream(&dev, &file, &["--playbook", "sales", "--pace", "8"]).end().await;
    let call = ended.messages().last().unwrap()["call"].as_str().unwrap();
    let snapshot = dev.rest().noted(call).await;
    assert!(snapshot["segments"].as_array().unwrap().iter().any(|it| it["text"] == "It is 4012 8888 8888 1881."));
}
