//! Exim: by transport, by macro, for all; and through what generates its configuration.

use std::net::IpAddr;

use super::way::{OF_MTA, Way};
use super::{Candidate, State, once, table};
use crate::collect::exim::GENERATED;
use crate::facts::{Exim, EximDriver, Helo, OutboundPath, ProblemKind, SenderDomains};
use crate::name::DomainName;
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::remedy::world::{ETC_MAILNAME, LOCALMACROS, MAILNAME, SOURCES};

/// What cPanel builds its configuration from, and the configuration.
const CPANEL_LOCAL: &str = "/etc/exim.conf.local";
const CPANEL_BUILT: &str = "/etc/exim.conf";
const DEBIAN_SETTINGS: &str = "/etc/exim4/update-exim4.conf.conf";
/// Lines of a table that one candidate adds.
const LINES: usize = 20_000;

/// Whether a configuration is the one that Debian's packages generate.
pub(crate) fn is_debian(exim: &Exim) -> bool {
    exim.file == GENERATED
}

/// The changes that make Exim's configuration hold an edit, through what generates it where something does.
pub(crate) fn edit(state: &State<'_>, exim: &Exim, file: &str, edit: Edit) -> Vec<Op> {
    if !is_debian(exim) || file != GENERATED {
        return vec![Op::Edit { file: file.to_owned(), edit }];
    }
    let split = state.text(DEBIAN_SETTINGS).is_some_and(|text| {
        text.lines().any(|line| line.trim().replace(['\'', '"'], "") == "dc_use_split_config=true")
    });
    let edit = by_macro_of_debian(state, edit);
    let (local, others) = (LOCALMACROS[usize::from(split)], SOURCES[usize::from(split)]);
    let source = match &edit {
        // A macro is changed where it is defined: Exim refuses a second definition.
        Edit::EximMacro { name, .. } => {
            let has_it =
                |file: &&str| state.text(file).is_some_and(|text| text.lines().any(|line| defines(line, name)));
            std::iter::once(local).chain(others.iter().copied()).find(has_it).unwrap_or(local)
        }
        _ => local,
    };
    from_source(source, edit.clone(), edit)
}

/// Debian's generator, and what it makes of its configuration. `from`: the source that has to have been changed.
fn generate(from: Option<&str>, edit: Edit) -> Op {
    let (command, from) = (vec!["update-exim4.conf".to_owned()], from.map(str::to_owned));
    Op::Generate { command, from, file: GENERATED.to_owned(), edit }
}

/// An edit of a source, and what the generator makes of it then.
fn from_source(source: &str, edit: Edit, made: Edit) -> Vec<Op> {
    vec![Op::Edit { file: source.to_owned(), edit }, generate(Some(source), made)]
}

/// Main options that Debian's sources set by macros of these names: Exim refuses an option that is set twice.
const BY_MACRO: [(&str, &str); 2] =
    [("primary_hostname", "MAIN_HARDCODE_PRIMARY_HOSTNAME"), ("qualify_domain", "MAIN_QUALIFY_DOMAIN")];

/// An edit of a main option as one of the macro by which Debian's configuration sets it, where it does.
fn by_macro_of_debian(state: &State<'_>, edit: Edit) -> Edit {
    let Edit::EximMain { option, value: Some(value) } = &edit else { return edit };
    let known = BY_MACRO.iter().find(|(of, _)| of == option).map(|(_, name)| *name);
    let is_used = |name: &&str| {
        let set = |line: &str| line.split_once('=').is_some_and(|(of, by)| of.trim() == option && by.trim() == *name);
        state.text(GENERATED).is_some_and(|text| text.lines().any(set))
    };
    match known.filter(is_used) {
        Some(name) => Edit::EximMacro { name: name.to_owned(), value: value.clone() },
        None => edit,
    }
}

/// The domain of mail made on this host, by its file, where that has `wrong`; with what is generated from it.
pub(super) fn set_mailname(state: &State<'_>, wrong: &str, name: &str) -> Vec<Op> {
    let says = |name: &str| state.facts().host.mailname.as_ref().is_some_and(|at| at.value.eq_ignore_ascii_case(name));
    let is_debian = state.facts().exim.first().is_some_and(is_debian);
    let edit = Edit::Whole { text: format!("{name}\n") };
    let made = Edit::EximMacro { name: ETC_MAILNAME.to_owned(), value: name.to_owned() };
    match (says(wrong), is_debian) {
        (true, true) => from_source(MAILNAME, edit, made),
        (true, false) => vec![Op::Edit { file: MAILNAME.to_owned(), edit }],
        // It was edited, and nothing generated since.
        (false, true) if says(name) => vec![generate(None, made)],
        (false, _) => Vec::new(),
    }
}

