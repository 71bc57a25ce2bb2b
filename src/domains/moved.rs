//! What a move changed for the domains of a host: whether their mail is still taken, and signed with the same keys.

use std::collections::{HashMap, HashSet};

use super::{GapOf, Handled, MailDomain, MailDomains, SigningKey};
use crate::facts::moved::{MovedDomain, MovedMail, SignedHere};
use crate::facts::{Facts, Mapped};
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

/// Which domains of the old host this one handles otherwise, sorted by name, and why some may be missing among them.
///
/// Lists that a panel keeps on both hosts are compared line by line elsewhere: of cPanel's, what is in no list any more is told here. The old host's
/// own names are no customers' domains, unless their mail is signed.
pub fn moved(old: Host<'_>, new: Host<'_>, map: &[Mapped]) -> (Vec<MovedDomain>, Vec<String>) {
    let renamed: HashMap<&DomainName, &DomainName> = map
        .iter()
        .filter_map(|mapped| match mapped {
            Mapped::Name { old, new } => Some((old, new)),
            Mapped::Address { .. } => None,
        })
        .collect();
    let own: HashSet<DomainName> = host_and_own_names(old.facts).into_iter().map(|name| name.name).collect();
    let has_maps = |facts: &Facts| facts.panel_maps.as_ref().is_some_and(|maps| !maps.is_empty());
    let have_both = |has: &dyn Fn(&Facts) -> bool| has(old.facts) && has(new.facts);
    let lists = gaps(new.domains, |of| matches!(of, GapOf::Domains));
    let told = match () {
        () if have_both(&|facts| facts.cpanel.is_some()) => Told::ByCpanel,
        () if have_both(&has_maps) => Told::ByMaps,
        () => Told::Nowhere { is_closed: lists.is_empty() },
    };
    let (mut all, mut is_open) = (Vec::new(), false);
    let mut unread: Vec<DomainName> = Vec::new();
    for was in old.domains.domains.values() {
        let now = renamed.get(&was.name).copied();
        let is = new.domains.domains.get(now.unwrap_or(&was.name));
        let keys = old.domains.signing(&was.name).keys;
        if !own.contains(&was.name) || !keys.is_empty() {
            all.extend(handled(was, is, told, new.domains));
        }
        // A domain of another name has other records.
        if is.is_some() && !keys.is_empty() && now.is_none_or(|now| *now == was.name) {
            let here = new.domains.signing(&was.name);
            is_open |= here.is_open;
            let signed = keys.iter().filter_map(|key| signed(key, here.keys, here.is_open, &mut unread));
            all.extend(signed.map(|what| MovedDomain { name: was.name.clone(), what, at: None }));
        }
    }
    let mut open = Vec::new();
    if let Told::Nowhere { .. } = told {
        open.extend(gaps(old.domains, |of| matches!(of, GapOf::Domains)).into_iter().map(of_old));
        open.extend(lists);
    }
    open.extend(gaps(old.domains, |of| !matches!(of, GapOf::Domains)).into_iter().map(of_old));
    open.extend(unread.first().map(|first| match unread.len() - 1 {
        0 => format!("the key of {first} cannot be read on both hosts"),
        more => format!("the key of {first} cannot be read on both hosts, nor {more} others"),
    }));
    if is_open {
        open.extend(gaps(new.domains, |of| !matches!(of, GapOf::Domains)));
    }
    (all, open)
}

fn of_old(words: String) -> String {
    format!("on the old host, {words}")
}

/// Where else it is told that a domain is handled otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// By the lists of cPanel, for domains that are in one of them on both hosts.
    ByCpanel,
    /// By DirectAdmin's or Hestia's maps.
    ByMaps,
    /// Nowhere. `is_closed`: the lists of this host are known to the last.
    Nowhere { is_closed: bool },
}

/// What files leave open of one kind, in words.
fn gaps(domains: &MailDomains, is_of: impl Fn(&GapOf) -> bool) -> Vec<String> {
    domains.gaps.iter().filter(|gap| is_of(&gap.of)).map(|gap| gap.words.clone()).collect()
}

/// Whether mail for a domain is taken as before.
fn handled(was: &MailDomain, is: Option<&MailDomain>, told: Told, here: &MailDomains) -> Option<MovedDomain> {
    let takes = |domain: &&MailDomain| domain.handled != Handled::Sender;
    Some(was).filter(takes)?;
    let moved = |is: Option<&MailDomain>| {
        let at = is.map_or((&was.origin, true), |is| (&is.origin, false));
        let what = MovedMail::Handled { was: was.handled.as_str(), is: is.map(|is| is.handled.as_str()) };
        Some(MovedDomain { name: was.name.clone(), what, at: Some((at.0.clone(), at.1)) })
    };
    match (is.filter(takes), told) {
        (Some(is), Told::Nowhere { .. }) if is.handled != was.handled => moved(Some(is)),
        (Some(_), _) => None,
        // Its account is here; or it had none, since its mail is only kept for another host.
        (None, Told::ByCpanel) if is.is_some() || was.handled == Handled::Secondary => moved(None),
        (None, Told::Nowhere { is_closed: true }) if !is_below_relayed(&was.name, here) => moved(None),
        (None, _) => None,
    }
}

