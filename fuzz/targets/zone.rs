//! Zone files (`--zones`, `--overlay`), and questions to them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::zone(data));
