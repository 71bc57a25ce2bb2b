//! What the configuration of programs that sign may cost. Root reads it before anything is confined, and others than root may write it.

use std::cell::Cell;
use std::fmt;

/// Files of settings that one program's configuration is read from: packages have one, people add a few.
pub(super) const FILES: usize = 100;
/// Settings that are kept of them: eight are gone by.
pub(super) const SETTINGS: usize = 10_000;
/// Octets that are gone through and held against each other: 20,000 domains against 500 patterns take a third of it, and all of it a second or two.
pub(super) const OCTETS: usize = 1 << 29;
/// Octets of the paths of keys that are kept: half a million domains with a key each take a fourth of it.
pub(super) const PATHS: usize = 128 << 20;
/// Octets of a path: what the kernel takes (PATH_MAX).
pub(super) const PATH: usize = 4096;

/// What is left of it.
#[derive(Debug, Default)]
pub(super) struct Budget {
    files: Cell<usize>,
    settings: Cell<usize>,
    octets: Cell<usize>,
    paths: Cell<usize>,
}

/// A limit that was reached.
#[derive(Debug, PartialEq)]
pub(super) struct Spent(usize, &'static str);

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it takes more than the {} {}, and what is beyond is not known", self.0, self.1)
    }
}

impl Budget {
    /// One more file of settings.
    pub(super) fn file(&self) -> Result<(), Spent> {
        spend(&self.files, 1, FILES, "files of settings that are read")
    }

    /// One more setting that is kept.
    pub(super) fn setting(&self) -> Result<(), Spent> {
        spend(&self.settings, 1, SETTINGS, "settings that are kept")
    }

    /// So many octets are gone through.
    pub(super) fn octets(&self, count: usize) -> Result<(), Spent> {
        spend(&self.octets, count, OCTETS, "octets that are compared")
    }

    /// A path of so many octets is kept.
    pub(super) fn path(&self, octets: usize) -> Result<(), Spent> {
        spend(&self.paths, octets, PATHS, "octets of paths of keys that are kept")
    }
}

fn spend(spent: &Cell<usize>, count: usize, limit: usize, what: &'static str) -> Result<(), Spent> {
    let now = spent.get().saturating_add(count);
    spent.set(now);
    if now > limit { Err(Spent(limit, what)) } else { Ok(()) }
}

/// A template with texts in the place of names; `None` where it or what becomes of it is longer than a path. Of names that begin alike the longer comes
/// first.
pub(super) fn filled(template: &str, texts: &[(&str, &str)]) -> Option<String> {
    if template.len() > PATH {
        return None;
    }
    let (mut path, mut rest) = (String::new(), template);
    while let Some(c) = rest.chars().next() {
        match texts.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, text)) => {
                path.push_str(text);
                rest = &rest[name.len()..];
            }
            None => {
                path.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if path.len() > PATH {
            return None;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_at_its_figure_and_not_below() {
        let budget = Budget::default();
        for _ in 0..FILES {
            budget.file().unwrap();
        }
        assert_eq!(budget.file(), Err(Spent(FILES, "files of settings that are read")));
        for _ in 0..SETTINGS {
            budget.setting().unwrap();
        }
        assert!(budget.setting().is_err());
        assert_eq!((budget.octets(OCTETS), budget.octets(1).is_err()), (Ok(()), true));
        assert_eq!((budget.path(PATHS), budget.path(1).is_err()), (Ok(()), true));
        assert!(budget.octets(usize::MAX).is_err(), "no overflow");
    }

    #[test]
    fn a_template_is_filled_up_to_the_length_of_a_path() {
        let texts = [("${d}", "a.example"), ("$d", "a.example"), ("$s", "one")];
        assert_eq!(filled("/k/${d}/$d.$s$x", &texts).as_deref(), Some("/k/a.example/a.example.one$x"));
        assert_eq!(filled(&"x".repeat(PATH), &texts).map(|path| path.len()), Some(PATH));
        assert_eq!(filled(&"x".repeat(PATH + 1), &texts), None);
        assert_eq!(filled(&"$s".repeat(PATH / 3), &texts).map(|path| path.len()), Some(PATH / 3 * 3));
        assert_eq!(filled(&"$d".repeat(PATH / 8), &texts), None);
    }
}
