use crate::addr::Family;
use crate::facts::{AfterBindFault, BindFaultKind};
use crate::findings::Finding;
use crate::rules::address::bind_address_not_local::fix;
use crate::rules::support::unreached;
use crate::rules::{Context, rule};

rule! {
    /// A source address is set to an address of the other family, or to no address at all.
    ///
    /// ## Condition
    /// A source address is set to an address of the other family, or to text that is no address. Where CFG011
    /// explains the text, CFG011 alone is reported. Subject: the parameter.
    ///
    /// ## Why it matters
    /// Postfix wants an IPv4 address in `smtp_bind_address` and an IPv6 one in `smtp_bind_address6`; with text that is no address its
    /// client ends with a fatal error and delivers nothing. Exim defers mail where an item of `interface` is no address.
    ///
    /// ## Fix
    /// Move the address to the setting of its family, or correct it. Names are not looked up here: write the address.
    ///
    /// ## When to ignore
    /// Where the transport or service is meant to be switched off by it; then remove it instead.
    pub static RULE = {
        code: "NET008",
        name: "family-mismatch",
        severity: Error,
        refs: ["postconf(5) smtp_bind_address", "postconf(5) smtp_bind_address6", "Exim specification, smtp transport, interface"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for fault in &facts.bind_faults {
        let wanted = if fault.parameter.ends_with('6') { Family::Ipv6 } else { Family::Ipv4 };
        let what = match fault.kind {
            BindFaultKind::OtherFamily(addr) => format!("holds {addr}, an {} address", Family::from(addr).title()),
            BindFaultKind::NotAnAddress => format!("holds `{}`, which is not an address", fault.value.value),
            BindFaultKind::NotLocal(_) | BindFaultKind::Loopback(_) => continue,
        };
        let then = match fault.then {
            AfterBindFault::NothingSent => format!("sends nothing{}", unreached(facts, fault)),
            AfterBindFault::KernelChoice => "sends from the address that the kernel chooses".to_owned(),
        };
        let message =
            format!("`{}` {what}: {} {then} by `{}`", fault.parameter, fault.mta, fault.services.join("`, `"));
        findings.push(
            RULE.violated(&fault.parameter, message)
                .place(&fault.value.origin, "not an address of this family")
                .via(&fault.value.via, "used here")
                .fix(fix(facts, fault, wanted)),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let faulty = |kind| healthy().but(|f| f.bind_faults = vec![bind_fault(kind, AfterBindFault::NothingSent)]);
        check_table(
            &RULE,
            vec![
                (
                    "IPv6 where IPv4 is wanted",
                    faulty(BindFaultKind::OtherFamily(ip("2001:db8::1"))),
                    dns(&[]),
                    &["error smtp_bind_address"],
                ),
                ("text", faulty(BindFaultKind::NotAnAddress), dns(&[]), &["error smtp_bind_address"]),
                ("loopback is NET007", faulty(BindFaultKind::Loopback(ip("127.0.0.1"))), dns(&[]), &[]),
                ("no fault", healthy(), dns(&[]), &[]),
            ],
        );
    }
    #[test]
    fn it_says_whom_the_other_family_reaches() {
        let fault = || {
            healthy().but(|f| {
                f.bind_faults = vec![bind_fault(BindFaultKind::NotAnAddress, AfterBindFault::NothingSent)];
            })
        };
        let message = |facts: &Facts| findings(&RULE, facts, &dns(&[]))[0].message.clone();
        assert!(message(&fault()).ends_with("Postfix sends nothing by `smtp`"), "{}", message(&fault()));
        let listed = fault().but(|f| {
            f.paths[0].bound = true;
            f.paths[0].source.as_mut().unwrap().origin = f.bind_faults[0].value.origin.clone();
        });
        let found = message(&listed);
        assert!(found.ends_with("sends nothing to hosts that have IPv6 addresses alone by `smtp`"), "{found}");
    }
}
