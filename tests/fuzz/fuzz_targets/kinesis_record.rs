//! Records of the frame stream.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    callboard_fuzz::fuzz::kinesis_record(bytes);
});
