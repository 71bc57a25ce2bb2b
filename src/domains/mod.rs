//! The domains whose mail this host handles: what of their records is asked for, and what it comes to.
//!
//! Pure: [`observe`] is handed answers and says which questions are open, so that many domains can be on their way side by side ([`Flow`]). Questions that
//! domains have in common (includes, public suffixes, exchangers) are the same questions, and whoever asks puts them once.

mod alignment;
mod answers;
mod exchangers;
pub mod fix;
mod flow;
mod moved;
mod observed;
mod old;
mod senders;
pub mod zones;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use alignment::{Aligned, Alignment};
pub use answers::{Answers, Known};
pub use exchangers::{Exchanger, Leads};
pub use flow::{Flow, Look, Looker};
pub use moved::{Host as MovedHost, moved};
pub use observed::{DmarcState, Host, Observed, Step, ZoneServers, observe};
pub use old::{AskedBy, OldRecord};
pub use senders::{SenderCheck, helo_checks};

use zones::ZoneKeeper;

use crate::dkim::{KeyFault, PublicKey};
use crate::facts::{Facts, MapOf, Origin, SenderDomains};
use crate::identity::host_and_own_names;
use crate::name::DomainName;
use crate::observe::plan::is_askable;

/// What this host does with mail for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handled {
    /// It delivers it.
    Local,
    /// It is known to be delivered elsewhere.
    Remote,
    /// It takes it and passes it on.
    Secondary,
    /// Nothing; it sends mail from it.
    Sender,
}

impl Handled {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Handled::Local => "local",
            Handled::Remote => "remote",
            Handled::Secondary => "secondary",
            Handled::Sender => "sender",
        }
    }
}

impl fmt::Display for Handled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDomain {
    /// Its name.
    pub name: DomainName,
    /// What is done with mail for it.
    pub handled: Handled,
    /// Where that stands.
    pub origin: Origin,
}

/// A key that this host signs a domain's mail with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The domain that the signature names (`d=`), below which the key is published; mostly the domain whose mail it is.
    pub domain: DomainName,
    /// Its selector.
    pub selector: String,
    /// The file that holds the private key.
    pub file: String,
    /// Its public part, or why that is not known.
    pub key: Result<PublicKey, KeyFault>,
}

impl SigningKey {
    /// Where its public part has to be published.
    pub fn record_name(&self) -> DomainName {
        record_name(&self.selector, &self.domain)
    }
}

fn record_name(selector: &str, domain: &DomainName) -> DomainName {
    DomainName::new(&format!("{selector}._domainkey.{}", domain.as_str()))
}

/// What files do not decide of a host's domains or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Of what.
    pub of: GapOf,
    /// What cannot be seen, and why: a sentence without its end.
    pub words: String,
    /// The setting.
    pub origin: Origin,
}

/// What something is not known of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GapOf {
    /// Which domains there are.
    Domains,
    /// With which keys the mail of any domain is signed.
    Keys,
    /// With which keys the mail of these domains is signed.
    KeysOf(BTreeSet<DomainName>),
}

impl GapOf {
    /// Whether both are of domains, of the keys of any, or of those of single domains.
    fn is_kind_of(&self, other: &GapOf) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Takes in another of the same kind.
    fn add(&mut self, other: GapOf) {
        if let (GapOf::KeysOf(domains), GapOf::KeysOf(more)) = (self, other) {
            domains.extend(more);
        }
    }
}

/// What mail of a domain is signed with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signing<'a> {
    /// The keys that are known.
    pub keys: &'a [SigningKey],
    /// Whether files leave open that there are others.
    pub is_open: bool,
}

/// Whether a key is one to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It is.
    Free,
    /// Its domain is none of those.
    Stranger,
    /// The same name is known with another key, which comes first.
    Known,
    /// Nothing can be published under its selector and domain.
    NoName,
    /// There are [`KEYS_OF_ONE`] already.
    Full,
}

/// The domains of a host, and the keys that it signs with.
#[derive(Debug, Clone, Default)]
pub struct MailDomains {
    /// By name.
    pub domains: BTreeMap<DomainName, MailDomain>,
    /// By the domain whose mail is signed.
    pub keys: BTreeMap<DomainName, Vec<SigningKey>>,
    /// What is not known of them.
    pub gaps: Vec<Gap>,
    /// Zones that a panel on this host keeps.
    pub zones: BTreeMap<DomainName, ZoneKeeper>,
}

fn is_localhost(name: &DomainName) -> bool {
    name.labels().next() == Some("localhost")
}

