//! Which module may use which, and what stands in which module only. Tests alone may look further: items and files that are compiled for them alone.

mod circles;
mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use reading::Source;

/// Each module of the library, and those that it may use.
const KNOWS: &[(&str, &[&str])] = &[
    // The ground floor.
    ("secret", &[]),
    ("source", &["secret"]),
    ("name", &[]),
    ("addr", &["name"]),
    ("escape", &[]),
    ("managers", &[]),
    ("shell", &[]),
    ("sandbox", &[]),
    // Stages.
    ("facts", &["secret", "source", "name", "addr", "managers"]),
    ("collect", &["dkim", "domains", "facts", "secret", "source", "name", "addr", "managers", "sandbox", "tls"]),
    ("identity", &["facts", "name", "addr"]),
    ("tls", &["facts"]),
    ("observe", &["identity", "facts", "name", "addr", "source", "tls"]),
    ("wait", &["observe"]),
    ("spf", &["observe", "name", "addr"]),
    ("dmarc", &["observe", "name"]),
    ("dkim", &["observe"]),
    ("domains", &["dkim", "dmarc", "spf", "facts", "identity", "observe", "name", "addr", "shell"]),
    ("findings", &["facts", "source"]),
    ("merge", &["addr", "findings", "name"]),
    ("providers", &["facts", "observe", "name", "addr"]),
    ("compare", &["facts", "identity", "observe", "name", "addr"]),
    (
        "rules",
        &[
            "dkim",
            "dmarc",
            "domains",
            "spf",
            "compare",
            "facts",
            "identity",
            "observe",
            "findings",
            "providers",
            "name",
            "addr",
            "shell",
            "tls",
        ],
    ),
    ("receivers", &["facts", "identity", "observe", "rules", "name", "addr"]),
    ("replies", &["receivers", "addr"]),
    ("logs", &["replies", "facts", "name", "addr"]),
    (
        "remedy",
        &[
            "collect",
            "facts",
            "identity",
            "managers",
            "observe",
            "findings",
            "providers",
            "rules",
            "receivers",
            "secret",
            "shell",
            "source",
            "name",
            "addr",
        ],
    ),
    (
        "report",
        &[
            "compare",
            "dkim",
            "dmarc",
            "domains",
            "escape",
            "facts",
            "identity",
            "observe",
            "findings",
            "merge",
            "receivers",
            "remedy",
            "source",
            "name",
            "addr",
        ],
    ),
    // Around them.
    ("catalogue", &["escape", "rules", "findings", "receivers", "replies", "report"]),
    ("cli", &["catalogue", "exit", "facts", "name", "observe", "report"]),
    ("exit", &["findings", "report"]),
    ("error", &["escape", "report"]),
    ("output", &["escape", "error", "report"]),
    ("inputs", &["cli", "collect", "error", "output", "report", "settings", "source"]),
    ("process", &["output", "sandbox"]),
    ("progress", &["observe", "output"]),
    ("snapshot", &["dkim", "domains", "escape", "facts", "observe", "name", "report", "secret", "source"]),
    ("schema", &["escape", "collect", "report", "settings", "snapshot"]),
    ("settings", &["catalogue", "cli", "exit", "facts", "findings", "name", "source"]),
    // The only ones that know every stage.
    ("commands", &[ALL]),
    ("fuzzing", &[ALL]),
    ("program", &["cli", "commands", "error", "exit", "output", "process", "report"]),
    ("main", &["program"]),
];

/// Every module, or every room.
const ALL: &str = "*";

