//! What the process without rights may do.

use std::time::Duration;

use crate::cli::DnsArgs;
use crate::observe::resolver;
use crate::sandbox::{self, Message, Profile, Task};

/// To ask the DNS. Connections for evidence are made before that process is there, so that whoever asks for evidence gives it no right more.
pub(super) fn profile(dns: &DnsArgs, time: Duration) -> Profile {
    let ports = dns.resolver.iter().map(|resolver| resolver.server.port());
    let ports = ports.chain([resolver::PORT, dns.authoritative_port]).filter(|_| dns.asks()).collect();
    Profile { task: Task::Dns(ports), dns_time: time }
}

/// The end of work that wants the whole sandbox (`--require-sandbox`) where some of it is not here.
pub(in crate::commands) fn refused(required: bool, missing: &[sandbox::Missing]) -> Option<Message> {
    let missing: Vec<String> = missing.iter().filter(|_| required).map(ToString::to_string).collect();
    (!missing.is_empty()).then(|| Message::Failed(format!("--require-sandbox: not here: {}", missing.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn evidence_gives_no_right_more() {
        let of = |line: &str| {
            let words = std::iter::once("helolint").chain(line.split(' ')).map(Into::into);
            let Command::Check(args) = Cli::read(words).unwrap().into_command() else { unreachable!() };
            profile(&args.dns, Duration::ZERO).task
        };
        assert_eq!(of("check --timeout 1"), Task::Dns([53].into()));
        assert_eq!(of("check --timeout 1 --live --port25 mx.example.net:26"), Task::Dns([53].into()));
        assert_eq!(of("check --offline --log"), Task::Dns([].into()));
        assert_eq!(of("check --zones zones --log"), Task::Dns([].into()));
        assert_eq!(of("check --resolver 192.0.2.53:5353 --live"), Task::Dns([53, 5353].into()));
    }
}
