//! What the SMTP client does on the wire: source address, HELO name and families of each service (smtp(8)).

use std::net::IpAddr;

use super::check::{self, OwnAddresses};
use super::defaults::Program;
use super::environment::{Environment, Resolved};
use super::expand::Expander;
use super::guess;
use super::master_cf::Entry;
use super::next_hop::{Hop, Reader, Reading, Then};
use super::ports::Services;
use super::process::Process;
use super::routes::Routes;
use super::version::Version;
use crate::addr::Family;
use crate::facts::{
    AfterBindFault, Bind, Fact, Helo, Mta, NextHop, Origin, Refusal, Sender, SenderDomains, Setting, Undecided,
};
use crate::name::HeloName;

/// One client service with the program that it runs.
pub(crate) struct Client<'a> {
    /// Its entry.
    pub entry: &'a Entry,
    /// Its program, loaded.
    pub process: &'a Process<'a>,
    /// The name that reports give it.
    pub label: String,
    /// `smtp` or `lmtp`.
    pub program: Program,
    /// The installed version, where it is known.
    pub version: Option<Version>,
    /// Whether this instance's own server answers at port 25.
    pub answers: bool,
}

/// A next hop that a client refuses.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The next hop, with its place.
    pub hop: Fact<String>,
    /// In the client's words.
    pub words: String,
    /// What becomes of the mail.
    pub then: Then,
    /// What was meant, where that can be guessed.
    pub correction: Option<String>,
}

/// What a service does.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Every way in which it sends.
    pub senders: Vec<Sender>,
    /// Next hops that it refuses.
    pub refused: Vec<Refused>,
}

/// Where a service sends, and whose mail.
struct Way {
    next_hop: NextHop,
    /// The only family that leads there.
    only: Option<Family>,
    senders: SenderDomains,
}

