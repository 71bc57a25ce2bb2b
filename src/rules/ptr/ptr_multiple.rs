use super::{each, ticket};
use crate::addr::Family;
use crate::findings::Finding;
use crate::name::DomainName;
use crate::observe::iprev::confirms;
use crate::observe::plan::PTR_NAMES_FOLLOWED;
use crate::observe::{Question, RECORDS, RecordType};
use crate::rules::support::{address_evidence, evidence, list, ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// A sending address has more than one PTR name.
    ///
    /// ## Condition
    /// The address has more than one PTR name. Subject: the address.
    ///
    /// ## Why it matters
    /// Some receivers look at one PTR name alone: Postfix takes the first that the answer happens to hold, so that the verdict
    /// changes from one connection to the next where not every name leads back. Exim looks at all of them.
    ///
    /// ## Fix
    /// Leave the one PTR record that names this host, and have the others removed by whoever holds the address.
    ///
    /// ## When to ignore
    /// Where every PTR name leads back to the address and the HELO name is among them.
    pub static RULE = {
        code: "PTR005",
        name: "ptr-multiple",
        severity: Warning,
        refs: ["RFC 1912 section 2.1", "Postfix: smtpd_peer.c", "RFC 8601 section 2.7.3"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    each::address(&RULE, cx, |sending| {
        let addr = sending.address.value;
        let names = ptr_names(dns, addr);
        if names.len() < 2 {
            return None;
        }
        // Not all are kept of very many.
        let count = match dns.record_count(&Question::ptr(addr)) {
            count if count > RECORDS => count,
            _ => names.len(),
        };
        let asked = |name: &DomainName| {
            dns.replies(&Question::new(name, RecordType::address(Family::from(addr)))).next().is_some()
        };
        // Of very many names only the first are looked up.
        let words = |name: &DomainName| match confirms(dns, name, addr) {
            Some(true) => "leading back",
            Some(false) => "not leading back",
            None if asked(name) => "not answered",
            None => "not looked up",
        };
        let of = |wanted: &str| -> Vec<String> {
            names.iter().filter(|name| words(name) == wanted).map(|name| format!("`{name}`")).collect()
        };
        let said: Vec<String> = ["leading back", "not leading back", "not answered", "not looked up"]
            .into_iter()
            .map(|words| (of(words), words))
            .filter(|(kept, _)| !kept.is_empty())
            .map(|(kept, words)| format!("{words}: {}", list(&kept)))
            .collect();
        let message =
            format!("{addr} has {count} PTR names ({}), and some receivers look at one alone", said.join("; "));
        let wanted = ticket::wanted_name(facts, dns, sending).filter(|name| names.contains(name));
        let keep = wanted.or_else(|| names.iter().find(|name| confirms(dns, name, addr) == Some(true)).cloned());
        let fix = match keep {
            Some(keep) => ticket::leave_one(dns, addr, &keep),
            None => ticket::request(facts, dns, sending),
        };
        let finding = RULE.violated(addr, message).fix(fix);
        let forward =
            names.iter().take(PTR_NAMES_FOLLOWED).flat_map(|name| address_evidence(dns, name, Family::from(addr)));
        Some(finding.evidence(evidence(dns, &Question::ptr(addr))).evidence(forward))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{check_table, dns, findings, healthy};

    #[test]
    fn several_names_and_which_of_them_hold() {
        check_table(
            &RULE,
            vec![
                ("one", healthy(), dns(&[]), &[]),
                ("one, twice", healthy(), dns(&[("192.0.2.10 PTR", &["mail.example.com", "Mail.Example.com."])]), &[]),
                (
                    "two",
                    healthy(),
                    dns(&[
                        ("192.0.2.10 PTR", &["mail.example.com", "www.example.com"]),
                        ("www.example.com A", &["192.0.2.80"]),
                    ]),
                    &["warning 192.0.2.10"],
                ),
                ("no answer", healthy(), dns(&[("192.0.2.10 PTR", &["SERVFAIL"])]), &[]),
            ],
        );
        let two =
            [("192.0.2.10 PTR", &["mail.example.com", "www.example.com"][..]), ("www.example.com A", &["192.0.2.80"])];
        let found = findings(&RULE, &healthy(), &dns(&two));
        assert!(found[0].message.contains("; not leading back: `www.example.com`"), "{}", found[0].message);
        assert_eq!(found[0].fix.as_ref().unwrap().commands, ["10.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.com."]);
    }

    #[test]
    fn names_that_were_not_asked_for_are_not_called_unanswered() {
        let names = ["mail.example.com", "silent.example.com", "unasked.example.com"];
        let found =
            findings(&RULE, &healthy(), &dns(&[("192.0.2.10 PTR", &names), ("silent.example.com A", &["timeout"])]));
        let message = &found[0].message;
        assert!(
            message.contains("not answered: `silent.example.com`; not looked up: `unasked.example.com`"),
            "{message}"
        );
    }
}
