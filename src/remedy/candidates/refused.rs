//! Lines that an MTA refuses: the smallest edit after which our own reading accepts them. What decides who may send, or whose mail goes
//! where, is never taken away nor made wider: such a line is mended where a single word was meant, and left to a person otherwise.

use std::cmp::Reverse;

use super::line::{change, line_of};
use super::{Candidate, State, once, postfix};
use crate::collect::exim;
use crate::facts::{Mta, Problem, ProblemKind};
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::rules::similar::edits_between;
use crate::source::Span;

/// Settings of both MTAs whose default may count again: identity, nothing that lets in or keeps out.
const REMOVABLE: [&str; 15] = [
    "helo_data",
    "interface",
    "lmtp_lhlo_name",
    "mydomain",
    "myhostname",
    "myorigin",
    "primary_hostname",
    "proxy_interfaces",
    "qualify_domain",
    "smtp_active_hostname",
    "smtp_address_preference",
    "smtp_banner",
    "smtp_bind_address",
    "smtp_bind_address6",
    "smtp_helo_name",
];

/// Parts of names of settings that let in or keep out, of both MTAs.
const RESTRICTING: [&str; 38] = [
    "_access",
    "acl_",
    "admin",
    "advertise",
    "anvil",
    "auth",
    "check",
    "client",
    "command",
    "condition",
    "content_filter",
    "discard",
    "domains",
    "filter",
    "hosts",
    "inet_interfaces",
    "list ",
    "local_interfaces",
    "local_recipient",
    "milter",
    "mydestination",
    "mynetworks",
    "permit",
    "postscreen",
    "privs",
    "recipient_maps",
    "reject",
    "relay_",
    "restriction",
    "sasl",
    "sender_login",
    "smtpd_",
    "strict",
    "tls",
    "unknown_",
    "unverified_",
    "users",
    "verify",
];

/// Whether a setting lets in or keeps out.
pub(super) fn restricts(name: &str) -> bool {
    let by_name = RESTRICTING.iter().any(|part| name.contains(part)) || name.starts_with("virtual_");
    by_name && !["smtpd_banner", "lmtp_lhlo_name"].contains(&name)
}

/// Problems among which lines are sought that are refused alike.
const ALIKE: usize = 2_000;
/// Lines that are taken away together: each is a pass over the file.
const GONE: usize = 64;

/// Small edits of a line that is refused, each to be tried; where others of its file say the same and are refused too, of all of them.
pub(super) fn add(state: &State<'_>, problem: &Problem, mta: Mta, span: &Span, all: &mut Vec<Candidate>) {
    let Some((line, old)) = line_of(state, span) else { return };
    let alike = alike(state, mta, (span.path(), line), &old);
    if alike.first() != Some(&line) {
        // With the first of them.
        return;
    }
    let put = |text: &str| match alike.len() {
        1 => change(span, line, &old, vec![text.to_owned()]),
        _ => {
            let lines = alike.iter().map(|line| (*line, old.clone(), text.to_owned())).collect();
            Op::Edit { file: span.path().to_owned(), edit: Edit::Each { lines } }
        }
    };
    let end = format!("{}:{line} is accepted", span.path());
    let mut texts: Vec<String> = Vec::new();
    // What the reading itself takes it to have meant comes first.
    if let Some((wrong, right)) = &problem.correction
        && old.matches(wrong.as_str()).count() == 1
        && !old.starts_with("inet_interfaces")
    {
        texts.push(old.replacen(wrong.as_str(), right, 1));
    }
    let mut gone = None;
    match mta {
        Mta::Exim => {
            let Some(text) = state.text(span.path()) else { return };
            let main = state.facts().exim.first().map(|exim| exim.file.as_str());
            let Some(place) = Place::find(&text, line, main == Some(span.path())) else { return };
            texts.extend(exim::did_you_mean(place.section, &old, edits_between));
            if matches!(place.section, "" | "transports") {
                texts.extend(edits(&old, restricts(&place.name)));
                let whole = old.trim_start().starts_with(place.name.as_str()) && !old.trim_end().ends_with('\\');
                gone = (whole && is_removable(&place.name)).then(|| without(span, &alike, &old)).flatten();
                names(state, &place.name, &old, &mut texts);
            }
        }
        Mta::Postfix if span.path().ends_with("/main.cf") => {
            let name = state.text(span.path()).and_then(|text| parameter(&text, line)).unwrap_or_default();
            if ["inet_interfaces", "inet_protocols"].contains(&name.as_str()) {
                interfaces(state, span, line, &old, &end, all);
            }
            if name != "inet_interfaces" {
                texts.extend(edits(&old, restricts(&name)));
            }
            names(state, &name, &old, &mut texts);
            let edit = Edit::MainCf { parameter: name.clone(), value: None };
            gone = is_removable(&name).then(|| vec![Op::Edit { file: span.path().to_owned(), edit }]);
        }
        Mta::Postfix if span.path().ends_with("/master.cf") => {
            let name = old.split_once("-o").map_or("", |(_, set)| set.trim_start());
            let name = name.split(['=', ' ', '\t']).next().unwrap_or_default();
            texts.extend(edits(&old, restricts(name)));
            // `-o name = value`: blanks end a word.
            if let Some((head, set)) = old.split_once("-o ")
                && let Some((name, value)) = set.split_once('=')
            {
                texts.push(format!("{head}-o {}={}", name.trim(), value.trim()));
            }
            // An entry with settings on lines of their own would leave these to the entry before it.
            let text = state.text(span.path()).unwrap_or_else(|| "".into());
            let more = text.split('\n').nth(line).is_some_and(|next| next.starts_with([' ', '\t']));
            let alone = !old.starts_with([' ', '\t']) && !more;
            gone = (alone && !old.contains("smtpd")).then(|| vec![change(span, line, &old, Vec::new())]);
        }
        // A row of a table: without it its mail would take another way.
        Mta::Postfix => texts.extend(rows(&old)),
    }
    let mut tried: Vec<&String> = Vec::new();
    for text in texts.iter().filter(|text| **text != old && !text.trim().is_empty()) {
        if !tried.contains(&text) {
            tried.push(text);
            all.push(Candidate::new(end.clone(), vec![put(text)]));
        }
    }
    // The setting that is refused, without it: its default counts again.
    all.extend(gone.map(|ops| Candidate::new(end, ops).blast(6)));
}

