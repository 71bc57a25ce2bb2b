//! helolint reads how a mail host is configured, asks the DNS what the world sees, and says where the two disagree.
//!
//! # Architecture: data flows one way
//!
//! ```text
//! cli → collect → facts → identity → observe → rules → findings → report
//! ```
//!
//! Each stage hands the next a plain value; nothing downstream reaches back for more. [`commands`] alone know every stage.
//!
//! | stage | from | to |
//! | --- | --- | --- |
//! | [`collect`] | files below a root, the kernel | [`facts::Facts`]: what this host says about itself, each value with its place |
//! | [`identity`] | facts, what the command line puts in their place | outbound paths, the host's names and addresses |
//! | [`observe`] | facts | [`observe::Observations`]: what each server answered, and what is true by that |
//! | [`rules`] | facts, observations | [`findings::Finding`]s; whom to ask for a PTR record, and how, is in [`providers`] |
//! | [`remedy`] | all of these, and the root again | what to do, tried on a copy in memory |
//! | [`receivers`] | paths, observations | what each known receiver will do, and what that stands on |
//! | [`replies`] | an SMTP reply, a bounce, a log line | who says so, what it means, which rules look into it |
//! | [`report`] | all of these | text for people and machines |
//!
//! Few doors open to the outside: [`collect::root`] (files), [`collect::kernel`] (the kernel and the C library),
//! [`observe::resolver`] (the network), and [`inputs`] with [`output`] (the files that the command line names). Each of the first
//! three has a recorded twin: `--root`, `--kernel` and `--zones`, or a snapshot for all of
//! them. So a whole run can be replayed from a folder: that is how the scenarios in `testdata/hosts` work, and how a bug report
//! becomes a test.
//!
//! What is secret is known on the ground floor, [`secret`]: no excerpt of a file and no fact holds a password.
//!
//! An outbound path ([`facts::OutboundPath`]) is the centre of it: one way in which mail leaves this host, with MTA, service,
//! family, source address, the address that receivers see, HELO name and sender domains. A [`observe::Lookup`] keeps "no such
//! record" and "no answer" apart, and a rule that meets the latter gives an undetermined finding.
//!
//! A good order to read: this page, `rules/ptr/ptr_missing.rs`, its scenario in `testdata/hosts`, `observe/plan.rs`,
//! `commands/check.rs`.
#![deny(unsafe_code)]

pub mod addr;
pub mod catalogue;
pub mod cli;
pub mod collect;
pub mod commands;
pub mod error;
pub mod escape;
pub mod exit;
pub mod facts;
pub mod findings;
pub mod identity;
pub mod inputs;
pub mod managers;
pub mod name;
pub mod observe;
pub mod output;
pub mod process;
pub mod progress;
pub mod providers;
pub mod receivers;
pub mod remedy;
pub mod replies;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod schema;
pub mod secret;
pub mod settings;
pub mod snapshot;
pub mod source;

