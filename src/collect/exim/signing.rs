//! What smtp transports sign mail with (Exim specification, section 58.1), evaluated for one author's domain after the other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use super::Read;
use super::depend::SENDER_FUNCTIONS;
use super::domain_lists::why;
use super::driver::Driver;
use super::expand::parse::{Expr, parse};
use super::expand::{Evaluator, Scope, Stop, Tells, undecided};
use super::{lists, senders};
use crate::collect::root::Root;
use crate::dkim::KeyFile;
use crate::domains::{Gap, GapOf};
use crate::facts::{Facts, Mta, Origin, Sender, SenderDomains};
use crate::name::DomainName;

/// Domains that one message is signed for, and selectors of each, that are looked at.
const IN_ONE_LIST: usize = 16;
/// What the options are called, in the order in which Exim expands them.
const OPTIONS: [&str; 3] = ["dkim_domain", "dkim_selector", "dkim_private_key"];
/// Stands in a reason for the domain of which it is told.
const ANY_DOMAIN: &str = "DOMAIN";

/// A signature that mail of a domain gets.
pub(crate) struct Signs {
    /// Whose mail it is.
    pub(crate) author: DomainName,
    /// The domain that the signature names.
    pub(crate) domain: DomainName,
    pub(crate) selector: String,
    /// The option that gives the selector.
    pub(crate) named_at: Origin,
    pub(crate) key: Key,
    /// The option that gives the key.
    pub(crate) key_at: Origin,
}

/// Where a private key stands.
pub(crate) enum Key {
    File(String),
    /// In the configuration itself.
    Here(KeyFile),
}

/// The signatures that the outbound transports make for mail of these domains; among the gaps what files do not decide.
pub(crate) fn signing<'d>(
    root: &Root,
    read: &Read,
    facts: &Facts,
    domains: impl Iterator<Item = &'d DomainName> + Clone,
) -> (Vec<Signs>, Vec<Gap>) {
    let evaluator = senders::evaluator(root, read);
    let outbound: Vec<&Sender> =
        (facts.senders.iter().flatten()).filter(|sender| sender.mta == Mta::Exim && !sender.unused).collect();
    let told_apart: HashSet<&DomainName> = outbound.iter().flat_map(|sender| named(sender)).collect();
    let (mut found, mut gaps) = (Vec::new(), Gaps::default());
    for transport in read.config.transports.iter().filter(|transport| transport.driver == "smtp") {
        let ways: Vec<&&Sender> = outbound.iter().filter(|sender| *sender.service == *transport.name).collect();
        let Some(signer) = Signer::new(transport, &evaluator, &senders::scope(read)) else { continue };
        for domain in domains.clone() {
            if !ways.iter().any(|way| takes(way, domain, &told_apart)) {
                continue;
            }
            if let Err((option, stop)) = signer.signatures(domain, &mut found) {
                gaps.add(transport, option, stop, domain);
            }
        }
    }
    (found, gaps.told())
}

fn named(sender: &Sender) -> impl Iterator<Item = &DomainName> {
    let domains: &[DomainName] = match &sender.sender_domains {
        SenderDomains::Only { domains, .. } => domains,
        SenderDomains::Any | SenderDomains::Undecided => &[],
    };
    domains.iter()
}

/// Whether mail of a domain may leave this way.
fn takes(sender: &Sender, domain: &DomainName, told_apart: &HashSet<&DomainName>) -> bool {
    match &sender.sender_domains {
        SenderDomains::Any | SenderDomains::Undecided => true,
        SenderDomains::Only { domains, others } => {
            domains.binary_search(domain).is_ok() || (*others && !told_apart.contains(domain))
        }
    }
}

/// A transport that signs.
struct Signer<'a> {
    transport: &'a Driver,
    evaluator: &'a Evaluator<'a>,
    scope: Scope,
    /// By [`OPTIONS`].
    exprs: [Rc<Expr>; 3],
}

