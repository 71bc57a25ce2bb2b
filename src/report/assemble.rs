//! From facts, observations and findings to the report: what every format shows is worked out here, once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::addr::Family;
use crate::domains;
use crate::facts::{Fact, Facts, Helo, OutboundPath, SenderDomains, Setting};
use crate::findings::{Because, Finding, Fix, Known, Meta, Need, Place, Severity, Suppressed, Verdict};
use crate::identity::{Introduction, introduction};
use crate::name::DomainName;
use crate::observe::iprev::Iprev;
use crate::observe::zones;
use crate::observe::{Lookup, Observations, Outcome, Question, VantageKind, Why};
use crate::remedy::{Plan, Step};
use crate::report::model::*;
use crate::report::{Port25View, QuotedLine, log, servers};
use crate::source::Span;

/// Questions beyond which the answers are not listed one by one: nobody reads on.
const REPLIES_LIMIT: usize = 5000;

/// Findings up to which each is given the commands of the step that settles it.
const REPEATED: usize = 8;

impl Report {
    /// The report of one run, without a first step and without what caches still say. `rules` are all that were selected,
    /// `not_checked` those of them that did not run: since they need the DNS and nothing was asked, or since the time was up.
    pub fn new(
        facts: &Facts,
        dns: &Observations,
        findings: Vec<Finding>,
        rules: impl IntoIterator<Item = &'static Meta>,
        not_checked: &[&'static Meta],
    ) -> Report {
        let mut findings: Vec<FindingView> = findings.into_iter().map(finding_view).collect();
        findings.sort_by(|a, b| (a.code, &a.subject).cmp(&(b.code, &b.subject)));
        let open: HashSet<&str> = findings.iter().flat_map(|finding| &finding.open).map(String::as_str).collect();
        let unanswered = |question: &Question| dns.truth(question).lookup.open().is_some();
        let awaited = !open.is_empty()
            && dns.replies.keys().any(|question| open.contains(question.to_string().as_str()) && unanswered(question));
        let why = |meta: &Meta| match dns.offline && meta.needs(Need::Dns) {
            true => NotChecked::NOT_ASKED,
            false => NotChecked::NO_TIME,
        };
        Report {
            schema: SCHEMA,
            tool: Tool::this(),
            host: host_view(facts),
            mta: MtaView {
                outgoing: outgoing(facts),
                configured: facts.mtas.configured.clone(),
                live: facts.mtas.live.clone(),
                how: facts.mtas.how.clone(),
                unseen: facts.mtas.unseen.iter().map(ToString::to_string).collect(),
            },
            paths: facts.paths.iter().map(|path| path_view(path, dns)).collect(),
            taken: dns.taken.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            summary: summary(&findings),
            findings,
            suppressed: Vec::new(),
            no_longer_found: Vec::new(),
            first_step: None,
            plan: None,
            log: log::view(facts),
            not_checked: not_checked
                .iter()
                .map(|meta| NotChecked { code: meta.code, name: meta.name, why: why(meta).to_owned() })
                .collect(),
            planned: dns.replies.values().flatten().any(|reply| {
                dns.vantages.get(reply.vantage).is_some_and(|vantage| vantage.kind == VantageKind::Overlay)
            }),
            dns: DnsView { awaited, ..dns_view(dns) },
            port25: facts.port25.as_deref().map(Port25View::new),
            mail_domains: domains::count_beside_own(facts),
            rules: rules.into_iter().collect(),
        }
    }
}

impl Report {
    /// Adds the findings that do not count, and those of the baseline that are there no longer.
    pub fn set_apart(&mut self, suppressed: Vec<Suppressed>, gone: Vec<Known>) {
        self.suppressed = suppressed.into_iter().map(suppressed_view).collect();
        self.no_longer_found = gone;
    }

