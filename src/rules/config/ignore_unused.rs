use crate::findings::{Finding, Fix, Ignore, Who};
use crate::rules::rule;

rule! {
    /// An entry of the settings ignores nothing.
    ///
    /// ## Condition
    /// An `[[ignore]]` of the settings matches nothing. Subject: the entry.
    ///
    /// ## Why it matters
    /// What it was for has been put right, or rule or subject are misspelt. Left there, it would hide the same thing when it comes
    /// back.
    ///
    /// ## Fix
    /// Remove the entry, or correct its subject: it must be as reports name it.
    ///
    /// ## When to ignore
    /// Where what it covers comes and goes.
    pub static RULE = {
        code: "CFG015",
        name: "ignore-unused",
        severity: Info,
        refs: ["helolint: docs/settings.md"],
        needs: [],
        check: policy,
    };
}

/// The finding about an entry that covers nothing.
pub(crate) fn finding(ignore: &Ignore) -> Finding {
    let message = format!("the settings ignore {}, and there is no such finding", ignore.title());
    let text = format!("Remove the entry in {}, or correct its subject.", ignore.origin.describe());
    RULE.violated(ignore.title(), message).place(&ignore.origin, ignore.reason.clone()).fix(Fix::new(Who::Host, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::place;

    #[test]
    fn it_names_entry_and_place() {
        let origin = place("/etc/helolint.toml", 7);
        let ignore = Ignore { rule: "PTR004".into(), subject: "x".into(), reason: "r".into(), expires: None, origin };
        let finding = finding(&ignore);
        assert_eq!((finding.subject.as_str(), finding.places[0].label.as_str()), ("PTR004 x", "r"));
        assert!(finding.fix.unwrap().text.contains("/etc/helolint.toml:7"));
    }
}