impl<'a> Signer<'a> {
    /// `None` where one of the options that it takes is not set.
    fn new(transport: &'a Driver, evaluator: &'a Evaluator<'a>, scope: &Scope) -> Option<Signer<'a>> {
        let [domain, selector, key] = OPTIONS.map(|name| transport.text(name));
        let exprs = [domain?, selector?, key?].map(parse);
        Some(Signer { transport, evaluator, scope: scope.clone(), exprs })
    }

    /// The signatures of mail from `author`.
    ///
    /// # Errors
    /// The option that has no value, and why.
    fn signatures(&self, author: &DomainName, found: &mut Vec<Signs>) -> Result<(), (&'static str, Stop)> {
        let [option_domain, option_selector, option_key] = OPTIONS;
        let [domain, selector, key] = &self.exprs;
        let mut scope = self.scope.clone();
        let address = format!("postmaster@{}", author.as_str());
        let mut set = |name: &'static str, value: &str| scope.values.insert(name.into(), value.to_owned());
        set("sender_address_domain", author.as_str());
        set("sender_address_local_part", "postmaster");
        set("sender_address", &address);
        set("return_path", &address);
        set("transport_name", &self.transport.name);
        for function in SENDER_FUNCTIONS {
            scope.perl.insert(function, author.as_str().to_owned());
        }
        scope.from = Some(address);
        let value = |option, expr: &Expr, scope: &mut Scope| {
            // Whether a key is there is seen as soon as it is read; a name that depends on another file would tell of it in the DNS.
            self.evaluator.tells.set(if option == option_key { Tells::OfAny } else { Tells::OfOwn });
            self.evaluator.value(expr, scope).map_err(|stop| (option, stop))
        };
        let domains = named_in(&value(option_domain, domain, &mut scope)?);
        let mut signed = BTreeSet::new();
        for domain in domains.iter().take(IN_ONE_LIST) {
            let domain = DomainName::new(domain);
            // Of a domain that is named twice, Exim makes one signature.
            if !signed.insert(domain.clone()) {
                continue;
            }
            scope.values.insert("dkim_domain".into(), domain.as_str().to_owned());
            scope.values.remove("dkim_selector");
            let selectors = named_in(&value(option_selector, selector, &mut scope)?);
            for selector in selectors.iter().take(IN_ONE_LIST) {
                scope.values.insert("dkim_selector".into(), selector.clone());
                let value = value(option_key, key, &mut scope)?;
                let key = match value.as_str() {
                    "" | "0" | "false" => continue,
                    path if path.starts_with('/') => Key::File(path.to_owned()),
                    _ => Key::Here(KeyFile::new(value.into_bytes())),
                };
                let (named_at, key_at) = (place(self.transport, option_selector), place(self.transport, option_key));
                let (author, domain, selector) = (author.clone(), domain.clone(), selector.clone());
                found.push(Signs { author, domain, selector, named_at, key, key_at });
            }
            all_of(&selectors).map_err(|stop| (option_selector, stop))?;
        }
        all_of(&domains).map_err(|stop| (option_domain, stop))
    }
}

/// The names in a list.
fn named_in(list: &str) -> Vec<String> {
    lists::items(list).into_iter().filter(|item| !item.is_empty()).collect()
}

/// Whether all names of a list are looked at.
fn all_of(names: &[String]) -> Result<(), Stop> {
    match names.len() > IN_ONE_LIST {
        true => undecided(format!("it names more than {IN_ONE_LIST}, and the rest is not looked at")),
        false => Ok(()),
    }
}

fn place(transport: &Driver, option: &str) -> Origin {
    transport.get(option).map_or(Origin::default_of("Exim"), |set| set.origin.clone())
}

/// Options without a value, with whose mail they are told of.
#[derive(Default)]
struct Gaps(BTreeMap<String, (Origin, BTreeSet<DomainName>)>);

impl Gaps {
    fn add(&mut self, transport: &Driver, option: &'static str, stop: Stop, domain: &DomainName) {
        let reason = why(stop).replace(domain.as_str(), ANY_DOMAIN);
        let words = format!("{option} of the transport {} is not decided by files ({reason})", transport.name);
        self.0.entry(words).or_insert_with(|| (place(transport, option), BTreeSet::new())).1.insert(domain.clone());
    }

    fn told(self) -> Vec<Gap> {
        let gap = |(words, (origin, domains))| Gap { of: GapOf::KeysOf(domains), words, origin };
        self.0.into_iter().map(gap).collect()
    }
}
