//! The `feed` function on Lambda.

use callboard_feed::{Context, Request, handle};
use callboard_runtime::Start;
use lambda_runtime::{Error, LambdaEvent, MetadataPrelude, StreamResponse, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = Start::from_process().await?;
    let context = Context::start(&start)?;
    tracing::info!("feed is ready");
    let service = service_fn(move |event: LambdaEvent<Request>| {
        let context = context.clone();
        async move {
            let deadline_ms = i64::try_from(event.context.deadline)?;
            let (parts, stream) = Box::pin(handle(event.payload, deadline_ms, &context)).await.into_parts();
            let metadata_prelude =
                MetadataPrelude { status_code: parts.status, headers: parts.headers, cookies: Vec::new() };
            Ok::<_, Error>(StreamResponse { metadata_prelude, stream })
        }
    });
    callboard_runtime::serve(start.watch, service).await
}
