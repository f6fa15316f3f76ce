//! Errors to Sentry, or whatever takes its envelopes: what a function logs as an error is sent at the end of its invocation.
//!
//! No spoken word and no secret is logged, so none is sent: of an event its message and its fields, of the spans around it
//! which call, organization and request it is about. <https://develop.sentry.dev/sdk/data-model/envelopes/>

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::Context,
    registry::LookupSpan,
};

use crate::{Clock, SettingError, Settings, outlet::Outlet};

/// Errors of one invocation that are told at most.
const MOST: usize = 20;
/// Characters of a field that are told at most.
const LONGEST: usize = 500;
/// Fields of spans that are told.
const TAGS: [(&str, &str); 3] = [("org.id", "org.id"), ("call.id", "call.id"), ("requestId", "request.id")];
/// The client's name and version.
const CLIENT: &str = concat!("callboard/", env!("CARGO_PKG_VERSION"));

/// The errors of one environment. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Errors(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    function: String,
    environment: String,
    clock: Clock,
    outlet: Outlet,
    events: Mutex<Vec<Map<String, Value>>>,
}

/// Where a DSN leads.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    url: String,
    key: String,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Errors {
    /// Where `SENTRY_DSN` is set: sent there, of a function in an environment.
    pub(crate) fn from_settings(
        settings: &Settings,
        function: &str,
        environment: &str,
        clock: &Clock,
    ) -> Result<Option<Self>, SettingError> {
        const NAME: &str = "SENTRY_DSN";
        let Some(dsn) = settings.optional(NAME) else { return Ok(None) };
        let place = place(dsn)
            .ok_or_else(|| SettingError::malformed(NAME, "use a DSN such as https://<key>@<host>/<project>"))?;
        Ok(Some(Self(Arc::new(Inner {
            place,
            function: function.to_owned(),
            environment: environment.to_owned(),
            clock: clock.clone(),
            outlet: Outlet::new(),
            events: Mutex::default(),
        }))))
    }

    /// What listens to the logs: our own, and those of Lambda's loop, which tells what a handler failed for.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let wanted = Targets::new()
            .with_default(LevelFilter::OFF)
            .with_target("callboard", Level::INFO)
            .with_target("lambda_runtime", Level::INFO);
        Hearing(self.clone()).with_filter(wanted)
    }

    /// Sends what came together, and forgets it, sent or not.
    pub(crate) async fn flush(&self) {
        let events = std::mem::take(&mut *self.events());
        for event in events {
            if let Err(error) = self.send(event).await {
                tracing::warn!(error, "an error was not taken");
            }
        }
    }

    async fn send(&self, event: Map<String, Value>) -> Result<(), String> {
        let Place { url, key } = &self.0.place;
        let id = event["event_id"].as_str().unwrap_or_default();
        let header = json!({"event_id": id, "sdk": {"name": "callboard", "version": env!("CARGO_PKG_VERSION")}});
        let event = Value::Object(event.clone()).to_string();
        let item = json!({"type": "event", "content_type": "application/json", "length": event.len()});
        let request = http::Request::post(url)
            .header("Content-Type", "application/x-sentry-envelope")
            .header("X-Sentry-Auth", format!("Sentry sentry_version=7, sentry_client={CLIENT}, sentry_key={key}"))
            .body(Bytes::from(format!("{header}\n{item}\n{event}\n")));
        let answer = self.0.outlet.send(request.map_err(|error| error.to_string())?).await?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(status.to_string()) }
    }

    fn events(&self) -> MutexGuard<'_, Vec<Map<String, Value>>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn event(
        &self,
        target: &str,
        message: String,
        tags: Map<String, Value>,
        fields: Map<String, Value>,
    ) -> Map<String, Value> {
        let Inner { function, environment, clock, .. } = &*self.0;
        let mut all = tags;
        all.insert("function".to_owned(), json!(function));
        // As long as a UUID, and as random.
        let id = format!("{:032x}", u128::from(ulid::Ulid::generate()));
        let event = json!({
            "event_id": id,
            "timestamp": clock.now_ms() as f64 / 1_000.0,
            "platform": "native",
            "level": "error",
            "logger": target,
            "server_name": function,
            "environment": environment,
            "release": CLIENT.replace('/', "@"),
            // The same message is the same fault, whatever its fields say.
            "fingerprint": [target, message],
            "logentry": {"formatted": message},
            "tags": all,
            "extra": fields,
        });
        if let Value::Object(event) = event { event } else { Map::new() }
    }
}

/// `https://<key>@<host>/<path><project>` leads to `https://<host>/<path>api/<project>/envelope/`.
fn place(dsn: &str) -> Option<Place> {
    let (scheme, rest) = dsn.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let (key, rest) = rest.split_once('@')?;
    // Older ones have a second part, which nobody asks for any more.
    let key =
        key.split(':').next().filter(|key| !key.is_empty() && key.chars().all(|it| it.is_ascii_alphanumeric()))?;
    let (before, project) = rest.trim_end_matches('/').rsplit_once('/')?;
    let fits = !before.is_empty() && !project.is_empty() && project.chars().all(|it| it.is_ascii_digit());
    let url = format!("{scheme}://{before}/api/{project}/envelope/");
    (fits && url.parse::<http::Uri>().is_ok()).then(|| Place { url, key: key.to_owned() })
}

