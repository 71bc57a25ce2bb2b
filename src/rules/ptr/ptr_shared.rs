use std::collections::BTreeMap;

use crate::addr::Family;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::Question;
use crate::rules::support::{evidence, followed_ptr_names, list, ptr_severity};
use crate::rules::{Context, rule};

rule! {
    /// Several sending addresses share a PTR name.
    ///
    /// ## Condition
    /// Several sending addresses of one family share a PTR name. Subject: the PTR name.
    ///
    /// ## Why it matters
    /// The name then needs the address records of all of them, and a receiver's reputation for the name is that of every address:
    /// one that misbehaves speaks for the rest.
    ///
    /// ## Fix
    /// Give each sending address a PTR name of its own, with its own address record.
    ///
    /// ## When to ignore
    /// Where the addresses belong to one service on purpose and the name leads back to each.
    pub static RULE = {
        code: "PTR008",
        name: "ptr-shared",
        severity: Info,
        refs: ["RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    let all = cx.sending_addresses();
    let mut users: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for sending in all {
        for name in followed_ptr_names(dns, sending.address.value) {
            users.entry((name, Family::from(sending.address.value))).or_default().push(sending);
        }
    }
    let mut findings = Vec::new();
    for ((name, _), sharing) in users.into_iter().filter(|(_, sharing)| sharing.len() > 1) {
        let addresses: Vec<_> = sharing.iter().map(|sending| sending.address.value).collect();
        let mut finding = RULE.violated(&name, format!("{} share the PTR name `{name}`", list(&addresses)));
        for sending in &sharing {
            finding = sending.mark(finding).severity(ptr_severity(&RULE, sending));
            finding = finding.evidence(evidence(dns, &Question::ptr(sending.address.value)));
        }
        let text =
            "Ask whoever holds the addresses for a PTR name of its own for each, once its address record is in place.";
        findings.push(finding.fix(Fix::new(Who::IpOwner, text)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, healthy, path};

    #[test]
    fn two_addresses_under_one_name() {
        let two = || healthy().but(|f| f.paths.push(path("192.0.2.11", "mail.example.com")));
        check_table(
            &RULE,
            vec![
                ("one address", healthy(), dns(&[]), &[]),
                (
                    "two of one family",
                    two(),
                    dns(&[("192.0.2.11 PTR", &["mail.example.com"])]),
                    &["info mail.example.com"],
                ),
                ("each its own", two(), dns(&[("192.0.2.11 PTR", &["mail2.example.com"])]), &[]),
                (
                    "one of each family",
                    healthy().but(|f| f.paths.push(path("2001:db8::1", "mail.example.com"))),
                    dns(&[("2001:db8::1 PTR", &["mail.example.com"])]),
                    &[],
                ),
                ("no answer", two(), dns(&[("192.0.2.11 PTR", &["timeout"])]), &[]),
            ],
        );
    }
}
