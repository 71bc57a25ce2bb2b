//! master.cf: services and their options.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::postfix_master(data));
