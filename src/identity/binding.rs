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
            Bind::Kernel => self.chosen(sender),
            // Whatever the setting may say at run time, nothing leaves by a family of which this host has no address.
            Bind::Undecided(_) if host.lacks(sender.family) => Source::None,
            Bind::Undecided(undecided) => Source::Unknown(Some(Box::new(undecided.clone()))),
            Bind::Unusable { parameter, value, then } => {
                let kind = match value.value.trim_matches(['[', ']']).parse::<IpAddr>() {
                    Ok(other) => BindFaultKind::OtherFamily(other),
                    Err(_) => BindFaultKind::NotAnAddress,
                };
                self.report(sender, parameter, value.clone(), kind, *then);
                self.after_fault(*then, sender)
            }
            Bind::Address { address, .. } if address.value.is_unspecified() => self.chosen(sender),
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
                        return self.after_fault(*on_failure, sender);
                    }
                }
                Source::At(address.clone(), true)
            }
        }
    }

    /// What the kernel chooses for a sender. A relay may be reached without a route to all the world.
    fn chosen(&self, sender: &Sender) -> Source {
        match (kernel_choice(self.host, sender.family), sender.next_hop.addresses()) {
            (Source::None, Some(relays)) if !self.host.lacks(sender.family) => {
                let own = relays.into_iter().find_map(|relay| self.host.on_link(relay));
                own.map_or(Source::Unknown(None), |own| Source::At(Fact::new(own, ROUTE), false))
            }
            (chosen, _) => chosen,
        }
    }

    fn after_fault(&self, then: AfterBindFault, sender: &Sender) -> Source {
        match then {
            AfterBindFault::KernelChoice => self.chosen(sender),
            AfterBindFault::NothingSent => Source::None,
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

fn kernel_choice(host: &Host, family: Family) -> Source {
    match host.source.for_family(family) {
        Some(source) => Source::At(Fact::new(source, ROUTE), false),
        None if host.source.known => Source::None,
        None => Source::Unknown(None),
    }
}