/// What opens to the outside or belongs to one job, and the rooms, by the beginning of their paths, in which it may stand. Every crate that the
/// library depends on is listed. Rooms of several files are written with a slash behind them.
const ROOMS: &[(&str, &[&str])] = &[
    // Files, sockets, processes.
    (
        "std::fs",
        &[
            "collect/kernel/",
            "collect/processes/",
            "collect/root/",
            "commands/man.rs",
            "fuzzing/",
            "inputs/",
            "output/",
            "remedy/apply/",
            "sandbox/",
        ],
    ),
    ("std::os::unix::fs", &["collect/processes/", "collect/root/", "inputs/", "output/", "remedy/apply/", "sandbox/"]),
    ("std::os::unix::net", &[]),
    ("std::net::UdpSocket", &["collect/kernel/", "observe/resolver/"]),
    ("std::net::TcpStream", &["observe/smtp/"]),
    ("std::net::TcpListener", &[]),
    ("std::net::ToSocketAddrs", &[]),
    ("std::process", &["main.rs", "remedy/apply/run.rs", "sandbox/"]),
    (
        "nix",
        &[
            "collect/kernel/",
            "collect/processes/",
            "collect/root/",
            "inputs/",
            "observe/resolver/",
            "observe/smtp/",
            "output/",
            "process.rs",
            "remedy/apply/",
            "sandbox/",
        ],
    ),
    ("dns_lookup", &["collect/kernel/"]),
    ("walkdir", &["collect/root/", "inputs/"]),
    ("x509_parser", &["collect/certificates.rs", "collect/key_pairs.rs", "tls/"]),
    ("tokio", &["observe/resolver/", "observe/smtp/"]),
    ("hickory_resolver", &["observe/resolver/"]),
    ("hickory_proto", &["observe/resolver/"]),
    ("rustls", &["observe/resolver/", "observe/smtp/", "tls/"]),
    ("rustls_native_certs", &["observe/resolver/", "tls/"]),
    ("tokio_rustls", &["observe/resolver/", "observe/smtp/"]),
    ("pkcs8", &["dkim/"]),
    ("pkcs1", &["dkim/"]),
    ("rustls_pki_types", &["dkim/"]),
    ("ring", &["dkim/", "domains/zones/"]),
    ("caps", &["sandbox/"]),
    ("landlock", &["sandbox/"]),
    ("seccompiler", &["sandbox/"]),
    // Formats that are read.
    ("pest", &["collect/"]),
    ("pest_derive", &["collect/"]),
    ("foldhash", &["collect/postfix/by_name.rs", "domains/"]),
    ("similar", &["remedy/"]),
    ("xattr", &["remedy/apply/"]),
    ("regex", &["collect/", "replies/", "secret/"]),
    ("memchr", &["logs/"]),
    ("flate2", &["logs/"]),
    ("ruzstd", &["logs/"]),
    ("toml", &["settings/"]),
    ("psl", &["identity/generic/", "name.rs"]),
    // The command line, and what is written.
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("colorchoice_clap", &["cli/"]),
    ("roff", &["catalogue/manual.rs"]),
    ("indicatif", &["progress.rs"]),
    ("anstream", &["cli/", "commands/", "report/style.rs"]),
    ("anstyle", &["report/human/"]),
    ("annotate_snippets", &["report/human/"]),
    ("comfy_table", &["report/human/"]),
    ("terminal_size", &["report/style.rs"]),
    ("maud", &["report/html/", "report/domains/page.rs"]),
    // At home everywhere: derives, JSON, times.
    ("serde", &[ALL]),
    ("schemars", &[ALL]),
    ("thiserror", &[ALL]),
    ("serde_json", &[ALL]),
    ("jiff", &[ALL]),
];

/// Paths of std that hide what is used of them.
const OPAQUE: [&str; 4] = ["std", "std::*", "std::net", "std::net::*"];

fn src() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&src).sort_by_file_name() {
        let path = entry.expect("the sources can be listed").into_path();
        if path.extension().is_some_and(|ext| ext == "rs") {
            let below = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
            files.push((below, fs::read_to_string(path).unwrap()));
        }
    }
    files
}

/// The folder in which the modules of a file stand: `a/b.rs` and `a/b/mod.rs` have theirs in `a/b`.
fn folder(below: &str) -> String {
    let stem = below.trim_end_matches(".rs");
    match stem.rsplit_once('/') {
        Some((folder, "mod")) => folder.to_owned(),
        _ if ["lib", "main", "mod"].contains(&stem) => String::new(),
        _ => stem.to_owned(),
    }
}

