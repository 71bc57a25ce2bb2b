//! The door to the kernel and the C library: node name, interface addresses, source addresses, `hostname -f`.
//!
//! Its recorded twin is [`from_file`], the `--kernel FILE` of the command line. No packet is sent by [`live`];
//! only [`PendingFqdn::start`] may make the C library ask the system's resolver.

mod listening;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, getaddrinfo};
use nix::ifaddrs::getifaddrs;
use nix::libc;
use nix::net::if_::InterfaceFlags;
use nix::sys::signal::SigSet;
use nix::sys::socket::SockaddrStorage;
use nix::sys::utsname::uname;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::facts::{AddressFlag, Fact, HostFqdn, HostsEntry, InterfaceAddress, KernelSource, Origin};
use crate::sandbox::{Child, Profile, Task};
pub(crate) use listening::{is_open, listening};

/// Public destinations for which the kernel is asked to choose a source: the root server A (root-servers.org).
const PUBLIC_V4: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);
const PUBLIC_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30);
/// The port that mail goes to (RFC 5321 section 4.5.4.2): policy routing may look at it.
const SMTP_PORT: u16 = 25;

const UNAME: Origin = Origin::kernel("uname(2)");
const CANONICAL_NAME: Origin = Origin::kernel("getaddrinfo(3)");

/// What the kernel says of this host.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelFacts {
    /// uname(2)'s node name; `None` where it was not recorded.
    pub node_name: Option<Fact<String>>,
    /// What `hostname -f` prints; of the live kernel unknown until [`PendingFqdn`] has it.
    pub fqdn: HostFqdn,
    /// Addresses on the interfaces; `None` where they are unknown.
    pub addresses: Option<Vec<InterfaceAddress>>,
    /// The sources chosen for public destinations.
    pub source: KernelSource,
    /// Whether `net.ipv4.ip_nonlocal_bind` is on.
    pub nonlocal_bind_v4: bool,
    /// Whether `net.ipv6.ip_nonlocal_bind` is on.
    pub nonlocal_bind_v6: bool,
}

impl KernelFacts {
    /// After the node name became `name`: `hostname -f` then prints the first name of the hosts file's line that has it, else the name
    /// itself where it is more than one label.
    pub fn rename(&mut self, name: &str, hosts: &[HostsEntry]) {
        self.node_name = Some(Fact::new(name.to_owned(), UNAME));
        if !self.hosts_changed(hosts) {
            self.fqdn = match name.contains('.') {
                true => HostFqdn::Name(Fact::new(name.to_owned(), CANONICAL_NAME)),
                false => HostFqdn::Fails("Name or service not known".to_owned()),
            };
        }
    }

    /// After the hosts file became this: whether it names the node, so that `hostname -f` prints the first name of that line.
    pub fn hosts_changed(&mut self, hosts: &[HostsEntry]) -> bool {
        let node_name = self.node_name.as_ref().map_or("", |name| name.value.as_str());
        let names = |entry: &&HostsEntry| entry.names.iter().any(|name| name.value.eq_ignore_ascii_case(node_name));
        let Some(first) = hosts.iter().find(names).and_then(|entry| entry.names.first()) else { return false };
        self.fqdn = HostFqdn::Name(Fact::new(first.value.clone(), CANONICAL_NAME));
        true
    }
}

/// Asks the running kernel. Nothing is sent, and nothing waits; `hostname -f` is left to the second value.
pub fn live() -> (KernelFacts, PendingFqdn) {
    let node_name = uname().ok().map(|name| name.nodename().to_string_lossy().into_owned());
    let pending = PendingFqdn { node_name: node_name.clone().unwrap_or_default(), state: FqdnState::NotAsked };
    let facts = KernelFacts {
        node_name: node_name.map(|name| Fact::new(name, UNAME)),
        fqdn: HostFqdn::Unknown("it was not asked for".into()),
        addresses: interface_addresses(),
        source: KernelSource {
            known: true,
            ipv4: chosen_source(Ipv4Addr::UNSPECIFIED.into(), PUBLIC_V4.into()),
            ipv6: chosen_source(Ipv6Addr::UNSPECIFIED.into(), PUBLIC_V6.into()),
        },
        nonlocal_bind_v4: switched_on("/proc/sys/net/ipv4/ip_nonlocal_bind"),
        nonlocal_bind_v6: switched_on("/proc/sys/net/ipv6/ip_nonlocal_bind"),
    };
    (facts, pending)
}

