//! Which names the certificates are for that the MTAs present.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Certificate, Facts};
use crate::identity::{IdentityName, Role, host_and_own_names};
use crate::name::DomainName;

use super::change::{Change, Effect, What};
use super::mapping::Mapping;

/// What changed of them. Of one use all files count together, so that a key of another kind, or a file of another name, is no change; nor is
/// the time at which one ends.
pub(super) fn changes(old: &Facts, new: &Facts, mapping: &Mapping) -> Vec<Change> {
    let now = by_use(new);
    by_use(old).into_iter().filter_map(|(key, was)| change(&key, &was, now.get(&key), old, new, mapping)).collect()
}

/// The certificates of each use.
fn by_use(facts: &Facts) -> BTreeMap<String, Vec<&Certificate>> {
    let mut all: BTreeMap<String, Vec<&Certificate>> = BTreeMap::new();
    for certificate in &facts.certificates {
        all.entry(usage(&certificate.setting)).or_default().push(certificate);
    }
    all
}

/// What a certificate is for, whatever setting names it.
fn usage(setting: &str) -> String {
    let of = match setting {
        _ if setting.starts_with("smtpd_") => "postfix as a server",
        _ if setting.starts_with("smtp_") => "postfix as a client",
        // cPanel's own file is what its Exim presents where the configuration names none.
        "tls_certificate" | "cPanel exim" => "exim as a server",
        _ => match setting.strip_suffix(" tls_certificate") {
            Some(transport) => return format!("certificate of exim {transport}"),
            None => setting,
        },
    };
    format!("certificate of {of}")
}

fn names(certificates: &[&Certificate]) -> BTreeSet<DomainName> {
    certificates.iter().flat_map(|certificate| &certificate.names).map(|name| DomainName::new(name)).collect()
}

/// Whether one of the names is this one, or a wildcard for it (RFC 6125 section 6.4.3).
fn covers(names: &BTreeSet<DomainName>, name: &DomainName) -> bool {
    let wildcard = || name.as_str().split_once('.').map(|(_, above)| DomainName::new(&format!("*.{above}")));
    names.contains(name) || wildcard().is_some_and(|wildcard| names.contains(&wildcard))
}

/// The names that certificates are made for: the node name is the kernel's alone.
fn own(facts: &Facts) -> Vec<IdentityName<'_>> {
    let all = host_and_own_names(facts).into_iter();
    all.filter(|own| own.role != Role::Node && own.name.is_qualified()).collect()
}

