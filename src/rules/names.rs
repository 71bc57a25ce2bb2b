//! Whose names and addresses these are: the host name, the MTAs' own names, HELO names by path, addresses of this host.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Fact, Facts, Helo, HostFqdn, Mta, NatEntry, OutboundPath};
use crate::findings::{Evidence, Finding, Meta, Severity};
use crate::name::{DomainName, HeloName};
use crate::observe::iprev::confirms;
use crate::observe::{Lookup, Observations, Question, RecordType};
use crate::rules::ptr::generic::why_generic;
use crate::rules::remedy::right_names;
use crate::rules::similar::hint;
use crate::rules::support::{Sending, evidence, sending_addresses};

/// What stands for the open question where interface addresses are not known.
pub const INTERFACES: &str = "interface addresses";

/// The addresses of this host: on its interfaces (loopback and link-local apart), the NAT images of such, and what mail is sent from.
pub struct OwnAddresses {
    all: BTreeSet<IpAddr>,
    interfaces_known: bool,
}

impl OwnAddresses {
    /// Those that the facts give.
    pub fn of(facts: &Facts) -> OwnAddresses {
        let sending = facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value);
        let own = facts.host.own_addresses().map(|own| own.address);
        let images = facts.nat.0.iter().filter(|entry| image_counts(facts, entry)).map(|entry| entry.public);
        OwnAddresses {
            all: sending.chain(own).chain(images).collect(),
            interfaces_known: facts.host.addresses.is_some(),
        }
    }

    /// Whether `addr` is one of them. `None` where the interfaces are not known and nothing else says that it is.
    pub fn has(&self, addr: IpAddr) -> Option<bool> {
        if self.all.contains(&addr) { Some(true) } else { self.interfaces_known.then_some(false) }
    }
}

/// Whether `addr` is this host's (see [`OwnAddresses`], which is for more than one question).
pub fn is_own(facts: &Facts, addr: IpAddr) -> Option<bool> {
    OwnAddresses::of(facts).has(addr)
}

/// Whether the local side of a NAT entry is on this host, as far as that is known.
fn image_counts(facts: &Facts, entry: &NatEntry) -> bool {
    match entry.local {
        Some(local) => facts.host.has_address(local) != Some(false),
        None => facts.host.addresses.is_none() || private_source(facts, Family::of(entry.public)),
    }
}

fn private_source(facts: &Facts, family: Family) -> bool {
    facts.host.own_addresses().any(|own| Family::of(own.address) == family && !addr::is_public(own.address))
}

/// Whether the sending address of some path is not known: then nobody can say that a name leads elsewhere.
pub fn some_sending_unknown(facts: &Facts) -> bool {
    facts.paths.iter().any(|path| path.sending.is_none())
}

/// What a name's address records say about this host.
pub enum Leads {
    /// To this host, by one of them at least.
    Here,
    /// To these addresses, none of which is this host's.
    Elsewhere(Vec<IpAddr>),
    /// Nowhere: neither A nor AAAA.
    Nowhere,
    /// It could not be seen: these questions have no answer.
    Open(Vec<String>),
}

/// Where `name` leads, by both families' address records.
pub fn leads(facts: &Facts, dns: &Observations, name: &DomainName) -> Leads {
    let own = OwnAddresses::of(facts);
    let (mut elsewhere, mut open) = (Vec::new(), Vec::new());
    for family in Family::BOTH {
        let found = dns.addresses(name, family);
        for &addr in found.found() {
            match own.has(addr) {
                Some(true) => return Leads::Here,
                Some(false) => elsewhere.push(addr),
                None => open.push(INTERFACES.to_owned()),
            }
        }
        if found.open().is_some() {
            open.push(Question::new(name, RecordType::address(family)).to_string());
        }
    }
    match (open.is_empty(), elsewhere.is_empty()) {
        (false, _) => Leads::Open(open),
        (_, true) => Leads::Nowhere,
        _ => Leads::Elsewhere(elsewhere),
    }
}

/// What servers said of a name's address records.
pub fn address_evidence(dns: &Observations, name: &DomainName) -> Vec<Evidence> {
    let both = Family::BOTH.map(|family| evidence(dns, &Question::new(name, RecordType::address(family))));
    both.concat()
}

