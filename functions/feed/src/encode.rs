//! Server-sent events as text. Data is one line of JSON, which never holds a line break.

use callboard_wire::messages::ServerMessage;
use serde::Deserialize;

/// What a stream begins with: how soon a client that was cut off comes back, in milliseconds.
pub(crate) const BEGIN: &str = "retry: 2000\n\n";
/// What keeps a connection open on which nothing happens.
pub(crate) const PING: &str = ": ping\n\n";
/// The last words of a stream whose time is over.
pub(crate) const TIME_IS_OVER: &str = ": this stream's time is over: connect again with Last-Event-ID\n\n";

/// The last words to somebody whose token counts no more.
pub(crate) const NO_LONGER_KNOWN: &str = ": the token was revoked\n\n";

/// A message's type, and the revision that made it.
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    /// Its type: also the event's name.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The revision; none of a message that tells of no change.
    #[serde(default)]
    pub(crate) revision: Option<u64>,
}

/// The head of any message, whatever types there are.
pub(crate) fn head(message: &ServerMessage) -> Option<Head> {
    serde_json::from_str(&message.to_json()).ok()
}

/// One event. Without an id, a client that comes back names the one before.
pub(crate) fn event(name: &str, id: Option<&str>, data: &str) -> String {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    format!("event: {name}\n{id}data: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use callboard_wire::messages::ErrorCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_named_numbered_and_on_one_line() {
        for (id, data, expected) in [
            (Some("7"), json!({"a": 1}), "event: x\nid: 7\ndata: {\"a\":1}\n\n"),
            (None, json!({"a": "b\nc\r"}), "event: x\ndata: {\"a\":\"b\\nc\\r\"}\n\n"),
        ] {
            assert_eq!(event("x", id, &data.to_string()), expected);
        }
    }

    #[test]
    fn comments_are_no_events() {
        for comment in [PING, TIME_IS_OVER, NO_LONGER_KNOWN] {
            assert!(comment.starts_with(": ") && comment.ends_with("\n\n"), "{comment:?}");
            assert_eq!(comment.lines().count(), 2, "{comment:?}");
        }
    }

    #[test]
    fn a_message_has_a_head() {
        let call: ServerMessage = serde_json::from_value(json!({
            "type": "call", "call": "c", "revision": 3, "status": "live", "playbook": "sales", "channels": [],
            "principal": "p", "started_at_ms": 1, "duration_ms": 0,
        }))
        .unwrap();
        for (message, kind, revision) in
            [(call, "call", Some(3)), (ServerMessage::error(ErrorCode::BadJson, "x", None), "error", None)]
        {
            let head = head(&message).unwrap();
            assert_eq!((head.kind.as_str(), head.revision), (kind, revision));
        }
    }
}
