//! What the process that reads answers hands back: the one thing of it that root reads.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::pipe(data));
