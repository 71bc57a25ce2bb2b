use std::net::IpAddr;

use super::*;
use crate::addr::Family;
use crate::facts::{
    Bind, Fact, Helo, Host, HostFqdn, KernelSource, NatEntry, NextHop, Origin, Postfix, Problem, ProblemKind, Sender,
    SenderDomains, Setting,
};
use crate::name::{DomainName, HeloName};

const HERE: Origin = Origin::kernel("test");

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn sender(mta: Mta, service: &str) -> Sender {
    Sender {
        mta,
        service: service.into(),
        family: Family::Ipv4,
        bind: Bind::Kernel,
        helo: Helo::Known(Fact::new(HeloName::new(format!("{}.example.com", mta.id()).as_str()), HERE)),
        helo_is_global: true,
        sender_domains: SenderDomains::Any,
        next_hop: NextHop::Direct,
        unused: false,
    }
}

fn postfix(name: &str) -> Postfix {
    Postfix {
        config_directory: "/etc/postfix".into(),
        error: None,
        warnings: Vec::new(),
        parameters: [("myhostname".to_owned(), Setting::known(name, HERE))].into(),
        services: Vec::new(),
        ..Postfix::default()
    }
}

/// A host behind NAT with both MTAs, of which Exim is judged.
fn host() -> Facts {
    let mut host = Host::unknown("test");
    host.source = KernelSource { known: true, ipv4: Some(ip("10.0.0.5")), ipv6: None };
    let mut facts = Facts::new(host);
    facts.mtas = MtaChoice {
        configured: vec![Mta::Postfix, Mta::Exim],
        live: vec![Mta::Exim],
        how: "Exim runs".into(),
        ..MtaChoice::default()
    };
    facts.senders = Some(vec![sender(Mta::Postfix, "smtp"), sender(Mta::Exim, "remote_smtp")]);
    facts.proxy_interfaces = vec![Fact::new(ip("203.0.113.9"), HERE)];
    facts.postfix = vec![postfix("mx.example.com")];
    let problem = |mta| {
        let kind = ProblemKind::Unreadable { undecided: false };
        Problem { mta, ..Problem::of_file(kind, mta.map_or("/etc/hosts", Mta::id), None, "unreadable") }
    };
    facts.problems = vec![problem(None), problem(Some(Mta::Postfix)), problem(Some(Mta::Exim))];
    facts
}

fn public(local: &str, public: &str) -> NatEntry {
    NatEntry { local: Some(ip(local)), public: ip(public), origin: Origin::flag("--public-ip") }
}

fn only(mta: Mta) -> Overrides {
    Overrides { mta: Some(mta), nat: Vec::new() }
}

fn seen(facts: &Facts) -> Vec<String> {
    let sending = |path: &OutboundPath| path.sending.as_ref().map_or("?".to_owned(), |fact| fact.value.to_string());
    facts.paths.iter().map(|path| format!("{} {}", path.id, sending(path))).collect()
}

fn files(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.file.as_str()).collect()
}

#[test]
fn the_mta_can_be_chosen_again_and_again() {
    let mut facts = host();
    apply(&mut facts, Overrides::default());
    assert_eq!(seen(&facts), ["exim/ipv4/1 ?"], "what Postfix says of NAT does not count while Exim sends");
    assert!(facts.postfix.is_empty() && own_names(&facts).is_empty());
    assert_eq!(files(&facts.problems), ["/etc/hosts", "exim"]);
    apply(&mut facts, only(Mta::Postfix));
    assert_eq!(seen(&facts), ["postfix/ipv4/1 203.0.113.9"]);
    assert_eq!((facts.mtas.how.as_str(), own_names(&facts).len()), ("--mta names Postfix", 1));
    assert_eq!(files(&facts.problems), ["/etc/hosts", "postfix"]);
    assert_eq!(files(&facts.unjudged.problems), ["exim"]);
    apply(&mut facts, Overrides::default());
    assert_eq!(seen(&facts), ["postfix/ipv4/1 203.0.113.9"], "what an earlier run was told stays");
    apply(&mut facts, only(Mta::Exim));
    assert_eq!(seen(&facts), ["exim/ipv4/1 ?"]);
    assert_eq!(files(&facts.problems), ["/etc/hosts", "exim"]);
    let unknown = MtaChoice { configured: vec![Mta::Postfix], ..MtaChoice::default() };
    let choice = choose(&unknown, Some(Mta::Exim));
    assert_eq!((choice.live, choice.how.as_str()), (vec![], "--mta names Exim, which has no configuration here"));
}

#[test]
fn the_newest_word_on_nat_goes_first() {
    let mut facts = host();
    apply(&mut facts, Overrides { mta: None, nat: vec![public("10.0.0.5", "203.0.113.5")] });
    assert_eq!(seen(&facts), ["exim/ipv4/1 203.0.113.5"]);
    apply(&mut facts, Overrides { mta: None, nat: vec![public("10.0.0.5", "203.0.113.6")] });
    assert_eq!(seen(&facts), ["exim/ipv4/1 203.0.113.6"]);
    assert_eq!(facts.overrides.nat.len(), 2, "a snapshot of this keeps both");
}

