use super::DomainContext;
use crate::dmarc::Policy;
use crate::domains::DmarcState;
use crate::findings::{Finding, Fix, Who};
use crate::rules::rule;

rule! {
    /// Receivers that still go by RFC 7489 come to another DMARC policy for a domain.
    ///
    /// ## Condition
    /// What RFC 9989 asks of receivers for the domain, `t=y` counted, is not what RFC 7489 with the public suffix list and `pct` comes to.
    /// Subject: the domain.
    ///
    /// ## Why it matters
    /// For years both kinds of receivers will be there: mail that one lets through, the other refuses.
    ///
    /// ## Fix
    /// Publish a record at the domain itself, `p` and `sp` in it, `pct` left out or beside `t=y`: both read the same then.
    ///
    /// ## When to ignore
    /// Where the difference is meant.
    pub static RULE = {
        code: "DOM012",
        name: "dmarc-reading-differs",
        severity: Info,
        refs: ["RFC 9989 sections 4.7 and 4.10", "RFC 7489 sections 6.6.3 and 6.6.4"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    let DmarcState::Known(discovery, Some(former)) = &cx.seen.dmarc else { return Vec::new() };
    let applied = discovery.found.as_ref().and_then(|found| found.applied());
    // Nothing asked for and no record at all come to the same.
    let same = former.is(applied) || (applied.unwrap_or(Policy::None) == Policy::None && former.is(None));
    if same || (applied.is_none() && former.is(Some(Policy::None))) {
        return Vec::new();
    }
    let words = |policy: Option<Policy>| policy.map_or("no policy", Policy::as_str);
    let part = if former.percent < 100 { format!(" for {} % of it", former.percent) } else { String::new() };
    let message = format!(
        "DMARC for {name} is {} by RFC 9989, and {}{part} by RFC 7489 and the public suffix list",
        words(applied),
        words(former.policy)
    );
    let fix = Fix::new(Who::DnsZone, format!("Publish a record at _dmarc.{name} that both read alike."));
    vec![cx.at_origin(RULE.violated(name, message).fix(fix))]
}
