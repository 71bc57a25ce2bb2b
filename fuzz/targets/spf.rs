//! SPF records and what they lead to.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::spf(data));
