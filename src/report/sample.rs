//! A host with something wrong, built by hand: what the tests of reports and snapshots look at.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::Family;
use crate::facts::*;
use crate::findings::{Evidence, Finding, Fix, Meta, Severity, Who};
use crate::name::{DomainName, HeloName};
use crate::observe::iprev::Iprev;
use crate::observe::*;
use crate::remedy::{Plan, Settled, Step};
use crate::report::{Forward, LogFileView, LogView, Port25View, RefusalView, Report};
use crate::source::SourceFile;

pub(crate) static PTR001: Meta = Meta {
    code: "PTR001",
    name: "ptr-missing",
    severity: Severity::Error,
    refs: &["RFC 8601 section 2.7.3"],
    doc: " A sending address has no PTR record.\n\n ## Why it matters\n Many refuse <it>.\n\n ## Fix\n Ask for one.\n",
    needs: &[],
};
pub(crate) static HLO001: Meta = Meta {
    code: "HLO001",
    name: "helo-not-qualified",
    severity: Severity::Error,
    refs: &["RFC 5321 section 2.3.5"],
    doc: " The HELO name is no qualified name.\n\n ## Why it matters\n Refused.\n\n ## Fix\n Set one.\n",
    needs: &[],
};
pub(crate) static HLO004: Meta = Meta {
    code: "HLO004",
    name: "helo-unlike-ptr",
    severity: Severity::Warning,
    refs: &["RFC 1912 section 2.1"],
    doc: " The HELO name is no PTR name.\n\n ## Why it matters\n Penalised.\n\n ## Fix\n Make them agree.\n",
    needs: &[],
};
pub(crate) static PTR004: Meta = Meta {
    code: "PTR004",
    name: "ptr-generic",
    severity: Severity::Warning,
    refs: &[],
    doc: " Every PTR name is generic.\n",
    needs: &[],
};

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn main_cf() -> Arc<SourceFile> {
    let text = format!("# main\n\nmyhostname = mail\n{}smtp_helo_name = $myhostname\n", "#\n".repeat(8));
    SourceFile::new("/etc/postfix/main.cf", text.as_bytes())
}

/// The span of `part` in `file`.
pub(crate) fn at(file: &Arc<SourceFile>, part: &str) -> Origin {
    let start = file.text().find(part).unwrap();
    file.span(start, start + part.len()).into()
}

pub(crate) fn path(id: &str, service: &str, source: &str, helo: &str) -> OutboundPath {
    let file = main_cf();
    OutboundPath {
        id: id.into(),
        mta: Some(Mta::Postfix),
        services: vec![service.into()],
        family: Family::from(ip(source)),
        source: Some(Fact::new(ip(source), Origin::kernel("route"))),
        bound: false,
        source_undecided: None,
        sending: Some(Fact::new(ip(source), Origin::kernel("route"))),
        helo: Helo::Known(Fact::new(HeloName::new(helo), at(&file, "$myhostname"))),
        helo_is_global: true,
        sender_domains: SenderDomains::Any,
        relayed: None,
        unused: false,
        handed_over: false,
    }
}

