//! What the targets call; it stands in the tests.

#[path = "../src/fuzz.rs"]
pub mod fuzz;