/// Postfix's lists, and what they say of their domains.
const POSTFIX_LISTS: [(&str, Handled); 4] = [
    ("mydestination", Handled::Local),
    ("virtual_mailbox_domains", Handled::Local),
    ("virtual_alias_domains", Handled::Local),
    ("relay_domains", Handled::Secondary),
];
/// Octets of a name without its last dot (RFC 1035 section 2.3.4).
const NAME_LIMIT: usize = 253;
/// Gaps that are told one by one: a configuration has a handful.
const GAP_LIMIT: usize = 200;
/// What is told of all others together.
const OTHER_GAPS: &str = "more is not decided by files than is told here one by one";
/// Keys that one domain's mail is signed with and that are looked at: with each algorithm and an exchange of keys under way there are four.
pub(crate) const KEYS_OF_ONE: usize = 16;
/// Domains that are looked at: ten times what the largest servers have.
pub(crate) const DOMAIN_LIMIT: usize = 500_000;

/// Hands over the names in cPanel's and Postfix's lists, what each list says of them, and how to tell where they stand.
fn for_each_listed<'f>(facts: &'f Facts, mut take: impl FnMut(&'f str, Handled, &dyn Fn() -> Origin)) {
    if let Some(cpanel) = &facts.cpanel {
        let lists = [
            (&cpanel.localdomains, Handled::Local),
            (&cpanel.secondarymx, Handled::Secondary),
            (&cpanel.remotedomains, Handled::Remote),
        ];
        for (list, handled) in lists {
            list.iter().for_each(|domain| take(domain, handled, &|| domain.origin()));
        }
        // An account's domain in none of the lists sends mail all the same.
        cpanel.userdomains.iter().for_each(|entry| take(&entry.key, Handled::Sender, &|| entry.key.origin()));
    }
    // Of several lists, what trivial-rewrite(8) looks at first counts.
    for (list, handled) in POSTFIX_LISTS {
        let listed = facts.listed_domains.iter().filter(|listed| listed.list == list);
        listed.for_each(|listed| take(&listed.name, handled, &|| listed.origin.clone()));
    }
}

/// The same of DirectAdmin's and Hestia's lists: those whose mail is delivered here first.
fn for_each_of_panels<'f>(facts: &'f Facts, mut take: impl FnMut(&'f str, Handled, &dyn Fn() -> Origin)) {
    for (of, handled) in [(MapOf::Local, Handled::Local), (MapOf::Owned, Handled::Sender)] {
        let lists = facts.panel_maps.iter().flatten().filter(|map| map.of == of);
        lists.flat_map(|map| &map.entries).for_each(|entry| take(&entry.key, handled, &|| entry.key.origin()));
    }
}

/// The same of the domains that the configuration selects paths by.
fn for_each_of_senders<'f>(facts: &'f Facts, mut take: impl FnMut(&'f DomainName, Handled, &dyn Fn() -> Origin)) {
    for path in &facts.paths {
        let SenderDomains::Only { domains, .. } = &path.sender_domains else { continue };
        let origin = || path.helo_name().map_or(Origin::kernel("sender domains"), |name| name.origin.clone());
        domains.iter().for_each(|domain| take(domain, Handled::Sender, &origin));
    }
}

/// Whether a name in a list is that of somebody's mail: `localhost.$mydomain`, which Postfix handles unless told otherwise, is nobody's.
pub fn is_mail_domain(name: &DomainName) -> bool {
    !is_localhost(name) && is_askable(name)
}

/// Where a host's files name domains, as far as there are such files: for whoever finds none.
pub fn looked_in(facts: &Facts) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    if facts.cpanel.is_some() {
        places
            .extend(["localdomains", "remotedomains", "secondarymx", "userdomains"].map(|file| format!("/etc/{file}")));
    }
    places.extend(facts.panel_maps.iter().flatten().map(|map| map.file.clone()));
    if !facts.postfix.is_empty() {
        places.push(format!("{} of Postfix", POSTFIX_LISTS.map(|(list, _)| list).join(", ")));
    }
    if !facts.exim.is_empty() {
        places.push("the domain lists of Exim".to_owned());
    }
    places.sort();
    places.dedup();
    places
}

/// How many domains the lists, panels and paths of a host give, its own names apart.
pub fn count_beside_own(facts: &Facts) -> usize {
    let listed = facts.cpanel.as_ref().map_or(0, |cpanel| cpanel.userdomains.len());
    let mut known: HashSet<Cow<'_, str>> = HashSet::with_capacity(listed);
    for_each_listed(facts, |text, _, _| note(&mut known, DomainName::folded(text)));
    for_each_of_panels(facts, |text, _, _| note(&mut known, DomainName::folded(text)));
    for_each_of_senders(facts, |name, _, _| note(&mut known, Cow::Borrowed(name.as_str())));
    for own in host_and_own_names(facts) {
        known.remove(own.name.as_str());
    }
    known.iter().filter(|text| is_mail_domain(&DomainName::new(text))).count()
}

