//! What a move changed for the domains of a host: whether their mail is still taken, and signed with the same keys.

use std::collections::HashSet;

use super::{GapOf, Handled, MailDomain, MailDomains, SigningKey};
use crate::facts::moved::{MovedDomain, MovedMail, SignedHere};
use crate::facts::{Facts, Origin};
use crate::identity::host_and_own_names;
use crate::name::DomainName;

/// A host's domains with its facts.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    /// What it says about itself.
    pub facts: &'a Facts,
    /// Its domains and keys.
    pub domains: &'a MailDomains,
}

/// Which domains of the old host this one handles otherwise, sorted by name, and why some may be missing among them. Lists that a panel keeps on both
/// hosts are compared line by line elsewhere.
pub fn moved(old: Host<'_>, new: Host<'_>) -> (Vec<MovedDomain>, Vec<String>) {
    let own: HashSet<DomainName> = host_and_own_names(old.facts).into_iter().map(|name| name.name).collect();
    let has_maps = |facts: &Facts| facts.panel_maps.as_ref().is_some_and(|maps| !maps.is_empty());
    let have_both = |has: &dyn Fn(&Facts) -> bool| has(old.facts) && has(new.facts);
    let is_told_by_panel = have_both(&|facts| facts.cpanel.is_some()) || have_both(&has_maps);
    let (mut all, mut open) = (Vec::new(), Vec::new());
    let lists = gaps(new.domains, |of| matches!(of, GapOf::Domains));
    let mut closed_keys = true;
    for was in old.domains.domains.values().filter(|domain| !own.contains(&domain.name)) {
        let is = new.domains.domains.get(&was.name);
        if !is_told_by_panel {
            all.extend(handled(was, is, lists.is_empty()));
        }
        let keys = old.domains.signing(&was.name).keys;
        if is.is_some() && !keys.is_empty() {
            let here = new.domains.signing(&was.name);
            closed_keys &= !here.is_open;
            let signed = keys.iter().filter_map(|key| signed(key, here.keys, here.is_open));
            all.extend(signed.map(|what| moved_domain(&was.name, what, &was.origin, true)));
        }
    }
    if !is_told_by_panel {
        open.extend(lists);
    }
    if !closed_keys {
        open.extend(gaps(new.domains, |of| !matches!(of, GapOf::Domains)));
    }
    (all, open)
}

/// What files leave open of one kind, in words.
fn gaps(domains: &MailDomains, is_of: impl Fn(&GapOf) -> bool) -> Vec<String> {
    domains.gaps.iter().filter(|gap| is_of(&gap.of)).map(|gap| gap.words.clone()).collect()
}

fn moved_domain(name: &DomainName, what: MovedMail, origin: &Origin, on_old_host: bool) -> MovedDomain {
    MovedDomain { name: name.clone(), what, origin: origin.clone(), on_old_host }
}

/// Whether mail for a domain is taken as before. `is_closed`: the lists of this host are known to the last.
fn handled(was: &MailDomain, is: Option<&MailDomain>, is_closed: bool) -> Option<MovedDomain> {
    let takes = |domain: &&MailDomain| domain.handled != Handled::Sender;
    Some(was).filter(takes)?;
    let before = was.handled.as_str();
    match is.filter(takes) {
        Some(is) if is.handled == was.handled => None,
        Some(is) => {
            let what = MovedMail::Handled { was: before, is: Some(is.handled.as_str()) };
            Some(moved_domain(&was.name, what, &is.origin, false))
        }
        None if is_closed => {
            Some(moved_domain(&was.name, MovedMail::Handled { was: before, is: None }, &was.origin, true))
        }
        None => None,
    }
}

