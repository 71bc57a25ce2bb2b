//! Postfix: by service in master.cf, for all in main.cf.

use super::way::{OF_MTA, Way};
use super::{State, once};
use crate::facts::{OutboundPath, Postfix, PostfixService, Setting};
use crate::name::DomainName;
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;

/// The instance and the entry of master.cf that a path's service stands for.
pub(crate) fn service<'a>(
    state: &'a State<'_>,
    label: &str,
) -> Option<(&'a Postfix, Option<&'a PostfixService>, String)> {
    let facts = state.facts();
    let (instance, name) = label.split_once('/').map_or((None, label), |(instance, name)| (Some(instance), name));
    let named = |p: &Postfix| instance.is_none_or(|i| p.config_directory.rsplit('/').next() == Some(i));
    let at = facts.postfix.iter().position(named).unwrap_or(0);
    Some((facts.postfix.get(at)?, state.client(at, name), name.to_owned()))
}

/// The change of a parameter in main.cf.
pub(crate) fn main_cf(postfix: &Postfix, parameter: &str, value: Option<&str>) -> Op {
    Op::Edit {
        file: format!("{}/main.cf", postfix.config_directory),
        edit: Edit::MainCf { parameter: parameter.to_owned(), value: value.map(str::to_owned) },
    }
}

/// The change of a `-o` setting in master.cf.
pub(crate) fn master_cf(postfix: &Postfix, service: &str, parameter: &str, value: Option<&str>) -> Op {
    let (service, parameter) = (service.to_owned(), parameter.to_owned());
    Op::Edit {
        file: format!("{}/master.cf", postfix.config_directory),
        edit: Edit::MasterCf { service, parameter, value: value.map(str::to_owned) },
    }
}

/// Whether a file sets a parameter. Of one that follows another, the place of the other decides, and its own is the nearest on the way.
pub(crate) fn is_set(postfix: &Postfix, parameter: &str) -> bool {
    let own = |set: &Setting| set.via.first().unwrap_or(&set.origin).span().is_some();
    postfix.parameters.get(parameter).is_some_and(own)
}

/// `smtp_` or `lmtp_` before what ends a parameter's name; a few have names of their own.
pub(crate) fn parameter(entry: Option<&PostfixService>, ending: &str) -> String {
    let lmtp = entry.is_some_and(|entry| entry.command.rsplit('/').next() == Some("lmtp"));
    match (lmtp, ending) {
        (true, "helo_name") => "lmtp_lhlo_name".to_owned(),
        (true, _) => format!("lmtp_{ending}"),
        (false, _) => format!("smtp_{ending}"),
    }
}

/// Ways to another HELO name: its own setting of each service; the setting of all; that setting removed; the MTA's own name.
pub(crate) fn helo(state: &State<'_>, paths: &[&OutboundPath], name: &DomainName) -> Vec<Way> {
    let services: Vec<_> =
        paths.iter().flat_map(|path| &path.services).filter_map(|label| service(state, label)).collect();
    let Some((postfix, ..)) = services.first() else { return Vec::new() };
    let mut by_service: Vec<Op> = Vec::new();
    let mut without: Vec<Op> = Vec::new();
    for (postfix, entry, service) in &services {
        let parameter = parameter(*entry, "helo_name");
        by_service.push(master_cf(postfix, service, &parameter, Some(name.as_str())));
        for parameter in [parameter.as_str(), "myhostname"] {
            let overridden = entry.is_some_and(|entry| entry.overrides.contains_key(parameter));
            if overridden {
                without.push(master_cf(postfix, service, parameter, None));
            }
        }
    }
    let (by_service, without) = (once(by_service), once(without));
    let mut ways = Vec::new();
    if !without.is_empty() {
        ways.push(Way::new(without));
    }
    let global = paths.iter().all(|path| path.helo_is_global);
    if global {
        if is_set(postfix, "smtp_helo_name") {
            ways.push(Way::new(vec![main_cf(postfix, "smtp_helo_name", None)]));
            ways.push(Way::new(vec![main_cf(postfix, "smtp_helo_name", Some(name.as_str()))]).blast(1));
        }
        if is_set(postfix, "myhostname") {
            // Of files that only name what the host is called by itself, nothing is left to differ.
            ways.push(Way::new(vec![main_cf(postfix, "myhostname", None)]).blast(OF_MTA + 1));
        }
        ways.push(Way::new(vec![main_cf(postfix, "myhostname", Some(name.as_str()))]).blast(OF_MTA));
        if !is_set(postfix, "smtp_helo_name") {
            ways.push(Way::new(vec![main_cf(postfix, "smtp_helo_name", Some(name.as_str()))]).blast(2));
        }
        if is_set(postfix, "mydomain") || is_set(postfix, "myhostname") {
            let domain = name.parent().map(|parent| parent.to_string());
            ways.push(Way::new(vec![main_cf(postfix, "mydomain", domain.as_deref())]).blast(OF_MTA + 2));
        }
    }
    // A service's own name is for a service that is not everybody's.
    let blast = if global { OF_MTA + 1 } else { 0 };
    ways.push(Way::new(by_service).blast(blast));
    ways
}
