use crate::findings::{Finding, Severity};
use crate::rules::advice::better_helo;
use crate::rules::{Context, rule};

rule! {
    /// The MTA introduces itself by an address instead of a name.
    ///
    /// ## Condition
    /// The HELO name is an address literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]`. An error where it is not the
    /// sending address. Subject: the HELO name.
    ///
    /// ## Why it matters
    /// RFC 5321 section 4.1.1.1 allows an address literal to a client that has no name of its own; a mail server has one. A literal
    /// that is not the client's address is plainly wrong: behind NAT it is mostly the private one.
    ///
    /// ## Fix
    /// Have the MTA introduce itself by the name that the sending address maps back to.
    ///
    /// ## When to ignore
    /// Where the path leads to one server alone that is yours.
    pub static RULE = {
        code: "HLO006",
        name: "helo-address-literal",
        severity: Warning,
        refs: ["RFC 5321 section 4.1.1.1", "RFC 5321 section 4.1.3"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for one in cx.introductions() {
        let Some(literal) = one.helo.value.literal() else { continue };
        let helo = &one.helo.value;
        let (severity, message) = match one.sending() {
            Some(sending) if sending != literal => (
                Severity::Error,
                format!("the HELO name is the address literal `{helo}`, and mail leaves from {sending}"),
            ),
            _ => (RULE.severity, format!("the HELO name is the address literal `{helo}` and not a name")),
        };
        let finding = RULE.violated(one.subject(), message);
        findings.push(one.mark(finding, severity).fix(better_helo(facts, dns, one.path, &one.helo)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::facts::Helo;
    use crate::name::HeloName;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let helo = |name: &str| healthy().but(|f| f.paths[0] = path(ADDR, name));
        let nat = behind_nat("10.0.0.5", Some(ADDR))
            .but(|f| f.paths[0].helo = Helo::Known(fact(HeloName::new("[10.0.0.5]"))));
        let unknown =
            behind_nat("10.0.0.5", None).but(|f| f.paths[0].helo = Helo::Known(fact(HeloName::new("[10.0.0.5]"))));
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        check_table(
            &RULE,
            vec![
                ("a name", healthy(), dns(&[]), &[]),
                ("the sending address", helo("[192.0.2.10]"), dns(&[]), &["warning [192.0.2.10]"]),
                ("another address", helo("[198.51.100.7]"), dns(&[]), &["error [198.51.100.7]"]),
                ("IPv6", helo("[IPv6:2001:db8::1]"), dns(&[]), &["error [ipv6:2001:db8::1]"]),
                ("the private address behind NAT", nat, dns(&[]), &["error [10.0.0.5]"]),
                ("the sending address is unknown", unknown, dns(&[]), &["warning [10.0.0.5]"]),
                ("only the relay sees it", helo("[198.51.100.7]").but(relayed), dns(&[]), &["info [198.51.100.7]"]),
                ("no literal: HLO001", helo("[2001:db8::1]"), dns(&[]), &[]),
            ],
        );
    }
}
