//! Functions and their environments: JSON in, JSON out; `streaming` for those that answer bit by bit.
//!
//! A function has a pool of environments, each with one invocation at a time; an idle one is chosen at random,
//! since Lambda promises no affinity. A panic or a timeout ends its environment and nothing else.

use std::{
    collections::BTreeMap,
    fmt::Display,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_types::SdkConfig;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::template::{Function, Template};

mod streaming;

pub use streaming::{Streamed, StreamedBody, streaming_handler};

/// Environments of one function, unless it reserves its own number.
const DEFAULT_CONCURRENCY: usize = 64;
/// The same of a function that streams, whose invocations mostly wait: as many as an AWS account has for all.
const STREAMING_CONCURRENCY: usize = 1000;

/// A boxed future, as the registry keeps them.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Why an invocation gave no result. The message is what Lambda would put into `errorMessage`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The handler returned an error.
    #[error("{0}")]
    Handler(String),
    /// The handler panicked.
    #[error("the function panicked")]
    Panicked,
    /// The handler took longer than the function's `Timeout`.
    #[error("the function timed out after {0} s")]
    TimedOut(u64),
    /// No environment could be started (a missing or malformed setting, for instance).
    #[error("{0}")]
    Init(String),
    /// All environments that the function may have are in use.
    #[error("all {0} environments of the function are in use")]
    Throttled(usize),
    /// The template names a function that is not there.
    #[error("there is no function {0}")]
    Unknown(String),
}

/// One warm environment of a function: an initialized handler.
pub trait Environment: Send + Sync {
    /// Handles one event.
    fn invoke(&self, event: Value) -> BoxFuture<Result<Value, String>>;

    /// Handles one event whose answer is streamed. The function is ended at `deadline_ms`, in milliseconds since the
    /// Unix epoch.
    fn stream(&self, event: Value, deadline_ms: i64) -> BoxFuture<Result<Streamed, String>> {
        let _ = (event, deadline_ms);
        Box::pin(async { Err("this function does not stream".to_owned()) })
    }
}

/// What an environment is started with: the function's variables and the AWS the SDK clients shall talk to.
#[derive(Debug, Clone)]
pub struct Init {
    /// The function's environment variables, from the template.
    pub variables: BTreeMap<String, String>,
    /// An SDK configuration whose HTTP client is the local AWS.
    pub sdk: SdkConfig,
}

/// Starts an environment of one function.
pub type Start = Arc<dyn Fn(Init) -> BoxFuture<Result<Box<dyn Environment>, String>> + Send + Sync>;

/// The handlers that are linked into this process, by crate name (`ingest`, `transcribe`, …).
pub type Registry = BTreeMap<&'static str, Start>;

