//! Command lines as users write them.

use super::*;
use crate::observe::resolver::Transport;
use std::time::Duration;

use super::values::public_ip;

fn read(line: &str) -> Result<Command, String> {
    let args = std::iter::once("helolint").chain(line.split(' ').filter(|word| !word.is_empty()));
    Cli::read(args.map(OsString::from)).map(Cli::into_command).map_err(|error| error.to_string())
}

fn check(line: &str) -> CheckArgs {
    match read(line) {
        Ok(Command::Check(check)) => *check,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_definitions_hold_together() {
    <Cli as CommandFactory>::command().debug_assert();
}

#[test]
fn check_is_the_default_and_options_may_stand_before_a_command() {
    for line in
        ["--root /x --offline", "check --root /x --offline", "--root /x check --offline", "--root=/x --offline check"]
    {
        let check = check(line);
        assert_eq!(check.facts.root, Some(PathBuf::from("/x")), "{line}");
        assert!(check.dns.offline, "{line}");
    }
    assert!(matches!(read("--root /x questions"), Ok(Command::Questions(q)) if q.facts.root == Some("/x".into())));
    assert!(matches!(read("-o s.json snapshot"), Ok(Command::Snapshot(s)) if s.output == Some("s.json".into())));
    // A folder may be named as a command is.
    assert_eq!(check("--root rules").facts.root, Some("rules".into()));
}

#[test]
fn block_lists_are_asked_only_on_request() {
    let lists = |line: &str| check(line).facts.dnsbl.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(lists("check").is_empty());
    assert_eq!(lists("check --dnsbl --no-authoritative"), ["zen.spamhaus.org", "psbl.surriel.com"]);
    assert_eq!(lists("check --dnsbl A.example,b.example"), ["a.example", "b.example"]);
    for line in ["check --dnsbl 127.0.0.1", "check --dnsbl list", "check --dnsbl --offline"] {
        assert!(read(line).is_err(), "{line}");
    }
}

#[test]
fn logs_are_read_only_on_request() {
    let log = |line: &str| match read(line) {
        Ok(Command::Check(check)) => check.log.clone().from(),
        Ok(Command::Snapshot(snapshot)) => snapshot.log.clone().from(),
        other => panic!("{line}: {other:?}"),
    };
    for line in ["check", "snapshot"] {
        assert_eq!(log(line), None);
        assert_eq!(log(&format!("{line} --log")), Some(LogFrom::Host));
        assert_eq!(log(&format!("{line} --log --offline")), Some(LogFrom::Host));
        assert_eq!(log(&format!("{line} --log -")), Some(LogFrom::Stdin));
        assert_eq!(log(&format!("{line} --log mail.log")), Some(LogFrom::File("mail.log".into())));
    }
    for line in ["check --from s --replay --log -", "wait --log", "domains --log"] {
        assert!(read(line).is_err(), "{line}");
    }
}

#[test]
fn evidence_is_of_this_host_and_only_on_request() {
    let asked = check("check --live --port25 mx.example.net:26").evidence;
    assert!(asked.live && asked.port25.is_some_and(|target| target.port == 26));
    let nothing = check("check").evidence;
    assert!(!nothing.sends());
    assert!(check("check --from s --replay --live").evidence.live);
    for line in [
        "check --root /x --live",
        "check --kernel k --live",
        "check --root /x --port25 192.0.2.25",
        "check --from s --port25 192.0.2.25",
    ] {
        assert!(read(line).unwrap_err().contains("cannot be used with"), "{line}");
    }
    assert!(matches!(read("snapshot --live"), Ok(Command::Snapshot(snapshot)) if snapshot.evidence.live));
}

#[test]
fn the_name_alone_asks_for_help() {
    let help = Cli::read(["helolint".into()]).unwrap_err();
    assert_eq!((help.kind(), help.use_stderr()), (clap::error::ErrorKind::DisplayHelp, false));
    assert!(help.to_string().contains("Usage: helolint"));
    assert!(read("plan").unwrap_err().contains("unrecognized subcommand"), "a plan is what to do, not what is asked");
}

#[test]
fn several_words_are_explained() {
    let Ok(Command::Explain(explain)) = read("explain PTR001 helo-not-qualified DNS") else { panic!() };
    assert_eq!(explain.rules, ["PTR001", "helo-not-qualified", "DNS"]);
    assert!(read("explain").is_err());
}

#[test]
fn color_belongs_to_every_command() {
    for line in ["--color always", "check --color always", "explain PTR001 --color always", "rules --color always"] {
        let args = std::iter::once("helolint").chain(line.split(' '));
        assert_eq!(Cli::read(args.map(OsString::from)).unwrap().color(), anstream::ColorChoice::Always, "{line}");
    }
}

#[test]
fn formats_and_files() {
    let targets = |line: &str| check(line).output.targets();
    let file = |name: &str| Some(PathBuf::from(name));
    assert_eq!(targets("check"), [(Format::Human, None)]);
    assert_eq!(targets("-o r.txt"), [(Format::Human, file("r.txt"))]);
    assert_eq!(targets("--format json -o r"), [(Format::Json, file("r"))]);
    assert_eq!(targets("-o -"), [(Format::Human, None)]);
    assert_eq!(targets("--format json -o -"), [(Format::Json, None)]);
    assert_eq!(check("--format json -o -").output.stdout_format(), Some(Format::Json));
    assert_eq!(targets("--format json=r"), [(Format::Json, file("r")), (Format::Human, None)]);
    assert_eq!(targets("--format json=r --format human"), [(Format::Json, file("r")), (Format::Human, None)]);
    assert_eq!(check("--format json=r").output.stdout_format(), Some(Format::Human));
    assert_eq!(check("--format json -o r").output.stdout_format(), None);
    for (line, word) in [
        ("--format json --format human", "only one"),
        ("--format json=- --format human", "only one"),
        ("--format json=r --format human=r", "two formats"),
        ("--format jsn", "did you mean `json`"),
        ("--format json=", "file name"),
    ] {
        assert!(read(line).unwrap_err().contains(word), "{line}");
    }
}

#[test]
fn addresses_with_names_and_ports() {
    for (text, name, server) in [
        ("192.0.2.53", "192.0.2.53", "192.0.2.53:53"),
        ("lab=192.0.2.53:5353", "lab", "192.0.2.53:5353"),
        ("2001:db8::53", "2001:db8::53", "[2001:db8::53]:53"),
        ("x=[2001:db8::53]:5353", "x", "[2001:db8::53]:5353"),
        ("[2001:db8::53]", "[2001:db8::53]", "[2001:db8::53]:53"),
    ] {
        assert_eq!(
            resolver(text),
            Ok(Resolver { name: name.into(), server: server.parse().unwrap(), transport: Transport::Plain }),
            "{text}"
        );
    }
    for text in [
        "dns.example.com",
        "tls://dns.example.com",
        "https://192.0.2.53",
        "tls://192.0.2.53#",
        "tls://192.0.2.53#a b",
        "udp://192.0.2.53",
    ] {
        assert!(resolver(text).is_err(), "{text}");
    }
    let tls = |name: Option<&str>| Transport::Tls { name: name.map(str::to_owned) };
    let https = |name: Option<&str>, path: &str| Transport::Https { name: name.map(str::to_owned), path: path.into() };
    for (text, name, server, transport) in [
        ("tls://192.0.2.53", "tls://192.0.2.53", "192.0.2.53:853", tls(None)),
        ("q=tls://192.0.2.53:8853#dns.example", "q", "192.0.2.53:8853", tls(Some("dns.example"))),
        (
            "tls://[2001:db8::53]#dns.example",
            "tls://[2001:db8::53]#dns.example",
            "[2001:db8::53]:853",
            tls(Some("dns.example")),
        ),
        ("c=https://192.0.2.53/dns-query", "c", "192.0.2.53:443", https(None, "/dns-query")),
        (
            "https://192.0.2.53/a?x=y#d.example",
            "https://192.0.2.53/a?x=y#d.example",
            "192.0.2.53:443",
            https(Some("d.example"), "/a?x=y"),
        ),
    ] {
        assert_eq!(
            resolver(text),
            Ok(Resolver { name: name.into(), server: server.parse().unwrap(), transport }),
            "{text}"
        );
    }
    assert!(public_ip("10.0.0.1=192.0.2.1").is_ok_and(|ip| ip.local.is_some()));
    assert!(public_ip("192.0.2.1").is_ok_and(|ip| ip.local.is_none()));
    assert!(public_ip("10.0.0.1=2001:db8::1").is_err() && public_ip("x").is_err());
}

#[test]
fn unknown_rules_are_errors_with_a_suggestion() {
    assert_eq!(check("--select ptr,PTR001 --ignore ptr-missing").output.rules.select, ["ptr", "PTR001"]);
    assert!(read("--select PTR01").unwrap_err().contains("did you mean `PTR001`"));
}

#[test]
fn times_are_positive_and_bounded() {
    assert_eq!(check("--timeout 0.5").dns.timeout(), Duration::from_millis(500));
    for bad in ["0", "-1", "nan", "inf", "1e9", "x"] {
        assert!(seconds(bad).is_err(), "{bad}");
    }
}

#[test]
fn completions_know_rules_and_formats_and_help_does_not_list_them() {
    for shell in ["bash", "zsh", "fish"] {
        let Ok(Command::Completions(completions)) = read(&format!("completions {shell}")) else { panic!("{shell}") };
        let text = completions.render();
        for word in ["PTR001", "ptr-missing", "sarif"] {
            assert!(text.contains(word), "{word} for {shell}");
        }
    }
    let help = read("check --help").unwrap_err();
    assert!(!help.contains("PTR001,") && help.contains("--select"), "{help}");
}

#[test]
fn a_refused_command_line_says_so_in_the_format_asked_for() {
    let status = |line: &str| {
        let args: Vec<OsString> = std::iter::once("helolint").chain(line.split(' ')).map(OsString::from).collect();
        Cli::read(args.iter().cloned()).map_err(|error| refuse(&error, &args)).err()
    };
    assert_eq!(status("--format nagios --bogus"), Some(3));
    assert_eq!(status("check --bogus --format=nagios"), Some(3));
    assert_eq!(status("--format json --bogus"), Some(2));
    assert_eq!(status("--format nagios=f --bogus"), Some(2));
    assert_eq!(status("--bogus"), Some(2));
    assert_eq!(status("--format nagios --version"), Some(0));
    assert_eq!(status("--format nagios"), None);
}

#[test]
fn what_becomes_what_is_two_addresses_or_two_names() {
    use super::values::mapped;
    for (text, shown) in [
        ("198.51.100.7=203.0.113.10", Some("198.51.100.7=203.0.113.10")),
        ("2001:DB8::7=2001:db8::10", Some("2001:db8::7=2001:db8::10")),
        ("Mail.old.example.=mail.new.example", Some("mail.old.example=mail.new.example")),
        ("198.51.100.7=2001:db8::10", None),
        ("198.51.100.7=mail.new.example", None),
        ("mail.old.example", None),
        ("=mail.new.example", None),
        ("a b=c", None),
    ] {
        assert_eq!(mapped(text).ok().map(|mapped| mapped.to_string()).as_deref(), shown, "{text}");
    }
}

#[test]
fn durations_and_times_as_people_write_them() {
    use super::values::{duration, timestamp};
    for (text, seconds) in [
        ("90s", Some(90)),
        ("30m", Some(1800)),
        ("1h30m", Some(5400)),
        ("2d", Some(172_800)),
        ("45", Some(45)),
        ("0s", None),
        ("8d", None),
        ("1w", None),
        ("m", None),
        ("", None),
        ("99999999999999999999h", None),
    ] {
        assert_eq!(duration(text).ok().map(|time| time.as_secs()), seconds, "{text}");
    }
    assert_eq!(timestamp("2026-12-01T22:00:00+01:00").unwrap().to_string(), "2026-12-01T21:00:00Z");
    assert!(timestamp("2026-12-01 22:00").is_err() && timestamp("tomorrow").is_err());
}
