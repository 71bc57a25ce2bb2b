//! Where connections come from: what MTAs bind to, and what the kernel chooses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::Family;
use crate::facts::{
    AfterBindFault, Bind, BindFault, BindFaultKind, Fact, Host, LocalAddresses, Mta, Origin, Sender, Undecided,
};

/// What the kernel's choice of a source address is called in origins.
pub(super) const ROUTE: Origin = Origin::kernel("route");

/// Where a sender's connections come from.
pub(super) enum Source {
    /// This address; whether the MTA binds to it.
    At(Fact<IpAddr>, bool),
    /// Nowhere: nothing is sent on this path.
    None,
    /// It is not known, or files cannot decide it.
    Unknown(Option<Box<Undecided>>),
}

/// Resolves what senders bind to, and notes what they cannot.
pub(super) struct Binding<'a> {
    pub(super) host: &'a Host,
    pub(super) local: LocalAddresses,
    pub(super) faults: Vec<BindFault>,
    /// Where each fault stands among them.
    pub(super) known: HashMap<(Mta, BindFaultKind, AfterBindFault, String, Origin), usize>,
}

impl Binding<'_> {
    /// Where a sender's connections come from.
    pub(super) fn resolve(&mut self, sender: &Sender) -> Source {
        let host = self.host;
        match &sender.bind {
            Bind::Kernel => kernel_choice(host, sender.family),
            // Whatever the setting may say at run time, nothing leaves by a family of which this host has no address.
            Bind::Undecided(_) if lacks(host, sender.family) => Source::None,
            Bind::Undecided(undecided) => Source::Unknown(Some(Box::new(undecided.clone()))),
            Bind::Unusable { parameter, value, then } => {
                let kind = match value.value.trim_matches(['[', ']']).parse::<IpAddr>() {
                    Ok(other) => BindFaultKind::OtherFamily(other),
                    Err(_) => BindFaultKind::NotAnAddress,
                };
                self.report(sender, parameter, value.clone(), kind, *then);
                after_fault(*then, host, sender.family)
            }
            Bind::Address { address, .. } if address.value.is_unspecified() => kernel_choice(host, sender.family),
            Bind::Address { parameter, address, on_failure } => {
                let text = || address.with(address.value.to_string());
                if address.value.is_loopback() {
                    let kind = BindFaultKind::Loopback(address.value);
                    self.report(sender, parameter, text(), kind, *on_failure);
                    return Source::None;
                }
                if self.local.has(address.value) == Some(false) {
                    let nonlocal = match sender.family {
                        Family::Ipv4 => host.nonlocal_bind_v4,
                        Family::Ipv6 => host.nonlocal_bind_v6,
                    };
                    let kind = BindFaultKind::NotLocal(address.value);
                    self.report(sender, parameter, text(), kind, *on_failure);
                    if !nonlocal {
                        return after_fault(*on_failure, host, sender.family);
                    }
                }
                Source::At(address.clone(), true)
            }
        }
    }

    /// Notes a fault; services with the same fault of the same setting share one.
    fn report(
        &mut self,
        sender: &Sender,
        parameter: &str,
        value: Fact<String>,
        kind: BindFaultKind,
        then: AfterBindFault,
    ) {
        let key = (sender.mta, kind, then, parameter.to_owned(), value.origin.clone());
        let at = *self.known.entry(key).or_insert(self.faults.len());
        match self.faults.get_mut(at) {
            Some(fault) if fault.services.contains(&sender.service) => {}
            Some(fault) => fault.services.push(Arc::clone(&sender.service)),
            None => self.faults.push(BindFault {
                mta: sender.mta,
                services: vec![Arc::clone(&sender.service)],
                parameter: parameter.to_owned(),
                value,
                kind,
                then,
            }),
        }
    }
}

/// Whether the host is known to have neither an address nor a route of this family.
fn lacks(host: &Host, family: Family) -> bool {
    let known = host.addresses.is_some() && host.source.known;
    known
        && host.source.for_family(family).is_none()
        && !host.own_addresses().any(|own| Family::from(own.address) == family)
}

fn after_fault(then: AfterBindFault, host: &Host, family: Family) -> Source {
    match then {
        AfterBindFault::KernelChoice => kernel_choice(host, family),
        AfterBindFault::NothingSent => Source::None,
    }
}

pub(super) fn kernel_choice(host: &Host, family: Family) -> Source {
    match host.source.for_family(family) {
        Some(source) => Source::At(Fact::new(source, ROUTE), false),
        None if host.source.known => Source::None,
        None => Source::Unknown(None),
    }
}
