//! What a name server answers: any packet, and the same behind the question that was asked.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::dns_message(data));