fn switched_on(sysctl: &str) -> bool {
    fs::read_to_string(sysctl).is_ok_and(|text| !matches!(text.trim(), "" | "0"))
}

/// The source of a datagram socket that is connected, which sends nothing (udp(7)); `None` without a route.
/// A link-local IPv6 source reaches no public destination (RFC 4291 section 2.5.6): no route either.
fn chosen_source(unbound: IpAddr, destination: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(SocketAddr::new(unbound, 0)).ok()?;
    socket.connect(SocketAddr::new(destination, SMTP_PORT)).ok()?;
    let source = socket.local_addr().ok()?.ip();
    let useless = source.is_unspecified() || matches!(source, IpAddr::V6(v6) if v6.is_unicast_link_local());
    (!useless).then_some(source)
}

fn interface_addresses() -> Option<Vec<InterfaceAddress>> {
    let in_kernel = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let v6_flags = if_inet6(&in_kernel);
    let mut addresses = Vec::new();
    for entry in getifaddrs().ok()? {
        let Some(address) = entry.address.as_ref().and_then(ip_of) else { continue };
        let mut flags: Vec<AddressFlag> = match address {
            IpAddr::V6(v6) => {
                v6_flags.iter().find(|known| known.0 == v6).map(|known| known.1.clone()).unwrap_or_default()
            }
            IpAddr::V4(_) => Vec::new(),
        };
        if !entry.flags.contains(InterfaceFlags::IFF_UP) {
            flags.push(AddressFlag::Down);
        }
        let prefix_length = entry.netmask.as_ref().and_then(ip_of).map(ones);
        addresses.push(InterfaceAddress { interface: entry.interface_name, address, prefix_length, flags });
    }
    Some(addresses)
}

fn ip_of(address: &SockaddrStorage) -> Option<IpAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(v4.ip().into());
    }
    address.as_sockaddr_in6().map(|v6| v6.ip().into())
}

fn ones(netmask: IpAddr) -> u8 {
    let ones = match netmask {
        IpAddr::V4(v4) => v4.to_bits().leading_ones(),
        IpAddr::V6(v6) => v6.to_bits().leading_ones(),
    };
    ones as u8
}

/// Addresses and flags in `/proc/net/if_inet6`: address, interface index, prefix length, scope and flags in hexadecimal, name.
fn if_inet6(text: &str) -> Vec<(Ipv6Addr, Vec<AddressFlag>)> {
    // linux/if_addr.h; an optimistic address is tentative, and can be used all the same (RFC 4429).
    const TEMPORARY: u32 = 0x01;
    const OPTIMISTIC: u32 = 0x04;
    const DADFAILED: u32 = 0x08;
    const DEPRECATED: u32 = 0x20;
    const TENTATIVE: u32 = 0x40;
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let bits = u128::from_str_radix(fields.next()?, 16).ok()?;
        let set = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        let mut flags = Vec::new();
        for (bit, flag) in [
            (TEMPORARY, AddressFlag::Temporary),
            (DEPRECATED, AddressFlag::Deprecated),
            (TENTATIVE, AddressFlag::Tentative),
            (DADFAILED, AddressFlag::DadFailed),
        ] {
            let usable = bit == TENTATIVE && set & OPTIMISTIC != 0;
            if set & bit != 0 && !usable {
                flags.push(flag);
            }
        }
        Some((Ipv6Addr::from_bits(bits), flags))
    };
    text.lines().filter_map(line).collect()
}

/// What `hostname -f` prints, while it is being found out: the C library may ask the system's resolver for it, for as long
/// as resolv.conf lets it.
#[derive(Debug)]
pub struct PendingFqdn {
    node_name: String,
    state: FqdnState,
}

#[derive(Debug)]
enum FqdnState {
    NotAsked,
    /// In a process of its own, which can do nothing else.
    Apart(Child),
    /// In a thread, where this process has others already.
    Asked(Receiver<HostFqdn>),
    Known(HostFqdn),
}

