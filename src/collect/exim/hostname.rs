//! `primary_hostname` where no file sets it (Exim specification, section 14.2).

use super::expand::{Evaluator, Scope};
use crate::collect::root::Root;
use crate::facts::{Fact, HostFqdn, HostsEntry, Origin};

/// What the host is called, as far as Exim asks.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// uname(2)'s node name.
    pub node_name: Option<&'a Fact<String>>,
    /// The hosts file.
    pub hosts: &'a [HostsEntry],
    /// What `hostname -f` prints.
    pub fqdn: &'a HostFqdn,
}

/// The default, or why it is undecided. A node name with a dot is taken as it is; another is looked up, IPv6 first unless
/// `ipv4_only` or the list `dns_ipv4_lookup` names it.
pub fn default(
    root: &Root,
    names: Names,
    evaluator: &Evaluator,
    ipv4_only: bool,
    ipv4_lookup: &str,
) -> Result<Fact<String>, String> {
    let Some(node) = names.node_name else {
        return Err("Exim takes it from the kernel's node name, which is unknown here".into());
    };
    if node.value.contains('.') {
        return Ok(node.clone());
    }
    let ipv4 = ipv4_only
        || evaluator.in_expanded(&mut Scope::default(), "match_domain", &node.value, ipv4_lookup, 0).unwrap_or(false);
    let families: &[bool] = if ipv4 { &[true] } else { &[false, true] };
    for v4 in families {
        let named = |entry: &&HostsEntry| {
            entry.address.value.is_ipv4() == *v4
                && entry.names.iter().any(|name| name.value.eq_ignore_ascii_case(&node.value))
        };
        if let Some(canonical) = names.hosts.iter().find(named).and_then(|entry| entry.names.first()) {
            let mut found = canonical.clone();
            found.via.add_farthest(node.origin.clone());
            return Ok(found);
        }
    }
    if only_files(root) {
        return Ok(node.clone());
    }
    match names.fqdn {
        HostFqdn::Name(name) => {
            Ok(Fact { value: name.value.clone(), origin: name.origin.clone(), via: node.origin.clone().into() })
        }
        HostFqdn::Fails(_) => Ok(node.clone()),
        HostFqdn::Unknown(_) => Err(format!(
            "the node name `{}` has no dot and is not in /etc/hosts: Exim takes what the resolver calls it",
            node.value
        )),
    }
}

/// Whether nsswitch.conf has names looked up in the hosts file alone.
fn only_files(root: &Root) -> bool {
    let Ok(file) = root.read("/etc/nsswitch.conf") else { return false };
    let line = file.text().lines().find_map(|line| line.trim_start().strip_prefix("hosts:")).map(str::to_owned);
    line.is_some_and(|line| {
        line.split('#').next().unwrap_or_default().split_whitespace().all(|source| source == "files")
    })
}

/// The default's origin where it is undecided.
pub const UNDECIDED: Origin = Origin::default_of("Exim specification, section 14.2");