/// Why `name` cannot serve as a qualified name: too few labels, or below a suffix that the public DNS does not serve.
pub fn unqualified(name: &DomainName) -> Option<String> {
    if name.is_private() {
        let localhost = name.labels().next() == Some("localhost");
        return Some(if localhost {
            "it names the loopback address of whichever host reads it".to_owned()
        } else {
            let suffix = if name.as_str().ends_with("home.arpa") { "home.arpa" } else { last_label(name) };
            format!("names below `.{suffix}` are not served by the public DNS")
        });
    }
    match name.labels().count() {
        0 => Some("it is empty".to_owned()),
        1 => Some("it has one label".to_owned()),
        _ => None,
    }
}

fn last_label(name: &DomainName) -> &str {
    name.labels().next_back().unwrap_or_default()
}

/// Octets that Linux can hold as node name (`__NEW_UTS_LEN`, sethostname(2)).
pub const NODE_NAME_LIMIT: usize = 64;

/// What `hostname -f` prints, where it is a name that rules about the DNS may judge: HST001 and HST002 leave it alone, upper case
/// apart.
pub fn judged_host_name(facts: &Facts) -> Option<Fact<DomainName>> {
    let name = facts.host.fqdn.name()?;
    let unset = |file: &&Fact<String>| file.value.len() > NODE_NAME_LIMIT && DomainName::new(&file.value) == name.value;
    let invalid = !name.value.is_host_name() || facts.host.etc_hostname.as_ref().filter(unset).is_some();
    (unqualified(&name.value).is_none() && !invalid).then_some(name)
}

/// What was meant by the host name, where that is nearly one that leads to a sending address; else empty.
pub fn meant_host_name(facts: &Facts, dns: &Observations, name: &DomainName) -> String {
    let mut right: Vec<DomainName> = Vec::new();
    for known in sending_addresses(facts).iter().flat_map(|sending| right_names(facts, dns, sending)) {
        if !right.contains(&known) {
            right.push(known);
        }
    }
    hint(name, &right)
}

/// The name of this host to show: what `hostname -f` prints, else the node name.
pub fn host_or_node_name(facts: &Facts) -> Option<Fact<DomainName>> {
    match &facts.host.fqdn {
        HostFqdn::Name(_) => facts.host.fqdn.name(),
        _ => facts.host.node_name.as_ref().map(|fact| fact.with(DomainName::new(&fact.value))),
    }
}

/// The own names of the MTAs that are judged and do not refuse their configuration: `myhostname`, `primary_hostname`.
pub fn own_names(facts: &Facts) -> Vec<(Mta, Fact<DomainName>)> {
    let live = |mta: Mta| facts.mtas.live.is_empty() || facts.mtas.live.contains(&mta);
    let mut names = Vec::new();
    for postfix in facts.postfix.iter().filter(|p| p.error.is_none() && live(Mta::Postfix)) {
        names.extend(postfix.parameters.get("myhostname").and_then(|s| s.fact()).map(|name| (Mta::Postfix, name)));
    }
    for exim in facts.exim.iter().filter(|e| e.error.is_none() && live(Mta::Exim)) {
        names.extend(exim.main.get("primary_hostname").and_then(|s| s.fact()).map(|name| (Mta::Exim, name)));
    }
    names.into_iter().map(|(mta, name)| (mta, name.map(|text| DomainName::new(&text)))).collect()
}

/// The setting that holds an MTA's own name.
pub fn own_name_setting(mta: Mta) -> &'static str {
    match mta {
        Mta::Postfix => "myhostname",
        Mta::Exim => "primary_hostname",
    }
}

/// The HELO name of a path as far as it can be known.
pub enum HeloOf {
    /// This one.
    Name(Fact<HeloName>),
    /// No MTA, so none.
    None,
    /// Files cannot decide it (HLO008 says so).
    Undecided,
    /// It follows the PTR, and that question has no answer.
    Open(Question),
}

/// The HELO name of a path: what files say, or the first PTR name of its sending address where it follows the PTR.
pub fn helo_of(path: &OutboundPath, dns: &Observations) -> HeloOf {
    match &path.helo {
        Helo::None => HeloOf::None,
        Helo::Known(name) => HeloOf::Name(name.clone()),
        Helo::Undecided(_) => HeloOf::Undecided,
        Helo::FollowsPtr { default, origin } => {
            let fallback = || match default {
                Some(name) => HeloOf::Name(Fact::new(name.clone(), origin.clone())),
                None => HeloOf::Undecided,
            };
            let Some(sending) = &path.sending else { return HeloOf::Undecided };
            match dns.ptr(sending.value) {
                Lookup::Found(names) => match names.first() {
                    Some(first) => HeloOf::Name(Fact::new(HeloName::new(first.as_str()), origin.clone())),
                    None => fallback(),
                },
                Lookup::NoData | Lookup::NxDomain => fallback(),
                Lookup::Unanswered(_) => HeloOf::Open(Question::ptr(sending.value)),
            }
        }
    }
}

