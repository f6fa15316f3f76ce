//! Writes `api/openapi.json` and `api/asyncapi.json` anew: `make api-docs`.

use callboard_wire::{asyncapi, openapi};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/api");
    std::fs::write(format!("{folder}/openapi.json"), openapi::text()?)?;
    std::fs::write(format!("{folder}/asyncapi.json"), asyncapi::text()?)?;
    Ok(())
}
