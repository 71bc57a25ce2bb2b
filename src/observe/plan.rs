//! Every question helolint ever asks, derived from facts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Fact, Facts, Helo, OutboundPath};
use crate::identity::{self, Role, helo_name, host_and_own_names};
use crate::name::DomainName;
pub use crate::observe::askable::{for_each_label, is_askable, is_representable, labels, spell, spelled};
use crate::observe::block_lists::listings;
use crate::observe::helo_policies::{introduced, named_by_spf};
use crate::observe::{Answer, Question, RecordData, RecordType};

/// PTR names of one answer that are followed. An answer may hold a thousand; receivers look at ten at most
/// (RFC 7208 section 4.6.4, RFC 8601 section 3), and what lies beyond is no evidence for any of them.
pub const PTR_NAMES_FOLLOWED: usize = 16;

/// Outbound paths up to which a strange PTR name brings the question whose zone it is in: hosts with more hold their addresses by the block.
const PATHS_WITH_HOLDER: usize = 16;
/// Addresses of one HELO name whose PTR records are asked for where the sending address is not known.
const HELO_ADDRESSES_FOLLOWED: usize = 4;
/// Entries of cPanel's mail_reverse_dns that are compared with the DNS: the addresses of one server, and some.
const REVERSE_ENTRIES: usize = 1024;

/// The questions whose input the facts give: all of them can go out at once.
pub fn initial(facts: &Facts) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for addr in sending_addresses(facts).into_iter().chain(facts.old_addresses.iter().copied()) {
        questions.insert(Question::ptr(addr));
    }
    questions.extend(remembered(facts).into_iter().map(Question::ptr));
    questions.extend(sources_that_name(facts).map(Question::ptr));
    for name in identity_names(facts).iter().filter(|name| is_askable(name)) {
        addresses(&mut questions, name);
    }
    for name in helo_names(&facts.paths).iter().filter(|name| is_askable(name)) {
        questions.insert(Question::new(name, RecordType::Mx));
    }
    // What a HELO name publishes for SPF counts for mail without sender.
    for name in introduced(facts) {
        questions.insert(Question::new(&name, RecordType::Txt));
    }
    // Where the names of an old host lead decides how bad it is that one is left.
    let left = facts.moved.iter().flat_map(|moved| &moved.sought.names).filter(|name| is_askable(name));
    left.for_each(|name| addresses(&mut questions, name));
    // Receivers look whether the domain of a sender can be answered.
    for (_, origin) in facts.mail_origins().iter().filter(|(_, origin)| is_askable(&origin.value)) {
        addresses(&mut questions, &origin.value);
        questions.insert(Question::new(&origin.value, RecordType::Mx));
    }
    questions.extend(listings(facts));
    questions
}

/// What is asked for one host: all that its facts say to those who ask.
#[derive(Debug, Default)]
pub struct Plan {
    /// The questions whose input the facts give.
    pub initial: BTreeSet<Question>,
    /// What answers bring.
    pub follow_ups: FollowUps,
}

impl Plan {
    /// The plan for a host.
    pub fn new(facts: &Facts) -> Plan {
        Plan { initial: initial(facts), follow_ups: FollowUps::new(facts) }
    }
}

/// What answers bring, for one host.
#[derive(Debug, Default)]
pub struct FollowUps {
    /// Some path's HELO name is its PTR name.
    as_helo: bool,
    /// Questions for this host's own resolver alone: the PTR of private addresses whose names are HELO names, and what block lists are asked, who
    /// refuse public resolvers.
    inside: BTreeSet<Question>,
    /// HELO names of paths whose sending address is not known.
    unplaced: BTreeSet<DomainName>,
    /// PTR questions of the sending addresses whose holder may have to be asked for another PTR record.
    held: BTreeSet<Question>,
    /// The host's own names and the MTAs'; HELO names, which may just follow the PTR record, only where there is no other.
    own: BTreeSet<DomainName>,
    /// Addresses on this host's interfaces that no path sends from.
    here: BTreeSet<IpAddr>,
    /// HELO names of paths whose source the kernel chose, by family.
    unbound: BTreeSet<(Family, DomainName)>,
    /// HELO names whose SPF records are looked at.
    introduced: BTreeSet<DomainName>,
}

