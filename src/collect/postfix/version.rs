//! The installed version of Postfix: the package database knows it, else main.cf or the programs themselves.

use crate::collect::root::Root;
use crate::facts::{Fact, Origin};

use super::main_cf::MainCf;

/// Package databases that are text, with what stands before the package's name and its version (deb-control(5), apk).
const DATABASES: [(&str, &str, &str); 2] =
    [("/var/lib/dpkg/status", "Package: ", "Version: "), ("/lib/apk/db/installed", "P:", "V:")];
/// Files that hold the version among their strings: the library since Postfix 3.0, programs before.
const PROGRAMS: [&str; 6] = [
    "/usr/lib/postfix/libpostfix-global.so",
    "/usr/lib64/postfix/libpostfix-global.so",
    "/usr/libexec/postfix/master",
    "/usr/lib/postfix/sbin/master",
    "/usr/lib/postfix/bin/master",
    "/usr/sbin/postconf",
];
/// What stands before the version among a program's strings: the name of the parameter that it is the default of.
const MARK: &str = "mail_version\0";

/// A version as far as it decides what Postfix does: `3.7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

impl Version {
    /// The first that takes several next hops.
    pub(crate) const NEXT_HOP_LISTS: Version = Version(3, 5);
    /// The first that knows `known_tcp_ports`, and compatibility levels with a dot.
    pub(crate) const KNOWN_PORTS: Version = Version(3, 6);
    /// The first that knows `smtp_bind_address_enforce`.
    pub(crate) const BIND_ENFORCE: Version = Version(3, 7);
    /// The first that knows `use_srv_lookup`.
    pub(crate) const SRV_LOOKUP: Version = Version(3, 8);
    /// The first that reads other compiled forms where Berkeley DB is gone.
    pub(crate) const WITHOUT_BERKELEY_DB: Version = Version(3, 11);

    /// The version that `text` begins with, behind an epoch.
    pub(crate) fn parse(text: &str) -> Option<Version> {
        let text = text.split_once(':').map_or(text, |(_, rest)| rest);
        let mut numbers = text.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        Some(Version(major, minor))
    }
}

/// The installed version, where it can be seen.
pub(crate) fn installed(root: &Root) -> Option<Fact<String>> {
    let from_database = DATABASES.iter().find_map(|(path, name, version)| in_database(root, path, name, version));
    from_database.or_else(|| PROGRAMS.iter().find_map(|path| in_program(root, path)))
}

/// The version that main.cf sets, which nobody does without a reason.
pub(crate) fn set(main: Option<&MainCf>) -> Option<Fact<String>> {
    let set = main?.settings.get("mail_version")?;
    Version::parse(&set.value).is_some().then(|| Fact::new(set.value.clone(), set.span.clone()))
}

/// The version of the installed package in a database of stanzas.
fn in_database(root: &Root, path: &str, name: &str, version: &str) -> Option<Fact<String>> {
    let file = root.read(path).ok()?;
    let text = file.text();
    let head = format!("{name}postfix\n");
    let start = if text.starts_with(&head) { 0 } else { text.find(&format!("\n{head}"))? + 1 };
    // A stanza ends with an empty line; fields may come in any order.
    let begin = text[..start].rfind("\n\n").map_or(0, |at| at + 2);
    let end = text[start..].find("\n\n").map_or(text.len(), |at| start + at);
    let mut at = begin;
    let mut found = None;
    for line in text[begin..end].split_inclusive('\n') {
        let bare = line.trim_end();
        if bare.starts_with("Status: ") && !bare.ends_with(" installed") {
            return None;
        }
        if let Some(value) = bare.strip_prefix(version).filter(|value| Version::parse(value).is_some()) {
            let from = at + version.len();
            found = Some(Fact::new(upstream(value).to_owned(), file.span(from, from + value.len())));
        }
        at += line.len();
    }
    found
}

/// `3.7.11` of `1:3.7.11-0+deb12u1`.
fn upstream(package: &str) -> &str {
    let bare = package.split_once(':').map_or(package, |(_, rest)| rest);
    bare.split(['-', '+', '~']).next().unwrap_or(bare)
}

/// The version among the strings of a program.
fn in_program(root: &Root, path: &str) -> Option<Fact<String>> {
    let file = root.read(path).ok()?;
    let text = file.text();
    let is_version = |word: &&str| word.len() < 24 && word.contains('.') && Version::parse(word).is_some();
    let found = text.match_indices(MARK).find_map(|(at, _)| {
        let rest = text.get(at + MARK.len()..)?;
        rest.split('\0').next().filter(is_version)
    });
    // A place in a program is no place in a text.
    found.map(|version| Fact::new(version.to_owned(), Origin::File(file.span(0, 0))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::folder;

    fn found(files: &[(&str, &str)]) -> Option<String> {
        let dir = folder(files);
        installed(&Root::open(dir.path()).unwrap()).map(|fact| fact.value)
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(Version::parse("1:3.10.4-1"), Some(Version(3, 10)));
        assert_eq!(Version::parse("3.8.4-r0"), Some(Version(3, 8)));
        assert_eq!(Version::parse("unknown"), None);
        assert!(Version(3, 10) > Version::SRV_LOOKUP);
    }

    #[test]
    fn where_the_version_stands() {
        let status = "Package: exim4\nStatus: install ok installed\nVersion: 4.96-15\n\n\
                      Package: postfix\nStatus: install ok installed\nVersion: 3.7.11-0+deb12u1\n\n";
        assert_eq!(found(&[("/var/lib/dpkg/status", status)]).as_deref(), Some("3.7.11"));
        let removed = status.replace("install ok installed", "deinstall ok config-files");
        assert_eq!(found(&[("/var/lib/dpkg/status", &removed)]), None);
        let installed = "P:musl\nV:1.2.4-r2\n\nC:Q1\nP:postfix\nV:3.8.4-r0\n";
        assert_eq!(found(&[("/lib/apk/db/installed", installed)]).as_deref(), Some("3.8.4"));
        let library = "mail_owner\0postfix\0mail_version\0\x33.5.25\0x";
        assert_eq!(found(&[("/usr/lib64/postfix/libpostfix-global.so", library)]).as_deref(), Some("3.5.25"));
        assert_eq!(found(&[("/usr/sbin/postconf", "mail_version\0%s\0")]), None);
        assert_eq!(found(&[]), None);
    }
}
