//! The `keep` function on Lambda.

use std::sync::Arc;

use callboard_keep::{Context, handle};
use callboard_runtime::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let start = Start::from_process().await?;
    let context = Arc::new(Context::start(&start)?);
    tracing::info!("keep is ready");
    callboard_runtime::run(start.watch, move |event| {
        let context = Arc::clone(&context);
        async move { handle(event, &context).await.map_err(lambda_runtime::Error::from) }
    })
    .await
}
