//! CSV (RFC 4180): one line for each domain, for mail to those who own them.

use std::collections::BTreeSet;

use super::DomainView;
use super::view::{RecordView, is_about};
use crate::dmarc;
use crate::findings::{Severity, Verdict, Who};
use crate::name::DomainName;
use crate::report::csv::cell;

/// The first line.
pub const CSV_HEAD: &str = "domain,handled,mx,spf,spf_record,dmarc,dkim,zone,errors,warnings,codes,publish,spf_wanted,dmarc_record,dmarc_wanted,dkim_wanted,commands,undetermined\r\n";

/// The line of one domain.
pub fn csv(view: &DomainView) -> String {
    let mx: Vec<&str> = view.mx.iter().flatten().map(|mx| &*mx.name).collect();
    let mut spf: Vec<&str> =
        view.spf.results.iter().filter(|one| one.identity == "mailfrom").map(|one| &*one.result).collect();
    spf.dedup();
    let dkim: Vec<String> = view.dkim.iter().map(|one| format!("{}={}", one.selector, one.result)).collect();
    let failed = view.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    let codes: Vec<&str> = failed.map(|finding| &*finding.code).collect();
    let undetermined: Vec<&str> = view.undetermined().map(|finding| &*finding.code).collect();
    // What belongs to other names, such as the host's own, is not the owner's to publish.
    let own = DomainName::new(&view.domain);
    let mut publish: Vec<&str> = view
        .findings
        .iter()
        .filter(|finding| is_about(&finding.subject, &own))
        .filter_map(|finding| finding.fix.as_ref())
        .filter(|fix| fix.who == Who::DnsZone)
        .flat_map(|fix| &fix.commands)
        .map(String::as_str)
        .collect();
    let mut known = BTreeSet::new();
    publish.retain(|line| known.insert(*line));
    let of = |kind: &'static str| view.records.iter().filter(move |record| record.kind == kind);
    // What is of another name than the domain says of which.
    let named = |record: &RecordView, own: &DomainName| match record.name == own.as_str() {
        true => record.wanted.clone(),
        false => format!("{} {}", record.name, record.wanted),
    };
    let spf_wanted: Vec<String> = of("spf").map(|record| named(record, &own)).collect();
    let dkim_wanted: Vec<String> = of("dkim").map(|record| format!("{} {}", record.name, record.wanted)).collect();
    let mut commands: Vec<&str> = view.records.iter().filter_map(|record| record.command.as_deref()).collect();
    // What is no matter of the zone.
    let of_host = view.findings.iter().filter_map(|finding| finding.fix.as_ref()).filter(|fix| fix.who == Who::Host);
    commands.extend(of_host.flat_map(|fix| &fix.commands).map(String::as_str));
    let record_name = dmarc::record_name(&own);
    let dmarc_wanted: Vec<String> = of("dmarc").map(|record| named(record, &record_name)).collect();
    let cells = [
        view.domain.to_string(),
        view.handled.to_string(),
        mx.join(" "),
        spf.join(" "),
        view.spf.record.clone().unwrap_or_default(),
        view.dmarc.as_ref().and_then(|dmarc| dmarc.policy.clone()).unwrap_or_default().into_owned(),
        dkim.join(" "),
        view.zone.iter().flatten().cloned().collect::<Vec<_>>().join(" "),
        view.failed(Severity::Error).to_string(),
        view.failed(Severity::Warning).to_string(),
        codes.join(" "),
        publish.join("\n"),
        spf_wanted.join("\n"),
        view.dmarc.as_ref().map(|dmarc| dmarc.record.clone()).unwrap_or_default(),
        dmarc_wanted.join("\n"),
        dkim_wanted.join("\n"),
        commands.join("\n"),
        undetermined.join(" "),
    ];
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}
