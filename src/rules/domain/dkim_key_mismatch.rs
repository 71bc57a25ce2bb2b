use super::{DomainContext, key_fix};
use crate::dkim::Comparison;
use crate::findings::Finding;
use crate::rules::rule;

rule! {
    /// The published DKIM key is not the one that this host signs with.
    ///
    /// ## Condition
    /// The key record of a selector that this host has a private key for holds another public key, compared by modulus and exponent or by the
    /// point, or is a record that no verifier can use. Subject: domain and selector.
    ///
    /// ## Why it matters
    /// Every signature fails. After a move that is the usual case: the new host has made keys of its own, the record is still the old one's.
    ///
    /// ## Fix
    /// Publish the public part of the key here, or bring the old private key over.
    ///
    /// ## When to ignore
    /// Never.
    pub static RULE = {
        code: "DOM009",
        name: "dkim-key-mismatch",
        severity: Error,
        refs: ["RFC 6376 sections 3.6.1 and 6.1.3", "RFC 8463 section 4.2"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    let found = cx.seen.dkim.iter().filter_map(|(key, compared)| {
        let record = key.record_name();
        let what = match compared {
            Comparison::Mismatch { published } => {
                let own = key.key.as_ref().map_or_else(|_| "another".to_owned(), |own| format!("{own:?} bit"));
                format!("holds another key ({published:?} bit) than {} ({own})", key.file)
            }
            Comparison::Invalid(fault) => format!("cannot be used: {fault}"),
            _ => return None,
        };
        let finding = RULE.violated(format!("{name} {}", key.selector), format!("the key record {record} {what}"));
        Some(cx.at_origin(finding.fix(key_fix(key))))
    });
    found.collect()
}
