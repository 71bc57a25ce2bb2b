//! Whom a run will ask, said before it does.

use std::time::Instant;

use super::{Known, Start, apart, options};
use crate::cli::{DnsArgs, FactArgs};
use crate::facts::Facts;
use crate::observe::resolver::Progress;

impl Start {
    /// Whom the run will ask, in one line; `None` where it asks nobody.
    pub(crate) fn asks(&self, args: &FactArgs, dns: &DnsArgs) -> Option<String> {
        let connects = self.connects(args);
        if !apart::asks(args, dns) {
            return (!connects.is_empty()).then(|| format!("connecting to {}", connects.join(" and ")));
        }
        let whom = match &self.host {
            Known::Facts(facts, _) => resolvers(facts, dns),
            Known::Snapshot(_) if dns.resolver.is_empty() => {
                "the resolvers of the snapshot's resolv.conf and public ones".to_owned()
            }
            Known::Snapshot(_) => {
                listed(dns.resolver.iter().map(|one| (one.name.clone(), one.server.ip().to_string())))
            }
        };
        let mut parts = vec![whom];
        if !dns.no_authoritative {
            parts.push("the servers of the zones concerned".to_owned());
        }
        if args.discover_public_ip {
            parts.push("OpenDNS and Google for this host's public address".to_owned());
        }
        let connects = match connects.is_empty() {
            true => String::new(),
            false => format!(", and connecting to {}", connects.join(" and ")),
        };
        Some(format!("asking the DNS: {} (--offline asks nobody){connects}", parts.join("; ")))
    }

    /// What connections are made to beside those to name servers.
    fn connects(&self, args: &FactArgs) -> Vec<String> {
        let live = self.live.as_ref().map(|_| "this host's own mail servers (--live)".to_owned());
        let outside = args.evidence.port25.as_ref().filter(|_| self.port25.is_some());
        let outside = outside.map(|target| format!("port {} of {} (--port25)", target.port, target.host.text()));
        live.into_iter().chain(outside).collect()
    }
}

fn resolvers(facts: &Facts, dns: &DnsArgs) -> String {
    let options = options(facts, dns, Instant::now(), &Progress::default());
    listed(options.resolvers.iter().map(|one| (one.name.clone(), one.server.ip().to_string())))
}

fn listed(servers: impl Iterator<Item = (String, String)>) -> String {
    let one = |(name, address): (String, String)| match name == address {
        true => address,
        false => format!("{address} ({name})"),
    };
    servers.map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::{self as gather};
    use crate::cli::{Cli, Command};
    use crate::inputs::{Host, Inputs};

    fn said(further: &[&str]) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/resolv.conf"), "nameserver 192.0.2.53\n").unwrap();
        let root = dir.path().to_str().unwrap().to_owned();
        let words = ["helolint", "check", "--root", &root].into_iter().chain(further.iter().copied());
        let Command::Check(args) = Cli::read(words.map(Into::into)).unwrap().into_command() else { unreachable!() };
        let inputs = Inputs::open(Host::open(&args.facts).unwrap(), &args.facts, &args.dns).unwrap();
        gather::start(&args.facts, &args.dns, inputs).unwrap().asks(&args.facts, &args.dns)
    }

    #[test]
    fn each_server_that_will_be_asked_is_named() {
        assert_eq!(
            said(&[]).unwrap(),
            "asking the DNS: 192.0.2.53 (system), 1.1.1.1 (cloudflare), 8.8.8.8 (google), 9.9.9.9 (quad9); \
             the servers of the zones concerned (--offline asks nobody)"
        );
        assert_eq!(
            said(&["--resolver", "192.0.2.1", "--resolver", "lab=192.0.2.2", "--no-authoritative"]).unwrap(),
            "asking the DNS: 192.0.2.1, 192.0.2.2 (lab) (--offline asks nobody)"
        );
        assert_eq!(said(&["--offline"]), None);
    }
}
