//! Snapshots (`--from`), judged and written.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::snapshot(data));
