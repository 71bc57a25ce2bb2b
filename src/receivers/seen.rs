//! What a receiver sees of a path: one value that all rules of the table look at.

use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::OutboundPath;
use crate::identity::generic::{Generic, why_generic};
use crate::identity::{Introduction, introduction};
use crate::name::{DomainName, HeloName};
use crate::observe::iprev::{self, Iprev};
use crate::observe::plan::is_askable;
use crate::observe::{Lookup, Observations, Question, RecordType, Why};

/// What a receiver sees of a path. `None` in a field: it could not be seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The client address.
    pub address: IpAddr,
    /// Its PTR names, each once, in the order of the answer.
    pub ptr: Option<Vec<DomainName>>,
    /// For each of them, whether it leads back to the address.
    pub back: Vec<Option<bool>>,
    /// iprev by the standard: any PTR name may confirm.
    pub iprev: Iprev,
    /// The HELO name; `None` for a host without MTA, or undecided.
    pub helo: Option<HeloName>,
    /// Whether there is a HELO name that could not be seen.
    pub helo_unknown: bool,
    /// Whether the HELO name has an A, AAAA or MX record.
    pub helo_exists: Option<bool>,
    /// Whether the HELO name has an A or AAAA record.
    pub helo_has_address: Option<bool>,
    /// Whether the HELO name's address records hold the client address.
    pub helo_leads_here: Option<bool>,
    /// Why a PTR name is generic, where all are.
    pub generic: Option<Generic>,
    /// Why a question stays open.
    pub open: Option<Why>,
    /// Whether receivers meet the same failure, as far as can be told: somebody was asked, and not all the DNS is silent here.
    pub failure_is_shared: bool,
}

impl Seen {
    /// What a receiver sees of `path`; nothing where its sending address is unknown.
    pub fn new(path: &OutboundPath, dns: &Observations) -> Option<Seen> {
        let address = path.sending.as_ref()?.value;
        let ptr = dns.ptr(address);
        let names = match &ptr {
            Lookup::Unanswered(_) => None,
            found => Some(each_once(found.found())),
        };
        let all = names.as_deref().unwrap_or_default();
        let back: Vec<Option<bool>> = all.iter().map(|name| iprev::confirms(dns, name, address)).collect();
        let reasons: Vec<Generic> = all.iter().map_while(|name| why_generic(name, address)).collect();
        let (helo, helo_unknown) = match introduction(path, |addr| dns.own_ptr_names(addr)) {
            Introduction::Name(name) => (Some(name.value), false),
            // Whatever the program on this host says that is handed the mail.
            Introduction::None => (None, path.handed_over),
            Introduction::Undecided | Introduction::Open(_) => (None, true),
        };
        let forward_open = || all.iter().find_map(|name| dns.addresses(name, Family::from(address)).open().cloned());
        let mut seen = Seen {
            address,
            iprev: dns.iprev(address),
            helo,
            helo_unknown,
            helo_exists: None,
            helo_has_address: None,
            helo_leads_here: None,
            generic: if reasons.len() == all.len() { reasons.into_iter().next() } else { None },
            open: ptr.open().cloned().or_else(forward_open),
            failure_is_shared: false,
            back,
            ptr: names,
        };
        seen.look_up_helo(dns);
        seen.failure_is_shared = match &seen.open {
            None | Some(Why::NotAsked | Why::Unreachable(_)) => false,
            // Where nobody answers anything, it is this host's network that fails.
            Some(_) => dns.summary().answered > 0,
        };
        Some(seen)
    }

