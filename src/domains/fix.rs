//! Records as they should stand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordData, RecordType};
use crate::spf::{self, Check, Mechanism, SpfResult, Term, is_spf};

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
    let added: Vec<String> = add.iter().map(|address| term(*address)).collect();
    let mut terms: Vec<&str> = added.iter().map(String::as_str).collect();
    let mut known: HashSet<&str> = terms.iter().copied().collect();
    for text in record.split(' ').skip(1).filter(|text| !text.is_empty()) {
        let read = Term::read(text).ok()?;
        let is_removed = matches!(&read, Term::Directive(directive)
            if matches!(&directive.mechanism, Mechanism::Ip(network)
                if remove.contains(&network.address) && usize::from(network.length) == bits(network.address)));
        if !is_removed && known.insert(text) {
            terms.push(text);
        }
    }
    Some(format!("v=spf1 {}", terms.join(" ")))
}

/// Whether a record says that nobody sends mail from its domain: `v=spf1 -all`, and nothing else.
pub fn says_that_nobody_sends(record: &str) -> bool {
    let mut terms = record.split(' ').skip(1).filter(|term| !term.is_empty());
    is_spf(record) && terms.next().is_some_and(|term| term.eq_ignore_ascii_case("-all")) && terms.next().is_none()
}

/// Whether mail of `name` passes from all of these addresses by `record`, whatever the DNS says of other names.
pub fn passes_alone(record: &str, name: &DomainName, addresses: &[IpAddr]) -> bool {
    let own = Question::new(name, RecordType::Txt);
    let answer = Lookup::Found(vec![RecordData::Txt(record.to_owned())]);
    let answers = |question: &Question| (*question == own).then_some(Cow::Borrowed(&answer));
    addresses.iter().all(|address| {
        let outcome = spf::evaluate(&Check::new(*address, name, "unknown"), &answers);
        matches!(outcome, spf::Outcome::Done(found) if found.result == SpfResult::Pass)
    })
}

fn bits(address: IpAddr) -> usize {
    if address.is_ipv4() { 32 } else { 128 }
}

fn term(address: IpAddr) -> String {
    format!("{}:{address}", if address.is_ipv4() { "ip4" } else { "ip6" })
}

/// A TXT record as a master file has it.
pub(crate) fn txt_record(name: &DomainName, text: &str) -> String {
    format!("{}. IN TXT {}", name.as_str(), txt_strings(text))
}

/// The text of a TXT record as a master file has it, in strings of at most 255 octets.
pub(crate) fn txt_strings(text: &str) -> String {
    let mut strings = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = (0..=rest.len().min(255)).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (string, behind) = rest.split_at(end);
        let mut quoted = String::with_capacity(string.len() + 2);
        for c in string.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                // What a shell acts upon within quotes, should the line be taken for a command.
                '$' | '`' | '!' => quoted.push_str(&format!("\\{:03}", u32::from(c))),
                c => quoted.push(c),
            }
        }
        strings.push(format!("\"{quoted}\""));
        rest = behind;
    }
    strings.join(" ")
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

    #[test]
    fn what_a_record_says_by_itself() {
        for (record, nobody, passes) in [
            ("v=spf1 -all", true, false),
            ("V=SPF1  -ALL ", true, false),
            ("v=spf1 ~all", false, false),
            ("v=spf1 -all exp=x.example", false, false),
            ("-all", false, false),
            ("v=spf1 ip4:203.0.113.10 include:gone.example -all", false, true),
            ("v=spf1 include:gone.example ip4:203.0.113.10 -all", false, false),
            ("v=spf1 ip4:203.0.113.10 redirect=a.example redirect=b.example", false, false),
        ] {
            let name = DomainName::new("a.example");
            let address = ["203.0.113.10".parse().unwrap()];
            assert_eq!(
                (says_that_nobody_sends(record), passes_alone(record, &name, &address)),
                (nobody, passes),
                "{record}"
            );
        }
    }
}
