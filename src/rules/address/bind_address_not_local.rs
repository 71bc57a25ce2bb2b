use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{AfterBindFault, BindFault, BindFaultKind, Facts, Mta, Origin};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::advice::{exim_unit, is_debian, of_exim_conf_local, set_debian_macro};
use crate::rules::names::INTERFACES;
use crate::rules::support::{set_at, unreached};
use crate::rules::{Context, rule};

rule! {
    /// A configured source address is on no interface of this host.
    ///
    /// ## Condition
    /// A configured source address is on no interface of this host. Info where `net.ipv4.ip_nonlocal_bind`, or the
    /// IPv6 one, is on. Not where CPL001 or CPL009 says it. Subject: the address.
    ///
    /// ## Why it matters
    /// The MTA cannot bind to it. Exim defers all mail of that transport, and so does Postfix with `smtp_bind_address_enforce = yes`;
    /// else Postfix logs a warning and connects from the address that the kernel chooses, which has another PTR name than the one
    /// you planned. After a migration it is mostly the old server's address.
    ///
    /// ## Fix
    /// Set the source address to one of this host, or remove the setting so that the kernel chooses; or bring the address up.
    ///
    /// ## When to ignore
    /// Where the address floats between hosts and this is the passive one.
    pub static RULE = {
        code: "NET001",
        name: "bind-address-not-local",
        severity: Error,
        refs: ["postconf(5) smtp_bind_address", "Exim specification, smtp transport, interface", "bind(2)"],
        needs: [Facts],
        check: check,
    };
}

/// Whose addresses CPL001 and CPL009 judge.
pub(crate) const MAILIPS: &str = "/etc/mailips";

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for fault in &facts.bind_faults {
        let BindFaultKind::NotLocal(addr) = fault.kind else { continue };
        if fault.value.origin.span().is_some_and(|span| span.path() == MAILIPS) {
            continue;
        }
        let (nonlocal, switch) = match Family::from(addr) {
            Family::Ipv4 => (facts.host.nonlocal_bind_v4, "net.ipv4.ip_nonlocal_bind"),
            Family::Ipv6 => (facts.host.nonlocal_bind_v6, "net.ipv6.ip_nonlocal_bind"),
        };
        let services = fault.services.join("`, `");
        let then = match (nonlocal, fault.then) {
            (true, _) => {
                format!("{switch} is on, so the bind succeeds, but replies reach whichever host holds the address")
            }
            (_, AfterBindFault::NothingSent) => {
                format!("{} sends nothing{} by `{services}`", fault.mta, unreached(facts, fault))
            }
            (_, AfterBindFault::KernelChoice) => {
                let chosen = facts.host.source.for_family(Family::from(addr));
                let from = chosen.map_or_else(|| "the address that the kernel chooses".to_owned(), |a| a.to_string());
                format!("{} logs a warning and sends from {from} instead", fault.mta)
            }
        };
        let message = format!("`{}` is {addr}, which is on no interface of this host: {then}", fault.parameter);
        let severity = if nonlocal { Severity::Info } else { RULE.severity };
        findings.push(
            RULE.violated(addr, message)
                .severity(severity)
                .place(&fault.value.origin, "on no interface")
                .via(&fault.value.via, "used here")
                .fix(fix(facts, fault, Family::from(addr))),
        );
    }
    if facts.host.addresses.is_none() {
        findings.extend(unseen(facts));
    }
    findings
}

/// Without interfaces it is open whether the addresses that MTAs bind to are on one.
fn unseen(facts: &Facts) -> Vec<Finding> {
    let bound = facts.paths.iter().filter(|path| path.bound);
    let sources = bound.filter_map(|path| Some((path, path.source.as_ref()?)));
    let of_mailips = |origin: &Origin| origin.span().is_some_and(|span| span.path() == MAILIPS);
    let judged = sources.filter(|(_, source)| !of_mailips(&source.origin));
    let findings = judged.map(|(path, source)| {
        let message =
            format!("could not determine whether the source address {} is on an interface of this host", source.value);
        let finding = RULE.undetermined(source.value, message).open(INTERFACES).path(&path.id);
        finding.place(&source.origin, "source address").via(&source.via, "used here")
    });
    findings.collect()
}

