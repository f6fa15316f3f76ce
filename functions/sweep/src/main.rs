//! The `sweep` function on Lambda.

use std::sync::Arc;

use callboard_runtime::Start;
use callboard_sweep::{Context, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let start = Start::from_process().await?;
    let context = Arc::new(Context::start(&start)?);
    tracing::info!("sweep is ready");
    callboard_runtime::run(start.watch, move |event| {
        let context = Arc::clone(&context);
        async move { Box::pin(handle(event, &context)).await.map_err(lambda_runtime::Error::from) }
    })
    .await
}
