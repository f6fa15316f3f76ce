//! Clients of an older service: a file in a request, its status, its result, by curl as they do it.

use std::path::{Path, PathBuf};

use callboard_tests::{
    audio::{self, Recording},
    process::{Dev, Machine},
    speech::Speech,
    stack::Local,
    until,
};
use serde_json::{Value, json};
use tokio::process::Command;

/// The status and the JSON that curl gets; null where the body is none.
async fn curl(arguments: &[&str]) -> (u16, Value) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--noproxy", "*", "--write-out", "\n%{http_code}"]).args(arguments);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

fn form(file: &Path) -> String {
    format!("file=@{}", file.display())
}

fn id(job: &Value) -> String {
    job.as_str().unwrap_or_else(|| panic!("no job in {job}")).to_owned()
}

/// The job's status, once it is completed or will never be.
async fn over(url: &str, job: &str, key: &[&str]) -> Value {
    let address = format!("{url}/status/{job}");
    let over = async || {
        let (status, told) = curl(&[key, &[address.as_str()]].concat()).await;
        assert_eq!(status, 200, "{told}");
        ["completed", "error"].contains(&told["status"].as_str().unwrap()).then_some(told)
    };
    until("the job's end", over).await
}

/// What the agent says in the demo call, as a file.
fn voice(folder: &Path) -> (PathBuf, Recording) {
    let (file, voice) = (folder.join("my call.wav"), audio::demo().channel(0));
    voice.write(&file);
    (file, voice)
}

fn spoken(recording: &Recording) -> String {
    recording.turns.iter().map(|turn| format!("{}\n", turn.text)).collect()
}

