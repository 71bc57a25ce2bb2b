//! Recognises who writes this host's files anew, by the markers of [`crate::managers`].

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

use crate::collect::root::Root;
use crate::managers::{self, Manager, Marker, Recognised, Test};

/// Files that one pattern of a marker may stand for.
const FILES_OF_A_PATTERN: usize = 64;

/// The sets of markers that stand in a file which the manager writes.
const IN_FILE: [&str; 4] = ["file", "postfix", "exim", "hosts"];

/// The managers whose markers are here, in the order of the list.
pub(crate) fn recognise(root: &Root) -> Vec<Recognised> {
    managers::all().filter_map(|manager| recognised(root, manager)).collect()
}

fn recognised(root: &Root, manager: &Manager) -> Option<Recognised> {
    let mut sets: Vec<&str> = manager.markers.iter().map(|marker| marker.set).collect();
    sets.dedup();
    let holds =
        |set: &&str| manager.markers.iter().filter(|marker| marker.set == *set).all(|marker| hits(root, marker));
    let found: Vec<&str> = sets.into_iter().filter(holds).collect();
    (!found.is_empty())
        .then(|| Recognised { id: manager.id.to_owned(), in_file: found.iter().any(|set| IN_FILE.contains(set)) })
}

fn hits(root: &Root, marker: &Marker) -> bool {
    let matching = |pattern: &str| regex::Regex::new(pattern).ok();
    paths(root, marker.path).iter().any(|path| match marker.test {
        Test::Exists => root.exists(path),
        Test::LinkTo(pattern) => {
            let target = root.link_target(path);
            target.is_some_and(|target| matching(pattern).is_some_and(|pattern| pattern.is_match(&target)))
        }
        Test::Line { pattern, first } => {
            if !root.exists(path) {
                return false;
            }
            let Ok(file) = root.read(path) else { return false };
            let text = file.text();
            if !may_match(pattern, text) {
                return false;
            }
            let Some(pattern) = matching(pattern) else { return false };
            text.lines().take(first.unwrap_or(usize::MAX)).any(|line| pattern.is_match(line))
        }
    })
}

/// Whether a text can hold a line that the regular expression matches, as far as that is soon seen: to build one takes longer than to search a file.
fn may_match(pattern: &str, text: &str) -> bool {
    let (folded, pattern) = match pattern.strip_prefix("(?i)") {
        // Some characters beyond ASCII are letters of ASCII in another case.
        Some(pattern) if text.is_ascii() => (Cow::Owned(text.to_ascii_lowercase()), pattern),
        Some(_) => return true,
        None => (Cow::Borrowed(text), pattern),
    };
    let needed = needed(&mut pattern.chars().peekable());
    needed.is_empty() || needed.iter().any(|needed| folded.contains(needed.as_str()))
}

/// Texts of which one stands in whatever the regular expression matches, up to its end or to the end of the group that has begun; none where no such
/// text is known.
fn needed(chars: &mut Peekable<Chars<'_>>) -> Vec<String> {
    let length = |texts: &[String]| texts.iter().map(String::len).min().unwrap_or(0);
    let (mut all, mut one_is_open) = (Vec::new(), false);
    let (mut best, mut run): (Vec<String>, String) = Default::default();
    loop {
        let c = chars.next();
        match c {
            Some('\\') => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => {
                    run.push(escaped);
                    continue;
                }
                _ => {}
            },
            Some('[') => drop(chars.by_ref().find(|c| *c == ']')),
            Some('*' | '?') => drop(run.pop()),
            Some('{') => {
                run.pop();
                chars.by_ref().find(|c| *c == '}');
            }
            Some('(') => {
                let group = needed(chars);
                if !matches!(chars.peek(), Some('*' | '?' | '{')) && length(&group) > length(&best) {
                    best = group;
                }
            }
            Some('^' | '$' | '.' | '+' | '|' | ')') | None => {}
            Some(plain) => {
                run.push(plain);
                continue;
            }
        }
        if run.len() > length(&best) {
            best = vec![run.clone()];
        }
        run.clear();
        if matches!(c, Some('|' | ')') | None) {
            one_is_open |= best.is_empty();
            all.append(&mut best);
        }
        if matches!(c, Some(')') | None) {
            return if one_is_open { Vec::new() } else { all };
        }
    }
}

