//! Files of settings: wwwacct.conf, exim.conf.localopts, mainip, cpnat.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use pest::Parser;

use super::complaints::{Complaints, excerpt};
use crate::collect::reading::lines;
use crate::collect::system::first_line;
use crate::facts::{CpanelNat, Fact, Problem};
use crate::source::{SourceFile, Span};

#[derive(pest_derive::Parser)]
#[grammar = "grammar/cpanel.pest"]
pub(super) struct Line;

/// Settings of the Exim Configuration Manager that decide HELO names, source addresses and next hops.
const LOCALOPTS_OF_INTEREST: [&str; 5] =
    ["custom_mailhelo", "custom_mailips", "per_domain_mailips", "smarthost_routelist", "use_rdns_for_helo"];

/// What wwwacct.conf says of the host.
#[derive(Debug, Default)]
pub(super) struct Wwwacct {
    pub(super) host: Option<Fact<String>>,
    pub(super) shared_ip: Option<Fact<IpAddr>>,
}

/// A setting's key and value on a line of `rule`; `None` where the line is none, or has no value.
fn setting(file: &Arc<SourceFile>, at: usize, line: &str, rule: Rule) -> Option<(Span, Fact<String>)> {
    let mut parts = Line::parse(rule, line).ok()?.flat_map(|line| line.into_inner());
    let key = parts.find(|part| part.as_rule() == Rule::setting_key)?.as_span();
    let value = parts.find(|part| part.as_rule() == Rule::value)?.as_span();
    let span = |place: pest::Span| file.span(at + place.start(), at + place.end());
    Some((span(key), Fact::new(value.as_str().to_owned(), span(value))))
}

/// Of a setting that stands twice the last one counts, as in every hash that is filled line by line.
pub(super) fn wwwacct(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Wwwacct {
    let mut found = Wwwacct::default();
    let mut address = None;
    // Most settings there are about something else.
    for (at, line) in lines(file.text()).filter(|(_, line)| line.contains("HOST") || line.contains("ADDR")) {
        let Some((key, value)) = setting(file, at, line, Rule::wwwacct_line) else { continue };
        match key.text() {
            "HOST" => found.host = Some(value),
            "ADDR" => address = Some(value),
            _ => {}
        }
    }
    let broken = "WHM and its scripts cannot use it. Set the main shared address in WHM's Basic Setup";
    found.shared_ip = address.and_then(|text| parsed(&text, "ADDR", broken, &mut Complaints::new(problems)));
    found
}

/// The settings of interest, by key.
pub(super) fn localopts(file: &Arc<SourceFile>) -> BTreeMap<String, Fact<String>> {
    let may_be = |line: &str| LOCALOPTS_OF_INTEREST.iter().any(|key| line.contains(key));
    let settings = lines(file.text())
        .filter(|(_, line)| may_be(line))
        .filter_map(|(at, line)| setting(file, at, line, Rule::localopts_line));
    let wanted = settings.filter(|(key, _)| LOCALOPTS_OF_INTEREST.contains(&key.text()));
    wanted.map(|(key, value)| (key.text().to_owned(), value)).collect()
}

/// The main server address: the one line of `/var/cpanel/mainip`.
pub(super) fn main_ip(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Option<Fact<IpAddr>> {
    let broken = "WHM takes this file for the server's main address. `/scripts/mainipcheck` writes it again";
    parsed(&first_line(file)?, "the main address", broken, &mut Complaints::new(problems))
}

/// The pairs of `/var/cpanel/cpnat`.
pub(super) fn cpnat(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Vec<CpanelNat> {
    const REPAIR: &str = "The line maps nothing. `/usr/local/cpanel/scripts/build_cpnat` writes the file again";
    let mut complaints = Complaints::new(problems);
    let mut pairs = Vec::new();
    for (at, line) in lines(file.text()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (mut local, mut public) = (None, None);
        let fields = Line::parse(Rule::cpnat_line, line).into_iter().flatten().flat_map(|line| line.into_inner());
        for field in fields {
            let place = field.as_span();
            let text = Fact::new(field.as_str().to_owned(), file.span(at + place.start(), at + place.end()));
            match field.as_rule() {
                Rule::local => local = Some(text),
                Rule::public => public = Some(text),
                Rule::extra => complaints.add(
                    &file.span(at + place.start(), at + place.end()),
                    format!("`{}` stands behind a pair of addresses, where nothing is expected", excerpt(&text.value)),
                ),
                _ => {}
            }
        }
        let Some(local) = local.and_then(|text| parsed(&text, "the local address", REPAIR, &mut complaints)) else {
            continue;
        };
        let public = match public {
            None => None,
            Some(text) => match parsed(&text, "the public address", REPAIR, &mut complaints) {
                Some(public) => Some(public.value),
                None => continue,
            },
        };
        pairs.push(CpanelNat { local, public });
    }
    pairs
}

/// The address that `text` spells; where it spells none, that is complained of.
fn parsed(text: &Fact<String>, what: &str, broken: &str, complaints: &mut Complaints) -> Option<Fact<IpAddr>> {
    if let Ok(address) = text.value.parse() {
        return Some(text.with(address));
    }
    if let Some(span) = text.origin.span() {
        complaints.add(span, format!("{what} is `{}`, which is not an IP address. {broken}", excerpt(&text.value)));
    }
    None
}