#[test]
fn what_proxy_interfaces_says_gives_way_in_facts_of_any_age() {
    for has_senders in [true, false] {
        let mut facts = host();
        facts.mtas.live = vec![Mta::Postfix];
        apply(&mut facts, Overrides::default());
        assert_eq!(is_own(&facts, ip("203.0.113.9")), Some(true));
        facts.senders = facts.senders.filter(|_| has_senders);
        let given = NatEntry { local: None, ..public("10.0.0.5", "203.0.113.5") };
        apply(&mut facts, Overrides { mta: None, nat: vec![given] });
        assert_eq!(seen(&facts), ["postfix/ipv4/1 203.0.113.5"]);
        assert_eq!((is_own(&facts, ip("203.0.113.9")), is_own(&facts, ip("203.0.113.5"))), (None, Some(true)));
    }
}

#[test]
fn facts_without_senders_keep_their_paths() {
    let mut facts = host();
    facts.mtas.live = facts.mtas.configured.clone();
    apply(&mut facts, Overrides::default());
    facts.senders = None;
    apply(&mut facts, Overrides { mta: None, nat: vec![public("10.0.0.5", "203.0.113.5")] });
    assert_eq!(seen(&facts), ["postfix/ipv4/1 203.0.113.5", "exim/ipv4/1 203.0.113.5"]);
    apply(&mut facts, only(Mta::Exim));
    assert_eq!(seen(&facts), ["exim/ipv4/1 203.0.113.5"]);
}

#[test]
fn a_changed_setting_is_tried_without_reading_a_file() {
    let mut facts = host();
    apply(&mut facts, only(Mta::Postfix));
    let address = Fact::new(ip("192.0.2.10"), HERE);
    let parameter = "smtp_bind_address".into();
    let bound = Bind::Address { parameter, address, on_failure: crate::facts::AfterBindFault::KernelChoice };
    facts.senders.as_mut().unwrap()[0].bind = bound;
    let tried = resolve(&facts, &facts.overrides);
    assert_eq!(tried.paths[0].sending.as_ref().map(|fact| fact.value), Some(ip("192.0.2.10")));
    assert!(tried.paths[0].bound);
}

#[test]
fn names_in_their_roles() {
    let mut facts = host();
    facts.host.node_name = Some(Fact::new("Node".into(), HERE));
    facts.host.fqdn = HostFqdn::Name(Fact::new("node.example.com".into(), HERE));
    apply(&mut facts, only(Mta::Postfix));
    let ptr = |_: IpAddr| vec![DomainName::new("ptr.example.net")];
    let names: Vec<String> =
        identity_names(&facts, ptr).iter().map(|item| format!("{}: {}", item.role.label(), item.name)).collect();
    assert_eq!(
        names,
        [
            "node name: node",
            "host name: node.example.com",
            "Postfix' own name: mx.example.com",
            "HELO name: postfix.example.com",
            "sending address of this PTR name: ptr.example.net",
        ]
    );
}

#[test]
fn a_name_that_follows_the_ptr_record() {
    let mut facts = host();
    apply(&mut facts, only(Mta::Postfix));
    let mut path = facts.paths[0].clone();
    let mut told = |default: Option<&str>, ptr: Option<&[&str]>, joined: Option<&str>| {
        let joined = joined.map(str::to_owned);
        path.helo = Helo::FollowsPtr { default: default.map(HeloName::new), joined, origin: HERE };
        match introduction(&path, |_| ptr.map(|names| names.iter().map(|name| DomainName::new(name)).collect())) {
            Introduction::Name(name) => name.value.as_str().to_owned(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(told(None, Some(&["b.example.com", "a.example.com"]), Some("\n")), "a.example.com\nb.example.com");
    let mut said = |default: Option<&str>, ptr: Option<&[&str]>| told(default, ptr, None);
    assert_eq!(said(None, Some(&["a.example.com", "b.example.com"])), "a.example.com");
    assert_eq!(said(Some("c.example.com"), Some(&[])), "c.example.com");
    assert_eq!(said(None, Some(&[])), "Undecided");
    assert_eq!(said(Some("c.example.com"), None), "Open(10.0.0.5)", "an open question is no missing record");
}

#[test]
fn what_a_program_on_this_host_is_given() {
    let program = || NextHop::Handed(Fact::new("[127.0.0.1]:10025".to_owned(), HERE).into());
    let with = |mta: Mta, senders: Vec<Sender>| {
        let mut facts = host();
        facts.senders = Some(senders);
        apply(&mut facts, only(mta));
        let programs: Vec<String> = facts.handed_over.iter().map(|handed| handed.next_hop.value.clone()).collect();
        let paths: Vec<String> = facts.paths.iter().map(|path| format!("{} {}", path.id, path.handed_over)).collect();
        (programs, paths)
    };
    let handed = || Sender { next_hop: program(), ..sender(Mta::Postfix, "smtp") };
    let unused = || Sender { unused: true, ..sender(Mta::Postfix, "news") };
    let all = || vec!["[127.0.0.1]:10025".to_owned()];
    assert_eq!(with(Mta::Postfix, vec![handed(), handed()]), (all(), vec!["host/ipv4/1 true".into()]));
    let both = vec!["postfix/ipv4/1 false".into(), "host/ipv4/1 true".into()];
    assert_eq!(with(Mta::Postfix, vec![handed(), unused()]), (all(), both));
    let direct = vec![handed(), sender(Mta::Postfix, "direct")];
    assert_eq!(with(Mta::Postfix, direct), (vec![], vec!["postfix/ipv4/1 false".into()]), "not everything");
    assert_eq!(with(Mta::Exim, vec![handed()]), (vec![], vec![]), "another MTA's");
}
