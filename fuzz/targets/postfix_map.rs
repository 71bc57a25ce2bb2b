//! Tables of Postfix that choose a route by sender: text, pcre, regexp, cidr.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::postfix_map(data));
