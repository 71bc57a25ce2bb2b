//! A piece of work whose time is the measure of a machine: limits are multiples of it, so that they mean the same on a slower one.

use std::collections::HashMap;
use std::hint::black_box;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Names that are made, looked up and put in order: what reading maps is made of.
const NAMES: usize = 200_000;
/// Times of which the least counts.
const TIMES: usize = 5;

/// Milliseconds of processor time in user mode that the work takes here.
pub fn unit() -> f64 {
    (0..TIMES).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn once() -> f64 {
    let from = user_time();
    let names: Vec<String> = (0..NAMES).map(|n| format!("d{}.shop{}.example", n * 7919 % NAMES, n % 97)).collect();
    let places: HashMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    let found: usize = names.iter().rev().map(|name| places[name.as_str()]).sum();
    let mut sorted = names.clone();
    sorted.sort();
    black_box((found, sorted));
    user_time() - from
}

fn user_time() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the system counts");
    usage.user_time().num_microseconds() as f64 / 1e3
}
