//! The domains whose mail this host handles, and the keys that it signs their mail with: from the panels' and mail servers' files.

use crate::collect::confidential::OwnFiles;
use crate::collect::lsearch;
use crate::collect::root::{ReadError, Root};
use crate::dkim::KeyFault;
use crate::domains::{Handled, MailDomains, SigningKey};
use crate::facts::{Facts, Origin, SenderDomains};
use crate::name::DomainName;
use crate::source::SourceFile;

/// Domains that are looked at: ten times what the largest servers have.
const DOMAIN_LIMIT: usize = 500_000;
/// Users of a panel that are looked at.
const USER_LIMIT: usize = 50_000;

/// Postfix's lists, and what they say of their domains.
const POSTFIX_LISTS: [(&str, Handled); 4] = [
    ("mydestination", Handled::Local),
    ("virtual_mailbox_domains", Handled::Local),
    ("virtual_alias_domains", Handled::Local),
    ("relay_domains", Handled::Secondary),
];
/// Exim's domain lists by their usual names.
const EXIM_LISTS: [(&str, Handled); 4] = [
    ("local_domains", Handled::Local),
    ("relay_to_domains", Handled::Secondary),
    ("relay_domains", Handled::Secondary),
    ("secondarymx_domains", Handled::Secondary),
];
/// Folder of cPanel's private keys; its selector is always the same.
const CPANEL_KEYS: (&str, &str) = ("/var/cpanel/domain_keys/private", "default");
/// Folder of DirectAdmin's domains, the name of a key in it, its selector.
const DIRECTADMIN_KEYS: (&str, &str, &str) = ("/etc/virtual", "dkim.private.key", "x");
/// Folder of Hestia's and Vesta's users.
const HESTIA_USERS: &str = "/usr/local/hestia/data/users";
/// Hestia's selector.
const HESTIA_SELECTOR: &str = "mail";
/// Where rspamd keeps `DOMAIN.SELECTOR.key`, as its documentation has it.
const RSPAMD_KEYS: &str = "/var/lib/rspamd/dkim";
/// OpenDKIM's configuration.
const OPENDKIM: &str = "/etc/opendkim.conf";

/// The domains of the host below `root`, and its keys.
pub fn mail_domains(root: &Root, facts: &Facts) -> MailDomains {
    let mut found = MailDomains::default();
    of_cpanel(facts, &mut found);
    for listed in &facts.listed_domains {
        if let Some((_, handled)) = POSTFIX_LISTS.iter().find(|(list, _)| *list == listed.list) {
            add(&mut found, &listed.name, *handled, listed.origin.clone());
        }
    }
    of_exim(root, facts, &mut found);
    of_directadmin(root, &mut found);
    let hestia = of_hestia(root, &mut found);
    of_senders(facts, &mut found);
    let mut keys = Keys { root, found: &mut found };
    keys.of_panels(&hestia);
    keys.of_rspamd();
    keys.of_opendkim();
    found
}

fn add(found: &mut MailDomains, name: &str, handled: Handled, origin: Origin) {
    if found.domains.len() < DOMAIN_LIMIT {
        found.add(DomainName::new(name), handled, origin);
    }
}

fn of_cpanel(facts: &Facts, found: &mut MailDomains) {
    let Some(cpanel) = &facts.cpanel else { return };
    let lists = [
        (&cpanel.localdomains, Handled::Local),
        (&cpanel.secondarymx, Handled::Secondary),
        (&cpanel.remotedomains, Handled::Remote),
    ];
    for (list, handled) in lists {
        list.iter().for_each(|domain| add(found, domain, handled, domain.origin()));
    }
    // An account's domain in none of the lists sends mail all the same.
    cpanel.userdomains.iter().for_each(|entry| add(found, &entry.key, Handled::Sender, entry.key.origin()));
}

/// Domains that the configuration selects paths by.
fn of_senders(facts: &Facts, found: &mut MailDomains) {
    for path in &facts.paths {
        let SenderDomains::Only { domains, .. } = &path.sender_domains else { continue };
        let origin = path.helo_name().map(|name| name.origin.clone());
        let origin = origin.unwrap_or(Origin::kernel("sender domains"));
        domains.iter().for_each(|domain| add(found, domain.as_str(), Handled::Sender, origin.clone()));
    }
}