    fn look_up_helo(&mut self, dns: &Observations) {
        let Some(helo) = &self.helo else { return };
        if let Some(literal) = helo.literal() {
            (self.helo_exists, self.helo_leads_here) = (Some(true), Some(literal == self.address));
            self.helo_has_address = Some(true);
            return;
        }
        let name = helo.domain();
        if !is_askable(&name) {
            // The public DNS holds no such name, so that nobody has to be asked.
            (self.helo_exists, self.helo_leads_here) = (Some(false), Some(false));
            self.helo_has_address = Some(false);
            return;
        }
        let same_family = dns.addresses(&name, Family::from(self.address));
        self.helo_leads_here = match &same_family {
            Lookup::Unanswered(_) => None,
            found => Some(found.found().contains(&self.address)),
        };
        let both = Family::BOTH.map(|family| dns.addresses(&name, family));
        self.helo_has_address = match &both {
            both if both.iter().any(|found| !found.found().is_empty()) => Some(true),
            both if both.iter().all(Lookup::is_missing) => Some(false),
            _ => None,
        };
        let mut missing = 0;
        for rtype in [RecordType::A, RecordType::Aaaa, RecordType::Mx] {
            match &dns.truth(&Question::new(&name, rtype)).lookup {
                Lookup::Found(_) => {
                    self.helo_exists = Some(true);
                    return;
                }
                Lookup::NoData | Lookup::NxDomain => missing += 1,
                Lookup::Unanswered(why) => self.open = self.open.take().or(Some(why.clone())),
            }
        }
        self.helo_exists = (missing == 3).then_some(false);
    }

    /// PTR names that lead back to the address, and all PTR names.
    pub fn odds(&self) -> (usize, usize) {
        (self.back.iter().filter(|back| **back == Some(true)).count(), self.back.len())
    }

    /// Whether the address has no PTR record.
    pub fn has_no_ptr(&self) -> Option<bool> {
        self.ptr.as_ref().map(Vec::is_empty)
    }

    /// Whether forward-confirmed reverse DNS fails: no PTR, or none that leads back.
    pub fn fails_fcrdns(&self) -> Option<bool> {
        match self.iprev {
            Iprev::Pass => Some(false),
            Iprev::Fail | Iprev::PermError => Some(true),
            Iprev::TempError => None,
        }
    }

    /// Whether some PTR names lead back to the address and others do not.
    pub fn is_partly_confirmed(&self) -> Option<bool> {
        self.ptr.as_ref()?;
        if self.back.contains(&Some(true)) && self.back.contains(&Some(false)) {
            return Some(true);
        }
        (!self.back.contains(&None)).then_some(false)
    }

    /// Whether every PTR name is generic.
    pub fn is_generic(&self) -> Option<bool> {
        self.ptr.as_ref().map(|_| self.generic.is_some())
    }

    /// Whether the PTR name is confirmed and spells the address.
    pub fn is_confirmed_and_spells_address(&self) -> Option<bool> {
        let spells = self.generic.as_ref().is_some_and(Generic::spells_address);
        if spells { self.fails_fcrdns().map(|fails| !fails) } else { self.is_generic().map(|_| false) }
    }

    /// Whether the HELO name is neither a host name nor an address literal: empty, a bare address, bad characters.
    pub fn helo_is_malformed(&self) -> Option<bool> {
        self.with_helo(|helo| {
            let bare = helo.as_str().parse::<IpAddr>().is_ok();
            Some(helo.literal().is_none() && (bare || !helo.domain().is_host_name()))
        })
    }

    /// Whether the HELO name is no fully qualified host name, and no address literal either.
    pub fn helo_is_not_qualified(&self) -> Option<bool> {
        let one_label = self.with_helo(|helo| Some(helo.literal().is_none() && !helo.domain().is_qualified()));
        match (self.helo_is_malformed(), one_label) {
            (Some(false), Some(false)) => Some(false),
            (None, _) | (_, None) => None,
            _ => Some(true),
        }
    }

    /// Whether the HELO name has no dot, and is no address literal.
    pub fn helo_has_no_dot(&self) -> Option<bool> {
        self.with_helo(|helo| Some(helo.literal().is_none() && !helo.as_str().contains('.')))
    }

    /// Whether the HELO name begins or ends with a dot, or has two in a row.
    pub fn helo_has_an_empty_label(&self) -> Option<bool> {
        self.with_helo(|helo| Some(helo.as_str().split('.').any(str::is_empty)))
    }

    /// Whether the HELO name is `localhost`, or below `.local` or `.localdomain`.
    pub fn helo_is_local(&self) -> Option<bool> {
        self.with_helo(|helo| {
            let name = helo.domain();
            Some(matches!(name.labels().last(), Some("localhost" | "local" | "localdomain")))
        })
    }

