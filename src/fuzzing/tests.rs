//! Every target over its seeds, and over texts near them: the same in every run.

use super::world::with_host;
use super::{TARGETS, seeds};
use crate::remedy::plan::search_within;

/// Seeds of a target that are taken, spread over all that it has.
const SEEDS: usize = 6;
/// Pieces that mean something to one of the readers.
const PIECES: [&[u8]; 40] = [
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xe2\x80\xae",
    b"\x1b[2J",
    b" ",
    b"\t",
    b"\\",
    b"\\\n",
    b"#",
    b"$",
    b"${",
    b"}",
    b"{",
    b"$$",
    b"${if ",
    b"${lookup{",
    b"$(",
    b"::",
    b":",
    b";",
    b",",
    b"=",
    b"\"",
    b"'",
    b"!",
    b"*",
    b".",
    b"..",
    b"/",
    b"@",
    b"[",
    b"]",
    b"(",
    b"-1",
    b"18446744073709551616",
    b"0x",
    b"\\N",
    b"hide ",
];

/// Numbers that look random and are the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// Changes `text` in one to four places, by a piece of `other` in some.
    fn mutate(&mut self, text: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            let at = self.below(text.len() + 1);
            let end = (at + self.below(40)).min(text.len());
            match self.below(7) {
                0 if at < text.len() => text[at] ^= 1 << self.below(8),
                1 => drop(text.drain(at..end)),
                2 => {
                    let piece = text[at..end].to_vec();
                    let times = 1 + self.below(30);
                    text.splice(at..at, piece.repeat(times));
                }
                3 => {
                    let from = self.below(other.len() + 1);
                    let piece = &other[from..(from + self.below(200)).min(other.len())];
                    text.splice(at..end, piece.iter().copied());
                }
                4 => text.truncate(at),
                _ => drop(text.splice(at..at, PIECES[self.below(PIECES.len())].iter().copied())),
            }
        }
    }
}

/// Runs a target over its seeds and over `count` texts near them.
fn try_near_seeds(name: &str, count: usize) {
    let (_, run) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let all = seeds::of(name);
    assert!(!all.is_empty(), "{name} has no seeds");
    let few: Vec<&Vec<u8>> = all.iter().step_by(all.len().div_ceil(SEEDS)).collect();
    few.iter().for_each(|seed| run(seed));
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..count {
        let mut text = few[numbers.below(few.len())].clone();
        let other = few[numbers.below(few.len())];
        numbers.mutate(&mut text, other);
        run(&text);
    }
}

/// A test for each target, with so many texts near its seeds.
macro_rules! targets {
    ($($name:ident: $count:literal,)+) => {
        $(#[test]
        fn $name() {
            try_near_seeds(stringify!($name), $count);
        })+

        #[test]
        fn every_target_is_tried_here_and_in_the_fuzz_folder() {
            let tried: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(tried, [$(stringify!($name)),+]);
            let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/Cargo.toml")).unwrap();
            for name in tried {
                let path = format!("{}/fuzz/targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
                let target = std::fs::read_to_string(path).unwrap();
                assert!(target.contains(&format!("helolint::fuzzing::{name}(data)")), "{target}");
                assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
            }
        }
    };
}

targets! {
    arguments: 100,
    baseline: 2000,
    certificate: 1000,
    cpanel_map: 14,
    dkim_record: 500,
    dmarc_record: 500,
    dns_message: 400,
    exim_config: 14,
    exim_expand: 14,
    host_file: 14,
    kernel: 2000,
    log: 60,
    map: 500,
    merge: 60,
    panel_map: 14,
    pipe: 2000,
    plan: 6,
    postfix_main: 14,
    postfix_map: 14,
    postfix_master: 14,
    reply: 200,
    secrets: 100,
    settings: 500,
    signers: 500,
    smtp: 200,
    snapshot: 14,
    spf: 500,
    zone: 30,
}

#[test]
fn a_search_says_that_its_bound_ended_it() {
    let plan = |name, work| with_host(name, |world| world.with_ground(&[], |ground| search_within(ground, work).plan));
    let mut ended = 0;
    for name in ["name-not-published", "transfer-10-helo-map-incomplete", "ptr-two-records", "transfer-03-generic-ptr"]
    {
        let whole = plan(name, 50_000);
        assert!(!whole.bounded && whole.remains.is_empty() && !whole.steps.is_empty(), "{name}: {whole:?}");
        let cut = plan(name, 0);
        assert!(cut.bounded != cut.remains.is_empty(), "{name}: {cut:?}");
        ended += usize::from(cut.bounded);
    }
    assert!(ended > 0, "each has a plan within the trials that every host gets");
}

/// A key that ends with two dots beside one with one: a host and itself are alike.
#[test]
fn keys_of_maps_that_end_with_dots() {
    (0..40).for_each(|chosen| {
        super::panel_map(&[&[chosen], b"a..: 192.0.2.1\na.: 192.0.2.2\na..\na.\n".as_slice()].concat())
    });
}
