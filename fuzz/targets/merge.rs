//! Reports for `helolint merge`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::merge(data));