/// The README's example of the library, run as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod layers {
    //! Who knows whom. A module may use those named after it, and std.

    use std::collections::BTreeSet;
    use std::path::Path;

    const TABLE: &[(&str, &[&str])] = &[
        ("secret", &[]),
        ("source", &["secret"]),
        ("name", &[]),
        ("addr", &["name"]),
        ("managers", &[]),
        ("facts", &["secret", "source", "name", "addr", "managers"]),
        ("sandbox", &[]),
        ("collect", &["facts", "secret", "source", "name", "addr", "managers", "sandbox"]),
        ("identity", &["facts", "name", "addr"]),
        ("observe", &["identity", "facts", "name", "addr", "source"]),
        ("findings", &["facts", "source"]),
        ("providers", &["facts", "observe", "name", "addr"]),
        ("rules", &["facts", "identity", "observe", "findings", "providers", "name", "addr"]),
        ("receivers", &["facts", "identity", "observe", "rules", "name", "addr"]),
        ("replies", &["receivers", "addr"]),
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
                "source",
                "name",
                "addr",
            ],
        ),
        (
            "report",
            &["escape", "facts", "identity", "observe", "findings", "receivers", "remedy", "source", "name", "addr"],
        ),
        ("catalogue", &["escape", "rules", "findings", "receivers", "replies", "report"]),
        ("cli", &["catalogue", "exit", "facts", "name", "report"]),
        ("exit", &["findings", "report"]),
        ("error", &["escape", "report"]),
        ("output", &["escape", "error", "report"]),
        ("inputs", &["cli", "collect", "error", "output", "report", "settings", "source"]),
        ("process", &["output", "sandbox"]),
        ("progress", &["observe"]),
        ("snapshot", &["escape", "facts", "observe", "name", "report", "secret"]),
        ("schema", &["escape", "collect", "report", "settings", "snapshot"]),
        ("settings", &["catalogue", "cli", "exit", "facts", "findings", "name", "source"]),
    ];

    /// Crates that stay inside the modules named.
    const KEPT_INSIDE: &[(&str, &[&str])] = &[
        ("hickory_", &["observe/"]),
        ("tokio::", &["observe/resolver"]),
        ("nix::", &["collect/", "inputs/", "output/", "process.rs", "sandbox/"]),
        ("caps::", &["sandbox/"]),
        ("allow(unsafe_code)", &["sandbox/fork.rs"]),
        ("landlock::", &["sandbox/"]),
        ("seccompiler::", &["sandbox/"]),
        ("pest::", &["collect/"]),
        ("clap::", &["cli"]),
    ];

    #[test]
    fn modules_use_only_what_the_table_allows() {
        let mut faults = Vec::new();
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for entry in walkdir::WalkDir::new(&src).sort_by_file_name().into_iter().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|ext| ext != "rs") {
                continue;
            }
            let below = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(path).unwrap();
            // As with the test modules inside other files: tests may look further.
            let is_test = below.ends_with("tests.rs") || below.contains("/tests/");
            if !is_test {
                faults.extend(layer_faults(&below, &text));
            }
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                for (krate, homes) in KEPT_INSIDE {
                    let at_home = homes.iter().any(|home| below.starts_with(home)) || below == "lib.rs" || is_test;
                    // `std::os::unix::` ends like a crate's name.
                    let word = |(at, _): (usize, &str)| !line[..at].ends_with(char::is_alphanumeric);
                    if line.match_indices(krate).any(word) && !at_home {
                        faults.push(format!("{below}: {} belongs to {homes:?}", line.trim()));
                    }
                }
            }
        }
        assert_eq!(faults, Vec::<String>::new());
    }

    /// Uses of other modules, by `crate::name`, that the table does not allow.
    fn layer_faults(below: &str, text: &str) -> Vec<String> {
        let module = below.split('/').next().unwrap().trim_end_matches(".rs");
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
            let free = ["lib", "main", "commands"].contains(&module);
            return if free { Vec::new() } else { vec![format!("{below}: `{module}` is not in the table")] };
        };
        let body = if below.ends_with("/tests.rs") { "" } else { text.split("#[cfg(test)]").next().unwrap() };
        let used: BTreeSet<&str> = body
            .split("crate::")
            .skip(1)
            .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
            .filter(|name| TABLE.iter().any(|(known, _)| known == name))
            .collect();
        let foreign = used.into_iter().filter(|name| *name != module && !allowed.contains(name));
        foreign.map(|name| format!("{below}: uses crate::{name}")).collect()
    }

    #[test]
    fn the_check_sees_a_breach() {
        assert_eq!(layer_faults("rules/x.rs", "use crate::collect::root::Root;"), ["rules/x.rs: uses crate::collect"]);
        assert_eq!(layer_faults("rules/x.rs", "use crate::facts::Facts;"), [""; 0]);
        assert_eq!(layer_faults("stray.rs", "").len(), 1);
    }
}
