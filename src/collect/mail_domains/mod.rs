//! The domains whose mail this host handles, and the keys that it signs their mail with: from the panels' and mail servers' files.

mod amavis;
mod budget;
mod keys;
mod named;
mod opendkim;
mod rspamd;
mod ucl;
mod zones;

use crate::collect::daemon::Daemon;
use crate::collect::exim::{self, is_name};
use crate::collect::lsearch;
use crate::collect::root::Root;
use crate::domains::{Handled, MailDomains};
use crate::facts::{Facts, Origin};
use crate::name::DomainName;
use keys::{Keys, Open};

/// Users of a panel that are looked at.
const USER_LIMIT: usize = 50_000;

/// Folder of Hestia's and Vesta's users.
const HESTIA_USERS: &str = "/usr/local/hestia/data/users";
/// The domains of the host below `root`, and its keys; `running`: the daemons of the live system.
pub fn mail_domains(root: &Root, facts: &Facts, running: &[Daemon]) -> MailDomains {
    let mut found = MailDomains::of_facts(facts);
    let read = exim::read_again(root, facts, running);
    of_debian(root, facts, &mut found);
    if let Some(read) = &read {
        let (listed, gaps) = exim::domain_lists(root, read);
        listed.iter().for_each(|one| add_listed(&mut found, &one.name, one.handled, one.origin.clone()));
        gaps.into_iter().for_each(|gap| found.add_gap(gap));
    }
    of_directadmin(root, &mut found);
    let hestia = of_hestia(root, &mut found);
    found.add_senders(facts);
    // Where Exim's configuration decides with what it signs, a panel's key beside it signs nothing.
    let (signs, open) = match &read {
        Some(read) => {
            let signs = exim::signing(root, read, facts, found.domains.keys());
            let open = if read.refused.is_some() { Open::All } else { Open::of(&signs.1) };
            (Some(signs), open)
        }
        None => (None, Open::All),
    };
    let mut keys = Keys::new(root, &mut found);
    signs.into_iter().for_each(|signs| keys.of_exim(signs));
    keys.of_panels(&hestia, &open);
    opendkim::keys(&mut keys);
    rspamd::keys(&mut keys);
    amavis::keys(&mut keys);
    zones::add(root, facts, &mut found);
    found
}

fn add(found: &mut MailDomains, name: &str, handled: Handled, origin: Origin) {
    found.add(DomainName::new(name), handled, origin);
}

/// What Debian's own file of settings gives for Exim's lists.
fn of_debian(root: &Root, facts: &Facts, found: &mut MailDomains) {
    const DEBIAN: &str = "/etc/exim4/update-exim4.conf.conf";
    let is_debian = facts.exim.iter().any(|exim| exim.file.contains("exim4"));
    if let Some(file) = root.read(DEBIAN).ok().filter(|_| is_debian) {
        for (setting, handled) in [("dc_other_hostnames", Handled::Local), ("dc_relay_domains", Handled::Secondary)] {
            for (at, line) in crate::collect::reading::lines(file.text()) {
                let Some(value) = line.strip_prefix(setting).and_then(|rest| rest.strip_prefix('=')) else { continue };
                let origin: Origin = file.span(at, at + line.len()).into();
                let names = value.trim_matches(['\'', '"']).split([';', ':']).map(str::trim);
                names.filter(|name| is_name(name)).for_each(|name| add(found, name, handled, origin.clone()));
            }
        }
    }
}

fn add_listed(found: &mut MailDomains, name: &str, handled: Handled, origin: Origin) {
    if is_name(name) {
        add(found, name, handled, origin);
    }
}

fn of_directadmin(root: &Root, found: &mut MailDomains) {
    if !root.exists("/usr/local/directadmin") {
        return;
    }
    for (path, handled) in [("/etc/virtual/domains", Handled::Local), ("/etc/virtual/domainowners", Handled::Sender)] {
        let Ok(file) = root.read(path) else { continue };
        for entry in lsearch::read(&file).entries {
            add_listed(found, &entry.key, handled, entry.key.origin());
        }
    }
}

/// Hestia's mail domains; each with its user.
fn of_hestia(root: &Root, found: &mut MailDomains) -> Vec<(String, DomainName)> {
    let mut owned = Vec::new();
    for user in root.names_in(HESTIA_USERS, USER_LIMIT) {
        let Ok(file) = root.read(&format!("{HESTIA_USERS}/{user}/mail.conf")) else { continue };
        for (at, line) in crate::collect::reading::lines(file.text()) {
            let Some(name) = line.strip_prefix("DOMAIN='").and_then(|rest| rest.split_once('\'')) else { continue };
            if is_name(name.0) {
                add(found, name.0, Handled::Local, file.span(at, at + line.len()).into());
                owned.push((user.clone(), DomainName::new(name.0)));
            }
        }
    }
    owned
}

/// Reads a text as each program that signs would read its settings.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_signers(text: &str) {
    let file = crate::source::SourceFile::new("/etc/signer", text.as_bytes());
    if let Err(unread) = ucl::read(file.text()) {
        let _ = file.span(unread.at, unread.at).position();
    }
    opendkim::read(&file);
    amavis::read(&file);
}

#[cfg(test)]
mod tests;
