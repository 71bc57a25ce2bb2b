//! Scenarios: the real binary, over one recorded host for each folder of `testdata/hosts`.
//!
//! A folder holds `README.md` (the story), `root/` (the host's files), `kernel` (for `--kernel`), `zones/` (master files
//! for `--zones`), `args` (further arguments, one a line; optional) and `expected/` with `human.txt`, `json` and `status`,
//! compared exactly but for the version of the program; whatever further format has a file there (`sarif`, `junit`, `html`, ...)
//! is compared too. Every file below `root/` has the same time of last change, as git keeps none; `times` (optional) has lines
//! `PATH SECONDS` for those that are so much newer. `HELOLINT_BLESS=1` writes `expected/` anew, further formats where they are and
//! for `IN_ALL_FORMATS`; read the diff before it is committed.
//!
//! `domains` (optional) has the arguments of `helolint domains`, one a line: what that says is compared with `expected/domains.human`,
//! `.json`, `.csv` and `.markdown`.
//!
//! The first line of `README.md` says what is to be found, apart from what the report looks like, and is never written by
//! the harness: `Healthy.` or `Healthy, finds CODES.` (no warning and no error), else `Finds CODES.`. The codes are all
//! those reported, in any order; a question mark stands behind one whose verdict is `undetermined`.

#[path = "../tests/scenario/mod.rs"]
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::{env, fs};

use serde_json::Value;

/// Rules whose finding is always undetermined, as the catalogue says: there is nothing stronger to see of them.
const ALWAYS_UNDETERMINED: [&str; 4] = ["CFG021", "DNS004", "HLO008", "NET002"];
/// Scenarios that the project promises at least.
const SCENARIOS_PROMISED: usize = 45;

/// Formats beside `human` and `json`, which every scenario has.
const FURTHER_FORMATS: [&str; 9] =
    ["sarif", "junit", "nagios", "checkmk", "prometheus", "github", "ndjson", "markdown", "html"];
/// Formats of `helolint domains`, as their files are called.
const DOMAIN_FORMATS: [&str; 6] =
    ["domains.human", "domains.json", "domains.csv", "domains.markdown", "domains.html", "domains.prometheus"];
/// Scenarios that have all formats: nothing wrong in both families, one address wrong, a panel with several findings,
/// something undecided, a configuration that the MTA refuses, findings that the settings take out, planned records, a cache that is
/// behind.
const IN_ALL_FORMATS: [&str; 8] = [
    "postfix-dual-stack",
    "postfix-old-ptr",
    "transfer-10-helo-map-incomplete",
    "helo-undecided",
    "config-syntax",
    "settings-ignore",
    "planned-records",
    "replay-cache-stale",
];

/// Every scenario with what its run gave: all tests look at the same runs.
static ALL: LazyLock<Vec<(Scenario, Run)>> = LazyLock::new(|| {
    Scenario::all()
        .into_iter()
        .map(|scenario| {
            let run = scenario.run();
            (scenario, run)
        })
        .collect()
});

/// A folder of `testdata/hosts`.
struct Scenario {
    name: String,
    dir: PathBuf,
    /// First line of the story.
    claim: String,
    /// Arguments after `check`, formats apart.
    args: Vec<String>,
}

/// What one run gave.
struct Run {
    human: String,
    json: String,
    /// The further formats that are compared, by name, and those of `helolint domains`.
    further: BTreeMap<&'static str, String>,
    status: i32,
}

