//! Text from outside: what Exim calls tainted.

use super::parse::{Expr, Kind, Tail};
use super::{Stop, undecided};

/// Variables that come from the message: Exim refuses them in file names (4.94 and later).
const TAINTED: &[&str] = &[
    "sender_address",
    "sender_address_domain",
    "sender_address_local_part",
    "local_part",
    "domain",
    "original_domain",
    "original_local_part",
    "return_path",
];

/// Variables that are never tainted; `$value` is what a lookup or a list gave, which is judged where it stands.
const CLEAN: &[&str] = &[
    "primary_hostname",
    "smtp_active_hostname",
    "qualify_domain",
    "qualify_recipient",
    "spool_directory",
    "version_number",
    "config_file",
    "config_dir",
    "value",
];

/// Whether text from outside may be in what an expansion gives. Exim refuses to expand such text once more.
pub(crate) fn may_be_tainted(expr: &Expr) -> bool {
    let tail = |tail: &Tail| tail.yes.iter().chain(&tail.no).any(may_be_tainted);
    expr.0.iter().any(|node| match &node.kind {
        Kind::Variable(name) => !CLEAN.contains(&name.as_str()),
        Kind::Capture(_) | Kind::Header(_) => true,
        Kind::Operator(_, argument) => may_be_tainted(argument),
        Kind::If(_, branches) => tail(branches),
        Kind::Lookup(lookup) => {
            let asked = lookup.kind.contains("ret=") && lookup.key.as_ref().is_some_and(may_be_tainted);
            asked || tail(&lookup.tail)
        }
        Kind::Item(_, arguments, _) => arguments.iter().any(may_be_tainted),
        Kind::Filter(list, _) | Kind::Sort(list, ..) => may_be_tainted(list),
        Kind::Text(_) | Kind::Error(_) | Kind::Unclear(_) => false,
    })
}

/// Whether an expansion holds text of the message as it stands. What a lookup finds is clean.
pub(crate) fn is_tainted(expr: &Expr) -> bool {
    expr.0.iter().any(|node| match &node.kind {
        Kind::Variable(name) => TAINTED.contains(&name.as_str()),
        Kind::Header(_) => true,
        Kind::Operator(_, argument) => is_tainted(argument),
        _ => false,
    })
}

/// Whether an expansion holds a header of the message as it stands.
pub(crate) fn holds_header(expr: &Expr) -> bool {
    expr.0.iter().any(|node| match &node.kind {
        Kind::Header(_) => true,
        Kind::Operator(_, argument) => holds_header(argument),
        _ => false,
    })
}

/// What the installed Exim does with text from outside in the name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tainted {
    /// It refuses it: 4.94 and later (README.UPDATING of 4.94), and whatever is not known to be older.
    Refused,
    /// It takes it: releases before 4.93, and `allow_insecure_tainted_data`, which makes a log line of the refusal.
    Taken,
    /// 4.93, which refuses in some places.
    Undecided,
}

impl Tainted {
    /// What a release does, by its version.
    pub(crate) fn by_version(version: Option<&str>) -> Tainted {
        let minor = version.and_then(|version| version.strip_prefix("4.")).and_then(|rest| {
            let digits = rest.split('.').next().unwrap_or_default();
            digits.parse::<u32>().ok()
        });
        match minor {
            Some(..93) => Tainted::Taken,
            Some(93) => Tainted::Undecided,
            _ => Tainted::Refused,
        }
    }
}

/// Whether Exim takes an expansion for the name of a file; `installed` is asked only where it matters.
///
/// # Errors
/// Its refusal of text from outside; undecided where that is not certain.
pub(crate) fn as_file_name(expr: &Expr, installed: impl FnOnce() -> Tainted) -> Result<(), Stop> {
    if !may_be_tainted(expr) {
        return Ok(());
    }
    match installed() {
        Tainted::Taken => Ok(()),
        Tainted::Refused if is_tainted(expr) => Err(Stop::fails("Tainted filename: it comes from the message")),
        Tainted::Refused => undecided("Exim refuses the name of a file where it comes from outside".to_owned()),
        Tainted::Undecided => {
            undecided("Exim 4.93 refuses some names of files that come from outside, and takes others".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::exim::expand::parse::parse;

    #[test]
    fn names_of_files_are_refused_by_release() {
        for (version, expected) in [
            (None, Tainted::Refused),
            (Some("4.92"), Tainted::Taken),
            (Some("4.92.3"), Tainted::Taken),
            (Some("4.93"), Tainted::Undecided),
            (Some("4.94.2"), Tainted::Refused),
            (Some("4.100"), Tainted::Refused),
            (Some("5.1"), Tainted::Refused),
        ] {
            assert_eq!(Tainted::by_version(version), expected, "{version:?}");
        }
        let expr = parse("/etc/vmail/$sender_address_domain/helo");
        assert!(as_file_name(&expr, || Tainted::Taken).is_ok());
        assert!(matches!(as_file_name(&expr, || Tainted::Refused), Err(Stop::Fails(_))));
        assert!(matches!(as_file_name(&expr, || Tainted::Undecided), Err(Stop::Undecided { .. })));
        assert!(
            as_file_name(&parse("/etc/$primary_hostname"), || unreachable!("no version matters to clean text")).is_ok()
        );
    }

    #[test]
    fn only_clean_text_is_expanded_once_more() {
        for (text, tainted) in [
            ("plain $primary_hostname", false),
            ("${lookup{$sender_address_domain}lsearch{/etc/m}}", false),
            ("${lookup{$sender_address_domain}lsearch{/etc/m}{$value}{$qualify_domain}}", false),
            ("${lookup{$sender_address_domain}lsearch,ret=key{/etc/m}}", true),
            ("${lookup{x}lsearch{/etc/m}{$value}{$sender_host_address}}", true),
            ("${if eq{a}{b}{x}{$sender_address}}", true),
            ("${lc:$sender_address_domain}", true),
            ("${sg{$sender_address}{a}{b}}", true),
            ("$1", true),
        ] {
            assert_eq!(may_be_tainted(&parse(text)), tainted, "{text}");
        }
    }
}
