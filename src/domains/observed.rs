//! One domain: which questions it takes, and what the answers come to.

use std::collections::{HashMap, HashSet};

use super::alignment::{Alignment, alignments};
use super::exchangers::{exchangers, leads};
use super::old::{Led, OldRecord, old_records};
use super::senders::{HeloEvaluations, SenderCheck, sender_checks};
use super::{Answers, Exchanger, Leads, MailDomain, Signing, SigningKey};
use crate::addr::Family;
use crate::dkim::{self, Comparison};
use crate::dmarc::{self, Discovery, FormerReading};
use crate::facts::{Facts, NextHop, OutboundPath, Sender, SenderDomains};
use crate::identity::OwnAddresses;
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordData, RecordType, Why, plan};

/// Name servers of a zone that are looked at.
const ZONE_SERVERS: usize = 8;

/// The host whose domains are looked at.
pub struct Host<'a> {
    /// What it says about itself.
    pub facts: &'a Facts,
    /// Its addresses.
    pub own: OwnAddresses<'a>,
    /// Sender domains that some path names.
    listed: HashSet<&'a DomainName>,
    /// Those that no path names though an MTA does: what takes their mail can send nothing.
    blocked: HashMap<&'a DomainName, &'a Sender>,
    /// What takes the mail of domains that nothing names.
    of_others: Option<&'a Sender>,
    /// The accounts of cPanel that domains belong to.
    accounts: HashMap<&'a str, &'a str>,
    /// SPF of the HELO names that its paths use.
    helo: HeloEvaluations,
}

impl<'a> Host<'a> {
    /// The host of these facts.
    pub fn new(facts: &'a Facts) -> Host<'a> {
        let lists = facts.paths.iter().filter_map(|path| match &path.sender_domains {
            SenderDomains::Only { domains, .. } => Some(domains),
            _ => None,
        });
        let listed: HashSet<&DomainName> = lists.flatten().collect();
        let mut blocked = HashMap::new();
        for sender in senders(facts) {
            let SenderDomains::Only { domains, .. } = &sender.sender_domains else { continue };
            for domain in domains.iter().filter(|domain| !listed.contains(domain)) {
                blocked.entry(domain).or_insert(sender);
            }
        }
        let takes_others = |sender: &&Sender| match &sender.sender_domains {
            SenderDomains::Any | SenderDomains::Undecided => true,
            SenderDomains::Only { others, .. } => *others,
        };
        let of_others = senders(facts).find(takes_others);
        let entries = facts.cpanel.iter().flat_map(|cpanel| &cpanel.userdomains);
        let accounts = entries.map(|entry| (&*entry.key, &*entry.value)).collect();
        let (own, helo) = (OwnAddresses::new(facts), HeloEvaluations::default());
        Host { facts, own, listed, blocked, of_others, accounts, helo }
    }

    /// The account of cPanel that a domain belongs to.
    pub fn account(&self, domain: &DomainName) -> Option<&'a str> {
        self.accounts.get(domain.as_str()).copied()
    }

    /// The paths that mail from a domain takes, those that nothing uses apart.
    pub fn paths(&self, domain: &DomainName) -> Vec<&'a OutboundPath> {
        let takes = |path: &&OutboundPath| match &path.sender_domains {
            SenderDomains::Any | SenderDomains::Undecided => true,
            SenderDomains::Only { domains, others } => {
                let is_named = || self.listed.contains(domain) || self.blocked.contains_key(domain);
                domains.contains(domain) || (*others && !is_named())
            }
        };
        self.facts.paths.iter().filter(|path| !path.unused).filter(takes).collect()
    }

    /// What takes the mail of a domain that has no path, since it can send nothing.
    fn blocked(&self, domain: &DomainName) -> Option<&'a Sender> {
        let named = self.blocked.get(domain).copied();
        named.or(self.of_others).filter(|sender| sender.next_hop == NextHop::Direct)
    }
}

/// The senders of the MTAs that are judged, as far as their mail leaves this host by them.
fn senders(facts: &Facts) -> impl Iterator<Item = &Sender> {
    let leaves = |sender: &&Sender| {
        let is_path = matches!(sender.next_hop, NextHop::Direct | NextHop::Relay(_));
        is_path && !sender.unused && facts.mtas.live.contains(&sender.mta)
    };
    facts.senders.iter().flatten().filter(leaves)
}

/// What is known of a domain's DMARC policy.
#[derive(Debug, Clone)]
pub enum DmarcState {
    /// Found, or found to be absent; and what receivers by RFC 7489 read.
    Known(Box<Discovery>, Option<FormerReading>),
    /// A question that decides was not answered.
    Open(Question, Why),
}

/// Who serves the zone that a domain is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneServers {
    /// This host, among others perhaps.
    Here,
    /// These servers.
    Elsewhere(Vec<DomainName>),
    /// It could not be seen.
    Unknown,
}