    /// Adds what is to be done. A finding that a step of the plan settles is mended by that step, whatever its rule advises.
    pub fn set_plan(&mut self, plan: Plan) {
        self.first_step = plan.headline();
        let mut steps: HashMap<(&str, &str), &Step> = HashMap::new();
        for step in plan.steps.iter().rev() {
            steps.extend(step.settles.iter().map(|settled| ((&*settled.code, &*settled.subject), step)));
        }
        for finding in &mut self.findings {
            let Some(step) = steps.get(&(finding.code, &*finding.subject)) else { continue };
            let commands = if step.settles.len() <= REPEATED { step.commands.clone() } else { Vec::new() };
            let text = format!("Step {} of the plan: {}", step.number, step.text);
            finding.fix = Some(Fix { who: step.who, text, commands });
        }
        self.plan = Some(plan);
    }
}

fn suppressed_view(suppressed: Suppressed) -> SuppressedView {
    let finding = finding_view(suppressed.finding);
    match suppressed.by {
        Because::Ignored(ignore) => SuppressedView {
            finding,
            suppressed_by: SuppressedBy::Settings,
            reason: ignore.reason,
            expires: ignore.expires.map(|day| day.to_string()),
            suppressed_at: OriginView::from(&ignore.origin),
        },
        Because::Known(baseline) => SuppressedView {
            finding,
            suppressed_by: SuppressedBy::Baseline,
            reason: format!("known since {}", baseline.taken),
            expires: None,
            suppressed_at: OriginView::Option { option: "--baseline".to_owned() },
        },
    }
}

fn summary(findings: &[FindingView]) -> Summary {
    let failed = |severity| findings.iter().filter(|f| f.failed() && f.severity == severity).count();
    Summary {
        error: failed(Severity::Error),
        warning: failed(Severity::Warning),
        info: failed(Severity::Info),
        undetermined: findings.iter().filter(|f| f.verdict == Verdict::Undetermined).count(),
    }
}

/// The host as reports and snapshots show it.
pub(crate) fn host_view(facts: &Facts) -> HostView {
    let host = &facts.host;
    let mut configured_names = Vec::new();
    let mut add = |setting: &str, fact: Option<&Fact<String>>| {
        if let Some(fact) = fact.filter(|fact| !fact.value.is_empty()) {
            let name = ConfiguredName {
                name: fact.value.clone(),
                setting: setting.to_owned(),
                origin: OriginView::from(&fact.origin),
            };
            if !configured_names.contains(&name) {
                configured_names.push(name);
            }
        }
    };
    add("/etc/hostname", host.etc_hostname.as_ref());
    add("/etc/mailname", host.mailname.as_ref());
    for postfix in &facts.postfix {
        add("myhostname", postfix.parameters.get("myhostname").and_then(Setting::fact).as_ref());
    }
    for exim in &facts.exim {
        add("primary_hostname", exim.main.get("primary_hostname").and_then(Setting::fact).as_ref());
    }
    add("wwwacct.conf HOST", facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.as_ref()));
    HostView {
        node_name: host.node_name.as_ref().map(|name| name.value.clone()),
        fqdn: match &host.fqdn {
            crate::facts::HostFqdn::Name(name) => Some(name.value.clone()),
            _ => None,
        },
        configured_names,
        addresses: host.addresses.clone(),
    }
}

fn path_view(path: &OutboundPath, dns: &Observations) -> PathView {
    let sending = path.sending.as_ref().map(|fact| fact.value);
    let found = sending.map(|addr| dns.ptr(addr));
    let ptr: Option<Vec<DomainName>> = match found {
        Some(Lookup::Found(names)) => Some(names),
        Some(Lookup::NoData | Lookup::NxDomain) => Some(Vec::new()),
        Some(Lookup::Unanswered(_)) | None => None,
    };
    let (helo, helo_origin) = helo(path, dns);
    let helo_addresses = helo
        .as_deref()
        .filter(|name| !name.starts_with('['))
        .and_then(|name| known(dns.addresses(&DomainName::new(name), path.family)));
    let (sender_domains, sender_selection) = match &path.sender_domains {
        SenderDomains::Any => (None, SenderSelection::Any),
        SenderDomains::Undecided => (None, SenderSelection::Undecided),
        SenderDomains::Only { domains, others } => (
            Some(domains.iter().map(DomainName::shared).collect()),
            if *others { SenderSelection::ListedAndOthers } else { SenderSelection::Listed },
        ),
    };
    PathView {
        id: path.id.clone(),
        mta: path.mta,
        services: path.services.clone(),
        family: path.family,
        source: path.source.as_ref().map(|fact| fact.value),
        source_origin: path
            .source
            .as_ref()
            .map(|fact| &fact.origin)
            .or(path.source_undecided.as_ref().map(|open| &open.origin))
            .map(OriginView::from),
        sending,
        helo,
        helo_origin,
        sender_domains,
        sender_selection,
        relayed: path.relayed.as_ref().map(|hop| hop.value.clone()),
        unused: path.unused,
        forward: ptr.iter().flatten().map(|name| forward(name, path.family, dns)).collect(),
        ptr: ptr.map(|names| sorted(names.iter().map(DomainName::to_string).collect())),
        iprev: sending.and_then(|addr| iprev(dns, addr)),
        helo_addresses,
        receivers: Arc::default(),
    }
}

/// What becomes of mail for elsewhere.
fn outgoing(facts: &Facts) -> Outgoing {
    let sends = facts.paths.iter().any(|path| !path.unused && !path.handed_over);
    let told = !facts.postfix.is_empty() || !facts.exim.is_empty();
    let nothing =
        facts.postfix.iter().all(|postfix| postfix.sends_nothing) && facts.exim.iter().all(|exim| exim.sends_nothing);
    match (sends, facts.handed_over.is_empty()) {
        (true, _) => Outgoing::Sent,
        (false, false) => Outgoing::HandedOver,
        (false, true) if told && nothing => Outgoing::Nothing,
        (false, true) => Outgoing::Sent,
    }
}

/// The iprev result; none where the PTR question never went out.
fn iprev(dns: &Observations, addr: std::net::IpAddr) -> Option<Iprev> {
    match dns.ptr(addr) {
        Lookup::Unanswered(Why::NotAsked) => None,
        _ => Some(dns.iprev(addr)),
    }
}

fn forward(name: &DomainName, family: Family, dns: &Observations) -> Forward {
    Forward { name: name.to_string(), addresses: known(dns.addresses(name, family)) }
}

