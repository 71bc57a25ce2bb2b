//! What the outside sees of a private source address: DNS questions whose answer is the asker's own address (`--discover-public-ip`).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, timeout_at};

use super::PORT;
use super::exchange;
use super::server::{DEADLINE, Packets, Request, Server};
use super::window::Window;
use crate::addr::{self, Family};
use crate::name::DomainName;
use crate::observe::{Outcome, Question, RecordData, RecordType, Unreachable, Why};

/// Services that must give the same address before it is believed: one could be wrong, or somebody else's.
const AGREEING: usize = 2;
/// Packets that one service gets: its one question, repeated until the time is over.
const PACKETS: usize = 16;

/// A server that answers a question with the address it was asked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// As messages name it.
    pub name: String,
    /// Where it is asked.
    pub server: SocketAddr,
    /// What it is asked.
    pub question: Question,
}

/// The services asked over one family, each run by somebody else. They are asked at fixed addresses: through a resolver the answer would
/// be the resolver's address.
pub(crate) fn services(family: Family) -> Vec<Service> {
    let own = RecordType::address(family);
    // OpenDNS: resolver1.opendns.com; Google: ns1.google.com. Akamai's whoami.akamai.net is no third: it asks users to leave that name since
    // 2018, and the one that took its place tells of resolvers.
    let (opendns, google) = match family {
        Family::Ipv4 => ("208.67.222.222", "216.239.32.10"),
        Family::Ipv6 => ("2620:119:35::35", "2001:4860:4802:32::a"),
    };
    let all =
        [("opendns", opendns, "myip.opendns.com", own), ("google", google, "o-o.myaddr.l.google.com", RecordType::Txt)];
    let service = |(name, server, question, rtype): &(&str, &str, &str, RecordType)| {
        let server = SocketAddr::new(server.parse().ok()?, PORT);
        Some(Service { name: (*name).to_owned(), server, question: Question::new(&DomainName::new(question), *rtype) })
    };
    all.iter().filter_map(service).collect()
}

/// What the services said of one source address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The local address asked from.
    pub source: IpAddr,
    /// Each service's name, with the address it saw or why it did not say.
    pub said: Vec<(String, Result<IpAddr, Why>)>,
}

impl Seen {
    /// The public address on which at least two services agree, and that none contradicts.
    pub(crate) fn agreed(&self) -> Option<IpAddr> {
        let mut found: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for addr in self.said.iter().filter_map(|(_, said)| said.as_ref().ok()) {
            *found.entry(*addr).or_default() += 1;
        }
        match found.pop_first() {
            Some((addr, count)) if found.is_empty() && count >= AGREEING => Some(addr),
            _ => None,
        }
    }
}

/// Asks the services what they see of a source address of this host, for at most `time`.
///
/// Never fails: why a service said nothing stands in its place.
pub(crate) fn public_address(source: IpAddr, services: &[Service], time: Duration) -> Seen {
    let nobody = |why: &Why| services.iter().map(|service| (service.name.clone(), Err(why.clone()))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let said = match runtime {
        Ok(runtime) => {
            let said = runtime.block_on(ask(source, services, time));
            runtime.shutdown_background();
            said
        }
        Err(error) => nobody(&Why::Unreachable(Unreachable::Other(error.to_string()))),
    };
    Seen { source, said }
}

async fn ask(source: IpAddr, services: &[Service], time: Duration) -> Vec<(String, Result<IpAddr, Why>)> {
    let end = Instant::now() + time;
    let mut said: Vec<_> = services.iter().map(|service| (service.name.clone(), Err(Why::Timeout))).collect();
    let (events, mut inbox) = unbounded_channel();
    let mut open = 0;
    let mut requests = Vec::new();
    for (number, service) in services.iter().enumerate() {
        let (address, local) = (service.server, Some(source));
        let (window, pace, patience) = (Window::of(1), None, DEADLINE);
        let (packets, repeats, recurse, comes_back) = (PACKETS, PACKETS, true, false);
        let server = Server { number, address, local, recurse, window, pace, comes_back, patience, packets, repeats };
        let sender = exchange::start(server, Packets::new(PACKETS), events.clone());
        open += usize::from(sender.send(Request { token: (), question: Arc::new(service.question.clone()) }).is_ok());
        requests.push(sender);
    }
    while open > 0 {
        let Ok(Some(event)) = timeout_at(end, inbox.recv()).await else { break };
        open -= 1;
        if let (Some((_, slot)), Some(service)) = (said.get_mut(event.server), services.get(event.server)) {
            *slot = address(&service.question, source, event.response.outcome);
        }
    }
    said
}

/// The address that an answer holds: public, and of the family asked over.
fn address(question: &Question, source: IpAddr, outcome: Outcome) -> Result<IpAddr, Why> {
    let answer = match outcome {
        Outcome::Answer(answer) => answer,
        Outcome::Unanswered(why) => return Err(why),
    };
    let own = answer.records.iter().filter(|record| record.data.rtype() == question.rtype);
    let mut found = own.filter_map(|record| match &record.data {
        // Google adds a second record where the question came with a client subnet.
        RecordData::Txt(text) => text.parse().ok(),
        data => data.address(),
    });
    let fits = |addr: &IpAddr| addr::is_public(*addr) && Family::from(*addr) == Family::from(source);
    found.find(fits).ok_or_else(|| Why::Malformed("no public address of this family in the answer".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(said: &[Option<&str>]) -> Option<IpAddr> {
        let said = said.iter().map(|a| ("x".to_owned(), a.map(|a| a.parse().unwrap()).ok_or(Why::Timeout))).collect();
        Seen { source: "10.0.0.5".parse().unwrap(), said }.agreed()
    }

    #[test]
    fn two_agree_and_none_contradicts() {
        let addr = "203.0.113.5".parse().ok();
        assert_eq!(seen(&[Some("203.0.113.5"), None, Some("203.0.113.5")]), addr);
        assert_eq!(seen(&[Some("203.0.113.5"), None, None]), None);
        assert_eq!(seen(&[Some("203.0.113.5"), Some("203.0.113.5"), Some("203.0.113.6")]), None);
        assert_eq!(seen(&[]), None);
    }

    #[test]
    fn every_family_has_two_services_of_different_owners() {
        for family in Family::BOTH {
            let all = services(family);
            assert!(all.len() >= AGREEING);
            assert!(all.iter().all(|s| Family::from(s.server.ip()) == family && addr::is_public(s.server.ip())));
        }
    }
}