/// The usual domain lists of Exim's configurations: names, and files that `lsearch` and `dsearch` look them up in. What a macro, a lookup of
/// another kind or a condition decides is left out. On Debian, what its own file of settings gives for them.
fn of_exim(root: &Root, facts: &Facts, found: &mut MailDomains) {
    for exim in &facts.exim {
        let files = OwnFiles::of_exim(root, [exim.file.as_str()]);
        let Ok(file) = files.read(&exim.file) else { continue };
        let text = file.text().replace("\\\n", " ");
        for line in text.lines() {
            let Some(rest) = line.trim_start().strip_prefix("domainlist ") else { continue };
            let Some((name, items)) = rest.split_once('=') else { continue };
            let Some((_, handled)) = EXIM_LISTS.iter().find(|(list, _)| *list == name.trim()) else { continue };
            for item in items.split(':').map(str::trim) {
                of_exim_item(root, &files, item, &exim.file, *handled, found);
            }
        }
    }
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

fn of_exim_item(root: &Root, files: &OwnFiles<'_>, item: &str, file: &str, handled: Handled, found: &mut MailDomains) {
    let (kind, path) = item.split_once(';').unwrap_or(("", item));
    let path = path.trim();
    if kind.ends_with("dsearch") && path.starts_with('/') && files.may_look_at(path) {
        let origin: Origin = SourceFile::new(path, b"").span(0, 0).into();
        let names = root.names_in(path, DOMAIN_LIMIT);
        names.iter().filter(|name| is_name(name)).for_each(|name| add(found, name, handled, origin.clone()));
    } else if (kind.ends_with("lsearch") || kind.is_empty()) && path.starts_with('/') {
        let Ok(listed) = files.read(path) else { return };
        for entry in lsearch::read(&listed).entries {
            add_listed(found, &entry.key, handled, entry.key.origin());
        }
    } else if kind.is_empty() && is_name(item) {
        let origin: Origin = SourceFile::new(file, b"").span(0, 0).into();
        add(found, item, handled, origin);
    }
}

fn add_listed(found: &mut MailDomains, name: &str, handled: Handled, origin: Origin) {
    if is_name(name) {
        add(found, name, handled, origin);
    }
}

/// Whether a text is a domain, and not a pattern, a macro or an option.
fn is_name(text: &str) -> bool {
    let name = DomainName::new(text);
    name.is_qualified() && name.is_host_name_but_for_underscores() && !text.starts_with('.')
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

/// Finds keys for domains.
struct Keys<'a> {
    root: &'a Root,
    found: &'a mut MailDomains,
}

impl Keys<'_> {
    /// The key in a file, where there is one.
    fn add(&mut self, domain: &DomainName, selector: &str, file: &str) {
        let key = match self.root.read_signing_key(file) {
            Err(ReadError::NotFound) => return,
            Err(error) => Err(KeyFault::Unreadable(error.to_string())),
            Ok(key) => key.public_part(),
        };
        let key = SigningKey { selector: selector.to_owned(), file: file.to_owned(), key };
        self.found.keys.entry(domain.clone()).or_default().push(key);
    }

    fn of_panels(&mut self, hestia: &[(String, DomainName)]) {
        let domains: Vec<DomainName> = self.found.domains.keys().cloned().collect();
        let (cpanel, selector) = CPANEL_KEYS;
        let (directadmin, file, its_selector) = DIRECTADMIN_KEYS;
        let (has_cpanel, has_directadmin) = (self.root.exists(cpanel), self.root.exists("/usr/local/directadmin"));
        for domain in &domains {
            if has_cpanel {
                self.add(domain, selector, &format!("{cpanel}/{}", domain.as_str()));
            }
            if has_directadmin {
                self.add(domain, its_selector, &format!("{directadmin}/{}/{file}", domain.as_str()));
            }
        }
        for (user, domain) in hestia {
            self.add(domain, HESTIA_SELECTOR, &format!("/home/{user}/conf/mail/{}/dkim.pem", domain.as_str()));
        }
    }

    fn of_rspamd(&mut self) {
        for name in self.root.names_in(RSPAMD_KEYS, DOMAIN_LIMIT) {
            let Some((domain, selector)) = name.strip_suffix(".key").and_then(|stem| stem.rsplit_once('.')) else {
                continue;
            };
            let domain = DomainName::new(domain);
            if self.found.domains.contains_key(&domain) {
                self.add(&domain, selector, &format!("{RSPAMD_KEYS}/{name}"));
            }
        }
    }

    /// OpenDKIM: `KeyTable` with its lines `name domain:selector:file`, or `Domain`, `Selector` and `KeyFile` for one.
    fn of_opendkim(&mut self) {
        let Ok(file) = self.root.read(OPENDKIM) else { return };
        let setting = |name: &str| {
            let mut lines = file.text().lines().filter_map(|line| line.trim().split_once([' ', '\t']));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
        };
        if let Some(table) = setting("KeyTable") {
            let path = table.split_once(':').map_or(table.as_str(), |(_, path)| path).to_owned();
            let Ok(table) = self.root.read(&path) else { return };
            for entry in lsearch::read(&table).entries {
                let value = entry.value.as_str().to_owned();
                let mut parts = value.splitn(3, ':');
                if let (Some(domain), Some(selector), Some(key)) = (parts.next(), parts.next(), parts.next()) {
                    let domain = DomainName::new(domain);
                    if self.found.domains.contains_key(&domain) {
                        self.add(&domain, selector, key.trim());
                    }
                }
            }
        } else if let (Some(domains), Some(selector), Some(key)) =
            (setting("Domain"), setting("Selector"), setting("KeyFile"))
        {
            for domain in domains.split([',', ' ']).map(str::trim).filter(|name| is_name(name)) {
                let domain = DomainName::new(domain);
                if self.found.domains.contains_key(&domain) {
                    self.add(&domain, &selector, &key);
                }
            }
        }
    }
}
