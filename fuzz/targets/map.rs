//! Tables of keys and values that Exim and cPanel look up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::map(data));