/// Definitions of Debian's file of macros that are carried over: each is a pass over the whole configuration, which knows some fifty macros.
const DEFINITIONS: usize = 100;

/// Debian's configuration as it is once it is generated anew, where what has changed since is its file of macros: those go into it as they
/// stand. `None` where more than definitions stands there, or more than [`DEFINITIONS`].
pub(crate) fn regenerated(state: &State<'_>, source: &str) -> Option<Candidate> {
    let is_debian = state.facts().exim.first().is_some_and(is_debian);
    let sources = state.facts().problems.iter().filter(|problem| matches!(problem.kind, ProblemKind::NotGenerated));
    if !is_debian || !LOCALMACROS.contains(&source) || sources.count() != 1 {
        return None;
    }
    let (local, old) = (state.text(source)?, state.text(GENERATED)?);
    let mut new = old.to_string();
    let lines = || local.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if lines().nth(DEFINITIONS).is_some() {
        return None;
    }
    for line in lines() {
        let (name, value) = line.split_once('=')?;
        let (name, value) = (name.trim(), value.trim_start_matches('=').trim());
        let is_macro = name.starts_with(|c: char| c.is_ascii_uppercase()) && !line.ends_with('\\');
        if !is_macro || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            return None;
        }
        let edit = Edit::EximMacro { name: name.to_owned(), value: value.to_owned() };
        new = edit.apply(&new).unwrap_or(new);
    }
    let op = generate(None, Edit::Whole { text: new });
    Some(Candidate::new(format!("{GENERATED} is as its sources"), vec![op]))
}

/// Whether a line defines a macro.
fn defines(line: &str, name: &str) -> bool {
    line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// An option of a transport in the file that holds the transport; Debian's macro for it.
pub(crate) fn set(
    state: &State<'_>,
    exim: &Exim,
    transport: &EximDriver,
    option: &str,
    value: Option<&str>,
) -> Vec<Op> {
    if is_debian(exim) {
        let name = match option {
            "helo_data" => "REMOTE_SMTP_HELO_DATA",
            // The one for smarthosts has none.
            "interface" if transport.name == "remote_smtp" => "REMOTE_SMTP_INTERFACE",
            _ => return Vec::new(),
        };
        let Some(value) = value else { return Vec::new() };
        let edit = Edit::EximMacro { name: name.to_owned(), value: value.to_owned() };
        return self::edit(state, exim, GENERATED, edit);
    }
    let file = transport.origin.span().map_or(exim.file.as_str(), |span| span.path());
    let local =
        transport.options.get(option).and_then(|set| set.origin.span()).filter(|span| span.path() == CPANEL_LOCAL);
    let (transport, option) = (transport.name.clone(), option.to_owned());
    let edit = Edit::EximTransport { transport, option: option.clone(), value: value.map(str::to_owned) };
    match local {
        Some(span) => built(state, span, &option, value, edit).unwrap_or_default(),
        None => vec![Op::Edit { file: file.to_owned(), edit }],
    }
}

/// The line of `/etc/exim.conf.local` that sets an option, and what cPanel then builds from it.
fn built(
    state: &State<'_>,
    span: &crate::source::Span,
    option: &str,
    value: Option<&str>,
    edit: Edit,
) -> Option<Vec<Op>> {
    let line = span.position().line;
    let old = state.text(span.path())?.split('\n').nth(line - 1)?.to_owned();
    let indent: String = old.chars().take_while(|c| c.is_whitespace()).collect();
    let new = value.map(|value| format!("{indent}{option} = {value}")).into_iter().collect();
    let source = Op::Edit { file: span.path().to_owned(), edit: Edit::Lines { line, old: vec![old], new } };
    let command = vec!["/usr/local/cpanel/scripts/buildeximconf".to_owned()];
    let from = Some(span.path().to_owned());
    Some(vec![source, Op::Generate { command, from, file: CPANEL_BUILT.to_owned(), edit }])
}

/// A main option in `/etc/exim.conf.local`, from which cPanel takes those that it has none of its own for, and what it then builds; `None`
/// where another program writes the configuration, or the file sets the option already.
fn by_local(state: &State<'_>, exim: &Exim, option: &str, value: &str) -> Option<Vec<Op>> {
    const SECTION: &str = "@CONFIG@";
    if state.facts().cpanel.is_none() || exim.file != CPANEL_BUILT {
        return None;
    }
    let text = state.text(CPANEL_LOCAL).unwrap_or_else(|| "".into());
    let sets = |line: &str| line.split('=').next().is_some_and(|name| name.trim() == option);
    if text.lines().any(sets) {
        return None;
    }
    let line = format!("{option} = {value}");
    let edit = match text.split('\n').position(|line| line.trim() == SECTION) {
        Some(at) => {
            let old = text.split('\n').nth(at)?.to_owned();
            Edit::Lines { line: at + 1, old: vec![old.clone()], new: vec![old, line] }
        }
        None => Edit::Append { lines: vec![SECTION.to_owned(), line] },
    };
    let command = vec!["/usr/local/cpanel/scripts/buildeximconf".to_owned()];
    let built = Edit::EximMain { option: option.to_owned(), value: Some(value.to_owned()) };
    let from = Some(CPANEL_LOCAL.to_owned());
    Some(vec![
        Op::Edit { file: CPANEL_LOCAL.to_owned(), edit },
        Op::Generate { command, from, file: CPANEL_BUILT.to_owned(), edit: built },
    ])
}

pub(crate) fn set_main(state: &State<'_>, exim: &Exim, option: &str, value: Option<&str>) -> Vec<Op> {
    let place = exim.main.get(option).and_then(|set| set.origin.span());
    if let Some(span) = place.filter(|span| span.path() == CPANEL_LOCAL) {
        let edit = Edit::EximMain { option: option.to_owned(), value: value.map(str::to_owned) };
        return built(state, span, option, value, edit).unwrap_or_default();
    }
    let file = place.map_or(exim.file.as_str(), |span| span.path());
    if let Some(ops) = value.filter(|_| file == exim.file).and_then(|value| by_local(state, exim, option, value)) {
        return ops;
    }
    let edit = Edit::EximMain { option: option.to_owned(), value: value.map(str::to_owned) };
    self::edit(state, exim, file, edit)
}

pub(crate) fn transports<'a>(exim: &'a Exim, paths: &[&OutboundPath]) -> Vec<&'a EximDriver> {
    let named = |driver: &&EximDriver| paths.iter().any(|path| path.services.iter().any(|s| **s == *driver.name));
    exim.transports.iter().filter(named).collect()
}

