//! Every recorded case of testdata/postfix against what the real postconf and a real daemon said of it; the public files
//! of ../shared too, where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use helolint::collect::postfix::defaults::{self, Program};
use helolint::collect::postfix::environment::Environment;
use helolint::collect::postfix::expand::Expander;
use helolint::collect::postfix::main_cf::MainCf;
use helolint::collect::postfix::master_cf::MasterCf;
use helolint::collect::postfix::postconf::{Postconf, squeeze};
use helolint::collect::postfix::process::{Process, Start, Started};
use helolint::collect::root::ReadError;
use helolint::facts::{Fact, Origin};
use helolint::remedy::edit::Edit;
use helolint::source::SourceFile;
use serde_json::Value;

/// The configuration directory, which the recorded answers call `@DIR@`.
const DIRECTORY: &str = "/DIR";
/// master.cf of a case that has none.
const MASTER: &str =
    "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nrelay unix - - y - - smtp\nlmtp unix - - y - - lmtp\n";

/// One recorded case.
struct Case {
    name: String,
    main: Arc<SourceFile>,
    master: Arc<SourceFile>,
    files: BTreeMap<String, String>,
    expected: Value,
}

fn cases(dir: &Path) -> Vec<Case> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".expected.json")?.to_owned()))
        .collect();
    names.sort();
    names.into_iter().map(|name| case(dir, name)).collect()
}

fn case(dir: &Path, name: String) -> Case {
    let read = |ending: &str| fs::read(dir.join(format!("{name}.{ending}"))).ok();
    let opts: Value = read("opts.json").map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
    let files = opts["files"].as_object().into_iter().flatten();
    Case {
        main: SourceFile::new(format!("{DIRECTORY}/main.cf"), read("cf").unwrap()),
        master: SourceFile::new(
            format!("{DIRECTORY}/master.cf"),
            read("master.cf").unwrap_or_else(|| MASTER.as_bytes().to_vec()),
        ),
        files: files.map(|(path, text)| (format!("{DIRECTORY}/{path}"), text.as_str().unwrap().to_owned())).collect(),
        expected: serde_json::from_slice(&read("expected.json").unwrap()).unwrap(),
        name,
    }
}

/// Recorded text in our terms: the folder by its name, bytes that are not UTF-8 as U+FFFD.
fn recorded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        let hex = rest.get(at + 2..at + 4).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        out.push_str(&rest[..at]);
        out.push_str(if hex { "\u{fffd}" } else { "\\x" });
        rest = &rest[at + if hex { 4 } else { 2 }..];
    }
    (out + rest).replace("@DIR@", DIRECTORY)
}

/// Text as a trace of postconf shows it: a question mark for each byte that is not printable ASCII.
fn printable(text: &str) -> String {
    let bytes = text.chars().flat_map(|c| match c {
        '\u{fffd}' => vec![b'?'],
        c => c.to_string().into_bytes(),
    });
    bytes.map(|byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' }).collect()
}

/// The last fatal message, with the first warning that a macro error rests on before it.
fn fatal(messages: &Value) -> Option<String> {
    let all: Vec<(&str, String)> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["level"].as_str().unwrap(), recorded(m["text"].as_str().unwrap())))
        .collect();
    let (_, fatal) = all.iter().rfind(|(level, _)| *level == "fatal")?;
    Some(fatal.clone())
}

fn warnings(messages: &Value) -> BTreeSet<String> {
    let texts = messages.as_array().unwrap().iter().filter(|m| m["level"] == "warning");
    texts.map(|m| recorded(m["text"].as_str().unwrap())).collect()
}

