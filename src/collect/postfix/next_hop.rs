//! Next hops as the SMTP and LMTP clients read them, and what they refuse in which words (host_port(3), smtp(8)).

use std::net::IpAddr;

use super::check::{self, is_valid_hostname};
use super::environment::{Environment, Resolved};
use super::ports::Services;
use super::version::Version;
use crate::addr::Family;
use crate::facts::Fact;
use crate::facts::NextHop;

/// The port at which a client looks whether it is about to talk to itself.
pub(super) const SMTP_PORT: u16 = 25;
/// One next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hop {
    /// A host or domain.
    Host {
        /// Its name or address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// Whether brackets stood around it: no MX is asked for.
        literal: bool,
        /// The service's name as written, where SRV records are asked for by it.
        srv: bool,
    },
    /// A socket of this host.
    Socket(String),
}

/// Host and service of one destination, both as they stand there; the service is `default` where it has none.
///
/// # Errors
/// In the client's words.
fn host_port<'t>(text: &'t str, default: &'t str) -> Result<(&'t str, &'t str), &'static str> {
    let (host, port) = if let Some(inner) = text.strip_prefix('[') {
        let tagged = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
        let inner = if tagged.is_some() { &inner[5..] } else { inner };
        let (host, rest) = inner.split_once(']').ok_or("missing \"]\"")?;
        let port = match rest.strip_prefix(':') {
            Some(port) => port,
            None if rest.is_empty() => rest,
            None => return Err("garbage after \"]\""),
        };
        if tagged.is_some() && !is_ipv6(host) {
            return Err("malformed IPv6 address");
        }
        (host, port)
    } else {
        let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
        if host.is_empty() {
            return Err("missing host information");
        }
        (host, port)
    };
    if !is_host(host) {
        return Err("valid hostname or network address required");
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match port {
        "" => Ok((host, default)),
        port if port.starts_with(|c: char| c.is_ascii_digit()) && !digits(port) => {
            Err("garbage after numerical service")
        }
        port => Ok((host, port)),
    }
}

/// Whether the client takes the text as a host name or an address. Names beyond ASCII become ASCII first.
fn is_host(host: &str) -> bool {
    let ascii: String = host.chars().map(|c| if !c.is_ascii() && c.is_alphanumeric() { 'x' } else { c }).collect();
    is_valid_hostname(&ascii) || if host.contains(':') { is_ipv6(host) } else { is_ipv4(host) }
}

/// valid_ipv4_hostaddr(3): four numbers, leading zeros allowed; none but 0.0.0.0 begins with 0.
fn is_ipv4(host: &str) -> bool {
    let parts: Vec<&str> = host.split('.').collect();
    let value = |part: &&str| match part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
        true => part.parse::<u64>().ok().filter(|value| *value <= 255),
        false => None,
    };
    let values: Vec<u64> = parts.iter().map_while(value).collect();
    parts.len() == 4 && values.len() == 4 && (values[0] != 0 || values.iter().all(|value| *value == 0))
}

/// valid_ipv6_hostaddr(3), which takes too few fields for an address.
fn is_ipv6(host: &str) -> bool {
    let bytes = host.as_bytes();
    let (mut at, mut field, mut length, mut null) = (0usize, 0usize, 0usize, 0usize);
    loop {
        match bytes.get(at) {
            None => return field >= 2 && !(length == 0 && null + 1 != field),
            Some(b'.') => {
                let start = at.saturating_sub(length);
                return (2..=6).contains(&field) && host.get(start..).is_some_and(is_ipv4);
            }
            Some(b':') => {
                if field == 0 && length == 0 && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) {
                    return false;
                }
                field += 1;
                at += 1;
                length = 0;
                if field > 7 {
                    return false;
                }
                if bytes.get(at) == Some(&b':') {
                    if null > 0 {
                        return false;
                    }
                    null = field;
                }
            }
            Some(_) => {
                length = bytes[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                if length == 0 || length > 4 {
                    return false;
                }
                at += length;
            }
        }
    }
}

