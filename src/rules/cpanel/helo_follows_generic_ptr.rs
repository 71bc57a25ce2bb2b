use crate::facts::Mta;
use crate::findings::{Finding, Fix, Who};
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::{Lookup, Question};
use crate::rules::names::{Introduction, introduction};
use crate::rules::panel::{REBUILD_HELO, has_flag};
use crate::rules::support::{evidence, sending_addresses};
use crate::rules::{Context, rule};

rule! {
    /// The HELO name is taken by cPanel from a generic PTR name.
    ///
    /// ## Condition
    /// `use_rdns_for_helo` is on, the PTR name is generic, and it is the HELO name at present. Subject: the address.
    ///
    /// ## Why it matters
    /// With "Use the reverse DNS entry for the mail HELO/EHLO if available" on, a PTR name that the provider made up becomes the HELO name too: name and
    /// address agree, and both look like a home connection or an idle virtual machine to filters (rspamd's hfilter, SpamAssassin's
    /// HELO_DYNAMIC rules).
    ///
    /// ## Fix
    /// Have the provider publish a PTR record with a name of yours, then rebuild cPanel's reverse DNS cache.
    ///
    /// ## When to ignore
    /// Where all mail goes through a relay.
    pub static RULE = {
        code: "CPL011",
        name: "helo-follows-generic-ptr",
        severity: Warning,
        refs: ["docs.cpanel.net: Exim Configuration Manager Basic Editor"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    if !facts.cpanel.as_ref().is_some_and(|cpanel| has_flag(cpanel, "use_rdns_for_helo")) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for sending in
        sending_addresses(facts).into_iter().filter(|s| s.paths.iter().any(|path| path.mta == Some(Mta::Exim)))
    {
        let (addr, question) = (sending.address.value, Question::ptr(sending.address.value));
        let presented = |name: &DomainName| {
            sending
                .paths
                .iter()
                .any(|path| matches!(introduction(path, dns), Introduction::Name(helo) if helo.value.domain() == *name))
        };
        let follows_unseen = sending.paths.iter().any(|path| match introduction(path, dns) {
            Introduction::Name(helo) => why_generic(&helo.value.domain(), addr).is_some(),
            Introduction::Open(_) => true,
            Introduction::None | Introduction::Undecided => false,
        });
        let finding = match dns.ptr(addr) {
            Lookup::NoData | Lookup::NxDomain => continue,
            // The names in cPanel's maps go before the PTR record: it is followed where they are the same.
            Lookup::Found(names) if !names.iter().any(presented) => continue,
            Lookup::Unanswered(_) if !follows_unseen => continue,
            Lookup::Found(names) => {
                let Some(why) = names.iter().map(|name| why_generic(name, addr)).collect::<Option<Vec<_>>>() else {
                    continue;
                };
                let Some((name, why)) = names.first().zip(why.first()) else { continue };
                let text = format!(
                    "Once the PTR record of {addr} names this server, cPanel has to look it up again. {REBUILD_HELO}"
                );
                RULE.violated(
                    addr,
                    format!("the HELO name follows the PTR name of {addr}, `{name}`, which is generic: it {why}"),
                )
                .fix(Fix::new(Who::Host, text))
            }
            Lookup::Unanswered(why) => RULE
                .undetermined(
                    addr,
                    format!("could not determine whether the HELO name follows a generic PTR name of {addr}: {why}"),
                )
                .open(&question),
        };
        findings.push(sending.mark(finding).evidence(evidence(dns, &question)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Helo;
    use crate::name::HeloName;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let generic_name = "192-0-2-10.static.example.net";
        let named = |helo: &str, flags: &[&str]| {
            healthy().but(|f| {
                f.paths[0].helo = Helo::Known(fact(HeloName::new(helo)));
                f.paths[0].mta = Some(Mta::Exim);
                f.cpanel = Some(
                    cpanel().but(|c| c.flags = flags.iter().map(|flag| fact((*flag).to_owned())).collect()).into(),
                );
            })
        };
        let on = |flags: &[&str]| named(generic_name, flags);
        let generic = [("192.0.2.10 PTR", &["192-0-2-10.static.example.net"] as &[&str])];
        check_table(
            &RULE,
            vec![
                ("a name of one's own", named(NAME, &["use_rdns_for_helo"]), dns(&[]), &[]),
                ("HELO is another name all the same", named(NAME, &["use_rdns_for_helo"]), dns(&generic), &[]),
                (
                    "HELO is another name, and the PTR record unseen",
                    named(NAME, &["use_rdns_for_helo"]),
                    dns(&[("192.0.2.10 PTR", &["timeout"])]),
                    &[],
                ),
                ("a generic one", on(&["use_rdns_for_helo"]), dns(&generic), &["warning 192.0.2.10"]),
                ("HELO does not follow it", on(&[]), dns(&generic), &[]),
                (
                    "no answer",
                    on(&["use_rdns_for_helo"]),
                    dns(&[("192.0.2.10 PTR", &["timeout"])]),
                    &["warning? 192.0.2.10"],
                ),
                ("no PTR", on(&["use_rdns_for_helo"]), dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]), &[]),
            ],
        );
    }
}
