//! Calls shown by the program: which there are, and one of them in every format.

use callboard_tests::{
    audio,
    process::{Dev, Ended, Machine},
    project,
    speech::{Flaw, Speech},
    until,
};
use serde_json::Value;

/// Runs a command against a stack, in a zone that cannot be taken for UTC.
async fn run(machine: &Machine, dev: &Dev, arguments: &[&str]) -> Ended {
    machine.run(&[arguments, &["--url", &dev.url]].concat(), &[("TZ", "IST-5:30")]).await
}

/// What it printed, as text.
fn text(ended: &Ended) -> String {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines = ended.printed.iter().map(|line| line.as_str().map_or_else(|| line.to_string(), str::to_owned));
    lines.collect::<Vec<_>>().join("\n")
}

/// A text without its line ends and tags.
fn words(text: &str) -> String {
    text.replace("</v>", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_shown_while_it_goes_on_and_afterwards_in_every_format() {
    let (machine, speech, demo) = (Machine::new(), Speech::start(), audio::demo());
    let (lost, spoken) = (&demo.turns[2], [&demo.turns[..2], &demo.turns[3..]].concat());
    speech.flaw(&lost.text, Some(Flaw::Refused));
    let options = ["--port", "0", "--speech", &speech.url];
    let dev = machine.dev_with(&options, &[("DEFERRED_TRIES", "1"), ("DEFERRED_BACKOFF_SECONDS", "0")]).await;
    let none = run(&machine, &dev, &["calls"]).await;
    assert_eq!((text(&none).as_str(), none.stderr.contains("no calls yet")), ("", true), "{}", none.stderr);

    // While it goes on: what is there by now, and a word that it is not all.
    let file = project().join("dashboard/demo/demo_call.wav");
    let mut stream = machine.stream(&dev, &file, &["--pace", "4"]);
    let first = stream.next_of("segment").await;
    let id = first["call"].as_str().unwrap().to_owned();
    let live = run(&machine, &dev, &["show", "last"]).await;
    assert!(live.stderr.contains("the call is live"), "{}", live.stderr);
    assert!(text(&live).contains("Agent") && words(&text(&live)).contains(&demo.turns[0].text), "{}", text(&live));
    stream.end().await.messages();

    // A second one, later, so that there is an order, pages and a beginning that fits both.
    let second = machine.stream(&dev, &file, &["--pace", "max", "--playbook", "tax_relief"]).end().await;
    let second = second.messages().last().unwrap()["call"].as_str().unwrap().to_owned();
    let failed = async || (dev.rest().snapshot(&id).await["segments"][2]["placeholder"] == "failed").then_some(());
    until("the utterance that is refused is given up", failed).await;
    let noted = dev.rest().noted(&id).await;

    let listed = run(&machine, &dev, &["calls", "--json"]).await;
    let ids: Vec<&Value> = listed.messages().iter().map(|call| &call["call"]).collect();
    assert_eq!(ids, [&second, &id]);
    assert_eq!(listed.printed[1]["percent"], noted["progress"]["percent"]);
    let one = run(&machine, &dev, &["calls", "--limit", "1"]).await;
    let table = text(&one);
    let [head, line] = table.lines().collect::<Vec<_>>()[..] else { panic!("{table}") };
    assert!(head.starts_with("CALL ") && line.starts_with(&second), "{table}");
    assert!([" +05:30 ", " ended ", " % ", " tax_relief"].iter().all(|part| line.contains(part)), "{table}");

    // In every format, every word that was heard, in its order, and a note where none was.
    let note = "this part could not be transcribed";
    for (format, begins, notes) in [
        ("txt", "00:00:0", format!("[{note}]")),
        ("srt", "1\n00:00:0", format!("[{note}]")),
        ("vtt", "WEBVTT\n\n1\n00:00:0", format!("[{note}]")),
        ("md", "# Call ", format!("\\[{note}\\]")),
    ] {
        let path = machine.path().join(format!("call.{format}"));
        let shown = run(&machine, &dev, &["show", &id.to_lowercase(), "--output", path.to_str().unwrap()]).await;
        assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.starts_with(begins) && written.contains(&notes), "{format}: {written}");
        let mut rest = written.as_str();
        // A cue's number and time stand between the words of a turn: each word is looked for by itself.
        for word in spoken.iter().flat_map(|turn| turn.text.split(' ')) {
            rest = rest.split_once(word).unwrap_or_else(|| panic!("{format}: no {word} in {rest}")).1;
        }
        let printed = run(&machine, &dev, &["show", &id, "--format", format]).await;
        assert_eq!(words(&text(&printed)), words(&written), "{format}");
    }
    let markdown = std::fs::read_to_string(machine.path().join("call.md")).unwrap();
    let summary = noted["notes"]["summary"].as_str().unwrap().split('(').next().unwrap();
    assert!(markdown.contains(summary) && markdown.contains("- [x] "), "{markdown}");
    let json = run(&machine, &dev, &["show", &id, "--format", "json"]).await;
    assert_eq!(json.messages(), [dev.rest().snapshot(&id).await]);

    // What names no call, or more than one, is told.
    let alike: String = id.chars().zip(second.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    let other = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (name, code, told) in [
        (&id[..=alike.len()], 0, ""),
        (alike.as_str(), 2, "2 calls begin with"),
        (other, 2, "there is no call 01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("7", 2, "no call begins with 7"),
        ("../health", 2, "name a call by its id"),
    ] {
        let shown = run(&machine, &dev, &["show", name, "--format", "srt"]).await;
        assert_eq!((shown.code, shown.stderr.contains(told)), (Some(code), true), "{name}: {}", shown.stderr);
    }
    let nowhere = run(&machine, &dev, &["show", &id, "--output", "/nowhere/x.srt"]).await;
    assert_eq!((nowhere.code, nowhere.stderr.contains("/nowhere/x.srt cannot be written")), (Some(2), true));

    // Nobody there, and nobody who may.
    let refused = run(&machine, &dev, &["show", "last", "--token", "wrong"]).await;
    assert_eq!((refused.code, refused.stderr.contains("does not accept this token")), (Some(1), true), "{refused:?}");
    let stranger = Machine::new().run(&["calls", "--url", &dev.url], &[]).await;
    assert_eq!((stranger.code, stranger.stderr.contains("no token is known")), (Some(1), true), "{stranger:?}");
    let url = dev.url.clone();
    assert!(dev.terminate().await.success());
    for command in [&["calls"][..], &["show", "last"]] {
        let gone = machine.run(&[command, &["--url", &url]].concat(), &[]).await;
        assert_eq!((gone.code, gone.stderr.contains("no stack answers")), (Some(1), true), "{gone:?}");
    }
}
