//! From questions to finished domains.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::told::Told;
use crate::compare::Change;
use crate::domains::zones::ZoneKeeper;
use crate::domains::{
    Answers, Flow, Host, Look, Looker, MailDomain, MailDomains, Observed, Step, ZoneServers, observe,
};
use crate::findings::{Finding, Who};
use crate::name::DomainName;
use crate::observe::resolver::{Client, GivenUp};
use crate::observe::{Observations, Question, RecordData, RecordType, Reply, Vantage};
use crate::progress::Domains;
use crate::report::domains::{self as report, KeptZone};
use crate::rules::{DomainContext, DomainRules};

/// Domains on their way, and who judges them.
pub(super) struct Asking<'a, 'r> {
    /// The domains.
    pub flow: Flow<'a>,
    /// Who judges them.
    pub judge: Judge<'a, 'r>,
}

impl Client for Asking<'_, '_> {
    fn next(&mut self) -> Option<Question> {
        self.flow.next(&mut self.judge)
    }

    fn sake(&self, question: &Question) -> DomainName {
        self.flow.sake(question).unwrap_or(&question.name).clone()
    }

    fn answered(&mut self, question: &Question, dns: &Observations) {
        self.flow.answered(question, dns, &mut self.judge);
    }

    fn replied(&mut self, question: &Question, reply: Reply, resolvers: &[Vantage]) {
        self.flow.replied(question, (reply, resolvers), &mut self.judge);
    }

    fn pause(&mut self) {
        self.judge.told.tell_what_waits();
    }
}

/// What domains are judged by, and who hears of it.
pub(super) struct Judge<'a, 'r> {
    /// The host.
    pub host: &'a Host<'a>,
    /// Its domains, and what it signs their mail with.
    pub domains: &'a MailDomains,
    /// What a move changed.
    pub changes: &'a [Change],
    /// Which address became which by it.
    pub became: &'a BTreeMap<IpAddr, IpAddr>,
    /// Whether anybody is asked: else nothing is judged.
    pub is_asked: bool,
    /// The rules.
    pub rules: DomainRules,
    /// Who hears of it.
    pub told: &'r mut Told<'a>,
    /// The resolvers that were given up.
    pub given_up: &'r GivenUp,
    /// How far the run has come.
    pub progress: &'r Domains,
}

impl Judge<'_, '_> {
    fn findings(&self, seen: &Observed<'_>) -> Vec<Finding> {
        let handled = &self.domains.domains;
        let context = DomainContext { host: self.host, seen, handled, changes: self.changes, became: self.became };
        match self.is_asked {
            true => self.rules.judge(&context),
            false => Vec::new(),
        }
    }
}

impl<'a> Looker<'a> for Judge<'a, '_> {
    /// Who serves its zone has to be known of a domain alone whose zone somebody is told to change.
    fn look(&mut self, domain: &'a MailDomain, answers: &Answers, with_zone: bool) -> Look {
        let signing = self.domains.signing(&domain.name);
        let mut seen = match observe(self.host, domain, signing, answers, with_zone) {
            Step::Needs(questions) => return Err((questions, with_zone)),
            Step::Done(seen) => seen,
        };
        let mut findings = self.findings(&seen);
        let for_zone = |finding: &Finding| {
            let wants_change = finding.fix.as_ref().is_some_and(|fix| fix.who == Who::DnsZone);
            wants_change && report::is_about(&finding.subject, &domain.name)
        };
        if !with_zone && findings.iter().any(for_zone) {
            seen.add_zone(self.host, answers).map_err(|questions| (questions, true))?;
            findings = self.findings(&seen);
        }
        let mut kept =
            self.domains.kept_zone(&domain.name).map(|(zone, keeper)| KeptZone { zone, keeper, served: None });
        if let Some(KeptZone { zone, keeper: ZoneKeeper::Bind(_), served }) = &mut kept
            && seen.zone == ZoneServers::Here
        {
            let question = Question::new(zone, RecordType::Soa);
            let Some(lookup) = answers.lookup(&question) else { return Err((vec![question], true)) };
            *served = lookup.found().iter().find_map(|data| match data {
                RecordData::Soa { serial, .. } => Some(*serial),
                _ => None,
            });
        }
        self.told.add(report::view(&seen, &findings, kept), !self.given_up.is_empty());
        self.progress.done();
        Ok(())
    }
}
