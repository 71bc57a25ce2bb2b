//! The configuration as the snapshot shows it: options with their defaults, as `exim -bP` prints them.

use std::collections::BTreeMap;

use super::config::{Config, Driver};
use super::hostname;
use super::tables::Class;
use crate::facts::{EximDriver, Fact, Origin, Setting};

const SPECIFICATION: Origin = Origin::default_of("Exim specification");

/// Main options that identity depends on, with their defaults.
const MAIN: &[(&str, &str)] = &[
    ("daemon_smtp_ports", "smtp"),
    ("disable_ipv6", "false"),
    ("dns_ipv4_lookup", ""),
    ("extra_local_interfaces", ""),
    ("helo_allow_chars", ""),
    ("local_interfaces", "<; ::0 ; 0.0.0.0"),
    ("smtp_active_hostname", ""),
    ("smtp_banner", "$smtp_active_hostname ESMTP Exim $version_number $tod_full"),
    ("smtp_enforce_sync", "true"),
    ("tls_advertise_hosts", "*"),
    ("tls_certificate", ""),
    ("tls_on_connect_ports", ""),
    ("tls_privatekey", ""),
];
const SMTP: &[(&str, &str)] = &[
    ("authenticated_sender", ""),
    ("dkim_domain", ""),
    ("dkim_private_key", ""),
    ("dkim_selector", ""),
    ("helo_data", "$primary_hostname"),
    ("hosts", ""),
    ("hosts_override", "false"),
    ("interface", ""),
    ("port", "smtp"),
    ("protocol", "smtp"),
    ("tls_certificate", ""),
];
const ROUTER: &[(&str, &str)] = &[
    ("address_data", ""),
    ("condition", ""),
    ("domains", ""),
    ("ignore_target_hosts", ""),
    ("more", "true"),
    ("self", "freeze"),
    ("senders", ""),
    ("transport", ""),
    ("unseen", "false"),
];
const MANUALROUTE: &[(&str, &str)] = &[("host_find_failed", "freeze"), ("route_data", ""), ("route_list", "")];

fn setting(fact: &Fact<String>) -> Setting {
    Setting {
        value: Some(fact.value.clone()),
        postconf: None,
        expanded: None,
        undecided: None,
        origin: fact.origin.clone(),
        via: fact.via.clone(),
    }
}

/// Main options: those set, and the defaults of those that identity depends on.
pub(crate) fn main(config: &Config, hostname: &Result<Fact<String>, String>) -> BTreeMap<String, Setting> {
    let mut all: BTreeMap<String, Setting> =
        config.main.iter().map(|(name, fact)| (name.clone(), setting(fact))).collect();
    for (name, default) in MAIN {
        all.entry((*name).to_owned()).or_insert_with(|| Setting::known(*default, SPECIFICATION));
    }
    let primary = match hostname {
        Ok(fact) => setting(fact),
        Err(why) => Setting::undecided(why.clone(), hostname::UNDECIDED),
    };
    all.entry("primary_hostname".into()).or_insert(primary.clone());
    for (name, from) in [("qualify_domain", "primary_hostname"), ("qualify_recipient", "qualify_domain")] {
        let mut default = all.get(from).cloned().unwrap_or(primary.clone());
        // Set to nothing, it is nothing.
        if !config.main.contains_key(name) {
            let earlier = std::mem::replace(&mut default.origin, SPECIFICATION);
            default.via.add_nearest(earlier);
            all.insert(name.into(), default);
        }
    }
    all
}

/// A transport or router.
pub(crate) fn driver(driver: &Driver, class: Class) -> EximDriver {
    let mut options: BTreeMap<String, Setting> = driver
        .options
        .iter()
        .filter(|(name, _)| *name != "driver")
        .map(|(name, fact)| (name.clone(), setting(fact)))
        .collect();
    let mut defaults: Vec<&(&str, &str)> = Vec::new();
    match (class, driver.driver.as_str()) {
        (Class::Transport, "smtp") => defaults.extend(SMTP),
        (Class::Transport | Class::Authenticator, _) => {}
        (Class::Router, "manualroute") => defaults.extend(ROUTER.iter().chain(MANUALROUTE)),
        (Class::Router, _) => defaults.extend(ROUTER),
    }
    let protocol = driver.text("protocol").unwrap_or("smtp").to_owned();
    for (name, default) in defaults {
        let default = match (*name, protocol.as_str()) {
            ("port", "lmtp") => "lmtp",
            ("port", "smtps") => "smtps",
            _ => default,
        };
        options.entry((*name).to_owned()).or_insert_with(|| Setting::known(default, SPECIFICATION));
    }
    EximDriver {
        name: driver.name.clone(),
        driver: driver.driver.clone(),
        origin: Origin::File(driver.origin.clone()),
        options,
    }
}
