use super::*;
use crate::cli::{CheckArgs, Cli, Command};

fn read(text: &str) -> Result<Settings, SettingsError> {
    parse(&SourceFile::new("/etc/helolint.toml", text.as_bytes()))
}

const FULL: &str = r#"
[expect]
hostname = "Mail1.example.com."

[[expect.helo]]
service = "bulk"
source = "203.0.113.11"
name = "bulk.example.com"

[[nat]]
local = "10.0.0.5"
public = "203.0.113.5"

[[nat]]
public = "2001:db8::5"

[dns]
resolvers = ["192.0.2.53", "lab=192.0.2.54:5353"]
authoritative = false
timeout = 2.5

[report]
fail_on = "warning"

[rules]
select = ["PTR", "hlo", "CFG001"]
ignore = ["ptr-shared"]
severity = { PTR = "warning", PTR004 = "info", ptr-foreign = "error" }

[[ignore]]
rule = "PTR004"
subject = "203.0.113.10"
reason = "the provider changes no names, ticket 17"
expires = 2027-01-31

[[ignore]]
rule = "DNS"
subject = "*.example.com. A"
reason = "split horizon on purpose"
"#;

#[test]
fn everything_that_can_be_set_is_read() {
    let settings = read(FULL).unwrap();
    assert_eq!(settings.hostname.as_ref().unwrap().as_str(), "mail1.example.com");
    let helo = &settings.helo[0];
    assert_eq!((helo.service.as_deref(), helo.source.unwrap().to_string()), (Some("bulk"), "203.0.113.11".into()));
    assert_eq!(helo.name.origin.describe(), "/etc/helolint.toml:8");
    let nat: Vec<_> = settings.nat.iter().map(|n| (n.local.map(|l| l.to_string()), n.origin.describe())).collect();
    let at = |line: &str| format!("/etc/helolint.toml:{line}");
    assert_eq!(nat, [(Some("10.0.0.5".into()), at("11")), (None, at("15"))]);
    assert_eq!(settings.resolvers[1].name, "lab");
    assert_eq!(settings.authoritative, Some(false));
    assert_eq!(settings.timeout, Some(Duration::from_millis(2_500)));
    assert_eq!(settings.fail_on, Some(FailOn::Warning));
    assert_eq!(settings.select, ["PTR", "hlo", "CFG001"]);
    assert_eq!(settings.ignore_rules, ["ptr-shared"]);
    let severity = |code: &str| settings.severity[code];
    assert_eq!(
        [severity("PTR001"), severity("PTR004"), severity("PTR010")],
        [Severity::Warning, Severity::Info, Severity::Error]
    );
    let days: Vec<_> = settings.ignores.iter().map(|i| i.expires.map(|day| day.to_string())).collect();
    assert_eq!(days, [Some("2027-01-31".into()), None]);
    assert_eq!(settings.ignores[0].origin.describe(), "/etc/helolint.toml:31");
}

#[test]
fn an_empty_file_says_nothing() {
    let settings = read("# nothing yet\n").unwrap();
    assert!(settings.hostname.is_none() && settings.ignores.is_empty() && settings.fail_on.is_none());
}

