//! The names that this host goes by, each in its role, and how its MTAs introduce themselves.

use std::net::IpAddr;

use crate::facts::{Fact, Facts, Helo, HostFqdn, Mta, Origin, OutboundPath};
use crate::name::{DomainName, HeloName};

/// The own names of the MTAs that are judged and do not refuse their configuration: `myhostname`, `primary_hostname`.
pub fn own_names(facts: &Facts) -> Vec<(Mta, Fact<DomainName>)> {
    let mut names = Vec::new();
    for postfix in facts.postfix.iter().filter(|postfix| postfix.error.is_none() && facts.mtas.judges(Mta::Postfix)) {
        let own = postfix.parameters.get(own_name_setting(Mta::Postfix));
        names.extend(own.and_then(|setting| setting.fact()).map(|name| (Mta::Postfix, name)));
    }
    for exim in facts.exim.iter().filter(|exim| exim.error.is_none() && facts.mtas.judges(Mta::Exim)) {
        let own = exim.main.get(own_name_setting(Mta::Exim));
        names.extend(own.and_then(|setting| setting.fact()).map(|name| (Mta::Exim, name)));
    }
    names.into_iter().map(|(mta, name)| (mta, name.map(|text| DomainName::new(&text)))).collect()
}

/// The setting that holds an MTA's own name.
pub fn own_name_setting(mta: Mta) -> &'static str {
    match mta {
        Mta::Postfix => "myhostname",
        Mta::Exim => "primary_hostname",
    }
}

/// The name of this host to show: what `hostname -f` prints, else the node name.
pub fn host_or_node_name(facts: &Facts) -> Option<Fact<DomainName>> {
    match &facts.host.fqdn {
        HostFqdn::Name(_) => facts.host.fqdn.name(),
        _ => facts.host.node_name.as_ref().map(|fact| fact.with(DomainName::new(&fact.value))),
    }
}

/// What a name is to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The kernel's node name.
    Node,
    /// What `hostname -f` prints.
    Host,
    /// An MTA's own name: `myhostname`, `primary_hostname`.
    Own(Mta),
    /// The HELO name of a path.
    Helo,
    /// What a path that follows the PTR record is introduced by where there is none.
    HeloDefault,
    /// A PTR name of a sending address.
    Ptr,
    /// `HOST` of wwwacct.conf.
    Whm,
}

impl Role {
    /// In a few words, as a label of a place.
    pub fn label(self) -> &'static str {
        match self {
            Role::Node => "node name",
            Role::Host => "host name",
            Role::Own(Mta::Postfix) => "Postfix' own name",
            Role::Own(Mta::Exim) => "Exim's own name",
            Role::Helo => "HELO name",
            Role::HeloDefault => "HELO name without PTR record",
            Role::Ptr => "sending address of this PTR name",
            Role::Whm => "host name as WHM has it",
        }
    }

    /// Whether the name is the host's, by kernel, hosts file or panel, and no MTA's.
    pub fn is_host(self) -> bool {
        matches!(self, Role::Node | Role::Host | Role::Whm)
    }
}

/// A name of the host's identity (rules.md, *names of the host's identity*), in one of its roles.
#[derive(Debug, Clone)]
pub struct IdentityName<'a> {
    /// The name.
    pub name: DomainName,
    /// What it is here.
    pub role: Role,
    /// Where it was learned; for a PTR name, where the address was.
    pub origin: Origin,
    /// The path that it belongs to: for HELO and PTR names.
    pub path: Option<&'a OutboundPath>,
}

/// Every name of the host's identity that is not empty, once for each role and path. `ptr` gives the PTR names of an address, as far as
/// they are known; MTAs that are not judged or refuse their configuration have no name.
pub fn identity_names<'a>(facts: &'a Facts, ptr: impl Fn(IpAddr) -> Vec<DomainName>) -> Vec<IdentityName<'a>> {
    let mut all = host_and_own_names(facts);
    let whm = all.pop_if(|name| name.role == Role::Whm);
    for path in &facts.paths {
        all.extend(helo_name(path));
        if let Some(sending) = &path.sending {
            let names = ptr(sending.value).into_iter();
            let origin = || sending.origin.clone();
            all.extend(names.map(|name| IdentityName { name, role: Role::Ptr, origin: origin(), path: Some(path) }));
        }
    }
    all.extend(whm);
    all.retain(|name| !name.name.as_str().is_empty());
    all
}

/// The names that the host has whatever its outbound paths are: node name, `hostname -f`, the MTAs' own names, WHM's host name.
pub fn host_and_own_names(facts: &Facts) -> Vec<IdentityName<'_>> {
    let plain = |fact: &Fact<DomainName>, role| {
        let (name, origin) = (fact.value.clone(), fact.origin.clone());
        IdentityName { name, role, origin, path: None }
    };
    let text = |fact: &Fact<String>, role| plain(&fact.with(DomainName::new(&fact.value)), role);
    let whm = facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.as_ref());
    let node = facts.host.node_name.iter().map(|name| text(name, Role::Node));
    let host = facts.host.fqdn.name().map(|name| plain(&name, Role::Host));
    let own = own_names(facts).into_iter().map(|(mta, name)| plain(&name, Role::Own(mta)));
    let all = node.chain(host).chain(own).chain(whm.map(|name| text(name, Role::Whm)));
    all.filter(|name| !name.name.as_str().is_empty()).collect()
}

/// The name that files say a path is introduced by, address literals apart; for one that follows the PTR record, its default.
pub fn helo_name(path: &OutboundPath) -> Option<IdentityName<'_>> {
    let (name, role, origin) = match &path.helo {
        Helo::Known(name) => (&name.value, Role::Helo, &name.origin),
        Helo::FollowsPtr { default, origin, .. } => (default.as_ref()?, Role::HeloDefault, origin),
        Helo::None | Helo::Undecided(_) => return None,
    };
    let is_literal = name.literal().is_some();
    (!is_literal).then(|| IdentityName { name: name.domain(), role, origin: origin.clone(), path: Some(path) })
}

/// How a path is introduced, as far as that can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Introduction {
    /// By this HELO name.
    Name(Fact<HeloName>),
    /// Not at all: there is no MTA.
    None,
    /// Files cannot decide it (HLO008 says so).
    Undecided,
    /// By the PTR name of this address, and that question has no answer.
    Open(IpAddr),
}

/// How a path is introduced: as files say, or by the PTR name of its source address where it follows the PTR record, by all of several
/// where the setting joins them. `ptr` gives the PTR names of an address as the host's own resolver does; `None`: that question is open.
pub fn introduction(path: &OutboundPath, ptr: impl FnOnce(IpAddr) -> Option<Vec<DomainName>>) -> Introduction {
    let (default, joined, origin) = match &path.helo {
        Helo::None => return Introduction::None,
        Helo::Known(name) => return Introduction::Name(name.clone()),
        Helo::Undecided(_) => return Introduction::Undecided,
        Helo::FollowsPtr { default, joined, origin } => (default, joined, origin),
    };
    let Some(source) = &path.source else { return Introduction::Undecided };
    let Some(names) = ptr(source.value) else { return Introduction::Open(source.value) };
    let own = match joined {
        Some(between) if !names.is_empty() => {
            let mut texts: Vec<&str> = names.iter().map(DomainName::as_str).collect();
            texts.sort_unstable();
            texts.dedup();
            Some(HeloName::new(texts.join(between)))
        }
        _ => names.first().map(|name| HeloName::new(name.as_str())),
    };
    match own.or_else(|| default.clone()) {
        Some(name) => Introduction::Name(Fact::new(name, origin.clone())),
        None => Introduction::Undecided,
    }
}
