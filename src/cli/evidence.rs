//! Options that ask for evidence beyond files and the DNS. Nothing of it is done unasked.

use std::net::IpAddr;

use clap::Args;

use crate::name::DomainName;

/// The port that mail goes to.
const SMTP_PORT: u16 = 25;

/// Evidence, each only where it is asked for.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Evidence, only where asked for")]
pub(crate) struct EvidenceArgs {
    /// Talk to the mail servers of this host, and judge what they say
    ///
    /// Connects to the addresses and ports of this host on which Postfix or Exim are configured to listen, and to no others: greeting, EHLO,
    /// STARTTLS and the certificates, without a server name and with each of this host's. Each conversation ends with QUIT. With --from, what
    /// the snapshot has of such conversations is judged, and nobody is connected to.
    #[arg(long, conflicts_with_all = ["root", "kernel"])]
    pub live: bool,
    /// Try whether port 25 of HOST can be reached from each source address of this host's mail
    ///
    /// Makes one TCP connection for each, reads the greeting and takes its leave. HOST is an address or a name, which this host's resolvers are
    /// asked for.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = target, conflicts_with_all = ["root", "kernel", "from"])]
    pub port25: Option<Target>,
}

impl EvidenceArgs {
    /// Whether a packet is sent for it.
    pub(crate) fn sends(&self) -> bool {
        self.live || self.port25.is_some()
    }
}

/// A host outside, and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Which host.
    pub host: TargetHost,
    /// Its port.
    pub port: u16,
}

/// A host as it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetHost {
    /// By an address.
    Address(IpAddr),
    /// By a name.
    Name(DomainName),
}

impl TargetHost {
    /// As it is printed.
    pub(crate) fn text(&self) -> String {
        match self {
            TargetHost::Address(address) => address.to_string(),
            TargetHost::Name(name) => name.to_string(),
        }
    }
}

/// A value of `--port25`.
fn target(text: &str) -> Result<Target, String> {
    let wrong =
        || format!("`{text}` is no host: write mx.example.net, mx.example.net:25, 192.0.2.25 or [2001:db8::25]:25");
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse() {
        return Ok(Target { host: TargetHost::Address(address), port: SMTP_PORT });
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Ok(Target { host: TargetHost::Address(socket.ip()), port: socket.port() });
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?),
        None => (text, SMTP_PORT),
    };
    let name = DomainName::new(name);
    match name.is_host_name() && name.is_qualified() {
        true => Ok(Target { host: TargetHost::Name(name), port }),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_by_name_and_address() {
        let name = |text: &str| TargetHost::Name(DomainName::new(text));
        let address = |text: &str| TargetHost::Address(text.parse().unwrap());
        for (text, host, port) in [
            ("mx.example.net", name("mx.example.net"), 25),
            ("MX.example.net.:26", name("mx.example.net"), 26),
            ("192.0.2.25", address("192.0.2.25"), 25),
            ("192.0.2.25:26", address("192.0.2.25"), 26),
            ("2001:db8::25", address("2001:db8::25"), 25),
            ("[2001:db8::25]", address("2001:db8::25"), 25),
            ("[2001:db8::25]:26", address("2001:db8::25"), 26),
        ] {
            assert_eq!(target(text), Ok(Target { host, port }), "{text}");
        }
        for text in [
            "",
            "mx",
            "mx.example.net:",
            "mx.example.net:0",
            "mx.example.net:99999",
            "a b.example",
            "-x.example",
            "192.0.2.300",
        ] {
            assert!(target(text).is_err(), "{text}");
        }
    }
}
