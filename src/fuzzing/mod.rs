//! What fuzzers call: one function for each grammar, evaluator and format that reads what strangers write. `fuzz/` gives them to
//! libFuzzer; the tests here give each its seeds, and texts near them that are the same in every run.
//!
//! A target never fails on what it is given, whatever that is: it panics where a promise is broken, and that is what is looked for.

mod policies;
pub mod seeds;
#[cfg(test)]
mod tests;
mod world;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::Cli;
use crate::collect::{self, kernel, lsearch};
use crate::dkim::KeyFile;
use crate::facts::{Moved, Overrides};
use crate::findings::KnownFindings;
use crate::merge::{self, Document, Merger};
use crate::name::DomainName;
use crate::observe::Observations;
use crate::observe::plan::Plan;
use crate::observe::recorded::Zones;
use crate::observe::resolver::wire::{self, HEADER, IdGenerator, QueryOptions, Reading};
use crate::observe::smtp;
use crate::observe::source::{Answers, Source};
use crate::observe::{Outcome, Question, RECORDS, RecordType};
use crate::report::{MergedFormat, MergedReport, Style};
use crate::sandbox::Message;
use crate::secret::{self, Syntax};
use crate::source::SourceFile;
use crate::tls::Certificate;
use crate::{compare, identity, logs, replies, settings, shell, snapshot};

pub use policies::{dkim_record, dmarc_record, spf};
use world::{look_at, text, with_host};

/// What is done with an input.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("arguments", arguments),
    ("baseline", baseline),
    ("certificate", certificate),
    ("cpanel_map", cpanel_map),
    ("dkim_record", dkim_record),
    ("dmarc_record", dmarc_record),
    ("dns_message", dns_message),
    ("exim_config", exim_config),
    ("exim_expand", exim_expand),
    ("host_file", host_file),
    ("kernel", kernel),
    ("log", log),
    ("map", map),
    ("merge", merge),
    ("panel_map", panel_map),
    ("pipe", pipe),
    ("plan", plan),
    ("postfix_main", postfix_main),
    ("postfix_map", postfix_map),
    ("postfix_master", postfix_master),
    ("reply", reply),
    ("secrets", secrets),
    ("settings", settings),
    ("signers", signers),
    ("smtp", smtp),
    ("snapshot", snapshot),
    ("spf", spf),
    ("zone", zone),
];

/// Files of cPanel; the first octet of an input chooses one.
const CPANEL_FILES: [&str; 8] = [
    "/etc/mailips",
    "/etc/mailhelo",
    "/etc/userdomains",
    "/var/cpanel/cpnat",
    "/etc/exim.conf.localopts",
    "/etc/wwwacct.conf",
    "/etc/mail_reverse_dns",
    "/etc/ips",
];
/// Maps of other panels, with a host that has them; the first octet of an input chooses one.
const PANEL_FILES: [(&str, &str); 5] = [
    ("directadmin-two-addresses", "/etc/virtual/domainips"),
    ("directadmin-two-addresses", "/etc/virtual/helo_data"),
    ("directadmin-two-addresses", "/etc/virtual/domains"),
    ("hestia-two-addresses", "/etc/exim4/domains/news.example.com/ip"),
    ("hestia-two-addresses", "/etc/exim4/domains/news.example.com/smtp_relay.conf"),
];
/// Files that every host has; the first octet of an input chooses one.
const HOST_FILES: [&str; 6] =
    ["/etc/hosts", "/etc/hostname", "/etc/mailname", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/os-release"];
/// The files of a host that a plan edits; the first octet of an input chooses one.
const PLANNED_FILES: [(&str, &str); 4] = [
    ("postfix-old-ptr", "/etc/postfix/main.cf"),
    ("postfix-old-ptr", "/etc/postfix/master.cf"),
    ("postfix-old-ptr", "/etc/hosts"),
    ("exim-node-name-localhost", "/etc/exim/exim.conf"),
];

/// A file of `files`, and what it holds.
fn chosen<'d, T: Copy>(files: &[T], data: &'d [u8]) -> Option<(T, &'d [u8])> {
    let (which, data) = data.split_first()?;
    // The numbers of seeds are digits.
    Some((files[usize::from(which.wrapping_sub(b'0')) % files.len()], data))
}

