//! The functions that are linked into this program, under the names of their crates.

use std::{fmt::Display, future::Future, sync::Arc};

use callboard_runtime::{Clock, SettingError, Settings, Watch};
use lambda_http::{Adapter, LambdaEvent, Service, request::LambdaRequest};
use serde::{Serialize, de::DeserializeOwned};

use crate::functions::{Init, Registry, Start, handler, streaming_handler};

/// All of Callboard's functions.
pub fn functions(clock: &Clock) -> Registry {
    Registry::from([
        (
            "authorizer",
            entry(clock, callboard_authorizer::Context::start, |event, context: Arc<_>| async move {
                callboard_authorizer::handle(event, &context).await
            }),
        ),
        (
            "sockets",
            entry(clock, callboard_sockets::Context::start, |event, context: Arc<_>| async move {
                Box::pin(callboard_sockets::handle(event, &context)).await
            }),
        ),
        (
            "ingest",
            entry(clock, callboard_ingest::Context::start, |event, context: Arc<_>| async move {
                callboard_ingest::handle(event, &context).await
            }),
        ),
        (
            "transcribe",
            entry(clock, callboard_transcribe::Context::start, |event, context: Arc<_>| async move {
                callboard_transcribe::handle(event, &context).await
            }),
        ),
        (
            "keep",
            entry(clock, callboard_keep::Context::start, |event, context: Arc<_>| async move {
                callboard_keep::handle(event, &context).await
            }),
        ),
        (
            "recordings",
            entry(clock, callboard_recordings::Context::start, |event, context: Arc<_>| async move {
                callboard_recordings::handle(event, &context).await
            }),
        ),
        (
            "analyze",
            entry(clock, callboard_analyze::Context::start, |event, context: Arc<_>| async move {
                callboard_analyze::handle(event, &context).await
            }),
        ),
        (
            "advise",
            entry(clock, callboard_advise::Context::start, |event, context: Arc<_>| async move {
                callboard_advise::handle(event, &context).await
            }),
        ),
        (
            "push",
            entry(clock, callboard_push::Context::start, |event, context: Arc<_>| async move {
                callboard_push::handle(event, &context).await
            }),
        ),
        (
            "api",
            entry(clock, callboard_api::Context::start, |event: LambdaRequest, context: Arc<_>| {
                // The adapter itself cannot cross an await; the answer that it begins can.
                let context: &callboard_api::Context = &context;
                Adapter::from(callboard_api::router(context.clone()))
                    .call(LambdaEvent::new(event, lambda_http::Context::default()))
            }),
        ),
        (
            "sweep",
            entry(clock, callboard_sweep::Context::start, |event, context: Arc<_>| async move {
                callboard_sweep::handle(event, &context).await
            }),
        ),
        (
            "archive",
            entry(clock, callboard_archive::Context::start, |event, context: Arc<_>| async move {
                callboard_archive::handle(event, &context).await
            }),
        ),
        ("feed", feed(clock)),
    ])
}

/// The one that streams.
fn feed(clock: &Clock) -> Start {
    let context = context_of(clock, callboard_feed::Context::start);
    streaming_handler(context, |request, deadline_ms, context: Arc<callboard_feed::Context>| async move {
        Box::pin(callboard_feed::handle(request, deadline_ms, &context)).await
    })
}

/// One function: its context's constructor and its handler.
fn entry<C, E, R, Err, Handled>(
    clock: &Clock,
    start: fn(&callboard_runtime::Start) -> Result<C, SettingError>,
    handle: impl Fn(E, Arc<C>) -> Handled + Send + Sync + 'static,
) -> Start
where
    C: Send + Sync + 'static,
    E: DeserializeOwned + Send + 'static,
    R: Serialize + 'static,
    Err: Display + 'static,
    Handled: Future<Output = Result<R, Err>> + Send + 'static,
{
    handler(context_of(clock, start), handle)
}

/// How a function's context is made of what an environment is started with.
fn context_of<C: Send + 'static>(
    clock: &Clock,
    start: fn(&callboard_runtime::Start) -> Result<C, SettingError>,
) -> impl Fn(Init) -> std::future::Ready<Result<C, String>> + Send + Sync + 'static {
    let clock = clock.clone();
    move |init| {
        let settings = Settings::from(init.variables);
        let made =
            start(&callboard_runtime::Start { settings, sdk: init.sdk, clock: clock.clone(), watch: Watch::default() });
        std::future::ready(made.map_err(|error| error.to_string()))
    }
}
