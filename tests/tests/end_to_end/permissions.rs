//! Who may do what: every route and every message, for every role and for another organization. A route or a message that
//! is not listed here fails.

use std::collections::BTreeSet;

use callboard_tests::{
    audio, new_call, rest,
    socket::{Socket, audio as frame, capture, pairs},
    speech::Speech,
    stack::Local,
    until,
};
use callboard_wire::{ASYNCAPI, OPENAPI};
use serde_json::{Value, json};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// It is done, or something else about it is wrong.
    Done,
    /// It is refused (403).
    Refused,
    /// What it is about is as absent as if it never was (404).
    Hidden,
    /// Nobody asks who it is.
    Open,
}

use Is::{Done, Hidden, Open, Refused};

/// A route, as the OpenAPI document names it; its body; and what becomes of it for an agent, a supervisor, a key that
/// captures, the admin of another organization, and an admin, in this order. Calls in it are those of another agent.
type Route = (&'static str, &'static str, [Is; 5]);

const OPEN: [Is; 5] = [Open; 5];
/// Of what belongs to an organization as a whole, another's admin sees their own.
const ALL_PEOPLE: [Is; 5] = [Done, Done, Refused, Done, Done];
const FOLLOWERS: [Is; 5] = [Refused, Done, Refused, Done, Done];
const ADMINS: [Is; 5] = [Refused, Refused, Refused, Done, Done];
/// Of what an admin changes, another organization's is hidden.
const OUR_ADMINS: [Is; 5] = [Refused, Refused, Refused, Hidden, Done];
/// Of another agent's call, an agent sees nothing.
const READ_CALL: [Is; 5] = [Hidden, Done, Refused, Hidden, Done];
const UPLOAD: [Is; 5] = [Done; 5];
const READ_JOB: [Is; 5] = [Hidden, Done, Hidden, Hidden, Done];

/// The playbook that acme wrote.
const OWN_SALE: &str = r#"{"id":"own_sale","name":"Own sale","version":1,"language":"en","extends":"sales",
    "landmarks":[{"id":"greeting","label":"Greeting","signals":["good morning"]}],
    "objections":[{"id":"too_expensive","answer":"It pays for itself by spring."}]}"#;

