//! A plan for a host with such a file: its edits, tried on a copy, and its commands.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::plan(data));
