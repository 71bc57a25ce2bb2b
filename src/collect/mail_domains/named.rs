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
/// Octets of all of them: 100,000 zones take 10 MB.
const OCTET_LIMIT: usize = 16 << 20;
/// Blocks within each other; four are in use.
const DEPTH_LIMIT: usize = 16;
/// Files that include each other.
const INCLUDE_LIMIT: usize = 8;

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
}

/// The configuration, as far as it is read.
struct Reader<'r> {
    root: &'r Root,
    files: usize,
    octets: usize,
}

impl Reader<'_> {
    /// The statements of a file, those of included ones in their places. `None` where any of them is not to be read.
    fn read(&mut self, path: &str, depth: usize) -> Option<Vec<Statement>> {
        let file = self.root.read(path).ok()?;
        self.files += 1;
        self.octets += file.text().len();
        if depth > INCLUDE_LIMIT || self.files > FILE_LIMIT || self.octets > OCTET_LIMIT {
            return None;
        }
        let all = statements(file.text())?;
        self.with_included(all, path, depth)
    }

    fn with_included(&mut self, all: Vec<Statement>, path: &str, depth: usize) -> Option<Vec<Statement>> {
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
            if statement.is("view") {
                let block = statement.block.take().unwrap_or_default();
                statement.block = Some(self.with_included(block, path, depth)?);
            }
            found.push(statement);
        }
        Some(found)
    }
}

/// Files of zones among `names`, by zone: master files that are read at a reload alone, and that one zone of one view has.
pub(super) fn zones(root: &Root, names: &BTreeSet<DomainName>) -> BTreeMap<DomainName, String> {
    let mut reader = Reader { root, files: 0, octets: 0 };
    let Some(all) = FILES.iter().find(|file| root.exists(file)).and_then(|file| reader.read(file, 0)) else {
        return BTreeMap::new();
    };
    let options = all.iter().find(|statement| statement.is("options"));
    let folder = setting(options.and_then(|options| options.block.as_deref()).unwrap_or_default(), "directory");
    let around = around(options, Around { folder: folder.map_or("", |folder| folder.word(1)), is_dynamic: false });
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
            if names.contains(&name) {
                let file = file.filter(|_| is_edited_by_hand(zone, around));
                found.entry(name).and_modify(|known| *known = None).or_insert(file);
            }
        }
    }
    let is_single =
        |file: &String| users.get(file) == Some(&1) && FOLDERS.iter().any(|folder| file.starts_with(folder));
    found.into_iter().filter_map(|(name, file)| Some((name, file.filter(is_single)?))).collect()
}

fn setting<'s>(block: &'s [Statement], name: &str) -> Option<&'s Statement> {
    block.iter().find(|statement| statement.is(name))
}

/// What holds below `outer` and this block.
fn around<'s>(block: Option<&'s Statement>, outer: Around<'s>) -> Around<'s> {
    let block = block.and_then(|block| block.block.as_deref()).unwrap_or_default();
    Around { is_dynamic: setting(block, "allow-update").map_or(outer.is_dynamic, lets_update), ..outer }
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
        _ if file.starts_with('/') => Some(file.to_owned()),
        _ => Some(format!("{}/{file}", folder.trim_end_matches('/'))),
    }
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
    let is_other = ["update-policy", "database", "dlz", "in-view"].iter().any(|name| setting(block, name).is_some());
    is_primary && is_internet && is_text && !is_dynamic && !is_other
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
        zones(&root, &names).into_iter().map(|(zone, file)| format!("{zone} {file}")).collect()
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
            found(&[("/etc/named.conf", &text)], &["a.example"])
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
        let deep = format!("x {}{};", "{ ".repeat(50_000), "};".repeat(50_000));
        assert_eq!(one("", &format!("{good} {deep}")), [""; 0]);
    }
}