impl FollowUps {
    /// What the facts decide of it.
    pub fn new(facts: &Facts) -> FollowUps {
        let unplaced = facts.paths.iter().filter(|path| path.sending.is_none() && path.source.is_some());
        let sending = sending_addresses(facts);
        let here = facts.host.addresses.iter().flatten().map(|on| on.address);
        let unbound = facts.paths.iter().filter(|path| !path.bound);
        FollowUps {
            as_helo: facts.paths.iter().any(|path| matches!(path.helo, Helo::FollowsPtr { .. })),
            inside: {
                let private =
                    sources_that_name(facts).filter(|addr| !addr::is_public(*addr) && !sending.contains(addr));
                private.map(Question::ptr).chain(listings(facts)).collect()
            },
            unplaced: helo_names(unplaced),
            held: match facts.paths.len() {
                0..=PATHS_WITH_HOLDER => sending.iter().copied().map(Question::ptr).collect(),
                _ => BTreeSet::new(),
            },
            own: host_names(facts),
            here: here.filter(|addr| !addr.is_loopback() && !sending.contains(addr)).collect(),
            introduced: introduced(facts),
            unbound: unbound.filter_map(|path| Some((path.family, path.helo_name()?.value.domain()))).collect(),
        }
    }

    /// The questions that an answer brings, each once: a PTR name's addresses, and its MX where it serves as HELO name; the PTR of a HELO
    /// name's address where it is not known from which address the path sends: the two may agree on one; the PTR of another address
    /// of this host that a HELO name leads to, for mail may be meant to leave from that; what the SPF record of a HELO name names.
    ///
    /// PTR names are followed whatever they hold, since receivers do so too: a name that is no host name has no address records, and that
    /// must be seen, not supposed. Only what no message can carry is left out.
    pub fn after(&self, question: &Question, answer: &Answer) -> Vec<Question> {
        let mut questions = Vec::new();
        if question.rtype == RecordType::Txt {
            let is_followed = self.introduced.contains(&question.name) && self.own.contains(&question.name);
            return if is_followed { named_by_spf(answer) } else { Vec::new() };
        }
        if question.rtype != RecordType::Ptr {
            if !self.unplaced.is_empty() && self.unplaced.contains(&question.name) {
                let found = answer.records.iter().filter_map(|record| record.data.address());
                let public = found.filter(|addr| addr::is_public(*addr)).take(HELO_ADDRESSES_FOLLOWED);
                questions.extend(public.map(Question::ptr));
            }
            let found = answer.records.iter().filter_map(|record| record.data.address());
            let may_send = |addr: &IpAddr| {
                self.here.contains(addr) && self.unbound.contains(&(Family::from(*addr), question.name.clone()))
            };
            questions.extend(found.filter(may_send).map(Question::ptr));
            return questions;
        }
        let mut names: Vec<&DomainName> = answer.records.iter().filter_map(ptr_name).collect();
        names.sort_unstable();
        names.dedup();
        names.truncate(PTR_NAMES_FOLLOWED);
        let inside = self.is_inside(question);
        for name in names.iter().copied().filter(|name| if inside { is_askable(name) } else { is_representable(name) })
        {
            questions.extend(Family::BOTH.map(|family| Question::new(name, RecordType::address(family))));
            if self.as_helo && is_askable(name) {
                questions.push(Question::new(name, RecordType::Mx));
            }
        }
        questions.extend(self.holder(question, &names));
        questions
    }

    /// Whether this host's own resolver alone is to be asked: nobody outside knows the answer.
    pub fn is_inside(&self, question: &Question) -> bool {
        self.inside.contains(question)
    }

    /// The question for the SOA record of a sending address' reverse zone, where a PTR name of it is neither the host's nor an MTA's own:
    /// somebody may have to be asked for another PTR record, and the SOA record says who. Without PTR record, the denial itself has it.
    fn holder(&self, question: &Question, names: &[&DomainName]) -> Option<Question> {
        let strange = names.iter().any(|name| !self.own.contains(*name));
        (strange && self.held.contains(question))
            .then(|| Some(Question::new(&question.name.parent()?, RecordType::Soa)))
            .flatten()
    }
}

