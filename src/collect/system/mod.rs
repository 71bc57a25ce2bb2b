//! What every host has: its names, the hosts file, resolv.conf, and the kernel's facts beside them.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use pest::Parser;

use crate::collect::kernel::KernelFacts;
use crate::collect::reading::{lines, optional};
use crate::collect::root::Root;
use crate::facts::{Fact, Host, HostFqdn, HostsEntry, KernelSource, Origin, Problem};
use crate::source::{SourceFile, Span};

const HOSTNAME: &str = "/etc/hostname";
const MAILNAME: &str = "/etc/mailname";
const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Servers that the C library uses, the first ones (`MAXNS` in resolv.conf(5)).
const NAMESERVER_LIMIT: usize = 3;

/// hosts(5).
mod hosts_grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/hosts.pest"]
    pub(crate) struct Line;
}

/// resolv.conf(5).
mod resolv_grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/resolv_conf.pest"]
    pub(crate) struct Line;
}

/// The host's own facts. Without `kernel` (`--root` and no `--kernel`) the node name is what `/etc/hostname` says, and
/// `hostname -f`, addresses and sources are unknown. The problems are files that stand there and cannot be read.
pub fn collect(root: &Root, kernel: Option<KernelFacts>) -> (Host, Vec<Problem>) {
    collect_by(root, kernel, &hosts)
}

/// The same, the entries of the hosts file by `hosts`.
pub(crate) fn collect_by(
    root: &Root,
    kernel: Option<KernelFacts>,
    hosts: &dyn Fn(&Arc<SourceFile>) -> Vec<HostsEntry>,
) -> (Host, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut read = |path, consequence| optional(root, path, consequence, &mut problems);
    let hostname_file = read(HOSTNAME, "The name that it sets at the next start is not judged");
    let mailname_file = read(MAILNAME, "What takes its name from there is not judged");
    let hosts_file = read(HOSTS, "What it says of this host's names is not judged");
    let resolv_file = read(RESOLV_CONF, "The system's own resolvers are not asked");

    let etc_hostname = hostname_file.and_then(|file| host_name(&file));
    let kernel = kernel.unwrap_or_else(|| KernelFacts {
        node_name: None,
        fqdn: HostFqdn::Unknown("files alone do not say what `hostname -f` prints".into()),
        addresses: None,
        source: KernelSource { known: false, ipv4: None, ipv6: None },
        nonlocal_bind_v4: false,
        nonlocal_bind_v6: false,
    });
    let mut host = Host {
        node_name: kernel.node_name.or_else(|| etc_hostname.clone()),
        fqdn: HostFqdn::Unknown(String::new()),
        etc_hostname,
        mailname: mailname_file.and_then(|file| first_line(&file)),
        addresses: kernel.addresses,
        source: kernel.source,
        hosts: hosts_file.map(|file| hosts(&file)).unwrap_or_default(),
        nameservers: resolv_file.map(|file| nameservers(&file)).unwrap_or_default(),
        nonlocal_bind_v4: kernel.nonlocal_bind_v4,
        nonlocal_bind_v6: kernel.nonlocal_bind_v6,
    };
    set_fqdn(&mut host, kernel.fqdn);
    (host, problems)
}

/// Puts what `hostname -f` prints into `host`. Where the hosts file gives just that name, its line is the origin: there an
/// administrator would change it.
pub fn set_fqdn(host: &mut Host, fqdn: HostFqdn) {
    host.fqdn = match fqdn {
        HostFqdn::Name(name) => {
            let node_name = host.node_name.as_ref().map_or("", |name| name.value.as_str());
            let place = match canonical_in_hosts(node_name, &host.hosts) {
                Some(in_file) if in_file.value == name.value => Some(in_file.origin.clone()),
                _ => None,
            };
            HostFqdn::Name(match place {
                Some(origin) if name.origin.span().is_none() => {
                    Fact { value: name.value, via: name.origin.into(), origin }
                }
                _ => name,
            })
        }
        other => other,
    };
}

