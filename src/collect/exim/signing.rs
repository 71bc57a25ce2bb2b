//! What smtp transports sign mail with (Exim specification, section 58.1), evaluated for one author's domain after the other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use super::Read;
use super::depend::SENDER_FUNCTIONS;
use super::domain_lists::why;
use super::driver::Driver;
use super::expand::parse::{Expr, parse};
use super::expand::{Evaluator, Scope, Stop};
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
    pub(crate) key: Key,
}

/// Where a private key stands.
pub(crate) enum Key {
    File(String),
    /// In the configuration itself, in this option.
    Here(KeyFile, Origin),
}

/// The signatures that the outbound transports make for mail of these domains; among the gaps what files do not decide.
pub(crate) fn signing<'d>(
    root: &Root,
    read: &Read,
    facts: &Facts,
    domains: impl Iterator<Item = &'d DomainName> + Clone,
) -> (Vec<Signs>, Vec<Gap>) {
    let mut evaluator = senders::evaluator(root, read);
    // Whether a key is there is seen as soon as it is read.
    evaluator.tells_existence = true;
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
        let domains = self.evaluator.value(domain, &mut scope).map_err(|stop| (option_domain, stop))?;
        let mut signed = BTreeSet::new();
        for domain in lists::items(&domains).into_iter().filter(|item| !item.is_empty()).take(IN_ONE_LIST) {
            let domain = DomainName::new(&domain);
            // Of a domain that is named twice, Exim makes one signature.
            if !signed.insert(domain.clone()) {
                continue;
            }
            scope.values.insert("dkim_domain".into(), domain.as_str().to_owned());
            scope.values.remove("dkim_selector");
            let selectors = self.evaluator.value(selector, &mut scope).map_err(|stop| (option_selector, stop))?;
            for selector in lists::items(&selectors).into_iter().filter(|item| !item.is_empty()).take(IN_ONE_LIST) {
                scope.values.insert("dkim_selector".into(), selector.clone());
                let value = self.evaluator.value(key, &mut scope).map_err(|stop| (option_key, stop))?;
                let key = match value.as_str() {
                    "" | "0" | "false" => continue,
                    path if path.starts_with('/') => Key::File(path.to_owned()),
                    _ => {
                        let origin = self.transport.get(option_key).map(|set| set.origin.clone());
                        let origin = origin.unwrap_or(Origin::default_of("Exim"));
                        Key::Here(KeyFile::new(value.into_bytes()), origin)
                    }
                };
                found.push(Signs { author: author.clone(), domain: domain.clone(), selector, key });
            }
        }
        Ok(())
    }
}

/// Options without a value, with whose mail they are told of.
#[derive(Default)]
struct Gaps(BTreeMap<String, (Origin, BTreeSet<DomainName>)>);

impl Gaps {
    fn add(&mut self, transport: &Driver, option: &'static str, stop: Stop, domain: &DomainName) {
        let reason = why(stop).replace(domain.as_str(), ANY_DOMAIN);
        let words = format!("{option} of the transport {} is not decided by files ({reason})", transport.name);
        let origin = transport.get(option).map_or(Origin::default_of("Exim"), |set| set.origin.clone());
        self.0.entry(words).or_insert_with(|| (origin, BTreeSet::new())).1.insert(domain.clone());
    }

    fn told(self) -> Vec<Gap> {
        let gap = |(words, (origin, domains))| Gap { of: GapOf::KeysOf(domains), words, origin };
        self.0.into_iter().map(gap).collect()
    }
}