/// The edit of Exim's own file, or of what that is built from.
fn exim(facts: &Facts, fault: &BindFault, own: IpAddr, fix: Fix) -> Fix {
    let Some(exim) = facts.exim.first() else { return fix };
    let (origin, new) = (&fault.value.origin, own.to_string());
    if is_debian(exim) {
        return set_debian_macro("REMOTE_SMTP_INTERFACE", &new);
    }
    if facts.cpanel.is_some() {
        let line = origin.span().map(|span| span.excerpt().text).unwrap_or_default();
        return of_exim_conf_local(&line, origin, &new);
    }
    fix.command(format!("systemctl reload {}", exim_unit(exim)))
}

/// What to do about a source address that cannot be used; `family` is the one that is wanted there.
pub(crate) fn fix(facts: &Facts, fault: &BindFault, family: Family) -> Fix {
    let parameter = &fault.parameter;
    let set = set_at(parameter, &fault.value.origin);
    let own = facts.host.source.for_family(family);
    let Some(own) = own else {
        return Fix::new(Who::Host, format!("Set {set} to an address of this host, or remove it."));
    };
    let fix = Fix::new(Who::Host, format!("Set {set} to {own}, or remove it so that the kernel chooses."));
    match fault.mta {
        Mta::Postfix => fix,
        Mta::Exim => exim(facts, fault, own, fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::rules::testing::*;
    use crate::source::SourceFile;

    const OLD: &str = "198.51.100.7";

    fn faulty(then: AfterBindFault) -> Facts {
        healthy().but(|f| f.bind_faults = vec![bind_fault(BindFaultKind::NotLocal(ip(OLD)), then)])
    }

    #[test]
    fn cases() {
        let nonlocal = |f: &mut Facts| f.host.nonlocal_bind_v4 = true;
        let other_family = |f: &mut Facts| f.host.nonlocal_bind_v6 = true;
        let mailips = |f: &mut Facts| {
            let line = SourceFile::new(MAILIPS, b"*: 198.51.100.7").span(3, 15);
            f.bind_faults[0].value = Fact::new(OLD.into(), Origin::File(line));
        };
        let unseen = |f: &mut Facts| {
            f.host.addresses = None;
            f.paths[0].bound = true;
        };
        let loopback = |f: &mut Facts| f.bind_faults[0].kind = BindFaultKind::Loopback(ip("127.0.0.1"));
        let kernel = AfterBindFault::KernelChoice;
        check_table(
            &RULE,
            vec![
                ("no fault", healthy(), dns(&[]), &[]),
                ("on no interface", faulty(kernel), dns(&[]), &["error 198.51.100.7"]),
                ("the kernel lets it pass", faulty(kernel).but(nonlocal), dns(&[]), &["info 198.51.100.7"]),
                ("only for the other family", faulty(kernel).but(other_family), dns(&[]), &["error 198.51.100.7"]),
                ("CPL001 says it", faulty(AfterBindFault::NothingSent).but(mailips), dns(&[]), &[]),
                ("NET007 says it", faulty(kernel).but(loopback), dns(&[]), &[]),
                ("interfaces unknown", healthy().but(unseen), dns(&[]), &["error? 192.0.2.10"]),
                ("interfaces unknown, nothing bound", healthy().but(|f| f.host.addresses = None), dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn the_fix_names_what_sets_it() {
        let fix = |facts: &Facts| findings(&RULE, facts, &dns(&[]))[0].fix.clone().unwrap().text;
        let facts = faulty(AfterBindFault::KernelChoice);
        assert!(fix(&facts).contains("`smtp_bind_address`") && fix(&facts).contains(" to 192.0.2.10, or remove it"));
        let interfaces = facts.but(|f| f.bind_faults[0].parameter = "inet_interfaces".into());
        assert!(fix(&interfaces).contains("`inet_interfaces`"));
    }

    #[test]
    fn it_says_what_the_mta_then_does() {
        for (then, words) in [
            (AfterBindFault::KernelChoice, "sends from 192.0.2.10 instead"),
            (AfterBindFault::NothingSent, "sends nothing by `smtp`"),
        ] {
            let found = findings(&RULE, &faulty(then), &dns(&[]));
            assert!(found[0].message.contains(words), "{}", found[0].message);
        }
    }
}
