//! Every fix that a scenario's report gives with exact commands or records is carried out on a copy of that scenario, and the
//! host is checked again: the finding must be gone, and no new error come.
//!
//! The commands are carried out by [`host::Host`], which knows the effect of each on files, kernel and zones. A command that it does not
//! know fails the test: advice must be exact.

#[path = "fixes/host.rs"]
mod host;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use host::Host;
use serde_json::Value;

/// Code, subject and severity of what a report found.
type Found = BTreeSet<(String, String, String)>;

/// Rules whose fix on this host stays in words, and why no exact command can be given.
const WORDS: &[(&str, &str)] = &[
    ("CFG001", "what was meant by a line that does not parse"),
    ("CFG002", "which of two values was meant"),
    ("CFG003", "what the undefined parameter was to be"),
    ("CFG004", "what the missing file held"),
    ("CFG007", "which MTA is to go"),
    ("CFG012", "whether the service is still wanted"),
    ("CFG014", "whether the entry is still wanted"),
    ("CFG015", "whether the entry is still wanted"),
    ("CFG021", "whether what is so large is meant to be"),
    ("CPL007", "a setting of WHM's pages"),
    ("CPL011", "a button of WHM, once the PTR record is right"),
    ("CPL012", "which name to choose"),
    ("HLO008", "only the MTA can say"),
    ("HST006", "which name to choose"),
    ("NET002", "which public address it is"),
    ("NET005", "which stable address to choose"),
    ("CPL004", "a button of WHM"),
    ("CFG013", "which of two entries was meant"),
    ("CFG014", "whether the entry goes or gets a later day"),
    ("CFG015", "whether the entry goes or its subject was mistyped"),
    ("CFG016", "which path the entry was meant for"),
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn found(report: &Value) -> Found {
    let findings = report["findings"].as_array().expect("a report has findings");
    findings
        .iter()
        .filter(|f| text(f, "verdict") == "fail")
        .map(|f| (text(f, "code").to_owned(), text(f, "subject").to_owned(), text(f, "severity").to_owned()))
        .collect()
}

fn commands(finding: &Value) -> Vec<String> {
    let commands = finding["fix"]["commands"].as_array().into_iter().flatten();
    commands.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a command only looks, or makes a daemon take over what files say.
fn changes_nothing(command: &str) -> bool {
    let looks = ["postfix check", "exim -bV", "exim -be", "exim4 -bV"];
    looks.iter().any(|look| command.starts_with(look)) || host::is_reload(command)
}

fn scenarios() -> Vec<String> {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts");
    let mut names: Vec<String> = fs::read_dir(hosts)
        .expect("testdata/hosts can be listed")
        .map(|entry| entry.expect("testdata/hosts can be listed"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a plain name"))
        .collect();
    names.sort();
    names
}

/// The commands of every fix that is up to `who`.
fn of(report: &Value, who: &str) -> Vec<String> {
    let findings = report["findings"].as_array().into_iter().flatten();
    findings.filter(|finding| text(&finding["fix"], "who") == who).flat_map(commands).collect()
}

/// The records that a text spells: a ticket names the forward record that must be there before.
fn records(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_record = |five: &&[&str]| five[2] == "IN" && five[1].parse::<u32>().is_ok();
    words.windows(5).filter(is_record).map(|five| five.join(" ").trim_end_matches('.').to_owned()).collect()
}

#[test]
fn every_fix_with_commands_makes_its_finding_go_away() {
    let mut wrong = String::new();
    let (mut tried, mut codes) = (0, BTreeSet::new());
    for scenario in scenarios() {
        let first = Host::copy(&scenario, "first");
        if first.is_replayed() {
            // Nothing can be changed in what was once observed.
            continue;
        }
        let report = first.check();
        let before = found(&report);
        for finding in report["findings"].as_array().expect("a report has findings") {
            let commands = commands(finding);
            let who = text(&finding["fix"], "who");
            let (code, subject) = (text(finding, "code"), text(finding, "subject"));
            let what = format!("{scenario}: {code} {subject}");
            if commands.iter().all(|command| changes_nothing(command)) {
                let excused = who != "host" || WORDS.iter().any(|(known, _)| *known == code);
                if !finding["fix"].is_null() && !excused {
                    writeln!(wrong, "{what}: a fix on this host without a command").unwrap();
                }
                continue;
            }
            tried += 1;
            codes.insert(code.to_owned());
            let mut host = Host::copy(&scenario, code);
            // Whoever holds the address is asked after the zone is right, as the plan has it.
            let first: Vec<String> = match who {
                "ip-owner" => [of(&report, "dns-zone"), records(text(&finding["fix"], "text"))].concat(),
                _ => Vec::new(),
            };
            let failed = first.iter().chain(&commands).find_map(|command| host.carry_out(command).err());
            if let Some(failed) = failed {
                writeln!(wrong, "{what}: {failed}").unwrap();
                continue;
            }
            let report = host.check();
            let after = found(&report);
            let still = report["findings"].as_array().into_iter().flatten();
            if let Some(still) = still.into_iter().find(|f| text(f, "code") == code && text(f, "subject") == subject) {
                writeln!(wrong, "{what}: still there after {commands:?}: {}", text(still, "message")).unwrap();
            }
            for (code, subject, severity) in &after {
                let known = before.iter().any(|(c, s, was)| c == code && s == subject && was == severity);
                if severity == "error" && !known {
                    writeln!(wrong, "{what}: {commands:?} brings the error {code} {subject}").unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    println!("{tried} fixes of {} rules carried out", codes.len());
    assert!(tried >= 100 && codes.len() >= 40, "{tried} fixes of {} rules: {codes:?}", codes.len());
}

/// The commands that set a main option of Exim where its file may hold nothing yet: sed alone would change nothing.
#[test]
fn an_option_gets_into_an_empty_file() {
    let file = "/etc/exim/exim.conf";
    let sed = format!("sed -i '1i primary_hostname = mail.example.com' {file}");
    for text in ["", "# a comment", "# a comment\n"] {
        let mut host = Host::copy("exim-node-name-localhost", "empty");
        host.write(file, text).unwrap();
        assert_eq!(host.carry_out(&sed).is_err(), text.is_empty());
        host.write(file, text).unwrap();
        host.carry_out(&format!(r"printf '%s\n' '' >> {file}")).unwrap();
        host.carry_out(&sed).unwrap();
        assert_eq!(
            host.read(file).unwrap().trim_end(),
            format!("primary_hostname = mail.example.com\n{text}").trim_end()
        );
    }
}

#[test]
fn commands_are_safe_to_paste() {
    for scenario in scenarios() {
        let report = Host::copy(&scenario, "paste").check();
        for finding in report["findings"].as_array().expect("a report has findings") {
            for command in commands(finding) {
                assert_eq!(command.lines().count(), 1, "{scenario}: {command:?}");
                let record = command.starts_with("; ") || command.contains(" IN ");
                if record {
                    continue;
                }
                let words = host::words(&command).unwrap_or_else(|why| panic!("{scenario}: {command}: {why}"));
                assert!(!words.is_empty(), "{scenario}: {command:?}");
            }
        }
    }
}
