//! Files of a large host, cut down to what stands for the rest: the services and the map lines of paths that trials look at. A trial then
//! reads little; what it finds is made of the whole host, and judged there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::collect::root::{Changed, Root};
use crate::facts::{Facts, SenderDomains};
use crate::findings::Finding;
use crate::remedy::trial::{self, PathKey};

/// cPanel's files with a line for each domain, account or address.
const MAPS: [&str; 10] = [
    "/etc/mailips",
    "/etc/mailhelo",
    "/etc/userdomains",
    "/etc/trueuserdomains",
    "/etc/localdomains",
    "/etc/remotedomains",
    "/etc/secondarymx",
    "/etc/domainips",
    "/etc/userips",
    "/etc/mail_reverse_dns",
];
/// Domains kept of each path, and subjects of each rule's findings.
const KEPT: usize = 4;
/// Entries of maps and sender domains up to which maps are left whole.
const WHOLE: usize = 2_000;

/// Files cut down, and what is missed in them for that reason alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    /// By canonical path.
    pub files: BTreeMap<String, Changed>,
    /// Services that are left out.
    pub services: BTreeSet<String>,
    /// Maps by the name that changes have for them.
    pub maps: BTreeSet<String>,
}

impl Sample {
    /// Of a host without these paths.
    pub(super) fn of(root: &Root, facts: &Facts, findings: &[Finding], left_out: &BTreeSet<PathKey>) -> Sample {
        let mut sample = Sample::default();
        sample.cut_services(root, facts, left_out);
        if trial::entries(facts) > WHOLE && facts.cpanel.is_some() {
            sample.cut_maps(root, facts, findings, left_out);
        }
        sample
    }

    fn cut_services(&mut self, root: &Root, facts: &Facts, left_out: &BTreeSet<PathKey>) {
        let (gone, kept): (Vec<_>, Vec<_>) = facts.paths.iter().partition(|path| left_out.contains(&PathKey::of(path)));
        let kept: HashSet<&str> = kept.iter().flat_map(|path| path.services.iter().map(|name| &**name)).collect();
        let gone = gone.iter().flat_map(|path| path.services.iter().map(|name| &**name));
        let gone: HashSet<&str> = gone.filter(|name| !kept.contains(name) && !name.contains('/')).collect();
        if gone.is_empty() {
            return;
        }
        for postfix in facts.postfix.iter().take(1) {
            let file = format!("{}/master.cf", postfix.config_directory);
            let Some((text, modified)) = read(root, &file) else { continue };
            let mut out = String::new();
            let mut within = false;
            for line in text.split_inclusive('\n') {
                let more = line.starts_with([' ', '\t']) && !line.trim().is_empty();
                if !more && !line.starts_with('#') && !line.trim().is_empty() {
                    let mut words = line.split_whitespace();
                    let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                    within = kind == "unix" && gone.contains(name);
                }
                if !within || !more && line.starts_with('#') {
                    out.push_str(line);
                }
            }
            self.files.insert(root.place(&file), Changed { text: out.into(), modified });
        }
        self.services = gone.into_iter().map(str::to_owned).collect();
    }

    fn cut_maps(&mut self, root: &Root, facts: &Facts, findings: &[Finding], left_out: &BTreeSet<PathKey>) {
        let mut kept: HashSet<String> = HashSet::from(["*".to_owned()]);
        for path in facts.paths.iter().filter(|path| !left_out.contains(&PathKey::of(path))) {
            if let SenderDomains::Only { domains, .. } = &path.sender_domains {
                kept.extend(domains.iter().take(KEPT).map(ToString::to_string));
            }
            let addresses = [&path.source, &path.sending].into_iter().flatten();
            kept.extend(addresses.map(|fact| fact.value.to_string()));
        }
        let mut of_rule: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in findings {
            let number = of_rule.entry(finding.meta.code).or_default();
            *number += 1;
            if *number <= KEPT {
                kept.insert(finding.subject.clone());
            }
        }
        let users = facts.cpanel.iter().flat_map(|cpanel| &cpanel.userdomains);
        let users: Vec<String> =
            users.filter(|entry| kept.contains(entry.key.trim())).map(|entry| entry.value.trim().to_owned()).collect();
        kept.extend(users);
        for map in MAPS {
            let Some((text, modified)) = read(root, map) else { continue };
            let addresses = ["/etc/domainips", "/etc/mail_reverse_dns"].contains(&map);
            let is_kept = |line: &&str| {
                let bare = line.trim();
                let key = bare.split([':', ' ', '\t', '=']).next().unwrap_or_default().trim_matches('"');
                let named = match map {
                    // An address has a line for each domain.
                    "/etc/domainips" => bare.split([' ', '\t']).next_back().is_some_and(|domain| kept.contains(domain)),
                    _ => kept.contains(key) || addresses && kept.iter().any(|known| bare.starts_with(known.as_str())),
                };
                named || bare.is_empty() || bare.starts_with('#')
            };
            let out: String = text.split_inclusive('\n').filter(is_kept).collect();
            self.files.insert(root.place(map), Changed { text: out.into(), modified });
            self.maps.insert(map.to_owned());
        }
    }
}

/// A file's text, and when it was written.
fn read(root: &Root, file: &str) -> Option<(String, i64)> {
    let text = root.read(file).ok()?.text().to_owned();
    Some((text, root.status(file).map_or(0, |status| status.modified)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Mta;
    use crate::rules::testing::{But, healthy, path};

    #[test]
    fn services_that_others_stand_for_are_cut() {
        let text = "smtp unix - - n - - smtp\n# comment\nout1 unix - - n - - smtp\n  -o a=1\n\nout2 unix - - n - - smtp\n  -o a=2\n";
        let (_dir, root) = crate::collect::testing::root(&[("etc/postfix/master.cf", text)]);
        let of = |address: &str, service: &str| {
            path(address, "mail.example.com").but(|p| (p.services, p.mta) = (vec![service.into()], Some(Mta::Postfix)))
        };
        let facts = healthy().but(|f| {
            f.postfix[0].config_directory = "/etc/postfix".into();
            f.paths = vec![of("192.0.2.10", "smtp"), of("192.0.2.11", "out1"), of("192.0.2.12", "out2")];
        });
        let sample = Sample::of(&root, &facts, &[], &BTreeSet::from([PathKey::of(&facts.paths[2])]));
        let left = sample.files.values().next().unwrap();
        assert_eq!(&*left.text, "smtp unix - - n - - smtp\n# comment\nout1 unix - - n - - smtp\n  -o a=1\n\n");
        assert_eq!(sample.services, BTreeSet::from(["out2".to_owned()]));
    }
}