/// Whether a domain is below one whose mail is passed on: Postfix's `relay_domains` stand for what is below them too, unless somebody changed
/// `parent_domain_matches_subdomains`.
fn is_below_relayed(name: &DomainName, here: &MailDomains) -> bool {
    let is_relayed =
        |name: &DomainName| here.domains.get(name).is_some_and(|domain| domain.handled == Handled::Secondary);
    name.ancestors().skip(1).any(|above| is_relayed(&above))
}

/// What became of a key. Where files leave open with what else mail is signed, a key that is not seen is none that is missing. One that cannot be read on
/// both hosts gets to `unread`.
fn signed(was: &SigningKey, here: &[SigningKey], is_open: bool, unread: &mut Vec<DomainName>) -> Option<MovedMail> {
    let record = was.record_name();
    let is = match here.iter().find(|key| key.record_name() == record) {
        Some(is) => match (&was.key, &is.key) {
            (Ok(old), Ok(new)) if old != new => SignedHere::AnotherKey,
            (Ok(_), Ok(_)) => return None,
            _ => {
                unread.push(record);
                return None;
            }
        },
        None if is_open => return None,
        None if here.is_empty() => SignedHere::Nothing,
        None => SignedHere::AnotherName,
    };
    Some(MovedMail::Signed { record, file: was.file.clone(), is })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dkim::{KeyFault, PublicKey};
    use crate::domains::Gap;
    use crate::facts::Origin;
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
        let map = [Mapped::Name { old: name("was.example"), new: name("is.example") }];
        let (all, open) = moved(Host { facts: &facts, domains: old }, Host { facts: &facts, domains: new }, &map);
        (all.iter().map(|domain| format!("{} {:?}", domain.name, domain.what)).collect(), open)
    }

    #[test]
    fn a_host_and_itself_differ_in_nothing() {
        let all = [("a.example", Handled::Local), ("b.example", Handled::Secondary), ("c.example", Handled::Sender)];
        let host = host(&all, &[("a.example", "s1", Some(1))]);
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
        // One that was renamed is looked for by its new name.
        let (was, is) = (host(&[("was.example", Handled::Local)], &[]), host(&[("is.example", Handled::Local)], &[]));
        assert_eq!(told(&was, &is), (vec![], vec![]));
        assert_eq!(told(&was, &host(&[], &[])).0, [r#"was.example Handled { was: "local", is: None }"#]);
        // What is below a domain that is passed on is passed on too.
        let both = [("part.example", Handled::Secondary), ("x.part.example", Handled::Secondary)];
        assert_eq!(told(&host(&both, &[]), &host(&both[..1], &[])), (vec![], vec![]));
        // What the old host's files left open is said.
        let mut before = old.clone();
        before.add_gap(Gap { of: GapOf::Domains, words: "a table of mysql".to_owned(), origin: HERE });
        assert_eq!(told(&before, &old), (vec![], vec!["on the old host, a table of mysql".to_owned()]));
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
            (&[("a.example", "s1", Some(2))], Some("AnotherKey")),
            (&[("a.example", "s2", Some(1))], Some("AnotherName")),
            (&[], Some("Nothing")),
        ] {
            let (all, open) = told(&old, &host(&local, keys));
            let line = expected
                .map(|is| format!(r#"a.example Signed {{ record: "s1._domainkey.a.example", file: "/k", is: {is} }}"#));
            assert_eq!((all, open.len()), (Vec::from_iter(line), 0), "{keys:?}");
        }
        let unread = host(&local, &[("a.example", "s1", None)]);
        let said = vec!["the key of s1._domainkey.a.example cannot be read on both hosts".to_owned()];
        assert_eq!(told(&old, &unread), (vec![], said.clone()));
        assert_eq!(told(&unread, &old), (vec![], said));
        // A domain that is not here is told as that alone.
        assert_eq!(told(&old, &host(&[], &[])).0, [r#"a.example Handled { was: "local", is: None }"#]);
        let mut new = host(&local, &[]);
        new.add_gap(Gap { of: GapOf::Keys, words: "rspamd's vault".to_owned(), origin: HERE });
        assert_eq!(told(&old, &new), (vec![], vec!["rspamd's vault".to_owned()]));
    }
}
