//! Zones that BIND on this host serves from master files that people edit (BIND 9 Administrator Reference Manual, `zone` statement).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pest::Parser;
use pest_derive::Parser;

use crate::collect::root::Root;
use crate::name::DomainName;

/// Its configuration, as packages have it.
const FILES: [&str; 3] = ["/etc/bind/named.conf", "/etc/named.conf", "/usr/local/etc/namedb/named.conf"];
/// Where zones are kept that root alone, or BIND, may write: whoever edits a file in another user's folder may write through that user's link.
const FOLDERS: [&str; 7] = [
    "/etc/bind/",
    "/etc/namedb/",
    "/var/named/",
    "/var/lib/bind/",
    "/var/lib/named/",
    "/var/cache/bind/",
    "/usr/local/etc/namedb/",
];
/// Files of configuration that are read: packages have five, people one for each customer.
const FILE_LIMIT: usize = 1000;
/// Octets of all of them: 20,000 zones take 2 MB.
const OCTET_LIMIT: usize = 4 << 20;
/// Ends of statements and blocks in all of them: 20,000 zones have 120,000, and each takes some hundred octets once it is read.
const ENDS_LIMIT: usize = 400_000;
/// Blocks within each other; four are in use.
const DEPTH_LIMIT: usize = 16;
/// Files that include each other.
const INCLUDE_LIMIT: usize = 8;
/// User ids that distributions keep for the system's own users lie below.
const FIRST_PERSON: u32 = 1000;
/// Permission of everybody to write.
const EVERYONE_WRITES: u32 = 0o002;
/// What may be set of a zone whose file is read as it stands and served to everybody. With other settings it is signed, written or taken from elsewhere,
/// or may be.
const PLAIN: [&str; 22] = [
    "type",
    "file",
    "allow-update",
    "allow-query",
    "allow-query-on",
    "allow-transfer",
    "also-notify",
    "check-names",
    "check-mx",
    "check-integrity",
    "check-sibling",
    "check-srv-cname",
    "check-wildcard",
    "forwarders",
    "masterfile-format",
    "max-zone-ttl",
    "notify",
    "notify-source",
    "notify-source-v6",
    "notify-to-soa",
    "transfer-source",
    "zone-statistics",
];
/// What makes a view one for some alone.
const FOR_SOME: [&str; 3] = ["match-clients", "match-destinations", "match-recursive-only"];

#[derive(Parser)]
#[grammar = "grammar/named_conf.pest"]
struct NamedConf;

/// A statement: its words, and what stands in its blocks.
#[derive(Debug, Default)]
struct Statement {
    words: Vec<String>,
    block: Option<Vec<Statement>>,
}

impl Statement {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn is(&self, name: &str) -> bool {
        self.word(0).eq_ignore_ascii_case(name)
    }
}

/// The statements of a text; `None` where BIND would refuse it.
fn statements(text: &str) -> Option<Vec<Statement>> {
    let file = NamedConf::parse(Rule::file, text).ok()?.next()?;
    // For each block that is open, what stands in it, and the statement that is begun.
    let mut open: Vec<(Vec<Statement>, Statement)> = vec![Default::default()];
    for token in file.into_inner() {
        let (all, begun) = open.last_mut()?;
        match token.as_rule() {
            Rule::word => begun.words.push(token.as_str().to_owned()),
            Rule::quoted => begun.words.push(token.into_inner().as_str().to_owned()),
            Rule::end => all.push(std::mem::take(begun)),
            Rule::open if open.len() < DEPTH_LIMIT => open.push(Default::default()),
            Rule::open => return None,
            Rule::close => {
                let (inside, left) = open.pop()?;
                let (_, outer) = open.last_mut().filter(|_| left.words.is_empty() && left.block.is_none())?;
                outer.block.get_or_insert_default().extend(inside);
            }
            _ => {}
        }
    }
    let (all, left) = open.pop()?;
    (open.is_empty() && left.words.is_empty()).then_some(all)
}

/// What is set outside of a zone and holds for it.
#[derive(Debug, Clone, Copy)]
struct Around<'s> {
    folder: &'s str,
    /// Whether records are changed over the network, unless the zone says otherwise.
    is_dynamic: bool,
    /// Whether not everybody is answered from it.
    is_for_some: bool,
}

/// The configuration, as far as it is read.
struct Reader<'r> {
    root: &'r Root,
    files: usize,
    octets: usize,
    ends: usize,
}

