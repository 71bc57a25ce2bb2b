//! Strings that Exim expands: items, operators, conditions, lookups, lists. What stands before the first line end is a HELO name, the
//! rest is an interface.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| helolint::fuzzing::exim_expand(data));
