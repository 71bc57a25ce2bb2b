//! What is secret in a file, and what a shell makes of words.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::secrets(data));
