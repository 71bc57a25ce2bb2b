//! What must hold for every rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Rule, all};

/// Families of codes and the folders that hold them (style: a family is a folder).
const FAMILIES: &[(&str, &str)] = &[
    ("HST", "host"),
    ("NET", "address"),
    ("PTR", "ptr"),
    ("HLO", "helo"),
    ("CFG", "config"),
    ("DNS", "dns"),
    ("MIG", "migration"),
    ("SMT", "live"),
    ("TLS", "live"),
    ("DOM", "domain"),
    ("CPL", "cpanel"),
    ("RBL", "evidence"),
    ("LOG", "evidence"),
];

/// Longest summary, in characters: it is a cell of the README's table.
const SUMMARY_LIMIT: usize = 120;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules")
}

fn family_folder(rule: &Rule) -> &'static str {
    FAMILIES.iter().find(|(family, _)| *family == rule.family()).map(|(_, folder)| *folder).unwrap()
}

/// The files that declare a rule, by folder and name without ending.
fn declaring_files() -> BTreeMap<(String, String), String> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder()).min_depth(2).max_depth(2) {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        if text.lines().any(|line| line.trim() == "rule! {") {
            let family = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
            files.insert((family, path.file_stem().unwrap().to_str().unwrap().to_owned()), text);
        }
    }
    files
}

#[test]
fn codes_and_names_are_unique_and_well_formed() {
    let (mut codes, mut names) = (BTreeSet::new(), BTreeSet::new());
    for rule in all() {
        assert!(codes.insert(rule.code), "{} stands twice", rule.code);
        assert!(names.insert(rule.name), "{} stands twice", rule.name);
        let (family, number) = rule.code.split_at(3);
        assert!(FAMILIES.iter().any(|(known, _)| *known == family), "{}: no such family", rule.code);
        assert!(number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()), "{}: three digits", rule.code);
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(rule.name.bytes().all(plain), "{}: {}", rule.code, rule.name);
    }
    assert!(codes.len() >= 40, "only {} rules", codes.len());
}

#[test]
fn files_are_named_as_their_rules_and_all_are_registered() {
    let mut files = declaring_files();
    for rule in all() {
        let key = (family_folder(rule).to_owned(), rule.name.replace('-', "_"));
        let text = files.remove(&key).unwrap_or_else(|| panic!("{}: no file {}/{}.rs", rule.code, key.0, key.1));
        assert!(text.contains(&format!("code: \"{}\"", rule.code)), "{}/{}.rs declares another code", key.0, key.1);
    }
    let left: Vec<_> = files.into_keys().collect();
    assert!(left.is_empty(), "not registered in all(): {left:?}");
}

#[test]
fn each_rule_explains_itself() {
    let mut faults = Vec::new();
    for rule in all() {
        let summary = rule.summary();
        let sentence = summary.ends_with('.') && summary.chars().count() <= SUMMARY_LIMIT;
        if !sentence || (summary.starts_with(char::is_lowercase) && !summary.starts_with("cPanel")) {
            faults.push(format!("{}: the summary is no sentence of a line: {summary:?}", rule.code));
        }
        for heading in ["Condition", "Why it matters", "Fix", "When to ignore"] {
            if rule.section(heading).is_none_or(|text| text.is_empty()) {
                faults.push(format!("{}: no section {heading:?}", rule.code));
            }
        }
        if rule.refs.is_empty() || rule.refs.iter().any(|reference| reference.trim().is_empty()) {
            faults.push(format!("{}: no references", rule.code));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_order_is_that_of_the_catalogue() {
    let place = |rule: &Rule| (FAMILIES.iter().position(|(family, _)| *family == rule.family()), rule.code);
    let order: Vec<_> = all().map(place).collect();
    assert!(order.is_sorted(), "{order:?}");
}

/// Rules that a host without anything wrong must not meet.
#[test]
fn a_healthy_host_has_no_findings() {
    use super::testing::{dns, findings, healthy};
    let found: Vec<_> = all().flat_map(|rule| findings(rule, &healthy(), &dns(&[]))).collect();
    let said: Vec<_> = found.iter().map(|f| format!("{} {}: {}", f.meta.code, f.subject, f.message)).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn what_is_not_answered_is_never_called_wrong() {
    use super::testing::{dns, findings, healthy};
    use crate::findings::Verdict;
    for silence in ["timeout", "SERVFAIL", "REFUSED"] {
        let silent = dns(&[
            ("mail.example.com A", &[silence]),
            ("mail.example.com AAAA", &[silence]),
            ("mail.example.com MX", &[silence]),
            ("192.0.2.10 PTR", &[silence]),
        ]);
        for finding in all().flat_map(|rule| findings(rule, &healthy(), &silent)) {
            // A server that refuses is seen to do so; no record is called missing by that.
            if ["DNS009", "DNS010"].contains(&finding.meta.code) {
                continue;
            }
            assert_eq!(
                finding.verdict,
                Verdict::Undetermined,
                "{} on {silence}: {}",
                finding.meta.code,
                finding.message
            );
        }
    }
}