/// The names that this host has whatever its PTR records say: its own and the MTAs', else the HELO names.
fn host_names(facts: &Facts) -> BTreeSet<DomainName> {
    let own = host_and_own_names(facts).into_iter().filter(|name| name.role != Role::Whm);
    let own: BTreeSet<DomainName> = own.map(|name| name.name).collect();
    if own.is_empty() { helo_names(&facts.paths) } else { own }
}

fn ptr_name(record: &crate::observe::Record) -> Option<&DomainName> {
    match &record.data {
        RecordData::Ptr(name) => Some(name),
        _ => None,
    }
}

/// The names of the host's identity (rules.md) that its own facts give, whether the DNS can be asked for them or not. PTR names come from
/// the DNS.
pub fn identity_names(facts: &Facts) -> BTreeSet<DomainName> {
    identity::identity_names(facts, |_| Vec::new()).into_iter().map(|name| name.name).collect()
}

/// The HELO names of paths, address literals apart; of those that follow the PTR record, what is sent where there is none.
fn helo_names<'a>(paths: impl IntoIterator<Item = &'a OutboundPath>) -> BTreeSet<DomainName> {
    paths.into_iter().filter_map(helo_name).map(|helo| helo.name).collect()
}

/// The source addresses of paths whose HELO name is the PTR name of the source address.
fn sources_that_name(facts: &Facts) -> impl Iterator<Item = IpAddr> {
    let paths = facts.paths.iter().filter(|path| matches!(path.helo, Helo::FollowsPtr { .. }));
    paths.filter_map(|path| path.source.as_ref()).map(|fact| fact.value)
}

/// The known sending addresses of all paths.
fn sending_addresses(facts: &Facts) -> BTreeSet<IpAddr> {
    facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value).collect()
}

/// The addresses of cPanel's mail_reverse_dns as receivers see them, where cPanel remembers a name for them.
fn remembered(facts: &Facts) -> BTreeSet<IpAddr> {
    let entries = facts.cpanel.iter().flat_map(|cpanel| &cpanel.reverse).filter(|entry| !entry.value.is_empty());
    let listed = entries.filter_map(|entry| Some(Fact::new(entry.key.parse::<IpAddr>().ok()?, entry.key.origin())));
    let seen = listed.filter_map(|addr| facts.nat.sending(&addr)).map(|image| image.value);
    seen.take(REVERSE_ENTRIES).collect()
}

