//! DKIM key records.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::dkim_record(data));
