//! cPanel & WHM: what is done in WHM, with what that writes; lines of its maps; flags.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::{Candidate, State, table};
use crate::addr::{self, Family};
use crate::facts::{Cpanel, MapEntry};
use crate::name::DomainName;
use crate::observe::{Lookup, Question};
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::rules::names::{Introduction, introduction};
use crate::rules::panel::{REBUILD_HELO, addresses, has_flag, key};

const WWWACCT: &str = "/etc/wwwacct.conf";
const MAINIP: &str = "/var/cpanel/mainip";
const MAILIPS: &str = "/etc/mailips";
const MAILHELO: &str = "/etc/mailhelo";
const REVERSE: &str = "/etc/mail_reverse_dns";
const LOCALOPTS: &str = "/etc/exim.conf.localopts";
/// Where flag files stand.
pub(crate) const FLAGS: &str = "/var/cpanel/";
/// Lines of one domain in the maps up to which they are removed by one candidate: there is one in each.
const OF_DOMAIN: usize = 8;
/// Paths whose images are looked at.
const NAT_PATHS: usize = 128;
/// Lines of a map that are changed in one candidate.
const LINES: usize = 20_000;

/// Adds candidates for cPanel's own files.
pub(crate) fn add(state: &State<'_>, all: &mut Vec<Candidate>) {
    let Some(cpanel) = &state.facts().cpanel else { return };
    for finding in &state.trial.findings {
        let subject = finding.subject.as_str();
        match finding.meta.code {
            "CPL001" | "CPL009" | "CPL010" => addresses_of(state, cpanel, subject, all),
            "CPL003" => unknown_domain(state, cpanel, subject, all),
            "CPL005" => main_address(state, subject, all),
            "CPL006" => map_line(state, finding, all),
            "CPL007" | "CPL008" if subject.starts_with(FLAGS) => flag_file(state, cpanel, subject, all),
            "CPL007" | "CPL008" => map_file(state, cpanel, subject, all),
            "MIG004" if subject.starts_with(FLAGS) => flag_file(state, cpanel, subject, all),
            _ => {}
        }
    }
    nat_map(state, cpanel, all);
    let by_ptr = has_flag(cpanel, "use_rdns_for_helo") && !has_flag(cpanel, "custom_mailhelo");
    if state.has(&["CPL004"]) || by_ptr && state.has(&["HLO001", "HLO002", "HLO003", "HLO004"]) {
        rebuild(state, cpanel, by_ptr, all);
    }
    if state.has(&["HLO001", "HLO002", "HLO003", "HLO004"]) {
        helo_lines(state, cpanel, all);
    }
}

/// WHM » Change Hostname, with what it writes.
pub(crate) fn rename(state: &State<'_>, cpanel: &Cpanel, name: &DomainName, hosts: Option<&Op>) -> Option<Op> {
    if cpanel.userdomains.iter().any(|entry| key(entry) == name.as_str()) {
        return None;
    }
    let mut effect: Vec<Op> = hosts.cloned().into_iter().collect();
    effect.push(Op::HostName(name.to_string()));
    let text = state.text(WWWACCT)?;
    let at = text.split('\n').position(|line| line.split_whitespace().next() == Some("HOST"));
    if let Some(at) = at {
        let old = text.split('\n').nth(at)?.to_owned();
        let new = format!("HOST {name}");
        if old != new {
            let edit = Edit::Lines { line: at + 1, old: vec![old], new: vec![new] };
            effect.push(Op::Edit { file: WWWACCT.to_owned(), edit });
        }
    }
    Some(Op::ByHand {
        text: format!(
            "Set the host name to `{name}` in WHM » Change Hostname: that also updates certificates, licence and services, which \
             `hostnamectl` alone leaves behind."
        ),
        command: Some(format!("whmapi1 sethostname hostname={name}")),
        effect,
    })
}

fn line_of(entry: &MapEntry) -> Option<(String, usize)> {
    let span = entry.key.span();
    Some((span.path().to_owned(), span.position().line))
}

/// The entry's line with another value; `None`: without the line.
fn with_value(state: &State<'_>, entry: &MapEntry, value: Option<&str>) -> Option<Op> {
    let (file, line) = line_of(entry)?;
    let old = state.line(&file, line)?;
    let new = value.map(|value| format!("{}: {value}", entry.key.trim())).into_iter().collect();
    Some(Op::Edit { file, edit: Edit::Lines { line, old: vec![old], new } })
}