fn addresses(questions: &mut BTreeSet<Question>, name: &DomainName) {
    for family in Family::BOTH {
        questions.insert(Question::new(name, RecordType::address(family)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Record;
    use crate::observe::samples::{facts, helo_path};

    fn asked<'a>(questions: impl IntoIterator<Item = &'a Question>) -> Vec<String> {
        questions.into_iter().map(Question::to_string).collect()
    }

    #[test]
    fn a_path_brings_its_ptr_and_its_helo_name() {
        let mut facts = facts();
        facts.paths = vec![helo_path("192.0.2.10", "mail.example.com")];
        facts.old_addresses = vec!["198.51.100.7".parse().unwrap()];
        assert_eq!(
            asked(&initial(&facts)),
            [
                "10.2.0.192.in-addr.arpa. PTR",
                "7.100.51.198.in-addr.arpa. PTR",
                "mail.example.com. A",
                "mail.example.com. AAAA",
                "mail.example.com. MX",
                "mail.example.com. TXT",
            ]
        );
        // Of a relayed path, receivers see the relay.
        facts.paths[0].relayed =
            Some(std::sync::Arc::new(Fact::new("[relay.example]:25".to_owned(), crate::facts::Origin::kernel("test"))));
        assert!(!asked(&initial(&facts)).contains(&"mail.example.com. TXT".to_owned()));
    }

    #[test]
    fn names_that_the_public_dns_cannot_know_are_not_asked() {
        for name in [
            "mail",
            "localhost.localdomain",
            "mx.corp.local",
            "192.0.2.1",
            "${primary_hostname}.x",
            "a..b",
            "",
            "root:$6$salt.example.com",
            "a+b/c==.example.com",
            "a b.example.com",
            "a\\032b.example.com",
            "-a.example.com",
            "ä.example.com",
            "a,b.example.com",
        ] {
            assert!(!is_askable(&DomainName::new(name)), "{name}");
        }
        let long = format!("{}.example", "a".repeat(64));
        assert!(!is_askable(&DomainName::new(&long)));
        for name in ["mail.example.com", "_x.example.com", "3com.example"] {
            assert!(is_askable(&DomainName::new(name)), "{name}");
        }
        let mut facts = facts();
        facts.paths = vec![helo_path("192.0.2.10", "[192.0.2.10]"), helo_path("192.0.2.10", "localhost")];
        assert_eq!(asked(&initial(&facts)), ["10.2.0.192.in-addr.arpa. PTR"]);
    }

    #[test]
    fn every_ptr_name_is_followed_up_to_the_limit() {
        let question = Question::ptr("192.0.2.10".parse().unwrap());
        let record = |i: usize| Record {
            name: question.name.clone(),
            ttl: 60,
            data: RecordData::Ptr(DomainName::new(&format!("h_{i}.example.com"))),
        };
        let mut answer = crate::observe::samples::answer(vec![record(1)]);
        assert_eq!(
            asked(&FollowUps::new(&facts()).after(&question, &answer)),
            ["h_1.example.com. A", "h_1.example.com. AAAA"]
        );
        answer.records = (0..1000).map(record).collect();
        let asked = FollowUps::new(&facts()).after(&question, &answer);
        assert_eq!(asked.len(), 2 * PTR_NAMES_FOLLOWED);
        answer.records.reverse();
        assert_eq!(FollowUps::new(&facts()).after(&question, &answer), asked, "whatever order a server gives them in");
    }

    #[test]
    fn a_strange_ptr_name_brings_the_question_who_holds_the_address() {
        let question = Question::ptr("192.0.2.10".parse().unwrap());
        let mut facts = facts();
        facts.paths = vec![helo_path("192.0.2.10", "mail.example.com")];
        let named = |name: &str| {
            let data = RecordData::Ptr(DomainName::new(name));
            crate::observe::samples::answer(vec![Record { name: question.name.clone(), ttl: 60, data }])
        };
        let soa = |facts: &Facts, name: &str| {
            let all = asked(&FollowUps::new(facts).after(&question, &named(name)));
            all.into_iter().find(|text| text.ends_with(" SOA"))
        };
        assert_eq!(soa(&facts, "host.isp.example").as_deref(), Some("2.0.192.in-addr.arpa. SOA"));
        facts.host.node_name =
            Some(crate::facts::Fact::new("srv.example.com".into(), crate::facts::Origin::kernel("test")));
        assert_eq!(soa(&facts, "srv.example.com"), None, "a name of this host's");
        let absent = crate::observe::samples::answer(Vec::new());
        assert!(FollowUps::new(&facts).after(&question, &absent).is_empty(), "the denial names the zone itself");
        facts.paths = (0..=PATHS_WITH_HOLDER).map(|_| helo_path("192.0.2.10", "mail.example.com")).collect();
        assert_eq!(soa(&facts, "host.isp.example"), None, "a host with a block of addresses");
        facts.paths = vec![helo_path("192.0.2.11", "mail.example.com")];
        assert_eq!(soa(&facts, "host.isp.example"), None, "an old address");
    }

    #[test]
    fn a_helo_name_that_follows_the_ptr_is_asked_for_as_one() {
        let question = Question::ptr("192.0.2.10".parse().unwrap());
        let mut facts = facts();
        let mut path = helo_path("192.0.2.10", "x");
        path.helo = Helo::FollowsPtr { default: None, joined: None, origin: crate::facts::Origin::kernel("test") };
        facts.paths = vec![path];
        let answer = crate::observe::samples::answer(vec![Record {
            name: question.name.clone(),
            ttl: 60,
            data: RecordData::Ptr(DomainName::new("mail.example.com")),
        }]);
        assert!(asked(&FollowUps::new(&facts).after(&question, &answer)).contains(&"mail.example.com. MX".to_owned()));
    }

    #[test]
    fn the_name_of_a_private_source_address_is_asked_of_the_hosts_own_resolver_alone() {
        let mut facts = facts();
        let mut path = helo_path("10.0.0.5", "x");
        path.helo = Helo::FollowsPtr { default: None, joined: None, origin: crate::facts::Origin::kernel("test") };
        path.sending = Some(Fact::new("192.0.2.10".parse().unwrap(), crate::facts::Origin::kernel("test")));
        facts.paths = vec![path];
        let question = Question::ptr("10.0.0.5".parse().unwrap());
        assert_eq!(asked(&initial(&facts)), ["10.2.0.192.in-addr.arpa. PTR", "5.0.0.10.in-addr.arpa. PTR"]);
        let plan = FollowUps::new(&facts);
        assert!(plan.is_inside(&question));
        assert!(!plan.is_inside(&Question::ptr("192.0.2.10".parse().unwrap())));
        let named = |name: &str| {
            let data = RecordData::Ptr(DomainName::new(name));
            crate::observe::samples::answer(vec![Record { name: question.name.clone(), ttl: 60, data }])
        };
        assert!(plan.after(&question, &named("ip-10-0-0-5.internal")).is_empty(), "nobody outside knows that name");
        assert_eq!(plan.after(&question, &named("mx.example.com")).len(), 3);
    }

    #[test]
    fn where_the_sending_address_is_unknown_the_helo_names_own_addresses_may_tell_it() {
        let mut facts = facts();
        let mut path = helo_path("10.0.0.5", "mail.example.com");
        path.sending = None;
        facts.paths = vec![path];
        let question = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
        let record =
            |addr: &str| Record { name: question.name.clone(), ttl: 60, data: RecordData::A(addr.parse().unwrap()) };
        let answer = crate::observe::samples::answer(vec![record("10.0.0.5"), record("192.0.2.10")]);
        assert_eq!(asked(&FollowUps::new(&facts).after(&question, &answer)), ["10.2.0.192.in-addr.arpa. PTR"]);
        let many = crate::observe::samples::answer((0..99).map(|n| record(&format!("192.0.2.{n}"))).collect());
        assert_eq!(FollowUps::new(&facts).after(&question, &many).len(), HELO_ADDRESSES_FOLLOWED);
        facts.paths[0].sending = facts.paths[0].source.clone();
        assert!(FollowUps::new(&facts).after(&question, &answer).is_empty(), "it is known");
    }

    #[test]
    fn reverse_names_that_cpanel_remembers_are_asked_as_receivers_see_the_address() {
        use crate::facts::{MapEntry, NatEntry, NatMap, Origin};
        let mut facts = facts();
        let entry = MapEntry::sample;
        let mut cpanel: crate::facts::Cpanel = serde_json::from_str(EMPTY_CPANEL).unwrap();
        cpanel.reverse = vec![
            entry("192.0.2.20", "a.example.com"),
            entry("10.0.0.5", "b.example.com"),
            entry("192.0.2.21", ""),
            entry("nonsense", "c.example.com"),
        ];
        facts.cpanel = Some(cpanel.into());
        let local = "10.0.0.5".parse().ok();
        facts.nat =
            NatMap(vec![NatEntry { local, public: "192.0.2.5".parse().unwrap(), origin: Origin::flag("--public-ip") }]);
        assert_eq!(asked(&initial(&facts)), ["20.2.0.192.in-addr.arpa. PTR", "5.2.0.192.in-addr.arpa. PTR"]);
    }

    const EMPTY_CPANEL: &str = r#"{"version": null, "host": null, "shared_ip": null, "main_ip": null, "nat": [], "mailips": [],
        "mailhelo": [], "reverse": [], "userdomains": [], "userips": [], "localdomains": [], "remotedomains": [],
        "secondarymx": [], "flags": [], "localopts": {}, "files": []}"#;

    #[test]
    fn presentation_form_goes_both_ways() {
        for (text, expected) in [
            ("a\\.b.example", Some(vec![&b"a.b"[..], b"example"])),
            ("a\\032b.example", Some(vec![&b"a b"[..], b"example"])),
            ("a..example", None),
            ("a\\99", None),
            ("a\\999.example", None),
        ] {
            let name = DomainName::new(text);
            let found = labels(&name);
            assert_eq!(found.as_ref().map(|l| l.iter().map(Vec::as_slice).collect()), expected, "{text}");
            if let Some(found) = found {
                assert_eq!(spelled(found.iter().map(Vec::as_slice)), name, "{text}");
            }
        }
    }
}
