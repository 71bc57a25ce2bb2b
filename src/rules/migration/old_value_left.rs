use std::collections::BTreeSet;

use crate::compare::{Verdict, What};
use crate::facts::moved::Value;
use crate::facts::{HostsEntry, Leftover};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::identity::host_and_own_names;
use crate::name::DomainName;
use crate::rules::names::{Leads, leads};
use crate::rules::{Context, rule};

rule! {
    /// A file on this host holds an address or a name of the old host.
    ///
    /// ## Condition
    /// With `--moved-from` or `compare`: a file read here holds an address of the old host (on its interfaces, or the image of such a one) or one
    /// of its names (node name, `hostname -f`, an MTA's own name) that this host does not have. A name that still leads to this host is a
    /// warning, so is one of which that is not known; what stands in a comment is info. Subject: file:line.
    ///
    /// ## Why it matters
    /// A configuration that was copied binds to addresses that are not here, introduces mail by a name that leads elsewhere, or lets the old
    /// server in.
    ///
    /// ## Fix
    /// Put the new address or name in its place, or remove it.
    ///
    /// ## When to ignore
    /// Where the old host is meant: a relay that still accepts its mail, a backup that is fetched from it.
    pub static RULE = {
        code: "MIG001",
        name: "old-value-left",
        severity: Error,
        refs: ["RFC 8601 section 2.7.3", "RFC 5321 section 4.1.1.1"],
        needs: [Facts, OldSnapshot],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut told = BTreeSet::new();
    for left in &cx.facts.leftovers {
        let place = format!("{}:{}", left.span.path(), left.span.position().line);
        told.insert(place.clone());
        let (what, severity) = match &left.value {
            Value::Address(addr) => (format!("the old host's address {addr}"), Severity::Error),
            Value::Name(name) => (format!("the old host's name `{name}`"), severity_of(cx, name)),
        };
        let severity = if left.in_comment { Severity::Info } else { severity };
        let whose = if left.in_comment { " in a comment" } else { "" };
        let finding = RULE.violated(&place, format!("{place} still holds {what}{whose}")).severity(severity);
        let finding = finding.place(&left.span.clone().into(), "of the old host");
        let text = match names_another(cx, left) {
            true => {
                format!("Remove {place}, or leave it where the old host is meant: its names are none of this host's.")
            }
            false if is_listed(cx, left) => {
                format!("Leave {} in {place} where this host is to take its mail; else remove it there.", left.value)
            }
            false => format!("Put this host's own in the place of {} in {place}, or remove it.", left.value),
        };
        let fix = Fix::new(Who::Host, text);
        findings.push(if left.in_comment { finding } else { finding.fix(fix) });
    }
    // A snapshot has no files, but the values that were read from them.
    for change in cx.changes().iter().filter(|change| change.verdict == Verdict::Leftover) {
        if [What::Record, What::Ptr].contains(&change.what) {
            continue;
        }
        let Some(origin) = &change.origin else { continue };
        let place = origin.describe();
        if !told.insert(place.clone()) {
            continue;
        }
        let value = change.new.as_deref().unwrap_or_default();
        let message = format!("{}, set at {place}, still is `{value}`, which belongs to the old host", change.key);
        findings.push(RULE.violated(&place, message).place(origin, "of the old host"));
    }
    findings
}

/// Whether it stands in a line of the hosts file all of whose names are another machine's: this host's address in its place would give those
/// names to this host.
fn names_another(cx: &Context<'_>, left: &Leftover) -> bool {
    let line = left.span.position().line;
    let is_of = |entry: &&HostsEntry| {
        entry.address.origin.span().is_some_and(|span| span.path() == left.span.path() && span.position().line == line)
    };
    let Some(entry) = cx.facts.host.hosts.iter().find(is_of) else { return false };
    let own = host_and_own_names(cx.facts);
    !entry.names.iter().any(|name| own.iter().any(|own| own.name == DomainName::new(&name.value)))
}

/// Whether the line is one of a list of domains that this host takes mail for, and the name one of them.
fn is_listed(cx: &Context<'_>, left: &Leftover) -> bool {
    let Value::Name(name) = &left.value else { return false };
    let line = left.span.position().line;
    cx.facts.listed_domains.iter().filter(|listed| DomainName::new(&listed.name) == *name).any(|listed| {
        listed.origin.span().is_some_and(|span| span.path() == left.span.path() && span.position().line == line)
    })
}

/// A name that leads here can stay for a while; one that leads elsewhere, or nowhere, is wrong.
fn severity_of(cx: &Context<'_>, name: &crate::name::DomainName) -> Severity {
    match leads(cx.facts, cx.dns, name) {
        Leads::Elsewhere(_) | Leads::Nowhere => Severity::Error,
        Leads::Here | Leads::Open(_) => Severity::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Leftover;
    use crate::name::DomainName;
    use crate::rules::testing::{But, check_table, dns, healthy, ip, moved_from};
    use crate::source::SourceFile;

    #[test]
    fn each_line_that_holds_one() {
        let left = |line: &str, value: Value, in_comment: bool| {
            let file = SourceFile::new("/etc/x", line.as_bytes());
            let end = line.len();
            moved_from(healthy()).but(|f| {
                f.leftovers = vec![Leftover { span: file.span(0, end), value: value.clone(), in_comment }];
            })
        };
        let address = || Value::Address(ip("198.51.100.7"));
        let name = || Value::Name(DomainName::new("old.example.com"));
        check_table(
            &RULE,
            vec![
                ("nothing is left", moved_from(healthy()), dns(&[]), &[]),
                ("an address", left("198.51.100.7", address(), false), dns(&[]), &["error /etc/x:1"]),
                ("in a comment", left("# 198.51.100.7", address(), true), dns(&[]), &["info /etc/x:1"]),
                (
                    "a name that leads elsewhere",
                    left("old.example.com", name(), false),
                    dns(&[("old.example.com A", &["198.51.100.7"]), ("old.example.com AAAA", &["NODATA"])]),
                    &["error /etc/x:1"],
                ),
                (
                    "a name that leads here",
                    left("old.example.com", name(), false),
                    dns(&[("old.example.com A", &["192.0.2.10"]), ("old.example.com AAAA", &["NODATA"])]),
                    &["warning /etc/x:1"],
                ),
                (
                    "where it leads was not answered",
                    left("old.example.com", name(), false),
                    dns(&[("old.example.com A", &["timeout"]), ("old.example.com AAAA", &["NODATA"])]),
                    &["warning /etc/x:1"],
                ),
            ],
        );
    }
}
