use crate::findings::{Finding, Fix, Who};
use crate::observe::{Observations, Outcome, VantageKind};
use crate::rules::{Context, rule};

rule! {
    /// None of this host's own resolvers answers.
    ///
    /// ## Condition
    /// No server of this host's own resolv.conf answered anything, while another vantage point did. Subject: `resolv.conf`.
    ///
    /// ## Why it matters
    /// The MTA asks them where to deliver and finds nothing: all mail stays in the queue, however right names and addresses are.
    ///
    /// ## Fix
    /// See that the resolver runs and that its port 53 can be reached from here, or name servers in resolv.conf that answer.
    ///
    /// ## When to ignore
    /// Where the MTA has resolvers of its own, as in a container, which helolint does not see.
    pub static RULE = {
        code: "DNS013",
        name: "host-cannot-resolve",
        severity: Error,
        refs: ["resolv.conf(5)"],
        needs: [Facts, Dns],
        check: check,
    };
}

/// What the finding is about.
const SUBJECT: &str = "resolv.conf";

fn check(cx: &Context<'_>) -> Vec<Finding> {
    if !applies(cx.dns) {
        return Vec::new();
    }
    let (_, reasons) = own_resolvers(cx.dns, |kind| kind == VantageKind::System);
    let servers: Vec<String> = cx.facts.host.nameservers.iter().map(|server| server.value.to_string()).collect();
    let servers = if servers.is_empty() { String::new() } else { format!(" ({})", servers.join(", ")) };
    let message = format!(
        "no server of this host's resolv.conf{servers} answered anything ({}), while others do: the MTA cannot find where to deliver",
        reasons.join(", ")
    );
    let text =
        "See that the resolver of resolv.conf runs and can be reached on port 53, or name one there that answers.";
    let mut finding = RULE.violated(SUBJECT, message).fix(Fix::new(Who::Host, text));
    for server in &cx.facts.host.nameservers {
        finding = finding.place(&server.origin, "does not answer");
    }
    vec![finding]
}

/// Whether no server of this host's resolv.conf answered anything, while another vantage point did.
pub(super) fn applies(dns: &Observations) -> bool {
    let (own, _) = own_resolvers(dns, |kind| kind == VantageKind::System);
    let (others, _) = own_resolvers(dns, |kind| matches!(kind, VantageKind::Public | VantageKind::Authoritative));
    own == Some(false) && others == Some(true)
}

/// Whether a vantage point of these kinds answered anything, `None` where none was asked; and why not.
fn own_resolvers(dns: &Observations, of: impl Fn(VantageKind) -> bool) -> (Option<bool>, Vec<String>) {
    let mut answered = None;
    let mut reasons: Vec<String> = Vec::new();
    for reply in dns.replies.values().flatten() {
        // Zone files are nobody who could be asked.
        if !dns.vantages.get(reply.vantage).is_some_and(|vantage| of(vantage.kind) && vantage.server.is_some()) {
            continue;
        }
        match &reply.outcome {
            Outcome::Answer(_) => answered = Some(true),
            Outcome::Unanswered(why) => {
                answered = Some(answered.unwrap_or(false));
                let why = why.to_string();
                if !reasons.contains(&why) {
                    reasons.push(why);
                }
            }
        }
    }
    (answered, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{check_table, healthy, observed};

    #[test]
    fn all_of_the_systems_are_silent_and_others_speak() {
        check_table(
            &RULE,
            vec![
                (
                    "it answers",
                    healthy(),
                    observed(&[("mail.example.com A", &[("system", &["192.0.2.10"]), ("google", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "it is silent",
                    healthy(),
                    observed(&[("mail.example.com A", &[("system", &["timeout"]), ("google", &["192.0.2.10"])])]),
                    &["error resolv.conf"],
                ),
                (
                    "it refuses",
                    healthy(),
                    observed(&[("mail.example.com A", &[("system", &["REFUSED"]), ("ns1", &["192.0.2.10"])])]),
                    &["error resolv.conf"],
                ),
                (
                    "one of two",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("system", &["timeout"]), ("stub", &["NXDOMAIN"]), ("google", &["192.0.2.10"])],
                    )]),
                    &[],
                ),
                (
                    "one question of two",
                    healthy(),
                    observed(&[
                        ("mail.example.com A", &[("system", &["timeout"]), ("google", &["192.0.2.10"])]),
                        ("mail.example.com MX", &[("system", &["NODATA"])]),
                    ]),
                    &[],
                ),
                (
                    "all are silent",
                    healthy(),
                    observed(&[("mail.example.com A", &[("system", &["timeout"]), ("google", &["timeout"])])]),
                    &[],
                ),
                (
                    "the system's was not asked",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["192.0.2.10"])])]),
                    &[],
                ),
            ],
        );
    }
}
