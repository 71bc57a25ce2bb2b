//! A file that a configuration names as a certificate.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::certificate(data));
