//! DOM: the domains whose mail this host handles (`helolint domains`).

mod dkim_key_mismatch;
mod dkim_missing;
mod dmarc_invalid;
mod dmarc_missing;
mod dmarc_reading_differs;
mod domain_elsewhere;
mod mx_alias;
mod mx_elsewhere;
mod spf_excludes_sender;
mod spf_helo_excludes_sender;
mod spf_invalid;
mod spf_missing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::compare::{Change, Verdict, What};
use crate::domains::fix::{Retired, txt_record};
use crate::domains::{Host, MailDomain, Observed, SenderCheck, SigningKey};
use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::rules::Rule;
use crate::spf::{Because, SpfResult};

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[
    &mx_elsewhere::RULE,
    &spf_excludes_sender::RULE,
    &spf_invalid::RULE,
    &spf_missing::RULE,
    &spf_helo_excludes_sender::RULE,
    &dmarc_missing::RULE,
    &dmarc_invalid::RULE,
    &dkim_missing::RULE,
    &dkim_key_mismatch::RULE,
    &domain_elsewhere::RULE,
    &mx_alias::RULE,
    &dmarc_reading_differs::RULE,
];

/// The one argument of every rule of the family: a domain as it was found, and the host that handles it.
#[derive(Clone, Copy)]
pub struct DomainContext<'a> {
    /// The host.
    pub host: &'a Host<'a>,
    /// The domain.
    pub seen: &'a Observed<'a>,
    /// The domains that this host handles.
    pub handled: &'a BTreeMap<DomainName, MailDomain>,
    /// What a move changed of how mail leaves; empty where the host was not moved.
    pub changes: &'a [Change],
    /// Which address from before a move became which.
    pub became: &'a BTreeMap<IpAddr, IpAddr>,
}

impl DomainContext<'_> {
    fn name(&self) -> &DomainName {
        &self.seen.domain.name
    }

    /// What keeps the domain's mail from leaving as it did before the move, where nobody asked for that (MIG002).
    fn drift(&self) -> Option<&Change> {
        let is_told =
            |change: &&Change| change.verdict == Verdict::Drift && [What::Source, What::Path].contains(&change.what);
        self.changes.iter().filter(is_told).find(|change| change.domains.contains(self.name()))
    }

    /// What comes before the domain's SPF record is made to follow what this host does.
    fn settled_first(&self) -> Option<Fix> {
        let drift = self.drift()?;
        let text = format!(
            "Settle MIG002 first ({}: {}): mail of {} is to leave from another address than now, and the record has to name that one.",
            drift.key,
            drift.because,
            self.name()
        );
        Some(Fix::new(Who::Host, text))
    }

    /// What records are to authorise no longer.
    pub(super) fn retired(&self) -> Retired<'_> {
        Retired { old: &self.host.facts.old_addresses, own: &self.host.own }
    }

    /// The address of this host that takes the place of an old one, where one alone can be meant.
    pub(super) fn in_place_of(&self, old: IpAddr) -> Option<IpAddr> {
        let known = self.became.get(&old).copied().filter(|new| addr::is_public(*new));
        known.or_else(|| self.host.own.only_public(Family::from(old)))
    }

    /// A finding at the place that names the domain.
    fn at_origin(&self, finding: Finding) -> Finding {
        let words = format!("handled as {}", self.seen.domain.handled);
        self.seen
            .paths
            .iter()
            .fold(finding.place(&self.seen.domain.origin, words), |finding, path| finding.path(&path.id))
    }
}

/// A fix in the zone of the domain: a record.
fn publish(text: impl Into<String>, name: &DomainName, record: &str) -> Fix {
    Fix::new(Who::DnsZone, text).command(txt_record(name, record))
}

/// A fix in the zone of the domain that a signature names: the key's record.
fn key_fix(key: &SigningKey) -> Fix {
    let text = format!("Publish the public part of {} at {}.", key.file, key.record_name());
    let fix = Fix::new(Who::DnsZone, text);
    match &key.key {
        Ok(public) => fix.command(txt_record(&key.record_name(), &public.record())),
        Err(_) => fix,
    }
}

/// The SPF checks of the domain with one of these results.
fn with_result<'a>(
    seen: &'a Observed<'_>,
    results: &'static [SpfResult],
) -> impl Iterator<Item = &'a SenderCheck> + Clone {
    seen.spf.iter().filter(|check| results.contains(&check.evaluation.result))
}

/// The question that leaves an evaluation open.
fn open_question(check: &SenderCheck) -> Option<String> {
    match &check.evaluation.because {
        Some(Because::Temp(error)) => Some(error.to_string()),
        _ => None,
    }
}