/// A line and the others of its file that are refused and say the same; itself alone where it is not refused for its syntax.
fn alike(state: &State<'_>, mta: Mta, (file, line): (&str, usize), text: &str) -> Vec<usize> {
    let refuses = |problem: &&Problem| matches!(problem.kind, ProblemKind::Syntax { mta: of, .. } if of == mta);
    let problems = state.facts().problems.iter().take(ALIKE).filter(refuses);
    let spans = problems.filter_map(|problem| problem.origin.as_ref()?.span());
    let lines = spans.filter(|span| span.path() == file).map(|span| span.position().line);
    let table = state.table(file);
    let all = once(lines.filter(|line| line.checked_sub(1).and_then(|at| table.line(at)) == Some(text)));
    if all.contains(&line) { all } else { vec![line] }
}

/// The changes after which these lines are gone, the last one first, so that the others keep their numbers.
fn without(span: &Span, alike: &[usize], old: &str) -> Option<Vec<Op>> {
    let mut lines = alike.to_vec();
    lines.sort_unstable_by_key(|line| Reverse(*line));
    (lines.len() <= GONE).then(|| lines.into_iter().map(|line| change(span, line, old, Vec::new())).collect())
}

fn is_removable(name: &str) -> bool {
    let limit = ["_timeout", "_time", "_lifetime", "_delay", "_backoff_time", "_limit"];
    REMOVABLE.contains(&name) || !restricts(name) && limit.iter().any(|ending| name.ends_with(ending))
}

/// Where a line of Exim's configuration stands.
struct Place<'a> {
    /// `acl`, `routers` and so on; empty among the main options.
    section: &'a str,
    /// The option that the logical line sets.
    name: String,
}

