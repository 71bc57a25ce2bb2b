use super::{DomainContext, key_fix};
use crate::dkim::Comparison;
use crate::domains::SigningKey;
use crate::findings::Finding;
use crate::rules::rule;

rule! {
    /// This host signs mail of a domain with a selector that is not published.
    ///
    /// ## Condition
    /// This host has a DKIM key for the domain, and the name `SELECTOR._domainkey.DOMAIN` has no key record, or one that says that the key
    /// is revoked. Subject: domain and selector.
    ///
    /// ## Why it matters
    /// A signature without public key counts as none, and DMARC stands on SPF alone.
    ///
    /// ## Fix
    /// Publish the public part of the key, as the panel or signing program shows it.
    ///
    /// ## When to ignore
    /// Where the key is there and nothing signs with it.
    pub static RULE = {
        code: "DOM008",
        name: "dkim-missing",
        severity: Warning,
        refs: ["RFC 6376 sections 3.6.1 and 6.1.2"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    let finding = |key: &SigningKey, compared: &Comparison| {
        let (selector, record) = (&key.selector, key.record_name());
        let subject = format!("{name} {selector}");
        let fix = key_fix(key);
        match compared {
            Comparison::Missing => {
                let message =
                    format!("this host signs for {name} with the selector {selector}, and {record} has no key record");
                Some(RULE.violated(subject, message).fix(fix))
            }
            Comparison::Revoked => {
                let message = format!(
                    "this host signs for {name} with the selector {selector}, whose record says that the key is revoked"
                );
                Some(RULE.violated(subject, message).fix(fix))
            }
            Comparison::Unanswered(why) if *why != crate::observe::Why::NotAsked => {
                let question = format!("{record}. TXT");
                let message = format!("whether the selector {selector} of {name} is published cannot be seen ({why})");
                Some(RULE.undetermined(subject, message).open(question))
            }
            _ => None,
        }
    };
    let found = cx.seen.dkim.iter().filter_map(|(key, compared)| finding(key, compared));
    found.map(|finding| cx.at_origin(finding)).collect()
}
