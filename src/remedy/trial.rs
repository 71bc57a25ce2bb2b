//! What a trial came to: the host, its answers, its findings, and how bad they are.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::Family;
use crate::facts::{Facts, Mta, OutboundPath, SenderDomains};
use crate::findings::{Finding, Severity, Verdict};
use crate::name::DomainName;
use crate::observe::Observations;
use crate::receivers;

/// Rules whose errors keep mail from leaving.
const BLOCKING: [&str; 9] = ["CFG001", "CFG004", "CFG017", "CFG018", "CPL001", "CPL009", "NET001", "NET007", "NET008"];
/// The one of them that keeps a whole MTA from starting.
const WHOLE: &str = "CFG001";
/// Families of rules that judge whether mail gets to a next hop at all.
const OF_HOPS: [&str; 4] = ["CFG", "NET", "SMT", "TLS"];

/// How bad things stand: the better, the smaller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// Errors for which mail does not leave at all; what a whole MTA refuses counts for more than all others. What they hide cannot be judged
    /// before they are gone.
    pub blocked: usize,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Pairs of a path and a receiver that refuses it.
    pub refusing: usize,
}

/// What a trial came to.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The facts.
    pub facts: Facts,
    /// The answers.
    pub dns: Observations,
    /// Errors and warnings, without words and evidence.
    pub findings: Vec<Finding>,
    /// How bad they are.
    pub score: Score,
    /// Pairs of a finding and a path that it concerns.
    pub(super) concerned: usize,
    /// Which services send by which family.
    pub ways: BTreeSet<(Arc<str>, Family)>,
    /// Those of them of which nothing is wrong.
    right: BTreeSet<(Arc<str>, Family)>,
    /// The next hops elsewhere that mail leaves through, of which nothing is wrong.
    pub(super) hops: BTreeSet<String>,
    pub(super) keys: BTreeSet<Key>,
    pub(super) errors: BTreeSet<Key>,
}

/// A finding's code and subject.
pub(crate) type Key = (&'static str, String);

impl Trial {
    /// Of a host with these findings, none of which is only worth knowing.
    pub(super) fn new(facts: Facts, dns: Observations, findings: Vec<Finding>) -> Trial {
        let count = |severity: Severity| findings.iter().filter(|f| f.severity == severity).count();
        let used = || facts.paths.iter().filter(|path| !path.unused);
        let refusing = used().map(|path| receivers::refusing(path, &dns)).sum();
        let blocks = |finding: &&Finding| {
            finding.severity == Severity::Error
                && finding.verdict == Verdict::Fail
                && BLOCKING.contains(&finding.meta.code)
        };
        let weight = |finding: &Finding| if finding.meta.code == WHOLE { 1000 } else { 1 };
        let blocked = findings.iter().filter(blocks).map(weight).sum();
        let score = Score { blocked, errors: count(Severity::Error), warnings: count(Severity::Warning), refusing };
        let concerned = findings.iter().map(|finding| finding.paths.len()).sum();
        let of = |path: &OutboundPath| {
            let family = path.family;
            path.services.iter().map(move |service| (Arc::clone(service), family)).collect::<Vec<_>>()
        };
        let ways = used().flat_map(of).collect();
        let faulty: HashSet<&str> = findings.iter().flat_map(|finding| &finding.paths).map(String::as_str).collect();
        let right = used().filter(|path| !faulty.contains(path.id.as_str())).flat_map(of).collect();
        let hops = good_hops(used(), &findings);
        let key = |finding: &Finding| (finding.meta.code, finding.subject.clone());
        let keys = findings.iter().map(key).collect();
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).map(key).collect();
        Trial { facts, dns, findings, score, concerned, ways, right, hops, keys, errors }
    }

    /// Whether all that worked before works here: each service by each family, and each next hop.
    pub(super) fn keeps(&self, before: &Trial) -> bool {
        before.ways.is_subset(&self.ways) && before.hops.is_subset(&self.hops)
    }

    /// Whether mail leaves here by every way that was right before: a service by a family, of which nothing was wrong.
    pub(super) fn keeps_right(&self, before: &Trial) -> bool {
        before.right.is_subset(&self.ways)
    }

    /// The errors and warnings by code and subject.
    pub(crate) fn keys(&self) -> &BTreeSet<Key> {
        &self.keys
    }

    /// The errors by code and subject.
    pub(crate) fn errors(&self) -> &BTreeSet<Key> {
        &self.errors
    }
}