impl Scenario {
    fn all() -> Vec<Scenario> {
        let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts");
        let mut all: Vec<Scenario> = fs::read_dir(&hosts)
            .expect("testdata/hosts can be listed")
            .map(|entry| entry.expect("testdata/hosts can be listed").path())
            .filter(|dir| dir.is_dir())
            .map(Scenario::read)
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn read(dir: PathBuf) -> Scenario {
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let story = fs::read_to_string(dir.join("README.md")).unwrap_or_else(|e| panic!("{name}/README.md: {e}"));
        let claim = story.lines().next().unwrap_or_default().to_owned();
        let extra = fs::read_to_string(dir.join("args")).unwrap_or_default();
        let mut args: Vec<String> = Vec::new();
        for (option, file) in [("--root", "root"), ("--kernel", "kernel"), ("--zones", "zones")] {
            if dir.join(file).exists() {
                args.extend([option.to_owned(), file.to_owned()]);
            }
        }
        args.extend(extra.lines().map(str::to_owned));
        scenario::set_times(&dir);
        Scenario { name, dir, claim, args }
    }

    /// The codes that the story announces, those with a question mark included as written.
    fn announced(&self) -> BTreeSet<String> {
        let words = self.claim.split(|c: char| c.is_whitespace() || c == ',' || c == '.');
        words.filter(|w| is_code(w.trim_end_matches('?'))).map(str::to_owned).collect()
    }

    fn is_healthy(&self) -> bool {
        self.claim.starts_with("Healthy")
    }

    fn run(&self) -> Run {
        let human = self.check("human");
        let json = self.check("json");
        assert_eq!(human.status.code(), json.status.code(), "{}: the exit status depends on the format", self.name);
        let further = FURTHER_FORMATS.into_iter().filter(|format| self.has(format));
        let further = further.map(|format| (format, self.report(format)));
        Run {
            human: text(&human.stdout),
            json: without_version(&text(&json.stdout)),
            further: further.chain(self.domains()).collect(),
            status: json.status.code().unwrap_or(-1),
        }
    }

    /// Whether a further format is compared.
    fn has(&self, format: &str) -> bool {
        IN_ALL_FORMATS.contains(&self.name.as_str()) || self.expected(format).exists()
    }

    /// The report in a further format.
    fn report(&self, format: &str) -> String {
        let output = self.check(format);
        let errors = text(&output.stderr);
        assert!(errors.is_empty(), "{}: --format {format}: {errors}", self.name);
        without_catalogue(format, &without_version(&text(&output.stdout)))
    }

    /// What `helolint domains` says, where the scenario wants that.
    fn domains(&self) -> Vec<(&'static str, String)> {
        let Ok(args) = fs::read_to_string(self.dir.join("domains")) else { return Vec::new() };
        let said = |format: &str| {
            let mut command = helolint();
            command
                .current_dir(&self.dir)
                .arg("domains")
                .args(&self.args)
                .args(args.lines())
                .args(["--format", format]);
            without_version(&text(&self.output(command).stdout))
        };
        DOMAIN_FORMATS.iter().map(|file| (*file, said(file.trim_start_matches("domains.")))).collect()
    }

    fn check(&self, format: &str) -> Output {
        let mut command = helolint();
        command.current_dir(&self.dir).arg("check").args(&self.args).args(["--color", "never", "--format", format]);
        self.output(command)
    }

    fn output(&self, mut command: Command) -> Output {
        let output = command.output().expect("the binary runs");
        let errors = text(&output.stderr);
        assert!(!errors.contains("panicked"), "{}: {errors}", self.name);
        output
    }

    fn expected(&self, file: &str) -> PathBuf {
        self.dir.join("expected").join(file)
    }
}

/// The binary in a plain environment, so that neither locale, terminal nor settings of this machine matter.
fn helolint() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("COLUMNS", "100");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A report without the version of the program, so that a new one changes no report.
fn without_version(report: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    report.replace(&format!("\"{version}\""), "\"VERSION\"").replace(&format!("helolint {version}"), "helolint VERSION")
}

/// A report without what each report of its format repeats of the catalogue, so that a new rule changes few files. SARIF's list of
/// rules stands in `testdata/hosts/sarif-rules` alone; of Prometheus' series those that are zero are left out.
fn without_catalogue(format: &str, report: &str) -> String {
    match format {
        "sarif" => sarif_parts(report).0,
        "prometheus" => {
            let zero = |line: &str| line.starts_with("helolint_findings{code=") && line.ends_with(" 0");
            report.split_inclusive('\n').filter(|line| !zero(line.trim_end())).collect()
        }
        _ => report.to_owned(),
    }
}

/// A SARIF report without its list of rules and without places in that list, and the list.
fn sarif_parts(report: &str) -> (String, String) {
    let (mut rest, mut rules) = (String::new(), String::new());
    let mut end: Option<String> = None;
    for line in report.split_inclusive('\n') {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        match &end {
            Some(last) => {
                rules.push_str(line);
                if line.trim_end().trim_end_matches(',') == last {
                    end = None;
                }
            }
            None if text.starts_with("\"rules\": [") => {
                rest.push_str(&format!("{indent}\"rules\": the catalogue\n"));
                end = Some(format!("{indent}]"));
            }
            None if text.starts_with("\"ruleIndex\": ") => {
                rest.push_str(&format!("{indent}\"ruleIndex\": its place\n"))
            }
            None => rest.push_str(line),
        }
    }
    (rest, rules)
}

/// Three capital letters and three digits.
fn is_code(word: &str) -> bool {
    let (letters, digits) = word.split_at_checked(3).unwrap_or_default();
    digits.len() == 3 && letters.bytes().all(|b| b.is_ascii_uppercase()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The findings of a JSON report: code, severity, verdict.
fn findings(report: &str, name: &str) -> Vec<(String, String, String)> {
    let report: Value =
        serde_json::from_str(report).unwrap_or_else(|e| panic!("{name}: no JSON report: {e}\n{report}"));
    let list = report["findings"].as_array().unwrap_or_else(|| panic!("{name}: the report has no findings"));
    let field = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    list.iter().map(|f| (field(f, "code"), field(f, "severity"), field(f, "verdict"))).collect()
}

/// The findings of a JSON report of `helolint domains`.
fn domain_findings(report: &str, name: &str) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(report).unwrap_or_else(|e| panic!("{name}: no JSON: {e}\n{report}"));
    let domains = report["domains"].as_array().unwrap_or_else(|| panic!("{name}: no domains"));
    domains.iter().flat_map(|domain| findings(&domain.to_string(), name)).collect()
}

/// The codes of a JSON report, a question mark behind those that are undetermined and not failed as well.
fn codes(report: &str, name: &str) -> BTreeSet<String> {
    let findings = findings(report, name);
    let failed: BTreeSet<&String> = findings.iter().filter(|f| f.2 == "fail").map(|f| &f.0).collect();
    let marked = |code: &String| if failed.contains(code) { code.clone() } else { format!("{code}?") };
    findings.iter().map(|(code, ..)| marked(code)).collect()
}

/// Lines that differ, with three lines of context.
fn diff(expected: &str, actual: &str) -> String {
    let diff = similar::TextDiff::from_lines(expected, actual);
    diff.unified_diff().context_radius(3).header("expected", "actual").to_string()
}

#[test]
fn reports_are_as_expected() {
    let bless = env::var_os("HELOLINT_BLESS").is_some();
    let mut wrong = String::new();
    for (scenario, run) in &*ALL {
        let status = format!("{}\n", run.status);
        let always = [("human.txt", &run.human), ("json", &run.json), ("status", &status)];
        for (file, actual) in always.into_iter().chain(run.further.iter().map(|(format, report)| (*format, report))) {
            let path = scenario.expected(file);
            if bless {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, actual).unwrap();
                continue;
            }
            match fs::read_to_string(&path) {
                Ok(expected) if without_version(&expected) == *actual => {}
                Ok(expected) => {
                    writeln!(wrong, "{}/expected/{file}:\n{}", scenario.name, diff(&expected, actual)).unwrap();
                }
                Err(error) => writeln!(wrong, "{}/expected/{file}: {error}", scenario.name).unwrap(),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}\nHELOLINT_BLESS=1 accepts all of this; read it first.");
}

#[test]
fn the_catalogue_in_reports_is_whole() {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-old-ptr");
    let report = |format| {
        let mut command = helolint();
        command
            .current_dir(&host)
            .args(["check", "--root", "root", "--kernel", "kernel", "--zones", "zones", "--format", format]);
        without_version(&text(&command.output().expect("the binary runs").stdout))
    };
    let sarif = report("sarif");
    let (_, rules) = sarif_parts(&sarif);
    let file = host.with_file_name("sarif-rules");
    if env::var_os("HELOLINT_BLESS").is_some() {
        fs::write(&file, &rules).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(known, rules, "HELOLINT_BLESS=1 accepts it; read it first");
    // Each result leads to its own rule.
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let run = &sarif["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let place = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][place]["id"], result["ruleId"]);
    }
    // Each rule has its two series, whatever was found.
    let prometheus = report("prometheus");
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        let series = format!("helolint_findings{{code=\"{}\",", rule["id"].as_str().unwrap());
        assert_eq!(prometheus.lines().filter(|line| line.starts_with(&series)).count(), 2, "{series}");
    }
}

#[test]
fn stories_announce_exactly_what_is_found() {
    let mut wrong = String::new();
    for (scenario, run) in &*ALL {
        assert!(
            scenario.is_healthy() || scenario.claim.starts_with("Finds "),
            "{}: the first line of README.md says neither `Healthy` nor `Finds`",
            scenario.name
        );
        let (announced, found) = (scenario.announced(), codes(&run.json, &scenario.name));
        if announced != found {
            let missing: Vec<_> = announced.difference(&found).collect();
            let surplus: Vec<_> = found.difference(&announced).collect();
            writeln!(wrong, "{}: announced, not found: {missing:?}; found, not announced: {surplus:?}", scenario.name)
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn healthy_hosts_get_neither_warning_nor_error() {
    let mut healthy = 0;
    for (scenario, run) in ALL.iter().filter(|(scenario, _)| scenario.is_healthy()) {
        healthy += 1;
        for (code, severity, verdict) in findings(&run.json, &scenario.name) {
            assert_eq!(severity, "info", "{}: {code} ({verdict})", scenario.name);
        }
        assert_eq!(run.status, 0, "{}: exit status", scenario.name);
    }
    assert!(healthy > 0);
}

#[test]
fn exit_status_follows_from_the_findings() {
    for (scenario, run) in &*ALL {
        let errors = findings(&run.json, &scenario.name).into_iter().filter(|f| f.1 == "error");
        let verdicts: BTreeSet<String> = errors.map(|f| f.2).collect();
        let status = match (verdicts.contains("fail"), verdicts.contains("undetermined")) {
            (true, _) => 1,
            (false, true) => 3,
            (false, false) => 0,
        };
        assert_eq!(run.status, status, "{}", scenario.name);
    }
}

#[test]
fn every_rule_fails_in_one_scenario_and_is_silent_in_another() {
    let output = helolint().args(["rules", "--format", "json"]).output().expect("the binary runs");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("`rules --format json` prints JSON");
    let mut rules = BTreeSet::new();
    collect_codes(&listed, &mut rules);
    assert!(!rules.is_empty(), "`rules --format json` lists no rule");

    let mut failing: BTreeMap<String, usize> = BTreeMap::new();
    let mut asked = 0;
    for (scenario, run) in &*ALL {
        // What was not checked was not found silent either.
        if scenario.args.iter().any(|a| a == "--offline") {
            continue;
        }
        asked += 1;
        let of_domains = run.further.get("domains.json").map(|report| domain_findings(report, &scenario.name));
        let found = findings(&run.json, &scenario.name).into_iter().chain(of_domains.into_iter().flatten());
        let counts = |f: &(String, String, String)| f.2 == "fail" || ALWAYS_UNDETERMINED.contains(&f.0.as_str());
        for code in found.filter(counts).map(|f| f.0).collect::<BTreeSet<_>>() {
            *failing.entry(code).or_default() += 1;
        }
    }
    let never: Vec<_> = rules.iter().filter(|code| !failing.contains_key(*code)).collect();
    let always: Vec<_> = rules.iter().filter(|code| failing.get(*code) == Some(&asked)).collect();
    assert!(never.is_empty() && always.is_empty(), "fail in no scenario: {never:?}; in every one: {always:?}");
    let unlisted: Vec<_> = failing.keys().filter(|code| !rules.contains(*code)).collect();
    assert!(unlisted.is_empty(), "reported, but not listed by `rules`: {unlisted:?}");
}

fn collect_codes(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(code) = fields.get("code").and_then(Value::as_str).filter(|c| is_code(c)) {
                into.insert(code.to_owned());
            }
            fields.values().for_each(|v| collect_codes(v, into));
        }
        Value::Array(items) => items.iter().for_each(|v| collect_codes(v, into)),
        _ => {}
    }
}

#[test]
fn scenarios_in_all_formats_exist() {
    for name in IN_ALL_FORMATS {
        let found = ALL.iter().find(|(scenario, _)| scenario.name == name);
        let (_, run) = found.unwrap_or_else(|| panic!("no scenario {name}"));
        assert_eq!(
            run.further.keys().filter(|format| FURTHER_FORMATS.contains(format)).count(),
            FURTHER_FORMATS.len(),
            "{name}"
        );
    }
}

#[test]
fn reports_hold_no_control_characters() {
    for (scenario, run) in &*ALL {
        let further = run.further.iter().map(|(format, report)| (report, *format));
        for (report, format) in [(&run.human, "human"), (&run.json, "json")].into_iter().chain(further) {
            let foul: Vec<_> = report.lines().filter(|line| line.chars().any(char::is_control)).collect();
            assert!(foul.is_empty(), "{} ({format}): {foul:?}", scenario.name);
        }
    }
}

#[test]
fn scenarios_that_the_readme_names_exist() {
    let readme = include_str!("../README.md");
    let names =
        readme.split("testdata/hosts/").skip(1).map(|rest| rest.split(['/', ' ', '`']).next().unwrap_or_default());
    let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    for name in names {
        assert!(ALL.iter().any(|(scenario, _)| scenario.name == name), "README.md names testdata/hosts/{name}");
    }
}

#[test]
fn there_are_as_many_scenarios_as_promised() {
    let count = ALL.len();
    assert!(count >= SCENARIOS_PROMISED, "{count}");
}