/// Makes a registry entry of a context's constructor and a typed handler.
pub fn handler<C, E, R, Err, Started, Handled>(
    start: impl Fn(Init) -> Started + Send + Sync + 'static,
    handle: impl Fn(E, Arc<C>) -> Handled + Send + Sync + 'static,
) -> Start
where
    C: Send + Sync + 'static,
    E: DeserializeOwned + 'static,
    R: Serialize + 'static,
    Err: Display + 'static,
    Started: Future<Output = Result<C, String>> + Send + 'static,
    Handled: Future<Output = Result<R, Err>> + Send + 'static,
{
    let handle: Handle<C> = Arc::new(move |event, context| {
        let handled = serde_json::from_value(event).map(|event| handle(event, context));
        Box::pin(async move {
            let handled = handled.map_err(|error| format!("the event was not understood: {error}"))?;
            let result = handled.await.map_err(|error| error.to_string())?;
            serde_json::to_value(result).map_err(|error| format!("the result is no JSON: {error}"))
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

type Handle<C> = Arc<dyn Fn(Value, Arc<C>) -> BoxFuture<Result<Value, String>> + Send + Sync>;

/// A context and the handler that takes it.
struct Warm<C> {
    context: Arc<C>,
    handle: Handle<C>,
}

impl<C: Send + Sync> Environment for Warm<C> {
    fn invoke(&self, event: Value) -> BoxFuture<Result<Value, String>> {
        (self.handle)(event, self.context.clone())
    }
}

/// All functions of a template. Cloning is cheap and shares the pools.
#[derive(Clone)]
pub struct Functions {
    pools: Arc<BTreeMap<String, Arc<Pool>>>,
}

/// The environments of one function.
struct Pool {
    function: Function,
    start: Option<Start>,
    init: Init,
    idle: Mutex<Vec<Box<dyn Environment>>>,
    permits: Arc<Semaphore>,
    concurrency: usize,
}

fn concurrency(function: &Function) -> usize {
    let default = if function.has_url { STREAMING_CONCURRENCY } else { DEFAULT_CONCURRENCY };
    function.reserved_concurrency.unwrap_or(default)
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.pools.keys()).finish()
    }
}

impl Functions {
    /// The template's functions, with the handlers that the registry has for them; none is started yet.
    pub fn new(registry: Registry, template: &Template, sdk: SdkConfig) -> Functions {
        let pool = |function: &Function| Pool {
            concurrency: concurrency(function),
            start: registry.get(&*function.handler).cloned(),
            init: Init { variables: function.environment.clone(), sdk: sdk.clone() },
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(concurrency(function))),
            function: function.clone(),
        };
        let pools = template.functions.values().map(|function| (function.id.clone(), Arc::new(pool(function))));
        Functions { pools: Arc::new(pools.collect()) }
    }

    /// Starts one environment of each function, so that a wrong setting shows before the first event.
    pub async fn start_all(&self) -> Result<(), InvokeError> {
        for pool in self.pools.values() {
            let environment = pool.started().await?;
            pool.idle().push(environment);
        }
        Ok(())
    }

    /// Invokes a function, by logical id, and waits for its result.
    ///
    /// Once begun, the invocation runs to its end or its timeout, even if the caller no longer waits.
    pub async fn invoke(&self, function_id: &str, event: Value) -> Result<Value, InvokeError> {
        let Some(pool) = self.pools.get(function_id) else {
            return Err(InvokeError::Unknown(function_id.to_owned()));
        };
        let Ok(permit) = pool.permits.clone().acquire_owned().await else {
            return Err(InvokeError::Init(format!("{function_id}: is shut down")));
        };
        let started = Instant::now();
        let result = pool.clone().run(event, permit).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(_) => tracing::debug!(function = function_id, invoke.duration_ms = duration_ms, "invoked"),
            Err(error) => {
                tracing::warn!(function = function_id, invoke.duration_ms = duration_ms, %error, "invocation failed");
            }
        }
        result
    }
}

impl Pool {
    /// One invocation, in a task of its own so that a panic stays there.
    async fn run(self: Arc<Self>, event: Value, permit: OwnedSemaphorePermit) -> Result<Value, InvokeError> {
        let timeout_s = self.function.timeout_s;
        let task = tokio::spawn(async move {
            let environment = match self.take_idle() {
                Some(environment) => environment,
                None => self.started().await?,
            };
            let handled = environment.invoke(event);
            let Ok(result) = tokio::time::timeout(Duration::from_secs(timeout_s), handled).await else {
                return Err(InvokeError::TimedOut(timeout_s));
            };
            self.idle().push(environment);
            drop(permit);
            result.map_err(InvokeError::Handler)
        });
        task.await.unwrap_or(Err(InvokeError::Panicked))
    }

    fn take_idle(&self) -> Option<Box<dyn Environment>> {
        let mut idle = self.idle();
        let count = idle.len();
        (count > 0).then(|| idle.swap_remove(fastrand::usize(..count)))
    }

    async fn started(&self) -> Result<Box<dyn Environment>, InvokeError> {
        let Function { id, handler, .. } = &self.function;
        let Some(start) = &self.start else {
            let message = format!("{id}: this program has no handler {handler} (the last part of CodeUri)");
            return Err(InvokeError::Init(message));
        };
        let environment = start(self.init.clone()).await;
        environment.map_err(|message| InvokeError::Init(format!("{id}: {message}")))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Box<dyn Environment>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
