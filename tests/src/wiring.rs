//! Functions of the registry, wrapped: to see what they are called with, or to fail after they did their work.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use callboard_local::functions::{BoxFuture, Environment, Registry, Streamed};
use serde_json::Value;

type Handled = BoxFuture<Result<Value, String>>;
type Around = Arc<dyn Fn(&Value, Handled) -> Handled + Send + Sync>;

/// The events that a function was called with.
pub type Events = Arc<Mutex<Vec<Value>>>;

struct Wrapped {
    inner: Box<dyn Environment>,
    around: Around,
}

impl Environment for Wrapped {
    fn invoke(&self, event: Value) -> Handled {
        (self.around)(&event, self.inner.invoke(event.clone()))
    }

    fn stream(&self, event: Value, deadline_ms: i64) -> BoxFuture<Result<Streamed, String>> {
        self.inner.stream(event, deadline_ms)
    }
}

/// Puts something around every invocation of a function.
pub fn wrap(
    registry: &mut Registry,
    function: &str,
    around: impl Fn(&Value, Handled) -> Handled + Send + Sync + 'static,
) {
    let around: Around = Arc::new(around);
    let start = registry.get_mut(function).expect("a function of this name");
    let inner = start.clone();
    *start = Arc::new(move |init| {
        let (started, around) = (inner(init), around.clone());
        Box::pin(async move {
            let environment: Box<dyn Environment> = Box::new(Wrapped { inner: started.await?, around });
            Ok(environment)
        })
    });
}

/// Notes down the events of a function.
pub fn observe(registry: &mut Registry, function: &str) -> Events {
    let events = Events::default();
    let kept = events.clone();
    wrap(registry, function, move |event, handled| {
        kept.lock().unwrap().push(event.clone());
        handled
    });
    events
}

/// Lets a function's first invocation of each batch fail after it did all its work, so that all of it comes again.
/// Returns how often that happened.
pub fn fail_once_afterwards(registry: &mut Registry, function: &str) -> Arc<Mutex<HashSet<String>>> {
    let failed = Arc::<Mutex<HashSet<String>>>::default();
    let kept = failed.clone();
    wrap(registry, function, move |event, handled| {
        let first = event["Records"][0].clone();
        let sequence = [&first["kinesis"]["sequenceNumber"], &first["dynamodb"]["SequenceNumber"]];
        let sequence = sequence.into_iter().find_map(Value::as_str).expect("a stream's batch").to_owned();
        let fails = kept.lock().unwrap().insert(sequence);
        Box::pin(async move {
            let result = handled.await;
            if fails { Err("as the test asked, after the work was done".to_owned()) } else { result }
        })
    });
    failed
}
