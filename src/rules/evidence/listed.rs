use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::observe::block_lists::{LISTED_ADDRESS, UNLISTED_ADDRESS, listing, looked_up};
use crate::observe::{Lookup, Question};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// A block list names an address that mail leaves from.
    ///
    /// ## Condition
    /// Only with `--dnsbl`. One of the lists answers for a sending address with a code of 127.0.0.0/8 (RFC 5782 section 2.1). Undetermined where
    /// the list refuses the question (127.255.255.0/24: asked through a public resolver, or too often), answers with anything else, does not
    /// list its test entry 127.0.0.2, or lists 127.0.0.1, which none may (RFC 5782 section 5): then the list is gone, or the resolver makes up
    /// answers. Subject: the address and the list; the list where nothing that it says counts.
    ///
    /// Only this host's own resolvers are asked, as a mail server on it would. An address that nobody sees from outside is not asked for, and of
    /// a host with very many addresses the first 256 are.
    ///
    /// ## Why it matters
    /// Receivers that use the list refuse the mail, whatever names and records say.
    ///
    /// ## Fix
    /// Find out on the list's own pages why it names the address, end the cause, and ask for removal there. An address that was somebody else's
    /// before may have been listed for what its previous holder did: say so.
    ///
    /// ## When to ignore
    /// Where no receiver that matters uses the list.
    pub static RULE = {
        code: "RBL001",
        name: "listed",
        severity: Error,
        refs: ["RFC 5782"],
        needs: [Facts, Dns, BlockLists],
        check: check,
    };
}

/// Where lists say why they do not answer a question.
const REFUSALS: [u8; 3] = [127, 255, 255];

/// What a list says of an address.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Listed(BTreeSet<Ipv4Addr>),
    Not,
    /// Nothing that counts, for this reason.
    Void(String),
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let looked_up = looked_up(cx.facts);
    let mut findings = Vec::new();
    for list in cx.facts.block_lists.iter().filter(|_| !looked_up.is_empty()) {
        if let Some(why) = list_fault(cx, list) {
            let message = format!("whom the block list `{list}` names is not known: {why}");
            let question = listing(IpAddr::V4(LISTED_ADDRESS), list);
            findings.push(RULE.undetermined(list, message).open(&question).evidence(evidence(cx.dns, &question)));
            continue;
        }
        for sending in cx.sending_addresses().iter().filter(|sending| looked_up.contains(&sending.address.value)) {
            let address = sending.address.value;
            let question = listing(address, list);
            let subject = format!("{address} in {list}");
            let finding = match answer(cx, &question) {
                Answer::Not => continue,
                Answer::Listed(codes) => {
                    let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
                    let message = format!("the block list `{list}` names {address}: {}", codes.join(", "));
                    let text = format!(
                        "Find out on the pages of `{list}` why it names {address}, end the cause, and ask for removal there. Receivers that use \
                         the list refuse mail from it until then."
                    );
                    RULE.violated(&subject, message).fix(Fix::new(Who::Host, text))
                }
                Answer::Void(why) => {
                    let message = format!("whether the block list `{list}` names {address} is not known: {why}");
                    RULE.undetermined(&subject, message).open(&question)
                }
            };
            findings.push(sending.mark(finding).evidence(evidence(cx.dns, &question)));
        }
    }
    findings
}

/// Why nothing that a list answers counts.
fn list_fault(cx: &Context<'_>, list: &DomainName) -> Option<String> {
    let of = |address: Ipv4Addr| answer(cx, &listing(IpAddr::V4(address), list));
    match (of(LISTED_ADDRESS), of(UNLISTED_ADDRESS)) {
        (Answer::Void(why), _) | (_, Answer::Void(why)) => Some(why),
        (_, Answer::Listed(_)) => Some(format!(
            "it names {UNLISTED_ADDRESS} as well, which no list does: the list is gone, or the resolver makes up answers"
        )),
        (Answer::Not, _) => {
            Some(format!("it does not name its own test entry {LISTED_ADDRESS}: it is no block list, or it is gone"))
        }
        (Answer::Listed(_), Answer::Not) => None,
    }
}

fn answer(cx: &Context<'_>, question: &Question) -> Answer {
    let lookup = cx.dns.truth(question).lookup.filter_map(|record| record.data.address());
    match lookup {
        Lookup::Unanswered(why) => Answer::Void(format!("nobody answered: {why}")),
        lookup if lookup.found().is_empty() => Answer::Not,
        lookup => coded(lookup.found()),
    }
}

fn coded(found: &[IpAddr]) -> Answer {
    let codes: BTreeSet<Ipv4Addr> = found
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        })
        .collect();
    match codes.iter().find(|code| !code.is_loopback() || code.octets()[..3] == REFUSALS) {
        None => Answer::Listed(codes),
        Some(code) if !code.is_loopback() => {
            Answer::Void(format!("it answers {code}, which is no code of a block list"))
        }
        Some(code) => Answer::Void(format!("it refuses the question with {code}, {}", refusal(code.octets()[3]))),
    }
}

/// What Spamhaus documents for these codes, and others took over.
fn refusal(code: u8) -> &'static str {
    match code {
        252 => "a mistake in the list's name",
        254 => "since it came through a public resolver: a resolver of this host's own is answered",
        255 => "since this resolver asks too much",
        _ => "a code for faults",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::{Said, observed};
    use crate::rules::testing::{But, check_table, healthy};

    #[test]
    fn codes_of_lists() {
        let asked = || healthy().but(|f| f.block_lists = vec![DomainName::new("list.example")]);
        let works: [Said<'_>; 2] = [
            ("2.0.0.127.list.example A", &[("system", &["127.0.0.2"])]),
            ("1.0.0.127.list.example A", &[("system", &["NXDOMAIN"])]),
        ];
        let one = "10.2.0.192.list.example A";
        let with = |said: Said<'static>| observed(&[works[0], works[1], said]);
        let subject: &[&str] = &["error 192.0.2.10 in list.example"];
        let void: &[&str] = &["error? 192.0.2.10 in list.example"];
        let useless: &[&str] = &["error? list.example"];
        check_table(
            &RULE,
            vec![
                ("not listed", asked(), with((one, &[("system", &["NXDOMAIN"])])), &[]),
                ("listed", asked(), with((one, &[("system", &["127.0.0.4", "127.0.0.10"])])), subject),
                ("refused", asked(), with((one, &[("system", &["127.255.255.254"])])), void),
                ("no code", asked(), with((one, &[("system", &["192.0.2.99"])])), void),
                ("no answer", asked(), with((one, &[("system", &["timeout"])])), void),
                (
                    "a resolver that answers everything",
                    asked(),
                    observed(&[
                        works[0],
                        ("1.0.0.127.list.example A", &[("system", &["127.0.0.2"])]),
                        (one, &[("system", &["127.0.0.2"])]),
                    ]),
                    useless,
                ),
                (
                    "a list that is gone",
                    asked(),
                    observed(&[
                        ("2.0.0.127.list.example A", &[("system", &["NXDOMAIN"])]),
                        works[1],
                        (one, &[("system", &["NXDOMAIN"])]),
                    ]),
                    useless,
                ),
                ("not asked for", healthy(), with((one, &[("system", &["127.0.0.2"])])), &[]),
            ],
        );
    }
}
