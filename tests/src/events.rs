//! A client of server-sent events, as a browser reads them: line by line, the id of the last one kept.

use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::{PATIENCE, rest::Answer, rest::client};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its own id.
    pub id: Option<String>,
    /// Its data.
    pub data: Value,
}

/// An open stream of events.
#[derive(Debug)]
pub struct Events {
    response: Response,
    unread: String,
    /// All events so far, in order.
    pub heard: Vec<Event>,
    /// All comments so far.
    pub comments: Vec<String>,
    /// The id that it would come back with.
    pub last_id: Option<String>,
}

impl Events {
    /// Asks for a feed, perhaps with a token, and with the id of the last event that is known.
    ///
    /// # Errors
    /// The answer is no stream of events.
    pub async fn open(url: &str, path: &str, token: Option<&str>, last_id: Option<&str>) -> Result<Self, Answer> {
        let mut request = client().get(format!("{url}{path}")).timeout(10 * PATIENCE);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = timeout(PATIENCE, request.send()).await.expect("an answer").unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if headers.get("content-type").is_none_or(|kind| kind != "text/event-stream") {
            return Err(Answer { status, headers, text: response.text().await.unwrap() });
        }
        assert_eq!(status, 200);
        let last_id = last_id.map(str::to_owned);
        Ok(Self { response, unread: String::new(), heard: Vec::new(), comments: Vec::new(), last_id })
    }

    /// The next event; none when the stream ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                if let Some(event) = self.read(&block) {
                    return Some(event);
                }
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("nothing more was heard after {:?}", self.heard.last()));
            let Some(chunk) = chunk.unwrap() else {
                assert_eq!(self.unread, "", "the stream ended within an event");
                return None;
            };
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event of a name.
    pub async fn next_of(&mut self, name: &str) -> Value {
        loop {
            match self.next().await {
                Some(event) if event.name == name => return event.data,
                Some(_) => {}
                None => panic!("it ended without {name}, after {:?}", self.heard),
            }
        }
    }

    /// Reads on until the stream ends.
    pub async fn to_end(&mut self) {
        while self.next().await.is_some() {}
    }

    /// The data of all events so far.
    pub fn messages(&self) -> Vec<Value> {
        self.heard.iter().map(|event| event.data.clone()).collect()
    }

    fn read(&mut self, block: &str) -> Option<Event> {
        let mut event = Event { name: "message".to_owned(), id: None, data: Value::Null };
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" => self.comments.push(value.to_owned()),
                "event" => event.name = value.to_owned(),
                "id" => event.id = Some(value.to_owned()),
                "data" => event.data = serde_json::from_str(value).unwrap(),
                "retry" => assert_eq!(value, "2000"),
                other => panic!("there is no field {other}"),
            }
        }
        if event.id.is_some() {
            self.last_id.clone_from(&event.id);
        }
        if event.data.is_null() {
            return None;
        }
        self.heard.push(event.clone());
        Some(event)
    }
}
