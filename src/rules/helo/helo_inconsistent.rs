use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::facts::SenderDomains;
use crate::findings::{Finding, Severity};
use crate::name::DomainName;
use crate::rules::advice::{set_helo, wanted_helo};
use crate::rules::names::{Introduced, helo_severity};
use crate::rules::{Context, rule};

rule! {
    /// One address introduces itself by several names.
    ///
    /// ## Condition
    /// Two paths without selection by sender domain send from one address under different HELO names. Info where one
    /// of them is unused. Subject: the sending address.
    ///
    /// ## Why it matters
    /// One address has one identity: at most one of the names can be its PTR name, so the others are never as good. Receivers that keep a
    /// reputation by address and name see two senders.
    ///
    /// ## Fix
    /// Let all services that send from the address use one name; or give each an address of its own.
    ///
    /// ## When to ignore
    /// Where the services send to different worlds, such as a partner's network and the Internet.
    pub static RULE = {
        code: "HLO007",
        name: "helo-inconsistent",
        severity: Warning,
        refs: ["RFC 5321 section 4.1.1.1"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut by_address: BTreeMap<IpAddr, Vec<&Introduced<'_>>> = BTreeMap::new();
    for one in cx.introductions().iter().filter(|one| one.path.sender_domains == SenderDomains::Any) {
        if let Some(sending) = one.sending() {
            by_address.entry(sending).or_default().push(one);
        }
    }
    let mut findings = Vec::new();
    for (sending, all) in by_address {
        let Some(severity) = severity(&all) else { continue };
        let names: BTreeSet<String> = all.iter().map(|one| format!("`{}`", one.subject())).collect();
        let names: Vec<String> = names.into_iter().collect();
        let message = format!("mail from {sending} introduces itself by several names: {}", names.join(", "));
        let mut finding = RULE.violated(sending, message).severity(severity);
        for one in &all {
            let label = format!("`{}`, by `{}`", one.subject(), one.path.services.join("`, `"));
            finding = finding.place(&one.helo.origin, label).via(&one.helo.via, "used here").path(&one.path.id);
        }
        let odd = all.iter().find_map(|one| {
            let wanted = wanted_helo(facts, dns, one.path)?;
            (wanted != one.name).then(|| set_helo(facts, one.path, &one.helo, &wanted))
        });
        findings.push(match odd {
            Some(fix) => finding.fix(fix),
            None => finding,
        });
    }
    findings
}

/// The strongest severity at which two names remain: paths that are relayed or unused count for less. `None` where there is one name.
fn severity(all: &[&Introduced<'_>]) -> Option<Severity> {
    [RULE.severity, Severity::Info].into_iter().find(|least| {
        let counted = all.iter().filter(|one| helo_severity(RULE.severity, one.path) >= *least);
        counted.map(|one| &one.name).collect::<BTreeSet<&DomainName>>().len() > 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::OutboundPath;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let second =
            |change: fn(&mut OutboundPath)| healthy().but(|f| f.paths.push(path(ADDR, "bulk.example.com").but(change)));
        check_table(
            &RULE,
            vec![
                ("one path", healthy(), dns(&[]), &[]),
                ("two names", second(|_| ()), dns(&[]), &["warning 192.0.2.10"]),
                (
                    "the same name, other case",
                    healthy().but(|f| f.paths.push(path(ADDR, "Mail.Example.com"))),
                    dns(&[]),
                    &[],
                ),
                (
                    "another address",
                    healthy().but(|f| f.paths.push(path("192.0.2.11", "bulk.example.com"))),
                    dns(&[]),
                    &[],
                ),
                (
                    "selected by sender domain",
                    second(|p| {
                        p.sender_domains = SenderDomains::Only { domains: Vec::new(), others: true };
                    }),
                    dns(&[]),
                    &[],
                ),
                (
                    "one of them is relayed",
                    second(|p| p.relayed = Some(fact("[relay.example]:25".to_owned()).into())),
                    dns(&[]),
                    &["info 192.0.2.10"],
                ),
                ("one of them is unused", second(|p| p.unused = true), dns(&[]), &["info 192.0.2.10"]),
                (
                    "sending addresses unknown",
                    second(|_| ()).but(|f| f.paths.iter_mut().for_each(|p| p.sending = None)),
                    dns(&[]),
                    &[],
                ),
            ],
        );
    }
}