/// The paths that a pattern stands for; one without `*` stands for itself, be it there or not.
fn paths(root: &Root, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for folder in &found {
            if !part.contains('*') {
                next.push(format!("{folder}/{part}"));
                continue;
            }
            let names = root.names_in(if folder.is_empty() { "/" } else { folder }, FILES_OF_A_PATTERN);
            next.extend(names.iter().filter(|name| fits(part, name)).map(|name| format!("{folder}/{name}")));
        }
        next.truncate(FILES_OF_A_PATTERN);
        found = next;
    }
    found
}

/// Whether `name` fits a pattern in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    last.is_none_or(|end| rest.ends_with(end)) && (pattern.contains('*') || rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[derive(serde::Deserialize)]
    struct Trees {
        tree: Vec<Tree>,
    }

    /// A path of the smallest tree that shows a manager.
    #[derive(serde::Deserialize)]
    struct Tree {
        manager: String,
        path: String,
        content: Option<String>,
        link: Option<String>,
        #[serde(default)]
        dir: bool,
    }

    fn build(dir: &Path, tree: &Tree) {
        let place = dir.join(tree.path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        match (&tree.link, &tree.content) {
            (Some(target), _) => std::os::unix::fs::symlink(target, &place).unwrap(),
            (None, Some(content)) => fs::write(&place, content).unwrap(),
            (None, None) => {
                assert!(tree.dir);
                fs::create_dir_all(&place).unwrap();
            }
        }
    }

    #[test]
    fn each_manager_is_recognised_in_its_own_tree() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/managers.toml");
        let trees: Trees = toml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for manager in managers::all() {
            let own: Vec<&Tree> = trees.tree.iter().filter(|tree| tree.manager == manager.id).collect();
            assert!(!own.is_empty(), "{} has no tree", manager.id);
            let dir = tempfile::tempdir().unwrap();
            own.iter().for_each(|tree| build(dir.path(), tree));
            let found = recognise(&Root::open(dir.path()).unwrap());
            assert!(found.iter().any(|seen| seen.id == manager.id), "{}: {found:?}", manager.id);
        }
    }

    #[test]
    fn an_empty_host_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(recognise(&Root::open(dir.path()).unwrap()), []);
    }

    #[test]
    fn a_star_is_any_characters() {
        let cases = [
            ("*", "a", true),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*.cfg", "90_dpkg.cfg", true),
            ("*.cfg", "x.cfg.bak", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("a", "a", true),
            ("a", "ab", false),
        ];
        for (pattern, name, wanted) in cases {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn of_some_texts_every_match_holds_one() {
        for (pattern, texts) in [
            ("^# HEADER: by puppet\\.", &["# HEADER: by puppet."][..]),
            ("^\\s*iface\\s+\\S+\\s+inet6?\\s+static", &["static"]),
            ("^smtpd_banner.*Mail-in-a-Box", &["Mail-in-a-Box"]),
            ("on [0-9]{4}-", &["on "]),
            ("xy*[cd]{2}e+f", &["x"]),
            ("^manage:\\s*(true|True)", &["manage:"]),
            ("^a(bcd|efgh)", &["bcd", "efgh"]),
            ("^a(bcd|e*)", &["a"]),
            ("a(bcd)?(efg|hij)*(kl)+", &["kl"]),
            ("ab|c[de]", &["ab", "c"]),
            ("ab|[de]", &[]),
            ("((ab|cde) (f )?gh|ij)k", &["ab", "cde", "ij"]),
        ] {
            assert_eq!(needed(&mut pattern.chars().peekable()), texts, "{pattern}");
        }
    }

    #[test]
    fn what_a_pattern_matches_it_may_match() {
        let lines = [
            "# Ansible managed",
            "#ANSIBLE_MANAGED: x",
            "# Auto-Generated",
            "# automatically generated by x",
            "# managed by y",
            "# Do Not Edit",
            "# changes will be lost",
            "# modifications you make here will be overwritten",
            "manage_etc_hosts: True",
            "# FQDN from Froxlor",
            "# an\u{17f}ible managed",
            "# plain",
            "",
        ];
        let tests = managers::all().flat_map(|manager| manager.markers).map(|marker| marker.test);
        let patterns =
            tests.filter_map(|test| if let Test::Line { pattern, .. } = test { Some(pattern) } else { None });
        let mut hits = 0;
        for pattern in patterns {
            let built = regex::Regex::new(pattern).unwrap();
            for line in lines.iter().filter(|line| built.is_match(line)) {
                hits += 1;
                assert!(may_match(pattern, line), "{pattern} {line}");
            }
        }
        assert!(hits > 10, "{hits}");
        assert!(!may_match("(?i)^#.*\\bansible[ _-]managed\\b", "myhostname = mail.example.com\n"));
    }
}