fn environment<'a>(case: &Case, read: &'a dyn Fn(&str) -> Result<Arc<SourceFile>, ReadError>) -> Environment<'a> {
    let hostname = case.expected["hostname"].as_str().unwrap();
    let hosts = [
        ("localhost", "127.0.0.1"),
        ("ip6-localhost", "::1"),
        ("mail1.example.com", "192.0.2.25"),
        ("mail1", "192.0.2.25"),
        ("mail2.example.com", "192.0.2.26"),
        ("mail6.example.com", "2001:db8::25"),
    ];
    let addresses = ["127.0.0.1", "::1", "192.0.2.25", "192.0.2.26", "198.51.100.7", "2001:db8::25", "2001:db8::26"];
    Environment {
        node_name: Some(Fact::new(hostname.to_owned(), Origin::kernel("uname(2)"))),
        addresses: Some(addresses.iter().map(|text| text.parse().unwrap()).collect()),
        hosts: hosts.iter().map(|(name, addr)| ((*name).to_owned(), addr.parse().unwrap())).collect(),
        hosts_are_all: true,
        interfaces: Vec::new(),
        nonlocal_bind: [false; 2],
        version: None,
        users: Some(["root", "daemon", "postfix", "nobody"].map(str::to_owned).to_vec()),
        debian: true,
        read,
    }
}

