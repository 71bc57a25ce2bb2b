//! Facts as a snapshot has them, written as they are gone through: of a server with ten thousand domains they come to a hundred megabytes, and a
//! tree of their values would take ten times that.

use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::printed;
use crate::facts::{Cpanel, Exim, EximDriver, Fact, Facts, Host, HostsEntry, Postfix};
use crate::report::{HostView, host_view};

/// Facts: the contract's keys, and all others that a replay needs.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FactsDoc<'f> {
    /// As in the report; `details` has every value with its origin.
    #[schemars(with = "Map<String, Value>")]
    host: HostDoc<'f>,
    /// Postfix instances: `config_directory`, `error`, `warnings`, `parameters`, `services`.
    #[schemars(with = "Vec<Map<String, Value>>")]
    postfix: &'f [Postfix],
    /// Live Exim configurations: `file`, `version_hint`, `error`, `main`, `transports`, `routers`.
    #[schemars(with = "Vec<Map<String, Value>>")]
    exim: Vec<EximDoc<'f>>,
    /// cPanel's files; null on other hosts.
    #[schemars(with = "Option<Map<String, Value>>")]
    cpanel: Option<&'f Cpanel>,
    /// Outbound paths, NAT maps, problems, options.
    #[serde(flatten)]
    #[schemars(with = "Map<String, Value>")]
    others: &'f Facts,
}

#[derive(Debug, Serialize)]
struct HostDoc<'f> {
    #[serde(flatten)]
    view: HostView,
    resolv_conf: &'f [Fact<IpAddr>],
    hosts: &'f [HostsEntry],
    details: &'f Host,
}

#[derive(Debug, Serialize)]
struct EximDoc<'f> {
    #[serde(flatten)]
    others: Map<String, Value>,
    transports: Drivers<'f>,
    routers: Drivers<'f>,
}

impl EximDoc<'_> {
    fn new(exim: &Exim) -> Result<EximDoc<'_>, serde_json::Error> {
        let few = Exim { transports: Arc::default(), routers: Arc::default(), ..exim.clone() };
        let mut others: Map<String, Value> = serde_json::from_value(serde_json::to_value(few)?)?;
        others.retain(|key, _| key != "transports" && key != "routers");
        let whole = printed::as_exim(&mut others);
        let of = |all| Drivers { all, whole };
        Ok(EximDoc { others, transports: of(&exim.transports), routers: of(&exim.routers) })
    }
}

/// Transports or routers, of which there may be twenty thousand.
#[derive(Debug)]
struct Drivers<'f> {
    all: &'f [EximDriver],
    /// Whether octets beyond ASCII are printed as they are.
    whole: bool,
}

impl Serialize for Drivers<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.all.len()))?;
        for driver in self.all {
            let mut value = serde_json::to_value(driver).map_err(S::Error::custom)?;
            printed::escape(&mut value, self.whole);
            list.serialize_element(&value)?;
        }
        list.end()
    }
}

impl FactsDoc<'_> {
    /// Of these facts.
    ///
    /// # Errors
    /// Where they cannot be written as JSON.
    pub(super) fn new(facts: &Facts) -> Result<FactsDoc<'_>, serde_json::Error> {
        let Host { nameservers, hosts, .. } = &facts.host;
        Ok(FactsDoc {
            host: HostDoc { view: host_view(facts), resolv_conf: nameservers, hosts, details: &facts.host },
            postfix: &facts.postfix,
            exim: facts.exim.iter().map(EximDoc::new).collect::<Result<_, _>>()?,
            cpanel: facts.cpanel.as_deref(),
            others: facts,
        })
    }
}