/// What became of a key. Where files leave open with what else mail is signed, a key that is not seen is none that is missing.
fn signed(was: &SigningKey, here: &[SigningKey], is_open: bool) -> Option<MovedMail> {
    let record = was.record_name();
    let is = match here.iter().find(|key| key.record_name() == record) {
        Some(is) => match (&was.key, &is.key) {
            (Ok(old), Ok(new)) if old != new => SignedHere::AnotherKey,
            _ => return None,
        },
        None if is_open => return None,
        None if here.is_empty() => SignedHere::Nothing,
        None => SignedHere::AnotherName,
    };
    Some(MovedMail::Signed { record, is })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dkim::{KeyFault, PublicKey};
    use crate::domains::Gap;
    use crate::report::sample;

    fn name(text: &str) -> DomainName {
        DomainName::new(text)
    }

    const HERE: Origin = Origin::flag("--domains");

    /// A host that takes mail for these and signs it with these keys: selector, and an octet that stands for the key.
    fn host(domains: &[(&str, Handled)], keys: &[(&str, &str, Option<u8>)]) -> MailDomains {
        let mut all = MailDomains::default();
        domains.iter().for_each(|(domain, handled)| all.add(name(domain), *handled, HERE));
        for (author, selector, key) in keys {
            let (selector, file) = ((*selector).to_owned(), "/k".to_owned());
            let key = key.map_or(Err(KeyFault::Broken), |octet| Ok(PublicKey::Ed25519([octet; 32])));
            all.add_key(&name(author), SigningKey { domain: name(author), selector, file, key });
        }
        all
    }

    /// What is told, a line each; and what is open.
    fn told(old: &MailDomains, new: &MailDomains) -> (Vec<String>, Vec<String>) {
        let facts = sample::facts();
        let (all, open) = moved(Host { facts: &facts, domains: old }, Host { facts: &facts, domains: new });
        (all.iter().map(|domain| format!("{} {:?}", domain.name, domain.what)).collect(), open)
    }

    #[test]
    fn a_host_and_itself_differ_in_nothing() {
        let all = [("a.example", Handled::Local), ("b.example", Handled::Secondary), ("c.example", Handled::Sender)];
        let host = host(&all, &[("a.example", "s1", Some(1)), ("a.example", "s2", None)]);
        assert_eq!(told(&host, &host), (vec![], vec![]));
    }

    #[test]
    fn mail_that_is_taken_otherwise() {
        let was = [("a.example", Handled::Local), ("b.example", Handled::Local), ("c.example", Handled::Local)];
        let mut old = host(&was, &[]);
        old.add(name("s.example"), Handled::Sender, HERE);
        let is = [("a.example", Handled::Secondary), ("b.example", Handled::Sender), ("new.example", Handled::Local)];
        let mut new = host(&is, &[]);
        let lines = [
            r#"a.example Handled { was: "local", is: Some("secondary") }"#,
            r#"b.example Handled { was: "local", is: None }"#,
            r#"c.example Handled { was: "local", is: None }"#,
        ];
        assert_eq!(told(&old, &new), (lines.map(str::to_owned).to_vec(), vec![]));
        // Where files do not decide what else is taken, nothing is missing.
        new.add_gap(Gap { of: GapOf::Domains, words: "a table of mysql".to_owned(), origin: HERE });
        assert_eq!(told(&old, &new), (vec![lines[0].to_owned()], vec!["a table of mysql".to_owned()]));
    }

    #[test]
    fn keys_that_are_others() {
        let local = [("a.example", Handled::Local)];
        let old = host(&local, &[("a.example", "s1", Some(1))]);
        for (keys, expected) in [
            (&[("a.example", "s1", Some(1))][..], None),
            // Of a key that cannot be read nobody knows.
            (&[("a.example", "s1", None)], None),
            (&[("a.example", "s1", Some(2))], Some("AnotherKey")),
            (&[("a.example", "s2", Some(1))], Some("AnotherName")),
            (&[], Some("Nothing")),
        ] {
            let (all, open) = told(&old, &host(&local, keys));
            let line =
                expected.map(|is| format!(r#"a.example Signed {{ record: "s1._domainkey.a.example", is: {is} }}"#));
            assert_eq!((all, open.len()), (Vec::from_iter(line), 0), "{keys:?}");
        }
        // A domain that is not here is told as that alone.
        assert_eq!(told(&old, &host(&[], &[])).0, [r#"a.example Handled { was: "local", is: None }"#]);
        let mut new = host(&local, &[]);
        new.add_gap(Gap { of: GapOf::Keys, words: "rspamd's vault".to_owned(), origin: HERE });
        assert_eq!(told(&old, &new), (vec![], vec!["rspamd's vault".to_owned()]));
    }
}
