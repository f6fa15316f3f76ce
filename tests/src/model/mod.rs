//! A scripted language model behind the interfaces of OpenAI, Anthropic and Amazon Bedrock, as they are documented,
//! faults included. What it answers is a function of the request; what goes wrong is told to it, request by request.
//!
//! It runs on a runtime of its own, so that stopping it cuts all connections, as a crash would. It is free of the
//! adapters' code, whose tests take this same file.

mod interface;

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

use interface::{Ending, judge};
pub use interface::{Interface, Prompt, schema_problem, tokens};

/// The key that OpenAI's and Anthropic's interfaces ask for; Bedrock's takes it too, and any signature.
pub const KEY: &str = "sk-0123456789abcdef0123456789abcdef";

/// What the service does with one request that it has no objection to.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Answers.
    Answers,
    /// Answers after so many milliseconds.
    Late(u64),
    /// Answers with this text in place of the object.
    Says(String),
    /// Answers with an object that does not fit the schema.
    MissesSchema,
    /// Answers with half of its JSON, as if that were all.
    BreaksJson,
    /// Comes to the limit of tokens in the middle of its JSON.
    CutOff,
    /// The model declines.
    Refuses,
    /// A success with this body.
    Body(String),
    /// 429, and after how many seconds to ask again, if it says so.
    Busy(Option<u64>),
    /// This status, with a body of the interface's own shape.
    Status(u16),
    /// Says nothing, ever.
    Silent,
    /// Breaks the connection in the middle of its answer.
    Breaks,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// By which interface.
    pub interface: Interface,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Value,
    /// What the model was told.
    pub prompt: Prompt,
}

/// The service.
pub struct Model {
    /// Its address, for all three interfaces.
    pub url: String,
    address: SocketAddr,
    script: Arc<Script>,
    runtime: Option<Runtime>,
}

type Answer = Box<dyn Fn(&Prompt) -> Value + Send + Sync>;

struct Script {
    answer: Answer,
    state: Mutex<Progress>,
    count: watch::Sender<usize>,
}

struct Progress {
    asked: Vec<Asked>,
    next: VecDeque<Behaviour>,
    otherwise: Behaviour,
    unknown_fields: BTreeSet<String>,
}

impl Model {
    /// Starts one that answers everything, with what is made of the request.
    pub fn start(answer: impl Fn(&Prompt) -> Value + Send + Sync + 'static) -> Self {
        let state = Progress {
            asked: Vec::new(),
            next: VecDeque::new(),
            otherwise: Behaviour::Answers,
            unknown_fields: BTreeSet::new(),
        };
        let script =
            Arc::new(Script { answer: Box::new(answer), state: Mutex::new(state), count: watch::Sender::new(0) });
        let (runtime, address) = serve(SocketAddr::from(([127, 0, 0, 1], 0)), &script);
        Self { url: format!("http://{address}"), address, script, runtime: Some(runtime) }
    }

    /// The next requests are dealt with so, one by one; those after them as ever.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.script.state().next.extend(behaviours);
    }

    /// All requests are dealt with so, until told otherwise.
    pub fn always(&self, behaviour: Behaviour) {
        self.script.state().otherwise = behaviour;
    }

    /// From now on a request with this field, at the body's top or in Bedrock's `inferenceConfig`, is refused.
    pub fn takes_no(&self, field: &str) {
        self.script.state().unknown_fields.insert(field.to_owned());
    }

    /// Crashes: when this returns, all connections are cut and the port is free.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // On a thread of its own, since a runtime must not wait for another one.
            let end = move || runtime.shutdown_timeout(Duration::from_secs(30));
            std::thread::spawn(end).join().ok();
        }
    }

    /// Comes back at the same address.
    pub fn restart(&mut self) {
        self.stop();
        let (runtime, _) = serve(self.address, &self.script);
        self.runtime = Some(runtime);
    }

    /// The requests so far, refused ones too.
    pub fn asked(&self) -> Vec<Asked> {
        self.script.state().asked.clone()
    }

    /// Waits until this many requests have come.
    ///
    /// # Panics
    /// When they have not after 30 s.
    pub async fn wait_for(&self, count: usize) {
        let mut counted = self.script.count.subscribe();
        let came = counted.wait_for(|asked| *asked >= count);
        if tokio::time::timeout(Duration::from_secs(30), came).await.is_err() {
            panic!("waited for {count} requests to the model, and {} came", self.asked().len());
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Script {
    fn state(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap()
    }

    async fn respond(&self, interface: Interface, path: &str, headers: HeaderMap, body: Value) -> Response {
        let prompt = Prompt::read(interface, path, &body);
        let behaviour = {
            let mut state = self.state();
            state.asked.push(Asked { interface, headers: headers.clone(), body: body.clone(), prompt: prompt.clone() });
            self.count.send_replace(state.asked.len());
            if let Some(refusal) = judge(interface, &headers, &body, &prompt, &state.unknown_fields) {
                return refusal.into_response(interface, &prompt);
            }
            state.next.pop_front().unwrap_or_else(|| state.otherwise.clone())
        };
        self.behave(interface, &prompt, behaviour).await
    }

    async fn behave(&self, interface: Interface, prompt: &Prompt, behaviour: Behaviour) -> Response {
        let answer = || (self.answer)(prompt).to_string();
        let half = |text: String| text.chars().take(text.chars().count() / 2).collect::<String>();
        let (text, ending) = match behaviour {
            Behaviour::Answers => (answer(), Ending::Done),
            Behaviour::Late(wait_ms) => {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                (answer(), Ending::Done)
            }
            Behaviour::Says(text) => (text, Ending::Done),
            Behaviour::MissesSchema => (json!({"unheard_of": prompt.user}).to_string(), Ending::Done),
            Behaviour::BreaksJson => (half(answer()), Ending::Done),
            Behaviour::CutOff => (half(answer()), Ending::CutOff),
            Behaviour::Refuses => ("I will not help with this.".to_owned(), Ending::Refused),
            Behaviour::Body(body) => return body.into_response(),
            Behaviour::Status(status) => return interface.error(status).into_response(interface, prompt),
            Behaviour::Silent => return std::future::pending().await,
            Behaviour::Busy(wait) => {
                let mut response = interface.error(429).into_response(interface, prompt);
                if let Some(wait) = wait {
                    response.headers_mut().insert("retry-after", wait.into());
                }
                return response;
            }
            Behaviour::Breaks => {
                let parts = [Ok("{\"id\":"), Err(std::io::Error::other("broken"))];
                return Body::from_stream(futures_util::stream::iter(parts)).into_response();
            }
        };
        Json(interface.envelope(prompt, &text, ending)).into_response()
    }
}

fn serve(address: SocketAddr, script: &Arc<Script>) -> (Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let router = Router::new()
        .route("/v1/chat/completions", post(openai))
        .route("/v1/messages", post(anthropic))
        .route("/model/{id}/converse", post(bedrock))
        .with_state(script.clone());
    let listener = std::net::TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
    (runtime, address)
}

async fn openai(State(script): State<Arc<Script>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    script.respond(Interface::OpenAi, "", headers, body).await
}

async fn anthropic(State(script): State<Arc<Script>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    script.respond(Interface::Anthropic, "", headers, body).await
}

async fn bedrock(
    State(script): State<Arc<Script>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    script.respond(Interface::Bedrock, &id, headers, body).await
}