/// What differs from the record.
fn differences(case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    let read = |path: &str| {
        if path == DIRECTORY {
            return Err(ReadError::NotRegular("a folder"));
        }
        let text = case.files.get(path).ok_or(ReadError::NotFound)?;
        Ok(SourceFile::new(path, text.as_bytes()))
    };
    let env = environment(case, &read);
    let expander = Expander::default();
    let main = MainCf::parse(&case.main);
    let master = MasterCf::parse(&case.master);
    let postconf = Postconf::new(Some(&main), Some(&master), DIRECTORY, &env, &expander);
    let mut differ = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{}: {what}: {ours:?}, recorded {theirs:?}", case.name));
        }
    };

    let expected = &case.expected["main"];
    let ours = postconf.refusals(&env, &expander);
    if expected["rc"] == 0 {
        differ("postconf refuses", format!("{ours:?}"), "[]".into());
    } else if expected["rc"] == 1 {
        // It ends at the first fault that it meets; which one that is depends on its hash table.
        let fatal = fatal(&expected["messages"]).unwrap();
        let all: Vec<String> = warnings(&expected["messages"]).iter().map(|text| printable(text)).collect();
        let is_it = |words: &String| match printable(words).split_once("; macro processing error") {
            Some((warning, _)) => {
                let start = warning.find("nesting: ").map_or(warning.len(), |at| at + 9);
                fatal.ends_with("macro processing error") && all.iter().any(|text| text.starts_with(&warning[..start]))
            }
            None => printable(words) == printable(&fatal),
        };
        if !ours.iter().any(is_it) {
            differ("postconf refuses", format!("{ours:?}"), format!("{fatal}, {all:?}"));
        }
    }
    if expected["rc"] == 0 {
        for (name, value) in expected["expanded"].as_object().unwrap() {
            let Ok(ours) = postconf.exact(name, &expander) else {
                differ(name, "no value".into(), value["value"].to_string());
                continue;
            };
            if let Some(exact) = value["exact"].as_str() {
                differ(name, printable(&ours), printable(&recorded(exact)));
            }
            // The kit's reader of postconf's output takes these two for line ends.
            if !ours.contains(['\u{b}', '\u{c}']) {
                differ(name, squeeze(&ours), recorded(value["value"].as_str().unwrap_or_default()));
            }
        }
        let set = expected["set"].as_object().unwrap();
        for (name, value) in set.iter().filter(|(name, _)| *name != "config_directory") {
            let ours = main.settings.get(name).map(|found| squeeze(&found.value));
            if !main.file.text().contains('\u{b}') {
                differ(name, format!("{ours:?}"), format!("{:?}", Some(recorded(value.as_str().unwrap()))));
            }
        }
        for name in main.settings.keys().filter(|name| defaults::is_parameter(name)) {
            differ("is set", name.clone(), if set.contains_key(name) { name.clone() } else { "is not".into() });
        }
        let all = warnings(&expected["messages"]);
        let own = |text: &&String| ["overriding", "logical line", "read-only"].iter().any(|word| text.contains(word));
        let theirs: BTreeSet<&String> = all.iter().filter(own).collect();
        let ours = main.dropped.iter().chain(&main.warnings).chain(&master.warnings);
        let ours: BTreeSet<String> = ours.map(|w| printable(&w.message)).collect();
        differ("warnings", format!("{ours:?}"), format!("{theirs:?}"));
    }

    let expected = &case.expected["master"];
    if expected["rc"] == 0 {
        let theirs: Vec<String> =
            expected["entries"].as_array().unwrap().iter().map(|e| recorded(e.as_str().unwrap())).collect();
        differ("entries", postconf.entries().join("\n"), theirs.join("\n"));
        let shown = |value: &Value| {
            let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_value(value.clone()).unwrap();
            recorded(&format!("{all:?}"))
        };
        differ("overrides", format!("{:?}", postconf.overrides(None)), shown(&expected["overrides"]));
        match expected["overrides_expanded"].is_null() {
            true => differ("an override", postconf.overrides_fail(&expander).to_string(), "true".into()),
            false => {
                let expanded = format!("{:?}", postconf.overrides(Some(&expander)));
                differ("expanded overrides", expanded, shown(&expected["overrides_expanded"]));
            }
        }
    }

    let expected = &case.expected["daemon_load"];
    let start = Start {
        main: Some(&main),
        directory: DIRECTORY,
        program: Program::Other,
        // Commands, unlike daemons, do not set it.
        process_name: "",
        service_name: "",
        overrides: &[],
    };
    // What one program has loaded is taken over by the others.
    let programs = Started::default();
    let refused = match &main.error {
        Some(error) => Some(error.message.clone()),
        None => Process::start(&start, &programs, &env, &expander).refused.map(|refused| refused.message),
    };
    // A program that follows a value within comparisons of itself for ever ends by a signal, which helolint leaves open; and what is
    // read-only for a daemon is a name like others for a command.
    let died = expected["rc"].as_i64().is_some_and(|status| status < 0);
    let read_only = main.warnings.iter().any(|warning| warning.message.contains("read-only"));
    if !died && !read_only {
        let ours = refused.as_ref().map(|words| printable(words.rsplit("; ").next().unwrap_or(words)));
        let theirs = (expected["rc"] == 1).then(|| printable(&fatal(&expected["messages"]).unwrap()));
        let whole = refused.clone().filter(|words| words.contains("missing")).map(|words| printable(&words));
        let ours = whole.or(ours);
        // Of several faults the first in the order of its tables is told.
        let of_kind = |words: &Option<String>| {
            let begins = ["bad numerical", "bad boolean", "bad string", "parameter ", "invalid "];
            words.as_ref().is_some_and(|words| begins.iter().any(|begin| words.starts_with(begin)))
        };
        if !(ours.is_some() && theirs.is_some() && (of_kind(&ours) || of_kind(&theirs))) {
            differ("a daemon refuses", format!("{ours:?}"), format!("{theirs:?}"));
        }
    }
    let started = &case.expected["started"];
    if started.is_object() && !died && !read_only {
        let as_master = Start { process_name: "master", ..start };
        let own = main
            .error
            .is_none()
            .then(|| Process::start(&as_master, &programs, &env, &expander))
            .and_then(|own| own.refused);
        let own = main.error.as_ref().map(|error| error.message.clone()).or(own.map(|refused| refused.message));
        let by_master = own.as_ref().or(master.error.as_ref().map(|error| &error.message));
        let told = |what: &str, ours: Option<&String>, theirs: &Value| {
            let theirs = theirs.as_str().map(recorded);
            // Who may send through a server is not read here; and the record's own queue directory is none of the case.
            let foreign = ["in parameter smtpd_", "/DIR.queue"];
            if theirs.as_ref().is_some_and(|text| foreign.iter().any(|begin| text.starts_with(begin))) {
                return None;
            }
            // The level is told with its value, which says what was read before it.
            let tells_level = |text: &str| text.starts_with("Invalid TLS level");
            let same = match (ours.map(String::as_str), theirs.as_deref()) {
                (Some(ours), Some(theirs)) if tells_level(ours) && tells_level(theirs) => {
                    printable(ours) == printable(theirs)
                }
                (ours, theirs) => ours.is_some() == theirs.is_some(),
            };
            (!same).then(|| format!("{what} refuses: {ours:?}, recorded {theirs:?}"))
        };
        let mut all: Vec<String> = told("the master", by_master, &started["master"]).into_iter().collect();
        for entry in master.live().filter(|_| by_master.is_none()) {
            let start = Start {
                main: Some(&main),
                directory: DIRECTORY,
                program: Program::of_command(entry.command()),
                process_name: entry.process_name(),
                service_name: entry.name(),
                overrides: &entry.overrides,
            };
            let process = Process::start(&start, &programs, &env, &expander);
            let theirs = &started["services"][entry.name()];
            let crashed = theirs.as_str().is_some_and(|text| text.starts_with("signal or status 11"));
            let ours = entry.error.as_ref().map(|error| &error.message);
            let ours = ours.or(process.refused.as_ref().map(|refused| &refused.message));
            if !crashed && started["services"].get(entry.name()).is_some() {
                all.extend(told(entry.name(), ours, theirs));
            }
        }
        found.extend(all.into_iter().map(|what| format!("{}: {what}", case.name)));
    }
    found
}