/// A command line, one word a line.
pub fn arguments(data: &[u8]) {
    let text = text(data);
    let words = text.lines().map(Into::into);
    if let Ok(cli) = Cli::read(std::iter::once("helolint".into()).chain(words)) {
        let _ = cli.into_command().stdout_format();
    }
}

/// A file of `--baseline`.
pub fn baseline(data: &[u8]) {
    let _ = KnownFindings::read(&text(data));
}

/// A file that a configuration names as a certificate.
///
/// # Panics
/// Where a name is no name.
pub fn certificate(data: &[u8]) {
    if let Some((names, _)) = collect::certificates::names_in(&text(data)) {
        assert!(names.iter().all(|name| !name.is_empty() && name.len() <= 255), "{names:?}");
    }
    // As a server sends it, and as a key.
    if let Some(read) = Certificate::read(data) {
        assert!(read.names.iter().all(|name| (1..=255).contains(&name.len())), "{read:?}");
        assert!(!read.title().is_empty());
    }
    let _ = KeyFile::new(data.to_vec()).belongs_to(data);
}

/// What an SMTP server sends: replies, one after the other.
///
/// # Panics
/// Where a reply is none, or larger than the bounds allow.
pub fn smtp(data: &[u8]) {
    let mut octets = 0;
    for reply in smtp::replies(data) {
        assert!((200..600).contains(&reply.code) && (1..=smtp::LINES).contains(&reply.lines.len()), "{reply:?}");
        // What is no UTF-8 becomes a sign of three octets.
        assert!(reply.lines.iter().all(|line| line.len() <= 3 * smtp::LINE), "{reply:?}");
        octets += reply.lines.len();
        let _ = (reply.name(), reply.offers("STARTTLS"), reply.to_string());
    }
    assert!(octets <= data.len());
}

/// Maps and settings of cPanel.
pub fn cpanel_map(data: &[u8]) {
    let Some((path, data)) = chosen(&CPANEL_FILES, data) else { return };
    with_host("cpanel-nat", |host| host.check(&[(path, &text(data))]));
}

/// What a name server answers: any packet, and the same behind the question that was asked.
///
/// # Panics
/// Where more records of a set are kept than may be.
pub fn dns_message(data: &[u8]) {
    use RecordType::{A, Aaaa, Cname, Mx, Ns, Ptr, Soa, Txt};
    for rtype in [A, Aaaa, Ptr, Mx, Txt, Cname, Ns, Soa] {
        let question = Question { name: DomainName::new("mail.example.com"), rtype };
        for cased in [false, true] {
            let query = QueryOptions { recurse: true, edns: false, cased };
            let Some(asked) = wire::ask(0, &question, query, &mut IdGenerator::default()) else { continue };
            let (counts, rest) = data.split_at(data.len().min(6));
            let counts: Vec<u8> = counts.iter().copied().chain([0; 6]).take(6).collect();
            let behind = [&[0, 0, 0x81, 0x80, 0, 1][..], &counts, &asked.bytes[HEADER..], rest].concat();
            for packet in [data, &behind] {
                let _ = wire::reply_id(packet);
                let Reading::Response(response) = wire::read(packet, &asked, &mut wire::Names::default()) else {
                    continue;
                };
                let Outcome::Answer(answer) = &response.outcome else { continue };
                let mut sets: HashMap<_, usize> = HashMap::new();
                for record in &answer.records {
                    let kept = sets.entry((record.name.clone(), record.data.rtype())).or_default();
                    *kept += 1;
                    assert!(*kept <= RECORDS, "{question:?}");
                }
            }
        }
    }
}

/// A configuration of Exim: macros, conditions, includes, sections.
pub fn exim_config(data: &[u8]) {
    with_host("exim-almalinux", |host| host.check(&[("/etc/exim/exim.conf", &text(data))]));
}

