//! For tests of rules: a healthy host, answers from a list, and findings in one line each.

pub(crate) use crate::rules::dns::observed::observed;
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{
    AddressFlag, AfterBindFault, Answers, BindFault, BindFaultKind, Cpanel, Fact, Facts, Helo, Host, HostFqdn,
    HostsEntry, InterfaceAddress, KernelSource, MapEntry, Moved, Mta, MtaChoice, NatEntry, NatMap, Origin,
    OutboundPath, Postfix, PostfixService, SenderDomains, Setting, Text,
};
use crate::findings::{Finding, Verdict};
use crate::name::{DomainName, HeloName};
use crate::observe::samples::answer;
use crate::observe::{
    Answer, Observations, Outcome, Question, Record, RecordData, RecordType, Reply, Vantage, VantageKind, Why,
};
use crate::rules::{Context, Rule};

/// The name of the healthy host.
pub(crate) const NAME: &str = "mail.example.com";
/// Its address.
pub(crate) const ADDR: &str = "192.0.2.10";

/// Where the tests' facts come from.
pub(crate) const HERE: Origin = Origin::kernel("test");

/// A fact of the tests.
pub(crate) fn fact<T>(value: T) -> Fact<T> {
    Fact::new(value, HERE)
}

/// The address that `text` spells.
pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn on(interface: &str, address: &str, flags: &[AddressFlag]) -> InterfaceAddress {
    InterfaceAddress { interface: interface.into(), address: ip(address), prefix_length: None, flags: flags.to_vec() }
}

/// A path of Postfix from `source`, which is what receivers see, under `helo`.
pub(crate) fn path(source: &str, helo: &str) -> OutboundPath {
    let family = Family::from(ip(source));
    OutboundPath {
        id: format!("postfix/{}/{source}", family.title().to_lowercase()),
        mta: Some(Mta::Postfix),
        services: vec!["smtp".into()],
        family,
        source: Some(fact(ip(source))),
        bound: false,
        source_undecided: None,
        sending: Some(fact(ip(source))),
        helo: Helo::Known(fact(HeloName::new(helo))),
        helo_is_global: true,
        sender_domains: SenderDomains::Any,
        relayed: None,
        unused: false,
        handed_over: false,
    }
}

/// A healthy host: one Postfix, one address, one name.
pub(crate) fn healthy() -> Facts {
    let postfix = Postfix {
        config_directory: "/etc/postfix".into(),
        error: None,
        warnings: Vec::new(),
        parameters: BTreeMap::from([("myhostname".to_owned(), Setting::known(NAME, HERE))]),
        services: Vec::new(),
        ..Postfix::default()
    };
    let host = Host {
        node_name: Some(fact(NAME.into())),
        fqdn: HostFqdn::Name(fact(NAME.into())),
        etc_hostname: Some(fact(NAME.into())),
        mailname: None,
        addresses: Some(vec![on("lo", "127.0.0.1", &[]), on("eth0", ADDR, &[])]),
        source: KernelSource { known: true, ipv4: Some(ip(ADDR)), ipv6: None },
        hosts: Vec::new(),
        nameservers: Vec::new(),
        nonlocal_bind_v4: false,
        nonlocal_bind_v6: false,
    };
    Facts {
        postfix: vec![postfix],
        mtas: MtaChoice { configured: vec![Mta::Postfix], live: vec![Mta::Postfix], ..MtaChoice::default() },
        paths: vec![path(ADDR, NAME)],
        ..Facts::new(host)
    }
}