/// A path together with the name that it introduces itself by.
pub struct Introduced<'a> {
    /// The path.
    pub path: &'a OutboundPath,
    /// Its HELO name, byte for byte.
    pub helo: Fact<HeloName>,
    /// The same as the DNS compares it.
    pub name: DomainName,
}

impl Introduced<'_> {
    /// The sending address, where it is known.
    pub fn sending(&self) -> Option<IpAddr> {
        self.path.sending.as_ref().map(|fact| fact.value)
    }

    /// What fault keeps it from being a fully qualified host name; `None` for an address literal too, which HLO006 judges.
    pub fn fault(&self) -> Option<String> {
        if self.helo.value.literal().is_some() {
            return None;
        }
        unqualified(&self.name).or_else(|| self.name.host_fault())
    }

    /// Whether the rules about its records judge it: HLO001 and HLO006 leave it alone.
    pub fn is_judged(&self) -> bool {
        self.helo.value.literal().is_none() && self.fault().is_none()
    }

    /// What was meant by the name, where that is nearly one that leads to the sending address; else empty.
    pub fn meant(&self, facts: &Facts, dns: &Observations) -> String {
        let Some(address) = &self.path.sending else { return String::new() };
        hint(&self.name, &right_names(facts, dns, &Sending { address, paths: vec![self.path] }))
    }

    /// As a subject: lower case, without final dot; `(empty)` for the empty name.
    pub fn subject(&self) -> String {
        if self.name.as_str().is_empty() { "(empty)".to_owned() } else { self.name.to_string() }
    }

    /// The finding with this path, its severity here, and the places that the name comes from.
    pub fn mark(&self, finding: Finding, severity: Severity) -> Finding {
        let services = self.path.services.join("`, `");
        let label = if services.is_empty() { String::new() } else { format!("presented as HELO by `{services}`") };
        finding
            .severity(helo_severity(severity, self.path))
            .place(&self.helo.origin, "HELO name")
            .via(&self.helo.via, &label)
            .path(&self.path.id)
    }
}

/// Every path whose HELO name is known, with it.
pub fn introductions<'a>(facts: &'a Facts, dns: &Observations) -> Vec<Introduced<'a>> {
    let known = facts.paths.iter().filter_map(|path| match helo_of(path, dns) {
        HeloOf::Name(helo) => Some(Introduced { path, name: helo.value.domain(), helo }),
        _ => None,
    });
    known.collect()
}

/// The severity of an HLO finding on a path: info where it is relayed, one lower where it is unused.
pub fn helo_severity(severity: Severity, path: &OutboundPath) -> Severity {
    match (path.relayed.is_some(), path.unused) {
        (true, _) => Severity::Info,
        (_, true) => severity.lower(),
        _ => severity,
    }
}

/// Whether every path is relayed; false where there is none.
pub fn all_relayed(facts: &Facts) -> bool {
    !facts.paths.is_empty() && facts.paths.iter().all(|path| path.relayed.is_some())
}

/// The severity of HST001, HST004, HST005 and DNS007 for a name (rules.md, below the HST table).
pub fn name_severity(facts: &Facts, dns: &Observations, name: &DomainName) -> Severity {
    if all_relayed(facts) {
        return Severity::Info;
    }
    let presented = facts.paths.iter().filter(|path| path.relayed.is_none()).any(|path| {
        let helo = matches!(helo_of(path, dns), HeloOf::Name(helo) if helo.value.domain() == *name);
        helo || path.sending.as_ref().is_some_and(|sending| dns.ptr(sending.value).found().contains(name))
    });
    let own = own_names(facts).iter().any(|(_, own)| own.value == *name);
    if presented || own { Severity::Error } else { Severity::Warning }
}