/// The lines of entries of one file with other values.
fn with_values(state: &State<'_>, entries: &[(&MapEntry, String)]) -> Vec<Op> {
    let Some((file, _)) = entries.first().and_then(|(entry, _)| line_of(entry)) else { return Vec::new() };
    if let [(entry, value)] = entries {
        return with_value(state, entry, Some(value)).into_iter().collect();
    }
    let Some(text) = state.text(&file) else { return Vec::new() };
    let known: Vec<&str> = text.split('\n').collect();
    let change = |(entry, value): &(&MapEntry, String)| {
        let (_, line) = line_of(entry).filter(|(of, _)| *of == file)?;
        Some((line, (*known.get(line - 1)?).to_owned(), format!("{}: {value}", entry.key.trim())))
    };
    let lines = entries.iter().filter_map(change).collect();
    vec![Op::Edit { file, edit: Edit::Each { lines } }]
}

/// mailips gives a domain an address that this host does not have, or not the account's.
fn addresses_of(state: &State<'_>, cpanel: &Cpanel, domain: &str, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    let own = cpanel.mailips.iter().find(|entry| key(entry) == domain);
    let entry = own.or_else(|| cpanel.mailips.iter().find(|entry| key(entry) == "*"));
    let account = cpanel.userdomains.iter().find(|entry| key(entry) == domain).map(|entry| entry.value.to_string());
    let of_account = account.and_then(|account| {
        let found = cpanel.userips.iter().find(|entry| entry.key.trim() == account)?;
        found.value.trim().parse::<IpAddr>().ok()
    });
    let mut wanted: Vec<IpAddr> = Vec::new();
    // The administrator's own file may give a domain the address that is known by its name, whatever the account has.
    if has_flag(cpanel, "custom_mailips") {
        let name = DomainName::new(domain);
        wanted.extend(state.intended().of_domain(&name, Family::Ipv4));
    }
    wanted.extend(of_account);
    if let Some(entry) = entry {
        // The private image of a public address.
        let local = crate::identity::OwnAddresses::new(facts);
        wanted.extend(addresses(entry).filter_map(|public| local.private_side(public)));
    }
    wanted.extend(facts.host.source.ipv4);
    wanted.extend(cpanel.main_ip.as_ref().map(|fact| fact.value));
    wanted.retain(|addr| facts.host.has_address(*addr) != Some(false));
    for lost in entry.into_iter().flat_map(addresses).filter(|addr| facts.host.has_address(*addr) == Some(false)) {
        super::lost::bring_up(state, lost, all);
    }
    let end = format!("{domain} in {MAILIPS} is an address of this host");
    let mut tried: Vec<IpAddr> = Vec::new();
    for addr in wanted {
        if tried.contains(&addr) {
            continue;
        }
        tried.push(addr);
        let keep: Vec<String> = entry
            .into_iter()
            .flat_map(addresses)
            .filter(|known| Family::from(*known) != Family::from(addr) && facts.host.has_address(*known) != Some(false))
            .map(|known| known.to_string())
            .collect();
        let value = std::iter::once(addr.to_string()).chain(keep).collect::<Vec<_>>().join("; ");
        let op = match own {
            Some(entry) => with_value(state, entry, Some(&value)),
            None => Some(Op::Edit {
                file: MAILIPS.to_owned(),
                edit: Edit::Append { lines: vec![format!("{domain}: {value}")] },
            }),
        };
        let op = match op {
            Some(Op::Edit { file, edit }) if !has_flag(cpanel, "custom_mailips") => {
                // cPanel writes the file from the addresses of accounts; of what belongs to none, the server's.
                let its = of_account.or_else(|| cpanel.main_ip.as_ref().map(|main| main.value)) == Some(addr);
                let command = vec!["/usr/local/cpanel/scripts/updateuserdomains".to_owned()];
                its.then_some(Op::Generate { command, from: None, file, edit })
            }
            op => op,
        };
        all.extend(op.map(|op| Candidate::new(end.clone(), vec![op])));
    }
    if let Some(op) = own.and_then(|entry| with_value(state, entry, None)) {
        all.push(Candidate::new(end, vec![op]).blast(3));
    }
}