/// A domain as it was found.
#[derive(Debug)]
pub struct Observed<'a> {
    /// The domain.
    pub domain: &'a MailDomain,
    /// The paths that its mail takes.
    pub paths: Vec<&'a OutboundPath>,
    /// What takes its mail where it has no path, since that can send nothing; receivers see a relay in its place otherwise.
    pub blocked: Option<&'a Sender>,
    /// Its exchangers, the best first.
    pub exchangers: Result<Vec<Exchanger>, Why>,
    /// Where its own address records lead.
    pub leads: Leads,
    /// Records that hold an address from before a move.
    pub old: Vec<OldRecord>,
    /// Whether the DNS says that there is no such name.
    pub is_absent: bool,
    /// SPF of the domain, for each address that its mail leaves from.
    pub spf: Vec<SenderCheck>,
    /// SPF of HELO names, for the same.
    pub helo: Vec<SenderCheck>,
    /// DMARC.
    pub dmarc: DmarcState,
    /// Keys that this host signs with, and what their selectors publish.
    pub dkim: Vec<(&'a SigningKey, Comparison)>,
    /// Whether files leave open that it signs with others.
    pub dkim_is_open: bool,
    /// What DMARC makes of its mail, for each address that it leaves from.
    pub alignment: Vec<Alignment>,
    /// The record of MTA-STS (RFC 8461), where there is one.
    pub mta_sts: Option<String>,
    /// The record of SMTP TLS reporting (RFC 8460), where there is one.
    pub tls_rpt: Option<String>,
    /// Who serves its zone; unknown where nobody asked ([`observe`]).
    pub zone: ZoneServers,
}

/// What [`observe`] comes to.
// There is one at a time.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Step<'a> {
    /// All is known that can be.
    Done(Observed<'a>),
    /// These questions have to be asked first; never empty.
    Needs(Vec<Question>),
}

/// Looks at one domain with the answers that there are. `with_zone`: who serves its zone is asked too.
pub fn observe<'a>(
    host: &Host<'a>,
    domain: &'a MailDomain,
    signing: Signing<'a>,
    answers: &Answers,
    with_zone: bool,
) -> Step<'a> {
    let name = &domain.name;
    let paths = host.paths(name);
    // In three steps, each with all answers to the one before, so that nothing is worked out from a part of them and then once more.
    // Where all is known of the name itself, the names below it have been asked for with it, or are by what reads their answers.
    let is_open = |question: &Question| !answers.has(question);
    let mut needs: Vec<Question> = OWN.into_iter().map(|rtype| Question::new(name, rtype)).filter(is_open).collect();
    if !needs.is_empty() {
        needs.extend(questions_below(name, signing).filter(is_open));
        return Step::Needs(needs);
    }
    let exchangers = exchangers(name, &host.own, answers, &mut needs);
    let leads = leads(name, &host.own, answers, &mut needs);
    if !needs.is_empty() {
        return Step::Needs(needs);
    }
    let led = (!host.facts.old_addresses.is_empty()).then(Led::default);
    let (spf, helo) = sender_checks(&paths, name, (answers, &host.helo), led.as_ref(), &mut needs);
    let dmarc = dmarc_state(name, answers, &mut needs);
    let is_absent = is_absent(name, answers);
    let mut txt = |owner: DomainName| {
        let question = Question::new(&owner, RecordType::Txt);
        match answers.lookup(&question) {
            Some(lookup) => Some(lookup),
            None => {
                needs.push(question);
                None
            }
        }
    };
    let dkim = signing.keys.iter().filter_map(|key| {
        let answer = txt(key.record_name())?;
        let compared = match &key.key {
            Ok(public) => dkim::compare(&answer, public),
            // Whether it is published can be seen all the same.
            Err(_) if answer.is_missing() => Comparison::Missing,
            Err(_) => Comparison::Unanswered(Why::NotAsked),
        };
        Some((key, compared))
    });
    let dkim: Vec<_> = dkim.collect();
    let mta_sts = txt(mta_sts_name(name)).and_then(|lookup| beginning(&lookup, "v=STSv1"));
    let tls_rpt = txt(tls_rpt_name(name)).and_then(|lookup| beginning(&lookup, "v=TLSRPTv1"));
    let alignment = alignments(name, &dmarc, &spf, (&dkim, signing.is_open), answers, &mut needs);
    let zone = if with_zone { zone_servers(name, host, answers, &mut needs) } else { ZoneServers::Unknown };
    let old = led.filter(|_| needs.is_empty()).map_or_else(Vec::new, |led| {
        let (exchangers, addresses) = (exchangers.as_deref().unwrap_or_default(), &host.facts.old_addresses);
        old_records(addresses, name, (exchangers, &helo), led.into_inner(), answers, &mut needs)
    });
    // What is asked for each address is mostly the same.
    needs.sort_unstable();
    needs.dedup();
    if !needs.is_empty() {
        return Step::Needs(needs);
    }
    let dkim_is_open = signing.is_open;
    Step::Done(Observed {
        domain,
        blocked: if paths.is_empty() { host.blocked(name) } else { None },
        paths,
        exchangers,
        leads,
        old,
        is_absent,
        spf,
        helo,
        dmarc,
        dkim,
        dkim_is_open,
        alignment,
        mta_sts,
        tls_rpt,
        zone,
    })
}