pub(crate) fn facts() -> Facts {
    let file = main_cf();
    let mut nat = path("postfix/ipv4/2", "relay", "10.0.0.5", "mail.example.com");
    nat.sending = Some(Fact::new(ip("203.0.113.11"), Origin::flag("--public-ip")));
    nat.sender_domains = SenderDomains::Only {
        domains: vec![DomainName::new("example.com"), DomainName::new("example.net")],
        others: false,
    };
    let setting = Setting::known("mail", at(&file, "mail"));
    Facts {
        host: Host {
            node_name: Some(Fact::new("mail".into(), Origin::kernel("uname"))),
            fqdn: HostFqdn::Name(Fact::new("mail1.example.com".into(), Origin::kernel("getaddrinfo(3)"))),
            etc_hostname: None,
            mailname: None,
            addresses: Some(vec![InterfaceAddress {
                interface: "eth0".into(),
                address: ip("203.0.113.10"),
                prefix_length: Some(24),
                flags: vec![AddressFlag::Deprecated],
            }]),
            source: KernelSource { known: true, ipv4: Some(ip("203.0.113.10")), ipv6: None },
            hosts: vec![HostsEntry {
                address: Fact::new(ip("127.0.1.1"), Origin::kernel("hosts")),
                names: vec![Fact::new("mail1.example.com".into(), Origin::kernel("hosts"))],
            }],
            nameservers: vec![Fact::new(ip("192.0.2.53"), Origin::kernel("resolv.conf"))],
            nonlocal_bind_v4: false,
            nonlocal_bind_v6: false,
        },
        postfix: vec![Postfix {
            config_directory: "/etc/postfix".into(),
            error: None,
            warnings: Vec::new(),
            parameters: BTreeMap::from([("myhostname".to_owned(), setting)]),
            services: vec![PostfixService {
                name: "smtp".into(),
                kind: "unix".into(),
                command: "smtp".into(),
                origin: Origin::default_of("master(5)"),
                overrides: BTreeMap::from([(
                    "smtp_helo_name".to_owned(),
                    Setting::undecided("a table", at(&file, "mail")),
                )]),
                error: None,
                off: false,
            }],
            ..Postfix::default()
        }],
        exim: vec![Exim {
            file: "/etc/exim.conf".into(),
            version_hint: Some("4.96".into()),
            error: Some(Refusal { message: "unknown option".into(), origin: at(&file, "# main") }),
            main: BTreeMap::from([("primary_hostname".to_owned(), Setting::known("x", Origin::default_of("uname")))]),
            transports: Arc::new(vec![EximDriver {
                name: "remote_smtp".into(),
                driver: "smtp".into(),
                origin: at(&file, "# main"),
                options: BTreeMap::from([("helo_data".to_owned(), Setting::known("y", at(&file, "mail")))]),
            }]),
            routers: Arc::default(),
            handed: Vec::new(),
            sends_nothing: false,
        }],
        cpanel: None,
        panel_maps: None,
        mtas: MtaChoice {
            configured: vec![Mta::Postfix],
            live: vec![Mta::Postfix],
            how: "it alone is configured".into(),
            unseen: Vec::new(),
        },
        senders: Some(senders(&file)),
        proxy_interfaces: vec![Fact::new(ip("203.0.113.10"), at(&file, "mail"))],
        overrides: Overrides { mta: Some(Mta::Postfix), nat: vec![public_ip()] },
        paths: vec![path("postfix/ipv4/1", "smtp", "203.0.113.10", "mail"), nat],
        bind_faults: Vec::new(),
        handed_over: Vec::new(),
        nat: NatMap::default(),
        problems: Vec::new(),
        managers: Vec::new(),
        unjudged: Unjudged::default(),
        machine: Machine {
            dmi: BTreeMap::from([("sys_vendor".to_owned(), Fact::new("Vultr".into(), at(&file, "mail")))]),
            cloud_id: Some(Fact::new("vultr".into(), at(&file, "mail"))),
        },
        expected_hostname: None,
        expected_helo: Vec::new(),
        daemons: Vec::new(),
        old_addresses: vec![ip("198.51.100.9")],
        block_lists: Vec::new(),
        log: None,
        served: None,
        port25: None,
        cutover: None,
        certificates: Vec::new(),
        moved: None,
        removed: Vec::new(),
        leftovers: Vec::new(),
        listed_domains: Vec::new(),
    }
}

fn public_ip() -> NatEntry {
    NatEntry { local: Some(ip("10.0.0.5")), public: ip("203.0.113.11"), origin: Origin::flag("--public-ip") }
}

