//! Headers and query strings as events carry them.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// Decoded pairs of a query string, in order.
pub(super) fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// Pairs of headers as text, by the name that `rename` gives them.
fn header_pairs(headers: &HeaderMap, rename: fn(&HeaderName) -> String) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (rename(name), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// Payload format 1.0: the last value of each name, and all values of each name.
pub(super) fn single_and_multi(pairs: &[(String, String)]) -> (Value, Value) {
    let mut single = Map::new();
    let mut multi: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in pairs {
        single.insert(name.clone(), json!(value));
        multi.entry(name).or_default().push(value);
    }
    (Value::Object(single), json!(multi))
}

/// Payload format 2.0: values of one name joined by commas.
pub(super) fn joined(pairs: &[(String, String)]) -> Map<String, Value> {
    let mut joined: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in pairs {
        joined.entry(name).or_default().push(value);
    }
    joined.into_iter().map(|(name, values)| (name.to_owned(), json!(values.join(",")))).collect()
}

/// Headers with lower-case names, as the HTTP API hands them on.
pub(super) fn lower_case_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    header_pairs(headers, |name| name.as_str().to_owned())
}

/// Headers as browsers and most clients write them (`Sec-WebSocket-Protocol`): the WebSocket API keeps a client's
/// spelling, which this server's HTTP parser does not.
pub(super) fn title_case_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    header_pairs(headers, |name| {
        let parts = name.as_str().split('-').map(|part| match part {
            "websocket" => "WebSocket".to_owned(),
            _ => part.chars().take(1).map(|first| first.to_ascii_uppercase()).chain(part.chars().skip(1)).collect(),
        });
        parts.collect::<Vec<_>>().join("-")
    })
}

/// One header's text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_strings_are_decoded_and_repeated_names_kept() {
        let pairs = query_pairs("a=1&b=x%20y+z&a=2&flag&=e");
        let (single, multi) = single_and_multi(&pairs);
        assert_eq!(single, json!({"a": "2", "b": "x y z", "flag": "", "": "e"}));
        assert_eq!(multi["a"], json!(["1", "2"]));
        assert_eq!(Value::Object(joined(&pairs))["a"], json!("1,2"));
    }

    #[test]
    fn headers_are_spelled_as_each_api_does() {
        let mut headers = HeaderMap::new();
        headers.append("sec-websocket-protocol", "a".parse().unwrap());
        headers.append("x--y", "b".parse().unwrap());
        let names: Vec<_> = title_case_headers(&headers).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Sec-WebSocket-Protocol", "X--Y"]);
        assert_eq!(lower_case_headers(&headers)[0].0, "sec-websocket-protocol");
    }
}
