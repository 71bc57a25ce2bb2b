//! The domains whose mail this host handles, and the keys that it signs their mail with: from the panels' and mail servers' files.

use crate::collect::confidential::OwnFiles;
use crate::collect::lsearch;
use crate::collect::root::{ReadError, Root};
use crate::dkim::KeyFault;
use crate::domains::{DOMAIN_LIMIT, Handled, MailDomains, SigningKey};
use crate::facts::{Facts, Origin};
use crate::name::DomainName;
use crate::source::SourceFile;

/// Users of a panel that are looked at.
const USER_LIMIT: usize = 50_000;

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
    let mut found = MailDomains::of_facts(facts);
    of_exim(root, facts, &mut found);
    of_directadmin(root, &mut found);
    let hestia = of_hestia(root, &mut found);
    found.add_senders(facts);
    let mut keys = Keys { root, found: &mut found };
    keys.of_panels(&hestia);
    keys.of_rspamd();
    keys.of_opendkim();
    found
}

fn add(found: &mut MailDomains, name: &str, handled: Handled, origin: Origin) {
    found.add(DomainName::new(name), handled, origin);
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
    /// The key in a file, where there is one and the domain is handled here.
    fn add(&mut self, domain: &DomainName, selector: &str, file: &str) {
        if !self.found.domains.contains_key(domain) {
            return;
        }
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
            self.add(&DomainName::new(domain), selector, &format!("{RSPAMD_KEYS}/{name}"));
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
                    self.add(&DomainName::new(domain), selector, key.trim());
                }
            }
        } else if let (Some(domains), Some(selector), Some(key)) =
            (setting("Domain"), setting("Selector"), setting("KeyFile"))
        {
            for domain in domains.split([',', ' ']).map(str::trim).filter(|name| is_name(name)) {
                self.add(&DomainName::new(domain), &selector, &key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    use crate::{collect, identity};

    const KEY: &str = include_str!("../../testdata/dkim/rsa1024.pkcs1.pem");

    fn write(dir: &Path, path: &str, text: &str) {
        let place = dir.join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    /// The domains, with what is done with their mail, and the keys, of a host with these files.
    fn found(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(path, text)| write(dir.path(), path, text));
        let root = Root::open(dir.path()).unwrap();
        let mut facts = collect::collect(&root, None);
        identity::apply(&mut facts, crate::facts::Overrides { mta: None, nat: Vec::new() });
        let found = mail_domains(&root, &facts);
        let domains = found.domains.values().map(|domain| format!("{} {}", domain.name, domain.handled)).collect();
        let keys = found.keys.iter().flat_map(|(domain, keys)| keys.iter().map(move |key| (domain, key)));
        let keys = keys.map(|(domain, key)| {
            let what = key.key.as_ref().map_or_else(ToString::to_string, |key| format!("{key:?}"));
            format!("{domain} {} {what}", key.selector)
        });
        (domains, keys.collect())
    }

    #[test]
    fn lists_of_postfix_with_their_tables() {
        let (domains, _) = found(&[
            (
                "/etc/postfix/main.cf",
                "myhostname = mail.example.com\nmydestination = $myhostname, localhost, .pattern.example, a.example\n\
                 virtual_mailbox_domains = texthash:/etc/postfix/virtual, b.example\n\
                 virtual_alias_domains = /etc/postfix/aliased\nrelay_domains = r.example, a.example\n",
            ),
            ("/etc/postfix/master.cf", "smtp unix - - n - - smtp\n"),
            ("/etc/postfix/virtual", "c.example ok\n# no.example x\nD.Example ok\n"),
            ("/etc/postfix/aliased", "e.example\nf.example\n"),
        ]);
        let expected = [
            "a.example local",
            "b.example local",
            "c.example local",
            "d.example local",
            "e.example local",
            "f.example local",
            "mail.example.com local",
            "r.example secondary",
        ];
        assert_eq!(domains, expected);
    }

    #[test]
    fn lists_of_exim_with_their_files() {
        let (domains, _) = found(&[
            (
                "/etc/exim/exim.conf",
                "primary_hostname = mail.example.com\n\
                 domainlist local_domains = @ : a.example : lsearch;/etc/exim/local : MACRO : *.pattern.example\n\
                 domainlist relay_to_domains = r.example : \\\n  /etc/exim/relayed\ndomainlist other = o.example\n\
                 begin routers\n",
            ),
            ("/etc/exim/local", "b.example\nc.example: user\n"),
            ("/etc/exim/relayed", "s.example\n"),
        ]);
        let expected =
            ["a.example local", "b.example local", "c.example local", "r.example secondary", "s.example secondary"];
        assert_eq!(domains, expected);
    }

    #[test]
    fn debian_s_own_settings_of_exim() {
        let (domains, _) = found(&[
            ("/etc/exim4/exim4.conf.template", "begin routers\n"),
            (
                "/etc/exim4/update-exim4.conf.conf",
                "dc_other_hostnames='a.example;b.example:localhost'\ndc_relay_domains='r.example'\n",
            ),
            ("/var/lib/exim4/config.autogenerated", "primary_hostname = mail.example.com\nbegin routers\n"),
        ]);
        assert_eq!(domains, ["a.example local", "b.example local", "r.example secondary"]);
    }

    #[test]
    fn panels_with_their_keys() {
        let (domains, keys) = found(&[
            ("/etc/wwwacct.conf", "HOST mail.example.com\n"),
            ("/etc/localdomains", "a.example\nb.example\n"),
            ("/etc/remotedomains", "c.example\n"),
            ("/etc/secondarymx", "d.example\n"),
            ("/etc/userdomains", "*: nobody\na.example: user\ne.example: user\n"),
            ("/var/cpanel/domain_keys/private/a.example", KEY),
            ("/var/cpanel/domain_keys/private/b.example", "no key"),
            ("/var/cpanel/domain_keys/private/stranger.example", KEY),
        ]);
        let expected =
            ["a.example local", "b.example local", "c.example remote", "d.example secondary", "e.example sender"];
        assert_eq!(domains, expected);
        assert_eq!(keys, ["a.example default rsa 1024", "b.example default it holds no private key in PEM form"]);
        let (domains, keys) = found(&[
            ("/usr/local/directadmin/directadmin", ""),
            ("/etc/virtual/domains", "a.example\n"),
            ("/etc/virtual/domainowners", "a.example: user\nb.example: user\n"),
            ("/etc/virtual/a.example/dkim.private.key", KEY),
        ]);
        assert_eq!(domains, ["a.example local", "b.example sender"]);
        assert_eq!(keys, ["a.example x rsa 1024"]);
        let (domains, keys) = found(&[
            (
                "/usr/local/hestia/data/users/joe/mail.conf",
                "DOMAIN='a.example' DKIM='yes'\nDOMAIN='b.example' DKIM='no'\n",
            ),
            ("/home/joe/conf/mail/a.example/dkim.pem", KEY),
        ]);
        assert_eq!(domains, ["a.example local", "b.example local"]);
        assert_eq!(keys, ["a.example mail rsa 1024"]);
    }

    #[test]
    fn programs_that_sign() {
        let postfix = [
            ("/etc/postfix/main.cf", "myhostname = mail.example.com\nmydestination = a.example, b.example\n"),
            ("/etc/postfix/master.cf", "smtp unix - - n - - smtp\n"),
        ];
        let with = |more: &[(&'static str, &'static str)]| found(&[&postfix, more].concat()).1;
        assert_eq!(
            with(&[("/var/lib/rspamd/dkim/a.example.dkim.key", KEY), ("/var/lib/rspamd/dkim/x.example.dkim.key", KEY)]),
            ["a.example dkim rsa 1024"]
        );
        assert_eq!(
            with(&[
                ("/etc/opendkim.conf", "Syslog yes\nKeyTable refile:/etc/opendkim/keys\n"),
                (
                    "/etc/opendkim/keys",
                    "# name domain:selector:key\none a.example:s1:/etc/opendkim/one\ntwo b.example:s2:/etc/none\n"
                ),
                ("/etc/opendkim/one", KEY),
            ]),
            ["a.example s1 rsa 1024"]
        );
        assert_eq!(
            with(&[("/etc/opendkim.conf", "Domain b.example\nSelector s\nKeyFile /etc/key\n"), ("/etc/key", KEY)]),
            ["b.example s rsa 1024"]
        );
    }
}
