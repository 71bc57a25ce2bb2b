//! What several rules need: the sending addresses with their paths, evidence from replies, severities by path.

use std::net::IpAddr;

use crate::facts::{Fact, Facts, OutboundPath};
use crate::findings::{Evidence, Finding, Meta, Severity};
use crate::observe::{Observations, Outcome, Question};

/// A sending address and the paths that use it.
pub struct Sending<'a> {
    /// The address, with the origin of the first path's.
    pub address: &'a Fact<IpAddr>,
    /// Its paths, at least one.
    pub paths: Vec<&'a OutboundPath>,
}

impl Sending<'_> {
    /// The finding with these paths, and the places that the address comes from.
    pub fn mark(&self, mut finding: Finding) -> Finding {
        for path in &self.paths {
            finding = finding.path(&path.id);
            if let Some(source) = &path.source {
                finding = finding.place(&source.origin, "source address");
            }
        }
        finding
    }
}

/// Every known sending address once, in the order of the paths.
pub fn sending_addresses(facts: &Facts) -> Vec<Sending<'_>> {
    let mut all: Vec<Sending<'_>> = Vec::new();
    for path in &facts.paths {
        let Some(address) = &path.sending else { continue };
        match all.iter_mut().find(|s| s.address.value == address.value) {
            Some(known) => known.paths.push(path),
            None => all.push(Sending { address, paths: vec![path] }),
        }
    }
    all
}

/// The severity of a PTR finding: one lower where every path of the address is relayed or unused.
pub fn ptr_severity(meta: &Meta, sending: &Sending<'_>) -> Severity {
    if sending.paths.iter().all(|path| path.is_weaker()) { meta.severity.lower() } else { meta.severity }
}

/// What each server said to `question`.
pub fn evidence(dns: &Observations, question: &Question) -> Vec<Evidence> {
    let said = dns.replies(question).map(|(vantage, outcome)| {
        let (answer, ttl) = match outcome {
            Outcome::Unanswered(why) => (why.to_string(), None),
            Outcome::Answer(answer) if answer.nxdomain => ("NXDOMAIN".to_owned(), answer.negative_ttl),
            Outcome::Answer(answer) if answer.records.is_empty() => ("NODATA".to_owned(), answer.negative_ttl),
            Outcome::Answer(answer) => {
                let texts: Vec<String> = answer.records.iter().map(|r| r.data.to_string()).collect();
                (texts.join(", "), answer.records.iter().map(|r| r.ttl).min())
            }
        };
        Evidence { question: question.to_string(), from: vantage.name.clone(), answer, ttl }
    });
    said.collect()
}
