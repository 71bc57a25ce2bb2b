//! The iprev result of RFC 8601 section 2.7.3 (FCrDNS), over the truth: pure functions.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::addr::Family;
use crate::name::DomainName;
use crate::observe::{Lookup, Observations};

/// The iprev result of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Iprev {
    /// Some PTR name leads back to the address.
    Pass,
    /// There are PTR names, and none leads back.
    Fail,
    /// The PTR question could not be answered for now, or the names' addresses could not.
    TempError,
    /// There is no PTR record.
    PermError,
}

/// Whether one PTR name leads back to `addr`; `None` where that question got no answer.
pub fn confirms(dns: &Observations, name: &DomainName, addr: IpAddr) -> Option<bool> {
    match dns.addresses(name, Family::of(addr)) {
        Lookup::Found(found) => Some(found.contains(&addr)),
        Lookup::NoData | Lookup::NxDomain => Some(false),
        Lookup::Unanswered(_) => None,
    }
}

/// The iprev result of `addr`.
pub fn of(dns: &Observations, addr: IpAddr) -> Iprev {
    match dns.ptr(addr) {
        Lookup::NoData | Lookup::NxDomain => Iprev::PermError,
        Lookup::Unanswered(_) => Iprev::TempError,
        Lookup::Found(names) => {
            let back: Vec<Option<bool>> = names.iter().map(|name| confirms(dns, name, addr)).collect();
            if back.contains(&Some(true)) {
                Iprev::Pass
            } else if back.contains(&None) {
                Iprev::TempError
            } else {
                Iprev::Fail
            }
        }
    }
}
