//! DMARC records and those above them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::dmarc_record(data));
