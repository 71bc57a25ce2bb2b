//! Maps and settings of cPanel.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::cpanel_map(data));