/// Keeps a name of a list, as the DNS compares it.
fn note<'f>(known: &mut HashSet<Cow<'f, str>>, name: Cow<'f, str>) {
    if known.len() < DOMAIN_LIMIT {
        known.insert(name);
    }
}

impl MailDomains {
    /// The domains that cPanel's and Postfix's lists give.
    pub fn of_facts(facts: &Facts) -> MailDomains {
        let mut found = MailDomains::default();
        for_each_listed(facts, |text, handled, origin| found.add_from(DomainName::new(text), handled, origin));
        for list in facts.postfix.iter().flat_map(|postfix| &postfix.open_lists) {
            let words = format!("Postfix's {}: which domains are in it is not decided by files", list.value);
            found.add_gap(Gap { of: GapOf::Domains, words, origin: list.origin.clone() });
        }
        found
    }

    /// Adds the domains of DirectAdmin's and Hestia's lists: those whose mail is delivered here first.
    pub fn add_panels(&mut self, facts: &Facts) {
        for_each_of_panels(facts, |text, handled, origin| self.add_from(DomainName::new(text), handled, origin));
    }

    /// Adds the domains that the configuration selects paths by.
    pub fn add_senders(&mut self, facts: &Facts) {
        for_each_of_senders(facts, |name, handled, origin| self.add_from(name.clone(), handled, origin));
    }

    /// Whether a key for mail of `author`, with this selector in the name of `domain`, is one to look at. A selector is labels as host names have
    /// them (RFC 6376 section 3.1), with underscores where people use them; nothing else of a file gets into a question.
    pub(crate) fn room(&self, author: &DomainName, domain: &DomainName, selector: &str) -> Room {
        if !self.domains.contains_key(author) {
            return Room::Stranger;
        }
        // No longer text is put together.
        if selector.len() > NAME_LIMIT || !is_askable(domain) || !is_askable(&record_name(selector, domain)) {
            return Room::NoName;
        }
        let keys = self.keys.get(author).map_or(&[][..], Vec::as_slice);
        match keys.iter().any(|known| known.domain == *domain && known.selector == selector) {
            true => Room::Known,
            false if keys.len() >= KEYS_OF_ONE => Room::Full,
            false => Room::Free,
        }
    }

    /// Adds a key for mail of `author`; what is known already, belongs to none of the domains, cannot be asked for or is one too many is left out.
    pub fn add_key(&mut self, author: &DomainName, key: SigningKey) {
        if self.room(author, &key.domain, &key.selector) == Room::Free {
            self.keys.entry(author.clone()).or_default().push(key);
        }
    }

    /// Adds what is not known, once: what is said of several domains' keys in one place as one, and what would be too much to tell as one of its kind.
    pub fn add_gap(&mut self, gap: Gap) {
        let is_said = |known: &Gap| known.words == gap.words && known.origin == gap.origin;
        if let Some(known) = self.gaps.iter_mut().find(|known| is_said(known) && known.of.is_kind_of(&gap.of)) {
            return known.of.add(gap.of);
        }
        if self.gaps.len() < GAP_LIMIT {
            return self.gaps.push(gap);
        }
        match self.gaps.iter_mut().skip(GAP_LIMIT).find(|known| known.of.is_kind_of(&gap.of)) {
            Some(others) => others.of.add(gap.of),
            None => self.gaps.push(Gap { words: OTHER_GAPS.to_owned(), ..gap }),
        }
    }

    /// What mail of a domain is signed with.
    pub fn signing(&self, name: &DomainName) -> Signing<'_> {
        let is_open = self.gaps.iter().any(|gap| match &gap.of {
            GapOf::Domains => false,
            GapOf::Keys => true,
            GapOf::KeysOf(domains) => domains.contains(name),
        });
        Signing { keys: self.keys.get(name).map_or(&[], Vec::as_slice), is_open }
    }

    /// Adds a domain, unless it is known already: what is said first counts.
    pub fn add(&mut self, name: DomainName, handled: Handled, origin: Origin) {
        self.add_from(name, handled, &|| origin.clone());
    }

    fn add_from(&mut self, name: DomainName, handled: Handled, origin: &dyn Fn() -> Origin) {
        if self.domains.len() < DOMAIN_LIMIT && !self.domains.contains_key(&name) && is_mail_domain(&name) {
            self.domains.insert(name.clone(), MailDomain { name, handled, origin: origin() });
        }
    }

    /// Keeps these domains alone; those that the host does not know are looked at as senders.
    pub fn only(&mut self, names: impl IntoIterator<Item = DomainName>, origin: &Origin) {
        let mut known = std::mem::take(&mut self.domains);
        for name in names {
            match known.remove(&name) {
                Some(domain) => drop(self.domains.insert(name, domain)),
                None => self.add(name, Handled::Sender, origin.clone()),
            }
        }
    }
}