/// Whether a value is looked up or put together: a constant must not replace it.
fn is_worked_out(value: &str) -> bool {
    value.contains('$') && !["$primary_hostname", "$smtp_active_hostname"].contains(&value.trim())
}

/// Ways to another HELO name.
pub(crate) fn helo(state: &State<'_>, paths: &[&OutboundPath], addr: IpAddr, name: &DomainName) -> Vec<Way> {
    let Some(exim) = state.facts().exim.first() else { return Vec::new() };
    let drivers = transports(exim, paths);
    let mut ways = Vec::new();
    let helo_data = |driver: &&EximDriver| driver.options.get("helo_data").and_then(|set| set.value.clone());
    let worked_out: Vec<String> = drivers.iter().filter_map(helo_data).filter(|value| is_worked_out(value)).collect();
    if worked_out.is_empty() {
        let ops = drivers.iter().flat_map(|driver| set(state, exim, driver, "helo_data", Some(name.as_str())));
        ways.push(Way::new(once(ops)).blast(u32::from(paths.iter().all(|path| path.helo_is_global))));
        let without: Vec<Op> = drivers
            .iter()
            .filter(|driver| driver.options.contains_key("helo_data"))
            .flat_map(|driver| set(state, exim, driver, "helo_data", None))
            .collect();
        if !without.is_empty() {
            ways.push(Way::new(without));
        }
    } else {
        let tables: Vec<String> = worked_out.iter().flat_map(|value| tables_of(value)).collect();
        tables.iter().for_each(|table| ways.extend(by_table(state, table, paths, addr, name)));
    }
    if worked_out.iter().any(|value| is_by_ptr(value)) {
        // The name that a lookup of the private address finds is nobody's to publish: what all say is said here too.
        let ops = drivers.iter().flat_map(|driver| set(state, exim, driver, "helo_data", Some("$primary_hostname")));
        ways.push(Way::new(ops.collect()).blast(2));
        let ops = drivers.iter().flat_map(|driver| set(state, exim, driver, "helo_data", Some(name.as_str())));
        ways.push(Way::new(ops.collect()).blast(3));
    }
    ways.push(Way::new(set_main(state, exim, "primary_hostname", Some(name.as_str()))).blast(OF_MTA));
    if exim.main.get("primary_hostname").is_some_and(|set| set.origin.span().is_some()) {
        ways.push(Way::new(set_main(state, exim, "primary_hostname", None)).blast(OF_MTA + 1));
    }
    if exim.main.get("smtp_active_hostname").is_some_and(|set| set.origin.span().is_some()) {
        ways.push(Way::new(set_main(state, exim, "smtp_active_hostname", Some(name.as_str()))).blast(1));
        ways.push(Way::new(set_main(state, exim, "smtp_active_hostname", None)).blast(1));
    }
    ways.extend(paths.iter().filter_map(|path| by_macro(state, path, name)));
    ways
}

