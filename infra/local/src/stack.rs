//! The whole stack: template, local AWS, functions, gateway and events, started in order and stopped in reverse.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    aws::{AwsError, LocalAws},
    events::{self, Clock, EventsError, Running},
    functions::{Functions, InvokeError, Registry},
    gateway::{Connections, Gateway, Limits},
    template::{Template, TemplateError},
};

/// What a stack is started with.
pub struct StackOptions {
    /// The template file.
    pub template: PathBuf,
    /// Values of the template's parameters.
    pub overrides: BTreeMap<String, String>,
    /// Where tables, queues and buckets are kept; none keeps them in memory.
    pub data_dir: Option<PathBuf>,
    /// Where the gateway listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// How event sources are polled.
    pub clock: Clock,
    /// The handlers that are linked into this program.
    pub registry: Registry,
    /// Routes of this machine only; the template's win.
    pub extra: Router,
    /// The gateway's limits.
    pub limits: Limits,
}

impl StackOptions {
    /// A stack in memory, on a free port of loopback, with quick event sources and no functions yet.
    pub fn new(template: impl Into<PathBuf>) -> StackOptions {
        StackOptions {
            template: template.into(),
            overrides: BTreeMap::new(),
            data_dir: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::Snappy,
            registry: Registry::new(),
            extra: Router::new(),
            limits: Limits::default(),
        }
    }
}

/// Why a stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The template is wrong.
    #[error("{}: {error}", path.display())]
    Template {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        error: TemplateError,
    },
    /// The local services could not be opened.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// An event source mapping could not be started.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// A function could not be started: its message names the function and the setting.
    #[error("{0}")]
    Function(#[from] InvokeError),
    /// The address is not free, or not this machine's.
    #[error("{address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A stack that runs.
pub struct Stack {
    template: Template,
    aws: LocalAws,
    functions: Functions,
    connections: Connections,
    gateway: Gateway,
    events: Running,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Stack {
    /// Starts everything. Whatever is missing or malformed is an error here, not at the first event.
    pub async fn start(options: StackOptions) -> Result<Stack, StackError> {
        let template = read(&options.template, &options.overrides)?;
        let address = options.address;
        let in_use = |source| StackError::Listen { address, source };
        // First, so that a second stack leaves the first one's data alone.
        let listener = TcpListener::bind(address).await.map_err(in_use)?;
        let mut listening = listener.local_addr().map_err(in_use)?;
        if listening.ip().is_unspecified() {
            listening.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let connections = Connections::default();
        let aws = LocalAws::open(options.data_dir.as_deref(), &template, connections.clone())?;
        let functions = Functions::new(options.registry, &template, aws.sdk_config_at(listening));
        functions.start_all().await?;
        let events = events::start(&template, &aws, functions.clone(), options.clock)?;
        let extra = options.extra.merge(aws.presigned(&template.buckets)).merge(aws.usage());
        let gateway =
            Gateway::serve(listener, &template, functions.clone(), connections.clone(), options.limits, extra)
                .map_err(in_use)?;
        tracing::info!(address = %gateway.address(), ignored = ?template.ignored, "the stack runs");
        Ok(Stack { template, aws, functions, connections, gateway, events })
    }

    /// Where the gateway listens.
    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// An SDK configuration whose clients talk to this stack.
    pub fn sdk_config(&self) -> aws_types::SdkConfig {
        self.aws.sdk_config()
    }

    /// The local AWS services.
    pub fn aws(&self) -> &LocalAws {
        &self.aws
    }

    /// The open sockets.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// What the template declares.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Invokes a function by logical id.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        self.functions.invoke(function, event).await
    }

    /// Closes the door and the sockets, lets the functions finish, then stops the event sources; what was accepted
    /// is stored, and read again at the next start.
    pub async fn stop(self) {
        self.gateway.stop().await;
        self.events.stop().await;
    }
}

/// Reads the template, saying which file an error is in.
fn read(path: &Path, overrides: &BTreeMap<String, String>) -> Result<Template, StackError> {
    Template::read(path, overrides).map_err(|error| StackError::Template { path: path.to_owned(), error })
}
