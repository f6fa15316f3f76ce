//! Which route a request or a message takes.

use std::fmt;

use http::Method;
use percent_encoding::percent_decode_str;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use crate::template::{HttpApi, HttpRoute, WebSocketApi};

/// The route key of a message: the value of the API's route property, if there is a route of that name, else
/// `$default`; none if there is no `$default` either.
pub(super) fn of_message<'a>(api: &'a WebSocketApi, text: &str) -> Option<&'a str> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let named = reader.deserialize_map(Property(&api.route_property)).ok().flatten();
    let whole = named.filter(|_| reader.end().is_ok());
    let key = whole.filter(|key| !key.starts_with('$')).unwrap_or_default();
    let routes = &api.routes;
    let route = routes.get_key_value(&key).or_else(|| routes.get_key_value("$default"));
    route.map(|(key, _)| key.as_str())
}

/// Reads one scalar property of a JSON object and checks the rest, without building it: a frame of audio is long.
struct Property<'a>(&'a str);

impl<'de> Visitor<'de> for Property<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name != self.0 {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            found = match map.next_value::<Value>()? {
                Value::String(text) => Some(text),
                scalar @ (Value::Bool(_) | Value::Number(_)) => Some(scalar.to_string()),
                _ => None,
            };
        }
        Ok(found)
    }
}

/// The route of an HTTP request and its decoded path parameters. A path that ends in a slash takes the route of the one
/// without, where it has none of its own: API Gateway lets no route end in one.
pub(super) fn of_request<'a>(
    api: &'a HttpApi,
    method: &Method,
    path: &str,
) -> Option<(&'a HttpRoute, Map<String, Value>)> {
    let takes = |route: &HttpRoute| route.method == "ANY" || route.method == method.as_str();
    let find = |path: &str| {
        let mut routes = api.routes.iter().filter(|route| takes(route));
        routes.find_map(|route| Some((route, parameters(&route.path, path)?)))
    };
    find(path).or_else(|| find(path.strip_suffix('/').filter(|path| !path.is_empty())?))
}

/// The parameters of a path that fits a route's pattern.
fn parameters(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let mut found = Map::new();
    if pattern == "$default" {
        return Some(found);
    }
    let decode = |text: &str| json!(percent_decode_str(text).decode_utf8_lossy());
    let mut rest = path.strip_prefix('/')?;
    let mut parts = pattern.trim_start_matches('/').split('/').peekable();
    while let Some(part) = parts.next() {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        if let Some(greedy) = name.and_then(|name| name.strip_suffix('+')) {
            found.insert(greedy.to_owned(), decode(rest));
            return (!rest.is_empty()).then_some(found);
        }
        let (here, after) = match rest.split_once('/') {
            Some((here, after)) => (here, Some(after)),
            None => (rest, None),
        };
        match name {
            Some(_) if here.is_empty() => return None,
            Some(name) => {
                found.insert(name.to_owned(), decode(here));
            }
            None if here != part => return None,
            None => {}
        }
        match (after, parts.peek()) {
            (None, None) => return Some(found),
            (Some(after), Some(_)) => rest = after,
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn messages_find_their_route() {
        let routes = ["$connect", "$default", "watch", "1"].map(|key| (key.to_owned(), "F".to_owned()));
        let mut api = WebSocketApi {
            id: "Api".into(),
            stage: "ws".into(),
            route_property: "action".into(),
            routes: BTreeMap::from(routes),
            authorizer: None,
        };
        for (text, expected) in [
            (r#"{"action":"watch"}"#, "watch"),
            (r#"{"data":{"action":"x"},"action":"watch"}"#, "watch"),
            (r#"{"act\u0069on":"watch"}"#, "watch"),
            (r#"{"action":1}"#, "1"),
            (r#"{"action":"other"}"#, "$default"),
            (r#"{"action":"$connect"}"#, "$default"),
            (r#"{"action":["watch"]}"#, "$default"),
            (r#"{"action":"watch""#, "$default"),
            (r#"{"action":"watch"} x"#, "$default"),
            (r#""watch""#, "$default"),
            ("", "$default"),
            ("hello", "$default"),
        ] {
            assert_eq!(of_message(&api, text), Some(expected), "{text}");
        }
        api.routes.remove("$default");
        assert_eq!(of_message(&api, "hello"), None);
    }

    #[test]
    fn a_slash_at_the_end_of_a_path_is_none_of_a_route() {
        let route = |path: &str| HttpRoute {
            method: "POST".into(),
            path: path.into(),
            function: path.into(),
            authorizer: None,
            timeout_ms: 1,
        };
        let api = HttpApi { id: "Api".into(), routes: ["/a", "/a/{proxy+}", "/b/"].map(route).into(), cors: None };
        for (path, expected) in
            [("/a", Some("/a")), ("/a/", Some("/a")), ("/a/x/", Some("/a/{proxy+}")), ("/b/", Some("/b/")), ("/", None)]
        {
            let found = of_request(&api, &Method::POST, path).map(|(route, _)| route.path.as_str());
            assert_eq!(found, expected, "{path}");
        }
        assert!(of_request(&api, &Method::GET, "/a").is_none());
    }

    #[test]
    fn paths_fit_patterns() {
        for (pattern, path, expected) in [
            ("/health", "/health", Some(json!({}))),
            ("/health", "/health/", None),
            ("/health", "/healthy", None),
            ("/", "/", Some(json!({}))),
            ("/", "/x", None),
            ("/v1/calls/{id}", "/v1/calls/a%2Fb%20c", Some(json!({"id": "a/b c"}))),
            ("/v1/calls/{id}", "/v1/calls/", None),
            ("/v1/calls/{id}", "/v1/calls/a/b", None),
            ("/v1/{kind}/{id}/x", "/v1/a/b/x", Some(json!({"kind": "a", "id": "b"}))),
            ("/v1/{proxy+}", "/v1/a/b/c", Some(json!({"proxy": "a/b/c"}))),
            ("/v1/{proxy+}", "/v1/", None),
            ("/v1/{proxy+}", "/v1", None),
            ("$default", "/anything", Some(json!({}))),
        ] {
            assert_eq!(parameters(pattern, path).map(Value::Object), expected, "{pattern} {path}");
        }
    }
}