    /// Whether the HELO name, address literals apart, has no address record: an MX record does not count.
    pub fn helo_has_no_address(&self) -> Option<bool> {
        self.with_helo(|_| self.helo_has_address.map(|has| !has))
    }

    /// Whether the HELO name holds four decimal numbers or eight hexadecimal digits, as a default name does, and is no PTR name.
    pub fn helo_spells_numbers_unlike_ptr(&self) -> Option<bool> {
        self.with_helo(|helo| match &self.ptr {
            _ if helo.literal().is_some() || !spells_numbers(helo.as_str()) => Some(false),
            Some(names) => Some(!names.contains(&helo.domain())),
            None => None,
        })
    }

    /// Whether the HELO name is an address without brackets.
    pub fn helo_is_bare_address(&self) -> Option<bool> {
        self.with_helo(|helo| Some(helo.as_str().parse::<IpAddr>().is_ok()))
    }

    /// Whether the HELO name is `localhost`, or `localhost.localdomain`.
    pub fn helo_is_localhost(&self) -> Option<bool> {
        self.with_helo(|helo| Some(matches!(helo.domain().as_str(), "localhost" | "localhost.localdomain")))
    }

    /// Whether the HELO name spells the address.
    pub fn helo_spells_address(&self) -> Option<bool> {
        self.with_helo(|helo| {
            let why = if helo.literal().is_some() { None } else { why_generic(&helo.domain(), self.address) };
            Some(why.as_ref().is_some_and(Generic::spells_address))
        })
    }

    /// Whether the HELO name has neither address nor MX record.
    pub fn helo_is_unknown_to_dns(&self) -> Option<bool> {
        self.with_helo(|_| self.helo_exists.map(|exists| !exists))
    }

    /// Whether no address record of the HELO name holds the client address.
    pub fn helo_leads_elsewhere(&self) -> Option<bool> {
        self.with_helo(|_| self.helo_leads_here.map(|leads| !leads))
    }

    /// Whether the HELO name is neither a confirmed PTR name nor leads to the client address.
    pub fn helo_does_not_verify(&self) -> Option<bool> {
        self.with_helo(|helo| match (self.is_confirmed_ptr(&helo.domain()), self.helo_leads_here) {
            (Some(true), _) | (_, Some(true)) => Some(false),
            (Some(false), Some(false)) => Some(true),
            _ => None,
        })
    }

    fn is_confirmed_ptr(&self, name: &DomainName) -> Option<bool> {
        let names = self.ptr.as_ref()?;
        match names.iter().position(|ptr| ptr == name) {
            Some(at) => self.back.get(at).copied().flatten(),
            None => Some(false),
        }
    }

    /// What `of` says of the HELO name; false where there is none, open where it could not be seen.
    fn with_helo(&self, of: impl FnOnce(&HeloName) -> Option<bool>) -> Option<bool> {
        match &self.helo {
            Some(helo) => of(helo),
            None => (!self.helo_unknown).then_some(false),
        }
    }
}

/// Whether a name holds four numbers of up to three digits with dots or hyphens between them, or eight hexadecimal digits of one case in a
/// row: what Hestia's and Vesta's templates take for an address.
fn spells_numbers(name: &str) -> bool {
    let numbers = name.split(['.', '-']).collect::<Vec<_>>();
    let ends_with_digit = |part: &&str| part.ends_with(|c: char| c.is_ascii_digit());
    let begins_with_digit = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let four = numbers.windows(4).any(|four| {
        matches!(four, [a, b, c, d] if ends_with_digit(a) && is_number(b) && is_number(c) && begins_with_digit(d))
    });
    let run = |digit: fn(char) -> bool| name.split(|c| !digit(c)).any(|run| run.len() >= 8);
    four || run(|c| matches!(c, '0'..='9' | 'a'..='f')) || run(|c| matches!(c, '0'..='9' | 'A'..='F'))
}

fn each_once(names: &[DomainName]) -> Vec<DomainName> {
    let mut seen = std::collections::BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}