struct Hearing(Errors);

/// What of a span is told with an error in it.
struct Tags(Vec<(&'static str, String)>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Hearing {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let told = TAGS.iter().filter_map(|(field, tag)| Some((*tag, fields.0.get(*field)?.as_str()?.to_owned())));
        span.extensions_mut().insert(Tags(told.collect()));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR || self.0.events().len() >= MOST {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
        let mut tags = Map::new();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Tags(told)) = span.extensions().get::<Tags>() {
                for (tag, value) in told {
                    tags.entry(*tag).or_insert_with(|| json!(value));
                }
            }
        }
        let event = self.0.event(event.metadata().target(), message, tags, fields.0);
        self.0.events().push(event);
    }
}

/// Fields of an event or a span.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text: String = format!("{value:?}").chars().take(LONGEST).collect();
        self.0.insert(field.name().to_owned(), json!(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text: String = value.chars().take(LONGEST).collect();
        self.0.insert(field.name().to_owned(), json!(text));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use callboard_domain::{CallId, OrgId};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::{receiver::Receiver, watch::call_span};

    fn errors(dsn: &str) -> Result<Option<Errors>, SettingError> {
        let settings = Settings::from(BTreeMap::from([("SENTRY_DSN".to_owned(), dsn.to_owned())]));
        Errors::from_settings(&settings, "PushFunction", "callboard-dev", &Clock::from_fn(|| 1_700_000_000_500))
    }

    #[tokio::test]
    async fn what_is_logged_as_an_error_is_sent_with_what_it_is_about() {
        let mut receiver = Receiver::start().await;
        let errors = errors(&format!("{}/7", receiver.url.replace("http://", "http://k3y@"))).unwrap().unwrap();
        let (org, call) = (OrgId::parse("acme").unwrap(), CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(errors.layer()), || {
            let invocation = tracing::info_span!("Lambda runtime invoke", requestId = "r1", other = "left out");
            let span = invocation.in_scope(|| call_span(&org, &call, []));
            span.in_scope(|| {
                tracing::warn!("no error");
                tracing::error!(target: "hyper", "not ours");
                tracing::error!(error = %"the table is not there", records = 3, "change not pushed");
            });
        });
        errors.flush().await;
        errors.flush().await;

        let (path, headers, body) = receiver.next().await;
        assert_eq!(path, "/api/7/envelope/");
        let told = headers["x-sentry-auth"].to_str().unwrap();
        assert!(told.starts_with("Sentry sentry_version=7, ") && told.ends_with("sentry_key=k3y"), "{told}");
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(!body.contains("left out") && !body.contains("k3y"));
        let [header, item, event] = body.lines().collect::<Vec<_>>().try_into().unwrap();
        let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        assert_eq!((&read(item)["type"], &read(item)["length"]), (&json!("event"), &json!(event.len())));
        let event = read(event);
        assert_eq!(read(header)["event_id"], event["event_id"]);
        let id = event["event_id"].as_str().unwrap();
        assert!(id.len() == 32 && id.chars().all(|it| it.is_ascii_hexdigit()), "{id}");
        let tags = json!({"function": "PushFunction", "org.id": "acme", "call.id": call.as_str(), "request.id": "r1"});
        for (name, expected) in [
            ("level", json!("error")),
            ("environment", json!("callboard-dev")),
            ("timestamp", json!(1_700_000_000.5)),
            ("logentry", json!({"formatted": "change not pushed"})),
            ("extra", json!({"error": "the table is not there", "records": "3"})),
            ("tags", tags),
        ] {
            assert_eq!(event[name], expected, "{name}");
        }
        receiver.nothing_more().await;
    }

    #[test]
    fn a_dsn_leads_somewhere_or_is_refused_without_telling_it() {
        for (dsn, expected) in [
            ("https://abc@o1.ingest.sentry.io/42", Some("https://o1.ingest.sentry.io/api/42/envelope/")),
            ("https://abc:old@sentry.example.com/path/42/", Some("https://sentry.example.com/path/api/42/envelope/")),
            ("http://abc@127.0.0.1:9000/1", Some("http://127.0.0.1:9000/api/1/envelope/")),
            ("ftp://abc@host/1", None),
            ("https://host/1", None),
            ("https://@host/1", None),
            ("https://abc@host", None),
            ("https://abc@host/project", None),
            ("https://a\"b@host/1", None),
        ] {
            assert_eq!(place(dsn).map(|place| place.url), expected.map(str::to_owned), "{dsn}");
            if expected.is_none() {
                let told = errors(dsn).unwrap_err().to_string();
                assert!(told.starts_with("SENTRY_DSN is malformed: use a DSN") && !told.contains(dsn), "{told}");
            }
        }
        assert!(errors("").unwrap().is_none());
        assert!(!format!("{:?}", errors("https://s3cret@host/1").unwrap()).contains("s3cret"));
    }
}
