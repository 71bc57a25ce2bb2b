use std::net::IpAddr;

use super::{DomainContext, publish, with_result};
use crate::domains::Handled;
use crate::domains::fix::authorising;
use crate::findings::{Finding, Fix, Who};
use crate::rules::rule;
use crate::spf::SpfResult;

rule! {
    /// A domain whose mail this host sends has no SPF record.
    ///
    /// ## Condition
    /// The domain has no SPF record, though its mail leaves this host by a path that is not relayed. Where there is no such name, DOM001 says so;
    /// where nothing but mail from it is handled here, this does. Subject: the domain.
    ///
    /// ## Why it matters
    /// Gmail and Yahoo want SPF or DKIM of every sender, and both of who sends much.
    ///
    /// ## Fix
    /// Publish a record that authorises the addresses that the domain's mail leaves from.
    ///
    /// ## When to ignore
    /// Where nobody sends mail from the domain; then `v=spf1 -all` says so.
    pub static RULE = {
        code: "DOM004",
        name: "spf-missing",
        severity: Warning,
        refs: ["RFC 7208 section 3", "support.google.com/a/answer/81126"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    let add: Vec<IpAddr> = with_result(cx.seen, &[SpfResult::None]).map(|check| check.address).collect();
    if add.is_empty() {
        return Vec::new();
    }
    if cx.seen.is_absent {
        // DOM001 says it of all others.
        if cx.seen.domain.handled != Handled::Sender {
            return Vec::new();
        }
        let message =
            format!("{name} does not exist in the DNS, and so has no SPF record: receivers refuse it as a sender");
        let text = format!("Let no mail leave under {name}, or bring the name into the DNS.");
        return vec![cx.at_origin(RULE.violated(name, message).fix(Fix::new(Who::Host, text)))];
    }
    let finding = RULE.violated(name, format!("{name} has no SPF record"));
    let record = authorising(None, &add, &cx.retired());
    let text = format!("Publish an SPF record for {name}; add whatever else sends for it.");
    vec![cx.at_origin(
        record.into_iter().fold(finding, |finding, record| finding.fix(publish(text.clone(), name, &record))),
    )]
}
