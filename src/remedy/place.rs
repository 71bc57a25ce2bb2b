//! Where a change is made, and who makes it: what belongs into one step.

use crate::addr::Family;
use crate::findings::Who;
use crate::name::DomainName;
use crate::observe::change::RecordChange;
use crate::remedy::op::Op;
use crate::remedy::trial::Trial;
use crate::rules::ptr::ticket;

/// Where a change is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A zone, by the registrable domain of what is changed in it.
    Zone(DomainName),
    /// Many zones.
    Zones(Vec<DomainName>),
    /// Whoever runs the reverse zone of an address.
    Holder(String, Who),
    /// Addresses and routes of this host.
    Network,
    /// The host's name and the hosts file.
    Name,
    /// A file.
    File(String),
    /// Compiled tables.
    Tables,
    /// The daemons.
    Daemons,
}

impl Place {
    pub(super) fn who(&self) -> Who {
        match self {
            Place::Zone(_) | Place::Zones(_) => Who::DnsZone,
            Place::Holder(_, who) => *who,
            _ => Who::Host,
        }
    }
}

/// The place of a step in an order: that of zones, of holders of addresses, of this host.
pub(super) fn rank(place: &Place, order: [usize; 3]) -> (usize, usize) {
    let [zone, holder, host] = order;
    match place {
        Place::Daemons => (9, 0),
        Place::Zone(_) | Place::Zones(_) => (zone, 0),
        Place::Holder(..) => (holder, 0),
        Place::Network => (host, 1),
        Place::Name => (host, 2),
        Place::File(_) => (host, 3),
        Place::Tables => (host, 4),
    }
}

/// Where a change is made; `last` is the place of the one before it.
pub(super) fn place_of(before: &Trial, op: &Op, last: Option<&Place>) -> Place {
    match op {
        Op::Record(RecordChange::SetPtr(addr, name)) => {
            let fix = ticket::ask_for(&before.facts, &before.dns, *addr, name);
            let zone = crate::providers::ReverseZone::find(&before.dns, *addr);
            let holder = match &zone.zone {
                Some(zone) => zone.to_string(),
                None => Family::from(*addr).title().to_owned(),
            };
            Place::Holder(holder, fix.who)
        }
        Op::Record(RecordChange::Publish(name, _) | RecordChange::Withdraw(name, _)) => {
            Place::Zone(name.registrable().unwrap_or_else(|| name.clone()))
        }
        Op::Address { .. } | Op::Route { .. } => Place::Network,
        Op::HostName(_) => Place::Name,
        Op::Edit { file, .. } if file == "/etc/hosts" => Place::Name,
        Op::Edit { file, .. } | Op::Remove { file } => Place::File(file.clone()),
        // With the file that it is made from.
        Op::Generate { file, .. } => match last {
            Some(Place::File(source)) => Place::File(source.clone()),
            _ => Place::File(file.clone()),
        },
        Op::Compile { .. } => Place::Tables,
        Op::Reload => Place::Daemons,
        Op::ByHand { effect, text, .. } => match effect.first() {
            Some(op) => place_of(before, op, last),
            None => Place::File(text.clone()),
        },
    }
}
