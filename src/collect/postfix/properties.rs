//! Properties that hold for any text: no panic, an end to every expansion, time in proportion to the text.

use std::time::Instant;

use proptest::prelude::*;

use super::expand::{Expander, Found, Scope};
use super::lines::logical_lines;
use super::main_cf::MainCf;
use super::master_cf::MasterCf;
use crate::facts::Origin;
use crate::source::SourceFile;

/// Names that refer to each other in whatever way the values have it.
struct Names(Vec<String>);

impl Scope for Names {
    fn lookup(&self, name: &str) -> Found {
        let index = ["a", "b", "c", "d"].iter().position(|known| *known == name);
        match index.and_then(|index| self.0.get(index)) {
            Some(text) => Found::Text(text.clone(), Origin::default_of("test")),
            None => Found::Undefined,
        }
    }
}

/// Text from the signs that matter.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("$"),
        Just("${"),
        Just("$("),
        Just("}"),
        Just(")"),
        Just("{"),
        Just("?"),
        Just(":"),
        Just("=="),
        Just("<"),
        Just("="),
        Just("a"),
        Just("$b"),
        Just("${c}"),
        Just("${d?{x}:{$a}}"),
        Just("${{$a}=={b}?{c}:{d}}"),
        Just(" "),
        Just("\n"),
        Just("\n "),
        Just("\n#"),
        Just("\0"),
        Just("-o "),
        Just("smtp unix - - n - - smtp "),
        Just("\u{e9}"),
        Just("9"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_read(text in text()) {
        let file = SourceFile::new("/etc/postfix/main.cf", text.as_bytes());
        let main = MainCf::parse(&file);
        for setting in main.settings.values() {
            prop_assert!(setting.span.range().end <= text.len());
        }
        let master = MasterCf::parse(&file);
        for entry in &master.entries {
            for (_, value) in &entry.overrides {
                prop_assert!(value.origin.span().is_some());
            }
        }
    }

    #[test]
    fn every_expansion_ends(values in prop::collection::vec(text(), 4)) {
        let names = Names(values);
        let _ = Expander::default().expand(&names, "$a${b}$(c)${d?{$a}}", None);
    }

    #[test]
    fn a_value_on_one_line_spans_itself(name in "[a-z_]{1,12}", value in "[a-z0-9.\\[\\]$]([a-z0-9 .]{0,20}[a-z])?") {
        let text = format!("# note\n{name} =  {value}\t\n");
        let main = MainCf::parse(&SourceFile::new("/etc/postfix/main.cf", text.as_bytes()));
        prop_assert_eq!(main.settings[&name].span.text(), value);
    }

    #[test]
    fn no_text_is_lost_between_lines(text in text()) {
        let kept: usize = logical_lines(&text).iter().map(|line| line.text.len()).sum();
        prop_assert!(kept <= text.len());
    }
}

/// Doubling the text about doubles the time: a square would be sixteen times for four times the lines. Measures the clock, so
/// it runs only when asked: `cargo test --lib properties -- --ignored`.
#[test]
#[ignore = "measures time"]
fn reading_is_linear() {
    let time = |lines: usize| {
        let text: String = (0..lines).map(|n| format!("name_{n} = value $of_{n}\n  goes on\n# note\n")).collect();
        let file = SourceFile::new("/etc/postfix/main.cf", text.as_bytes());
        let start = Instant::now();
        assert_eq!(MainCf::parse(&file).settings.len(), lines);
        start.elapsed()
    };
    let best = |lines: usize| (0..3).map(|_| time(lines)).min().unwrap_or_default();
    let (small, large) = (best(10_000), best(40_000));
    println!("{} lines of main.cf: {large:?}", 3 * 40_000);
    assert!(large < small * 12, "{small:?} for 10,000 settings, {large:?} for 40,000");
}

/// One value with many continuations, braces and unclosed references.
#[test]
#[ignore = "measures time"]
fn long_values_are_linear() {
    for piece in ["\n  word", "{x}", "${a", "$(", "${a?{b}:{c}}", "$$", "{", "}"] {
        let time = |count: usize| {
            let text = format!("a = {}\nb = $a\n", piece.repeat(count));
            let file = SourceFile::new("/etc/postfix/main.cf", text.as_bytes());
            let start = Instant::now();
            let main = MainCf::parse(&file);
            let value = main.settings.get("a").map_or("", |found| &found.value);
            let _ = Expander::default().expand(&Names(vec![]), value, None);
            start.elapsed()
        };
        let best = |count: usize| (0..3).map(|_| time(count)).min().unwrap_or_default();
        let (small, large) = (best(1_000), best(4_000));
        println!("{piece:?}: {small:?} and {large:?}");
        assert!(large < small * 14, "{piece:?}: {small:?} and {large:?}");
    }
}
