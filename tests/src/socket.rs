//! A client of the socket that can send whatever it likes, and a capture client on top of it.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::{PATIENCE, audio::Recording, dashboard::Dashboard};

/// An open socket.
pub struct Socket {
    inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// All that was heard, in order.
    pub heard: Vec<Value>,
}

/// A handshake that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// Its body.
    pub body: String,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("heard", &self.heard).finish_non_exhaustive()
    }
}

impl Socket {
    /// Connects with query parameters and perhaps a token.
    ///
    /// # Errors
    /// The gateway refused it.
    pub async fn open(url: &str, query: &[(&str, &str)], token: Option<&str>) -> Result<Self, Refused> {
        let mut address = reqwest::Url::parse(&format!("{url}/ws")).unwrap();
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        let mut request = address.as_str().replacen("http", "ws", 1).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        match timeout(PATIENCE, connect_async(request)).await.expect("an answer to the handshake") {
            Ok((inner, _)) => Ok(Self { inner, heard: Vec::new() }),
            Err(Error::Http(response)) => {
                let status = response.status().as_u16();
                let body = String::from_utf8(response.into_body().unwrap_or_default()).unwrap();
                Err(Refused { status, body })
            }
            Err(other) => panic!("the handshake broke off: {other}"),
        }
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    /// Sends anything.
    pub async fn send_raw(&mut self, message: Message) {
        self.inner.send(message).await.unwrap();
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        loop {
            let next = timeout(PATIENCE, self.inner.next()).await;
            match next.unwrap_or_else(|_| panic!("nothing more was heard after {:?}", self.heard)) {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    self.heard.push(value.clone());
                    return value;
                }
                Some(Ok(Message::Close(frame))) => panic!("closed: {frame:?}, after {:?}", self.heard),
                Some(Ok(_)) => {}
                other => panic!("lost: {other:?}, after {:?}", self.heard),
            }
        }
    }

    /// Hears on until a message is the one.
    pub async fn hear_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.hear().await;
            if wanted(&message) {
                return message;
            }
        }
    }

    /// The next message of a type.
    pub async fn hear_of(&mut self, kind: &str) -> Value {
        self.hear_until(|message| message["type"] == kind).await
    }

    /// Hears until a dashboard that began like this shows what the stack knows of a call. No order of a call's last
    /// pushes is promised, so nothing less tells that all are there.
    pub async fn hear_all(&mut self, call: &str, began: &Dashboard, known: &Dashboard) {
        let shown = |heard: &[Value]| {
            let mut dashboard = began.clone();
            heard.iter().filter(|message| message["call"] == call).for_each(|message| dashboard.apply(message));
            dashboard.shown()
        };
        while shown(&self.heard) != known.shown() {
            self.hear().await;
        }
    }

    /// Proves that the connection lives: what was sent before is answered before, or not at all.
    pub async fn ping(&mut self) {
        self.send(json!({"action": "ping"})).await;
        self.hear_of("pong").await;
    }

    /// Watches, and waits until that holds.
    pub async fn watch(&mut self, target: Value) {
        let mut message = target;
        message["action"] = json!("watch");
        self.send(message).await;
        self.hear_of("watching").await;
    }

    /// The code that the other side closes with.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.inner.next()).await.expect("the connection ends") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        self.inner.close(None).await.unwrap();
        self.close_code().await;
    }

    /// Plays a recording as frames from number `first` on, `frame_ms` each and `times` as fast as it was spoken.
    /// Returns the number of the last. A call that counts from 1 is held up for a second, in case there was a 0.
    pub async fn play(&mut self, recording: &Recording, frame_ms: u64, first: u32, times: u32) -> u32 {
        let mut seq = first;
        for frame in recording.frames(frame_ms) {
            self.send(audio(seq, &frame)).await;
            tokio::time::sleep(Duration::from_millis(frame_ms) / times).await;
            seq += 1;
        }
        seq - 1
    }

    /// Says that the call is over after this frame.
    pub async fn stop(&mut self, seq: u32) {
        self.send(json!({"action": "stop", "seq": seq})).await;
    }
}

/// An audio message.
pub fn audio(seq: u32, frame: &[u8]) -> Value {
    json!({"action": "audio", "seq": seq, "data": STANDARD.encode(frame)})
}

/// An audio message of the clients that exist already.
pub fn audio_data(frame: &[u8]) -> Value {
    json!({"audio_data": STANDARD.encode(frame)})
}

/// The query of a capture of a stereo call of 16 kHz.
pub fn capture(call: &str) -> Vec<(&'static str, String)> {
    let pairs = [("role", "capture"), ("call", call), ("encoding", "pcm_s16le"), ("sample_rate", "16000")];
    let rest = [("channels", "agent,customer"), ("playbook", "sales")];
    pairs.into_iter().chain(rest).map(|(name, value)| (name, value.to_owned())).collect()
}

/// The same with one parameter changed or added.
pub fn capture_but(call: &str, name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut query = capture(call);
    query.retain(|(known, _)| *known != name);
    query.push((name, value.to_owned()));
    query
}

/// As `Socket::open` takes it.
pub fn pairs<'a>(query: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    query.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
