use super::questions::{duration, judged, who, words};
use crate::findings::Finding;
use crate::observe::VantageKind;
use crate::observe::truth::View;
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// Resolvers give different answers, and no server of the zone answered.
    ///
    /// ## Condition
    /// Resolvers, the system's apart (DNS005), gave different record sets, and no authoritative server answered.
    /// Subject: the question.
    ///
    /// ## Why it matters
    /// Each receiver asks a resolver of its own: some see one answer, some the other. Usually a record was changed a short while ago and
    /// one cache still holds the old one.
    ///
    /// ## Fix
    /// Wait until the older answer has left the caches, then check again; where it stays, compare the zone's servers.
    ///
    /// ## When to ignore
    /// While a change is on its way, and for names that answer by place or by turns on purpose.
    pub static RULE = {
        code: "DNS001",
        name: "resolvers-disagree",
        severity: Warning,
        refs: ["RFC 1034 section 3.6", "RFC 2181 section 5"],
        needs: [Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    let mut findings = Vec::new();
    for question in judged(dns) {
        let views = dns.views(question, VantageKind::Public);
        if views.len() < 2 || !dns.views(question, VantageKind::Authoritative).is_empty() {
            continue;
        }
        let said: Vec<String> =
            views.iter().map(|view| format!("{} ({}{})", words(&view.records), who(dns, view), kept(view))).collect();
        let message = format!("resolvers disagree about `{question}`: {}", said.join("; "));
        findings.push(RULE.violated(question, message).evidence(evidence(dns, question)));
    }
    findings
}

/// For how long the answer is kept.
fn kept(view: &View) -> String {
    view.ttl.map_or_else(String::new, |ttl| format!(", for {}", duration(ttl)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn only_where_no_authority_was_heard() {
        check_table(
            &RULE,
            vec![
                (
                    "they agree",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("quad9", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "they differ",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("quad9", &["192.0.2.99"])])]),
                    &["warning mail.example.com. A"],
                ),
                (
                    "a record and none",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("quad9", &["NXDOMAIN"])])]),
                    &["warning mail.example.com. A"],
                ),
                (
                    "both kinds of absence are one",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["NODATA"]), ("quad9", &["NXDOMAIN"])])]),
                    &[],
                ),
                (
                    "silence is no answer",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("quad9", &["timeout"])])]),
                    &[],
                ),
                (
                    "the zone itself answered",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.10"]), ("quad9", &["192.0.2.99"])],
                    )]),
                    &[],
                ),
                (
                    "the system's is DNS005's",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"]), ("system", &["192.0.2.99"])])]),
                    &[],
                ),
            ],
        );
    }
}
