use std::net::IpAddr;

use super::{DomainContext, open_question, publish, with_result};
use crate::domains::fix::{authorising, says_that_nobody_sends};
use crate::facts::Bind;
use crate::findings::{Finding, Fix, Who};
use crate::rules::rule;
use crate::spf::SpfResult;

rule! {
    /// The SPF record of a domain does not pass for an address that its mail leaves from.
    ///
    /// ## Condition
    /// SPF (RFC 7208), evaluated in full with the domain as MAIL FROM identity, gives `fail`, `softfail` or `neutral` for the sending address of a
    /// path that the domain's mail takes. Relayed paths apart: there receivers see the relay. Undetermined where the only path can send nothing.
    /// Subject: the domain.
    ///
    /// ## Why it matters
    /// With `fail` many receivers refuse the mail, with the others they go by DKIM alone, and DMARC does the same: without a signature that is
    /// aligned, it fails.
    ///
    /// ## Fix
    /// Authorise the address in the record; the old server's address goes. Where the record is `v=spf1 -all`, nobody is meant to send, and it may stay.
    ///
    /// ## When to ignore
    /// Where the domain sends no mail from this host.
    pub static RULE = {
        code: "DOM002",
        name: "spf-excludes-sender",
        severity: Error,
        refs: ["RFC 7208 section 8", "RFC 9989 section 4.4.2"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    if let Some(sender) = cx.seen.blocked {
        let what = match &sender.bind {
            Bind::Address { address, .. } => format!("cannot send from {}", address.value),
            Bind::Unusable { value, .. } => format!("cannot send from `{}`", value.value),
            Bind::Kernel | Bind::Undecided(_) => format!("has no {} address to send from", sender.family.title()),
        };
        let message = format!(
            "SPF of {name} is not judged: `{}`, the only way of its mail, {what} (`helolint check` says why), and which address will send it is not known",
            sender.service
        );
        return vec![cx.at_origin(RULE.undetermined(name, message))];
    }
    let refused: Vec<_> = with_result(cx.seen, &[SpfResult::Fail, SpfResult::SoftFail, SpfResult::Neutral]).collect();
    if !refused.is_empty() {
        let words: Vec<String> = refused
            .iter()
            .map(|check| {
                let by = check.evaluation.decided.last();
                let by = by.map_or_else(String::new, |step| format!(" by `{}` of {}", step.term, step.domain));
                format!("{} for {}{by}", check.evaluation.result, check.address)
            })
            .collect();
        let add: Vec<IpAddr> = refused.iter().map(|check| check.address).collect();
        let record = refused.first().and_then(|check| check.evaluation.record.as_deref());
        let fix = match authorising(record, &add, &cx.retired()) {
            _ if record.is_some_and(says_that_nobody_sends) => {
                let addresses: Vec<String> = add.iter().map(ToString::to_string).collect();
                let text = format!(
                    "By its own record, nobody sends mail from {name}: leave it so, unless mail is to leave from here; then the record has to name {}.",
                    addresses.join(", ")
                );
                Fix::new(Who::DnsZone, text)
            }
            _ if let Some(first) = cx.settled_first() => first,
            Some(record) => {
                publish(format!("Publish this SPF record for {name} in place of the present one."), name, &record)
            }
            None => Fix::new(Who::DnsZone, format!("Authorise the addresses in the SPF record of {name}.")),
        };
        let message = format!("SPF of {name} does not pass: {}", words.join(", "));
        return vec![cx.at_origin(RULE.violated(name, message).fix(fix))];
    }
    let open: Vec<String> = cx.seen.spf.iter().filter_map(open_question).collect();
    let Some(first) = open.first() else { return Vec::new() };
    let finding = RULE.undetermined(name, format!("SPF of {name} cannot be evaluated: {first}"));
    vec![cx.at_origin(open.iter().fold(finding, Finding::open))]
}
