use std::net::IpAddr;

use super::{DomainContext, publish, with_result};
use crate::domains::OldRecord;
use crate::domains::fix::{authorising, passes_alone};
use crate::findings::{Finding, Fix, Who};
use crate::observe::{Question, RecordType};
use crate::rules::rule;
use crate::spf::{Because, LOOKUP_LIMIT, PermError, SpfResult};

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
    /// Mend what the message names; replace includes by the networks they stand for where there are too many. This host's address in front of
    /// everything else lets its own mail pass until then, unless the fault is in the record's own syntax.
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
    let advice = match &broken.evaluation.because {
        Some(Because::Perm(error)) => advice(cx, error),
        _ => format!("Publish an SPF record for {name} that RFC 7208 allows."),
    };
    let fix = match mended(cx) {
        _ if let Some(first) = cx.settled_first() => first,
        Some(record) => {
            let text = format!(
                "Publish this SPF record for {name} in place of the present one: mail from here passes before the rest is looked at. For everybody else who sends for {name} it stays broken. {advice}"
            );
            publish(text, name, &record)
        }
        None => Fix::new(Who::DnsZone, advice),
    };
    vec![cx.at_origin(RULE.violated(name, format!("SPF of {name} is broken: {why}{known}")).fix(fix))]
}

/// The record with the addresses of this host in front, where its mail passes by that.
fn mended(cx: &DomainContext<'_>) -> Option<String> {
    let broken = with_result(cx.seen, &[SpfResult::PermError]);
    let record = broken.clone().find_map(|check| check.evaluation.record.as_deref())?;
    let add: Vec<IpAddr> = broken.map(|check| check.address).collect();
    let mended = authorising(Some(record), &add, &cx.retired())?;
    passes_alone(&mended, cx.name(), &add).then_some(mended)
}

/// What settles a fault for good.
fn advice(cx: &DomainContext<'_>, error: &PermError) -> String {
    let name = cx.name();
    match error {
        PermError::Syntax { domain, term, .. } if domain == name => {
            format!("Correct `{term}` in the SPF record of {name}, or take it out.")
        }
        PermError::Syntax { domain, .. } => {
            format!("Have the SPF record of {domain} corrected, or take out of {name}'s what leads there.")
        }
        PermError::SeveralRecords { domain, .. } => {
            let is_there = |record: &&OldRecord| record.question == Question::new(domain, RecordType::Txt);
            let old = cx.seen.old.iter().filter(is_there).flat_map(|record| &record.held).map(ToString::to_string);
            let old: Vec<String> = old.collect();
            let but = if old.is_empty() { String::new() } else { format!(" but {}", old.join(", ")) };
            format!("Leave one SPF record at {domain}, with what all of them authorise{but}.")
        }
        PermError::TooManyLookups => format!(
            "Replace includes in it by the networks that they stand for, until {LOOKUP_LIMIT} lookups are enough."
        ),
        PermError::TooManyVoidLookups { .. } => "Take out of it the terms whose names have no records.".to_owned(),
        PermError::TooManyExchangers { name: of, .. } => {
            format!("Name the networks of the mail servers of {of} in place of `mx`.")
        }
        PermError::NoRecordThere { domain, term, .. } => format!("Take `{term}` out of the SPF record of {domain}."),
    }
}
