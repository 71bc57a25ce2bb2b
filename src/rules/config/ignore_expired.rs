use crate::findings::{Finding, Fix, Ignore, Who};
use crate::rules::rule;

rule! {
    /// An entry of the settings that ignores findings has expired.
    ///
    /// ## Condition
    /// An `[[ignore]]` of the settings is past its last day. Subject: the entry.
    ///
    /// ## Why it matters
    /// What the entry covered counts again. Somebody gave it a last day since it was meant to be put right by then: it was not, or
    /// the entry was forgotten.
    ///
    /// ## Fix
    /// Put right what the entry covered and remove it; where it has to stay as it is, give it a later day or none.
    ///
    /// ## When to ignore
    /// Never needed: remove the entry.
    pub static RULE = {
        code: "CFG014",
        name: "ignore-expired",
        severity: Warning,
        refs: ["helolint: docs/settings.md"],
        needs: [],
        check: policy,
    };
}

/// The finding about an entry whose last day has passed.
pub(crate) fn finding(ignore: &Ignore) -> Finding {
    let when = ignore.expires.map_or_else(String::new, |last| format!(" on {last}"));
    let message = format!(
        "the settings ignored {}{when} for the last time: the findings that it covered are reported again",
        ignore.title()
    );
    let text = format!("Remove the entry in {}, or give it a later day.", ignore.origin.describe());
    RULE.violated(ignore.title(), message).place(&ignore.origin, ignore.reason.clone()).fix(Fix::new(Who::Host, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::place;

    #[test]
    fn it_names_entry_reason_and_day() {
        let ignore = Ignore {
            rule: "PTR004".into(),
            subject: "203.0.113.10".into(),
            reason: "ticket 17".into(),
            expires: Some("2026-01-31".parse().unwrap()),
            origin: place("/etc/helolint.toml", 7),
        };
        let finding = finding(&ignore);
        assert_eq!(finding.subject, "PTR004 203.0.113.10");
        assert!(finding.message.contains("on 2026-01-31"));
        assert_eq!(finding.places[0].label, "ticket 17");
        assert!(finding.fix.unwrap().text.contains("/etc/helolint.toml:7"));
    }
}
