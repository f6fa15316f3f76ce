//! Messages on the audio route.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    callboard_fuzz::fuzz::socket_message(bytes);
});
