//! SMTP replies, bounces and log lines (`explain --reply`).
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::reply(data));
