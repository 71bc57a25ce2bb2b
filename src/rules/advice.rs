//! The smallest change: of all single edits of a HELO name, a PTR record, an address record or the host name, the one after which the most
//! receivers accept the most paths, and of equals the one after which the fewest findings are left. Each is tried by judging again with the
//! edit in place: rules are pure, so that costs no question and no file.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{Fact, Facts, Helo, HostFqdn, Origin, OutboundPath, SenderDomains, Setting};
use crate::findings::{Finding, FirstStep, Fix, Severity, Verdict, Who};
use crate::identity::generic::why_generic;
use crate::name::{DomainName, HeloName};
use crate::observe::{Observations, Question, RecordData, RecordType};
use crate::rules::names::{Introduction, introduction, judged_host_name};
use crate::rules::remedy::{address_record, better_source, ptr_record, rename_host, send_from, set_helo, wanted_helo};
use crate::rules::{self, Selection};

/// Paths of a host beyond which nothing is tried: judging is linear in them, and is done once for each edit.
const PATHS: usize = 200;
/// Edits that are tried.
const CANDIDATES: usize = 20;
/// The families that judge names and addresses against each other.
const FAMILIES: [&str; 4] = ["HST", "NET", "PTR", "HLO"];

/// Of the edits that settle two findings or more, the one that makes the most paths right for the most receivers; of equals the one that
/// leaves least, errors before warnings; then the one that is easier to make (source address, HELO name, address record, PTR record,
/// host name). `accepting` counts the pairs of a path and a receiver that accepts it: receivers stand above rules. `None` where no single
/// edit settles two findings without making some receiver refuse what it accepts, where nothing was asked of the DNS, or on hosts with
/// very many paths.
pub fn first_step(
    facts: &Facts,
    dns: &Observations,
    findings: &[Finding],
    accepting: impl Fn(&Facts, &Observations) -> usize,
) -> Option<FirstStep> {
    let before = Score::of(findings);
    if dns.offline || facts.paths.len() > PATHS || before.total() < 2 {
        return None;
    }
    let selection = Selection { select: FAMILIES.map(str::to_owned).to_vec(), ignore: Vec::new() };
    // What the user does not want to hear of, by rule or by subject, counts neither before nor after.
    let all = rules::judge(facts, dns, &selection).findings;
    let key = |finding: &Finding| (finding.meta.code, finding.subject.clone());
    let heard: BTreeSet<_> = findings.iter().map(key).collect();
    let unheard: BTreeSet<_> = all.iter().map(key).filter(|known| !heard.contains(known)).collect();
    let accepting_now = accepting(facts, dns);
    let mut best: Option<(Standing, Fix)> = None;
    for edit in candidates(facts, dns) {
        let (facts, dns) = edit.change.supposed(facts, dns);
        let after = rules::judge(&facts, &dns, &selection).findings;
        let after: Vec<Finding> = after.into_iter().filter(|finding| !unheard.contains(&key(finding))).collect();
        let left = Score::of(&after);
        if left >= before || left.total() + 2 > before.total() {
            continue;
        }
        let standing = Standing { accepting: Reverse(accepting(&facts, &dns)), left };
        let harms = standing.accepting.0 < accepting_now;
        if !harms && best.as_ref().is_none_or(|(known, _)| standing < *known) {
            best = Some((standing, edit.fix));
        }
    }
    let (after, fix) = best?;
    Some(FirstStep { settles: before.total() - after.left.total(), of: before.total(), fix })
}

/// How things stand after an edit: the better, the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    /// Pairs of a path and a receiver that accepts it.
    accepting: Reverse<usize>,
    left: Score,
}

/// How much is wrong, the worst first; what could not be seen counts as wrong, so that hiding it is no cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    errors: usize,
    warnings: usize,
}

impl Score {
    fn of(findings: &[Finding]) -> Score {
        let counted = |severity: Severity| {
            let of_names = findings.iter().filter(|f| FAMILIES.contains(&f.meta.family()) && f.severity == severity);
            // A family of questions without answer is no one's to settle.
            of_names.filter(|f| f.verdict == Verdict::Fail || !f.open.is_empty()).count()
        };
        Score { errors: counted(Severity::Error), warnings: counted(Severity::Warning) }
    }

