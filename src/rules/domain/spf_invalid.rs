use super::{DomainContext, with_result};
use crate::findings::{Finding, Fix, Who};
use crate::rules::rule;
use crate::spf::{Because, SpfResult};

rule! {
    /// The SPF record of a domain cannot be interpreted (permerror).
    ///
    /// ## Condition
    /// SPF gives `permerror` for a path that the domain's mail takes: a fault of syntax anywhere in the record, several records, over ten lookups
    /// or two void ones, an include without record. Subject: the domain.
    ///
    /// ## Why it matters
    /// Receivers go by none of it: for some that is as if there were no record, others refuse the mail.
    ///
    /// ## Fix
    /// Mend what the message names; replace includes by the networks they stand for where there are too many.
    ///
    /// ## When to ignore
    /// Never.
    pub static RULE = {
        code: "DOM003",
        name: "spf-invalid",
        severity: Error,
        refs: ["RFC 7208 sections 2.6.7, 4.6.4 and 8.7"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    let Some(broken) = with_result(cx.seen, &[SpfResult::PermError]).next() else { return Vec::new() };
    let why = match &broken.evaluation.because {
        Some(Because::Perm(error)) => error.to_string(),
        _ => "permerror".to_owned(),
    };
    let known = match &broken.evaluation.beside {
        Some((result, step)) => {
            format!("; `{}` names {} ({result}), but receivers do not get so far", step.term, broken.address)
        }
        None => String::new(),
    };
    let fix = Fix::new(Who::DnsZone, format!("Mend the SPF record of {name}: {why}."));
    vec![cx.at_origin(RULE.violated(name, format!("SPF of {name} is broken: {why}{known}")).fix(fix))]
}
