//! Private keys that mail is signed with: each file is read once, for its public part.

use std::collections::HashMap;

use crate::collect::exim::{self, Signs};
use crate::collect::root::{ReadError, Root};
use crate::dkim::{KeyFault, PublicKey};
use crate::domains::{Gap, GapOf, MailDomains, SigningKey};
use crate::facts::Origin;
use crate::name::DomainName;

/// Folder of cPanel's private keys; its selector is always the same.
const CPANEL: (&str, &str) = ("/var/cpanel/domain_keys/private", "default");
/// Folder of DirectAdmin's domains, the name of a key in it, its selector.
const DIRECTADMIN: (&str, &str, &str) = ("/etc/virtual", "dkim.private.key", "x");
/// Hestia's selector.
const HESTIA: &str = "mail";

/// Finds keys for domains.
pub(super) struct Keys<'a> {
    pub(super) root: &'a Root,
    pub(super) found: &'a mut MailDomains,
    /// By file; `None` where there is none.
    known: HashMap<String, Option<Result<PublicKey, KeyFault>>>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(root: &'a Root, found: &'a mut MailDomains) -> Keys<'a> {
        Keys { root, found, known: HashMap::new() }
    }

    /// Adds the key in a file, with which mail of `author` is signed in the name of `domain`. Whether there is such a file.
    pub(super) fn add(&mut self, author: &DomainName, domain: &DomainName, selector: &str, file: &str) -> bool {
        if !self.found.domains.contains_key(author) {
            return true;
        }
        let root = self.root;
        let read = || match root.read_signing_key(file) {
            Err(ReadError::NotFound) => None,
            Err(error) => Some(Err(KeyFault::Unreadable(error.to_string()))),
            Ok(key) => Some(key.public_part()),
        };
        let key = self.known.entry(file.to_owned()).or_insert_with(read).clone();
        let is_there = key.is_some();
        if let Some(key) = key {
            let (selector, file) = (selector.to_owned(), file.to_owned());
            self.found.add_key(author, SigningKey { domain: domain.clone(), selector, file, key });
        }
        is_there
    }

    /// As [`Keys::add`], of a setting that names the file: where it is not there, that is told.
    pub(super) fn add_named(
        &mut self,
        author: &DomainName,
        domain: &DomainName,
        selector: &str,
        (file, origin): (&str, &Origin),
    ) {
        if !self.add(author, domain, selector, file) {
            let words = format!("the key {file}, with which mail of {domain} is to be signed, is not there");
            self.gap(GapOf::KeysOf([author.clone()].into()), origin, words);
        }
    }

    pub(super) fn gap(&mut self, of: GapOf, origin: &Origin, words: String) {
        self.found.add_gap(Gap { of, words, origin: origin.clone() });
    }

    pub(super) fn domains(&self) -> Vec<DomainName> {
        self.found.domains.keys().cloned().collect()
    }

    /// What Exim's transports sign with.
    pub(super) fn of_exim(&mut self, (signs, gaps): (Vec<Signs>, Vec<Gap>)) {
        for Signs { author, domain, selector, key } in signs {
            match key {
                exim::Key::File(file) => {
                    self.add(&author, &domain, &selector, &file);
                }
                exim::Key::Here(key, origin) => {
                    let key = SigningKey { domain, selector, file: origin.describe(), key: key.public_part() };
                    self.found.add_key(&author, key);
                }
            }
        }
        gaps.into_iter().for_each(|gap| self.found.add_gap(gap));
    }

    pub(super) fn of_panels(&mut self, hestia: &[(String, DomainName)]) {
        let (cpanel, selector) = CPANEL;
        let (directadmin, file, its_selector) = DIRECTADMIN;
        let (has_cpanel, has_directadmin) = (self.root.exists(cpanel), self.root.exists("/usr/local/directadmin"));
        for domain in &self.domains() {
            if has_cpanel {
                self.add(domain, domain, selector, &format!("{cpanel}/{}", domain.as_str()));
            }
            if has_directadmin {
                self.add(domain, domain, its_selector, &format!("{directadmin}/{}/{file}", domain.as_str()));
            }
        }
        for (user, domain) in hestia {
            self.add(domain, domain, HESTIA, &format!("/home/{user}/conf/mail/{}/dkim.pem", domain.as_str()));
        }
    }
}
