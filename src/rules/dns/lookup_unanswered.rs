use super::questions::judged;
use crate::findings::Finding;
use crate::observe::Outcome;
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// A question got no answer from anyone.
    ///
    /// ## Condition
    /// No vantage point gave an answer. Always undetermined. Subject: the question.
    ///
    /// ## Why it matters
    /// What depends on it stays open: a lookup without answer is no evidence that a record is missing. A receiver in the same place delays
    /// mail (4xx) rather than refusing it.
    ///
    /// ## Fix
    /// Check again. Where it stays so, see what each server said: SERVFAIL often is a broken delegation or DNSSEC signature, REFUSED a server
    /// that does not serve the zone.
    ///
    /// ## When to ignore
    /// On hosts that cannot reach any resolver.
    pub static RULE = {
        code: "DNS004",
        name: "lookup-unanswered",
        severity: Info,
        refs: ["RFC 1035 section 4.1.1", "RFC 8601 section 2.7.3"],
        needs: [Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    let mut findings = Vec::new();
    for question in judged(dns) {
        let mut reasons: Vec<String> = Vec::new();
        let mut answered = false;
        for (_, outcome) in dns.replies(question) {
            match outcome {
                Outcome::Answer(_) => answered = true,
                Outcome::Unanswered(why) if !reasons.contains(&why.to_string()) => reasons.push(why.to_string()),
                Outcome::Unanswered(_) => {}
            }
        }
        if answered || reasons.is_empty() {
            continue;
        }
        let message = format!("nobody answered `{question}`: {}", reasons.join(", "));
        findings.push(RULE.undetermined(question, message).open(question).evidence(evidence(dns, question)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn nobody_answered() {
        check_table(
            &RULE,
            vec![
                (
                    "somebody did",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["timeout"]), ("quad9", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "a denial is an answer",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["NXDOMAIN"])])]),
                    &[],
                ),
                (
                    "nobody",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("google", &["timeout"]), ("ns1", &["REFUSED"]), ("quad9", &["SERVFAIL"])],
                    )]),
                    &["info? mail.example.com. A"],
                ),
            ],
        );
    }
}