/// Where a path's HELO name leads, of the images that the NAT map does not give: the line of the map, the name, and the address.
fn other_images<'s>(
    state: &'s State<'_>,
    cpanel: &'s Cpanel,
) -> impl Iterator<Item = (&'s crate::facts::CpanelNat, IpAddr, DomainName, IpAddr)> {
    let facts = state.facts();
    let of_path = |path: &'s crate::facts::OutboundPath| {
        let (source, sending) = (path.source.as_ref()?.value, path.sending.as_ref()?.value);
        let pair = cpanel.nat.iter().find(|pair| pair.local.value == source && pair.public == Some(sending))?;
        let Introduction::Name(helo) = introduction(path, state.dns()) else { return None };
        let name = helo.value.domain();
        let known = |addr: IpAddr| cpanel.nat.iter().any(|pair| pair.public == Some(addr));
        let found = state.dns().addresses(&name, path.family).found().to_vec();
        let mut others = found
            .into_iter()
            .filter(|addr| addr::is_public(*addr) && !known(*addr) && facts.host.has_address(*addr) != Some(true));
        let other = others.next()?;
        (others.next().is_none() && !facts.old_addresses.contains(&other)).then_some((pair, sending, name, other))
    };
    facts.paths.iter().take(NAT_PATHS).filter_map(of_path)
}

/// The PTR records that say whether the NAT map is what is behind.
pub(super) fn questions(state: &State<'_>) -> BTreeSet<Question> {
    let Some(cpanel) = &state.facts().cpanel else { return BTreeSet::new() };
    other_images(state, cpanel).map(|(_, _, _, other)| Question::ptr(other)).collect()
}

/// The NAT map built anew, where name and PTR record agree on another public address than the map has: after a move, the map is what is
/// behind.
fn nat_map(state: &State<'_>, cpanel: &Cpanel, all: &mut Vec<Candidate>) {
    for (pair, sending, name, other) in other_images(state, cpanel) {
        if !state.dns().ptr(other).found().contains(&name) {
            continue;
        }
        let Some(span) = pair.local.origin.span() else { continue };
        let Some((line, old)) = super::line::line_of(state, span) else { continue };
        let new = old.replacen(&sending.to_string(), &other.to_string(), 1);
        let effect = vec![super::line::change(span, line, &old, vec![new])];
        let text = format!(
            "Have cPanel build its NAT map again: `{name}` leads to {other} and back, and {}, which gives {sending} for {}, may be of \
             another machine. Where it writes {sending} again, the records are what is behind: run helolint again then.",
            span.path(),
            pair.local.value
        );
        let command = Some("/usr/local/cpanel/scripts/build_cpnat".to_owned());
        all.push(Candidate::new(format!("the NAT map has {other}"), vec![Op::ByHand { text, command, effect }]));
    }
}

/// A line for a domain that nobody here has.
fn unknown_domain(state: &State<'_>, cpanel: &Cpanel, domain: &str, all: &mut Vec<Candidate>) {
    let lines = cpanel.mailips.iter().chain(&cpanel.mailhelo).filter(|entry| key(entry) == domain);
    let lines: Vec<&MapEntry> = lines.take(OF_DOMAIN + 1).collect();
    if lines.len() > OF_DOMAIN {
        return;
    }
    let ops: Vec<Op> = lines.into_iter().filter_map(|entry| with_value(state, entry, None)).collect();
    if !ops.is_empty() {
        all.push(Candidate::new(format!("{domain} is in no map"), ops));
    }
}

