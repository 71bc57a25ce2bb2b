//! Private keys that mail is signed with: each file is read once, for its public part.

use std::collections::{BTreeSet, HashMap};

use super::budget::{Budget, PATH};
use crate::collect::exim::{self, Signs};
use crate::collect::root::{ReadError, Root};
use crate::dkim::{KeyFault, PublicKey};
use crate::domains::{Gap, GapOf, KEYS_OF_ONE, MailDomains, Room, SigningKey};
use crate::facts::Origin;
use crate::name::DomainName;
use crate::source::SourceFile;

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
    /// By file, those that are there.
    known: HashMap<String, Result<PublicKey, KeyFault>>,
    budget: Budget,
}

/// A signature that mail of `author` gets.
pub(super) struct Signature<'s> {
    pub(super) author: &'s DomainName,
    /// The domain that it names.
    pub(super) domain: &'s DomainName,
    pub(super) selector: &'s str,
    /// Where selector and domain stand.
    pub(super) named_at: &'s Origin,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It is known now, or what is wrong with it has been told.
    Done,
    /// There is none in its place.
    Missing,
    /// It is not looked at, as no other of this domain is.
    Full,
}

impl<'a> Keys<'a> {
    pub(super) fn new(root: &'a Root, found: &'a mut MailDomains) -> Keys<'a> {
        Keys { root, found, known: HashMap::new(), budget: Budget::default() }
    }

    /// Adds the key in a file, if there is one.
    pub(super) fn add(&mut self, signature: &Signature<'_>, file: &str) -> Added {
        if let Some(end) = self.refused(signature) {
            return end;
        }
        let Signature { author, domain, selector, named_at } = *signature;
        if file.len() > PATH {
            self.gap_of(author, named_at, format!("the path of a key has more than {PATH} octets, and is none"));
            return Added::Done;
        }
        let root = self.root;
        let key = match self.known.get(file) {
            Some(known) => known.clone(),
            None => {
                let key = match root.read_signing_key(file) {
                    Err(ReadError::NotFound) => return Added::Missing,
                    Err(error) => Err(KeyFault::Unreadable(error.to_string())),
                    Ok(key) => key.public_part(),
                };
                self.known.insert(file.to_owned(), key.clone());
                key
            }
        };
        if let Err(spent) = self.budget.path(file.len()) {
            self.gap(GapOf::Keys, named_at, format!("with which keys mail is signed: {spent}"));
            return Added::Full;
        }
        let key = SigningKey { domain: domain.clone(), selector: selector.to_owned(), file: file.to_owned(), key };
        self.found.add_key(author, key);
        Added::Done
    }

    /// As [`Keys::add`], of a setting that names the file: where it is not there, that is told.
    pub(super) fn add_named(&mut self, signature: &Signature<'_>, (file, origin): (&str, &Origin)) -> Added {
        let added = self.add(signature, file);
        if added != Added::Missing {
            return added;
        }
        let words = format!("the key {file}, with which mail of {} is to be signed, is not there", signature.domain);
        self.gap_of(signature.author, origin, words);
        Added::Done
    }

    /// What ends the looking for a key before it begins.
    fn refused(&mut self, signature: &Signature<'_>) -> Option<Added> {
        let Signature { author, domain, selector, named_at } = *signature;
        match self.found.room(author, domain, selector) {
            Room::Free => None,
            Room::Stranger | Room::Known => Some(Added::Done),
            Room::NoName => {
                // What it is, is not told: it may be a part of something else.
                let words = "a selector, or the domain of a signature, is no name of the DNS, and is not asked for";
                self.gap_of(author, named_at, words.to_owned());
                Some(Added::Done)
            }
            Room::Full => {
                let words =
                    format!("a domain's mail is signed with more than {KEYS_OF_ONE} keys: no others are looked at");
                self.gap_of(author, named_at, words);
                Some(Added::Full)
            }
        }
    }

    pub(super) fn gap(&mut self, of: GapOf, origin: &Origin, words: String) {
        self.found.add_gap(Gap { of, words, origin: origin.clone() });
    }

    pub(super) fn gap_of(&mut self, author: &DomainName, origin: &Origin, words: String) {
        self.gap(GapOf::KeysOf([author.clone()].into()), origin, words);
    }

    pub(super) fn domains(&self) -> Vec<DomainName> {
        self.found.domains.keys().cloned().collect()
    }

    /// What Exim's transports sign with.
    pub(super) fn of_exim(&mut self, (signs, gaps): (Vec<Signs>, Vec<Gap>)) {
        for Signs { author, domain, selector, named_at, key, key_at } in signs {
            let signature = Signature { author: &author, domain: &domain, selector: &selector, named_at: &named_at };
            match key {
                // cPanel's routers look whether the key is there before they choose this transport.
                exim::Key::File(file) if file.rsplit_once('/').is_some_and(|(folder, _)| folder == CPANEL.0) => {
                    self.add(&signature, &file);
                }
                exim::Key::File(file) => {
                    self.add_named(&signature, (&file, &key_at));
                }
                exim::Key::Here(key) => {
                    if self.refused(&signature).is_none() {
                        let key = SigningKey { domain, selector, file: key_at.describe(), key: key.public_part() };
                        self.found.add_key(&author, key);
                    }
                }
            }
        }
        gaps.into_iter().for_each(|gap| self.found.add_gap(gap));
    }

    /// The keys that panels keep, for mail of which no configuration says with what it is signed.
    pub(super) fn of_panels(&mut self, hestia: &[(String, DomainName)], open: &Open) {
        let (cpanel, selector) = CPANEL;
        let (directadmin, file, its_selector) = DIRECTADMIN;
        let (has_cpanel, has_directadmin) = (self.root.exists(cpanel), self.root.exists("/usr/local/directadmin"));
        for domain in self.domains().iter().filter(|domain| open.holds(domain)) {
            if has_cpanel {
                self.of_panel(domain, selector, &format!("{cpanel}/{}", domain.as_str()));
            }
            if has_directadmin {
                self.of_panel(domain, its_selector, &format!("{directadmin}/{}/{file}", domain.as_str()));
            }
        }
        for (user, domain) in hestia.iter().filter(|(_, domain)| open.holds(domain)) {
            self.of_panel(domain, HESTIA, &format!("/home/{user}/conf/mail/{}/dkim.pem", domain.as_str()));
        }
    }

    fn of_panel(&mut self, domain: &DomainName, selector: &str, file: &str) {
        let named_at: Origin = SourceFile::new(file, b"").span(0, 0).into();
        self.add(&Signature { author: domain, domain, selector, named_at: &named_at }, file);
    }
}

/// Whose mail no configuration of Exim's decides the keys of.
pub(super) enum Open {
    /// Anybody's: there is none, or it is not read to its end.
    All,
    /// That of these domains.
    Only(BTreeSet<DomainName>),
}

impl Open {
    /// What the gaps leave open.
    pub(super) fn of(gaps: &[Gap]) -> Open {
        let mut open = BTreeSet::new();
        for gap in gaps {
            match &gap.of {
                GapOf::Domains => {}
                GapOf::Keys => return Open::All,
                GapOf::KeysOf(domains) => open.extend(domains.iter().cloned()),
            }
        }
        Open::Only(open)
    }

    fn holds(&self, domain: &DomainName) -> bool {
        match self {
            Open::All => true,
            Open::Only(domains) => domains.contains(domain),
        }
    }
}