/// A tree of sources, by paths below `src`, without files that only tests have.
fn judged(files: &[(String, String)]) -> BTreeMap<&str, Source> {
    let mut read: BTreeMap<&str, Source> =
        files.iter().map(|(below, text)| (below.as_str(), reading::read(text))).collect();
    let mut tests: BTreeSet<String> = BTreeSet::new();
    for (below, source) in &read {
        for name in &source.test_files {
            // What `#[path]` names stands beside the file itself.
            let beside = below.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let place = match name.strip_suffix(".rs") {
                Some(stem) => format!("{beside}{stem}"),
                None => format!("{}/{name}", folder(below)).trim_start_matches('/').to_owned(),
            };
            tests.insert(place);
        }
    }
    read.retain(|below, _| {
        let stem = below.trim_end_matches(".rs");
        !stem.match_indices('/').map(|(at, _)| &stem[..at]).chain([stem]).any(|part| tests.contains(part))
    });
    read
}

/// The faults of a whole tree of sources.
fn faults(files: &[(String, String)]) -> Vec<String> {
    judged(files).iter().flat_map(|(below, source)| faults_of(below, source)).collect()
}

fn faults_of(below: &str, source: &Source) -> Vec<String> {
    let module = below.split('/').next().unwrap().trim_end_matches(".rs");
    if module == "lib" {
        return Vec::new();
    }
    let Some((_, knows)) = KNOWS.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{below}: `{module}` is not in the table")];
    };
    let depth = folder(below).split('/').filter(|part| !part.is_empty()).count();
    let mut faults = BTreeSet::new();
    for path in &source.paths {
        let from_root = match path.iter().take_while(|part| *part == "super").count() {
            0 if path[0] == "crate" => &path[1..],
            climbs if climbs > 0 && climbs >= depth => &path[climbs..],
            _ => &[],
        };
        if let Some(used) = from_root.first() {
            let known = KNOWS.iter().any(|(name, _)| name == used);
            let allowed = *used == module || knows.contains(&used.as_str()) || knows.contains(&ALL);
            if used == "*" || (known && !allowed) {
                faults.insert(format!("{below}: uses crate::{used}"));
            }
        }
        let whole = path.join("::");
        if OPAQUE.contains(&whole.as_str()) {
            faults.insert(format!("{below}: `{whole}` hides what is used of it"));
        }
        for (thing, rooms) in ROOMS {
            let used = whole.strip_prefix(thing).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            if used && !rooms.iter().any(|room| *room == ALL || below.starts_with(room)) {
                faults.insert(format!("{below}: {whole} belongs to {rooms:?}"));
            }
        }
    }
    faults.into_iter().collect()
}

#[test]
fn modules_use_only_what_the_tables_allow() {
    assert_eq!(faults(&src()), Vec::<String>::new());
}

#[test]
fn no_files_know_each_other_in_a_circle() {
    let files = src();
    let judged = judged(&files);
    let found = circles::circles(&judged.iter().map(|(below, source)| (*below, source)).collect());
    assert_eq!(found, Vec::<Vec<String>>::new());
}

#[test]
fn every_dependency_has_its_rooms() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_"));
    let missing: Vec<String> = names.filter(|name| !ROOMS.iter().any(|(thing, _)| thing == name)).collect();
    assert_eq!(missing, Vec::<String>::new(), "not in ROOMS");
}