/// What `hostname -f` prints as far as the hosts file alone decides it (`--offline`, `--zones`). A node name that is not in it would be
/// asked of the DNS, or answered by the C library's `myhostname` module: unknown then.
pub fn fqdn_from_hosts(node_name: &str, hosts: &[HostsEntry]) -> HostFqdn {
    match canonical_in_hosts(node_name, hosts) {
        Some(name) => HostFqdn::Name(name.clone()),
        None => HostFqdn::Unknown(format!("{HOSTS} does not name `{node_name}`, and nothing else was asked")),
    }
}

/// The C library's answer from the hosts file: the first name on the first line that has `node_name`, in any case.
fn canonical_in_hosts<'a>(node_name: &str, hosts: &'a [HostsEntry]) -> Option<&'a Fact<String>> {
    let names = |entry: &&HostsEntry| entry.names.iter().any(|name| name.value.eq_ignore_ascii_case(node_name));
    hosts.iter().find(names)?.names.first()
}

/// The name in `/etc/hostname`: its first line that is neither empty nor a comment (hostname(5)).
fn host_name(file: &Arc<SourceFile>) -> Option<Fact<String>> {
    let trimmed = lines(file.text()).map(|(at, line)| trimmed_span(file, at, line));
    let mut named = trimmed.filter(|span| !span.text().is_empty() && !span.text().starts_with('#'));
    named.next().map(|span| Fact::new(span.text().to_owned(), span))
}

/// The first line of a file of one line, without the blanks around it; `None` where it is empty.
pub(crate) fn first_line(file: &Arc<SourceFile>) -> Option<Fact<String>> {
    let (at, line) = lines(file.text()).next()?;
    let span = trimmed_span(file, at, line);
    (!span.text().is_empty()).then(|| Fact::new(span.text().to_owned(), span))
}

fn trimmed_span(file: &Arc<SourceFile>, at: usize, line: &str) -> Span {
    let start = at + line.len() - line.trim_start().len();
    file.span(start, start + line.trim().len())
}

/// The entries of a hosts file, in its order. Lines without an address that the C library takes (a zone behind an IPv6 address,
/// too) or without a name are void.
pub fn hosts(file: &Arc<SourceFile>) -> Vec<HostsEntry> {
    use hosts_grammar::{Line, Rule};
    let mut entries = Vec::new();
    for (at, line) in lines(file.text()) {
        let Ok(parsed) = Line::parse(Rule::line, line) else { continue };
        let mut address = None;
        let mut names = Vec::new();
        for field in parsed.flat_map(|line| line.into_inner()) {
            let place = field.as_span();
            let span = file.span(at + place.start(), at + place.end());
            match field.as_rule() {
                Rule::address => address = field.as_str().parse().ok().map(|addr: IpAddr| Fact::new(addr, span)),
                Rule::name => names.push(Fact::new(field.as_str().to_owned(), span)),
                _ => {}
            }
        }
        if let (Some(address), false) = (address, names.is_empty()) {
            entries.push(HostsEntry { address, names });
        }
    }
    entries
}

/// The servers that the C library would use, in order: the first three of `nameserver` lines that it understands.
pub fn nameservers(file: &Arc<SourceFile>) -> Vec<Fact<IpAddr>> {
    use resolv_grammar::{Line, Rule};
    let mut servers = Vec::new();
    for (at, line) in lines(file.text()) {
        let Ok(parsed) = Line::parse(Rule::line, line) else { continue };
        let mut fields = parsed.flat_map(|line| line.into_inner());
        let Some(field) = fields.find(|field| field.as_rule() == Rule::address) else { continue };
        let has_scope = fields.next().is_some_and(|next| next.as_rule() == Rule::scope);
        let address = match has_scope {
            true => field.as_str().parse::<Ipv6Addr>().map(IpAddr::V6),
            false => field.as_str().parse::<IpAddr>(),
        };
        let place = field.as_span();
        if let Ok(address) = address {
            servers.push(Fact::new(address, Origin::File(file.span(at + place.start(), at + place.end()))));
        }
        if servers.len() == NAMESERVER_LIMIT {
            break;
        }
    }
    servers
}

#[cfg(test)]
mod tests;