const ROUTES: &[Route] = &[
    ("GET /health", "", OPEN),
    ("GET /openapi.json", "", OPEN),
    ("GET /asyncapi.json", "", OPEN),
    ("GET /.well-known/jwks.json", "", OPEN),
    ("POST /hooks/assemblyai", "{}", OPEN),
    ("GET /v1/auth", "", OPEN),
    ("POST /v1/auth/register", "{}", OPEN),
    ("POST /v1/auth/login", "{}", OPEN),
    ("POST /v1/auth/refresh", "{}", OPEN),
    ("POST /v1/auth/logout", "{}", OPEN),
    ("POST /v1/auth/invitation", "{}", OPEN),
    ("GET /v1/calls", "", ALL_PEOPLE),
    ("GET /v1/calls/{id}", "", READ_CALL),
    ("GET /v1/calls/{id}/audio", "", READ_CALL),
    ("GET /v1/calls/{id}/events", "", READ_CALL),
    ("GET /v1/calls/{id}/result", "", READ_CALL),
    ("GET /v1/calls/{id}/transcript", "", READ_CALL),
    ("PUT /v1/calls/{id}/cards/{card}/feedback", r#"{"verdict":"used"}"#, READ_CALL),
    ("DELETE /v1/calls/{id}/cards/{card}/feedback", "", READ_CALL),
    ("GET /transcription/events", "", ALL_PEOPLE),
    ("POST /v1/recordings", r#"{"file_name":"a.wav","bytes":1000}"#, ALL_PEOPLE),
    ("GET /v1/recordings/{id}/upload", "", READ_CALL),
    ("POST /v1/recordings/{id}/complete", "{}", READ_CALL),
    ("POST /upload-audio", "", UPLOAD),
    ("POST /upload-audio/", "", UPLOAD),
    ("POST /transcribe", "", UPLOAD),
    ("GET /status/{job_id}", "", READ_JOB),
    ("GET /result/{job_id}", "", READ_JOB),
    ("GET /v1/playbooks", "", ALL_PEOPLE),
    ("POST /v1/playbooks", "{}", ADMINS),
    ("POST /v1/playbooks/validate", "{}", ALL_PEOPLE),
    ("POST /v1/playbooks/try", r#"{"playbook":"sales","transcript":[]}"#, ALL_PEOPLE),
    ("GET /v1/playbooks/{id}", "", [Done, Done, Refused, Hidden, Done]),
    ("PUT /v1/playbooks/{id}", OWN_SALE, OUR_ADMINS),
    ("GET /v1/settings", "", FOLLOWERS),
    ("PUT /v1/settings", "{}", ADMINS),
    ("GET /v1/me", "", ALL_PEOPLE),
    // Refused to keys of any role: they have no password.
    ("PUT /v1/me/password", r#"{"current":"x","new":"correct horse"}"#, [Refused; 5]),
    ("GET /v1/users", "", FOLLOWERS),
    ("PATCH /v1/users/{id}", "{}", OUR_ADMINS),
    ("GET /v1/invitations", "", ADMINS),
    ("POST /v1/invitations", r#"{"role":"agent"}"#, ADMINS),
    ("GET /v1/keys", "", ADMINS),
    ("POST /v1/keys", r#"{"name":"x","role":"agent"}"#, ADMINS),
    // What takes things away, at last.
    ("DELETE /v1/invitations/{id}", "", OUR_ADMINS),
    ("DELETE /v1/keys/{id}", "", OUR_ADMINS),
    ("DELETE /v1/users/{id}", "", OUR_ADMINS),
    ("DELETE /v1/playbooks/{id}", "", OUR_ADMINS),
    ("DELETE /v1/calls/{id}", "", [Hidden, Refused, Refused, Hidden, Done]),
];

/// Who asks, in the order of [`Route`].
const TOKENS: [&str; 5] = ["acme-agent", "acme-supervisor", "acme-capture", "other-admin", "acme-admin"];

/// What there is to ask about in the organization acme.
struct There {
    call: String,
    recording: String,
    user: String,
    invitation: String,
    key: String,
}

impl There {
    /// A recorded call of a colleague in which the customer pushes back, one whose audio is awaited, and one of each other
    /// kind.
    async fn of(local: &Local) -> Self {
        let admin = local.rest("acme-admin");
        let colleague = local.rest("acme-colleague");
        let sound = audio::rearranged(&[0, 3, 4]).wav();
        let call = colleague.hand_in(&json!({"file_name": "a.wav", "bytes": sound.len()}), &sound).await;
        let snapshot = admin.transcribed(&call).await;
        assert_eq!(snapshot["cards"][0]["id"], "too_expensive", "{snapshot}");
        let about = json!({"file_name": "b.wav", "bytes": 1_000});
        let recording = colleague.send("POST", "/v1/recordings", &about).await.expect(201).json();
        let created = async |path: &str, body: Value| admin.send("POST", path, &body).await.expect(201).json();
        admin.ask("POST", "/v1/playbooks", &[("content-type", "application/json")], OWN_SALE).await.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            call,
            recording: text(&recording["call"]),
            user: local.invited(&admin, "agent", "al@example.com").await.id().to_owned(),
            invitation: text(&created("/v1/invitations", json!({"role": "agent"})).await["id"]),
            key: text(&created("/v1/keys", json!({"name": "x", "role": "agent"})).await["id"]),
        }
    }

    /// A route's address.
    fn address(&self, path: &str) -> String {
        let id = match path.split('/').nth(2).unwrap_or_default() {
            "recordings" => &self.recording,
            "users" => &self.user,
            "invitations" => &self.invitation,
            "keys" => &self.key,
            "playbooks" => "own_sale",
            _ => &self.call,
        };
        path.replace("{id}", id).replace("{card}", "too_expensive").replace("{job_id}", &self.recording)
    }
}

/// The status and the text of an answer; none of a stream, which does not end.
async fn ask(local: &Local, token: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let request = rest::client().request(method.parse().unwrap(), format!("{}{path}", local.url)).bearer_auth(token);
    let answer = request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    let is_stream = answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    (status, if is_stream { String::new() } else { answer.text().await.unwrap() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_does_for_every_role_what_it_must() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, members)| {
            let methods = members.as_object().unwrap().keys().filter(|name| *name != "parameters");
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let listed: BTreeSet<String> = ROUTES.iter().map(|(route, ..)| (*route).to_owned()).collect();
    assert_eq!(listed, described, "each route says here who may take it");

    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let there = There::of(&local).await;
    let ours = [&there.call, &there.recording, &there.user, &there.invitation, &there.key];
    for (route, body, expected) in ROUTES {
        let (method, path) = route.split_once(' ').unwrap();
        let address = there.address(path);
        for (token, expected) in TOKENS.iter().zip(expected) {
            let (status, text) = ask(&local, token, method, &address, body).await;
            let by_gateway = [r#"{"message":"Unauthorized"}"#, r#"{"message":"Forbidden"}"#].contains(&text.as_str());
            let found = match status {
                _ if *expected == Open => {
                    assert!(!by_gateway, "{route} {token}: {text}");
                    Open
                }
                401 => panic!("{route} {token}: {text}"),
                403 => Refused,
                404 => Hidden,
                500.. => panic!("{route} {token}: {status} {text}"),
                _ => Done,
            };
            assert_eq!(found, *expected, "{route} {token}: {status} {text}");
            if *token == "other-admin" && found == Done {
                let leaked = ours.iter().find(|id| text.contains(id.as_str()));
                assert_eq!(leaked, None, "{route} {token}: {text}");
            }
        }
        // Without any token nobody gets anywhere.
        let (status, text) = ask(&local, "nobody", method, &address, body).await;
        // A session that is none is refused by its own words.
        let is_refused = expected[0] != Open || *path == *"/v1/auth/refresh";
        assert_eq!(status == 401, is_refused, "{route}: {status} {text}");
    }
}

/// A message, as the AsyncAPI document names it, to a connection that captures nothing, about a call of another agent;
/// and what an agent, a supervisor and another organization's admin are answered: a type, or an error's code.
type Message = (&'static str, [&'static str; 3]);

const MESSAGES: &[Message] = &[
    ("audio", ["forbidden", "forbidden", "forbidden"]),
    ("audio_data", ["forbidden", "forbidden", "forbidden"]),
    ("stop", ["forbidden", "forbidden", "forbidden"]),
    ("gone", ["forbidden", "forbidden", "forbidden"]),
    ("watch", ["forbidden", "watching", "not_found"]),
    ("unwatch", ["forbidden", "watching", "not_found"]),
    ("feedback", ["forbidden", "feedback", "not_found"]),
    ("ping", ["pong", "pong", "pong"]),
];

/// The same for a key that captures a call of its own: none is a type that it is not told of.
const CAPTURING: &[(&str, Option<&str>)] = &[
    ("audio", None),
    ("audio_data", None),
    ("gone", None),
    ("watch", Some("forbidden")),
    ("unwatch", Some("forbidden")),
    ("feedback", Some("forbidden")),
    ("ping", Some("pong")),
    ("stop", None),
];

fn message(name: &str, call: &str) -> Value {
    match name {
        "audio" => frame(1, &[0; 6_400]),
        "audio_data" => json!({"audio_data": frame(1, &[0; 6_400])["data"]}),
        "stop" => json!({"action": "stop", "seq": 1}),
        "gone" => json!({"action": "gone", "from": 1, "to": 1}),
        "feedback" => json!({"action": name, "call": call, "card": "too_expensive", "verdict": "used"}),
        "ping" => json!({"action": name}),
        _ => json!({"action": name, "call": call}),
    }
}

/// What is answered: an error's code, or a type.
async fn answer(socket: &mut Socket, name: &str, call: &str) -> String {
    socket.send(message(name, call)).await;
    let answer = socket
        .hear_until(|heard| ["error", "watching", "feedback", "pong"].iter().any(|it| heard["type"] == *it))
        .await;
    let told = if answer["type"] == "error" { &answer["code"] } else { &answer["type"] };
    told.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_does_for_every_role_what_it_must() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let document: Value = serde_json::from_str(ASYNCAPI).unwrap();
    let hear = document["operations"]["hear"]["messages"].as_array().unwrap().iter();
    let described: BTreeSet<&str> = hear
        .map(|reference| {
            let name = reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            document["components"]["messages"][name]["name"].as_str().unwrap()
        })
        .collect();
    let listed: BTreeSet<&str> = MESSAGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, described, "each message says here who may send it");
    assert_eq!(CAPTURING.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), described);
    let routes = &local.stack.template().websocket.as_ref().unwrap().routes;
    let routed: BTreeSet<&str> = routes.keys().map(String::as_str).filter(|key| !key.starts_with('$')).collect();
    // What older clients send names no action.
    assert_eq!(routed, &described - &BTreeSet::from(["audio_data"]), "and the template routes each");

    let there = There::of(&local).await;
    for (at, token) in ["acme-agent", "acme-supervisor", "other-admin"].into_iter().enumerate() {
        let mut socket = local.socket(token).await;
        for (name, expected) in MESSAGES {
            assert_eq!(answer(&mut socket, name, &there.call).await, expected[at], "{name} {token}");
        }
    }
    let own = new_call();
    let mut socket = Socket::open(&local.url, &pairs(&capture(&own)), Some("acme-capture")).await.unwrap();
    for (name, expected) in CAPTURING {
        match expected {
            Some(expected) => assert_eq!(answer(&mut socket, name, &there.call).await, *expected, "{name}"),
            None => socket.send(message(name, &own)).await,
        }
    }
    // An unnumbered frame waits for those that may come before it, so the call is ending until its connection closes.
    let ending = async || (local.rest("acme-admin").snapshot(&own).await["call"]["status"] != "live").then_some(());
    until("the stop of its own call", ending).await;
    let errors = socket.heard.iter().filter(|heard| heard["type"] == "error").count();
    assert_eq!(errors, 3, "none of what it may do: {:?}", socket.heard);
}
