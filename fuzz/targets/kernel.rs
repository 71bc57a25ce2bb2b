//! What the kernel said, recorded (`--kernel`).
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::kernel(data));
