//! A scripted transcription service with OpenAI's interface. What it answers depends on the audio alone: it knows the
//! demo call's turns by their sound and says the words of those that it hears; of anything else it says the length.
//!
//! It runs on a runtime of its own, so that stopping it cuts all connections, as a crash would.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{audio, until};

/// An answer that is none.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// This status.
    Status(u16),
    /// 429, and after how many milliseconds to ask again.
    Busy(u64),
}

/// What is wrong with one utterance, whenever it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is refused.
    Refused,
    /// Nothing is heard in it.
    Silent,
}

/// A request that came, answered or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Length of its audio.
    pub audio_ms: u64,
    /// What is heard in it.
    pub text: String,
    /// The status that it was answered with.
    pub status: u16,
}

/// The service.
pub struct Speech {
    /// Its address.
    pub url: String,
    address: SocketAddr,
    script: Arc<Script>,
    runtime: Option<Runtime>,
}

struct Script {
    turns: Vec<Known>,
    state: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    asked: Vec<Asked>,
    faults: VecDeque<Fault>,
    failing: Option<u16>,
    flaws: BTreeMap<String, Flaw>,
    misheard: BTreeMap<String, String>,
}

/// A turn, and the samples around its loudest, by which it is known again.
struct Known {
    sound: Vec<i16>,
    text: String,
}

impl Speech {
    /// Starts one that answers everything.
    pub fn start() -> Self {
        let script = Arc::new(Script { turns: known_turns(), state: Mutex::default() });
        let (runtime, address) = serve(SocketAddr::from(([127, 0, 0, 1], 0)), &script);
        Self { url: format!("http://{address}"), address, script, runtime: Some(runtime) }
    }

    /// The next requests get these answers.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.script.state().faults.extend(faults);
    }

    /// All requests get this status, until told otherwise.
    pub fn fail_all(&self, status: Option<u16>) {
        self.script.state().failing = status;
    }

    /// From now on something is wrong with the utterance of these words, or nothing any more.
    pub fn flaw(&self, text: &str, flaw: Option<Flaw>) {
        let mut state = self.script.state();
        match flaw {
            Some(flaw) => state.flaws.insert(text.to_owned(), flaw),
            None => state.flaws.remove(text),
        };
    }

    /// From now on it hears other words in a turn of the demo call.
    pub fn mishears(&self, turn: &str, words: &str) {
        self.script.state().misheard.insert(turn.to_owned(), words.to_owned());
    }

    /// Crashes.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Comes back at the same address.
    pub fn restart(&mut self) {
        self.stop();
        let (runtime, _) = serve(self.address, &self.script);
        self.runtime = Some(runtime);
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.script.state().asked.clone()
    }

    /// Waits for this many requests of a kind.
    pub async fn wait_for(&self, count: usize, what: &str, kind: impl Fn(&Asked) -> bool) {
        let came = async || (self.asked().iter().filter(|asked| kind(asked)).count() >= count).then_some(());
        until(what, came).await;
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Script {
    fn state(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap()
    }

    /// The words of the turns that are heard in it, in their order, else its length.
    fn text(&self, pcm: &[i16]) -> String {
        let place = |known: &Known| pcm.windows(known.sound.len()).position(|window| window == known.sound);
        let turns = self.turns.iter();
        let mut found: Vec<_> = turns.filter_map(|known| Some((place(known)?, known.text.as_str()))).collect();
        found.sort_unstable();
        if found.is_empty() {
            return format!("utterance of {} ms", pcm.len() / 16);
        }
        found.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }
}

fn known_turns() -> Vec<Known> {
    let demo = audio::demo();
    let known = |turn: &audio::Turn| {
        let samples = demo.cut(turn.channel, turn.start_ms, turn.end_ms);
        let inner = &samples[400..samples.len() - 400];
        let loudest = inner.iter().enumerate().max_by_key(|(_, sample)| sample.unsigned_abs()).unwrap().0 + 400;
        Known { sound: samples[loudest - 80..loudest + 80].to_vec(), text: turn.text.clone() }
    };
    demo.turns.iter().map(known).collect()
}

fn serve(address: SocketAddr, script: &Arc<Script>) -> (Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let router = Router::new()
        .route("/v1/audio/transcriptions", post(transcribe))
        .layer(DefaultBodyLimit::max(8 * 1024 * 1024))
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

async fn transcribe(State(script): State<Arc<Script>>, mut form: Multipart) -> Response {
    let mut pcm = Vec::new();
    while let Some(field) = form.next_field().await.unwrap() {
        if field.name() == Some("file") {
            let file = field.bytes().await.unwrap();
            let reader = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
            let spec = reader.spec();
            assert_eq!((spec.channels, spec.sample_rate), (1, 16_000), "utterances of what the tests play");
            pcm = reader.into_samples::<i16>().map(Result::unwrap).collect();
        }
    }
    let mut text = script.text(&pcm);
    let audio_ms = pcm.len() as u64 / 16;
    let mut state = script.state();
    let flaw = state.flaws.get(&text).copied();
    let refused = (flaw == Some(Flaw::Refused)).then_some(Fault::Status(400));
    let fault = state.faults.pop_front().or(state.failing.map(Fault::Status)).or(refused);
    if flaw == Some(Flaw::Silent) {
        text.clear();
    }
    if let Some(words) = state.misheard.get(&text) {
        text.clone_from(words);
    }
    let status = match fault {
        None => 200,
        Some(Fault::Status(status)) => status,
        Some(Fault::Busy(_)) => 429,
    };
    state.asked.push(Asked { audio_ms, text: text.clone(), status });
    drop(state);
    let code = StatusCode::from_u16(status).unwrap();
    match fault {
        None => Json(json!({ "text": text, "words": words(&text, audio_ms) })).into_response(),
        Some(Fault::Status(_)) => code.into_response(),
        Some(Fault::Busy(wait_ms)) => (code, [("retry-after-ms", wait_ms.to_string())]).into_response(),
    }
}

/// Words of equal length, in seconds.
fn words(text: &str, audio_ms: u64) -> Vec<serde_json::Value> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let each = audio_ms as f64 / 1_000.0 / words.len() as f64;
    let word =
        |(at, word): (usize, &&str)| json!({"word": word, "start": at as f64 * each, "end": (at + 1) as f64 * each});
    words.iter().enumerate().map(word).collect()
}
