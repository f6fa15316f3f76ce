//! Old bytes: calls between two batches, as every edition of this code stored them. Today's goes on from all of them, and
//! stores them as the newest. What an edition is and how a new one is recorded, `shared/wire/tests/old.rs` says.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::path::PathBuf;

use callboard_adapters::live::Version;
use callboard_transcribe::state::CallState;

/// What is stored today.
const EDITION: u32 = 4;

fn samples(edition: u32) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/old"));
    let text = std::fs::read_to_string(folder.join(format!("state.{edition}.hex"))).unwrap_or_default();
    text.lines().map(|line| hex::decode(line).unwrap()).collect()
}

#[test]
fn a_call_goes_on_from_what_any_edition_stored() {
    for edition in 1..=EDITION {
        let recorded = samples(edition);
        assert!(!recorded.is_empty(), "edition {edition} is not recorded");
        for (line, stored) in recorded.iter().enumerate() {
            let state = CallState::decode(&Version { number: 7, state: stored.clone() }, &[]);
            let mut state = state.unwrap_or_else(|error| panic!("state.{edition}, {line}: {error}"));
            assert_eq!(state.version, 7);
            // As if nothing were stored yet: then this version holds all frames by itself.
            state.held.clear();
            let (written, _) = state.encode();
            let known = samples(EDITION).contains(&written);
            assert!(
                known,
                "state.{edition}, {line}: other bytes are stored, record an edition: {}",
                hex::encode(written)
            );
        }
    }
    assert!(samples(EDITION + 1).is_empty(), "a later edition is recorded than is stored");
}
