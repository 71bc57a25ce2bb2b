//! The servers of zones: from names to addresses to vantage points.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::parents::Survey;
use super::{Job, NAMES, Zone, ZoneCuts, ZonePurpose, is_delegated};
use crate::addr::{Family, is_link_local, leads_to_the_public};
use crate::name::DomainName;
use crate::observe::{Answer, Question, RecordType, plan, zones};

/// Addresses of servers asked for one zone: more than the root's thirteen names have in one family.
const SERVERS: usize = 20;

impl ZoneCuts {
    /// Names of a zone's servers, whoever told them.
    pub(super) fn add_names(&mut self, zone: &DomainName, names: &[DomainName]) -> Vec<Job> {
        let Some(state) = self.zones.get_mut(zone) else { return Vec::new() };
        let usable = names.iter().filter(|name| plan::is_representable(name) && !name.as_str().is_empty());
        for name in usable.take(NAMES) {
            // The zone above and the zone itself may name as many each.
            if state.names.len() < 2 * NAMES {
                state.names.insert(name.clone());
            }
        }
        self.look_up(zone)
    }

    /// Looks for the addresses of a zone's servers: of all where questions are in it, else of as many as its delegations need.
    pub(super) fn look_up(&mut self, zone: &DomainName) -> Vec<Job> {
        let Some(state) = self.zones.get(zone) else { return Vec::new() };
        let central = state.concerned;
        let few = if central { state.names.len() } else { self.servers_needed(state) };
        let names: Vec<DomainName> = state.names.iter().take(few).cloned().collect();
        let mut jobs = Vec::new();
        for name in names {
            let host = self.hosts.entry(name.clone()).or_default();
            if host.zones.contains(zone) {
                continue;
            }
            host.zones.push(zone.clone());
            jobs.extend(host.addresses.iter().map(|address| Job::Server {
                zone: zone.clone(),
                name: name.clone(),
                address: *address,
            }));
            if !std::mem::replace(&mut host.sought, true) {
                for family in Family::BOTH {
                    let purpose = ZonePurpose::Address { name: name.clone() };
                    jobs.extend(self.find(&name, RecordType::address(family), purpose, central));
                }
            }
        }
        jobs
    }

    pub(super) fn add_addresses(&mut self, name: &DomainName, found: &[IpAddr]) -> Vec<Job> {
        let Some(host) = self.hosts.get_mut(name) else { return Vec::new() };
        let mut jobs = Vec::new();
        for &address in found.iter().take(SERVERS) {
            if !is_unicast(address) || self.public_only && !leads_to_the_public(address) {
                if host.unasked.len() < SERVERS {
                    host.unasked.insert(address);
                }
            } else if host.addresses.insert(address) {
                jobs.extend(host.zones.iter().map(|zone| Job::Server {
                    zone: zone.clone(),
                    name: name.clone(),
                    address,
                }));
            }
        }
        jobs
    }

    /// Adds a server to a zone, by one of its names; returns what it is to be asked.
    pub(crate) fn add_server(&mut self, zone: &DomainName, name: &DomainName, number: usize) -> Vec<Job> {
        let Some(state) = self.zones.get_mut(zone) else { return Vec::new() };
        if let Some(names) = state.servers.get_mut(&number) {
            names.insert(name.clone());
            return Vec::new();
        }
        if state.servers.len() >= SERVERS {
            return Vec::new();
        }
        state.servers.insert(number, BTreeSet::from([name.clone()]));
        let ask = |question: &Arc<Question>| Job::Ask { question: Arc::clone(question), servers: vec![number] };
        let mut jobs: Vec<Job> = state.questions.iter().map(ask).collect();
        let children = state.children.clone();
        jobs.extend(children.iter().flat_map(|child| self.survey(child)).collect::<Vec<_>>());
        jobs
    }

    /// What a zone's server says of the zone's servers: those that only it names are the zone's as well.
    pub(crate) fn named(&mut self, question: &Question, server: usize, answer: &Answer) -> Vec<Job> {
        let zone = &question.name;
        if question.rtype != RecordType::Ns || !self.zones.get(zone).is_some_and(|z| z.servers.contains_key(&server)) {
            return Vec::new();
        }
        let own = answer.records.iter().filter(|record| record.name == *zone);
        let names: Vec<DomainName> = own.filter_map(|record| record.data.name_server()).cloned().collect();
        self.add_names(zone, &names)
    }

    /// Whether questions are in a zone; others are known for their delegations alone.
    pub(crate) fn is_concerned(&self, zone: &DomainName) -> bool {
        self.zones.get(zone).is_some_and(|zone| zone.concerned)
    }

    /// The zones that questions are in, by name, with the servers found for each.
    pub(crate) fn concerned(&self) -> Vec<zones::Zone> {
        let concerned = self.zones.iter().filter(|(name, state)| state.concerned && is_delegated(name));
        let mut all: Vec<zones::Zone> = concerned
            .map(|(name, state)| {
                let above = state.parent.as_ref().and_then(|parent| self.zones.get(parent));
                let both = state.servers.keys().filter(|number| above.is_some_and(|z| z.servers.contains_key(number)));
                let hosts = state.names.iter().filter_map(|name| Some((name, self.hosts.get(name)?)));
                zones::Zone {
                    name: name.clone(),
                    parent: state.parent.clone(),
                    delegators: state.survey.asked().into_iter().chain(both.copied()).collect(),
                    servers: state.servers.clone(),
                    unasked: hosts
                        .flat_map(|(name, host)| host.unasked.iter().map(|addr| (name.clone(), *addr)))
                        .collect(),
                }
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Takes over what an earlier phase found out of a zone. `address`: where a vantage point is.
    pub(crate) fn remember(&mut self, zone: &zones::Zone, address: impl Fn(usize) -> Option<IpAddr>) {
        let state = Zone {
            names: zone.servers.values().flatten().cloned().collect(),
            servers: zone.servers.clone(),
            concerned: true,
            parent: zone.parent.clone(),
            survey: Survey::ended(&zone.delegators),
            ..Zone::default()
        };
        for (number, names) in &zone.servers {
            for name in names {
                let host = self.hosts.entry(name.clone()).or_default();
                host.addresses.extend(address(*number));
                if !host.zones.contains(&zone.name) {
                    host.zones.push(zone.name.clone());
                }
                host.sought = true;
            }
        }
        for (name, address) in &zone.unasked {
            self.hosts.entry(name.clone()).or_default().unasked.insert(*address);
        }
        self.zones.insert(zone.name.clone(), state);
    }
}

/// Whether a packet can be sent there as to one server.
fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || broadcast || is_link_local(address))
}