impl Reader<'_> {
    /// The statements of a file, those of included ones in their places. `None` where any of them is not to be read.
    fn read(&mut self, path: &str, depth: usize) -> Option<Vec<Statement>> {
        let file = self.root.read(path).ok()?;
        self.files += 1;
        self.octets += file.text().len();
        self.ends += file.text().bytes().filter(|byte| matches!(byte, b';' | b'{')).count();
        let is_much = self.files > FILE_LIMIT || self.octets > OCTET_LIMIT || self.ends > ENDS_LIMIT;
        if depth > INCLUDE_LIMIT || is_much {
            return None;
        }
        let all = statements(file.text())?;
        self.with_included(all, depth)
    }

    /// An include may stand in every block.
    fn with_included(&mut self, all: Vec<Statement>, depth: usize) -> Option<Vec<Statement>> {
        let mut found = Vec::with_capacity(all.len());
        for mut statement in all {
            if statement.is("include") {
                let named = statement.word(1);
                // A path that is not whole is below BIND's `directory`, or where it was started.
                if !named.starts_with('/') || named.contains(['*', '?', '[']) {
                    return None;
                }
                let named = named.to_owned();
                found.extend(self.read(&named, depth + 1)?);
                continue;
            }
            statement.block = match statement.block.take() {
                Some(block) => Some(self.with_included(block, depth)?),
                None => None,
            };
            found.push(statement);
        }
        Some(found)
    }
}

/// Zones among `names`, and of records below them: with their master file, where it is read at a reload alone, for everybody, and by nothing else.
pub(super) fn zones(root: &Root, names: &BTreeSet<DomainName>) -> BTreeMap<DomainName, Option<String>> {
    let mut reader = Reader { root, files: 0, octets: 0, ends: 0 };
    let read = FILES.iter().find(|file| root.exists(file)).and_then(|file| Some((file, reader.read(file, 0)?)));
    let Some((path, all)) = read else { return BTreeMap::new() };
    let administrator = root.status(path).map_or(0, |status| status.uid);
    let options = all.iter().find(|statement| statement.is("options"));
    let folder = setting(options.and_then(|options| options.block.as_deref()).unwrap_or_default(), "directory");
    let around = around(
        options,
        Around { folder: folder.map_or("", |folder| folder.word(1)), is_dynamic: false, is_for_some: false },
    );
    // By zone: its file in the one view that has it.
    let mut found: BTreeMap<DomainName, Option<String>> = BTreeMap::new();
    // A file of several zones has names that mean another thing in each.
    let mut users: HashMap<String, usize> = HashMap::new();
    let views = all.iter().filter(|statement| statement.is("view"));
    let within = views.map(|view| (view.block.as_deref().unwrap_or_default(), self::around(Some(view), around)));
    for (statements, around) in std::iter::once((all.as_slice(), around)).chain(within) {
        for zone in statements.iter().filter(|statement| statement.is("zone")) {
            let file = file_of(zone, around.folder);
            if let Some(file) = &file {
                *users.entry(file.clone()).or_default() += 1;
            }
            let name = DomainName::new(zone.word(1));
            let is_below = || {
                name.labels().any(|label| label.starts_with('_'))
                    && name.ancestors().skip(1).any(|above| names.contains(&above))
            };
            if names.contains(&name) || is_below() {
                let file = file.filter(|_| is_edited_by_hand(zone, around));
                found.entry(name).and_modify(|known| *known = None).or_insert(file);
            }
        }
    }
    let is_single = |file: &String| users.get(file) == Some(&1) && is_safe(root, file, administrator);
    found.into_iter().map(|(name, file)| (name, file.filter(is_single))).collect()
}

/// Whether nobody but root, the system's users and whoever writes BIND's configuration can put something else in the place of a file while it is
/// edited, and BIND keeps no journal beside it.
fn is_safe(root: &Root, file: &str, administrator: u32) -> bool {
    let Some(folder) = FOLDERS.iter().find(|folder| file.starts_with(**folder)) else { return false };
    let own = |path: &str| {
        root.status(path).is_some_and(|status| {
            (status.uid < FIRST_PERSON || status.uid == administrator) && status.mode & EVERYONE_WRITES == 0
        })
    };
    let mut inner =
        file.match_indices('/').filter_map(|(at, _)| file.get(..at)).filter(|path| path.len() + 1 >= folder.len());
    root.canonical(file).as_deref() == Some(file)
        && root.status(file).is_some_and(|status| status.is_file)
        && own(file)
        && inner.all(own)
        && !root.exists(&format!("{file}.jnl"))
}

fn setting<'s>(block: &'s [Statement], name: &str) -> Option<&'s Statement> {
    block.iter().find(|statement| statement.is(name))
}

/// What holds below `outer` and this block.
fn around<'s>(block: Option<&'s Statement>, outer: Around<'s>) -> Around<'s> {
    let block = block.and_then(|block| block.block.as_deref()).unwrap_or_default();
    Around {
        is_dynamic: setting(block, "allow-update").map_or(outer.is_dynamic, lets_update),
        is_for_some: FOR_SOME.iter().filter_map(|name| setting(block, name)).any(|list| !is_anybody(list)),
        ..outer
    }
}

