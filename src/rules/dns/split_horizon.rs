use std::collections::BTreeSet;
use std::net::IpAddr;

use super::questions::{judged, true_set, who, words};
use crate::addr::{self, Family, reverse_name};
use crate::facts::Facts;
use crate::findings::Finding;
use crate::findings::Severity;
use crate::observe::truth::View;
use crate::observe::{Observations, Outcome, Question, RecordData, RecordType, VantageKind};
use crate::rules::names::is_own;
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// The system resolver alone answers otherwise.
    ///
    /// ## Condition
    /// The system resolver alone answers differently from the truth, and its answer is none that will expire into the
    /// truth: private addresses, an authoritative answer, a stub that serves the hosts file. Addresses of DNS64 (RFC
    /// 6147) do not count. Info where the answer is loopback or an address of this host. Subject: the question.
    ///
    /// ## Why it matters
    /// This host sees another world than receivers do: checks made here, by hand or by the MTA, say nothing about what they see. The answer is
    /// not a cached one that will pass: it is private, authoritative, or made from this host's own files.
    ///
    /// ## Fix
    /// Where it is not meant, correct the internal zone or the hosts file; else check from outside.
    ///
    /// ## When to ignore
    /// Where an internal zone is served on purpose.
    pub static RULE = {
        code: "DNS005",
        name: "split-horizon",
        severity: Warning,
        refs: ["RFC 9499 section 6 (split DNS)", "systemd-resolved.service(8)"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for question in judged(dns) {
        let Some(view) = applies(facts, dns, question) else { continue };
        let truth = true_set(dns, question).unwrap_or_default();
        let message = format!(
            "the system resolver ({}) answers {} to `{question}`; receivers see {}",
            who(dns, &view),
            words(&view.records),
            words(&truth)
        );
        let severity = if is_own_view(facts, question, &view) { Severity::Info } else { Severity::Warning };
        findings.push(RULE.violated(question, message).severity(severity).evidence(evidence(dns, question)));
    }
    findings
}

/// What the system resolver alone answers to a question, where that differs from the truth and is no cached answer.
pub(super) fn applies(facts: &Facts, dns: &Observations, question: &Question) -> Option<View> {
    let truth = true_set(dns, question)?;
    if !matches!(dns.truth(question).kind, Some(VantageKind::Authoritative | VantageKind::Public)) {
        return None;
    }
    let elsewhere = |view: &View| {
        let others = [VantageKind::Public, VantageKind::Authoritative];
        others.iter().any(|kind| dns.views(question, *kind).iter().any(|other| other.records == view.records))
    };
    dns.views(question, VantageKind::System)
        .into_iter()
        .filter(|view| view.records != truth && !elsewhere(view) && !is_dns64(dns, question, view))
        .find(|view| is_lasting(facts, dns, question, view))
}

/// Whether an answer will not expire into the truth: it is private, authoritative, or a stub's own.
fn is_lasting(facts: &Facts, dns: &Observations, question: &Question, view: &View) -> bool {
    if addresses(view).any(|addr| !addr::is_public(addr)) {
        return true;
    }
    let by = |at: usize| view.by.contains(&at);
    let replies = dns.replies.get(question).map_or(&[][..], Vec::as_slice);
    let authoritative = replies
        .iter()
        .any(|reply| by(reply.vantage) && matches!(&reply.outcome, Outcome::Answer(answer) if answer.authoritative));
    authoritative || (is_stub(dns, view) && from_own_files(facts, question, view))
}

/// Whether the answer comes from a resolver on this host.
fn is_stub(dns: &Observations, view: &View) -> bool {
    let server = |at: &usize| dns.vantages.get(*at).and_then(|vantage| vantage.server);
    view.by.iter().filter_map(server).any(|server| server.ip().is_loopback())
}

/// Whether an answer is what the hosts file or this host's interfaces say.
fn from_own_files(facts: &Facts, question: &Question, view: &View) -> bool {
    let entries: Vec<IpAddr> = facts.host.hosts_entries(&question.name).map(|(entry, _)| entry.address.value).collect();
    let own = |addr: IpAddr| entries.contains(&addr) || is_own(facts, addr) == Some(true);
    match question.rtype {
        RecordType::Ptr => own_reverse(facts, question),
        _ => !view.records.is_empty() && addresses(view).all(own),
    }
}

/// Whether the question is for the name of an address of this host, or of one that its hosts file names.
fn own_reverse(facts: &Facts, question: &Question) -> bool {
    let own = facts.host.own_addresses().map(|own| own.address);
    let listed = facts.host.hosts.iter().map(|entry| entry.address.value);
    own.chain(listed).any(|addr| reverse_name(addr) == question.name)
}

/// Whether the answer is this host seen from within: loopback, an address of this host, or the name of one.
fn is_own_view(facts: &Facts, question: &Question, view: &View) -> bool {
    if question.rtype == RecordType::Ptr {
        return own_reverse(facts, question);
    }
    !view.records.is_empty()
        && addresses(view).count() == view.records.len()
        && addresses(view).all(|addr| addr.is_loopback() || is_own(facts, addr) == Some(true))
}

/// Whether the view holds the true records and, besides, IPv6 addresses made from IPv4 ones (RFC 6147).
fn is_dns64(dns: &Observations, question: &Question, view: &View) -> bool {
    if question.rtype != RecordType::Aaaa || view.records.is_empty() {
        return false;
    }
    let truth = true_set(dns, question).unwrap_or_default();
    let v4: BTreeSet<IpAddr> = dns.addresses(&question.name, Family::Ipv4).found().iter().copied().collect();
    view.records.iter().filter(|data| !truth.contains(data)).all(|data| match data {
        RecordData::Aaaa(v6) => {
            let [.., a, b, c, d] = v6.octets();
            let well_known = v6.segments().starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]);
            well_known || v4.contains(&IpAddr::from([a, b, c, d]))
        }
        _ => false,
    })
}

