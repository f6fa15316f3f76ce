//! Functions that answer bit by bit: what is written reaches the caller at once.
//!
//! Lambda lets such a function run on when its caller has left, up to its timeout. Here it ends with its caller, so that
//! one machine does not keep environments for nobody.

use std::{fmt::Display, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{BoxFuture, Environment, Functions, Init, InvokeError, Pool, Start};

/// The bytes of an answer as they are written.
pub type StreamedBody = Pin<Box<dyn Stream<Item = Result<Bytes, String>> + Send>>;

/// An answer that is streamed.
pub struct Streamed {
    /// What comes before the body: `statusCode`, `headers`, `cookies`.
    pub prelude: Value,
    /// The body. An error in it cuts it off.
    pub body: StreamedBody,
}

impl std::fmt::Debug for Streamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streamed").field("prelude", &self.prelude).finish_non_exhaustive()
    }
}

/// Makes a registry entry of a context's constructor and a typed handler whose answer's body is a stream. The handler
/// gets the time at which it is ended, in milliseconds since the Unix epoch.
pub fn streaming_handler<C, E, S, Err, Started, Handled>(
    start: impl Fn(Init) -> Started + Send + Sync + 'static,
    handle: impl Fn(E, i64, Arc<C>) -> Handled + Send + Sync + 'static,
) -> Start
where
    C: Send + Sync + 'static,
    E: DeserializeOwned + 'static,
    S: Stream<Item = Result<Bytes, Err>> + Send + 'static,
    Err: Display,
    Started: Future<Output = Result<C, String>> + Send + 'static,
    Handled: Future<Output = Response<S>> + Send + 'static,
{
    let handle: Handle<C> = Arc::new(move |event, deadline_ms, context| {
        let handled = serde_json::from_value(event).map(|event| handle(event, deadline_ms, context));
        Box::pin(async move {
            let handled = handled.map_err(|error| format!("the event was not understood: {error}"))?;
            let (parts, body) = handled.await.into_parts();
            let mut headers = Map::new();
            for (name, value) in &parts.headers {
                headers.insert(name.to_string(), json!(String::from_utf8_lossy(value.as_bytes())));
            }
            let prelude = json!({"statusCode": parts.status.as_u16(), "headers": headers, "cookies": []});
            let body: StreamedBody = Box::pin(body.map(|part| part.map_err(|error| error.to_string())));
            Ok(Streamed { prelude, body })
        })
    });
    Arc::new(move |init| {
        let started = start(init);
        let handle = handle.clone();
        Box::pin(async move {
            let context = Arc::new(started.await?);
            let environment: Box<dyn Environment> = Box::new(Warm { context, handle });
            Ok(environment)
        })
    })
}

type Handle<C> = Arc<dyn Fn(Value, i64, Arc<C>) -> BoxFuture<Result<Streamed, String>> + Send + Sync>;

struct Warm<C> {
    context: Arc<C>,
    handle: Handle<C>,
}

impl<C: Send + Sync> Environment for Warm<C> {
    fn invoke(&self, _: Value) -> BoxFuture<Result<Value, String>> {
        Box::pin(async { Err("this function streams: it is called by its URL only".to_owned()) })
    }

    fn stream(&self, event: Value, deadline_ms: i64) -> BoxFuture<Result<Streamed, String>> {
        (self.handle)(event, deadline_ms, self.context.clone())
    }
}

/// A part of a body on its way to the caller: none is its proper end, without which it was cut off.
type Part = Option<Result<Bytes, String>>;

impl Functions {
    /// Invokes a function, by logical id, and gives its answer as it is written. Dropping the body ends the invocation.
    /// Where no environment is free, there is an error at once, as Lambda has it.
    pub async fn stream(&self, function_id: &str, event: Value, now_ms: i64) -> Result<Streamed, InvokeError> {
        let Some(pool) = self.pools.get(function_id) else {
            return Err(InvokeError::Unknown(function_id.to_owned()));
        };
        let permit = pool.permits.clone().try_acquire_owned();
        let permit = permit.map_err(|_| InvokeError::Throttled(pool.concurrency))?;
        let streamed = pool.clone().stream(event, now_ms, permit).await;
        if let Err(error) = &streamed {
            tracing::warn!(function = function_id, %error, "invocation failed");
        }
        streamed
    }
}

impl Pool {
    /// One invocation, in a task of its own so that a panic stays there.
    async fn stream(
        self: Arc<Self>,
        event: Value,
        now_ms: i64,
        permit: OwnedSemaphorePermit,
    ) -> Result<Streamed, InvokeError> {
        let timeout_s = self.function.timeout_s;
        let deadline = Instant::now() + Duration::from_secs(timeout_s);
        let deadline_ms = now_ms + i64::try_from(timeout_s).unwrap_or_default() * 1000;
        let (answer, answered) = oneshot::channel();
        // One part at a time: who reads slowly slows the function down.
        let (parts, mut written) = mpsc::channel::<Part>(1);
        tokio::spawn(async move {
            let environment = match self.take_idle() {
                Some(environment) => Ok(environment),
                None => self.started().await,
            };
            let environment = match environment {
                Ok(environment) => environment,
                Err(error) => return drop(answer.send(Err(error))),
            };
            let Ok(streamed) = timeout_at(deadline, environment.stream(event, deadline_ms)).await else {
                return drop(answer.send(Err(InvokeError::TimedOut(timeout_s))));
            };
            let carried = match streamed {
                Ok(Streamed { prelude, body }) => {
                    // Nobody waits any more where this fails, and nobody reads either.
                    drop(answer.send(Ok(prelude)));
                    timeout_at(deadline, carry(body, parts)).await
                }
                Err(message) => {
                    drop(answer.send(Err(InvokeError::Handler(message))));
                    Ok(())
                }
            };
            if carried.is_ok() {
                self.idle().push(environment);
            } else {
                tracing::warn!(function = self.function.id, timeout_s, "a streamed answer was cut off: it timed out");
            }
            drop(permit);
        });
        let prelude = answered.await.unwrap_or(Err(InvokeError::Panicked))?;
        let body = stream::poll_fn(move |context| {
            written.poll_recv(context).map(|part| part.unwrap_or_else(|| Some(Err("the function ended".to_owned()))))
        });
        Ok(Streamed { prelude, body: Box::pin(body.fuse()) })
    }
}

/// Hands a body on until it ends, or nobody reads it any more.
async fn carry(mut body: StreamedBody, parts: mpsc::Sender<Part>) {
    loop {
        let part = tokio::select! {
            part = body.next() => part,
            () = parts.closed() => return,
        };
        let is_end = part.is_none();
        if parts.send(part).await.is_err() || is_end {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