/// Strings that Exim expands: items, operators, conditions, lookups, lists. What stands before the first line end is a HELO name, the
/// rest is an interface.
pub fn exim_expand(data: &[u8]) {
    let text = text(data);
    let (helo, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let one = |text: &str| text.replace(['\n', '\r'], " ");
    let (helo, rest) = (one(helo), one(rest));
    let config = format!(
        "primary_hostname = mail.example.com\ndomainlist l = {rest}\nbegin routers\nr:\n  driver = dnslookup\n  \
         condition = ${{if eq{{a}}{{{helo}}}}}\n  transport = t\nbegin transports\nt:\n  driver = smtp\n  \
         helo_data = {helo}\n  interface = {rest}\n"
    );
    let map = "a: b\n*: c d\n*.example.com: 192.0.2.1\n";
    with_host("exim-almalinux", |host| host.check(&[("/etc/exim/exim.conf", &config), ("/etc/map", map)]));
}

/// Files of the system that every host has.
pub fn host_file(data: &[u8]) {
    let Some((path, data)) = chosen(&HOST_FILES, data) else { return };
    with_host("postfix-plain", |host| host.check(&[(path, &text(data))]));
}

/// What the kernel said, recorded (`--kernel`).
///
/// # Panics
/// Where what is recorded anew cannot be read.
pub fn kernel(data: &[u8]) {
    if let Ok(facts) = kernel::from_file(&text(data)) {
        let again = serde_json::to_string(&kernel::recording(&facts)).expect("a recording is JSON");
        kernel::from_file(&again).expect("what was recorded can be read");
    }
}

/// Mail logs and journals, packed or not, and what is judged by them.
///
/// # Panics
/// Where what is kept of a log is unbounded, or an event counts that is outside of the days that do.
pub fn log(data: &[u8]) {
    let now = 1_795_867_200;
    let deadline = Instant::now() + Duration::from_secs(600);
    let how = logs::How { now, until: Some(now), zone: Some(TimeZone::UTC), exim_zone: None, deadline };
    let source = |modified| logs::Source { name: "log".to_owned(), reader: data, modified };
    for (sources, until) in [
        (vec![source(Some(now))], Some(now)),
        (vec![source(None)], None),
        (vec![source(Some(0)), source(Some(now))], None),
    ] {
        let log = logs::read(sources, &logs::How { until, ..how.clone() });
        assert!(log.refusals.len() <= 2000 && log.departures.len() <= 2000 && log.unread.len() <= 6);
        for refused in &log.refusals {
            assert!(refused.count > 0 && refused.first <= refused.last && refused.last >= log.since, "{refused:?}");
            assert!(
                refused.words.chars().count() <= 160 && !refused.words.contains('@') && refused.hosts.len() <= 8,
                "{refused:?}"
            );
        }
        with_host("postfix-plain", |host| {
            let mut facts = host.facts(&[]);
            facts.log = Some(Arc::new(log));
            look_at(&facts, &Observations::offline());
        });
    }
}

/// Tables of keys and values that Exim and cPanel look up.
pub fn map(data: &[u8]) {
    let contents = lsearch::read(&SourceFile::new("/etc/map", data));
    assert!(contents.entries.len() <= lsearch::ENTRY_LIMIT);
}

/// Maps of DirectAdmin and Hestia: read, and compared with those of a host before it moved.
///
/// # Panics
/// Where a host and itself differ.
pub fn panel_map(data: &[u8]) {
    let Some(((host, path), data)) = chosen(&PANEL_FILES, data) else { return };
    with_host(host, |host| {
        let [plain, other] = [host.facts(&[]), host.facts(&[(path, &text(data))])];
        for (old, new, same) in [(&plain, &other, false), (&other, &plain, false), (&other, &other, true)] {
            let sought = compare::sought(old, new);
            let (old, taken, map) = (old.clone(), String::new(), Vec::new());
            let (domains, open) = (Vec::new(), Vec::new());
            let moved = Moved { old, taken, answers: Default::default(), map, sought, domains, open };
            let changes = compare::changes(&moved, new, &Default::default());
            assert!(!same || changes.is_empty(), "{changes:?}");
        }
    });
}

/// Settings of OpenDKIM, rspamd and amavis.
pub fn signers(data: &[u8]) {
    collect::read_signers(&text(data));
}

/// What the process that reads answers hands back: the one thing of it that root reads.
///
/// # Panics
/// Where a message does not survive being written and read.
pub fn pipe(data: &[u8]) {
    if let Some(message) = Message::decoded(data) {
        assert_eq!(Message::decoded(&message.encoded()), Some(message));
    }
}

/// A plan for a host with such a file: its edits, tried on a copy, and its commands.
pub fn plan(data: &[u8]) {
    let Some(((host, path), data)) = chosen(&PLANNED_FILES, data) else { return };
    with_host(host, |host| host.plan(&[(path, &text(data))]));
}

/// main.cf: lines, parameters, what they stand for, tables inline.
pub fn postfix_main(data: &[u8]) {
    with_host("postfix-plain", |host| host.check(&[("/etc/postfix/main.cf", &text(data))]));
}

/// Tables of Postfix that choose a route by sender: text, pcre, regexp, cidr.
pub fn postfix_map(data: &[u8]) {
    const MAIN: &str = "myhostname = mail.example.com\ncompatibility_level = 3.6\n\
        sender_dependent_relayhost_maps = texthash:/etc/postfix/by\n\
        sender_dependent_default_transport_maps = pcre:/etc/postfix/by, regexp:/etc/postfix/by\n\
        transport_maps = texthash:/etc/postfix/by, cidr:/etc/postfix/by\n";
    with_host("postfix-plain", |host| host.check(&[("/etc/postfix/main.cf", MAIN), ("/etc/postfix/by", &text(data))]));
}

/// master.cf: services and their options.
pub fn postfix_master(data: &[u8]) {
    with_host("postfix-plain", |host| host.check(&[("/etc/postfix/master.cf", &text(data))]));
}

/// SMTP replies, bounces and log lines (`explain --reply`).
pub fn reply(data: &[u8]) {
    let _ = replies::recognise(&text(data));
}

/// What is secret in a file, and what a shell makes of words.
///
/// # Panics
/// Where places overlap or cut a character, or a word does not come back from the shell's quotes.
pub fn secrets(data: &[u8]) {
    const FILES: [(&str, Syntax); 3] = [
        ("/etc/postfix/main.cf", Syntax::Postfix),
        ("/etc/exim/exim.conf", Syntax::Exim),
        ("/etc/exim.conf.localopts", Syntax::Plain),
    ];
    let text = text(data);
    for (path, syntax) in FILES {
        let found = secret::scan(path, &text, syntax, &["x".to_owned()].into());
        let mut end = 0;
        for range in &found.ranges {
            assert!(range.start >= end && text.get(range.clone()).is_some(), "{range:?}");
            end = range.end;
        }
        let _ = secret::replace(&text, &found.ranges);
        let texts = found.ranges.iter().map(|range| &text[range.clone()]);
        let _ = secret::Known::new(texts).mask(&text);
    }
    let quoted = shell::quoted(&text);
    let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    assert_eq!(inner.map(|inner| inner.replace("'\\''", "'")).as_deref(), Some(&*text));
}

/// The settings file.
pub fn settings(data: &[u8]) {
    let _ = settings::parse(&SourceFile::new("/etc/helolint.toml", data));
}

/// Reports for `helolint merge`.
///
/// # Panics
/// Where the line of a fault is not in the text.
pub fn merge(data: &[u8]) {
    let text = text(data);
    let mut merger = Merger::default();
    let read = merge::read(&text, Timestamp::MAX, |document| match document {
        Document::Report(host) => merger.add("report", host),
        Document::Snapshot(part) => assert!(text.contains(part)),
    });
    if let Err(error) = read {
        assert!(error.line <= 1 + text.matches('\n').count(), "{error}");
    }
    let report = MergedReport { merged: merger.finish(), unread: Vec::new() };
    for format in [MergedFormat::Human, MergedFormat::Csv, MergedFormat::Markdown] {
        let told = report.clone().render(format, &Style::plain());
        assert!(!told.contains(|c: char| c.is_control() && c != '\n' && c != '\r'), "{told:?}");
    }
}

/// Snapshots (`--from`), judged and written.
pub fn snapshot(data: &[u8]) {
    if let Ok((mut facts, dns)) = snapshot::read(&text(data)) {
        identity::apply(&mut facts, Overrides { mta: None, nat: Vec::new() });
        look_at(&facts, &dns);
    }
}

/// Zone files (`--zones`, `--overlay`), and questions to them.
pub fn zone(data: &[u8]) {
    let text = text(data);
    let files = [("example.com.zone", &*text), ("113.0.203.in-addr.arpa.zone", &*text)];
    if let Ok(zones) = Zones::load(files) {
        with_host("postfix-plain", |host| {
            let facts = host.facts(&[]);
            let dns = Source::new(Answers::Zones(zones)).answer(&Plan::new(&facts), Observations::default());
            look_at(&facts, &dns);
        });
    }
    let _ = Zones::planned("planned", &text);
    let kept = SourceFile::new("/var/named/example.com.db", text.as_bytes());
    for removed in collect::cpanel::removed_in(&kept) {
        assert!(text.contains(&removed.when), "{removed:?}");
    }
}
