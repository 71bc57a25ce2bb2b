//! Facts and answers that tests of this module start from.

use crate::addr::Family;
use crate::facts::{Fact, Facts, Helo, Host, Origin, OutboundPath, SenderDomains};
use crate::name::HeloName;
use crate::observe::{Answer, Record};

/// A host that says nothing about itself.
pub(crate) fn facts() -> Facts {
    Facts::new(Host::unknown("test"))
}

/// A path that sends from `address` under `helo`.
pub(crate) fn helo_path(address: &str, helo: &str) -> OutboundPath {
    let address = Fact::new(address.parse().unwrap(), Origin::kernel("test"));
    OutboundPath {
        id: "postfix/ipv4/1".into(),
        mta: Some(crate::facts::Mta::Postfix),
        services: vec!["smtp".into()],
        family: Family::from(address.value),
        source: Some(address.clone()),
        bound: false,
        source_undecided: None,
        sending: Some(address),
        helo: Helo::Known(Fact::new(HeloName::new(helo), Origin::kernel("test"))),
        helo_is_global: true,
        sender_domains: SenderDomains::Any,
        relayed: None,
        unused: false,
        handed_over: false,
    }
}

/// An authoritative answer with these records.
pub(crate) fn answer(records: Vec<Record>) -> Answer {
    Answer {
        nxdomain: false,
        authoritative: true,
        recursion_available: false,
        records,
        negative_ttl: None,
        soa: None,
        rtt_micros: 0,
        left_out: 0,
    }
}
