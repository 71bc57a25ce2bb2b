//! Facts as a snapshot has them, written as they are gone through: of a server with ten thousand domains they come to a hundred megabytes, and a
//! tree of their values would take ten times that.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::printed;
use crate::facts::{Cpanel, Fact, Facts, Host, HostsEntry, Postfix};
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
    exim: Vec<Map<String, Value>>,
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

impl FactsDoc<'_> {
    /// Of these facts.
    ///
    /// # Errors
    /// Where they cannot be written as JSON.
    pub(super) fn new(facts: &Facts) -> Result<FactsDoc<'_>, serde_json::Error> {
        let Host { nameservers, hosts, .. } = &facts.host;
        let mut exim: Vec<Map<String, Value>> = serde_json::from_value(serde_json::to_value(&facts.exim)?)?;
        exim.iter_mut().for_each(printed::as_exim);
        Ok(FactsDoc {
            host: HostDoc { view: host_view(facts), resolv_conf: nameservers, hosts, details: &facts.host },
            postfix: &facts.postfix,
            exim,
            cpanel: facts.cpanel.as_deref(),
            others: facts,
        })
    }
}
