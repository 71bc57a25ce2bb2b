//! Maps of DirectAdmin and Hestia, read and compared.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::panel_map(data));