/// What a client reads a next hop by.
pub(crate) struct Reader<'a> {
    /// Whether it is the LMTP client: it knows sockets, and asks for no MX.
    pub lmtp: bool,
    /// The installed version, where it is known.
    pub version: Option<Version>,
    /// `smtp_tcp_port` or `lmtp_tcp_port`.
    pub default_port: String,
    /// `known_tcp_ports`.
    pub known_ports: String,
    /// `use_srv_lookup`, where the version knows it.
    pub srv: Vec<String>,
    /// The host's services.
    pub services: &'a Services,
    /// The host.
    pub env: &'a Environment<'a>,
    /// The addresses at which the client takes a server for itself; `None` where they are not known.
    pub own: Option<Vec<IpAddr>>,
    /// Whether this instance's own server answers at the port at which the client looks for itself.
    pub answers: bool,
    /// The families of `inet_protocols`.
    pub families: Vec<Family>,
}

/// What becomes of mail whose next hop a client refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The client ends, and the mail stays in the queue.
    Ends,
    /// The same, where the places before it do not answer.
    EndsLater,
    /// The client finds no such host: the mail is deferred, or bounces.
    NotFound,
    /// The mail would come back to this host: it is deferred, or bounces.
    Loops,
    /// The same, where the places before it do not answer.
    LoopsLater,
}

/// What a next hop comes to.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The places that the client goes to, in order, as far as it can read them.
    pub hops: Vec<Hop>,
    /// Where it ends, in its words, and what becomes of the mail.
    pub refused: Option<(String, Then)>,
}