/// Uploads a file without a key.
async fn upload(dev: &Dev, arguments: &[&str]) -> (u16, Value) {
    let address = format!("{}/upload-audio/", dev.url);
    curl(&[arguments, &[address.as_str()]].concat()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_uploaded_asked_about_and_read_as_ever() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let (file, voice) = voice(machine.path());

    // Nothing is heard yet, so the result is a message.
    speech.fail_all(Some(503));
    let (status, job) = upload(&dev, &["-F", &form(&file)]).await;
    assert_eq!((status, &job["status"]), (200, &json!("queued")), "{job}");
    let job = id(&job["job_id"]);
    let (status, waits) = curl(&[&format!("{}/result/{job}", dev.url)]).await;
    assert_eq!(status, 200);
    assert!(waits["message"].is_string() && waits["transcription"].is_null(), "{waits}");
    speech.fail_all(None);

    let told = over(&dev.url, &job, &[]).await;
    assert_eq!(told, json!({"job_id": job, "status": "completed", "file_name": "my call.wav"}));
    let (status, result) = curl(&[&format!("{}/result/{job}", dev.url)]).await;
    assert_eq!((status, &result["status"], &result["job_id"]), (200, &json!("completed"), &json!(job)));
    assert_eq!(result["transcription"], spoken(&voice));
    let note = result["diary_note"].as_str().unwrap();
    let notes = dev.rest().snapshot(&job).await["notes"].clone();
    assert!(note.starts_with(&format!("# {}\n", notes["diary"]["title"].as_str().unwrap())), "{note}");
    assert!(note.contains(notes["summary"].as_str().unwrap()), "{note}");
    assert!(result["message"].is_null());

    // It is a call like any other.
    let snapshot = dev.rest().snapshot(&job).await;
    assert_eq!((&snapshot["call"]["status"], &snapshot["call"]["principal"]), (&json!("ended"), &json!("anonymous")));

    // The other address, and the first without its last slash.
    let (status, task) = curl(&["-F", &form(&file), &format!("{}/transcribe", dev.url)]).await;
    assert_eq!(status, 202, "{task}");
    assert!(task["message"].is_string());
    assert_eq!(over(&dev.url, &id(&task["taskId"]), &[]).await["status"], "completed");
    let (status, job) = curl(&["-F", &form(&file), &format!("{}/upload-audio", dev.url)]).await;
    assert_eq!((status, &job["status"]), (200, &json!("queued")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_is_told_in_words() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let written = |name: &str, bytes: &[u8]| {
        let path = machine.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (text, empty) = (written("note.txt", b"this is no recording"), written("empty.wav", b""));
    let large = written("large.wav", &vec![0; 4_500_001]);
    let huge = written("huge.wav", &vec![0; 5 << 20]);
    let (one, none, big) = (form(&text), form(&empty), form(&large));
    let other = one.replacen("file=", "audio=", 1);
    for (arguments, status, told) in [
        (&["-F", other.as_str()][..], 400, "no field \"file\""),
        (&["-F", &none], 400, "empty"),
        (&["-F", &one, "-F", &one], 400, "more than one"),
        (&["-H", "content-type: application/json", "-d", "{}"], 400, "multipart/form-data"),
        (&["-F", &big], 413, "POST /v1/recordings"),
    ] {
        let (found, problem) = upload(&dev, arguments).await;
        assert_eq!(found, status, "{arguments:?}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{arguments:?}: {problem}");
    }
    // API Gateway itself lets nothing through that Lambda would not take.
    assert_eq!(upload(&dev, &["-F", &form(&huge)]).await.0, 413);
    // Of what is no recording, the status tells.
    let (_, job) = upload(&dev, &["-F", &one]).await;
    let job = id(&job["job_id"]);
    let told = over(&dev.url, &job, &[]).await;
    assert_eq!((&told["status"], &told["file_name"]), (&json!("error"), &json!("note.txt")));
    assert!(!told["message"].as_str().unwrap().is_empty());
    let (status, result) = curl(&[&format!("{}/result/{job}", dev.url)]).await;
    assert_eq!((status, &result["message"]), (200, &told["message"]));

    for path in ["/status/nothing", "/result/01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let (status, problem) = curl(&[&format!("{}{path}", dev.url)]).await;
        assert_eq!(status, 404, "{problem}");
    }
    // Who shows a key that is none means to be somebody.
    for wrong in ["authorization: Bearer none", "x-api-key: none"] {
        assert_eq!(upload(&dev, &["-H", wrong, "-F", &one]).await.0, 401, "{wrong}");
    }
    // Without a key, nothing but these routes is open.
    assert_eq!(curl(&[&format!("{}/v1/calls", dev.url)]).await.0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_belongs_to_whoever_sent_it() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = voice(folder.path());
    let (form, address) = (form(&file), format!("{}/upload-audio/", local.url));
    assert_eq!(curl(&["-F", &form, &address]).await.0, 401, "nobody sends without a key here");
    for (sender, header) in [("acme-capture", "x-api-key: "), ("acme-agent", "authorization: Bearer ")] {
        let (status, job) = curl(&["-H", &format!("{header}{sender}"), "-F", &form, &address]).await;
        assert_eq!(status, 200, "{job}");
        let job = id(&job["job_id"]);
        let key = format!("{header}{sender}");
        assert_eq!(over(&local.url, &job, &["-H", &key]).await["status"], "completed");
        for (reader, expected) in [
            (sender, 200),
            ("acme-supervisor", 200),
            ("acme-colleague", 404),
            ("other-admin", 404),
            ("other-capture", 404),
            ("acme-revoked", 401),
        ] {
            for route in ["status", "result"] {
                let key = format!("{header}{reader}");
                let (status, told) = curl(&["-H", &key, &format!("{}/{route}/{job}", local.url)]).await;
                assert_eq!(status, expected, "{reader} {route}: {told}");
            }
        }
    }
    // What was captured live is no job, not even its own principal's.
    let call = callboard_tests::new_call();
    let _capture = local.capture(&call).await;
    let seen = async || (!local.rest("acme-admin").calls().await.is_empty()).then_some(());
    until("the live call", seen).await;
    assert_eq!(curl(&["-H", "x-api-key: acme-capture", &format!("{}/status/{call}", local.url)]).await.0, 404);
}