/// Changes a value on the way: `healthy().but(|f| f.paths.clear())`.
pub(crate) trait But: Sized {
    /// The value after `change`.
    fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl But for Cpanel {}
impl But for Facts {}
impl But for OutboundPath {}

/// The healthy host with all that it calls itself being `name`.
pub(crate) fn named(name: &str) -> Facts {
    healthy().but(|f| {
        f.host.node_name = Some(fact(name.into()));
        f.host.etc_hostname = Some(fact(name.into()));
        f.host.fqdn = HostFqdn::Name(fact(name.into()));
        f.postfix[0].parameters.insert("myhostname".into(), Setting::known(name, HERE));
        f.paths[0].helo = Helo::Known(fact(HeloName::new(name)));
    })
}

/// The healthy host on which only `hostname -f` is `name`: mail goes out as before.
pub(crate) fn host_named(name: &str) -> Facts {
    healthy().but(|f| f.host.fqdn = HostFqdn::Name(fact(name.into())))
}

/// The healthy host behind 1:1 NAT: `local` on the interface, `image` outside where it is known.
pub(crate) fn behind_nat(local: &str, image: Option<&str>) -> Facts {
    healthy().but(|f| {
        f.host.addresses = Some(vec![on("lo", "127.0.0.1", &[]), on("eth0", local, &[])]);
        f.host.source.ipv4 = Some(ip(local));
        f.paths[0].source = Some(fact(ip(local)));
        f.paths[0].sending = image.map(|image| fact(ip(image)));
        let entry = |image| NatEntry { local: Some(ip(local)), public: ip(image), origin: Origin::flag("--public-ip") };
        f.nat = NatMap(image.map(entry).into_iter().collect());
    })
}

/// The healthy host, moved from `old`: what is looked for of the old one stands in its facts.
pub(crate) fn moved_from(old: Facts) -> Facts {
    healthy().but(|f| {
        let sought = crate::compare::sought(&old, f);
        f.moved = Some(std::sync::Arc::new(Moved {
            old,
            taken: String::new(),
            answers: Answers::new(),
            map: Vec::new(),
            sought,
            domains: Vec::new(),
            open: Vec::new(),
        }));
    })
}

/// A cPanel server's files, all empty.
pub(crate) fn cpanel() -> Cpanel {
    Cpanel {
        version: None,
        host: Some(fact(NAME.into())),
        shared_ip: Some(fact(ip(ADDR))),
        main_ip: Some(fact(ip(ADDR))),
        nat: Vec::new(),
        mailips: Vec::new(),
        mailhelo: Vec::new(),
        reverse: Vec::new(),
        userdomains: Vec::new(),
        userips: Vec::new(),
        localdomains: Vec::new(),
        remotedomains: Vec::new(),
        secondarymx: Vec::new(),
        flags: Vec::new(),
        localopts: BTreeMap::new(),
        files: vec!["/etc/mailips".into(), "/etc/mailhelo".into()],
    }
}

/// A line of a cPanel map.
pub(crate) fn entry(key: &str, value: &str) -> MapEntry {
    MapEntry::sample(key, value)
}

/// A domain of a list that cPanel keeps.
pub(crate) fn listed(domain: &str) -> Text {
    MapEntry::sample(domain, "").key
}

/// A client service of master.cf with one override.
pub(crate) fn service(name: &str, parameter: &str, value: &str) -> PostfixService {
    PostfixService {
        name: name.into(),
        kind: "unix".into(),
        command: "smtp".into(),
        origin: HERE,
        overrides: BTreeMap::from([(parameter.to_owned(), Setting::known(value, HERE))]),
        error: None,
        off: false,
    }
}

/// A fault of Postfix' `smtp_bind_address`.
pub(crate) fn bind_fault(kind: BindFaultKind, then: AfterBindFault) -> BindFault {
    BindFault {
        mta: Mta::Postfix,
        services: vec!["smtp".into()],
        parameter: "smtp_bind_address".into(),
        value: fact("text".into()),
        kind,
        then,
    }
}

/// A line of the hosts file.
pub(crate) fn hosts_line(address: &str, names: &[&str]) -> HostsEntry {
    HostsEntry { address: fact(ip(address)), names: names.iter().map(|name| fact((*name).to_owned())).collect() }
}

/// What the DNS says of the healthy host, with `more` in place of or beside it. Questions are written `mail.example.com A` or
/// `192.0.2.10 PTR`; answers are addresses or names, `CNAME name` before them, or one of `NXDOMAIN`, `NODATA`, `timeout`,
/// `SERVFAIL`, `REFUSED`. What is not listed was not asked.
pub(crate) fn dns(more: &[(&str, &[&str])]) -> Observations {
    let healthy: &[(&str, &[&str])] = &[
        ("mail.example.com A", &["192.0.2.10"]),
        ("mail.example.com AAAA", &["NODATA"]),
        ("mail.example.com MX", &["NODATA"]),
        ("192.0.2.10 PTR", &["mail.example.com"]),
    ];
    let mut replies = BTreeMap::new();
    for (question, answers) in healthy.iter().chain(more) {
        let question = parse_question(question);
        let outcome = parse_outcome(&question, answers);
        replies.insert(question, vec![Reply { vantage: 0, outcome }]);
    }
    let vantage = Vantage { name: "zones".into(), server: None, kind: VantageKind::Authoritative };
    Observations::new(vec![vantage], replies)
}

fn parse_question(text: &str) -> Question {
    let (name, rtype) = text.split_once(' ').unwrap();
    if let Ok(addr) = name.parse() {
        return Question::ptr(addr);
    }
    let rtype = match rtype {
        "A" => RecordType::A,
        "AAAA" => RecordType::Aaaa,
        "MX" => RecordType::Mx,
        "PTR" => RecordType::Ptr,
        other => panic!("no such type here: {other}"),
    };
    Question::new(&DomainName::new(name), rtype)
}

fn parse_outcome(question: &Question, answers: &[&str]) -> Outcome {
    let unanswered = match answers {
        ["timeout"] => Some(Why::Timeout),
        ["SERVFAIL"] => Some(Why::ServFail),
        ["REFUSED"] => Some(Why::Refused),
        _ => None,
    };
    if let Some(why) = unanswered {
        return Outcome::Unanswered(why);
    }
    let mut owner = question.name.clone();
    let mut records = Vec::new();
    for text in answers.iter().filter(|text| !["NXDOMAIN", "NODATA"].contains(text)) {
        let data = match text.strip_prefix("CNAME ") {
            Some(target) => RecordData::Cname(DomainName::new(target)),
            None => match question.rtype {
                RecordType::A => RecordData::A(text.parse().unwrap()),
                RecordType::Aaaa => RecordData::Aaaa(text.parse().unwrap()),
                RecordType::Mx => RecordData::Mx(10, DomainName::new(text)),
                _ => RecordData::Ptr(DomainName::new(text)),
            },
        };
        let name = owner.clone();
        if let RecordData::Cname(target) = &data {
            owner = target.clone();
        }
        records.push(Record { name, ttl: 300, data });
    }
    Outcome::Answer(Answer { nxdomain: answers.contains(&"NXDOMAIN"), ..answer(records) })
}

pub(crate) fn findings(rule: &Rule, facts: &Facts, dns: &Observations) -> Vec<Finding> {
    rule.findings(&Context::new(facts, dns))
}

/// The findings of a rule, one line each: `error mail.example.com`, with a question mark behind the severity of those that are
/// undetermined.
pub(crate) fn verdicts(rule: &Rule, facts: &Facts, dns: &Observations) -> Vec<String> {
    let line = |finding: &Finding| {
        let mark = if finding.verdict == Verdict::Undetermined { "?" } else { "" };
        format!("{}{mark} {}", finding.severity, finding.subject)
    };
    let found = findings(rule, facts, dns);
    assert!(found.iter().all(|f| !f.message.is_empty()), "a finding without message");
    found.iter().map(line).collect()
}

/// Checks a table of cases: why, facts, answers, the findings expected.
pub(crate) fn check_table(rule: &Rule, cases: Vec<(&str, Facts, Observations, &[&str])>) {
    for (why, facts, dns, expected) in cases {
        assert_eq!(verdicts(rule, &facts, &dns), expected, "{}: {why}", rule.code);
    }
}
