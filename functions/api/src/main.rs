//! The `api` function on Lambda.

use callboard_api::{Context, router};
use callboard_runtime::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let context = Context::start(&Start::from_process().await?)?;
    tracing::info!("api is ready");
    lambda_http::run(router(context)).await
}