/// Whether a value is the PTR name of the sending address.
fn is_by_ptr(value: &str) -> bool {
    value.contains("dnsdb") && value.contains("sending_ip_address")
}

/// The macro whose definition is where a name comes from.
fn by_macro(state: &State<'_>, path: &OutboundPath, name: &DomainName) -> Option<Way> {
    let Helo::Known(helo) = &path.helo else { return None };
    let span = helo.origin.span()?;
    let text = state.text(span.path())?;
    let defined = macro_at(&text, span.position().line)?;
    let value = name.to_string();
    Some(Way::new(set_macro(state, span.path(), defined, value)))
}

/// A macro that `file` defines, or what that is generated from.
pub(crate) fn set_macro(state: &State<'_>, file: &str, name: String, value: String) -> Vec<Op> {
    let edit = Edit::EximMacro { name, value };
    match state.facts().exim.first() {
        Some(exim) => self::edit(state, exim, file, edit),
        None => vec![Op::Edit { file: file.to_owned(), edit }],
    }
}

/// The macro that the logical line with a physical line (from 1) defines.
pub(crate) fn macro_at(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut at = line.checked_sub(1)?;
    while at > 0 && lines.get(at - 1)?.trim_end().ends_with('\\') {
        at -= 1;
    }
    let (name, _) = lines.get(at)?.split_once('=')?;
    let name = name.trim();
    let is_macro = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_macro.then(|| name.to_owned())
}

/// The tables that a value is looked up in.
pub fn tables_of(value: &str) -> Vec<String> {
    let mut tables = Vec::new();
    for part in value.split('{').skip(1) {
        let path = part.split('}').next().unwrap_or_default().trim().trim_matches('"');
        if path.starts_with('/') && !path.contains(['$', ' ']) && !tables.iter().any(|known| known == path) {
            tables.push(path.to_owned());
        }
    }
    tables
}

/// A table of HELO names that is not there, as an empty one: without it Exim defers the mail, and what is wrong with the names shows then.
pub(super) fn table_missing(state: &State<'_>, file: &str) -> Option<Candidate> {
    let transports = state.facts().exim.iter().flat_map(|exim| exim.transports.iter());
    let mut values = transports.filter_map(|driver| driver.options.get("helo_data")?.value.as_deref());
    if state.text(file).is_some() || !values.any(|value| tables_of(value).iter().any(|table| table == file)) {
        return None;
    }
    let edit = Edit::Whole { text: String::new() };
    Some(Candidate::new(format!("{file} is there"), vec![Op::Edit { file: file.to_owned(), edit }]))
}

/// The line of a table for these paths: by address, by domain, for all.
fn by_table(state: &State<'_>, table: &str, paths: &[&OutboundPath], addr: IpAddr, name: &DomainName) -> Vec<Way> {
    let known = state.table(table);
    let mut keys: Vec<Vec<String>> = Vec::new();
    let source = paths.iter().filter_map(|path| path.source.as_ref()).map(|fact| fact.value).next().unwrap_or(addr);
    keys.push(vec![source.to_string()]);
    let domains: Vec<String> = paths
        .iter()
        .flat_map(|path| match &path.sender_domains {
            SenderDomains::Only { domains, .. } => domains.as_slice(),
            _ => &[],
        })
        .map(ToString::to_string)
        .collect();
    if !domains.is_empty() && domains.len() <= LINES {
        keys.push(domains);
    }
    keys.push(vec!["*".to_owned()]);
    let ops = |keys: Vec<String>| {
        let mut lines = table::Lines::new(&known);
        lines.set(&keys, name.as_str());
        lines.ops()
    };
    keys.into_iter().map(ops).filter(|ops| !ops.is_empty()).map(Way::new).collect()
}