    fn total(self) -> usize {
        self.errors + self.warnings
    }
}

/// An edit, and how to make it.
struct Edit {
    change: Change,
    fix: Fix,
}

/// What an edit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// The HELO name of the paths that have theirs from where this one (an index) has it.
    Helo(usize, DomainName),
    /// The address records of a name in the address' family.
    Forward(DomainName, IpAddr),
    /// The address that the paths send from for which the kernel chose this one.
    Source(IpAddr, IpAddr),
    /// The PTR record of an address.
    Ptr(IpAddr, DomainName),
    /// The host name, and what follows it.
    Host(DomainName),
}

/// The edits worth trying, each once, the easiest kind first.
fn candidates(facts: &Facts, dns: &Observations) -> Vec<Edit> {
    let host = judged_host_name(facts).map(|fact| fact.value);
    let mut kinds: [Vec<Edit>; 5] = Default::default();
    let [sources, helos, forwards, ptrs, hosts] = &mut kinds;
    let add = |list: &mut Vec<Edit>, change: Change, fix: Fix| {
        if list.len() < CANDIDATES && !list.iter().any(|known| known.change == change || known.fix == fix) {
            list.push(Edit { change, fix });
        }
    };
    for (at, path) in facts.paths.iter().enumerate() {
        let (Introduction::Name(helo), Some(sending)) = (introduction(path, dns), &path.sending) else { continue };
        let (name, addr) = (helo.value.domain(), sending.value);
        if let Some(other) = better_source(facts, dns, path, &name) {
            let fix = send_from(facts, path, other);
            if !fix.commands.is_empty() {
                add(sources, Change::Source(addr, other), fix);
            }
        }
        let sound = |name: &DomainName| {
            let host_name = name.is_qualified() && name.is_host_name() && !name.is_private();
            host_name && helo.value.literal().is_none() && why_generic(name, addr).is_none()
        };
        for wanted in wanted_helo(facts, dns, path).into_iter().chain(host.clone()) {
            if wanted != name {
                let fix = set_helo(facts, path, &helo, &wanted);
                // Where the name follows the host name, that is what changes.
                let renames = fix
                    .commands
                    .iter()
                    .any(|command| ["hostnamectl ", "whmapi1 "].iter().any(|way| command.starts_with(way)));
                if !fix.commands.is_empty() && !renames {
                    add(helos, Change::Helo(at, wanted.clone()), fix);
                }
            }
            if sound(&wanted) && host.as_ref() != Some(&wanted) {
                add(hosts, Change::Host(wanted.clone()), rename_host(facts, &wanted));
            }
        }
        for wanted in [Some(name), host.clone()].into_iter().flatten().filter(sound) {
            // Another machine's name is not taken away from it, unless mail goes by it or the PTR record names it.
            let found = dns.addresses(&wanted, path.family);
            let ours = wanted == helo.value.domain() || dns.ptr(addr).found().contains(&wanted);
            if !found.found().contains(&addr) && (ours || found.is_missing()) {
                let text = format!("Let `{wanted}` lead to the sending address {addr}.");
                let fix = Fix::new(Who::DnsZone, text).command(address_record(&wanted, addr));
                add(forwards, Change::Forward(wanted.clone(), addr), fix);
            }
            if !dns.ptr(addr).found().contains(&wanted) {
                let text = format!("Have the PTR record of {addr} name `{wanted}`.");
                let fix = Fix::new(Who::IpOwner, text).command(ptr_record(addr, &wanted));
                add(ptrs, Change::Ptr(addr, wanted), fix);
            }
        }
    }
    // Some of each kind, whatever there is of the others.
    let share = CANDIDATES / kinds.len();
    kinds.into_iter().flat_map(|kind| kind.into_iter().take(share)).collect()
}