/// WHM's button that looks PTR names up again, with what it writes. `by_ptr`: mailhelo has those names.
fn rebuild(state: &State<'_>, cpanel: &Cpanel, by_ptr: bool, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    let mut names: HashMap<String, String> = HashMap::new();
    let mut reverse: Vec<(&MapEntry, String)> = Vec::new();
    for entry in cpanel.reverse.iter().take(LINES) {
        let Ok(addr) = entry.key.trim().parse::<IpAddr>() else { continue };
        let seen = super::image(facts, addr);
        let Lookup::Found(found) = state.dns().ptr(seen) else { continue };
        let Some(name) = found.first().map(ToString::to_string) else { continue };
        if entry.value.trim() != name {
            names.entry(entry.value.trim().to_owned()).or_insert_with(|| name.clone());
            reverse.push((entry, name));
        }
    }
    let mut effect: Vec<Op> = with_values(state, &reverse);
    if !has_flag(cpanel, "custom_mailhelo") {
        let old = cpanel.mailhelo.iter().take(LINES);
        let own: HashMap<Cow<'_, str>, &MapEntry> =
            cpanel.mailips.iter().rev().map(|entry| (key(entry), entry)).collect();
        let others = own.get("*").copied();
        // The PTR name of the address that the domain's mail leaves from.
        let by_address = |entry: &MapEntry| {
            let from = own.get(&*key(entry)).copied().or(others);
            let addr =
                from.and_then(|entry| addresses(entry).next()).or(cpanel.main_ip.as_ref().map(|main| main.value));
            let found = state.dns().ptr(super::image(facts, addr.filter(|_| by_ptr)?));
            found.found().first().map(ToString::to_string)
        };
        let new = old.filter_map(|entry| {
            let name = by_address(entry).or_else(|| names.get(entry.value.trim()).cloned())?;
            (entry.value.trim() != name).then_some((entry, name))
        });
        effect.extend(with_values(state, &new.collect::<Vec<_>>()));
    }
    if !effect.is_empty() {
        let op = Op::ByHand { text: REBUILD_HELO.to_owned(), command: None, effect };
        all.push(Candidate::new(format!("{REVERSE} is as the DNS has it"), vec![op]));
    }
}

fn main_address(state: &State<'_>, wrong: &str, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    let own = facts.host.own_addresses().map(|own| own.address).filter(|own| own.is_ipv4());
    let mut wanted: Vec<IpAddr> = facts.host.source.ipv4.into_iter().collect();
    wanted.extend(own);
    for addr in wanted.into_iter().take(4) {
        let end = format!("the main address is {addr}");
        let mut ops = Vec::new();
        if let Some(text) = state.text(MAINIP).filter(|text| text.trim() == wrong) {
            let edit = Edit::Whole { text: text.replacen(wrong, &addr.to_string(), 1) };
            let command = vec!["/usr/local/cpanel/scripts/mainipcheck".to_owned()];
            ops.push(Op::Generate { command, from: None, file: MAINIP.to_owned(), edit });
        }
        if let Some(text) = state.text(WWWACCT) {
            let at = text.split('\n').position(|line| line.split_whitespace().collect::<Vec<_>>() == ["ADDR", wrong]);
            if let Some((at, old)) = at.and_then(|at| Some((at, text.split('\n').nth(at)?))) {
                let edit = Edit::Lines { line: at + 1, old: vec![old.to_owned()], new: vec![format!("ADDR {addr}")] };
                let text = format!("Set the main shared address to {addr} in WHM » Basic WebHost Manager Setup.");
                let effect = vec![Op::Edit { file: WWWACCT.to_owned(), edit }];
                ops.push(Op::ByHand { text, command: None, effect });
            }
        }
        if !ops.is_empty() {
            all.push(Candidate::new(end, ops));
        }
    }
}

/// A line of a map that its readers read differently: the form that all of them read.
fn map_line(state: &State<'_>, finding: &crate::findings::Finding, all: &mut Vec<Candidate>) {
    let Some((file, line)) = finding.subject.rsplit_once(':') else { return };
    let Ok(line) = line.parse::<usize>() else { return };
    let Some(text) = state.text(file) else { return };
    let Some(old) = text.split('\n').nth(line - 1) else { return };
    let bare = old.split('#').next().unwrap_or_default().trim().trim_matches('"');
    let end = format!("{file} line {line} is read alike by all");
    let fits = |value: &str| match file {
        MAILIPS => value.split(';').all(|item| item.trim().parse::<IpAddr>().is_ok()),
        _ => !value.is_empty(),
    };
    let split = bare.split_once(':').or_else(|| bare.split_once([' ', '\t', '=']));
    if let Some((key, value)) = split.filter(|(_, value)| fits(value.trim())) {
        let new = format!("{}: {}", key.trim().trim_matches('"').to_ascii_lowercase(), value.trim());
        let edit = Edit::Lines { line, old: vec![old.to_owned()], new: vec![new] };
        all.push(Candidate::new(end.clone(), vec![Op::Edit { file: file.to_owned(), edit }]));
    }
    let edit = Edit::Lines { line, old: vec![old.to_owned()], new: Vec::new() };
    all.push(Candidate::new(end, vec![Op::Edit { file: file.to_owned(), edit }]).blast(6));
}

