//! Who runs the reverse zone of an address, as far as answers told.

use std::net::IpAddr;

use crate::name::DomainName;
use crate::observe::{Observations, Outcome, Question, Record, RecordData, RecordType, VantageKind};

/// The reverse zone of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReverseZone {
    /// Its name.
    pub zone: Option<DomainName>,
    /// The mail address of whoever runs it, by its SOA record.
    pub contact: Option<String>,
    /// Its servers: the one that its SOA record names, and those that were asked.
    pub servers: Vec<DomainName>,
}

impl ReverseZone {
    /// What the answers to the address' PTR question, and to questions for SOA records above it, say of its zone.
    pub fn find(dns: &Observations, addr: IpAddr) -> ReverseZone {
        let question = Question::ptr(addr);
        let mut found = ReverseZone::default();
        let mut name = Some(question.name.clone());
        while let Some(owner) = name.filter(|owner| owner.labels().count() > 2) {
            found.hear(dns, &Question::new(&owner, RecordType::Soa), addr);
            name = owner.parent();
        }
        found.hear(dns, &question, addr);
        for (vantage, outcome) in dns.replies(&question) {
            if vantage.kind == VantageKind::Authoritative
                && vantage.server.is_some()
                && matches!(outcome, Outcome::Answer(answer) if answer.authoritative)
            {
                let name = vantage.name.split(" (").next().unwrap_or_default();
                found.add(DomainName::new(name));
            }
        }
        found
    }

    fn hear(&mut self, dns: &Observations, question: &Question, addr: IpAddr) {
        for (_, outcome) in dns.replies(question) {
            let Outcome::Answer(answer) = outcome else { continue };
            answer.records.iter().chain(answer.soa.as_deref()).for_each(|record| self.take(record, addr));
        }
    }

    fn take(&mut self, record: &Record, addr: IpAddr) {
        let RecordData::Soa { mname, rname, .. } = &record.data else { return };
        let reverse = Question::ptr(addr).name;
        // An alias leads out of the tree (RFC 2317): the zone at its end is somebody else's.
        if !reverse.is_within(&record.name) || record.name.labels().count() <= 2 || self.zone.is_some() {
            return;
        }
        self.zone = Some(record.name.clone());
        self.contact = mailbox(rname);
        self.add(mname.clone());
    }

    fn add(&mut self, server: DomainName) {
        if server.is_qualified() && server.is_host_name() && !self.servers.contains(&server) {
            self.servers.push(server);
        }
    }

    /// Who to ask, in words that follow "ask".
    pub fn holder(&self, addr: IpAddr) -> String {
        let mut known = Vec::new();
        if let Some(contact) = &self.contact {
            known.push(format!("contact {contact} by its SOA record"));
        }
        if let Some(server) = self.servers.first() {
            known.push(format!("served by {server}"));
        }
        match (&self.zone, known.is_empty()) {
            (Some(zone), false) => format!("the holder of {addr}, whose reverse zone is {zone} ({})", known.join(", ")),
            (None, false) => format!("the holder of {addr}, whose reverse zone is {}", known.join(", ")),
            (_, true) => format!("whoever holds {addr}"),
        }
    }
}

/// The mail address that the name in an SOA record stands for (RFC 1035 section 8): its first label is the local part.
fn mailbox(rname: &DomainName) -> Option<String> {
    let text = rname.as_str();
    let mut escaped = false;
    let dot = text.char_indices().find(|(_, c)| {
        let here = *c == '.' && !escaped;
        escaped = *c == '\\' && !escaped;
        here
    });
    let (at, _) = dot?;
    let (local, domain) = (text.get(..at)?.replace("\\.", "."), text.get(at + 1..)?);
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    (!local.is_empty() && local.chars().all(plain) && DomainName::new(domain).is_host_name())
        .then(|| format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_mail_address() {
        for (name, expected) in [
            ("hostmaster.example.net", Some("hostmaster@example.net")),
            ("john\\.doe.example.net", Some("john.doe@example.net")),
            ("", None),
            ("root", None),
            ("a\\032b.example.net", None),
        ] {
            assert_eq!(mailbox(&DomainName::new(name)).as_deref(), expected, "{name}");
        }
    }
}
