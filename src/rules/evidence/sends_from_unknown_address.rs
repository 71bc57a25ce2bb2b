use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{BindFaultKind, Departure, DepartureKind, Facts};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::evidence::log::{last_change_of_any, often};
use crate::rules::{Context, rule};

rule! {
    /// Mail left from a local address that no outbound path has, as the mail log shows.
    ///
    /// ## Condition
    /// Only with `--log`, over the last fourteen days. Exim logged deliveries, or tries, with a local address (`I=[..]`, log selector
    /// `incoming_interface`), or Postfix' client that it bound to one (`smtp_connect_addr: bind`: as a warning where that failed, with `-v` each time), and no outbound
    /// path sends from it, nor is it an address that is known not to work (NET001). Not said of an MTA whose configuration leaves the address of
    /// a path of that family open. Info where a file that sets addresses of paths was changed after the last such line. Subject: the address.
    ///
    /// ## Why it matters
    /// Mail leaves in a way that the files do not show: its names were not looked at. A daemon that still runs with an older configuration does
    /// so, as does a second MTA or a container.
    ///
    /// ## Fix
    /// Find out what sends from it. Where it is a daemon that was not reloaded, reload it.
    ///
    /// ## When to ignore
    /// Where the address was in use until some days ago and is not any more.
    pub static RULE = {
        code: "LOG002",
        name: "sends-from-unknown-address",
        severity: Warning,
        refs: ["Exim specification: log_selector"],
        needs: [Facts, Log],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let Some(log) = cx.facts.log.as_deref() else { return Vec::new() };
    let known = known(cx.facts);
    let changed = last_change_of_any(cx.facts, log);
    let mut findings = Vec::new();
    for left in &log.departures {
        let judged = cx.facts.mtas.judges(left.mta) && !is_open(cx.facts, left);
        // Of deliveries that failed only where none went well: one sentence is enough.
        let told = left.kind == DepartureKind::Tried && log.departures.iter().any(|other| went_well(other, left));
        if !judged || told || known.contains(&left.address) {
            continue;
        }
        let Departure { mta, service, address, kind, count, first, last } = left;
        let what = match kind {
            DepartureKind::Delivered => "delivered mail from",
            DepartureKind::Tried => "tried to deliver mail from",
            DepartureKind::Bound => "bound to",
            DepartureKind::NotBound => "tried to bind to",
        };
        let times = often(log, *count, *first, *last);
        let by = if service.is_empty() { String::new() } else { format!(" (`{service}`)") };
        let message = format!("{mta}{by} {what} {address}, which no outbound path sends from: {times}");
        let text = format!(
            "Find out what sends from {address}. Where a daemon runs with an older configuration, reload it; where another program or host \
             delivers mail under this one's log, judge its paths too."
        );
        let cured = changed.is_some_and(|changed| *last < changed);
        let severity = if cured { Severity::Info } else { RULE.severity };
        findings.push(RULE.violated(address, message).severity(severity).fix(Fix::new(Who::Host, text)));
    }
    findings
}

/// Whether `other` tells of deliveries that went well where `left` tells of others.
fn went_well(other: &Departure, left: &Departure) -> bool {
    let what = |departure: &Departure| (departure.mta, departure.service.clone(), departure.address);
    other.kind == DepartureKind::Delivered && what(other) == what(left)
}

/// The addresses that paths send from or would.
fn known(facts: &Facts) -> BTreeSet<IpAddr> {
    let paths =
        facts.paths.iter().flat_map(|path| path.source.iter().chain(&path.sending)).map(|address| address.value);
    let faults = facts.bind_faults.iter().filter_map(|fault| match fault.kind {
        BindFaultKind::NotLocal(address) => Some(address),
        _ => fault.value.value.trim_matches(['[', ']']).parse().ok(),
    });
    paths.chain(faults).collect()
}

/// Whether the configuration leaves open from which address of that family the MTA sends.
fn is_open(facts: &Facts, left: &Departure) -> bool {
    let paths = facts.paths.iter().filter(|path| path.mta.is_none_or(|mta| mta == left.mta));
    paths.filter(|path| path.family == Family::from(left.address)).any(|path| path.source.is_none() || path.handed_over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::facts::{AfterBindFault, MailLog, Mta};
    use crate::observe::Observations;
    use crate::rules::testing::{But, bind_fault, check_table, healthy, ip};

    fn left(address: &str) -> Facts {
        let one = Departure {
            mta: Mta::Postfix,
            service: "postfix/smtp".into(),
            address: ip(address),
            kind: DepartureKind::NotBound,
            count: 3,
            first: 0,
            last: 7200,
        };
        let log = MailLog { departures: vec![one], until: 10_000, ..MailLog::default() };
        healthy().but(|f| f.log = Some(Arc::new(log)))
    }

    #[test]
    fn addresses_of_no_path() {
        let found: &[&str] = &["warning 192.0.2.99"];
        let offline = Observations::offline;
        let fault = bind_fault(BindFaultKind::NotLocal(ip("192.0.2.99")), AfterBindFault::KernelChoice);
        check_table(
            &RULE,
            vec![
                ("of the path", left("192.0.2.10"), offline(), &[]),
                ("of none", left("192.0.2.99"), offline(), found),
                ("of a fault that is known", left("192.0.2.99").but(|f| f.bind_faults.push(fault)), offline(), &[]),
                ("a path leaves it open", left("192.0.2.99").but(|f| f.paths[0].source = None), offline(), &[]),
                (
                    "one of the other family does",
                    left("2001:db8::9").but(|f| f.paths[0].source = None),
                    offline(),
                    &["warning 2001:db8::9"],
                ),
                (
                    "of an MTA that is not judged",
                    left("192.0.2.99").but(|f| f.mtas.live = vec![Mta::Exim]),
                    offline(),
                    &[],
                ),
                ("no log", healthy(), offline(), &[]),
            ],
        );
    }
}
