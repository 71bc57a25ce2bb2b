//! Which Exim is installed: names that a configuration may use differ by release.

use super::macros::Macros;
use super::words;
use crate::collect::root::Root;

/// What packages are called that hold Exim's version, in Debian's database.
const PACKAGES: [&str; 4] = ["exim4-base", "exim4-daemon-light", "exim4-daemon-heavy", "exim4"];
const DATABASE: &str = "/var/lib/dpkg/status";
/// Where the program is.
const PROGRAMS: [&str; 4] = ["/usr/sbin/exim4", "/usr/sbin/exim", "/usr/exim/bin/exim", "/usr/local/sbin/exim"];
/// What stands in the program for `exim -bV`, before the version as a text of its own.
const MARK: &str = "Exim version %s";

/// The installed version, such as `4.96`; none where no file says it.
pub(crate) fn installed(root: &Root) -> Option<String> {
    of_database(root).or_else(|| PROGRAMS.iter().find_map(|path| of_program(root, path)))
}

/// The version that Debian's generated file names in its macro `MAIN_PACKAGE_VERSION` (`4.96-15+deb12u10`).
pub(crate) fn named(macros: &Macros) -> Option<String> {
    let found = macros.user().iter().find(|found| found.name == "MAIN_PACKAGE_VERSION")?;
    let version = found.value.split(['-', '+', ' ']).next().unwrap_or_default();
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

/// Whether the names of the installed release are listed here: those of every release that Debian has packages of.
pub(crate) fn is_listed(root: &Root, hint: Option<&str>, debian: bool) -> bool {
    match hint.map(str::to_owned).or_else(|| installed(root)) {
        Some(version) => words::is_listed(&version),
        None => debian,
    }
}

/// The version in Debian's package database.
fn of_database(root: &Root) -> Option<String> {
    let file = root.read(DATABASE).ok()?;
    let mut package = "";
    for line in file.text().lines() {
        if let Some(name) = line.strip_prefix("Package: ") {
            package = name.trim();
        } else if let Some(version) = line.strip_prefix("Version: ").filter(|_| PACKAGES.contains(&package)) {
            return upstream(version);
        }
    }
    None
}

/// `4.96` of `4.96-15+deb12u10` or `1:4.96-1`.
fn upstream(version: &str) -> Option<String> {
    let version = version.trim().rsplit(':').next()?;
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    Some(version[..end].trim_end_matches('.').to_owned()).filter(|version| version.contains('.'))
}

/// The version among the texts of the program, where there is one alone.
fn of_program(root: &Root, path: &str) -> Option<String> {
    let file = root.read(path).ok()?;
    if !file.text().contains(MARK) {
        return None;
    }
    let texts = file.text().split(['\0', '\n']).filter(|text| {
        let rest = text.strip_prefix("4.").unwrap_or_default();
        (2..=7).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    let mut found: Vec<&str> = texts.collect();
    found.sort_unstable();
    found.dedup();
    match found[..] {
        [one] => Some(one.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(path: &str, text: &str) -> (tempfile::TempDir, Root) {
        crate::collect::testing::root(&[(path, text)])
    }

    #[test]
    fn the_package_database_and_the_program_say_it() {
        let database = "Package: exim4-config\nVersion: 4.90-1\n\nPackage: exim4-base\nVersion: 4.96-15+deb12u10\n";
        for (path, text, expected) in [
            (DATABASE, database, Some("4.96")),
            (DATABASE, "Package: exim4-base\nVersion: 1:4.98.2-1\n", Some("4.98.2")),
            (DATABASE, "Package: postfix\nVersion: 3.7.11\n", None),
            ("/usr/sbin/exim", "\0Exim version %s #%s built %s\0x\x004.97.1\x004.x\0", Some("4.97.1")),
            ("/usr/sbin/exim", "\x004.97.1\0", None),
            ("/usr/sbin/exim", "Exim version %s\x004.97\x004.98\0", None),
            ("/usr/sbin/exim", "", None),
        ] {
            let (_dir, root) = root(path, text);
            assert_eq!(installed(&root).as_deref(), expected, "{path} {text:?}");
        }
    }

    #[test]
    fn what_is_listed_is_decided_by_the_version_else_by_debian() {
        let (_dir, empty) = root("/etc/hosts", "");
        for (hint, debian, listed) in
            [(Some("4.96"), false, true), (Some("5.1"), true, false), (None, true, true), (None, false, false)]
        {
            assert_eq!(is_listed(&empty, hint, debian), listed, "{hint:?} {debian}");
        }
    }
}
