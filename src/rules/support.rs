//! What several rules need: the sending addresses with their paths, evidence from replies, severities by path.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{BindFault, Fact, Facts, Mta, Origin, OutboundPath};
use crate::findings::{Evidence, Finding, Meta, Severity};
use crate::identity::{self, helo_name, host_and_own_names};
pub(crate) use crate::identity::{IdentityName, Role};
use crate::name::DomainName;
use crate::observe::plan::PTR_NAMES_FOLLOWED;
use crate::observe::{Observations, Outcome, Question, RecordType, VantageKind};

/// Items that a sentence lists before it counts the rest.
const LISTED: usize = 12;

/// A sending address and the paths that use it.
pub struct Sending<'a> {
    /// The address, with the origin of the first path's.
    pub address: &'a Fact<IpAddr>,
    /// Its paths, at least one.
    pub paths: Vec<&'a OutboundPath>,
}

impl Sending<'_> {
    /// The finding with these paths, and the places that the address comes from.
    pub fn mark(&self, mut finding: Finding) -> Finding {
        for path in &self.paths {
            finding = finding.path(&path.id);
            if let Some(source) = &path.source {
                finding = finding.place(&source.origin, labelled(path, &source.origin, "source address"));
            }
        }
        finding
    }
}

/// Every known sending address once, in the order of the paths.
pub(crate) fn sending_addresses(facts: &Facts) -> Vec<Sending<'_>> {
    let mut all: Vec<Sending<'_>> = Vec::new();
    let mut places: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for path in &facts.paths {
        let Some(address) = &path.sending else { continue };
        match places.get(&address.value).and_then(|at| all.get_mut(*at)) {
            Some(known) => known.paths.push(path),
            None => {
                places.insert(address.value, all.len());
                all.push(Sending { address, paths: vec![path] });
            }
        }
    }
    all
}

/// Whom a fault of a source address keeps mail from, where the same setting holds an address of the other family that works.
pub(crate) fn unreached(facts: &Facts, fault: &BindFault) -> &'static str {
    let works = |family: Family| {
        let same = |source: &Fact<IpAddr>| source.origin == fault.value.origin;
        facts.paths.iter().any(|path| path.family == family && path.bound && path.source.as_ref().is_some_and(same))
    };
    match Family::BOTH.map(works) {
        [true, false] => " to hosts that have IPv6 addresses alone",
        [false, true] => " to hosts that have IPv4 addresses alone",
        _ => "",
    }
}

/// The severity of a PTR finding: one lower where every path of the address is relayed or unused.
pub(crate) fn ptr_severity(meta: &Meta, sending: &Sending<'_>) -> Severity {
    if sending.paths.iter().all(|path| path.is_weaker()) { meta.severity.lower() } else { meta.severity }
}

/// What each server said to `question`.
pub(crate) fn evidence(dns: &Observations, question: &Question) -> Vec<Evidence> {
    let said = dns.replies(question).map(|(vantage, outcome)| {
        let (answer, ttl) = match outcome {
            Outcome::Unanswered(why) => (why.to_string(), None),
            Outcome::Answer(answer) if answer.nxdomain => ("NXDOMAIN".to_owned(), answer.negative_ttl),
            Outcome::Answer(answer) if answer.records.is_empty() => ("NODATA".to_owned(), answer.negative_ttl),
            Outcome::Answer(answer) => (answer.texts(), answer.records.iter().map(|r| r.ttl).min()),
        };
        let planned = vantage.kind == VantageKind::Overlay;
        Evidence { question: question.to_string(), from: vantage.name.clone(), answer, ttl, planned }
    });
    said.collect()
}

/// The PTR names of an address, each once, in the order of the answer; none where there are none or the question is open.
pub(crate) fn ptr_names(dns: &Observations, addr: IpAddr) -> Vec<DomainName> {
    let mut seen = BTreeSet::new();
    dns.ptr(addr).found().iter().filter(|name| seen.insert((*name).clone())).cloned().collect()
}

/// What servers said to the question for `name`'s address records of one family.
pub(crate) fn address_evidence(dns: &Observations, name: &DomainName, family: Family) -> Vec<Evidence> {
    evidence(dns, &Question::new(name, RecordType::address(family)))
}

/// The PTR names of an address whose own records were asked for: those that rules about single names look at.
pub(crate) fn followed_ptr_names(dns: &Observations, addr: IpAddr) -> Vec<DomainName> {
    let mut names = ptr_names(dns, addr);
    names.truncate(PTR_NAMES_FOLLOWED);
    names
}

/// The names that this host has for a sending address, whatever the DNS says: the host name, the MTAs' own names, the HELO names of the
/// address' paths.
pub(crate) fn names_for(facts: &Facts, sending: &Sending<'_>) -> Vec<DomainName> {
    let host = host_and_own_names(facts).into_iter().filter(|name| matches!(name.role, Role::Host | Role::Own(_)));
    let helos = sending.paths.iter().filter_map(|path| helo_name(path)).filter(|name| name.role == Role::Helo);
    host.chain(helos).map(|name| name.name).collect()
}

/// Every name of the host's identity, once for each role and path; what a path falls back on without PTR record is none of them.
pub(crate) fn identity_names<'a>(facts: &'a Facts, dns: &Observations) -> Vec<IdentityName<'a>> {
    let mut all = identity::identity_names(facts, |addr| followed_ptr_names(dns, addr));
    all.retain(|name| name.role != Role::HeloDefault);
    all
}