impl<'a> Place<'a> {
    /// `None` in an included file, where that cannot be told.
    fn find(text: &'a str, line: usize, is_main: bool) -> Option<Place<'a>> {
        let lines: Vec<&str> = text.split('\n').collect();
        let begun = lines.iter().take(line - 1).rev().find_map(|line| line.trim().strip_prefix("begin "));
        let section = begun.map(str::trim).or_else(|| is_main.then_some(""))?;
        let mut at = line - 1;
        while at > 0 && lines.get(at - 1).is_some_and(|before| before.trim_end().ends_with('\\')) {
            at -= 1;
        }
        let first = lines.get(at)?.trim_start();
        let first = first.strip_prefix("hide ").map_or(first, str::trim_start);
        Some(Place { section, name: first.split('=').next().unwrap_or_default().trim_end().to_owned() })
    }
}

/// The parameter that a line of main.cf belongs to: what is indented goes on with the one above.
fn parameter(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.split('\n').take(line).collect();
    let is_start = |line: &&&str| !line.starts_with([' ', '\t', '#']) && !line.trim().is_empty();
    let first = lines.iter().rev().find(is_start)?;
    Some(first.split(['=', ' ', '\t']).next().unwrap_or_default().to_owned())
}

/// For settings that hold this host's name: its names.
fn names(state: &State<'_>, setting: &str, old: &str, texts: &mut Vec<String>) {
    if old.starts_with(setting)
        && ["myhostname", "primary_hostname", "smtp_helo_name", "smtp_active_hostname"].contains(&setting)
    {
        texts.extend(super::host::names(state).into_iter().take(3).map(|name| format!("{setting} = {name}")));
    }
}

/// Edits of a line that sets something; of one that `restricts`, what it sets stays as it is.
fn edits(old: &str, restricts: bool) -> Vec<String> {
    let mut new: Vec<String> = Vec::new();
    if !old.contains('=')
        && let Some((name, value)) = old.trim().split_once([' ', '\t', ':'])
    {
        // The equals sign is missing.
        let indent: String = old.chars().take_while(|c| c.is_whitespace()).collect();
        new.push(format!("{indent}{name} = {}", value.trim()));
    }
    if restricts {
        return new;
    }
    // A comment behind the value.
    if let Some((before, _)) = old.split_once('#') {
        new.push(before.trim_end().to_owned());
    }
    if let Some((name, value)) = old.split_once('=') {
        let (name, value) = (name.trim_end(), value.trim());
        let bare = value.split('#').next().unwrap_or_default().trim();
        new.extend(values(value).into_iter().chain(values(bare)).map(|value| format!("{name} = {value}")));
        // A value that is put together with the name of a setting: `a = b = c`.
        new.extend(value.split_once('=').map(|(_, last)| format!("{name} = {}", last.trim())));
    }
    let opened = old.matches('{').count();
    let closed = old.matches('}').count();
    if opened > closed {
        new.push(format!("{old}{}", "}".repeat(opened - closed)));
    } else if closed > opened && old.ends_with('}') {
        let bare = old.trim_end_matches('}');
        new.push(format!("{bare}{}", "}".repeat(opened.saturating_sub(bare.matches('}').count()))));
    }
    if old.matches('"').count() % 2 == 1 {
        new.push(format!("{old}\""));
        new.push(old.replace('"', ""));
    }
    new
}

/// A row of a table with its value spelt otherwise, the service before the next hop kept.
fn rows(old: &str) -> Vec<String> {
    let start = old.find([' ', '\t']).map(|key| old.len() - old[key..].trim_start().len());
    let Some((head, value)) = start.and_then(|start| old.split_at_checked(start)) else { return Vec::new() };
    let (service, hop) = match value.split_once(':') {
        Some((service, hop)) if !service.contains(['[', '.', '"']) => (Some(service), hop),
        _ => (None, value),
    };
    let mut new = Vec::new();
    for hop in values(hop).into_iter().chain(values(hop.split('#').next().unwrap_or_default().trim())) {
        new.push(match service {
            Some(service) => format!("{head}{service}:{hop}"),
            None => format!("{head}{hop}"),
        });
    }
    // Where a next hop alone may stand, the name of a service is too much.
    new.extend(service.filter(|_| !hop.is_empty()).map(|_| format!("{head}{hop}")));
    new
}

/// Spellings of a value without what often makes it refused.
fn values(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |text: String| {
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    };
    add(value.trim_matches(['"', '\'']).to_owned());
    add(value.trim_end_matches([';', ',']).trim_end().to_owned());
    let (open, close) = (value.matches('[').count(), value.matches(']').count());
    if open > close {
        // `[host:25` and `[host`: the bracket ends before the port.
        match value.rsplit_once(':').filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit()) && !port.is_empty()) {
            Some((host, port)) => add(format!("{host}]:{port}")),
            None => add(format!("{value}]")),
        }
    }
    if close > open {
        add(format!("[{value}"));
    }
    // `[host]587`: the colon before the port is missing.
    if let Some((host, port)) = value.rsplit_once(']')
        && !port.is_empty()
        && port.chars().all(|c| c.is_ascii_digit())
    {
        add(format!("{host}]:{port}"));
    }
    if let Some((host, port)) = value.trim_matches(['[', ']']).rsplit_once(':')
        && !port.is_empty()
        && port.chars().all(|c| c.is_ascii_digit())
    {
        add(format!("[{}]:{port}", host.trim_matches(['[', ']'])));
    }
    if let Some((host, port)) = value.split_once(char::is_whitespace)
        && port.trim().chars().all(|c| c.is_ascii_digit())
    {
        add(format!("[{}]:{}", host.trim_matches(['[', ']']), port.trim()));
    }
    add(value.replace([' ', '\t'], ""));
    add(value.trim_end_matches('.').to_owned());
    add(value.trim_start_matches(['.', '@', '=']).trim_start().to_owned());
    add(value.replace('_', "-"));
    all.retain(|text| text != value);
    all
}

