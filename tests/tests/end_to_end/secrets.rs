//! Secrets of people and keys, after all was done with them that can be done: they are nowhere.

use std::path::Path;

use callboard_tests::{
    new_call,
    process::Machine,
    rest::{Answer, Rest},
    socket::{Socket, capture, pairs},
    speech::Speech,
};
use serde_json::{Value, json};

const PASSWORDS: [&str; 2] = ["correct horse battery", "staple the battery"];

/// What a running stack says, and what stands in its files.
fn places(folder: &Path, said: String) -> Vec<(String, Vec<u8>)> {
    let files = crate::wiring::files(folder).into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap()));
    files.chain([("the logs".to_owned(), said.into_bytes())]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged_or_stored() {
    let (speech, machine) = (Speech::start(), Machine::new());
    let settings = [("CALLBOARD_LOG", "trace,hyper=info,h2=info")];
    let dev = machine.dev_with(&["--port", "0", "--speech", &speech.url], &settings).await;
    let doors = Rest::new(&dev.url, "none");
    let mut secrets: Vec<String> = PASSWORDS.map(str::to_owned).into();
    let mut keep = |answer: Answer, names: &[&str]| -> Value {
        let told = answer.json();
        secrets.extend(names.iter().map(|name| told[name].as_str().unwrap().to_owned()));
        told
    };
    let tokens = ["access_token", "refresh_token"];
    let account =
        json!({"email": "ada@example.com", "password": PASSWORDS[0], "name": "Ada", "organization": "Example"});
    let ada = keep(doors.send("POST", "/v1/auth/register", &account).await.expect(201), &tokens);
    assert_eq!(ada["me"]["org"], "local", "the first person sees what this machine's key makes");
    let login = json!({"email": "ada@example.com", "password": PASSWORDS[0]});
    let ada = keep(doors.send("POST", "/v1/auth/login", &login).await.expect(200), &tokens);
    let wrong = json!({"email": "ada@example.com", "password": PASSWORDS[1]});
    doors.send("POST", "/v1/auth/login", &wrong).await.expect(401);
    let refresh = json!({"refresh_token": ada["refresh_token"]});
    let ada = keep(doors.send("POST", "/v1/auth/refresh", &refresh).await.expect(200), &tokens);
    let rest = Rest::new(&dev.url, ada["access_token"].as_str().unwrap());
    let invitation =
        keep(rest.send("POST", "/v1/invitations", &json!({"role": "agent"})).await.expect(201), &["secret"]);
    let shown = json!({"invitation": invitation["secret"]});
    doors.send("POST", "/v1/auth/invitation", &shown).await.expect(200);
    let account =
        json!({"email": "al@example.com", "password": PASSWORDS[1], "name": "Al", "invitation": invitation["secret"]});
    keep(doors.send("POST", "/v1/auth/register", &account).await.expect(201), &tokens);
    let key = json!({"name": "Desk", "role": "capture"});
    let key = keep(rest.send("POST", "/v1/keys", &key).await.expect(201), &["secret"]);
    let passwords = json!({"current": PASSWORDS[0], "new": PASSWORDS[1]});
    rest.send("PUT", "/v1/me/password", &passwords).await.expect(204);
    // By sockets, also by a key in the URL, which is all that some clients can set.
    let secret = key["secret"].as_str().unwrap();
    let call = new_call();
    Socket::open(&dev.url, &pairs(&capture(&call)), Some(secret)).await.unwrap().ping().await;
    Socket::open(&dev.url, &[("capture_key", secret)], None).await.unwrap().ping().await;
    let mut watching = Socket::open(&dev.url, &[], ada["access_token"].as_str()).await.unwrap();
    watching.watch(json!({"calls": true})).await;
    // What went wrong is logged at most.
    doors.ask("POST", "/v1/auth/login", &[("content-type", "application/json")], PASSWORDS[0]).await.expect(400);
    let next = json!({"refresh_token": ada["refresh_token"]});
    keep(doors.send("POST", "/v1/auth/refresh", &next).await.expect(200), &tokens);
    doors.send("POST", "/v1/auth/refresh", &refresh).await.expect(401);

    let said = dev.said();
    assert!(said.len() > 1_000, "the logs are there to be looked at");
    let places = places(&machine.path().join("data"), said);
    assert!(places.len() > 2, "so are files");
    for (place, bytes) in &places {
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "a secret that begins with {:.8} is in {place}", secret);
        }
    }
    assert_eq!(secrets.len(), 14);
    for message in &watching.heard {
        assert!(secrets.iter().all(|secret| !message.to_string().contains(secret.as_str())), "{message}");
    }
}