impl Reader<'_> {
    /// Reads a next hop: since Postfix 3.5 a list.
    pub(crate) fn read(&self, text: &str) -> Reading {
        if let Some(path) = text.strip_prefix("unix:").filter(|_| self.lmtp) {
            return Reading { hops: vec![Hop::Socket(path.to_owned())], refused: None };
        }
        let text = text.strip_prefix("inet:").filter(|_| self.lmtp).unwrap_or(text);
        let whole = self.version.is_some_and(|version| version < Version::NEXT_HOP_LISTS);
        let items: Vec<&str> = if whole { vec![text] } else { check::words(text).collect() };
        let mut reading = Reading::default();
        for item in items {
            match self.hop(item) {
                Ok(hop) => reading.hops.push(hop),
                Err((words, then)) => {
                    let then = if reading.hops.is_empty() { then } else { Then::EndsLater };
                    reading.refused = Some((words, then));
                    break;
                }
            }
        }
        reading
    }

    fn hop(&self, item: &str) -> Result<Hop, (String, Then)> {
        let ends = |words: String| (words, Then::Ends);
        let (host, service) = host_port(item, &self.default_port)
            .map_err(|words| ends(format!("{words} in server description: {item}")))?;
        let known = self.version.is_none_or(|version| version >= Version::KNOWN_PORTS);
        let number = if known { known_port(&self.known_ports, service) } else { None };
        let service = number.unwrap_or(service);
        let port = match service.bytes().all(|byte| byte.is_ascii_digit()) {
            true => match service.parse::<u16>().ok().filter(|port| *port > 0) {
                Some(port) => port,
                None => return Err(ends(format!("bad network port: {service} for destination: {item}"))),
            },
            false => self.services.port(service).ok_or_else(|| ends(format!("unknown service: {service}/tcp")))?,
        };
        if host.contains(':') && host.parse::<IpAddr>().is_err() {
            // An address whose last field went for a port.
            return Err((format!("Name service error for {host}: invalid host or domain name"), Then::NotFound));
        }
        let literal = item.starts_with('[');
        let written = host_port(item, &self.default_port).map_or(service, |(_, service)| service);
        let srv = !literal && self.srv.iter().any(|name| name == written);
        Ok(Hop::Host { host: host.to_owned(), port, literal, srv })
    }

    /// Whether the client takes a next hop as it is, and would send there.
    pub(crate) fn takes(&self, text: &str) -> bool {
        let reading = self.read(text);
        let sends = |hop: &Hop| self.loops(hop).is_none() && self.of_unused_family(hop).is_none();
        reading.refused.is_none() && !reading.hops.is_empty() && reading.hops.iter().all(sends)
    }

    /// The address of the hop, where its family is none of those that Postfix uses: the client passes over it, as over a name that the DNS
    /// does not have.
    pub(crate) fn of_unused_family(&self, hop: &Hop) -> Option<IpAddr> {
        let Hop::Host { host, .. } = hop else { return None };
        host.parse().ok().filter(|addr| !self.families.contains(&Family::from(*addr)))
    }

    /// Whether the hop is this host.
    pub(crate) fn is_here(&self, hop: &Hop) -> bool {
        let (host, srv) = match hop {
            Hop::Socket(_) => return true,
            Hop::Host { host, srv, .. } => (host, *srv),
        };
        // What an SRV record leads to is not the name's own address.
        !srv && self.addresses(host).is_some_and(|found| found.iter().all(|addr| self.is_local(*addr)))
    }

    /// Whether the client takes the hop for itself: it sends nothing there, in its words.
    pub(crate) fn loops(&self, hop: &Hop) -> Option<String> {
        let Hop::Host { host, port: SMTP_PORT, srv: false, .. } = hop else { return None };
        let found = self.addresses(host).filter(|_| !self.lmtp)?;
        // It does not take 0.0.0.0 for itself, but the server there greets it by its own name.
        let is_own = |addr: &IpAddr| match addr.is_unspecified() {
            true => self.answers,
            false => self.own.as_ref().is_some_and(|own| own.contains(addr)),
        };
        found.iter().any(is_own).then(|| format!("mail for {host} loops back to myself"))
    }

    fn addresses(&self, host: &str) -> Option<Vec<IpAddr>> {
        match self.env.resolve(host) {
            Resolved::Addresses(found) => Some(found),
            _ if host.eq_ignore_ascii_case("localhost.localdomain") => Some(vec![IpAddr::from([127, 0, 0, 1])]),
            _ => None,
        }
    }

    fn is_local(&self, addr: IpAddr) -> bool {
        addr.is_loopback() || addr.is_unspecified() || self.env.is_local(addr) == Some(true)
    }

    /// Where the hops lead, and the family that they are reached by where it is one address.
    pub(crate) fn target(&self, text: &Fact<String>, hops: &[Hop]) -> (NextHop, Option<Family>) {
        let shown: Vec<String> = hops.iter().map(|hop| self.show(hop)).collect();
        let fact = text.with(shown.join(", "));
        if !hops.is_empty() && hops.iter().all(|hop| self.is_here(hop)) {
            return (NextHop::Handed(fact.into()), None);
        }
        let next_hop = NextHop::Relay(fact.into());
        let family = next_hop.only_family();
        (next_hop, family)
    }

    fn show(&self, hop: &Hop) -> String {
        match hop {
            Hop::Socket(path) => format!("unix:{path}"),
            Hop::Host { host, port, literal, .. } if *literal || self.lmtp || host.contains(':') => {
                format!("[{host}]:{port}")
            }
            Hop::Host { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

/// The number that `known_tcp_ports` gives a service: `lmtp=24, smtps=submissions=465`.
fn known_port<'t>(table: &'t str, service: &str) -> Option<&'t str> {
    check::words(table).find_map(|entry| {
        let (names, number) = entry.rsplit_once('=')?;
        names.split('=').any(|name| name == service).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::root::ReadError;
    use crate::facts::Origin;

    fn with<T>(lmtp: bool, version: Option<&str>, then: impl FnOnce(&Reader<'_>) -> T) -> T {
        with_families(lmtp, version, &Family::BOTH, then)
    }

    fn with_families<T>(
        lmtp: bool,
        version: Option<&str>,
        families: &[Family],
        then: impl FnOnce(&Reader<'_>) -> T,
    ) -> T {
        let read = |_: &str| Err(ReadError::NotFound);
        let env = Environment {
            node_name: None,
            addresses: Some(vec!["127.0.0.1".parse().unwrap(), "192.0.2.25".parse().unwrap()]),
            hosts: vec![("filter.example".into(), "127.0.0.1".parse().unwrap())],
            hosts_are_all: false,
            interfaces: Vec::new(),
            nonlocal_bind: [false; 2],
            users: None,
            debian: false,
            version: None,
            read: &read,
        };
        let services = Services::default();
        then(&Reader {
            lmtp,
            version: version.and_then(Version::parse),
            default_port: if lmtp { "24".into() } else { "smtp".into() },
            known_ports: "lmtp=24, smtp=25, smtps=submissions=465, submission=587".into(),
            srv: vec!["submission".into()],
            services: &services,
            own: env.addresses.clone(),
            answers: true,
            families: if lmtp { Family::BOTH.to_vec() } else { families.to_vec() },
            env: &env,
        })
    }

    fn words(text: &str, version: Option<&str>) -> String {
        with(false, version, |reader| reader.read(text).refused.map_or_else(String::new, |(words, _)| words))
    }

    #[test]
    fn what_the_client_refuses() {
        for (text, expected) in [
            ("[smtp.example]587", "garbage after \"]\" in server description: [smtp.example]587"),
            ("[smtp.example", "missing \"]\" in server description: [smtp.example"),
            ("[smtp.example:587", "missing \"]\" in server description: [smtp.example:587"),
            ("\"[smtp.example]:587\"", "valid hostname or network address required"),
            ("'smtp.example'", "valid hostname or network address required"),
            ("{{ relay }}", "valid hostname or network address required in server description: {{"),
            ("smtp://smtp.example", "unknown service: //smtp.example/tcp"),
            ("smtp://smtp.example:587", "valid hostname or network address required"),
            ("smtp:[smtp.example]:587", "valid hostname or network address required"),
            ("[smtp.example]:587;", "garbage after numerical service"),
            ("smtp.example:submision", "unknown service: submision/tcp"),
            ("smtp.example:65536", "bad network port: 65536 for destination: smtp.example:65536"),
            ("smtp.example:0", "bad network port: 0 for destination: smtp.example:0"),
            ("2001:db8::25", "valid hostname or network address required in server description: 2001:db8::25"),
            ("[IPv6:192.0.2.1]", "malformed IPv6 address"),
            ("587", "valid hostname or network address required"),
            ("smtp.example.", "valid hostname or network address required"),
            (":587", "missing host information"),
            ("192.0.2.300", "valid hostname or network address required"),
            ("0.1.2.3", "valid hostname or network address required"),
            ("::1", "valid hostname or network address required in server description: ::1"),
            ("2001:db8:1:2:3:4:5:6", "Name service error for 2001:db8:1:2:3:4:5: invalid host or domain name"),
            ("010.0.0.1", ""),
            ("[smtp.example]:587", ""),
            ("[smtp.example]:", ""),
            ("smtp.example:submission", ""),
            ("[2001:db8::25]:587", ""),
            ("[IPv6:2001:db8::25]", ""),
            ("2001:db8::1:25", ""),
            ("my_relay.example", ""),
            ("b\u{fc}cher.example", ""),
            ("[a.example]:587, [b.example]", ""),
        ] {
            let found = words(text, None);
            assert!(found.starts_with(expected) && found.is_empty() == expected.is_empty(), "{text}: {found}");
        }
    }

    #[test]
    fn what_only_the_fallback_comes_to() {
        let refused = |text: &str, version| with(false, version, |reader| reader.read(text).refused);
        let (words, then) = refused("[smtp.example]:587 # mine", None).unwrap();
        assert!(then == Then::EndsLater && words.ends_with("in server description: #"), "{words}");
        let (words, then) = refused("[a.example]:587, [b.example]", Some("3.4.14")).unwrap();
        assert!(then == Then::Ends && words.starts_with("garbage after numerical service"), "{words}");
        assert_eq!(refused("a.example b.example", Some("3.5.0")), None);
    }

    #[test]
    fn where_hops_lead() {
        let shown = |text: &str, lmtp| {
            with(lmtp, None, |reader| {
                let reading = reader.read(text);
                assert!(reading.refused.is_none(), "{text}: {:?}", reading.refused);
                match reader.target(&Fact::new(text.to_owned(), Origin::default_of("test")), &reading.hops) {
                    (NextHop::Handed(fact), _) => format!("here {}", fact.value),
                    (NextHop::Relay(fact), family) => format!("{}{}", fact.value, family.map_or("", Family::title)),
                    other => format!("{other:?}"),
                }
            })
        };
        for (text, lmtp, expected) in [
            ("[smtp.example]", false, "[smtp.example]:25"),
            ("smtp.example:submission", false, "smtp.example:587"),
            ("[203.0.113.5]:26", false, "[203.0.113.5]:26IPv4"),
            ("[IPv6:2001:db8::5]", false, "[2001:db8::5]:25IPv6"),
            ("127.0.0.1:10025", false, "here 127.0.0.1:10025"),
            ("[127.0.0.1]:10025", false, "here [127.0.0.1]:10025"),
            ("[::1]:10025", false, "here [::1]:10025"),
            ("localhost:10025", false, "here localhost:10025"),
            ("filter.example:10025", false, "here filter.example:10025"),
            ("192.0.2.25:26", false, "here 192.0.2.25:26"),
            ("filter.example:submission", false, "filter.example:587"),
            ("[127.0.0.1]:10025 [smtp.example]", false, "[127.0.0.1]:10025, [smtp.example]:25"),
            ("unix:private/lmtp", true, "here unix:private/lmtp"),
            ("inet:[lmtp.example]", true, "[lmtp.example]:24"),
            ("inet:127.0.0.1:24", true, "here [127.0.0.1]:24"),
        ] {
            assert_eq!(shown(text, lmtp), expected, "{text}");
        }
    }

    #[test]
    fn the_client_does_not_talk_to_itself() {
        let loops =
            |text: &str| with(false, None, |reader| reader.read(text).hops.iter().find_map(|hop| reader.loops(hop)));
        assert_eq!(loops("[127.0.0.1]").as_deref(), Some("mail for 127.0.0.1 loops back to myself"));
        assert_eq!(loops("[192.0.2.25]:25").as_deref(), Some("mail for 192.0.2.25 loops back to myself"));
        assert_eq!(loops("[127.0.0.1]:10025"), None);
        assert_eq!(loops("[192.0.2.26]"), None);
        assert_eq!(loops("[192.0.2.26], 192.0.2.25").as_deref(), Some("mail for 192.0.2.25 loops back to myself"));
        assert_eq!(loops("[0.0.0.0]:25").as_deref(), Some("mail for 0.0.0.0 loops back to myself"));
        assert_eq!(loops("[::]").as_deref(), Some("mail for :: loops back to myself"));
        assert_eq!(loops("[0.0.0.0]:2525"), None);
    }

    #[test]
    fn addresses_of_a_family_that_is_not_used_lead_nowhere() {
        for (text, family, unused) in [
            ("[192.0.2.1]", Family::Ipv6, true),
            ("[127.0.0.1]:10025", Family::Ipv6, true),
            ("[2001:db8::25]:587", Family::Ipv4, true),
            ("[2001:db8::25]:587", Family::Ipv6, false),
            ("[smtp.example]", Family::Ipv6, false),
        ] {
            let found = with_families(false, None, &[family], |reader| {
                (reader.read(text).hops.iter().any(|hop| reader.of_unused_family(hop).is_some()), reader.takes(text))
            });
            assert_eq!(found, (unused, !unused), "{text}");
        }
    }
}
