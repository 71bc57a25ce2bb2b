//! main.cf: lines, parameters, what they stand for, tables inline.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::postfix_main(data));