fn change(
    key: &str,
    was: &[&Certificate],
    is: Option<&Vec<&Certificate>>,
    old: &Facts,
    new: &Facts,
    mapping: &Mapping,
) -> Option<Change> {
    let text = |all: &BTreeSet<DomainName>| all.iter().map(DomainName::as_str).collect::<Vec<_>>().join(", ");
    let before = names(was);
    let Some(is) = is else {
        let origin = &was.first()?.file.origin;
        let change = Change::new(What::Setting, key, Some(&text(&before)), None).was_at(origin);
        return Some(change.drift(Effect::Lost, "no certificate is found here"));
    };
    let now = names(is);
    let (own_before, own_now) = (own(old), own(new));
    // A name that the old host had and this one has not went with it; then this one's, of the same role, is wanted in its place.
    let has = |all: &[IdentityName<'_>], name: &DomainName| all.iter().any(|own| own.name == *name);
    let retired = |name: &DomainName| has(&own_before, name) && !has(&own_now, name);
    let became = before.iter().filter(|name| !retired(name) || mapping.translated(name.as_str()).1.is_some());
    let mut wanted: BTreeSet<DomainName> =
        became.map(|name| DomainName::new(&mapping.translated(name.as_str()).0)).collect();
    let covered = |role: Role| own_before.iter().any(|own| own.role == role && covers(&before, &own.name));
    wanted.extend(own_now.iter().filter(|own| covered(own.role)).map(|own| own.name.clone()));
    let lacks: BTreeSet<DomainName> = wanted.into_iter().filter(|name| !covers(&now, name)).collect();
    if before == now && lacks.is_empty() {
        return None;
    }
    let change = Change::new(What::Setting, key, Some(&text(&before)), Some(&text(&now))).at(&is.first()?.file.origin);
    Some(match lacks.is_empty() {
        true => change.expected("it is for every name that is wanted"),
        false => change.drift(Effect::Certificate, format!("it is not for {}", text(&lacks))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Verdict;
    use crate::facts::{Fact, Mapped, Moved, Sought};
    use crate::rules::testing::{But, HERE, fact, healthy};

    fn with(certificates: &[(&str, &[&str])]) -> Facts {
        let certificate = |(setting, names): &(&str, &[&str])| Certificate {
            setting: (*setting).to_owned(),
            file: Fact::new("/etc/mail.crt".to_owned(), HERE),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            until: 0,
        };
        healthy().but(|facts| facts.certificates = certificates.iter().map(certificate).collect())
    }

    fn told(old: &Facts, new: &Facts, map: &[(&str, &str)]) -> Vec<String> {
        let name = DomainName::new;
        let map = map.iter().map(|(old, new)| Mapped::Name { old: name(old), new: name(new) }).collect();
        let (answers, sought, taken) = (Default::default(), Sought::default(), String::new());
        let (domains, open) = (Vec::new(), Vec::new());
        let moved = Moved { old: old.clone(), taken, answers, map, sought, domains, open };
        let mapping = Mapping::new(&moved, new, std::iter::empty());
        let all = changes(old, new, &mapping);
        all.iter().map(|one| format!("{} {}: {}", one.verdict.as_str(), one.key, one.because)).collect()
    }

    /// Why, the host before and after, `--map`, what is told.
    type Case<'a> = (&'a str, Facts, Facts, &'a [(&'a str, &'a str)], Vec<String>);

    #[test]
    fn names_that_are_lacking() {
        const CERT: &str = "smtpd_tls_cert_file";
        const KEY: &str = "certificate of postfix as a server";
        let fine = format!("{} {KEY}: it is for every name that is wanted", Verdict::Expected.as_str());
        let both = ["mail.example.com", "smtp.example.com"];
        let renamed = |facts: Facts| {
            let name = || Some(fact("new.example.com".to_owned()));
            facts.but(|f| {
                f.host.node_name = name();
                f.host.fqdn = crate::facts::HostFqdn::Name(fact("new.example.com".to_owned()));
                f.postfix.clear();
            })
        };
        let cases: [Case; 12] = [
            ("the same", with(&[(CERT, &both)]), with(&[(CERT, &both)]), &[], vec![]),
            ("in another file", with(&[(CERT, &both)]), with(&[("smtpd_tls_chain_files", &both)]), &[], vec![]),
            (
                "in two files",
                with(&[(CERT, &both)]),
                with(&[(CERT, &both[..1]), ("smtpd_tls_eccert_file", &both[1..])]),
                &[],
                vec![],
            ),
            ("more", with(&[(CERT, &both[..1])]), with(&[(CERT, &both)]), &[], vec![fine.clone()]),
            ("a wildcard", with(&[(CERT, &both)]), with(&[(CERT, &["*.example.com"])]), &[], vec![fine.clone()]),
            (
                "one name less",
                with(&[(CERT, &both)]),
                with(&[(CERT, &both[..1])]),
                &[],
                vec![format!("drift {KEY}: it is not for smtp.example.com")],
            ),
            (
                "none",
                with(&[(CERT, &both)]),
                with(&[]),
                &[],
                vec![format!("drift {KEY}: no certificate is found here")],
            ),
            (
                "the host's own name changed, and it came along",
                with(&[(CERT, &both)]),
                renamed(with(&[(CERT, &["new.example.com", "smtp.example.com"])])),
                &[],
                vec![fine.clone()],
            ),
            (
                "the host's own name changed, and the old one is still there alone",
                with(&[(CERT, &both)]),
                renamed(with(&[(CERT, &["other.example.com", "smtp.example.com"])])),
                &[],
                vec![format!("drift {KEY}: it is not for new.example.com")],
            ),
            (
                "the host's own name changed, and the certificate was copied",
                with(&[(CERT, &both)]),
                renamed(with(&[(CERT, &both)])),
                &[],
                vec![format!("drift {KEY}: it is not for new.example.com")],
            ),
            (
                "a name that became another",
                with(&[(CERT, &both)]),
                with(&[(CERT, &["mail.example.com", "out.example.com"])]),
                &[("smtp.example.com", "out.example.com")],
                vec![fine.clone()],
            ),
            (
                "for no name of this host, before and now",
                with(&[(CERT, &["localhost"])]),
                renamed(with(&[(CERT, &["localhost", "x.example"])])),
                &[],
                vec![fine],
            ),
        ];
        for (why, old, new, map, expected) in cases {
            assert_eq!(told(&old, &new, map), expected, "{why}");
        }
    }
}
