//! The section `rewrite` (Exim specification, chapter 31).

use super::{Checked, Fault, string};
use crate::collect::exim::words;

/// One rule: pattern, replacement, flags.
pub(crate) fn rule(text: &str) -> Checked {
    let (key, rest) = string(text);
    if rest.is_empty() {
        return Err(Fault::new("missing rewrite replacement string"));
    }
    let (_, flags) = string(rest);
    for flag in flags.chars() {
        match flag {
            ' ' | '\t' => {}
            'S' if !key.starts_with('^') && !key.starts_with("\\N^") => {
                return Err(Fault::new("rewrite rule has the S flag but is not a regular expression"));
            }
            _ if words::REWRITE_FLAGS.contains(flag) => {}
            _ => {
                let hint = "(could be missing quotes round replacement item)";
                return Err(Fault::new(format!("unknown rewrite flag character '{flag}' {hint}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each answered by Exim 4.96.
    #[test]
    fn what_exim_refuses_and_takes() {
        let unknown =
            |flag| format!("unknown rewrite flag character '{flag}' (could be missing quotes round replacement item)");
        let no_expression = "rewrite rule has the S flag but is not a regular expression".to_owned();
        for (text, expected) in [
            ("*@a $1@b Ffrs", None),
            ("*@a", Some("missing rewrite replacement string".to_owned())),
            ("*@a x z", Some(unknown('z'))),
            ("*@a \"x y\" z", Some(unknown('z'))),
            ("*@a \"x y\" Ttbch", None),
            ("*@a x Q", None),
            ("*@a x S", Some(no_expression)),
            ("^a x S", None),
            ("\\N^a x S", None),
            ("*@a x , F", Some(unknown(','))),
            ("*@a ${lookup {x}} F", Some(unknown('{'))),
            ("\"*@a\" x F", None),
        ] {
            assert_eq!(rule(text).err().map(|fault| fault.message), expected, "{text}");
        }
    }
}