/// The next hops elsewhere of some paths, those apart of which something is found, and those of which every path has something found.
fn good_hops<'p>(paths: impl Iterator<Item = &'p OutboundPath>, findings: &[Finding]) -> BTreeSet<String> {
    let about: Vec<&Finding> = findings.iter().filter(|finding| OF_HOPS.contains(&finding.meta.family())).collect();
    let faulty: HashSet<&str> = about.iter().flat_map(|finding| &finding.paths).map(String::as_str).collect();
    let relayed = paths.filter(|path| !faulty.contains(path.id.as_str())).filter_map(|path| path.relayed.as_ref());
    let mut hops: BTreeSet<String> = relayed.map(|hop| hop.value.clone()).collect();
    hops.retain(|hop| !about.iter().any(|finding| finding.subject.contains(hop.as_str())));
    hops
}

/// What tells a path from others, whatever its HELO name becomes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PathKey {
    mta: Option<&'static str>,
    service: Option<Arc<str>>,
    family: Family,
    source: Option<IpAddr>,
    domain: Option<DomainName>,
}

impl PathKey {
    /// Of a path.
    pub(super) fn of(path: &OutboundPath) -> PathKey {
        PathKey {
            mta: path.mta.map(Mta::id),
            service: path.services.first().cloned(),
            family: path.family,
            source: path.source.as_ref().map(|fact| fact.value),
            domain: match &path.sender_domains {
                SenderDomains::Only { domains, .. } => domains.first().cloned(),
                _ => None,
            },
        }
    }
}

/// What a trial of a host comes to, in units of work: about a hundredth of what a host of one path takes. What it reads anew comes to that.
pub(super) fn work_of(facts: &Facts, dns: &Observations) -> usize {
    50 + 20 * (facts.paths.len() + facts.bind_faults.len())
        + 4 * dns.replies.len()
        + entries(facts) / 50
        + held(facts) / 50
}

/// What facts hold beside paths and entries of maps, and what is copied and judged in each trial: settings, services, drivers, lines of the hosts
/// file, what is wrong with files. Ordinary hosts have a few hundred, a file that means harm has a hundred thousand.
pub(super) fn held(facts: &Facts) -> usize {
    let postfix = facts.postfix.iter().map(|postfix| {
        let settings: usize = postfix.services.iter().map(|service| 1 + service.overrides.len()).sum();
        let wrong = [postfix.missing_services.len(), postfix.outdated_tables.len(), postfix.idle_settings.len()];
        settings + postfix.parameters.len() + wrong.into_iter().sum::<usize>()
    });
    let drivers = facts.exim.iter().flat_map(|exim| exim.transports.iter().chain(exim.routers.iter()));
    let exim = facts.exim.iter().map(|exim| exim.main.len()).chain(drivers.map(|driver| 1 + driver.options.len()));
    let cpanel = facts.cpanel.iter().map(|cpanel| {
        let lists = [&cpanel.localdomains, &cpanel.remotedomains, &cpanel.secondarymx].map(Vec::len);
        cpanel.nat.len() + cpanel.reverse.len() + cpanel.userips.len() + lists.into_iter().sum::<usize>()
    });
    let problems = facts.problems.iter().map(|problem| 1 + problem.related.len());
    let senders = facts.senders.iter().map(Vec::len);
    let host = [facts.host.hosts.len(), facts.nat.0.len()];
    postfix.chain(exim).chain(cpanel).chain(problems).chain(senders).chain(host).sum()
}

/// Entries of maps, and sender domains of paths.
pub(super) fn entries(facts: &Facts) -> usize {
    let cpanel =
        facts.cpanel.iter().map(|cpanel| cpanel.mailips.len() + cpanel.mailhelo.len() + cpanel.userdomains.len());
    let domains = facts.paths.iter().map(|path| match &path.sender_domains {
        SenderDomains::Only { domains, .. } => domains.len(),
        _ => 0,
    });
    let panels = facts.panel_maps.iter().flatten().map(|map| map.entries.len());
    cpanel.chain(domains).chain(panels).sum()
}