/// Whether a list of clients is that of all.
fn is_anybody(list: &Statement) -> bool {
    matches!(list.block.as_deref(), Some([one]) if one.is("any"))
}

/// Whether a list of those who may change records lets anybody.
fn lets_update(list: &Statement) -> bool {
    list.block.iter().flatten().any(|one| !one.is("none"))
}

fn file_of(zone: &Statement, folder: &str) -> Option<String> {
    let file = setting(zone.block.as_deref()?, "file")?.word(1);
    match file {
        "" => None,
        _ if file.split('/').any(|part| part == "..") => None,
        _ if file.starts_with('/') => Some(plain_path(file)),
        _ => Some(plain_path(&format!("{folder}/{file}"))),
    }
}

/// A path without parts that lead nowhere: two spellings of one are one.
fn plain_path(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}

/// Whether a zone is a primary one (`master` until BIND 9.14) whose file nobody but people writes.
fn is_edited_by_hand(zone: &Statement, around: Around<'_>) -> bool {
    let block = zone.block.as_deref().unwrap_or_default();
    let is_primary = setting(block, "type")
        .is_some_and(|kind| ["primary", "master"].iter().any(|one| kind.word(1).eq_ignore_ascii_case(one)));
    // The class stands behind the name.
    let is_internet = zone.words.get(2).is_none_or(|class| class.eq_ignore_ascii_case("in"));
    let is_text = setting(block, "masterfile-format").is_none_or(|format| format.word(1).eq_ignore_ascii_case("text"));
    let is_dynamic = setting(block, "allow-update").map_or(around.is_dynamic, lets_update);
    let is_plain = block.iter().all(|one| PLAIN.iter().any(|name| one.is(name)));
    is_primary && is_internet && is_text && !is_dynamic && !around.is_for_some && is_plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], names: &[&str]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = Root::open(dir.path()).unwrap();
        let names = names.iter().map(|name| DomainName::new(name)).collect();
        let told = |(zone, file): (DomainName, Option<String>)| format!("{zone} {}", file.as_deref().unwrap_or("-"));
        zones(&root, &names).into_iter().map(told).collect()
    }

    #[test]
    fn zones_of_debian_s_files() {
        let local = "\
// customers
zone \"a.example\" { type master; file \"/etc/bind/db.a\"; allow-transfer { 192.0.2.2; }; };
zone \"b.example\" IN { type primary; /* below directory */ file \"db.b\"; allow-update { none; }; }; # last
zone \"other.example\" { type master; file \"db.other\"; };
";
        let files = [
            (
                "/etc/bind/named.conf",
                "include \"/etc/bind/named.conf.options\";\ninclude \"/etc/bind/named.conf.local\";\n",
            ),
            ("/etc/bind/named.conf.options", "options { directory \"/var/cache/bind\"; listen-on-v6 { any; }; };\n"),
            ("/etc/bind/named.conf.local", local),
            ("/etc/bind/db.a", ""),
            ("/var/cache/bind/db.b", ""),
        ];
        assert_eq!(
            found(&files, &["a.example", "b.example", "c.example"]),
            ["a.example /etc/bind/db.a", "b.example /var/cache/bind/db.b"]
        );
    }

    #[test]
    fn no_file_that_is_not_to_be_edited_by_hand() {
        let one = |options: &str, zone: &str| {
            let text = format!("options {{ directory \"/var/named\"; {options} }};\n{zone}\n");
            let files = [
                ("/etc/named.conf", text.as_str()),
                ("/etc/updates", "allow-update { key x; };"),
                ("/etc/keys", "managed-keys { x. initial-key 257 3 8 \"AwEA\n  ==\"; };"),
                ("/var/named/a.db", ""),
                ("/home/joe/a.db", ""),
                ("/var/named/j.db", ""),
                ("/var/named/j.db.jnl", ""),
            ];
            let told = found(&files, &["a.example"]);
            told.into_iter().filter(|line| !line.ends_with(" -")).collect::<Vec<_>>()
        };
        let good = "zone \"A.example.\" { type master; file \"a.db\"; };";
        assert_eq!(one("", good), ["a.example /var/named/a.db"]);
        assert_eq!(
            one("allow-update { key x; };", "zone a.example { type master; file \"a.db\"; allow-update { none; }; };")
                .len(),
            1
        );
        for (options, zone) in [
            ("allow-update { key x; };", good),
            ("", "zone \"a.example\" { type slave; file \"a.db\"; };"),
            ("", "zone \"a.example\" { type master; file \"a.db\"; allow-update { 127.0.0.1; }; };"),
            ("", "zone \"a.example\" { type master; file \"a.db\"; update-policy local; };"),
            ("", "zone \"a.example\" { type master; file \"a.db\"; masterfile-format raw; };"),
            ("", "zone \"a.example\" CH { type master; file \"a.db\"; };"),
            ("", "zone \"a.example\" { type master; file \"../home/joe/a.db\"; };"),
            ("", "zone \"a.example\" { type master; file \"/home/joe/a.db\"; };"),
            ("", "zone \"a.example\" { type master; };"),
            ("", "zone \"a.example\" { type master; file \"gone.db\"; };"),
            ("", "zone \"a.example\" { type master; file \"j.db\"; };"),
            ("", "zone \"a.example\" { type master; file \"a.db\"; include \"/etc/updates\"; };"),
            ("", "zone \"a.example\" { type master; file \"a.db\"; inline-signing yes; };"),
            ("", "zone \"a.example\" { type master; template t; file \"a.db\"; };"),
            ("include \"/etc/updates\";", good),
            ("", "view x { match-clients { 10.0.0.0/8; }; zone \"a.example\" { type master; file \"a.db\"; }; };"),
            (
                "",
                "zone \"a.example\" { type master; file \"a.db\"; }; zone \"b.example\" { type master; file \"./a.db\"; };",
            ),
            (
                "",
                "zone \"a.example\" { type master; file \"a.db\"; }; zone \"b.example\" { type master; file \"a.db\"; };",
            ),
            (
                "",
                "view x { zone \"a.example\" { type master; file \"a.db\"; }; }; view y { zone a.example { type master; file b; }; };",
            ),
            ("", "view x { allow-update { any; }; zone \"a.example\" { type master; file \"a.db\"; }; };"),
            ("", "zone \"a.example\" { type master; file \"a.db\"; }; include \"/etc/gone\";"),
            ("", "zone \"a.example\" { type master; file \"a.db\"; }; }"),
            ("", "zone \"a.example\" { type master; file \"a.db; };"),
            ("", "include \"/etc/named.conf\"; zone \"a.example\" { type master; file \"a.db\"; };"),
        ] {
            assert_eq!(one(options, zone), [""; 0], "{options} {zone}");
        }
        let view = "view x { match-clients { any; }; zone \"a.example\" { type master; file \"a.db\"; }; };";
        assert_eq!(one("", view).len(), 1);
        assert_eq!(one("", &format!("include \"/etc/keys\";\n{good}#\n")).len(), 1);
        let deep = format!("x {}{};", "{ ".repeat(50_000), "};".repeat(50_000));
        assert_eq!(one("", &format!("{good} {deep}")), [""; 0]);
    }

    #[test]
    fn more_statements_than_any_server_has_are_not_read() {
        let zone = "zone a.example { type master; file \"/etc/bind/a\"; };\n";
        for (more, told) in [(1_000, 1), (ENDS_LIMIT, 0)] {
            let text = format!("{zone}acl x {{ {} }};\n", "a;".repeat(more));
            let files = [("/etc/bind/named.conf", text.as_str()), ("/etc/bind/a", "")];
            assert_eq!(found(&files, &["a.example"]).len(), told, "{more}");
        }
    }

    #[test]
    fn zones_that_nothing_is_known_of_are_told_apart_from_those_above() {
        let text = "zone a.example { type master; file \"/etc/bind/a\"; };\nzone sub.a.example { type slave; };\n\
                    zone _domainkey.a.example { type master; file x; };\nzone www.a.example { type master; file y; };\n";
        let files = [("/etc/bind/named.conf", text), ("/etc/bind/a", "")];
        assert_eq!(
            found(&files, &["a.example", "sub.a.example"]),
            ["_domainkey.a.example -", "a.example /etc/bind/a", "sub.a.example -"]
        );
    }

    #[test]
    fn no_file_that_somebody_else_may_put_another_in_the_place_of() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("etc/bind/zones");
        std::fs::create_dir_all(&folder).unwrap();
        let text = "zone a.example { type master; file \"/etc/bind/zones/a\"; };";
        std::fs::write(dir.path().join("etc/bind/named.conf"), text).unwrap();
        std::fs::write(folder.join("a"), "").unwrap();
        let look = || {
            let root = Root::open(dir.path()).unwrap();
            zones(&root, &BTreeSet::from([DomainName::new("a.example")])).into_values().flatten().next()
        };
        assert_eq!(look().as_deref(), Some("/etc/bind/zones/a"));
        for path in [&folder, &folder.join("a")] {
            let was = std::fs::metadata(path).unwrap().permissions();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(was.mode() | 0o002)).unwrap();
            assert_eq!(look(), None, "{}", path.display());
            std::fs::set_permissions(path, was).unwrap();
        }
        std::fs::rename(folder.join("a"), folder.join("b")).unwrap();
        symlink("b", folder.join("a")).unwrap();
        assert_eq!(look(), None);
    }
}
