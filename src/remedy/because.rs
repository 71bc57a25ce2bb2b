//! Why a step goes this way, and what the other way would be.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Facts, InterfaceAddress};
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::change::RecordChange;
use crate::observe::iprev::confirms;
use crate::observe::{Observations, RecordType};
use crate::remedy::candidates::{FLAGS, family};
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::rules::panel::has_flag;
use crate::rules::support::{ptr_names, sending_addresses};

/// Why this way, and what the other would be.
pub(super) fn because(facts: &Facts, dns: &Observations, ops: &[Op]) -> Option<String> {
    let pointed = OnceCell::new();
    if let Some(text) = ops.iter().find_map(|op| own_address(facts, op)) {
        return Some(text);
    }
    for op in ops {
        if let Op::Record(RecordChange::SetPtr(addr, name)) = op
            && let Some(other) = usable_ptr(dns, *addr).filter(|other| other != name)
        {
            return Some(format!(
                "The PTR record of {addr} follows the name that this host goes by. The other way: `{other}` leads to {addr} and back \
                 already, so that the host could go by that."
            ));
        }
        if let Some(text) = by_option(facts, op) {
            return Some(text);
        }
        if let Op::Edit { edit, .. } | Op::Generate { edit, .. } = op
            && sets_one_family(edit)
        {
            return family::given_up(facts, dns);
        }
        let Op::Edit { edit, .. } = op else { continue };
        if let Some(text) = follows_ptr(pointed.get_or_init(|| pointed_at(facts, dns)), dns, edit) {
            return Some(text);
        }
    }
    None
}

/// Where a service no longer binds to an address of its own, and the host has one that nothing uses: what would keep it a way of its own.
fn own_address(facts: &Facts, op: &Op) -> Option<String> {
    let Op::Edit { edit: Edit::MasterCf { service, parameter, value: None }, .. } = op else { return None };
    let family = match parameter.as_str() {
        name if name.ends_with("_bind_address") => Family::Ipv4,
        name if name.ends_with("_bind_address6") => Family::Ipv6,
        _ => return None,
    };
    let set = facts.postfix.iter().flat_map(|postfix| &postfix.services).find(|known| known.name == *service)?;
    let helo = set.overrides.iter().find(|(name, _)| name.ends_with("_helo_name"))?.1.value.as_ref()?;
    let is_taken =
        |addr: IpAddr| facts.paths.iter().any(|path| path.source.as_ref().is_some_and(|at| at.value == addr));
    let is_free = |own: &&InterfaceAddress| {
        own.usable() && Family::from(own.address) == family && addr::is_public(own.address) && !is_taken(own.address)
    };
    let free = facts.host.own_addresses().find(is_free)?.address;
    let record = RecordType::address(family);
    Some(format!(
        "The service `{service}` then leaves from the address of the others. The other way keeps it one of its own: {free}, which nothing \
         uses, bound there, with an {record} record of `{helo}` and a PTR record."
    ))
}

/// A PTR name of an address that leads back and is not generic.
fn usable_ptr(dns: &Observations, addr: IpAddr) -> Option<DomainName> {
    let fit = |name: &DomainName| {
        name.is_host_name()
            && name.is_qualified()
            && why_generic(name, addr).is_none()
            && confirms(dns, name, addr) == Some(true)
    };
    ptr_names(dns, addr).into_iter().find(fit)
}

/// Whether it makes an empty file.
pub(super) fn is_empty(edit: &Edit) -> bool {
    matches!(edit, Edit::Whole { text } if text.is_empty())
}

/// Where a flag file of cPanel comes or goes: what says that it should.
fn by_option(facts: &Facts, op: &Op) -> Option<String> {
    let (file, comes) = match op {
        Op::Edit { file, edit } if is_empty(edit) => (file, true),
        Op::Remove { file } => (file, false),
        _ => return None,
    };
    let flag = file.strip_prefix(FLAGS)?;
    let option = facts.cpanel.as_ref()?.localopts.get(flag).map(|option| option.value.trim() == "1");
    let had = || facts.moved.as_ref()?.old.cpanel.as_ref().map(|old| has_flag(old, flag));
    match (comes, option) {
        (true, Some(true)) => Some(format!(
            "exim.conf.localopts has `{flag}` on, which is what WHM shows. The other way: turn it off there, where it is not wanted."
        )),
        (false, Some(false)) => Some(format!(
            "exim.conf.localopts has `{flag}` off, which is what WHM shows. The other way: turn it on there, where it is wanted."
        )),
        (true, _) if had() == Some(true) => {
            Some("The old host had it. The other way: leave it, where it is not wanted any more.".to_owned())
        }
        _ => None,
    }
}

/// Whether it gives up IPv6.
fn sets_one_family(edit: &Edit) -> bool {
    match edit {
        Edit::MainCf { parameter, value: Some(value) } | Edit::MasterCf { parameter, value: Some(value), .. } => {
            parameter == "inet_protocols" && value == "ipv4"
        }
        Edit::EximMain { option, .. } => option == "disable_ipv6" || option == "dns_ipv4_lookup",
        _ => false,
    }
}

/// The addresses that mail leaves from, by their PTR names.
fn pointed_at(facts: &Facts, dns: &Observations) -> HashMap<DomainName, Vec<IpAddr>> {
    let mut all: HashMap<DomainName, Vec<IpAddr>> = HashMap::new();
    for addr in sending_addresses(facts).into_iter().map(|sending| sending.address.value) {
        for name in ptr_names(dns, addr) {
            all.entry(name).or_default().push(addr);
        }
    }
    all
}

/// Where a name is set that an address has as PTR name already.
fn follows_ptr(pointed: &HashMap<DomainName, Vec<IpAddr>>, dns: &Observations, edit: &Edit) -> Option<String> {
    let name = match edit {
        Edit::MainCf { parameter, value: Some(value) } | Edit::MasterCf { parameter, value: Some(value), .. } => {
            (parameter.ends_with("name")).then_some(value)
        }
        Edit::EximTransport { option, value: Some(value), .. } => (option == "helo_data").then_some(value),
        Edit::EximMain { option, value: Some(value) } => (option == "primary_hostname").then_some(value),
        Edit::EximMacro { value, .. } => Some(value),
        _ => None,
    }?;
    let name = DomainName::new(name);
    let addr = pointed.get(&name)?.iter().find(|addr| confirms(dns, &name, **addr) == Some(true))?;
    Some(format!(
        "`{name}` leads to {addr} and back already, so that nobody else has to act. The other way: another name with an address record \
         and a PTR record of its own."
    ))
}
