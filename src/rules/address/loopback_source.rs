use crate::addr::Family;
use crate::facts::BindFaultKind;
use crate::findings::Finding;
use crate::rules::address::bind_address_not_local::fix;
use crate::rules::{Context, rule};

rule! {
    /// The MTA is told to send mail for elsewhere from a loopback address.
    ///
    /// ## Condition
    /// `smtp_bind_address`, `smtp_bind_address6` or Exim's `interface` is a loopback address though the next hop is
    /// not on this host. `inet_interfaces` never binds to one. Nothing else is judged on that path. Subject: the
    /// parameter.
    ///
    /// ## Why it matters
    /// The kernel lets nothing with a loopback source leave this host: every connection fails and the mail stays in the queue.
    ///
    /// ## Fix
    /// Remove the setting, or set it to an address of this host. A host that should only submit to itself is told so by
    /// `inet_interfaces = loopback-only`, which does not concern outgoing mail.
    ///
    /// ## When to ignore
    /// Where the service sends to this host alone and helolint could not see that.
    pub static RULE = {
        code: "NET007",
        name: "loopback-source",
        severity: Error,
        refs: ["RFC 1122 section 3.2.1.3", "postconf(5) smtp_bind_address"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for fault in &facts.bind_faults {
        let BindFaultKind::Loopback(addr) = fault.kind else { continue };
        let services = fault.services.join("`, `");
        let message =
            format!("`{}` is the loopback address {addr}: no mail leaves this host by `{services}`", fault.parameter);
        findings.push(
            RULE.violated(&fault.parameter, message)
                .place(&fault.value.origin, "loopback address")
                .via(&fault.value.via, "used here")
                .fix(fix(facts, fault, Family::from(addr))),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::AfterBindFault;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let faulty = |kind| healthy().but(|f| f.bind_faults = vec![bind_fault(kind, AfterBindFault::KernelChoice)]);
        check_table(
            &RULE,
            vec![
                ("loopback", faulty(BindFaultKind::Loopback(ip("127.0.0.1"))), dns(&[]), &["error smtp_bind_address"]),
                (
                    "another host's address is NET001",
                    faulty(BindFaultKind::NotLocal(ip("198.51.100.7"))),
                    dns(&[]),
                    &[],
                ),
                ("no fault", healthy(), dns(&[]), &[]),
            ],
        );
    }
}
