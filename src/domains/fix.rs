//! Records as they should stand.

use std::net::IpAddr;

use crate::name::DomainName;
use crate::spf::{Mechanism, Term, is_spf};

/// `record` with `add` authorised and `remove` taken out. Addresses go to the front: there they cost no lookup, and no other term decides
/// before them. Without a record, one that authorises them and leaves all others open. `None` where the record cannot be mended this way: what is
/// broken in it has to be mended first.
pub fn authorising(record: Option<&str>, add: &[IpAddr], remove: &[IpAddr]) -> Option<String> {
    let Some(record) = record else {
        let terms: Vec<String> = add.iter().map(|address| term(*address)).collect();
        return Some(format!("v=spf1 {} ~all", terms.join(" ")));
    };
    if !is_spf(record) {
        return None;
    }
    let mut terms: Vec<String> = add.iter().map(|address| term(*address)).collect();
    for text in record.split(' ').skip(1).filter(|text| !text.is_empty()) {
        let read = Term::read(text).ok()?;
        let is_removed = matches!(&read, Term::Directive(directive)
            if matches!(&directive.mechanism, Mechanism::Ip(network)
                if remove.contains(&network.address) && usize::from(network.length) == bits(network.address)));
        if !is_removed && !terms.iter().any(|known| known == text) {
            terms.push(text.to_owned());
        }
    }
    Some(format!("v=spf1 {}", terms.join(" ")))
}

fn bits(address: IpAddr) -> usize {
    if address.is_ipv4() { 32 } else { 128 }
}

fn term(address: IpAddr) -> String {
    format!("{}:{address}", if address.is_ipv4() { "ip4" } else { "ip6" })
}

/// A TXT record as a master file has it, its text in strings of at most 255 octets.
pub(crate) fn txt_record(name: &DomainName, text: &str) -> String {
    let mut strings = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = (0..=rest.len().min(255)).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (string, behind) = rest.split_at(end);
        strings.push(format!("\"{}\"", string.replace('\\', "\\\\").replace('"', "\\\"")));
        rest = behind;
    }
    format!("{}. IN TXT {}", name.as_str(), strings.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_in_front_and_old_ones_go() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let (new, old) = ([ip("203.0.113.10")], [ip("198.51.100.7")]);
        for (record, expected) in [
            (Some("v=spf1 mx ip4:198.51.100.7 -all"), Some("v=spf1 ip4:203.0.113.10 mx -all")),
            (
                Some("v=spf1 +ip4:198.51.100.7/32 ip4:198.51.100.0/24 ~all"),
                Some("v=spf1 ip4:203.0.113.10 ip4:198.51.100.0/24 ~all"),
            ),
            (
                Some("v=spf1 include:a.example  redirect=b.example"),
                Some("v=spf1 ip4:203.0.113.10 include:a.example redirect=b.example"),
            ),
            (Some("v=spf1 ip4:203.0.113.10 -all"), Some("v=spf1 ip4:203.0.113.10 -all")),
            (Some("v=spf1 moo -all"), None),
            (Some("text"), None),
            (None, Some("v=spf1 ip4:203.0.113.10 ~all")),
        ] {
            assert_eq!(authorising(record, &new, &old).as_deref(), expected, "{record:?}");
        }
        assert_eq!(authorising(Some("v=spf1"), &[ip("2001:db8::1")], &[]).as_deref(), Some("v=spf1 ip6:2001:db8::1"));
    }
}
