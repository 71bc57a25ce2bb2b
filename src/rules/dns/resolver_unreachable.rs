use super::host_cannot_resolve;
use crate::findings::Finding;
use crate::observe::{Outcome, VantageKind};
use crate::rules::{Context, rule};

rule! {
    /// A resolver answered nothing at all.
    ///
    /// ## Condition
    /// A vantage point answered nothing at all. Not of the system's resolvers where DNS013 says it of all. Subject: the
    /// resolver.
    ///
    /// ## Why it matters
    /// What was asked there is not known. Where it is one of the system's, programs on this host wait for it each time before they ask the
    /// next.
    ///
    /// ## Fix
    /// Check that the resolver runs and that the way to its port 53 is open, or take it out of resolv.conf or the command line.
    ///
    /// ## When to ignore
    /// Where outside resolvers are closed off on purpose.
    pub static RULE = {
        code: "DNS010",
        name: "resolver-unreachable",
        severity: Info,
        refs: ["resolv.conf(5)"],
        needs: [Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    let all_of_the_system = host_cannot_resolve::applies(dns);
    let mut findings = Vec::new();
    for (at, vantage) in dns.vantages.iter().enumerate() {
        let wanted = match vantage.kind {
            VantageKind::Public => true,
            // DNS013 says it of all of them.
            VantageKind::System => !all_of_the_system,
            VantageKind::Authoritative | VantageKind::Overlay => false,
        };
        if !wanted {
            continue;
        }
        let (mut asked, mut reasons) = (0_usize, Vec::<String>::new());
        let mut answered = false;
        for reply in dns.replies.values().flatten().filter(|reply| reply.vantage == at) {
            asked += 1;
            match &reply.outcome {
                Outcome::Answer(_) => answered = true,
                Outcome::Unanswered(why) if !reasons.contains(&why.to_string()) => reasons.push(why.to_string()),
                Outcome::Unanswered(_) => {}
            }
        }
        if asked == 0 || answered {
            continue;
        }
        let place = vantage.server.map_or_else(String::new, |server| format!(" ({server})"));
        let times = if asked == 1 { "the question".to_owned() } else { format!("any of {asked} questions") };
        let message = format!("{}{place} did not answer {times}: {}", vantage.name, reasons.join(", "));
        findings.push(RULE.violated(&vantage.name, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn not_one_answer() {
        check_table(
            &RULE,
            vec![
                ("it answers", healthy(), observed(&[("mail.example.com A", &[("google", &["192.0.2.10"])])]), &[]),
                ("it denies", healthy(), observed(&[("mail.example.com A", &[("google", &["NXDOMAIN"])])]), &[]),
                (
                    "one of two",
                    healthy(),
                    observed(&[
                        ("mail.example.com A", &[("google", &["timeout"])]),
                        ("mail.example.com MX", &[("google", &["NODATA"])]),
                    ]),
                    &[],
                ),
                (
                    "nothing",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["timeout"]), ("quad9", &["192.0.2.10"])])]),
                    &["info google"],
                ),
                (
                    "a zone's server is no resolver",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["timeout"])])]),
                    &[],
                ),
            ],
        );
    }
}
