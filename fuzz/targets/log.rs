//! Mail logs and journals, packed or not, and what is judged by them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::log(data));