#[test]
fn faults_have_line_and_suggestion() {
    let ignore = |rest: &str| format!("[[ignore]]\nrule = \"PTR004\"\n{rest}\n");
    let cases: Vec<(String, usize, &str)> = vec![
        ("\n[expcet]\nhostname = \"a\"".into(), 2, "did you mean `expect`"),
        ("[expect]\n\nhostnam = \"a\"".into(), 3, "did you mean `hostname`"),
        ("[dns]\nfrobnicate = 1".into(), 2, "there are `resolvers`, `authoritative`, `timeout`"),
        ("[dns]\nauthoritative = \"no\"".into(), 2, "boolean"),
        ("[dns]\ntimeout = 0".into(), 2, "number of seconds"),
        ("[dns]\ntimeout = nan".into(), 2, "number of seconds"),
        ("[dns]\nresolvers = [\n  \"192.0.2.53\",\n  \"dns.example.com\",\n]".into(), 4, "is no address"),
        ("[expect]\nhostname = \"mail example\"".into(), 2, "no host name"),
        ("[[expect.helo]]\nname = \"a.example.com\"".into(), 2, "which paths"),
        ("[[nat]]\npublic = \"nowhere\"".into(), 2, "not an IP address"),
        ("[[nat]]\nlocal = \"10.0.0.1\"\npublic = \"2001:db8::1\"".into(), 3, "one family"),
        ("[report]\nfail_on = \"warnings\"".into(), 2, "warning"),
        ("[rules]\nselect = [\"PTR04\"]".into(), 2, "did you mean `PTR004`"),
        ("[rules.severity]\nPTR004 = \"fatal\"".into(), 2, "warning"),
        ("[rules.severity]\n\nptr-generik = \"info\"".into(), 3, "did you mean `ptr-generic`"),
        (ignore("subject = \"*\""), 1, "missing field `reason`"),
        (ignore("reason = \"r\""), 1, "missing field `subject`"),
        (ignore("subject = \"*\"\nreason = \" \""), 4, "needs a reason"),
        (ignore("subject = \"\"\nreason = \"r\""), 3, "needs a subject"),
        (ignore("subject = \"*\"\nreason = \"r\"\nexpires = \"2027-01-31\""), 5, ""),
        (ignore("subject = \"*\"\nreason = \"r\"\nexpires = 2027-01-31T10:00:00Z"), 5, "a day is expected"),
        (ignore("subject = \"*\"\nreason = \"r\"\nexpires = 2027-02-30"), 5, ""),
        (
            ignore("subject = \"*\"\nreason = \"r\"\nuntil = 2027-02-28"),
            5,
            "there is no key `until` here, did you mean `expires`",
        ),
        (ignore("code = \"PTR001\""), 3, "there is no key `code` here, did you mean `rule`?"),
        (ignore("comment = \"x\""), 3, "did you mean `reason`?"),
        ("[expect\n".into(), 1, ""),
        ("[dns]\ntimeout = 1\ntimeout = 2".into(), 3, "duplicate"),
    ];
    for (text, line, word) in cases {
        let error = read(&text).expect_err(&text);
        assert_eq!(error.place, format!("/etc/helolint.toml:{line}"), "{text}\n{error}");
        assert!(error.problem.contains(word), "{text}\n{error}");
    }
}

#[test]
fn the_command_line_goes_before_the_settings() {
    let completed = |line: &str| {
        let words = ["helolint", "check"].into_iter().chain(line.split_ascii_whitespace()).map(Into::into);
        let Command::Check(mut args) = Cli::read(words).unwrap().into_command() else { panic!("{line}") };
        let settings = read(FULL).unwrap();
        settings.complete_facts(&mut args.facts);
        settings.complete_dns(&mut args.dns);
        settings.complete_output(&mut args.output);
        *args
    };
    let CheckArgs { facts, dns, output, .. } = completed("");
    assert_eq!(facts.expect_hostname.unwrap().as_str(), "mail1.example.com");
    assert_eq!((facts.nat.len(), facts.expected_helo.len()), (2, 1));
    assert_eq!((dns.timeout(), dns.no_authoritative, dns.resolver.len()), (Duration::from_millis(2_500), true, 2));
    assert_eq!(
        (output.fail_on.value(), output.rules.select.len(), &output.rules.ignore[..]),
        (FailOn::Warning, 3, &["ptr-shared".to_owned()][..])
    );

    let line = "--expect-hostname x.example.com --timeout 10 --resolver 192.0.2.1 --fail-on error --select PTR004";
    let CheckArgs { facts, dns, output, .. } = completed(line);
    assert_eq!(facts.expect_hostname.unwrap().as_str(), "x.example.com");
    assert_eq!((dns.timeout(), dns.resolver.len()), (Duration::from_secs(10), 1));
    assert_eq!(
        (output.fail_on.value(), &output.rules.select[..], output.rules.ignore.len()),
        (FailOn::Error, &["PTR004".to_owned()][..], 0)
    );
    let CheckArgs { output, .. } = completed("--ignore HLO001");
    assert_eq!((output.rules.select.len(), &output.rules.ignore[..]), (3, &["HLO001".to_owned()][..]));
}

#[test]
fn the_settings_are_valid_by_their_schema() {
    let schema = serde_json::to_value(schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    // Days are dates of their own in TOML; as JSON they are text.
    let json: serde_json::Value = toml::from_str(&FULL.replace("2027-01-31", "\"2027-01-31\"")).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for wrong in ["expcet = 1", "[[ignore]]\nrule = \"PTR004\"\nsubject = \"*\"", "[report]\nfail_on = \"never ever\""]
    {
        let json: serde_json::Value = toml::from_str(wrong).unwrap();
        assert!(!validator.is_valid(&json), "{wrong}");
    }
}

#[test]
fn no_text_is_too_much() {
    for text in ["[".repeat(10_000), "a.".repeat(10_000), "x = [".repeat(5_000), "\u{0}\u{fffd}\r".repeat(100)] {
        assert!(read(&text).is_err());
    }
}
