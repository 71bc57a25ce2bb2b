//! Which hosts took mail, and when last: where they refused some before, that is over.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::Mta;

/// Receiving hosts that are remembered; each takes some hundred octets.
const HOSTS: usize = 50_000;
/// Senders that are told apart for one host: services, families, local addresses.
const SENDERS: usize = 16;
/// Octets of a host's name, and of a service's.
const NAME: usize = 255;

/// How a delivery left this host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender<'l> {
    /// Whose log says so.
    pub mta: Mta,
    /// What delivered.
    pub service: &'l [u8],
    /// The family of the connection.
    pub family: Option<Family>,
    /// Its local address, where the line names it.
    pub local: Option<IpAddr>,
}

/// A sender, kept.
#[derive(Debug)]
struct Kept {
    mta: Mta,
    service: Box<[u8]>,
    family: Option<Family>,
    local: Option<IpAddr>,
    last: i64,
}

/// The deliveries that hosts took.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeMap<Box<[u8]>, Vec<Kept>>);

impl Taken {
    /// Remembers a delivery. Where there are too many hosts, further ones are not remembered: what they refused is not over, then.
    pub(super) fn add(&mut self, host: &[u8], sender: &Sender<'_>, at: i64) {
        if host.is_empty() || host.len() > NAME || sender.service.len() > NAME {
            return;
        }
        if let Some(senders) = self.0.get_mut(host) {
            keep(senders, sender, at);
        } else if self.0.len() < HOSTS {
            keep(self.0.entry(host.into()).or_default(), sender, at);
        }
    }

    /// Adds what another remembers.
    pub(super) fn merge(&mut self, other: Taken) {
        for (host, senders) in other.0 {
            for Kept { mta, service, family, local, last } in senders {
                self.add(&host, &Sender { mta, service: &service, family, local }, last);
            }
        }
    }

    /// When a host last took mail of the sender; `service` is `None` where it is not known, and any counts.
    pub(super) fn last(
        &self,
        host: &str,
        mta: Mta,
        service: Option<&[u8]>,
        family: Option<Family>,
        local: Option<IpAddr>,
    ) -> Option<i64> {
        let senders = self.0.get(host.as_bytes())?.iter();
        let same = senders.filter(|kept| {
            kept.mta == mta
                && kept.family == family
                && kept.local == local
                && service.is_none_or(|service| *service == *kept.service)
        });
        same.map(|kept| kept.last).max()
    }
}

fn keep(senders: &mut Vec<Kept>, sender: &Sender<'_>, at: i64) {
    let Sender { mta, service, family, local } = *sender;
    let same =
        |kept: &&mut Kept| kept.mta == mta && *kept.service == *service && kept.family == family && kept.local == local;
    if let Some(kept) = senders.iter_mut().find(same) {
        kept.last = kept.last.max(at);
    } else if senders.len() < SENDERS {
        senders.push(Kept { mta, service: service.into(), family, local, last: at });
    }
}
