//! What the SMTP client does on the wire: source address, HELO name and families of each service (smtp(8)).

use std::net::IpAddr;

use super::check::{self, OwnAddresses};
use super::defaults::Program;
use super::environment::Environment;
use super::expand::Expander;
use super::master_cf::Entry;
use super::process::Process;
use super::routes::{Routes, next_hop};
use crate::addr::Family;
use crate::facts::{AfterBindFault, Bind, Fact, Helo, Mta, NextHop, Origin, Sender, SenderDomains, Setting, Undecided};
use crate::name::HeloName;

/// One client service with the program that it runs.
pub struct Client<'a> {
    /// Its entry.
    pub entry: &'a Entry,
    /// Its program, loaded.
    pub process: &'a Process<'a>,
    /// The name that reports give it.
    pub label: String,
    /// `smtp` or `lmtp`.
    pub program: Program,
}

impl Client<'_> {
    fn parameter(&self, ending: &str) -> String {
        format!("{}_{ending}", if self.program == Program::Lmtp { "lmtp" } else { "smtp" })
    }

    /// The parameter that holds the HELO name.
    pub fn helo_parameter(&self) -> &'static str {
        if self.program == Program::Lmtp { "lmtp_lhlo_name" } else { "smtp_helo_name" }
    }

    /// Every way in which this service sends; one that is unused by any route takes `default_hop`.
    pub fn senders(
        &self,
        routes: &Routes,
        default_hop: Option<&Fact<String>>,
        env: &Environment<'_>,
        expander: &Expander,
    ) -> Vec<Sender> {
        let lmtp = self.program == Program::Lmtp;
        let mut ways = Vec::new();
        for route in routes.all.iter().filter(|route| route.service == self.entry.name()) {
            ways.push((next_hop(route.hop.as_ref(), lmtp, env), route.senders.clone()));
        }
        let unused = self.is_unused(routes);
        if ways.is_empty() {
            // Nobody sends LMTP to the servers of a domain: without a next hop it delivers to this host.
            let hop = if lmtp { (NextHop::Here, None) } else { next_hop(default_hop, lmtp, env) };
            ways.push((hop, SenderDomains::Any));
        }
        let (helo, helo_is_global) = self.helo(expander);
        let families = check::families(self.process.value("inet_protocols").map_or("all", |value| value));
        let mut senders = Vec::new();
        for family in families.unwrap_or_default() {
            let bind = self.bind(family, env);
            for ((next_hop, only), sender_domains) in &ways {
                if only.is_some_and(|only| only != family) {
                    continue;
                }
                senders.push(Sender {
                    mta: Mta::Postfix,
                    service: self.label.as_str().into(),
                    family,
                    bind: bind.clone(),
                    helo: helo.clone(),
                    helo_is_global,
                    sender_domains: sender_domains.clone(),
                    next_hop: next_hop.clone(),
                    unused,
                });
            }
        }
        senders
    }

    /// Whether nothing names the service, as far as files can decide.
    pub fn is_unused(&self, routes: &Routes) -> bool {
        !routes.undecided && !routes.all.iter().any(|route| route.service == self.entry.name())
    }

    fn helo(&self, expander: &Expander) -> (Helo, bool) {
        let name = self.helo_parameter();
        let setting = self.process.setting(name);
        let helo = match setting.fact() {
            Some(fact) => Helo::Known(fact.map(HeloName::new)),
            None => Helo::Undecided(undecided(name, setting)),
        };
        expander.take_names();
        let text = if self.process.sets(name) { format!("${name}") } else { "$myhostname".to_owned() };
        self.process.expand(expander, &text, &super::process::MANUAL);
        let mut names = expander.take_names();
        names.push(name.to_owned());
        // Without a setting of its own, a host name without dot takes its domain from there.
        if names.iter().any(|known| known == "myhostname") && !self.process.sets("myhostname") {
            names.push("mydomain".into());
        }
        (helo, !self.process.overrides_any(&names))
    }

    /// Where connections of a family come from.
    fn bind(&self, family: Family, env: &Environment<'_>) -> Bind {
        let parameter = self.parameter(if family == Family::Ipv4 { "bind_address" } else { "bind_address6" });
        let setting = self.process.setting(&parameter);
        let Some(value) = setting.fact() else {
            return Bind::Undecided(undecided(&parameter, setting));
        };
        if value.value.is_empty() {
            return self.bind_by_interfaces(family, env);
        }
        let enforced = self.process.value(&self.parameter("bind_address_enforce"));
        let on_failure = match enforced.is_some_and(|value| value.eq_ignore_ascii_case("yes")) {
            true => AfterBindFault::NothingSent,
            false => AfterBindFault::KernelChoice,
        };
        match bind_address(&value.value) {
            None => Bind::Unusable { parameter: parameter.into(), value, then: AfterBindFault::NothingSent },
            Some(address) if address.is_unspecified() => Bind::Kernel,
            Some(address) if Family::of(address) != family => {
                Bind::Unusable { parameter: parameter.into(), value, then: on_failure }
            }
            Some(address) => Bind::Address { parameter: parameter.into(), address: value.with(address), on_failure },
        }
    }

    /// The single address of the family in `inet_interfaces`, where there is one.
    fn bind_by_interfaces(&self, family: Family, env: &Environment<'_>) -> Bind {
        let parameter = "inet_interfaces".to_owned();
        let setting = self.process.setting(&parameter);
        let families = check::families(self.process.value("inet_protocols").map_or("all", |value| value));
        let (Some(value), Ok(families)) = (setting.fact(), families) else {
            return Bind::Undecided(undecided(&parameter, setting));
        };
        match check::own_addresses(&value.value, &families, env) {
            Ok(OwnAddresses::Only(all)) => {
                let mut own = all.into_iter().filter(|address| Family::of(*address) == family);
                match (own.next(), own.next()) {
                    (Some(address), None) if !address.is_loopback() && !address.is_unspecified() => Bind::Address {
                        parameter: parameter.into(),
                        address: value.with(address),
                        on_failure: AfterBindFault::KernelChoice,
                    },
                    _ => Bind::Kernel,
                }
            }
            Ok(OwnAddresses::Undecided(name)) => Bind::Undecided(Undecided {
                parameter,
                why: format!("`{name}` is not in the hosts file; Postfix asks the DNS for it when it starts"),
                origin: setting.origin,
            }),
            Ok(OwnAddresses::Interfaces) | Err(_) => Bind::Kernel,
        }
    }

    /// The refusal of the delivery agent that a bind address which is no address leads to.
    pub fn bind_refusal(&self) -> Option<(String, Origin)> {
        ["bind_address", "bind_address6"].into_iter().find_map(|ending| {
            let name = self.parameter(ending);
            let value = self.process.fact(&name).filter(|fact| !fact.value.is_empty())?;
            let refused = bind_address(&value.value).is_none();
            refused.then(|| (format!("bad {name} parameter: {}: Name or service not known", value.value), value.origin))
        })
    }
}

/// The address that a bind parameter holds: brackets around it and an interface behind it are allowed.
fn bind_address(value: &str) -> Option<IpAddr> {
    let bare = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
    bare.split_once('%').map_or(bare, |(address, _)| address).parse().ok()
}

/// A setting of which files do not give the value.
fn undecided(parameter: &str, setting: Setting) -> Undecided {
    Undecided { parameter: parameter.to_owned(), why: setting.undecided.unwrap_or_default(), origin: setting.origin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_addresses() {
        for (text, address) in [
            ("192.0.2.25", Some("192.0.2.25")),
            ("[192.0.2.25]", Some("192.0.2.25")),
            ("[2001:db8::25]", Some("2001:db8::25")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("mail1.example.com", None),
            ("192.0.2.25, 192.0.2.26", None),
            ("# none", None),
        ] {
            assert_eq!(bind_address(text), address.map(|text| text.parse().unwrap()), "{text}");
        }
    }
}