fn check(dir: &Path, least: usize) {
    let all = cases(dir);
    assert!(all.len() >= least, "{} cases in {}", all.len(), dir.display());
    let found: Vec<String> = all.iter().flat_map(differences).collect();
    assert!(found.is_empty(), "{} differences in {} cases:\n{}", found.len(), all.len(), found.join("\n"));
}

#[test]
fn hand_made_cases_agree() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/postfix"), 150);
}

#[test]
fn public_files_agree() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/oracle/postfix/real");
    if dir.is_dir() {
        check(&dir, 30);
    }
}

/// Cases recorded elsewhere: `HELOLINT_POSTFIX_CASES=FOLDER` (see tests/generators/postfix_fuzz.rs).
#[test]
fn recorded_elsewhere_agree() {
    if let Some(dir) = std::env::var_os("HELOLINT_POSTFIX_CASES") {
        check(Path::new(&dir), 1);
    }
}

/// What is set in turn in every configuration that Postfix takes.
const WISHES: [(&str, &str); 4] = [
    ("smtp_helo_name", "new.example.com"),
    ("smtp_bind_address", "192.0.2.26"),
    ("smtp_bind_address6", "2001:db8::26"),
    ("myhostname", "other.example.com"),
];

/// Every setting of a file, as text.
fn settings(main: &MainCf) -> BTreeMap<String, String> {
    main.settings.iter().map(|(name, set)| (name.clone(), set.value.clone())).collect()
}

