//! The stack as one process: environments of functions, event source mappings, and the gateway's own tasks. Killing it
//! breaks all of them off wherever they are; what the services hold stays.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use callboard_domain::speech::Transcriber;
use callboard_local::{
    events::{self, Clock, Invoker, Running},
    functions::{Environment, Init, InvokeError, Registry, handler},
    registry,
};
use callboard_runtime::{Settings, Start, Watch};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{services::Services, speech::Speech, world::World};

/// Environments of each function that nothing runs in.
type Idle = Arc<Mutex<BTreeMap<String, Vec<Box<dyn Environment>>>>>;

/// What can be killed.
struct Process {
    idle: Idle,
    tasks: JoinSet<()>,
    _events: Running,
}

/// See the module.
pub(crate) struct Stack {
    pub(crate) world: Arc<World>,
    services: Services,
    registry: Registry,
    process: Mutex<Option<Process>>,
}

impl Stack {
    /// Not started yet.
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world: world.clone(),
            services: Services::new(world),
            registry: functions(world),
            process: Mutex::default(),
        })
    }

    pub(crate) fn start(self: &Arc<Self>) {
        self.world.log("the stack starts");
        let idle = Idle::default();
        let (stack, pool) = (Arc::downgrade(self), idle.clone());
        let invoker = Invoker::new(move |function, event| {
            let (stack, pool) = (stack.upgrade(), pool.clone());
            async move {
                match stack {
                    Some(stack) => stack.run(&pool, &function, event, true).await,
                    None => Err(InvokeError::Init("the stack is gone".into())),
                }
            }
        });
        let running = events::start(&self.world.template, &self.world.aws, invoker, Clock::Snappy).unwrap();
        *self.process.lock().unwrap() = Some(Process { idle, tasks: JoinSet::new(), _events: running });
    }

    pub(crate) fn kill(&self) {
        self.world.log("the stack is killed");
        let process = self.process.lock().unwrap().take();
        drop(process);
    }

    pub(crate) fn is_up(&self) -> bool {
        self.process.lock().unwrap().is_some()
    }

    /// Runs something that a kill ends; nothing while the stack is down.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(process) = self.process.lock().unwrap().as_mut() {
            process.tasks.spawn(task);
            while process.tasks.try_join_next().is_some() {}
        }
    }

    /// Invokes a function as a gateway does: once.
    pub(crate) async fn invoke(self: &Arc<Self>, function: &str, event: Value) -> Result<Value, InvokeError> {
        let idle = self.process.lock().unwrap().as_ref().map(|process| process.idle.clone());
        let idle = idle.ok_or_else(|| InvokeError::Init("the stack is down".into()))?;
        self.run(&idle, function, event, false).await
    }

    async fn run(
        self: &Arc<Self>,
        idle: &Idle,
        function: &str,
        event: Value,
        batch: bool,
    ) -> Result<Value, InvokeError> {
        let world = &self.world;
        let records = event["Records"].as_array().map_or(0, Vec::len);
        if world.fails(|faults| faults.fails_before) {
            world.log(format_args!("{function} ({records}) failed before it began"));
            return Err(InvokeError::Handler("failed before it began".into()));
        }
        let (fails_after, broken_off) =
            (world.fails(|faults| faults.fails_after), world.fails(|faults| faults.broken_off));
        let raced = batch && world.fails(|faults| faults.raced);
        let patience = Duration::from_millis(if broken_off { fastrand::u64(1..400) } else { 120_000 });
        if raced {
            self.race(idle, function, &event, patience);
        }
        let result = self.once(idle, function, event, patience).await;
        match &result {
            Ok(answer) => world.log(format_args!("{function} ({records}) {answer}")),
            Err(error) => world.log(format_args!("{function} ({records}) failed: {error}")),
        }
        if fails_after {
            world.log(format_args!("{function} ({records}) failed after its work"));
            return Err(InvokeError::Handler("failed after its work".into()));
        }
        result
    }

    /// Hands the batch to another environment as well, now or later: it may come when others have gone on.
    fn race(self: &Arc<Self>, idle: &Idle, function: &str, event: &Value, patience: Duration) {
        let (stack, idle, function, event) = (self.clone(), idle.clone(), function.to_owned(), event.clone());
        self.spawn(async move {
            // Beside it, beside the next, or long after.
            stack.world.delay([50, 500, 3_000][fastrand::usize(..3)]).await;
            stack.world.log(format_args!("{function} runs in another environment, too"));
            stack.once(&idle, &function, event, patience).await.ok();
        });
    }

    /// One invocation in one environment.
    async fn once(&self, idle: &Idle, function: &str, event: Value, patience: Duration) -> Result<Value, InvokeError> {
        let taken = self.take(idle, function);
        let environment = match taken {
            Some(environment) => environment,
            None => self.environment(function).await?,
        };
        let Ok(handled) = tokio::time::timeout(patience, environment.invoke(event)).await else {
            return Err(InvokeError::TimedOut(patience.as_secs()));
        };
        idle.lock().unwrap().entry(function.to_owned()).or_default().push(environment);
        handled.map_err(InvokeError::Handler)
    }

    /// An idle environment, any of them; none where a new one is to be started.
    fn take(&self, idle: &Idle, function: &str) -> Option<Box<dyn Environment>> {
        let fresh = self.world.fails(|faults| faults.fresh_environment);
        let mut idle = idle.lock().unwrap();
        let idle = idle.get_mut(function).filter(|idle| !idle.is_empty() && !fresh)?;
        Some(idle.swap_remove(fastrand::usize(..idle.len())))
    }

    async fn environment(&self, function: &str) -> Result<Box<dyn Environment>, InvokeError> {
        let function = &self.world.template.functions[function];
        let init = Init { variables: function.environment.clone(), sdk: self.services.sdk_config() };
        self.registry[function.handler.as_str()](init).await.map_err(InvokeError::Init)
    }
}

/// The real handlers; only the transcription service is another.
fn functions(world: &Arc<World>) -> Registry {
    let mut functions = registry::functions(&world.clock());
    let shared = world.clone();
    let transcribe = handler(
        move |init: Init| {
            let context = callboard_transcribe::Context::with_speech(&started(init, &shared), speech(&shared));
            async move { context.map_err(|error| error.to_string()) }
        },
        |event, context: Arc<_>| async move { callboard_transcribe::handle(event, &context).await },
    );
    let shared = world.clone();
    let recordings = handler(
        move |init: Init| {
            let context = callboard_recordings::Context::with_speech(&started(init, &shared), speech(&shared));
            async move { context.map_err(|error| error.to_string()) }
        },
        |event, context: Arc<_>| async move { callboard_recordings::handle(event, &context).await },
    );
    functions.extend([("transcribe", transcribe), ("recordings", recordings)]);
    functions
}

fn started(init: Init, world: &World) -> Start {
    Start { settings: Settings::from(init.variables), sdk: init.sdk, clock: world.clock(), watch: Watch::default() }
}

fn speech(world: &Arc<World>) -> Arc<dyn Transcriber> {
    Arc::new(Speech(world.clone()))
}