/// For `inet_interfaces` and its like: what this host has.
fn interfaces(state: &State<'_>, span: &Span, line: usize, old: &str, end: &str, all: &mut Vec<Candidate>) {
    let Some((name, value)) = old.split_once('=') else { return };
    let name = name.trim();
    let has_name = value.contains("localhost") || value.contains("loopback");
    let values: Vec<String> = if name == "inet_interfaces" {
        let facts = state.facts();
        let own = |addr| facts.host.has_address(addr) == Some(true);
        let sources = [facts.host.source.ipv4, facts.host.source.ipv6].map(|source| source.map(|a| a.to_string()));
        listened(value, own, &sources.into_iter().flatten().collect::<Vec<_>>())
    } else if name == "inet_protocols" {
        ["ipv4", "all", "ipv4, ipv6"].map(str::to_owned).to_vec()
    } else {
        return;
    };
    for (rank, value) in (0..).zip(values) {
        let op = change(span, line, old, vec![format!("{name} = {value}")]);
        all.push(Candidate::new(end, vec![op]).blast(rank));
    }
    // A name for the IPv6 loopback address that nothing gives an address.
    if has_name {
        let edit = Edit::Append { lines: vec!["::1 localhost ip6-localhost ip6-loopback".to_owned()] };
        all.push(Candidate::new(end, vec![Op::Edit { file: "/etc/hosts".to_owned(), edit }]).blast(2));
        if let Some(instance) = state.facts().postfix.first() {
            all.push(Candidate::new(end, vec![postfix::main_cf(instance, "inet_protocols", Some("ipv4"))]).blast(3));
        }
    }
}

/// What `inet_interfaces` was meant to be, the likeliest first: never more than its words say. A word that names no address of this host
/// becomes a source address of it, unless all that stands there is about the loopback interface.
fn listened(value: &str, own: impl Fn(std::net::IpAddr) -> bool, sources: &[String]) -> Vec<String> {
    let value = value.split('#').next().unwrap_or_default();
    let is_mark = |c: char| matches!(c, '"' | '\'' | '[' | ']' | '.');
    let words = value.split([',', ' ', '\t', ';']).map(|word| word.trim_matches(is_mark).to_ascii_lowercase());
    let (mut kept, mut all, mut unknown): (Vec<String>, bool, bool) = (Vec::new(), false, false);
    let mut only_loopback = false;
    for word in words.filter(|word| !word.is_empty()) {
        let bare = word.split('/').next().unwrap_or_default();
        let bare = bare.strip_prefix("ipv6:").unwrap_or(bare);
        match bare.parse::<std::net::IpAddr>() {
            Ok(addr) if addr.is_unspecified() => all = true,
            Ok(addr) if addr.is_loopback() || own(addr) => kept.push(addr.to_string()),
            Ok(_) => unknown = true,
            Err(_) if matches!(bare, "all" | "*" | "any") => all = true,
            Err(_) if bare.starts_with("lo") || bare.contains("loop") || bare.contains("local") => {
                only_loopback = true;
            }
            Err(_) => unknown = true,
        }
    }
    let mut found = Vec::new();
    let is_loopback = |text: &String| text.parse::<std::net::IpAddr>().is_ok_and(|addr| addr.is_loopback());
    if only_loopback && kept.iter().all(is_loopback) {
        // Whatever else stands there: nobody outside was to be heard.
        found.push("loopback-only".to_owned());
        return found;
    }
    kept.extend(only_loopback.then(|| "127.0.0.1".to_owned()));
    if all {
        return vec!["all".to_owned()];
    }
    kept.dedup();
    if !unknown || kept.iter().all(is_loopback) && !kept.is_empty() {
        found.extend((!kept.is_empty()).then(|| kept.join(", ")));
    }
    if unknown {
        for source in sources.iter().filter(|source| !kept.contains(source)) {
            found.push(std::iter::once(source).chain(&kept).cloned().collect::<Vec<_>>().join(", "));
        }
        found.extend((!kept.is_empty()).then(|| kept.join(", ")));
    }
    found
}

#[cfg(test)]
mod tests;
