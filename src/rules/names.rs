//! Whose names and addresses these are: the host name, the MTAs' own names, HELO names by path, addresses of this host.

use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{Fact, Facts, OutboundPath};
use crate::findings::{Evidence, Finding, Meta, Severity};
use crate::identity;
use crate::identity::generic::why_generic;
pub(crate) use crate::identity::{Introduction, OwnAddresses, host_or_node_name, is_own, own_name_setting, own_names};
use crate::name::{DomainName, HeloName};
use crate::observe::iprev::confirms;
use crate::observe::{Observations, Question, RecordType};
use crate::rules::similar::did_you_mean;
use crate::rules::support::{Sending, evidence, followed_ptr_names, labelled, names_for, sending_addresses};

/// What stands for the open question where interface addresses are not known.
pub(crate) const INTERFACES: &str = "interface addresses";

/// Whether the sending address of some path is not known: then nobody can say that a name leads elsewhere.
pub(crate) fn some_sending_unknown(facts: &Facts) -> bool {
    facts.paths.iter().any(|path| path.sending.is_none())
}

/// What a name's address records say about this host.
pub(crate) enum Leads {
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
pub(crate) fn leads(facts: &Facts, dns: &Observations, name: &DomainName) -> Leads {
    let own = OwnAddresses::new(facts);
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
pub(crate) fn address_evidence(dns: &Observations, name: &DomainName) -> Vec<Evidence> {
    let both = Family::BOTH.map(|family| evidence(dns, &Question::new(name, RecordType::address(family))));
    both.concat()
}

/// Why `name` cannot serve as a qualified name: too few labels, or below a suffix that the public DNS does not serve.
pub(crate) fn unqualified(name: &DomainName) -> Option<String> {
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
pub(crate) const NODE_NAME_LIMIT: usize = 64;

/// What `hostname -f` prints, where it is a name that rules about the DNS may judge: HST001 and HST002 leave it alone, upper case
/// apart.
pub(crate) fn judged_host_name(facts: &Facts) -> Option<Fact<DomainName>> {
    let name = facts.host.fqdn.name()?;
    let unset = |file: &&Fact<String>| file.value.len() > NODE_NAME_LIMIT && DomainName::new(&file.value) == name.value;
    let invalid = !name.value.is_host_name() || facts.host.etc_hostname.as_ref().filter(unset).is_some();
    (unqualified(&name.value).is_none() && !invalid).then_some(name)
}

/// The names that lead to a sending address already: its PTR names, and those that this host has.
pub(crate) fn right_names(facts: &Facts, dns: &Observations, sending: &Sending<'_>) -> Vec<DomainName> {
    let addr = sending.address.value;
    let mut names = names_for(facts, sending);
    names.extend(followed_ptr_names(dns, addr));
    names.retain(|name| why_generic(name, addr).is_none() && confirms(dns, name, addr) == Some(true));
    names
}

/// What was meant by the host name, where that is nearly one that leads to a sending address; else empty.
pub(crate) fn suggested_host_name(facts: &Facts, dns: &Observations, name: &DomainName) -> String {
    let mut right: Vec<DomainName> = Vec::new();
    for known in sending_addresses(facts).iter().flat_map(|sending| right_names(facts, dns, sending)) {
        if !right.contains(&known) {
            right.push(known);
        }
    }
    did_you_mean(name, &right)
}

/// How a path is introduced, by what the host's own resolver says of its source address.
pub(crate) fn introduction(path: &OutboundPath, dns: &Observations) -> Introduction {
    identity::introduction(path, |addr| dns.own_ptr_names(addr))
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
    pub fn suggestion(&self, facts: &Facts, dns: &Observations) -> String {
        let Some(address) = &self.path.sending else { return String::new() };
        did_you_mean(&self.name, &right_names(facts, dns, &Sending { address, paths: vec![self.path] }))
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
            .place(&self.helo.origin, labelled(self.path, &self.helo.origin, "HELO name"))
            .via(&self.helo.via, &label)
            .path(&self.path.id)
    }
}

/// Every path whose HELO name is known, with it.
pub(crate) fn introductions<'a>(facts: &'a Facts, dns: &Observations) -> Vec<Introduced<'a>> {
    let known = facts.paths.iter().filter_map(|path| match introduction(path, dns) {
        Introduction::Name(helo) => Some(Introduced { path, name: helo.value.domain(), helo }),
        _ => None,
    });
    known.collect()
}

/// The severity of an HLO finding on a path: info where it is relayed, one lower where it is unused.
pub(crate) fn helo_severity(severity: Severity, path: &OutboundPath) -> Severity {
    match (path.relayed.is_some(), path.unused) {
        (true, _) => Severity::Info,
        (_, true) => severity.lower(),
        _ => severity,
    }
}

/// Whether every path is relayed; false where there is none.
pub(crate) fn all_relayed(facts: &Facts) -> bool {
    !facts.paths.is_empty() && facts.paths.iter().all(|path| path.relayed.is_some())
}

/// The severity of HST001, HST004, HST005 and DNS007 for a name (rules.md, below the HST table).
pub(crate) fn name_severity(facts: &Facts, dns: &Observations, name: &DomainName) -> Severity {
    if all_relayed(facts) {
        return Severity::Info;
    }
    let presented = facts.paths.iter().filter(|path| path.relayed.is_none()).any(|path| {
        let helo = matches!(introduction(path, dns), Introduction::Name(helo) if helo.value.domain() == *name);
        helo || path.sending.as_ref().is_some_and(|sending| dns.ptr(sending.value).found().contains(name))
    });
    let own = own_names(facts).iter().any(|(_, own)| own.value == *name);
    let severity = if presented || own { Severity::Error } else { Severity::Warning };
    if is_unseen(facts) { severity.lower() } else { severity }
}

/// Whether no receiver is known to see what this host calls itself: no path of an MTA is in use, since all is handed to a program on this
/// host, or since nothing is sent.
fn is_unseen(facts: &Facts) -> bool {
    let idle =
        facts.postfix.iter().any(|postfix| postfix.sends_nothing) || facts.exim.iter().any(|exim| exim.sends_nothing);
    let told = idle || !facts.handed_over.is_empty();
    told && facts.paths.iter().all(|path| path.unused || path.handed_over)
}

/// Whether each path's HELO name is a confirmed PTR name of its sending address, and not generic. False where there is no path.
pub(crate) fn mail_identity_holds(facts: &Facts, dns: &Observations) -> bool {
    !facts.paths.is_empty()
        && facts.paths.iter().all(|path| {
            let (Introduction::Name(helo), Some(sending)) = (introduction(path, dns), &path.sending) else {
                return false;
            };
            let (name, addr) = (helo.value.domain(), sending.value);
            dns.ptr(addr).found().contains(&name)
                && confirms(dns, &name, addr) == Some(true)
                && why_generic(&name, addr).is_none()
        })
}

/// The undetermined finding of `rule`, left open by these questions.
pub(crate) fn left_open(rule: &'static Meta, subject: &str, message: String, open: &[String]) -> Finding {
    open.iter().fold(rule.undetermined(subject, message), Finding::open)
}

/// Addresses as a sentence lists them.
pub(crate) fn list(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Mta;
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
        let unsent = healthy().but(|f| f.paths.clear()).but(|f| f.postfix[0].sends_nothing = true);
        assert_eq!(name_severity(&unsent, &dns(&[]), &DomainName::new(NAME)), Severity::Warning, "nothing is sent");
        let no_path = healthy().but(|f| f.paths.clear());
        assert_eq!(name_severity(&no_path, &dns(&[]), &DomainName::new(NAME)), Severity::Error, "the MTA's own name");
    }
}