/// A sender for each shape of bind and next hop that a snapshot has to keep.
fn senders(file: &Arc<SourceFile>) -> Vec<Sender> {
    let parameter = || "smtp_bind_address".into();
    let undecided =
        || Undecided { parameter: "smtp_bind_address".into(), why: "a table".into(), origin: at(file, "mail") };
    let binds = [
        Bind::Kernel,
        Bind::Address {
            parameter: parameter(),
            address: Fact::new(ip("203.0.113.10"), at(file, "mail")),
            on_failure: AfterBindFault::KernelChoice,
        },
        Bind::Unusable {
            parameter: parameter(),
            value: Fact::new("mail".into(), at(file, "mail")),
            then: AfterBindFault::NothingSent,
        },
        Bind::Undecided(undecided()),
    ];
    let hop = Fact::new("[relay.example.net]:587".to_owned(), at(file, "mail"));
    let hops = [NextHop::Direct, NextHop::Here, NextHop::Relay(hop.into()), NextHop::Direct];
    let helos = [
        Helo::Known(Fact::new(HeloName::new("mail"), at(file, "mail"))),
        Helo::None,
        Helo::FollowsPtr { default: Some(HeloName::new("mail")), joined: None, origin: at(file, "mail") },
        Helo::Undecided(undecided()),
    ];
    let ways = binds.into_iter().zip(hops).zip(helos);
    let senders = ways.map(|((bind, next_hop), helo)| Sender {
        mta: Mta::Postfix,
        service: "smtp".into(),
        family: crate::addr::Family::Ipv4,
        bind,
        helo,
        helo_is_global: true,
        sender_domains: SenderDomains::Any,
        next_hop,
        unused: false,
    });
    senders.collect()
}

/// Observations of every shape that a snapshot has to keep.
pub(crate) fn observations() -> Observations {
    let name = DomainName::new("mail.example.com");
    let vantage = |name: &str, server: &str, kind| Vantage { name: name.into(), server: server.parse().ok(), kind };
    let answer = |records: Vec<RecordData>| {
        Outcome::Answer(Answer {
            nxdomain: false,
            authoritative: true,
            recursion_available: false,
            records: records.into_iter().map(|data| Record { name: name.clone(), ttl: 300, data }).collect(),
            negative_ttl: None,
            soa: None,
            rtt_micros: 1200,
            left_out: 0,
        })
    };
    let soa = Record {
        name: DomainName::new("example.com"),
        ttl: 900,
        data: RecordData::Soa {
            mname: DomainName::new("ns1.example.com"),
            rname: DomainName::new("hostmaster.example.com"),
            serial: 7,
            minimum: 300,
        },
    };
    let missing = Outcome::Answer(Answer {
        nxdomain: true,
        authoritative: false,
        recursion_available: true,
        records: Vec::new(),
        negative_ttl: Some(300),
        soa: Some(soa.into()),
        rtt_micros: 0,
        left_out: 0,
    });
    let reply = |vantage, outcome| Reply { vantage, outcome };
    let other = DomainName::new("a\u{1b}[31m.example.com");
    let replies = BTreeMap::from([
        (Question::ptr(ip("203.0.113.10")), vec![reply(0, missing), reply(1, Outcome::Unanswered(Why::Timeout))]),
        (
            Question::new(&name, RecordType::A),
            vec![
                reply(
                    0,
                    answer(vec![RecordData::Cname(other.clone()), RecordData::A("203.0.113.10".parse().unwrap())]),
                ),
                reply(1, Outcome::Unanswered(Why::Malformed("short".into()))),
            ],
        ),
        (Question::new(&name, RecordType::Aaaa), vec![reply(1, answer(Vec::new()))]),
        (
            Question::new(&name, RecordType::Mx),
            vec![reply(0, answer(vec![RecordData::Mx(10, other), RecordData::Mx(0, DomainName::new(""))]))],
        ),
        (
            Question::new(&name, RecordType::Txt),
            vec![
                reply(0, answer(vec![RecordData::Txt("v=spf1 \"a\\b\" \u{202e}\n'x'".into())])),
                reply(1, Outcome::Unanswered(Why::Rcode(9))),
            ],
        ),
    ]);
    let vantages = vec![
        vantage("system", "192.0.2.53:53", VantageKind::System),
        vantage("ns1.example.net (2001:db8::53)", "[2001:db8::53]:53", VantageKind::Authoritative),
        vantage("zones", "", VantageKind::Authoritative),
    ];
    Observations::new(vantages, replies)
}