impl PendingFqdn {
    /// Starts to ask, beside whatever else is done. Not to be called where nothing may be asked (`--offline`):
    /// [`crate::collect::system::fqdn_from_hosts`] answers there.
    pub fn start(&mut self) {
        if !matches!(self.state, FqdnState::NotAsked) {
            return;
        }
        // The C library's resolver reads what strangers send.
        let profile = Profile { task: Task::Names, dns_time: Duration::ZERO };
        let node_name = &self.node_name;
        if let Ok((child, ())) = Child::start((), &profile, || (), |(), _| encoded(&canonical_name(node_name))) {
            self.state = FqdnState::Apart(child);
            return;
        }
        let (sender, receiver) = mpsc::channel();
        let node_name = self.node_name.clone();
        // The thread cannot be stopped while the C library waits; it ends with the process.
        let thread = thread::Builder::new().name("hostname -f".into());
        let started = thread.spawn(move || {
            // Signals are the main thread's, which makes them wait while it renames a report.
            let _ = SigSet::all().thread_block();
            drop(sender.send(canonical_name(&node_name)));
        });
        self.state = match started {
            Ok(_) => FqdnState::Asked(receiver),
            Err(error) => FqdnState::Known(HostFqdn::Unknown(format!("it could not be asked for: {error}"))),
        };
    }

    /// The answer, waited for `patience` at most; `None`: not yet. Asks, where that has not begun.
    pub fn wait(&mut self, patience: Duration) -> Option<HostFqdn> {
        self.start();
        if let FqdnState::Apart(child) = &mut self.state {
            let answer = match child.read(ANSWER_LIMIT, patience) {
                Ok(octets) => decoded(&octets),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return None,
                Err(error) => HostFqdn::Unknown(error.to_string()),
            };
            self.state = FqdnState::Known(answer);
        }
        if let FqdnState::Asked(receiver) = &self.state {
            let answer = match receiver.recv_timeout(patience) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => {
                    HostFqdn::Unknown("the C library's answer could not be read".into())
                }
            };
            self.state = FqdnState::Known(answer);
        }
        match &self.state {
            FqdnState::Known(answer) => Some(answer.clone()),
            _ => None,
        }
    }
}

/// Octets of an answer that come through a pipe at once (`PIPE_BUF` of limits.h): a name has 255 at most.
const ANSWER_LIMIT: u64 = 4096;

/// The answer for a pipe: what it is, then its words.
fn encoded(answer: &HostFqdn) -> Vec<u8> {
    let (kind, words) = match answer {
        HostFqdn::Name(name) => ('=', &name.value),
        HostFqdn::Fails(words) => ('!', words),
        HostFqdn::Unknown(words) => ('?', words),
    };
    let mut octets = format!("{kind}{words}").into_bytes();
    octets.truncate(ANSWER_LIMIT as usize);
    octets
}

fn decoded(octets: &[u8]) -> HostFqdn {
    let text = String::from_utf8_lossy(octets);
    match text.split_at_checked(1) {
        Some(("=", name)) => HostFqdn::Name(Fact::new(name.to_owned(), CANONICAL_NAME)),
        Some(("!", words)) => HostFqdn::Fails(words.to_owned()),
        Some(("?", words)) => HostFqdn::Unknown(words.to_owned()),
        _ => HostFqdn::Unknown("the C library's answer could not be read".to_owned()),
    }
}

/// What hostname(1) does for `-f`: getaddrinfo(3) of the node name, and of the answer the canonical name.
fn canonical_name(node_name: &str) -> HostFqdn {
    let hints = AddrInfoHints { flags: libc::AI_CANONNAME, socktype: libc::SOCK_DGRAM, ..AddrInfoHints::default() };
    match getaddrinfo(Some(node_name), None, Some(hints)) {
        Ok(answers) => match answers.flatten().find_map(|answer| answer.canonname) {
            Some(name) => HostFqdn::Name(Fact::new(name, CANONICAL_NAME)),
            None => HostFqdn::Fails(format!("the C library knows no canonical name for `{node_name}`")),
        },
        Err(error) => failure(&error),
    }
}

/// A name that is known not to exist makes `hostname -f` fail; a resolver that gave no answer leaves the question open.
fn failure(error: &LookupError) -> HostFqdn {
    let text = error.to_string();
    let words = text.rsplit(": ").next().unwrap_or(&text).to_owned();
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData => HostFqdn::Fails(words),
        _ => HostFqdn::Unknown(words),
    }
}

