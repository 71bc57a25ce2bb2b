//! What expanded options come to where that is the same for every message: names in greetings, certificates, DKIM.

use std::rc::Rc;
use std::sync::Arc;

use super::expand::parse::parse;
use super::expand::{Evaluator, Scope, Tables};
use super::{Read, senders};
use crate::collect::root::Root;
use crate::facts::Setting;

/// Main options that Exim expands for each incoming connection.
const MAIN: [&str; 3] = ["smtp_banner", "tls_certificate", "tls_privatekey"];
/// Options of an smtp transport that Exim expands for each connection or message.
const TRANSPORT: [&str; 7] =
    ["dkim_domain", "dkim_private_key", "dkim_selector", "helo_data", "interface", "tls_certificate", "tls_privatekey"];

/// Fills in [`Setting::expanded`] of a configuration that Exim takes.
pub(crate) fn expand(root: &Root, read: &mut Read, tables: &Tables) {
    let mut evaluator = senders::evaluator(root, read);
    evaluator.tables = Rc::clone(tables);
    let outgoing = senders::scope(read);
    let mut main: Vec<(&str, Option<String>)> = Vec::new();
    // The active name is the primary one where its own expansion is empty; the greeting refers to it.
    let mut incoming = outgoing.clone();
    incoming.values.remove("smtp_active_hostname");
    let primary = outgoing.values.get("primary_hostname").cloned();
    let own = read.facts.main.get("smtp_active_hostname").and_then(|set| value(&evaluator, &incoming, set));
    let active = own.and_then(|own| if own.is_empty() { primary } else { Some(own) });
    incoming.values.extend(active.clone().map(|active| ("smtp_active_hostname".into(), active)));
    // What came by SMTP brings that name, what was made here the primary one.
    let mut outgoing = outgoing;
    if outgoing.values.get("smtp_active_hostname") != active.as_ref() {
        outgoing.values.remove("smtp_active_hostname");
    }
    main.push(("smtp_active_hostname", active));
    for name in MAIN {
        main.push((name, read.facts.main.get(name).and_then(|set| value(&evaluator, &incoming, set))));
    }
    let of_transports: Vec<Vec<Option<String>>> = read
        .facts
        .transports
        .iter()
        .map(|driver| {
            TRANSPORT.iter().map(|name| driver.options.get(*name).and_then(|set| value(&evaluator, &outgoing, set)))
        })
        .map(Iterator::collect)
        .collect();
    drop(evaluator);
    for (name, expanded) in main {
        if let Some(set) = read.facts.main.get_mut(name) {
            set.expanded = expanded;
        }
    }
    for (driver, all) in Arc::make_mut(&mut read.facts.transports).iter_mut().zip(of_transports) {
        for (name, expanded) in TRANSPORT.iter().zip(all) {
            if let Some(set) = driver.options.get_mut(*name) {
                set.expanded = expanded;
            }
        }
    }
}

/// What an option comes to, where files decide it and it differs from no message to another.
fn value(evaluator: &Evaluator, scope: &Scope, set: &Setting) -> Option<String> {
    evaluator.value(&parse(set.value.as_deref()?), &mut scope.clone()).ok()
}

#[cfg(test)]
mod tests {
    use crate::collect::exim::tests::Fixture;

    #[test]
    fn what_files_decide_is_shown_expanded() {
        let text = "primary_hostname = mail.example.com\nsmtp_active_hostname = ${lc:MX.example.com}\n\
            smtp_banner = $smtp_active_hostname ESMTP\ntls_certificate = ${if exists{/etc/a.crt}{/etc/a.crt}{/etc/b.crt}}\n\
            tls_privatekey = ${perl{key}}\nbegin transports\nt:\n driver = smtp\n helo_data = $smtp_active_hostname\n \
            dkim_selector = ${lookup{s}lsearch{/etc/map}{$value}}\n dkim_domain = ${lc:$sender_address_domain}\n";
        let found =
            Fixture::new(&[("/etc/exim.conf", text), ("/etc/a.crt", ""), ("/etc/map", "s: x1\n")]).collect(false);
        let exim = &found.configurations[0];
        let main = |name: &str| exim.main[name].expanded.as_deref();
        assert_eq!(main("smtp_active_hostname"), Some("mx.example.com"));
        assert_eq!(main("smtp_banner"), Some("mx.example.com ESMTP"));
        assert_eq!(main("tls_certificate"), Some("/etc/a.crt"));
        assert_eq!(main("tls_privatekey"), None, "Perl decides it");
        let of = |name: &str| exim.transports[0].options[name].expanded.as_deref();
        assert_eq!(of("helo_data"), None, "mail made here has the primary name, other mail the active one");
        assert_eq!(of("dkim_selector"), Some("x1"));
        assert_eq!(of("dkim_domain"), None, "it differs for each sender");
    }

    #[test]
    fn an_active_name_that_is_empty_is_the_primary_one() {
        let found = Fixture::new(&[("/etc/exim.conf", "smtp_banner = $smtp_active_hostname\n")]).collect(false);
        let main = &found.configurations[0].main;
        assert_eq!(main["smtp_banner"].expanded.as_deref(), Some("mail1.example.com"));
        let undecided = "smtp_active_hostname = ${perl{x}}\nsmtp_banner = $smtp_active_hostname\n";
        let found = Fixture::new(&[("/etc/exim.conf", undecided)]).collect(false);
        assert_eq!(found.configurations[0].main["smtp_banner"].expanded, None);
    }
}