/// The same with planned records, which have a report of their own.
pub(crate) fn observations_with_plan() -> Observations {
    let data = RecordData::A("203.0.113.12".parse().unwrap());
    observations().with_record(&Question::new(&DomainName::new("mail.example.com"), RecordType::A), data)
}

/// Findings of every kind; `stranger` stands wherever a stranger's text can.
pub(crate) fn findings(stranger: &str) -> Vec<Finding> {
    let file = main_cf();
    let own = SourceFile::new(format!("/etc/{stranger}"), format!("x = {stranger}\n").as_bytes());
    let seen = |from: &str, answer: &str| Evidence {
        question: "10.113.0.203.in-addr.arpa. PTR".into(),
        from: from.into(),
        answer: answer.into(),
        ttl: Some(300),
        planned: false,
    };
    vec![
        HLO001
            .violated("mail", format!("HELO name `mail{stranger}` is not fully qualified"))
            .place(&at(&file, "mail\n").clone(), "one label")
            .place(&at(&file, "$myhostname"), "presented as HELO by `smtp`")
            .path("postfix/ipv4/1")
            .fix(
                Fix::new(Who::Host, format!("Present the name that the address maps back to{stranger}"))
                    .command(format!("postconf -e 'myhostname = mail.example.com{stranger}'"))
                    .command("postfix reload"),
            ),
        HLO004
            .undetermined(format!("mail.example.com{stranger}"), format!("not seen: {stranger}"))
            .place(&own.span(0, 1 + stranger.len()).into(), format!("label {stranger}"))
            .path("postfix/ipv4/2")
            .evidence([seen("google", "timeout")]),
        PTR001
            .violated("203.0.113.10", format!("203.0.113.10 has no PTR record{stranger}"))
            .place(&Origin::kernel("route"), "source address")
            .path("postfix/ipv4/1")
            .path(&format!("odd/{stranger}"))
            .evidence([seen("system", "NXDOMAIN"), seen("google", "NXDOMAIN"), seen("quad9", stranger)])
            .fix(
                Fix::new(Who::IpOwner, "Ask the holder of 203.0.113.10 to set its PTR record to mail.example.com.")
                    .command("10.113.0.203.in-addr.arpa. 3600 IN PTR mail.example.com."),
            ),
    ]
}

/// A plan for it: a ticket, an edit, a reload.
fn plan(stranger: &str) -> Plan {
    let step = |number, who, text: &str, commands: &[&str], settles: &[(&str, &str)]| Step {
        number,
        who,
        text: text.to_owned(),
        commands: commands.iter().map(|command| (*command).to_owned()).collect(),
        actions: Vec::new(),
        settles: settles
            .iter()
            .map(|(code, subject)| Settled { code: (*code).to_owned(), subject: (*subject).to_owned() })
            .collect(),
        after: Vec::new(),
        because: (number == 1).then(|| format!("the name is mail{stranger}")),
    };
    let record = "10.113.0.203.in-addr.arpa. 3600 IN PTR mail.example.com.";
    let edit = "sed -i '3s/^myhostname = mail$/myhostname = mail.example.com/' /etc/postfix/main.cf";
    Plan {
        judged: true,
        steps: vec![
            step(1, Who::IpOwner, "Ask for it.\nSubject: PTR", &[record], &[("PTR001", "203.0.113.10")]),
            step(2, Who::Host, "In /etc/postfix/main.cf: `myhostname`.", &[edit], &[("HLO001", "mail")]),
            step(3, Who::Host, "Have the mail server read its configuration again.", &["postfix reload"], &[]),
        ],
        remains: Vec::new(),
        also: vec![Settled { code: "HST005".to_owned(), subject: format!("mail{stranger}") }],
        bounded: false,
    }
}

