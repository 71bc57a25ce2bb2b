use super::questions::judged;
use crate::domains::fix::{Retired, authorising, txt_record};
use crate::domains::{AskedBy, OldRecord};
use crate::facts::moved::{Value, words};
use crate::facts::{Facts, SenderDomains};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::identity::host_and_own_names;
use crate::name::DomainName;
use crate::observe::{RecordData, RecordType};
use crate::rules::advice::{address_record, delete_record};
use crate::rules::support::evidence;
use crate::rules::{Context, DomainContext, rule};
use crate::spf::SpfResult;
use std::collections::BTreeSet;
use std::net::IpAddr;

rule! {
    /// A record still holds an address from before the move.
    ///
    /// ## Condition
    /// A record asked for any reason holds an address given with `--old-ip`. With `helolint domains`: the domain's SPF records, where they name
    /// the address itself, its address records, those of its exchangers, and what its SPF record leads to below a domain that is handled here. Info where
    /// the name is no name of this host's identity and below no domain that it handles. Subject: the question.
    ///
    /// ## Why it matters
    /// Receivers that compare names with addresses still find the old server: the new address is not confirmed, SPF does not name it, and mail
    /// for the name goes to a machine that may be gone.
    ///
    /// ## Fix
    /// Put the new address into the record, or remove the old one.
    ///
    /// ## When to ignore
    /// While both addresses are in use on purpose.
    pub static RULE = {
        code: "DNS008",
        name: "old-address-published",
        severity: Error,
        refs: ["RFC 7208 section 5", "RFC 8601 section 2.7.3"],
        needs: [Facts, Dns],
        check: (both check check_domain),
    };
}

/// What a domain's records hold, those of its exchangers, and those that its SPF record leads to.
fn check_domain(cx: &DomainContext<'_>) -> Vec<Finding> {
    cx.seen.old.iter().filter_map(|record| held_by(cx, record)).collect()
}

fn held_by(cx: &DomainContext<'_>, record: &OldRecord) -> Option<Finding> {
    let (domain, name) = (cx.seen.domain, &record.question.name);
    let is_own = name.is_within(&domain.name);
    let is_ours = is_own || name.ancestors().any(|above| cx.handled.contains_key(&above));
    // What SPF leads to in others' zones is theirs; a domain of its own is told of itself.
    if record.by == AskedBy::Spf && (!is_ours || !is_own && cx.handled.contains_key(name)) {
        return None;
    }
    let addresses = if record.held.len() == 1 { "address" } else { "addresses" };
    let said = format!("`{}` still holds the old {addresses} {}", record.question, listed(&record.held));
    let is_identity = || host_and_own_names(cx.host.facts).iter().any(|own| own.name == *name);
    let finding = match is_ours || is_identity() {
        true => RULE.violated(&record.question, said),
        false => {
            let said =
                format!("{said}, and mail for {} goes there: whoever runs that zone has to change it", domain.name);
            RULE.violated(&record.question, said).severity(Severity::Info)
        }
    };
    let finding = finding.place(&domain.origin, format!("handled as {}", domain.handled));
    Some(match is_own {
        true => finding.fix(fix(cx, record)),
        false => finding,
    })
}

fn fix(cx: &DomainContext<'_>, record: &OldRecord) -> Fix {
    let (name, rtype) = (&record.question.name, record.question.rtype);
    let held = listed(&record.held);
    let in_words = |text: String| Fix::new(Who::DnsZone, text);
    match record.texts.as_slice() {
        [] => {}
        [text] => {
            // Where this host is excluded, DOM002 has the record that mends both; where it can send nothing yet, that comes first.
            let passes =
                cx.seen.blocked.is_none() && cx.seen.spf.iter().all(|check| check.evaluation.result == SpfResult::Pass);
            return spf_fix(name, text, &record.held, (&cx.retired(), passes || record.by != AskedBy::Domain));
        }
        _ => return in_words(format!("Leave {held} out of the one SPF record that is to stand at {name}.")),
    }
    if let Some(target) = &record.alias {
        return in_words(format!(
            "`{name}` is an alias of `{target}`: have that lead to this host, or `{name}` itself."
        ));
    }
    if record.by == AskedBy::Spf {
        return in_words(format!(
            "Take what leads to `{name}` out of the SPF record of {}, or {held} out of the {rtype} record: it authorises the old server.",
            cx.seen.domain.name
        ));
    }
    if let Some(here) = record.addresses.iter().find(|address| cx.host.own.has(**address) == Some(true)) {
        let text = format!("Take {held} out of the {rtype} records of `{name}`: {here} stands there already.");
        return record.held.iter().map(|old| delete_record(name, *old)).fold(in_words(text), Fix::command);
    }
    // Deleted alone, it would take the web site away with the old server.
    let pairs: Option<Vec<_>> = record.held.iter().map(|old| Some((*old, cx.in_place_of(*old)?))).collect();
    let Some(pairs) = pairs else {
        return in_words(format!(
            "Put the address that `{name}` has on this host in the place of {held} in its {rtype} record."
        ));
    };
    let mut put = BTreeSet::new();
    let lines = pairs.iter().flat_map(|(old, new)| {
        let is_first = put.insert(*new);
        [delete_record(name, *old)].into_iter().chain(is_first.then(|| address_record(name, *new)))
    });
    let lines: Vec<String> = lines.collect();
    let new = listed(&Vec::from_iter(put));
    let text = format!("Put {new} in the place of {held} in the {rtype} record of `{name}`.");
    lines.into_iter().fold(in_words(text), Fix::command)
}