/// Whether each path's HELO name is a confirmed PTR name of its sending address, and not generic. False where there is no path.
pub fn mail_identity_holds(facts: &Facts, dns: &Observations) -> bool {
    !facts.paths.is_empty()
        && facts.paths.iter().all(|path| {
            let (HeloOf::Name(helo), Some(sending)) = (helo_of(path, dns), &path.sending) else { return false };
            let (name, addr) = (helo.value.domain(), sending.value);
            dns.ptr(addr).found().contains(&name)
                && confirms(dns, &name, addr) == Some(true)
                && why_generic(&name, addr).is_none()
        })
}

/// The undetermined finding of `rule`, left open by these questions.
pub fn left_open(rule: &'static Meta, subject: &str, message: String, open: &[String]) -> Finding {
    open.iter().fold(rule.undetermined(subject, message), Finding::open)
}

/// Addresses as a sentence lists them.
pub fn list(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn whose_address_it_is() {
        let nat = behind_nat("10.0.0.5", Some("203.0.113.5"));
        let no_sending = nat.clone().but(|f| f.paths.clear());
        let for_all = no_sending.clone().but(|f| f.nat.0[0].local = None);
        let stale = no_sending.clone().but(|f| f.host.addresses = Some(vec![on("eth0", "10.0.0.6", &[])]));
        let unknown = healthy().but(|f| f.host.addresses = None);
        for (why, facts, addr, own) in [
            ("on an interface", &healthy(), ADDR, Some(true)),
            ("loopback is nobody's", &healthy(), "127.0.0.1", Some(false)),
            ("another's", &healthy(), "198.51.100.7", Some(false)),
            ("a sending address", &nat, "203.0.113.5", Some(true)),
            ("the image of an interface's", &no_sending, "203.0.113.5", Some(true)),
            ("the image of every private one", &for_all, "203.0.113.5", Some(true)),
            ("the image of an address that has gone", &stale, "203.0.113.5", Some(false)),
            ("interfaces unknown", &unknown, "198.51.100.7", None),
            ("interfaces unknown, but mail leaves from it", &unknown, ADDR, Some(true)),
        ] {
            assert_eq!(is_own(facts, ip(addr)), own, "{why}");
        }
    }

    #[test]
    fn why_a_name_is_not_qualified() {
        for (name, words) in [
            ("mail.example.com", None),
            ("localhost.example.com", None),
            ("mail", Some("one label")),
            ("", Some("empty")),
            ("localhost", Some("loopback")),
            ("localhost.localdomain", Some("loopback")),
            ("a.b.internal", Some("`.internal`")),
            ("a.home.arpa", Some("`.home.arpa`")),
        ] {
            let found = unqualified(&DomainName::new(name));
            match words {
                None => assert_eq!(found, None, "{name}"),
                Some(words) => assert!(found.as_deref().is_some_and(|f| f.contains(words)), "{name}: {found:?}"),
            }
        }
    }

    #[test]
    fn an_mta_that_is_not_judged_has_no_say() {
        let left_behind = healthy().but(|f| f.mtas.live = vec![Mta::Exim]);
        assert!(own_names(&left_behind).is_empty());
        let refused = healthy().but(|f| {
            f.postfix[0].error = Some(crate::facts::Refusal { message: "fatal".into(), origin: HERE });
        });
        assert!(own_names(&refused).is_empty());
        assert_eq!(own_names(&healthy()).len(), 1);
    }

    #[test]
    fn severities_by_path() {
        let relayed = path(ADDR, NAME).but(|p| p.relayed = Some(fact("[relay.example]:25".to_owned()).into()));
        let unused = path(ADDR, NAME).but(|p| p.unused = true);
        assert_eq!(helo_severity(Severity::Error, &path(ADDR, NAME)), Severity::Error);
        assert_eq!(helo_severity(Severity::Error, &relayed), Severity::Info);
        assert_eq!(helo_severity(Severity::Error, &unused), Severity::Warning);
        let name = DomainName::new("web.example.com");
        let by_ptr = dns(&[("192.0.2.10 PTR", &["web.example.com"])]);
        assert_eq!(name_severity(&healthy(), &by_ptr, &name), Severity::Error, "a PTR name");
        assert_eq!(name_severity(&healthy(), &dns(&[]), &name), Severity::Warning, "no name of mail's");
        let all = healthy().but(|f| f.paths = vec![relayed.clone()]);
        assert_eq!(name_severity(&all, &by_ptr, &name), Severity::Info, "every path is relayed");
        let no_path = healthy().but(|f| f.paths.clear());
        assert_eq!(name_severity(&no_path, &dns(&[]), &DomainName::new(NAME)), Severity::Error, "the MTA's own name");
    }
}
