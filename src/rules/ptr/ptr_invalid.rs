use super::{each, ticket};
use crate::findings::Finding;
use crate::observe::Question;
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// A PTR name is no qualified host name.
    ///
    /// ## Condition
    /// A PTR name is no qualified host name: one label, `localhost`, an address literal, characters that RFC 1123
    /// does not allow, or a name below `in-addr.arpa` or `ip6.arpa` (the forgotten final dot). Subject: the PTR name.
    ///
    /// ## Why it matters
    /// Receivers drop names that cannot be host names (Exim ignores those with other characters than RFC 1123 allows), and the client
    /// counts as one without PTR record. A name below `in-addr.arpa` or `ip6.arpa` comes from a zone file in which the final dot was
    /// forgotten.
    ///
    /// ## Fix
    /// Have the PTR record corrected: a qualified host name, in a zone file with its final dot.
    ///
    /// ## When to ignore
    /// Never: no receiver can use such a name.
    pub static RULE = {
        code: "PTR009",
        name: "ptr-invalid",
        severity: Error,
        refs: ["RFC 1123 section 2.1", "RFC 1035 section 5.1", "Exim: host.c"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    each::name(&RULE, cx, |sending, name| {
        let addr = sending.address.value;
        let fault = ticket::invalid(name)?;
        let message = format!("the PTR name `{name}` of {addr} {fault}");
        let finding = RULE.violated(name, message).fix(ticket::request(facts, dns, sending));
        Some(finding.evidence(evidence(dns, &Question::ptr(addr))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{check_table, dns, healthy};

    #[test]
    fn what_is_no_host_name() {
        check_table(
            &RULE,
            vec![
                ("a host name", healthy(), dns(&[]), &[]),
                ("one label", healthy(), dns(&[("192.0.2.10 PTR", &["mail"])]), &["error mail"]),
                ("localhost", healthy(), dns(&[("192.0.2.10 PTR", &["localhost"])]), &["error localhost"]),
                ("an address", healthy(), dns(&[("192.0.2.10 PTR", &["192.0.2.10"])]), &["error 192.0.2.10"]),
                (
                    "an underscore",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["my_mail.example.com"])]),
                    &["error my_mail.example.com"],
                ),
                (
                    "the forgotten dot",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["mail.example.com.2.0.192.in-addr.arpa"])]),
                    &["error mail.example.com.2.0.192.in-addr.arpa"],
                ),
                (
                    "the same for IPv6",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["mail.example.com.8.b.d.0.1.0.0.2.ip6.arpa"])]),
                    &["error mail.example.com.8.b.d.0.1.0.0.2.ip6.arpa"],
                ),
                ("no answer", healthy(), dns(&[("192.0.2.10 PTR", &["timeout"])]), &[]),
            ],
        );
    }
}