fn listed(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What becomes of an SPF record that names these old addresses; `is_whole`: the record without them is all that is to be published.
fn spf_fix(name: &DomainName, record: &str, held: &[IpAddr], (retired, is_whole): (&Retired<'_>, bool)) -> Fix {
    let (gone, kept) = retired.terms(record);
    let goes = (!gone.is_empty() || kept.is_empty()).then(|| {
        let is_in =
            |old: &&IpAddr, terms: &[&str]| words(&terms.join(" ")).any(|(_, value)| value == Value::Address(**old));
        let named: Vec<IpAddr> = held.iter().filter(|old| is_in(old, &gone) || !is_in(old, &kept)).copied().collect();
        format!("Take {} out of the SPF record of {name}.", listed(&named))
    });
    let stays = (!kept.is_empty()).then(|| {
        format!(
            "`{}` authorises more than the old server, and is left there: take it out where nobody who sends for {name} has an address in it.",
            kept.join("`, `")
        )
    });
    let text: Vec<String> = goes.into_iter().chain(stays).collect();
    let fix = Fix::new(Who::DnsZone, text.join(" "));
    match authorising(Some(record), &[], retired).filter(|_| is_whole && !gone.is_empty()) {
        Some(mended) => fix.command(txt_record(name, &mended)),
        None => fix,
    }
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    if facts.old_addresses.is_empty() {
        return findings;
    }
    let handled = Handled::new(facts);
    let is_ours = |name: &DomainName| cx.identity_names().iter().any(|(own, _)| own == name) || handled.has(name);
    for question in judged(dns) {
        let truth = dns.truth(question);
        let records = truth.lookup.found();
        for old in &facts.old_addresses {
            if !records.iter().any(|record| holds(&record.data, *old)) {
                continue;
            }
            let ours = is_ours(&question.name);
            let severity = if ours { RULE.severity } else { Severity::Info };
            let whose =
                if ours { "" } else { ", which is not a name of this host: it may belong to the old server and stay" };
            let message = format!("`{question}` still holds the old address {old}{whose}");
            let text =
                format!("Replace {old} in the {} record of `{}`, or remove it there.", question.rtype, question.name);
            let fix = Fix::new(Who::DnsZone, text);
            let address = [RecordType::A, RecordType::Aaaa].contains(&question.rtype);
            let fix = if address { fix.command(delete_record(&question.name, *old)) } else { fix };
            let finding = RULE.violated(question, message).severity(severity);
            let finding = if ours { finding.fix(fix) } else { finding };
            findings.push(finding.evidence(evidence(dns, question)));
        }
    }
    findings
}

/// The domains that this host handles mail for, as far as its files name them.
struct Handled {
    domains: BTreeSet<DomainName>,
    /// A list refers to a table or cannot be decided: any domain may be in it.
    open: bool,
}

impl Handled {
    fn new(facts: &Facts) -> Handled {
        const LISTS: [&str; 6] = [
            "mydestination",
            "relay_domains",
            "virtual_mailbox_domains",
            "virtual_alias_domains",
            "mydomain",
            "myorigin",
        ];
        let mut all = Handled { domains: BTreeSet::new(), open: false };
        for (postfix, list) in facts.postfix.iter().flat_map(|postfix| LISTS.map(|list| (postfix, list))) {
            let Some(setting) = postfix.parameters.get(list) else { continue };
            match setting.fact() {
                Some(value) => {
                    let is_read = facts.listed_domains.iter().any(|listed| listed.list == list);
                    value.value.split([',', ' ', '\t', '\n']).for_each(|word| all.take(word, is_read));
                }
                None => all.open = true,
            }
        }
        all.open |= facts.postfix.iter().any(|postfix| !postfix.open_lists.is_empty());
        all.domains.extend(facts.listed_domains.iter().map(|listed| DomainName::new(&listed.name)));
        for exim in &facts.exim {
            if let Some(domain) = exim.main.get("qualify_domain").and_then(|setting| setting.fact()) {
                all.take(&domain.value, false);
            }
        }
        if let Some(cpanel) = &facts.cpanel {
            cpanel.userdomains.iter().for_each(|entry| all.take(&entry.key, false));
            cpanel.localdomains.iter().for_each(|domain| all.take(domain.as_ref(), false));
        }
        for path in &facts.paths {
            if let SenderDomains::Only { domains, .. } = &path.sender_domains {
                all.domains.extend(domains.iter().cloned());
            }
        }
        all
    }

    /// Takes a word of a list; `is_read`: whether what its tables and files hold is among the listed domains.
    fn take(&mut self, word: &str, is_read: bool) {
        let name = DomainName::new(word);
        if word.contains([':', '/']) {
            self.open |= !is_read;
        } else if name.is_qualified() && name.is_host_name() && !name.is_private() {
            self.domains.insert(name);
        }
    }

    /// Whether `name` is one of the domains or below one.
    fn has(&self, name: &DomainName) -> bool {
        let mut at = Some(name.clone());
        while let Some(name) = at {
            if self.domains.contains(&name) {
                return true;
            }
            at = name.parent();
        }
        self.open
    }
}

/// Whether a record holds an address: as its content, or spelled out in a text such as SPF.
fn holds(data: &RecordData, old: IpAddr) -> bool {
    match data {
        RecordData::Txt(text) => text.split_ascii_whitespace().any(|term| {
            let term = term.trim_start_matches(['+', '-', '~', '?']);
            let value = term.strip_prefix("ip4:").or_else(|| term.strip_prefix("ip6:")).unwrap_or(term);
            value.split('/').next().and_then(|addr| addr.parse::<IpAddr>().ok()) == Some(old)
        }),
        other => other.address() == Some(old),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{But, HERE, check_table, fact, healthy, ip};

    #[test]
    fn any_record_that_holds_it() {
        let moved = || healthy().but(|f| f.old_addresses = vec![ip("192.0.2.9")]);
        check_table(
            &RULE,
            vec![
                ("not asked for", healthy(), observed(&[("mail.example.com A", &[("ns1", &["192.0.2.9"])])]), &[]),
                (
                    "still there",
                    moved(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10", "192.0.2.9"])])]),
                    &["error mail.example.com. A"],
                ),
                ("gone", moved(), observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"])])]), &[]),
                (
                    "gone from the zone, though a cache holds it",
                    moved(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.9"])])]),
                    &[],
                ),
                (
                    "the old server's own name",
                    moved(),
                    observed(&[("web7.hoster.example A", &[("ns1", &["192.0.2.9"])])]),
                    &["info web7.hoster.example. A"],
                ),
                (
                    "below a domain that mail is handled for",
                    moved().but(|f| {
                        f.paths[0].sender_domains =
                            SenderDomains::Only { domains: vec![DomainName::new("hoster.example")], others: true };
                    }),
                    observed(&[("web7.hoster.example A", &[("ns1", &["192.0.2.9"])])]),
                    &["error web7.hoster.example. A"],
                ),
                (
                    "a list is a file, and read",
                    moved().but(|f| {
                        let list = crate::facts::Setting::known("example.com /etc/postfix/more", HERE);
                        f.postfix[0].parameters.insert("mydestination".into(), list);
                        let name = "b.example".to_owned();
                        f.listed_domains =
                            vec![crate::facts::ListedDomain { list: "mydestination", name, origin: HERE }];
                    }),
                    observed(&[
                        ("web7.hoster.example A", &[("ns1", &["192.0.2.9"])]),
                        ("mx.b.example A", &[("ns1", &["192.0.2.9"])]),
                    ]),
                    &["error mx.b.example. A", "info web7.hoster.example. A"],
                ),
                (
                    "a list that files do not decide",
                    moved().but(|f| f.postfix[0].open_lists = vec![fact("virtual_mailbox_domains".to_owned())]),
                    observed(&[("web7.hoster.example A", &[("ns1", &["192.0.2.9"])])]),
                    &["error web7.hoster.example. A"],
                ),
                ("no answer", moved(), observed(&[("mail.example.com A", &[("ns1", &["timeout"])])]), &[]),
            ],
        );
        for (text, found) in [
            ("v=spf1 ip4:192.0.2.9 -all", true),
            ("v=spf1 +ip4:192.0.2.9/32 -all", true),
            ("v=spf1 ip4:192.0.2.90 -all", false),
        ] {
            assert_eq!(holds(&RecordData::Txt(text.into()), ip("192.0.2.9")), found, "{text}");
        }
    }
}
