use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::findings::{Finding, Fix, Severity, Who};
use crate::name::DomainName;
use crate::observe::{Observations, Question};
use crate::rules::advice::{known_name, name_host, ptr_record};
use crate::rules::names::{Introduction, Leads, introduction, leads, left_open, mail_identity_holds, unqualified};
use crate::rules::support::{evidence, sending_addresses};
use crate::rules::{Context, rule};

rule! {
    /// The host name is neither a HELO name nor a PTR name of this host.
    ///
    /// ## Condition
    /// `hostname -f` is none of the HELO names and none of the PTR names of any path, though there are such. Subject:
    /// the name. Info where the name leads to this host in the DNS and the HELO name of each path is a confirmed PTR
    /// name that is not generic. Not where HST001 applies.
    ///
    /// ## Why it matters
    /// Whatever on this host does not ask the MTA's configuration takes the host name: a second MTA, a reinstalled one, a web form's SMTP
    /// library, bounces. They then introduce themselves by a name that the sending address does not bear.
    ///
    /// ## Fix
    /// Name the host as its mail does; or make HELO name and PTR the host name.
    ///
    /// ## When to ignore
    /// Where the host is a web server first and its mail identity is set in the MTA and holds: then this is for information alone.
    pub static RULE = {
        code: "HST009",
        name: "hostname-unlike-mail-identity",
        severity: Warning,
        refs: ["RFC 5321 section 2.3.5", "RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let Some(host) = facts.host.fqdn.name().filter(|name| unqualified(&name.value).is_none()) else {
        return Vec::new();
    };
    let name = &host.value;
    let (mut names, mut open, mut undecided): (BTreeSet<DomainName>, Vec<String>, bool) = Default::default();
    // Where no mail takes any path, nobody is introduced.
    if facts.paths.iter().all(|path| path.unused) {
        return Vec::new();
    }
    for path in &facts.paths {
        match introduction(path, dns) {
            Introduction::Name(helo) => {
                names.insert(helo.value.domain());
            }
            Introduction::None | Introduction::Open(_) => {}
            Introduction::Undecided => undecided = true,
        }
    }
    for sending in sending_addresses(facts) {
        let addr = sending.address.value;
        let ptr = dns.ptr(addr);
        if ptr.open().is_some() {
            open.push(Question::ptr(addr).to_string());
        }
        names.extend(ptr.found().iter().cloned());
    }
    if names.contains(name) || (names.is_empty() && open.is_empty()) {
        return Vec::new();
    }
    let finding = if !open.is_empty() {
        let message = format!(
            "could not determine whether the host name `{name}` is a PTR name: no answer to {}",
            open.join(", ")
        );
        left_open(&RULE, name.as_str(), message, &open)
    } else if undecided {
        let message = format!(
            "could not determine whether the host name `{name}` is a HELO name: files do not decide every HELO name"
        );
        RULE.undetermined(name, message)
    } else {
        let others: Vec<String> = names.iter().map(|other| format!("`{other}`")).collect();
        let message =
            format!("mail does not leave under the host name `{name}`: HELO and PTR say {}", others.join(", "));
        RULE.violated(name, message).fix(fix(facts, dns, name))
    };
    let sound = mail_identity_holds(facts, dns) && matches!(leads(facts, dns, name), Leads::Here);
    let finding = finding.severity(if sound { Severity::Info } else { RULE.severity }).place(&host.origin, "host name");
    let asked = sending_addresses(facts).into_iter().flat_map(|s| evidence(dns, &Question::ptr(s.address.value)));
    vec![finding.evidence(asked)]
}

/// The name that mail goes by; where that is no better than this one, the PTR record is what should change.
fn fix(facts: &Facts, dns: &Observations, name: &DomainName) -> Fix {
    let better = known_name(facts, dns).filter(|known| known != name);
    let sending = facts.paths.iter().find_map(|path| path.sending.as_ref()).map(|fact| fact.value);
    match (better, sending) {
        (None, Some(addr)) => {
            let text = format!("Have the PTR record of {addr} name `{name}`, so that mail goes by the host name.");
            Fix::new(Who::IpOwner, text).command(ptr_record(addr, name))
        }
        _ => name_host(facts, dns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Helo, Undecided};
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        const WEB_HERE: (&str, &[&str]) = ("web.example.com A", &[ADDR]);
        const WEB_V6: (&str, &[&str]) = ("web.example.com AAAA", &["NODATA"]);
        const WEB_ELSEWHERE: (&str, &[&str]) = ("web.example.com A", &["198.51.100.7"]);
        let web = || host_named("web.example.com");
        let no_mta = |f: &mut Facts| f.paths[0].helo = Helo::None;
        let undecided = |f: &mut Facts| {
            f.paths[0].helo =
                Helo::Undecided(Undecided { parameter: "helo_data".into(), why: String::new(), origin: HERE });
        };
        check_table(
            &RULE,
            vec![
                ("it is HELO and PTR name", healthy(), dns(&[]), &[]),
                (
                    "a web name that leads here, and mail is sound",
                    web(),
                    dns(&[WEB_HERE, WEB_V6]),
                    &["info web.example.com"],
                ),
                ("a web name that leads elsewhere", web(), dns(&[WEB_ELSEWHERE, WEB_V6]), &["warning web.example.com"]),
                (
                    "mail's own name is not confirmed",
                    web(),
                    dns(&[WEB_HERE, WEB_V6, ("mail.example.com A", &["198.51.100.7"])]),
                    &["warning web.example.com"],
                ),
                ("it is the PTR name alone", web(), dns(&[("192.0.2.10 PTR", &["web.example.com"])]), &[]),
                (
                    "no MTA: the PTR name counts",
                    web().but(no_mta),
                    dns(&[WEB_HERE, WEB_V6]),
                    &["warning web.example.com"],
                ),
                (
                    "no MTA and no PTR: nothing to be unlike",
                    web().but(no_mta),
                    dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]),
                    &[],
                ),
                ("nothing is sent", web().but(|f| f.paths[0].unused = true), dns(&[WEB_HERE, WEB_V6]), &[]),
                ("PTR unanswered", web(), dns(&[("192.0.2.10 PTR", &["timeout"])]), &["warning? web.example.com"]),
                ("HELO undecided", web().but(undecided), dns(&[]), &["warning? web.example.com"]),
                ("HST001 applies", host_named("web.lan"), dns(&[]), &[]),
            ],
        );
    }
}