impl Client<'_> {
    fn parameter(&self, ending: &str) -> String {
        format!("{}_{ending}", if self.program == Program::Lmtp { "lmtp" } else { "smtp" })
    }

    /// The parameter that holds the HELO name.
    pub(crate) fn helo_parameter(&self) -> &'static str {
        if self.program == Program::Lmtp { "lmtp_lhlo_name" } else { "smtp_helo_name" }
    }

    /// Every way in which this service sends; one that is unused by any route takes `default_hop`.
    pub(crate) fn senders(
        &self,
        routes: &Routes,
        default_hop: Option<&Fact<String>>,
        services: &Services,
        env: &Environment<'_>,
        expander: &Expander,
    ) -> Found {
        let lmtp = self.program == Program::Lmtp;
        let reader = self.reader(services, env, expander);
        let mut found = Found::default();
        let mut ways = Vec::new();
        for route in routes.all.iter().filter(|route| route.service == self.entry.name()) {
            let (next_hop, only) = match &route.hop {
                None => (NextHop::Direct, None),
                Some(hop) => match self.target(&reader, hop, &mut found.refused) {
                    Some((NextHop::Handed(_), _)) if !route.outside => (NextHop::Here, None),
                    Some(target) => target,
                    None => continue,
                },
            };
            ways.push(Way { next_hop, only, senders: route.senders.clone() });
        }
        let unused = self.is_unused(routes);
        if ways.is_empty() && found.refused.is_empty() {
            // Nobody sends LMTP to the servers of a domain: without a next hop it delivers to this host.
            let target = match default_hop {
                _ if lmtp => Some((NextHop::Here, None)),
                None => Some((NextHop::Direct, None)),
                Some(hop) => self.target(&reader, hop, &mut Vec::new()),
            };
            // A table that cannot be read may name it, for which senders is not known.
            let senders = if unused { SenderDomains::Any } else { SenderDomains::Undecided };
            ways.extend(target.map(|(next_hop, only)| Way { next_hop, only, senders }));
        } else if !lmtp {
            self.read_fallback(&reader, &mut found.refused);
        }
        let (helo, helo_is_global) = self.helo(expander);
        let families = check::families(self.process.value("inet_protocols").map_or("all", |value| value));
        for family in families.unwrap_or_default() {
            let bind = self.bind(family, env);
            for way in &ways {
                if way.only.is_some_and(|only| only != family) {
                    continue;
                }
                found.senders.push(Sender {
                    mta: Mta::Postfix,
                    service: self.label.as_str().into(),
                    family,
                    bind: bind.clone(),
                    helo: helo.clone(),
                    helo_is_global,
                    sender_domains: way.senders.clone(),
                    next_hop: way.next_hop.clone(),
                    unused,
                });
            }
        }
        found
    }

    /// Where a next hop leads; what of it the client refuses is added to `refused`. `None`: nowhere.
    fn target(
        &self,
        reader: &Reader<'_>,
        hop: &Fact<String>,
        refused: &mut Vec<Refused>,
    ) -> Option<(NextHop, Option<Family>)> {
        let Reading { hops, refused: words } = reader.read(&hop.value);
        if let Some((words, then)) = words {
            let correction = guess::next_hop(&hop.value, |text| reader.takes(text));
            refused.push(Refused { hop: hop.clone(), words, then, correction });
        }
        let first = hops.first().and_then(|first| reader.of_unused_family(first));
        let hops: Vec<Hop> = hops.into_iter().filter(|hop| reader.of_unused_family(hop).is_none()).collect();
        if let Some(addr) = first.filter(|_| hops.is_empty()) {
            let words = format!("Name service error for {addr}: invalid host or domain name");
            refused.push(Refused { hop: hop.clone(), words, then: Then::NotFound, correction: None });
        }
        self.loops(reader, hop, &hops, refused);
        // It tries no other place once mail would come back.
        let leads = hops.first().is_some_and(|first| reader.loops(first).is_none());
        leads.then(|| reader.target(hop, &hops))
    }

    /// Looks whether one of the places is this host itself.
    fn loops(&self, reader: &Reader<'_>, hop: &Fact<String>, hops: &[Hop], refused: &mut Vec<Refused>) {
        let found = hops.iter().enumerate().find_map(|(at, hop)| Some((at, reader.loops(hop)?)));
        let then = |at| if at == 0 { Then::Loops } else { Then::LoopsLater };
        let found = found.map(|(at, words)| Refused { hop: hop.clone(), words, then: then(at), correction: None });
        refused.extend(found);
    }

    /// Reads the places for mail that others do not take.
    fn read_fallback(&self, reader: &Reader<'_>, refused: &mut Vec<Refused>) {
        let Some(hop) = self.process.fact("smtp_fallback_relay").filter(|hop| !hop.value.is_empty()) else { return };
        let Reading { hops, refused: words } = reader.read(&hop.value);
        if let Some((words, _)) = words {
            let correction = guess::next_hop(&hop.value, |text| reader.takes(text));
            refused.push(Refused { hop: hop.clone(), words, then: Then::EndsLater, correction });
        }
        if let Some(words) = hops.iter().find_map(|hop| reader.loops(hop)) {
            refused.push(Refused { hop, words, then: Then::LoopsLater, correction: None });
        }
    }

    /// What the client reads next hops by.
    fn reader<'r>(&self, services: &'r Services, env: &'r Environment<'r>, expander: &Expander) -> Reader<'r> {
        let lmtp = self.program == Program::Lmtp;
        let text = |name: &str| {
            let text = match self.process.sets(name) {
                true => format!("${name}"),
                false => super::defaults::default_of(name).unwrap_or_default().to_owned(),
            };
            self.process.expand(expander, &text, &super::process::MANUAL).value.unwrap_or_default()
        };
        let knows_srv = self.version.is_none_or(|version| version >= Version::SRV_LOOKUP);
        let srv = if knows_srv { text("use_srv_lookup") } else { String::new() };
        Reader {
            lmtp,
            version: self.version,
            default_port: text(if lmtp { "lmtp_tcp_port" } else { "smtp_tcp_port" }),
            known_ports: text("known_tcp_ports"),
            srv: check::words(&srv).map(str::to_owned).collect(),
            services,
            env,
            own: self.own_addresses(env),
            answers: self.answers,
            families: check::families(self.process.value("inet_protocols").map_or("all", |value| value))
                .unwrap_or_default(),
        }
    }

    /// The addresses at which the client takes a server for itself: those of `inet_interfaces` and `proxy_interfaces`.
    fn own_addresses(&self, env: &Environment<'_>) -> Option<Vec<IpAddr>> {
        let families = check::families(self.process.value("inet_protocols")?).ok()?;
        let interfaces = self.process.value("inet_interfaces")?;
        let mut own = match check::own_addresses(interfaces, &families, env).ok()? {
            OwnAddresses::Only(own) => own,
            OwnAddresses::Undecided(_) | OwnAddresses::TooMany => return None,
            OwnAddresses::Interfaces => {
                let all = env.addresses.clone()?.into_iter();
                all.filter(|addr| interfaces != "loopback-only" || addr.is_loopback()).collect()
            }
        };
        let proxies = self.process.value("proxy_interfaces").map_or("", |value| value);
        own.extend(check::words(proxies).filter_map(|word| word.trim_matches(['[', ']']).parse::<IpAddr>().ok()));
        Some(own)
    }

    /// Whether nothing names the service, as far as files can decide.
    pub(crate) fn is_unused(&self, routes: &Routes) -> bool {
        !routes.undecided && !routes.names(self.entry.name())
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
        let known = self.version.is_none_or(|version| version >= Version::BIND_ENFORCE);
        let on_failure = match known && enforced.is_some_and(|value| value.eq_ignore_ascii_case("yes")) {
            true => AfterBindFault::NothingSent,
            false => AfterBindFault::KernelChoice,
        };
        match bind_address(&value.value) {
            None => Bind::Unusable { parameter: parameter.into(), value, then: AfterBindFault::NothingSent },
            Some(address) if address.is_unspecified() => Bind::Kernel,
            Some(address) if Family::from(address) != family => {
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
                let mut own = all.into_iter().filter(|address| Family::from(*address) == family);
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
            Ok(OwnAddresses::TooMany) => {
                let why = "it has more names and addresses than helolint looks at".to_owned();
                Bind::Undecided(Undecided { parameter, why, origin: setting.origin })
            }
            Ok(OwnAddresses::Interfaces) | Err(_) => Bind::Kernel,
        }
    }

    /// The refusal of the delivery agent that a word of `proxy_interfaces` leads to: before it connects to port 25 it looks whether the
    /// server is itself.
    pub(crate) fn loop_refusal(&self, senders: &[Sender], env: &Environment<'_>) -> Option<Refusal> {
        let set = self.process.fact("proxy_interfaces")?;
        let is_own = |sender: &&Sender| *sender.service == *self.label;
        let asks = senders.iter().filter(is_own).any(|sender| match &sender.next_hop {
            NextHop::Direct => true,
            NextHop::Relay(hop) => {
                let port = hop.value.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
                port.is_none_or(|port| matches!(port, "25" | "smtp"))
            }
            _ => false,
        });
        let word = check::words(&set.value).find(|word| match env.resolve(word) {
            Resolved::Unknown => env.never_resolves(word),
            Resolved::NotFound => true,
            Resolved::Addresses(found) => found.is_empty(),
        })?;
        let message = format!("config variable proxy_interfaces: host not found: {word}");
        asks.then_some(Refusal { message, origin: set.origin })
    }

    /// The refusal of the delivery agent that a bind address which is no address leads to.
    pub(crate) fn bind_refusal(&self) -> Option<(String, Origin)> {
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
