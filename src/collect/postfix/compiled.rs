//! The compiled forms of indexed tables: which file Postfix reads instead of a table's text (postmap(1), DATABASE_README).

use super::main_cf::MainCf;
use super::version::Version;
use crate::collect::root::Root;

/// What decides where a compiled form stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Formats {
    /// The installed version, where it is known.
    pub version: Option<Version>,
    /// Whether the distribution is known to have no Berkeley DB.
    pub without_berkeley_db: bool,
    /// `default_database_type`, where main.cf sets it to what stands in for Berkeley DB.
    pub default_type: Option<String>,
}

/// Where the compiled form of a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// It needs none: the text is read.
    Text,
    /// Here.
    At(String),
    /// It would be here.
    Missing(String),
}

impl Formats {
    /// Those of this host.
    pub(crate) fn read(root: &Root, main: Option<&MainCf>, version: Option<Version>) -> Formats {
        let set = main.and_then(|main| main.settings.get("default_database_type"));
        let default_type = set.map(|set| set.value.clone()).filter(|kind| ["lmdb", "cdb"].contains(&kind.as_str()));
        Formats { version, without_berkeley_db: is_release_10(root), default_type }
    }

    /// Where the compiled form of the table `kind`:`path` is.
    pub(crate) fn form(&self, kind: &str, path: &str, root: &Root) -> Form {
        let at = |ending: &str| format!("{path}{ending}");
        let first = |endings: &[&str]| {
            let found = endings.iter().map(|ending| at(ending)).find(|place| root.exists(place));
            found.map_or_else(|| Form::Missing(at(endings.first().unwrap_or(&""))), Form::At)
        };
        match kind {
            "hash" | "btree" => first(self.berkeley()),
            "lmdb" => first(&[".lmdb"]),
            "cdb" => first(&[".cdb"]),
            // Two files; mail is looked up in both.
            "dbm" | "sdbm" if !root.exists(&at(".dir")) => Form::Missing(at(".dir")),
            "dbm" | "sdbm" => first(&[".pag"]),
            _ => Form::Text,
        }
    }

    /// Endings that a Berkeley DB may have: of those that are there, the first is read.
    fn berkeley(&self) -> &'static [&'static str] {
        let redirects = self.version.is_some_and(|version| version >= Version::WITHOUT_BERKELEY_DB);
        match (self.version, self.default_type.as_deref()) {
            (_, Some("cdb")) if redirects || self.without_berkeley_db => &[".cdb"],
            (_, Some(_)) if redirects => &[".lmdb"],
            _ if self.without_berkeley_db => &[".lmdb"],
            // Whether this build still has Berkeley DB is not seen.
            _ if redirects => &[".lmdb", ".cdb", ".db"],
            (Some(_), _) => &[".db"],
            (None, _) => &[".db", ".lmdb", ".cdb"],
        }
    }
}

/// Whether the distribution is release 10 of Red Hat's line, as far as known the first without Berkeley DB.
fn is_release_10(root: &Root) -> bool {
    let Ok(file) = root.read("/etc/os-release") else { return false };
    file.text().lines().any(|line| line.trim().replace('"', "") == "PLATFORM_ID=platform:el10")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn where_compiled_forms_stand() {
        let version = |text: &str| Formats { version: Version::parse(text), ..Formats::default() };
        let unknown = Formats::default();
        let without = Formats { without_berkeley_db: true, ..version("3.8.5") };
        let lmdb = Formats { default_type: Some("lmdb".into()), ..version("3.11.0") };
        let at = |ending: &str| Form::At(format!("/t{ending}"));
        let missing = |ending: &str| Form::Missing(format!("/t{ending}"));
        for (why, formats, there, kind, expected) in [
            ("as ever", &version("3.7.11"), &[".db"][..], "hash", at(".db")),
            ("another's", &version("3.7.11"), &[".lmdb"], "hash", missing(".db")),
            ("version unknown", &unknown, &[".lmdb"], "hash", at(".lmdb")),
            ("nothing", &unknown, &[], "btree", missing(".db")),
            ("redirected", &version("3.11.0"), &[".lmdb", ".db"], "hash", at(".lmdb")),
            ("perhaps not redirected", &version("3.11.0"), &[".db"], "hash", at(".db")),
            ("redirected for sure", &lmdb, &[".db"], "hash", missing(".lmdb")),
            ("no Berkeley DB", &without, &[".db"], "hash", missing(".lmdb")),
            ("two files", &unknown, &[".pag"], "dbm", missing(".dir")),
            ("both of them", &unknown, &[".pag", ".dir"], "sdbm", at(".pag")),
            ("text", &unknown, &[], "texthash", Form::Text),
        ] {
            let dir = tempfile::tempdir().unwrap();
            there.iter().for_each(|ending| fs::write(dir.path().join(format!("t{ending}")), "").unwrap());
            let root = Root::open(dir.path()).unwrap();
            assert_eq!(formats.form(kind, "/t", &root), expected, "{why}");
        }
    }

    #[test]
    fn the_distribution_says_whether_it_has_berkeley_db() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        let root = || Root::open(dir.path()).unwrap();
        assert!(!is_release_10(&root()));
        fs::write(dir.path().join("etc/os-release"), "ID=\"almalinux\"\nPLATFORM_ID=\"platform:el10\"\n").unwrap();
        assert!(is_release_10(&root()));
    }
}
