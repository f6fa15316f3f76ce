//! Calls as they are stored between two batches.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    callboard_fuzz::fuzz::stored_call(bytes);
});
