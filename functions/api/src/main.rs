//! The `api` function on Lambda.

use callboard_api::{Context, router};
use callboard_runtime::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let start = Start::from_process().await?;
    let context = Context::start(&start)?;
    tracing::info!("api is ready");
    callboard_runtime::serve(start.watch, lambda_http::Adapter::from(router(context))).await
}