impl Change {
    /// Facts and observations as they would be.
    fn supposed<'a>(&self, facts: &'a Facts, dns: &'a Observations) -> (Cow<'a, Facts>, Cow<'a, Observations>) {
        match self {
            Change::Helo(at, name) => (Cow::Owned(with_helo(facts, *at, name)), Cow::Borrowed(dns)),
            Change::Source(from, other) => (Cow::Owned(sending_from(facts, *from, *other)), Cow::Borrowed(dns)),
            Change::Host(name) => (Cow::Owned(renamed(facts, name)), Cow::Borrowed(dns)),
            Change::Forward(name, addr) => {
                let family = Family::of(*addr);
                let data = match addr {
                    IpAddr::V4(addr) => RecordData::A(*addr),
                    IpAddr::V6(addr) => RecordData::Aaaa(*addr),
                };
                let question = Question::new(name, RecordType::address(family));
                (Cow::Borrowed(facts), Cow::Owned(dns.supposing(&question, data)))
            }
            Change::Ptr(addr, name) => {
                let dns = dns.supposing(&Question::ptr(*addr), RecordData::Ptr(name.clone()));
                (Cow::Borrowed(facts), Cow::Owned(dns))
            }
        }
    }
}

/// With another HELO name: of the path alone where its sender domains choose it, else of all that have theirs from the same place.
fn with_helo(facts: &Facts, at: usize, name: &DomainName) -> Facts {
    let mut facts = facts.clone();
    let Some((origin, old)) = facts.paths.get(at).and_then(origin_of) else { return facts };
    let alone = facts.paths.get(at).is_some_and(|path| matches!(path.sender_domains, SenderDomains::Only { .. }));
    let new = Fact::new(HeloName::new(name.as_str()), origin.clone());
    for (index, path) in facts.paths.iter_mut().enumerate() {
        let same = !alone && origin_of(path).is_some_and(|(from, value)| from == origin && value == old);
        if index == at || same {
            path.helo = Helo::Known(new.clone());
        }
    }
    for postfix in &mut facts.postfix {
        rename_setting(postfix.parameters.get_mut("myhostname"), &origin, name);
    }
    for exim in &mut facts.exim {
        rename_setting(exim.main.get_mut("primary_hostname"), &origin, name);
    }
    facts
}

/// With paths sending from `other` that the kernel's choice made send from `from`.
fn sending_from(facts: &Facts, from: IpAddr, other: IpAddr) -> Facts {
    let mut facts = facts.clone();
    for path in &mut facts.paths {
        let follows = !path.bound && path.sending.as_ref().is_some_and(|sending| sending.value == from);
        if let (true, Some(sending)) = (follows, &mut path.sending) {
            sending.value = other;
            path.bound = true;
            if let Some(source) = &mut path.source {
                source.value = other;
            }
        }
    }
    facts
}

fn origin_of(path: &OutboundPath) -> Option<(Origin, HeloName)> {
    path.helo_name().map(|helo| (helo.origin.clone(), helo.value.clone()))
}

fn rename_setting(setting: Option<&mut Setting>, origin: &Origin, name: &DomainName) {
    if let Some(setting) = setting.filter(|setting| setting.origin == *origin) {
        setting.value = Some(name.to_string());
    }
}

