//! Writes `api/openapi.json` anew: `make api-docs`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/api/openapi.json");
    std::fs::write(path, callboard_wire::openapi::text()?)?;
    Ok(())
}
