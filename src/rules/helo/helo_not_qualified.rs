use crate::findings::Finding;
use crate::rules::advice::better_helo;
use crate::rules::{Context, rule};

rule! {
    /// The HELO name is not a fully qualified host name.
    ///
    /// ## Condition
    /// The HELO name has fewer than two labels, is a `localhost` name, lies below a private suffix (see HST001) or is
    /// no host name. An address literal is HLO006. Subject: the HELO name. Info on relayed paths.
    ///
    /// ## Why it matters
    /// RFC 5321 section 4.1.1.1 wants the client's fully qualified name. Postfix with `reject_non_fqdn_helo_hostname` answers
    /// `504 5.5.2 Helo command rejected: need fully-qualified hostname`, with `reject_invalid_helo_hostname` `501 5.5.2 Invalid name`; Gmail
    /// answers `501 5.5.4` to an empty or invalid argument; rspamd adds 2.0 for a name that is not qualified, 3.0 for a bare address.
    ///
    /// ## Fix
    /// Have the MTA introduce itself by the name that the sending address maps back to.
    ///
    /// ## When to ignore
    /// Where the path leads to one server alone that is yours and does not look at it.
    pub static RULE = {
        code: "HLO001",
        name: "helo-not-qualified",
        severity: Error,
        refs: ["RFC 5321 section 4.1.1.1", "RFC 5321 section 2.3.5", "RFC 1123 section 2.1"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for one in cx.introductions() {
        let Some(why) = one.fault() else { continue };
        let text = one.helo.value.as_str();
        let hint = match text.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
            Ok(addr) if addr.is_ipv4() => format!("; an address literal is written `[{addr}]`"),
            Ok(addr) => format!("; an address literal is written `[IPv6:{addr}]`"),
            Err(_) => String::new(),
        };
        let message = format!("the HELO name `{text}` is not a fully qualified host name: {why}{hint}");
        let finding = RULE.violated(one.subject(), message);
        findings.push(one.mark(finding, RULE.severity).fix(better_helo(facts, dns, one.path, &one.helo)));
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
        let helo = |name: &str| healthy().but(|f| f.paths[0] = path(ADDR, name));
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        let unused = |f: &mut Facts| f.paths[0].unused = true;
        check_table(
            &RULE,
            vec![
                ("qualified", helo("MX.Example.com"), dns(&[]), &[]),
                ("one label", helo("Mail"), dns(&[]), &["error mail"]),
                ("localhost", helo("localhost.localdomain"), dns(&[]), &["error localhost.localdomain"]),
                ("a cloud's own name", helo("ip-10-0-0-5.ec2.internal"), dns(&[]), &["error ip-10-0-0-5.ec2.internal"]),
                ("underscore", helo("mail_1.example.com"), dns(&[]), &["error mail_1.example.com"]),
                ("a bare address is no name", helo("192.0.2.10"), dns(&[]), &["error 192.0.2.10"]),
                ("a literal is HLO006", helo("[192.0.2.10]"), dns(&[]), &[]),
                ("a literal without its tag", helo("[2001:db8::1]"), dns(&[]), &["error [2001:db8::1]"]),
                ("nothing", helo(""), dns(&[]), &["error (empty)"]),
                (
                    "a comment that became the value",
                    helo("mail.example.com # new"),
                    dns(&[]),
                    &["error mail.example.com # new"],
                ),
                ("only the relay sees it", helo("mail").but(relayed), dns(&[]), &["info mail"]),
                ("nothing uses it", helo("mail").but(unused), dns(&[]), &["warning mail"]),
            ],
        );
    }

    #[test]
    fn the_fix_is_the_confirmed_ptr_name() {
        let facts = healthy().but(|f| f.paths[0] = path(ADDR, "mail"));
        let fix = findings(&RULE, &facts, &dns(&[]))[0].fix.clone().unwrap();
        assert_eq!(fix.text, "Make Postfix introduce itself as `mail.example.com` (`myhostname`).");
    }
}