fn addresses(view: &View) -> impl Iterator<Item = IpAddr> {
    view.records.iter().filter_map(RecordData::address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn the_system_alone_and_for_good() {
        check_table(
            &RULE,
            vec![
                (
                    "as all others",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("system", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "a private address",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("system", &["10.0.0.10"])])]),
                    &["warning mail.example.com. A"],
                ),
                (
                    "a cached one is DNS002's",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("system", &["192.0.2.99"])])]),
                    &[],
                ),
                (
                    "authoritative",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("google", &["192.0.2.10"]), ("system", &["aa", "192.0.2.99"])],
                    )]),
                    &["warning mail.example.com. A"],
                ),
                (
                    "another sees it too",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("ns1", &["192.0.2.10"]), ("google", &["10.0.0.10"]), ("system", &["10.0.0.10"])],
                    )]),
                    &[],
                ),
                (
                    "loopback, from the hosts file",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("stub", &["127.0.1.1"])])]),
                    &["info mail.example.com. A"],
                ),
                (
                    "an address of this host",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("google", &["192.0.2.99"]), ("stub", &["aa", "192.0.2.10"])],
                    )]),
                    &["info mail.example.com. A"],
                ),
                (
                    "the stub's own name for its address",
                    healthy(),
                    observed(&[("192.0.2.10 PTR", &[("google", &["mail.example.com"]), ("stub", &["mail"])])]),
                    &["info 10.2.0.192.in-addr.arpa. PTR"],
                ),
                (
                    "DNS64",
                    healthy(),
                    observed(&[
                        ("mail.example.com A", &[("google", &["192.0.2.10"])]),
                        ("mail.example.com AAAA", &[("google", &["NODATA"]), ("system", &["aa", "64:ff9b::c000:20a"])]),
                    ]),
                    &[],
                ),
                (
                    "a network's own DNS64 prefix",
                    healthy(),
                    observed(&[
                        ("mail.example.com A", &[("google", &["192.0.2.10"])]),
                        (
                            "mail.example.com AAAA",
                            &[("google", &["NODATA"]), ("system", &["aa", "2001:db8:64::c000:20a"])],
                        ),
                    ]),
                    &[],
                ),
                (
                    "nobody else answered",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["timeout"]), ("system", &["10.0.0.10"])])]),
                    &[],
                ),
            ],
        );
    }
}