/// What came of port 25 outside, with what a stranger greets with.
fn port25(stranger: &str) -> Port25View {
    let said = |text: String| Conversation {
        greeting: Some(SmtpReply { code: 220, lines: vec![text] }),
        ..Conversation::default()
    };
    let to = Some("198.51.100.25:25".parse().unwrap());
    let one = |said| Port25Try { source: ip("203.0.113.10"), to, said: Some(said) };
    let tries = vec![
        one(said(format!("mx{stranger}.example.org ESMTP {stranger}"))),
        one(Conversation::failed(Fault::NotSmtp(Stage::Greeting, format!("HTTP{stranger}")))),
    ];
    Port25View::new(&Port25 { host: "mx.example.net".into(), port: 25, open: Some(format!("why{stranger}")), tries })
}

/// What a log shows, with what a stranger wrote wherever one could.
pub(crate) fn log(stranger: &str) -> LogView {
    let refused = RefusalView {
        receiver: Some(format!("Gmail{stranger}")),
        hosts: vec![format!("mx.example.net{stranger}")],
        sending: Some(ip("203.0.113.10")),
        mta: Mta::Postfix,
        service: format!("postfix/smtp{stranger}"),
        reply: "gmail-ptr-missing".into(),
        code: Some(550),
        status: Some(format!("5.7.25{stranger}")),
        words: format!("does not have a PTR record{stranger}"),
        meaning: "The address has no PTR record.".into(),
        names_it: true,
        rules: vec!["PTR001".into()],
        waits: false,
        count: 14,
        first: "2026-11-20T10:02:00Z".into(),
        last: "2026-11-20T11:00:00Z".into(),
        taken: None,
    };
    let at = "2026-11-19T23:00:00Z".to_owned();
    let other =
        RefusalView { receiver: None, sending: None, code: Some(554), status: None, count: 1, ..refused.clone() };
    let other = RefusalView { waits: true, first: at.clone(), last: at, ..other };
    LogView {
        files: vec![LogFileView {
            name: format!("/var/log/mail.log{stranger}"),
            packed: None,
            lines: 20,
            octets: 4000,
            from: Some("2026-11-14T08:00:00Z".into()),
            to: Some("2026-11-20T12:00:00Z".into()),
        }],
        since: "2026-11-06T00:00:00Z".into(),
        until: "2026-11-20T13:00:00Z".into(),
        until_now: false,
        refused: vec![refused, other],
        not_read: vec![format!("/var/log/mail.log.1{stranger} was not read: permission denied")],
    }
}

/// The report of that host; `stranger` stands wherever a stranger's text can.
pub(crate) fn report(stranger: &str) -> Report {
    let mut facts = facts();
    facts.host.node_name = Some(Fact::new(format!("mail{stranger}"), Origin::kernel("uname")));
    let why = Doubt::Configuration { path: format!("/srv/{stranger}") };
    facts.mtas.unseen = vec![UnseenDaemon { mta: Some(Mta::Exim), pid: Some(7), why }];
    let mut report =
        Report::new(&facts, &observations(), findings(stranger), [&HLO001, &HLO004, &PTR001, &PTR004], &[]);
    report.plan = Some(plan(stranger));
    report.log = Some(log(stranger));
    report.port25 = Some(port25(stranger));
    let [first, second] = &mut report.paths[..] else { unreachable!() };
    (first.ptr, first.iprev, first.helo_addresses) = (Some(Vec::new()), Some(Iprev::PermError), None);
    first.helo = Some(format!("mail{stranger}").into());
    let name = format!("mail{stranger}.example.com");
    (second.ptr, second.iprev) = (Some(vec![name.clone()]), Some(Iprev::Fail));
    second.forward = vec![Forward { name, addresses: Some(vec![ip("198.51.100.7")]) }];
    second.helo_addresses = Some(vec![ip("203.0.113.11")]);
    second.services.push(stranger.into());
    second.relayed = Some(format!("[relay{stranger}]:587"));
    report
}