/// With another host name, and all that follows it rather than a file.
fn renamed(facts: &Facts, name: &DomainName) -> Facts {
    let mut facts = facts.clone();
    let text = name.to_string();
    for fact in [&mut facts.host.node_name, &mut facts.host.etc_hostname].into_iter().flatten() {
        fact.value.clone_from(&text);
    }
    facts.host.fqdn = HostFqdn::Name(Fact::new(text.clone(), Origin::kernel("uname(2)")));
    if let Some(host) = facts.cpanel.as_mut().and_then(|cpanel| cpanel.host.as_mut()) {
        host.value.clone_from(&text);
    }
    for path in &mut facts.paths {
        if let Helo::Known(helo) = &mut path.helo
            && helo.origin.span().is_none()
        {
            helo.value = HeloName::new(text.as_str());
        }
    }
    let own = facts.postfix.iter_mut().filter_map(|postfix| postfix.parameters.get_mut("myhostname"));
    let own = own.chain(facts.exim.iter_mut().filter_map(|exim| exim.main.get_mut("primary_hostname")));
    for setting in own.filter(|setting| setting.origin.span().is_none() && setting.value.is_some()) {
        setting.value = Some(text.clone());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivers;
    use crate::rules::testing::*;

    fn first(facts: &Facts, more: &[(&str, &[&str])]) -> Option<(usize, usize, Vec<String>)> {
        let dns = dns(more);
        let findings = rules::judge(facts, &dns, &Selection::default()).findings;
        first_step(facts, &dns, &findings, receivers::accepting).map(|step| (step.settles, step.of, step.fix.commands))
    }

    #[test]
    fn the_edit_that_settles_most_is_named() {
        let moved: (&str, &[&str]) = ("mail.example.com A", &["198.51.100.7"]);
        let old_ptr: [(&str, &[&str]); 2] =
            [("192.0.2.10 PTR", &["old.example.com"]), ("old.example.com A", &["198.51.100.7"])];
        let (settles, of, commands) = first(&healthy(), &[moved]).unwrap();
        assert_eq!(commands, ["mail.example.com. 3600 IN A 192.0.2.10"], "the address record alone is old");
        assert_eq!(settles, of);
        let (settles, of, commands) = first(&healthy(), &old_ptr).unwrap();
        assert_eq!(commands, ["10.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.com."], "the PTR record alone is");
        assert_eq!(settles, of);
    }

    #[test]
    fn the_helo_name_where_that_alone_is_wrong() {
        let old = healthy().but(|f| f.paths[0].helo = Helo::Known(fact(HeloName::new("old.example.com"))));
        let (_, _, commands) = first(&old, &[("old.example.com A", &["198.51.100.7"])]).unwrap();
        assert_eq!(commands, ["postconf -e 'myhostname = mail.example.com'", "postfix reload"]);
    }

    #[test]
    fn receivers_weigh_more_than_findings() {
        let dns = dns(&[
            ("mail.example.com A", &["198.51.100.7"]),
            ("192.0.2.10 PTR", &["mx.example.com"]),
            ("mx.example.com A", &[ADDR]),
        ]);
        let findings = rules::judge(&healthy(), &dns, &Selection::default()).findings;
        let best = |accepting: &dyn Fn(&Facts, &Observations) -> usize| {
            first_step(&healthy(), &dns, &findings, accepting).map(|step| step.fix.commands[0].clone())
        };
        let mail = DomainName::new(NAME);
        let says_mx = |facts: &Facts| facts.paths[0].helo_name().is_some_and(|helo| helo.value.domain() != mail);
        let helo = Some("hostnamectl set-hostname mx.example.com");
        let forward = Some("mail.example.com. 3600 IN A 192.0.2.10");
        assert_eq!(best(&|facts, _| usize::from(says_mx(facts))).as_deref(), helo);
        assert_eq!(best(&|facts, _| usize::from(!says_mx(facts))).as_deref(), forward);
        let now = |facts: &Facts, dns: &Observations| {
            !says_mx(facts) && !dns.addresses(&mail, Family::Ipv4).found().contains(&ip(ADDR))
        };
        assert_eq!(best(&|facts, dns| usize::from(now(facts, dns))), None, "what a receiver then refuses is no advice");
    }

    #[test]
    fn nothing_is_named_where_nothing_settles_two_findings() {
        assert_eq!(first(&healthy(), &[]), None, "healthy");
        assert_eq!(first(&healthy(), &[("192.0.2.10 PTR", &["NXDOMAIN"])]), None, "one finding");
        let offline = Observations::offline();
        assert!(first_step(&healthy(), &offline, &[], receivers::accepting).is_none(), "nothing was asked");
        let many = healthy().but(|f| f.paths = vec![f.paths[0].clone(); PATHS + 1]);
        assert_eq!(first(&many, &[("mail.example.com A", &["198.51.100.7"])]), None, "too many paths");
    }
}