fn known<T: Ord>(lookup: Lookup<T>) -> Option<Vec<T>> {
    match lookup {
        Lookup::Found(values) => Some(sorted(values)),
        Lookup::NoData | Lookup::NxDomain => Some(Vec::new()),
        Lookup::Unanswered(_) => None,
    }
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

/// The HELO name as it goes out, and where it comes from. One that follows the PTR record is known once that is.
fn helo(path: &OutboundPath, dns: &Observations) -> (Option<Arc<str>>, Option<OriginView>) {
    let name = match introduction(path, |addr| dns.own_ptr_names(addr)) {
        Introduction::Name(name) => Some(name.value.shared()),
        Introduction::None | Introduction::Undecided | Introduction::Open(_) => None,
    };
    let origin = match &path.helo {
        Helo::None => None,
        Helo::Known(name) => Some(&name.origin),
        Helo::FollowsPtr { origin, .. } => Some(origin),
        Helo::Undecided(open) => Some(&open.origin),
    };
    (name, origin.map(OriginView::from))
}

/// A finding as reports show it. There may be a hundred thousand: its texts are taken over, not copied.
pub(super) fn finding_view(finding: Finding) -> FindingView {
    let Finding { meta, severity, verdict, subject, mut message, places, evidence, fix, paths, open } = finding;
    // In the sentence itself, so that every format says it.
    if evidence.iter().any(|item| item.planned) {
        message += " (by planned records)";
    }
    FindingView {
        code: meta.code,
        name: meta.name,
        severity,
        verdict,
        subject,
        message,
        origins: places.into_iter().map(place_view).collect(),
        evidence,
        fix,
        paths,
        open,
    }
}

fn place_view(place: Place) -> PlaceView {
    PlaceView {
        origin: OriginView::from(&place.origin),
        end_column: place.origin.span().map(Span::end_column),
        label: place.label,
        // Places of a snapshot come without their lines where those may hold a key.
        quoted: place.origin.span().and_then(QuotedLine::of),
    }
}

/// Every answer, in the order of questions and servers.
fn every_reply(dns: &Observations) -> Vec<ReplyView> {
    let mut all = Vec::new();
    for question in dns.replies.keys() {
        let text = question.to_string();
        for (vantage, outcome) in dns.replies(question) {
            let (answer, ttl, rtt_micros) = match outcome {
                Outcome::Unanswered(why) => (why.to_string(), None, 0),
                Outcome::Answer(answer) => {
                    let records = answer.texts();
                    let words = match (answer.nxdomain, records.is_empty()) {
                        (true, true) => "NXDOMAIN".to_owned(),
                        (true, false) => format!("NXDOMAIN behind {records}"),
                        (false, true) => "NODATA".to_owned(),
                        (false, false) => records,
                    };
                    let ttl = answer.records.iter().map(|record| record.ttl).min().or(answer.negative_ttl);
                    (words, ttl, answer.rtt_micros)
                }
            };
            all.push(ReplyView { question: text.clone(), from: vantage.name.clone(), answer, ttl, rtt_micros });
        }
    }
    all
}

fn dns_view(dns: &Observations) -> DnsView {
    let answered = |question: &&Question| !matches!(dns.truth(question).lookup, Lookup::Unanswered(_));
    // Who serves the zones was asked on the way.
    let on_the_way: HashSet<Question> = dns.zones.iter().map(zones::Zone::question).collect();
    let questions: Vec<&Question> = dns.replies.keys().filter(|question| !on_the_way.contains(question)).collect();
    let mut counts = vec![(0, 0); dns.vantages.len()];
    for reply in dns.replies.values().flatten() {
        if let Some((asked, answers)) = counts.get_mut(reply.vantage) {
            *asked += 1;
            let told = matches!(reply.outcome, Outcome::Answer(_) | Outcome::Unanswered(Why::Delegates(_)));
            *answers += usize::from(told);
        }
    }
    let mut all: Vec<_> = dns.vantages.iter().zip(counts).collect();
    all.sort_by(|(a, _), (b, _)| (rank(a.kind), &a.name, a.server).cmp(&(rank(b.kind), &b.name, b.server)));
    DnsView {
        vantage: all
            .into_iter()
            .map(|(vantage, (asked, answered))| VantageView {
                name: vantage.name.clone(),
                server: vantage.server.map(|server| server.to_string()),
                kind: vantage.kind,
                answered,
                asked,
            })
            .collect(),
        questions: questions.len(),
        answered: questions.into_iter().filter(answered).count(),
        offline: dns.offline,
        stale: None,
        zones: dns.zones.iter().map(|zone| servers::view(dns, zone)).collect(),
        notes: servers::notes(dns),
        awaited: false,
        replies: if dns.replies.len() <= REPLIES_LIMIT { every_reply(dns) } else { Vec::new() },
    }
}

/// The order of vantage points in reports: the nearest to this host first.
fn rank(kind: VantageKind) -> u8 {
    match kind {
        VantageKind::Overlay => 0,
        VantageKind::System => 1,
        VantageKind::Public => 2,
        VantageKind::Authoritative => 3,
    }
}