/// A map that is missing or empty though a flag calls it the administrator's: a file with a line for all, or no flag.
fn map_file(state: &State<'_>, cpanel: &Cpanel, file: &str, all: &mut Vec<Candidate>) {
    let end = format!("{file} is there");
    let (flag, value) = match file {
        MAILIPS => ("custom_mailips", cpanel.main_ip.as_ref().map(|fact| fact.value.to_string())),
        MAILHELO => ("custom_mailhelo", cpanel.host.as_ref().map(|fact| fact.value.clone())),
        _ => return,
    };
    if let Some(value) = value {
        let edit = Edit::Append { lines: vec![format!("*: {value}")] };
        all.push(Candidate::new(end.clone(), vec![Op::Edit { file: file.to_owned(), edit }]));
    }
    let mut ops = Vec::new();
    let path = format!("/var/cpanel/{flag}");
    if has_flag(cpanel, flag) {
        ops.push(Op::Remove { file: path });
    }
    ops.extend(localopt(state, flag, "0"));
    if !ops.is_empty() {
        all.push(Candidate::new(end, ops).blast(2));
    }
}

/// A flag file that the options say nothing of, or that the old host had: as they have it, or the option as the file has it.
fn flag_file(state: &State<'_>, cpanel: &Cpanel, file: &str, all: &mut Vec<Candidate>) {
    let flag = file.strip_prefix(FLAGS).unwrap_or(file);
    let end = format!("the flag {file} is as its option");
    let there = has_flag(cpanel, flag);
    let option = cpanel.localopts.get(flag).map(|option| option.value.trim() == "1");
    let file = match there {
        true => Op::Remove { file: file.to_owned() },
        false => Op::Edit { file: file.to_owned(), edit: Edit::Whole { text: String::new() } },
    };
    let with_option = localopt(state, flag, if there { "0" } else { "1" });
    all.push(Candidate::new(end.clone(), std::iter::once(file).chain(with_option).collect()));
    if option.is_some_and(|option| option != there) {
        let option = localopt(state, flag, if there { "1" } else { "0" });
        all.push(Candidate::new(end, option.into_iter().collect()).blast(1));
    }
}

/// A switch of localopts.
fn localopt(state: &State<'_>, name: &str, value: &str) -> Option<Op> {
    let text = state.text(LOCALOPTS)?;
    let at = text.split('\n').position(|line| line.split('=').next().map(str::trim) == Some(name))?;
    let old = text.split('\n').nth(at)?.to_owned();
    let new = format!("{name}={value}");
    if old == new {
        return None;
    }
    Some(Op::Edit { file: LOCALOPTS.to_owned(), edit: Edit::Lines { line: at + 1, old: vec![old], new: vec![new] } })
}

/// Lines of mailhelo for the domains of each path, by the PTR name of its address; the file becomes the administrator's.
fn helo_lines(state: &State<'_>, cpanel: &Cpanel, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    if state.text(MAILHELO).is_none() {
        return;
    }
    let known = state.table(MAILHELO);
    let mut lines = table::Lines::new(&known);
    for path in &facts.paths {
        let Some(sending) = path.sending.as_ref().map(|fact| fact.value) else { continue };
        let crate::facts::SenderDomains::Only { domains, .. } = &path.sender_domains else { continue };
        let names = state.dns().ptr(sending);
        let confirmed = |name: &&DomainName| {
            crate::observe::iprev::confirms(state.dns(), name, sending) == Some(true)
                && crate::identity::generic::why_generic(name, sending).is_none()
        };
        let Some(name) = names.found().iter().find(confirmed).filter(|_| addr::is_public(sending)) else { continue };
        if path.helo_name().is_some_and(|helo| helo.value.domain() == *name) || domains.len() > LINES {
            continue;
        }
        let keys: Vec<String> = domains.iter().map(ToString::to_string).collect();
        lines.set(&keys, name.as_str());
    }
    let ops = lines.ops();
    if ops.is_empty() {
        return;
    }
    let end = format!("{MAILHELO} is complete");
    if has_flag(cpanel, "custom_mailhelo") {
        all.push(Candidate::new(end, ops));
        return;
    }
    let mut own =
        vec![Op::Edit { file: "/var/cpanel/custom_mailhelo".to_owned(), edit: Edit::Whole { text: String::new() } }];
    own.extend(localopt(state, "custom_mailhelo", "1"));
    own.extend(ops);
    all.push(Candidate::new(end, own).blast(3));
}
