//! A configuration of Exim: macros, conditions, includes, sections.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::exim_config(data));