#[test]
fn each_kind_of_breach_is_seen() {
    for (below, text, fault) in [
        ("rules/x.rs", "use crate::collect::root::Root;", "uses crate::collect"),
        ("rules/x.rs", "use crate::{facts::Facts, collect::{self, root}};", "uses crate::collect"),
        ("rules/x.rs", "use {crate::collect, crate::facts};", "uses crate::collect"),
        ("rules/x.rs", "fn f() -> crate::report::Report { loop {} }", "uses crate::report"),
        ("rules/x.rs", "use crate::*;", "uses crate::*"),
        ("rules/x.rs", "use super::super::collect::root;", "uses crate::collect"),
        ("rules/x.rs", "macro_rules! m { () => { $crate::collect::x() }; }", "uses crate::collect"),
        ("rules/x.rs", "#[cfg(test)]\nmod tests { use crate::report; }\nuse crate::collect::x;", "uses crate::collect"),
        ("rules/x.rs", "#[cfg(test)]\nuse crate::report::a;\nuse crate::collect::b;", "uses crate::collect"),
        ("rules/x.rs", "#[cfg(test)]\nconst A: [u8; 2] = [b'{', 1];\nuse crate::collect::b;", "uses crate::collect"),
        ("rules/x.rs", "const A: &str = \"}\";\nuse crate::collect::b;", "uses crate::collect"),
        ("rules/x.rs", "fn f() { let _ = std::fs::read(\"x\"); }", "std::fs"),
        ("rules/x.rs", "use std::{fs, io};", "std::fs"),
        ("rules/x.rs", "use std::os::unix::fs::symlink;", "std::os::unix::fs"),
        ("rules/x.rs", "use std::net::{IpAddr, UdpSocket};", "std::net::UdpSocket"),
        ("rules/x.rs", "use std::net;", "hides"),
        ("rules/x.rs", "use std::process::Command;", "std::process"),
        ("report/x.rs", "use nix::unistd;", "nix"),
        ("facts/x.rs", "fn f(x: hickory_proto::rr::Name) {}", "hickory_proto"),
        ("observe/plan.rs", "#[tokio::main]\nasync fn main() {}", "tokio"),
        ("stray.rs", "", "not in the table"),
        ("rules/tests.rs", "use crate::collect::x;", "uses crate::collect"),
    ] {
        let found = faults(&[(below.to_owned(), text.to_owned())]);
        assert!(found.len() == 1 && found[0].contains(fault), "{below}: {text}: {found:?}");
    }
}

#[test]
fn what_is_allowed_is_no_breach() {
    for (below, text) in [
        ("rules/x.rs", "use crate::{facts::Facts, rules::{self, Rule}};\nuse super::rule;"),
        (
            "rules/x.rs",
            "//! See [`crate::collect`].\n/* crate::report /* crate::cli */ */\nconst A: &str = \"crate::report\";",
        ),
        (
            "rules/x.rs",
            "const A: &str = r#\"\"crate::report\"#; fn f<'a>(a: &'a str, c: char) -> bool { c == '\\'' || c == '\"' }",
        ),
        (
            "rules/x.rs",
            "#[cfg(test)]\n#[allow(dead_code)]\nmod tests {\n use crate::collect; fn f() { std::fs::read(\"}\"); }\n}",
        ),
        ("rules/x.rs", "#[cfg(test)]\npub(crate) fn f() -> crate::report::Report { x { y } }"),
        ("rules/a/b.rs", "use super::super::names;\nuse std::net::IpAddr;"),
        ("collect/root/mod.rs", "use std::fs::File;\nuse nix::fcntl;"),
        ("commands/x.rs", "use crate::{report, collect};"),
    ] {
        assert_eq!(faults(&[(below.to_owned(), text.to_owned())]), [""; 0], "{text}");
    }
    let tree = [
        ("rules/mod.rs", "#[cfg(test)]\nmod testing;\n#[cfg(test)]\n#[path = \"other.rs\"]\nmod more;"),
        ("rules/testing/mod.rs", "use crate::collect;"),
        ("rules/testing/deep.rs", "use crate::collect;"),
        ("rules/other.rs", "use crate::collect;"),
    ];
    let tree = tree.map(|(below, text)| (below.to_owned(), text.to_owned()));
    assert_eq!(faults(&tree), [""; 0]);
}
