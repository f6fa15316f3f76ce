//! The `ingest` function on Lambda.

use std::sync::Arc;

use callboard_ingest::{Context, handle};
use callboard_runtime::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let start = Start::from_process().await?;
    let context = Arc::new(Context::start(&start)?);
    tracing::info!("ingest is ready");
    callboard_runtime::run(start.watch, move |event| {
        let context = Arc::clone(&context);
        async move { Box::pin(handle(event, &context)).await.map_err(lambda_runtime::Error::from) }
    })
    .await
}
