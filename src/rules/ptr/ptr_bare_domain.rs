use super::{each, ticket};
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::Question;
use crate::rules::advice::right_names;
use crate::rules::similar::did_you_mean;
use crate::rules::support::{evidence, ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// A PTR name is a bare domain, or begins with `www.`.
    ///
    /// ## Condition
    /// A PTR name is a registrable domain itself, or begins with `www.`. Not beside PTR004. Subject: the PTR name.
    ///
    /// ## Why it matters
    /// Such a name stands for a web site: its address moves with that, and a block list's operator is reported to take it for a
    /// generic name when asked to delist the address.
    ///
    /// ## Fix
    /// Give the mail host a name of its own, such as `mail.` before the domain: the address record first, then PTR record and HELO
    /// name.
    ///
    /// ## When to ignore
    /// Where web site and mail are one server for good, and the name leads back to the address.
    pub static RULE = {
        code: "PTR011",
        name: "ptr-bare-domain",
        severity: Info,
        refs: ["RFC 1912 section 2.1", "publicsuffix.org"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    each::name(&RULE, cx, |sending, name| {
        let addr = sending.address.value;
        // PTR004 says the graver thing of it.
        if ptr_names(dns, addr).iter().all(|name| why_generic(name, addr).is_some()) {
            return None;
        }
        let bare = name.registrable().as_ref() == Some(name);
        let what = match (bare, name.as_str().starts_with("www.")) {
            _ if !ticket::judged(name) => return None,
            (true, _) => "is a bare domain",
            (false, true) => "is the name of a web site",
            (false, false) => return None,
        };
        let text =
            format!("Give this host a name of its own; then ask whoever holds {addr} to set its PTR record to that.");
        let right = right_names(facts, dns, sending);
        let own: Vec<&DomainName> = right.iter().filter(|own| **own != *name && is_mail_host(own)).collect();
        let fix = match ticket::wanted_name(facts, dns, sending).filter(|wanted| own.contains(&wanted)) {
            Some(_) => ticket::request(facts, dns, sending),
            None => Fix::new(Who::IpOwner, text),
        };
        let suggestion = did_you_mean(name, own);
        let finding = RULE.violated(name, format!("the PTR name `{name}` of {addr} {what}{suggestion}"));
        Some(finding.fix(fix).evidence(evidence(dns, &Question::ptr(addr))))
    })
}

/// Whether a name is neither a domain itself nor a web site's.
fn is_mail_host(name: &DomainName) -> bool {
    name.registrable().as_ref() != Some(name) && !name.as_str().starts_with("www.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{check_table, dns, healthy};

    #[test]
    fn bare_domains_and_web_names() {
        check_table(
            &RULE,
            vec![
                ("a name of its own", healthy(), dns(&[]), &[]),
                ("bare", healthy(), dns(&[("192.0.2.10 PTR", &["example.com"])]), &["info example.com"]),
                (
                    "bare below a long suffix",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["example.co.uk"])]),
                    &["info example.co.uk"],
                ),
                (
                    "the web site",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["www.example.com"])]),
                    &["info www.example.com"],
                ),
                (
                    "www is another word's beginning",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["www2mail.example.com"])]),
                    &[],
                ),
                ("no host name: PTR009", healthy(), dns(&[("192.0.2.10 PTR", &["www._x.example.com"])]), &[]),
                ("generic: PTR004", healthy(), dns(&[("192.0.2.10 PTR", &["www.192-0-2-10.isp.example"])]), &[]),
                ("no answer", healthy(), dns(&[("192.0.2.10 PTR", &["timeout"])]), &[]),
            ],
        );
    }
}
