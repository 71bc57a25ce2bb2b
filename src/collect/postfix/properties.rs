//! Properties that hold for any text: no panic, an end to every expansion, time in proportion to the text.

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