/// The identity names grouped by name, in the order in which they are first met.
pub(crate) fn identity_by_name<'a>(facts: &'a Facts, dns: &Observations) -> Vec<(DomainName, Vec<IdentityName<'a>>)> {
    let mut groups: Vec<(DomainName, Vec<IdentityName<'a>>)> = Vec::new();
    let mut places: BTreeMap<DomainName, usize> = BTreeMap::new();
    for item in identity_names(facts, dns) {
        match places.get(&item.name).and_then(|at| groups.get_mut(*at)) {
            Some((_, known)) => known.push(item),
            None => {
                places.insert(item.name.clone(), groups.len());
                groups.push((item.name.clone(), vec![item]));
            }
        }
    }
    groups
}

/// The finding with the places and paths of a name.
pub(crate) fn mark_name(mut finding: Finding, roles: &[IdentityName<'_>]) -> Finding {
    for role in roles {
        finding = finding.place(&role.origin, role.role.label());
        if let Some(path) = role.path {
            finding = finding.path(&path.id);
        }
    }
    finding
}

/// Names or addresses as a sentence lists them; of a long list the first few, and how many more there are.
pub(crate) fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let mut texts: Vec<String> = items.iter().take(LISTED).map(T::to_string).collect();
    if items.len() > LISTED {
        texts.push(format!("and {} more", items.len() - LISTED));
    }
    texts.join(", ")
}

/// The macro, or the parameter of the administrator's own, that the line of a parameter's value sets, where that is another.
pub(crate) fn set_by<'o>(parameter: &str, origin: &'o Origin) -> Option<&'o str> {
    let span = origin.span()?;
    let text = span.file().text();
    let start = text[..span.range().start].rfind('\n').map_or(0, |at| at + 1);
    let before = text[start..span.range().start].trim_end_matches('"').trim_end();
    let name = before.strip_suffix('=')?.trim_end_matches('=').trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && name != parameter && !parameter.ends_with(name)).then_some(name)
}

/// The label of a path's value, with the macro of Exim's configuration whose line it stands in.
pub(crate) fn labelled(path: &OutboundPath, origin: &Origin, label: &str) -> String {
    let name = set_by("", origin).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
    match name.filter(|_| path.mta == Some(Mta::Exim)) {
        Some(name) => format!("{label}, by the macro `{name}`"),
        None => label.to_owned(),
    }
}

/// What is set at the place of a parameter's value, for a sentence: "`interface` (FILE:9)", "the macro `SRC` (FILE:1), of which
/// `interface` is made,".
pub(crate) fn set_at(parameter: &str, origin: &Origin) -> String {
    let own = format!("`{parameter}`");
    let at = origin.describe();
    match set_by(parameter, origin) {
        Some(name) if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
            format!("the macro `{name}` ({at}), of which {own} is made,")
        }
        Some(name) => format!("`{name}` ({at}), of which {own} is made,"),
        None if origin.span().is_some() => format!("{own} ({at})"),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn a_value_is_named_by_what_its_line_sets() {
        for (line, value, told) in [
            ("interface = 192.0.2.9", "192.0.2.9", "`interface` (/etc/x:1)"),
            ("  interface=\"192.0.2.9\"", "192.0.2.9", "`interface` (/etc/x:1)"),
            ("SRC = 192.0.2.9", "192.0.2.9", "the macro `SRC` (/etc/x:1), of which `interface` is made,"),
            ("SRC == 192.0.2.9", "192.0.2.9", "the macro `SRC` (/etc/x:1), of which `interface` is made,"),
            ("own_ip = 192.0.2.9", "192.0.2.9", "`own_ip` (/etc/x:1), of which `interface` is made,"),
            ("a.example: 192.0.2.9", "192.0.2.9", "`interface` (/etc/x:1)"),
            ("192.0.2.9", "192.0.2.9", "`interface` (/etc/x:1)"),
        ] {
            let file = SourceFile::new("/etc/x", line.as_bytes());
            let start = line.find(value).unwrap();
            assert_eq!(set_at("interface", &Origin::File(file.span(start, start + value.len()))), told, "{line}");
        }
        assert_eq!(set_at("interface", &Origin::kernel("x")), "`interface`");
    }

    #[test]
    fn a_macros_line_is_named_as_such() {
        use crate::rules::testing::{ADDR, But, NAME, path};
        let exim = path(ADDR, NAME).but(|path| path.mta = Some(Mta::Exim));
        for (line, value, told) in [
            ("HELO = mail.example.com", "mail.example.com", "HELO name, by the macro `HELO`"),
            ("  helo_data = mail.example.com", "mail.example.com", "HELO name"),
            ("a.example: mail.example.com", "mail.example.com", "HELO name"),
        ] {
            let file = SourceFile::new("/etc/x", line.as_bytes());
            let start = line.find(value).unwrap();
            let origin = Origin::File(file.span(start, start + value.len()));
            assert_eq!(labelled(&exim, &origin, "HELO name"), told, "{line}");
            assert_eq!(labelled(&path(ADDR, NAME), &origin, "HELO name"), "HELO name", "Postfix has none: {line}");
        }
    }
}