/// Sets HELO name, source addresses and host name as `fix` does; what is not as wished then, and how often nothing could be set.
fn set_in_main(case: &Case) -> (Vec<String>, usize) {
    let (mut found, mut left) = (Vec::new(), 0);
    let read = |path: &str| {
        let text = case.files.get(path).ok_or(ReadError::NotFound)?;
        Ok(SourceFile::new(path, text.as_bytes()))
    };
    let env = environment(case, &read);
    let before = MainCf::parse(&case.main);
    let master = MasterCf::parse(&case.master);
    let mut text = case.main.text().to_owned();
    let mut wished = settings(&before);
    for (parameter, value) in WISHES {
        let edit = Edit::MainCf { parameter: parameter.into(), value: Some(value.into()) };
        let Some(new) = edit.apply(&text) else {
            left += 1;
            continue;
        };
        text = new;
        wished.insert(parameter.to_owned(), value.to_owned());
        let main = MainCf::parse(&SourceFile::new(format!("{DIRECTORY}/main.cf"), text.as_bytes()));
        let expander = Expander::default();
        let postconf = Postconf::new(Some(&main), Some(&master), DIRECTORY, &env, &expander);
        let said = postconf.exact(parameter, &expander).unwrap_or_default();
        if said != value || settings(&main) != wished || main.error.is_some() {
            found.push(format!("{}: {parameter} is {said:?}, {:?}", case.name, settings(&main)));
        }
        let without = Edit::MainCf { parameter: parameter.into(), value: None }.apply(&text).unwrap_or_default();
        let without = settings(&MainCf::parse(&SourceFile::new("main.cf", without.as_bytes())));
        let mut rest = wished.clone();
        rest.remove(parameter);
        if without != rest {
            found.push(format!("{}: without {parameter}: {without:?}", case.name));
        }
    }
    if let Some(folder) = std::env::var_os("HELOLINT_EDITED") {
        let file = |name: &str| Path::new(&folder).join(format!("{}.{name}", case.name));
        for (name, text) in [("before", case.main.text()), ("after", &text), ("master", case.master.text())] {
            fs::write(file(name), text.replace(DIRECTORY, "@DIR@")).unwrap();
        }
        fs::write(file("files"), serde_json::to_string(&case.files).unwrap().replace(DIRECTORY, "@DIR@")).unwrap();
    }
    (found, left)
}

/// The same in the entries of master.cf.
fn set_in_master(case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    let master = MasterCf::parse(&case.master);
    let shown = |master: &MasterCf| -> Vec<(String, String, BTreeMap<String, String>)> {
        let options = |entry: &helolint::collect::postfix::master_cf::Entry| {
            entry.overrides.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect()
        };
        let entries = master.entries.iter();
        entries.map(|entry| (entry.name().to_owned(), entry.fields.join(" "), options(entry))).collect()
    };
    let clients = |entry: &&helolint::collect::postfix::master_cf::Entry| {
        entry.kind() == "unix" && entry.command() == "smtp" && entry.error.is_none()
    };
    for entry in master.live().filter(clients) {
        for (parameter, value) in WISHES {
            let (service, parameter) = (entry.name().to_owned(), parameter.to_owned());
            let edit = Edit::MasterCf { service, parameter: parameter.clone(), value: Some(value.into()) };
            let Some(text) = edit.apply(case.master.text()) else { continue };
            let after = MasterCf::parse(&SourceFile::new(format!("{DIRECTORY}/master.cf"), text.as_bytes()));
            let mut wished = shown(&master);
            let own = wished.iter_mut().rfind(|(name, fields, _)| name == entry.name() && fields.contains(" unix "));
            own.unwrap().2.insert(parameter.clone(), value.to_owned());
            if shown(&after) != wished {
                found.push(format!("{}: {} {parameter}: {:?}", case.name, entry.name(), shown(&after)));
            }
        }
    }
    found
}

#[test]
fn what_is_set_is_read_so_and_nothing_else_changes() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/postfix");
    let public = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/oracle/postfix/real");
    let mut all = cases(&testdata);
    if public.is_dir() {
        all.extend(cases(&public));
    }
    let taken = |case: &&Case| case.expected["main"]["rc"] == 0 && MainCf::parse(&case.main).error.is_none();
    let (mut tried, mut left, mut found) = (0, Vec::new(), Vec::new());
    for case in all.iter().filter(taken) {
        tried += 1;
        let (faults, open) = set_in_main(case);
        found.extend(faults);
        found.extend(set_in_master(case));
        if open > 0 {
            left.push(format!("{} {open}", case.name));
        }
    }
    assert!(found.is_empty(), "{} of {tried}:\n{}", found.len(), found.join("\n"));
    assert!(tried >= 100 && left.len() * 20 <= tried, "{tried} tried, not set: {left:?}");
}
