//! Which TCP sockets listen, as `/proc/net/tcp` and `/proc/net/tcp6` have it (proc_pid_net(5)).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Octets that are read: a line has 150, and listening sockets come first.
const LIMIT: u64 = 4 << 20;
/// The state of a socket that listens (`TCP_LISTEN` of net/tcp_states.h).
const LISTEN: &str = "0A";

/// The sockets that listen; `None` where the kernel does not say.
pub(crate) fn listening() -> Option<BTreeSet<SocketAddr>> {
    let read = |path: &str| {
        let mut text = String::new();
        File::open(path).ok()?.take(LIMIT).read_to_string(&mut text).ok()?;
        Some(parse(&text))
    };
    let (v4, v6) = (read("/proc/net/tcp"), read("/proc/net/tcp6"));
    // A kernel without IPv6 has no second file.
    v4.map(|v4| v4.into_iter().chain(v6.unwrap_or_default()).collect())
}

/// Whether somebody listens at `address`: there, or at all addresses. An unspecified IPv6 address may take IPv4 as well (ipv6(7)).
pub(crate) fn is_open(listening: &BTreeSet<SocketAddr>, address: SocketAddr) -> bool {
    let unspecified: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let wide = unspecified.iter().filter(|all| address.is_ipv4() || all.is_ipv6());
    let places = wide.copied().chain([address.ip()]);
    places.into_iter().any(|place| listening.contains(&SocketAddr::new(place, address.port())))
}

fn parse(text: &str) -> Vec<SocketAddr> {
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let local = fields.nth(1)?;
        (fields.nth(1)? == LISTEN).then(|| socket(local)).flatten()
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// `0100007F:0019`: the address in words of the machine's order, the port as a number.
fn socket(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let words = address.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let octets: Vec<u8> = words.collect::<Option<Vec<_>>>()?.concat();
    let address = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        16 => {
            let v6 = Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?);
            v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_that_listen() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue\n\
                    0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000\n\
                    1: 0A7100CB:024B 00000000:0000 0A 00000000:00000000\n\
                    2: 0100007F:A000 0100007F:0019 01 00000000:00000000\n\
                    3: garbage\n\
                    4: 00000000000000000000000000000000:01D1 00000000000000000000000000000000:0000 0A\n\
                    5: 0000000000000000FFFF00000100007F:001A 00000000000000000000000000000000:0000 0A\n\
                    6: 0100007F00:0019 00000000:0000 0A\n";
        let found: BTreeSet<SocketAddr> = parse(text).into_iter().collect();
        let expected = ["127.0.0.1:25", "203.0.113.10:587", "[::]:465", "127.0.0.1:26"];
        assert_eq!(found, expected.map(|text| text.parse().unwrap()).into());
        let open = |text: &str| is_open(&found, text.parse().unwrap());
        assert!(open("127.0.0.1:25") && open("203.0.113.10:465") && open("[2001:db8::1]:465"));
        assert!(!open("203.0.113.10:25") && !open("[::1]:587"));
    }

    #[test]
    fn the_running_kernel_tells() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        if let Some(listening) = listening() {
            assert!(is_open(&listening, listener.local_addr().unwrap()));
        }
    }
}