/// What is asked of every domain, whatever the answers are: of its own name.
const OWN: [RecordType; 4] = [RecordType::Txt, RecordType::Mx, RecordType::A, RecordType::Aaaa];

/// The same of names below it.
fn questions_below<'q>(name: &'q DomainName, signing: Signing<'q>) -> impl Iterator<Item = Question> + use<'q> {
    let policies = [dmarc::record_name(name)].into_iter().filter(plan::is_representable);
    let texts = policies.chain([mta_sts_name(name), tls_rpt_name(name)]);
    let keys = signing.keys.iter().map(SigningKey::record_name);
    texts.chain(keys).map(|owner| Question { name: owner, rtype: RecordType::Txt })
}

/// Where the record of MTA-STS is (RFC 8461 section 3.1).
fn mta_sts_name(domain: &DomainName) -> DomainName {
    DomainName::new(&format!("_mta-sts.{}", domain.as_str()))
}

/// Where the record of SMTP TLS reporting is (RFC 8460 section 3).
fn tls_rpt_name(domain: &DomainName) -> DomainName {
    DomainName::new(&format!("_smtp._tls.{}", domain.as_str()))
}

impl Observed<'_> {
    /// Adds who serves the domain's zone.
    ///
    /// # Errors
    /// The questions that have to be asked first.
    pub fn add_zone(&mut self, host: &Host<'_>, answers: &Answers) -> Result<(), Vec<Question>> {
        let mut needs = Vec::new();
        self.zone = zone_servers(&self.domain.name, host, answers, &mut needs);
        if needs.is_empty() { Ok(()) } else { Err(needs) }
    }
}

/// Whether there is no such name: neither records nor an alias.
fn is_absent(name: &DomainName, answers: &Answers) -> bool {
    let known = |family| answers.get(&Question::new(name, RecordType::address(family)));
    Family::BOTH.into_iter().filter_map(known).any(|known| {
        // The name that does not exist may be the one that an alias leads to.
        known.lookup == Lookup::NxDomain && known.alias.is_none()
    })
}

/// The record that begins so, where there is one.
fn beginning(lookup: &Lookup<RecordData>, begins: &str) -> Option<String> {
    lookup.found().iter().find_map(|data| match data {
        RecordData::Txt(text) if text.starts_with(begins) => Some(text.clone()),
        _ => None,
    })
}

fn dmarc_state(domain: &DomainName, answers: &Answers, needs: &mut Vec<Question>) -> DmarcState {
    let lookup = |question: &Question| answers.lookup(question);
    let discovery = match dmarc::discover(domain, &lookup) {
        dmarc::Outcome::Done(discovery) => discovery,
        dmarc::Outcome::Open(question, why) => return DmarcState::Open(question, why),
        dmarc::Outcome::Needs(questions) => {
            let first = questions.first().cloned();
            needs.extend(questions);
            let question = first.unwrap_or_else(|| Question::new(domain, RecordType::Txt));
            return DmarcState::Open(question, Why::NotAsked);
        }
    };
    let former = match dmarc::read_as_former(domain, &lookup) {
        dmarc::Outcome::Done(former) => Some(former),
        dmarc::Outcome::Open(..) => None,
        dmarc::Outcome::Needs(questions) => {
            needs.extend(questions);
            None
        }
    };
    DmarcState::Known(Box::new(discovery), former)
}

/// Who serves the zone of a domain: the name servers of its registrable domain.
fn zone_servers(name: &DomainName, host: &Host<'_>, answers: &Answers, needs: &mut Vec<Question>) -> ZoneServers {
    let zone = name.registrable().unwrap_or_else(|| name.clone());
    let question = Question::new(&zone, RecordType::Ns);
    let Some(known) = answers.get(&question) else {
        needs.push(question);
        return ZoneServers::Unknown;
    };
    let mut servers: Vec<DomainName> =
        known.lookup.found().iter().filter_map(|data| data.name_server().cloned()).take(ZONE_SERVERS).collect();
    servers.sort();
    if servers.is_empty() {
        return ZoneServers::Unknown;
    }
    let here = servers
        .iter()
        .filter(|server| plan::is_askable(server))
        .any(|server| leads(server, &host.own, answers, needs) == Leads::Here);
    if here { ZoneServers::Here } else { ZoneServers::Elsewhere(servers) }
}