/// The kernel's facts as `--kernel` reads them and `helolint kernel` writes them. What is left out is unknown.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Kernel")]
pub struct Recorded {
    /// The node name (uname(2)).
    node_name: Option<String>,
    /// What `hostname -f` prints; null where it fails.
    // Outer `None`: the key is missing.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    fqdn: Option<Option<String>>,
    /// The addresses on the interfaces.
    addresses: Option<Vec<RecordedAddress>>,
    /// The source that the kernel would choose for a public destination.
    source: Option<RecordedSource>,
    /// The sysctls of that name.
    #[serde(default, skip_serializing_if = "RecordedSwitches::are_off")]
    ip_nonlocal_bind: RecordedSwitches,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RecordedAddress {
    /// Name of the interface, such as `eth0`.
    interface: String,
    /// The address.
    address: IpAddr,
    /// Length of the on-link prefix in bits.
    prefix_length: Option<u8>,
    /// What the kernel says of it.
    #[serde(default)]
    flags: Vec<AddressFlag>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RecordedSource {
    /// For IPv4; null: no route.
    ipv4: Option<Ipv4Addr>,
    /// For IPv6; null: no route.
    ipv6: Option<Ipv6Addr>,
}

#[derive(Debug, Serialize, Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RecordedSwitches {
    /// Whether `net.ipv4.ip_nonlocal_bind` is on.
    ipv4: bool,
    /// Whether `net.ipv6.ip_nonlocal_bind` is on.
    ipv6: bool,
}

impl RecordedSwitches {
    fn are_off(&self) -> bool {
        !self.ipv4 && !self.ipv6
    }
}

/// The recording of a kernel's facts, which [`from_file`] reads back.
pub fn recording(facts: &KernelFacts) -> Recorded {
    let v4 = |addr: IpAddr| if let IpAddr::V4(v4) = addr { Some(v4) } else { None };
    let v6 = |addr: IpAddr| if let IpAddr::V6(v6) = addr { Some(v6) } else { None };
    let addresses = facts.addresses.as_ref().map(|all| {
        let recorded = all.iter().cloned().map(|InterfaceAddress { interface, address, prefix_length, flags }| {
            RecordedAddress { interface, address, prefix_length, flags }
        });
        recorded.collect()
    });
    Recorded {
        node_name: facts.node_name.as_ref().map(|name| name.value.clone()),
        fqdn: match &facts.fqdn {
            HostFqdn::Name(name) => Some(Some(name.value.clone())),
            HostFqdn::Fails(_) => Some(None),
            HostFqdn::Unknown(_) => None,
        },
        addresses,
        source: facts
            .source
            .known
            .then(|| RecordedSource { ipv4: facts.source.ipv4.and_then(v4), ipv6: facts.source.ipv6.and_then(v6) }),
        ip_nonlocal_bind: RecordedSwitches { ipv4: facts.nonlocal_bind_v4, ipv6: facts.nonlocal_bind_v6 },
    }
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Reads a recording of the kernel's facts, the text of a `--kernel` file. What it leaves out is unknown; `fqdn: null` says that
/// `hostname -f` fails, `source: {"ipv4": null}` that there is no route. Beside the keys of the documented format it may have
/// `"ip_nonlocal_bind": {"ipv4": true, "ipv6": false}`, the two sysctls of that name.
///
/// # Errors
/// Where the text is no JSON, has a key that is not known, or a value that is not of its kind: the sentence says which, and where.
pub fn from_file(text: &str) -> Result<KernelFacts, String> {
    let recorded: Recorded = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let words = error.to_string();
        let words = words.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&words);
        format!("line {line}, column {column}: {words}")
    })?;
    let fqdn = match recorded.fqdn {
        None => HostFqdn::Unknown("the recorded kernel facts do not say what `hostname -f` prints".into()),
        Some(None) => HostFqdn::Fails("`hostname -f` fails".into()),
        Some(Some(name)) => HostFqdn::Name(Fact::new(name, CANONICAL_NAME)),
    };
    let addresses = recorded.addresses.map(|all| all.into_iter().map(interface_address).collect()).transpose()?;
    let source = recorded.source.as_ref();
    Ok(KernelFacts {
        node_name: recorded.node_name.map(|name| Fact::new(name, UNAME)),
        fqdn,
        addresses,
        source: KernelSource {
            known: source.is_some(),
            ipv4: source.and_then(|s| s.ipv4).map(IpAddr::V4),
            ipv6: source.and_then(|s| s.ipv6).map(IpAddr::V6),
        },
        nonlocal_bind_v4: recorded.ip_nonlocal_bind.ipv4,
        nonlocal_bind_v6: recorded.ip_nonlocal_bind.ipv6,
    })
}

fn interface_address(recorded: RecordedAddress) -> Result<InterfaceAddress, String> {
    let RecordedAddress { interface, address, prefix_length, flags } = recorded;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    match prefix_length {
        Some(length) if length > bits => Err(format!("prefix_length {length} of {address} is over {bits}")),
        _ => Ok(InterfaceAddress { interface, address, prefix_length, flags }),
    }
}

#[cfg(test)]
mod tests;
