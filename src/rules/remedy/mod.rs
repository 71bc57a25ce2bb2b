//! What is to be done: the record as it should stand, the setting to change and the command that does it.

mod exim;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use exim::exim_helo;
pub use exim::{exim_unit, is_debian, of_exim_conf_local, set_debian_macro};

use crate::addr::{Family, reverse_name};
use crate::facts::{Fact, Facts, Mta, Origin, OutboundPath, Postfix, PostfixService};
use crate::findings::{Fix, Who};
use crate::identity::generic::why_generic;
use crate::name::{DomainName, HeloName};
use crate::observe::iprev::confirms;
use crate::observe::{Observations, RecordType};
use crate::rules::edit;
pub use crate::rules::names::right_names;
use crate::rules::names::{is_own, judged_host_name, own_names};
use crate::rules::support::{Sending, names_for};

/// The TTL of records proposed, in seconds: the one that DNS006 still calls low enough for a migration.
const TTL: u32 = 3600;

/// The address record of `name`, as a master file writes it.
pub fn address_record(name: &DomainName, addr: IpAddr) -> String {
    format!("{name}. {TTL} IN {} {addr}", RecordType::address(Family::of(addr)))
}

/// The PTR record of `addr`, as a master file writes it.
pub fn ptr_record(addr: IpAddr, name: &DomainName) -> String {
    format!("{}. {TTL} IN PTR {name}.", reverse_name(addr))
}

/// A record to be deleted, as a comment of a master file: whoever pastes it into a zone changes nothing by mistake.
pub fn delete_record(name: &DomainName, addr: IpAddr) -> String {
    format!("; delete: {name}. IN {} {addr}", RecordType::address(Family::of(addr)))
}

/// The name that a path should introduce itself by: a confirmed PTR name of its sending address that is not generic, else the host
/// name where it leads to that address, else a PTR name. `None` where the DNS offers none.
pub fn wanted_helo(facts: &Facts, dns: &Observations, path: &OutboundPath) -> Option<DomainName> {
    let host = || judged_host_name(facts).map(|fact| fact.value);
    let Some(sending) = &path.sending else { return host() };
    let addr = sending.value;
    let names = dns.ptr(addr);
    let own = own_domains(facts, path);
    let ours = |name: &DomainName| {
        own.is_empty() || name.registrable().is_some_and(|domain| own.contains(&domain) || is_hosted(facts, &domain))
    };
    let fit = |name: &&DomainName| {
        let usable = name.is_host_name() && name.is_qualified() && !name.as_str().starts_with("www.");
        usable && why_generic(name, addr).is_none() && ours(name)
    };
    let confirmed = names.found().iter().filter(fit).find(|name| confirms(dns, name, addr) == Some(true));
    let here = || host().filter(|name| confirms(dns, name, addr) == Some(true));
    confirmed.cloned().or_else(here).or_else(|| names.found().iter().find(fit).cloned())
}

/// The registrable domains of this host's own names, as far as they are public. A PTR name of another domain is its owner's,
/// whatever it leads to. Empty where the host has no public name, so that any name will do.
fn own_domains(facts: &Facts, path: &OutboundPath) -> Vec<DomainName> {
    let Some(address) = &path.sending else { return Vec::new() };
    let names = names_for(facts, &Sending { address, paths: vec![path] });
    names.iter().filter(|name| !name.is_private()).filter_map(DomainName::registrable).collect()
}

/// Whether an account of this cPanel server has `domain` or a name below it.
fn is_hosted(facts: &Facts, domain: &DomainName) -> bool {
    let ends =
        |text: &str| text.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    facts.cpanel.iter().flat_map(|cpanel| &cpanel.userdomains).any(|entry| ends(&entry.key))
}

/// How to make a path introduce itself by `name`.
pub fn set_helo(facts: &Facts, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    match path.mta {
        Some(Mta::Postfix) => postfix_helo(facts, path, helo, name),
        Some(Mta::Exim) => exim_helo(facts, path, helo, name),
        None => Fix::new(Who::Host, format!("Make the MTA introduce itself as `{name}`.")),
    }
}

/// How to make a path introduce itself by a better name, which the DNS may not offer yet.
pub fn better_helo(facts: &Facts, dns: &Observations, path: &OutboundPath, helo: &Fact<HeloName>) -> Fix {
    match wanted_helo(facts, dns, path) {
        Some(name) => set_helo(facts, path, helo, &name),
        None => {
            let text = "Choose a fully qualified name, publish its address record with the sending address, have the address's PTR \
                        record name it, then make the MTA introduce itself by it.";
            Fix::new(Who::Host, text)
        }
    }
}

/// The commands that make `parameter` be `value` for a client service of Postfix: in its master.cf entry where that sets it, else in
/// main.cf.
pub fn set_postfix(facts: &Facts, service: &str, parameter: &str, value: &str) -> Vec<String> {
    let Some((postfix, entry)) = postfix_service(facts, service) else { return Vec::new() };
    let dir = instance_option(postfix);
    let set = match entry.filter(|entry| entry.overrides.contains_key(parameter)) {
        Some(entry) => {
            let option = format!("{}/{}/{parameter}={value}", entry.name, entry.kind);
            format!("postconf {dir}-P {}", edit::quoted(&option))
        }
        None => format!("postconf {dir}-e {}", edit::quoted(&format!("{parameter} = {value}"))),
    };
    // postconf(5): after a change of inet_interfaces Postfix must be stopped and started.
    let apply = if parameter == "inet_interfaces" { vec!["stop", "start"] } else { vec!["reload"] };
    std::iter::once(set).chain(apply.into_iter().map(|what| format!("postfix {dir}{what}"))).collect()
}

/// The address of this host that a path should send from in place of the one that the kernel chose for it: one that its HELO name leads
/// to and that has this name as PTR name. `None` where the address was chosen by the configuration, or there is no such.
pub fn better_source(facts: &Facts, dns: &Observations, path: &OutboundPath, name: &DomainName) -> Option<IpAddr> {
    let sending = path.sending.as_ref()?.value;
    if path.bound {
        return None;
    }
    let found = dns.addresses(name, path.family);
    let other = found.found().iter().find(|addr| **addr != sending && is_own(facts, **addr) == Some(true))?;
    // Its PTR record is asked for where some path sends from it; where it was not, the name alone speaks for it.
    let ptr = dns.ptr(*other);
    (ptr.found().contains(name) || ptr.open().is_some()).then_some(*other)
}

/// How to make a path send from `other`, one of this host's addresses or the image of one.
pub fn send_from(facts: &Facts, path: &OutboundPath, other: IpAddr) -> Fix {
    let local = facts.nat.0.iter().filter(|entry| entry.public == other).find_map(|entry| entry.local).unwrap_or(other);
    let fix = Fix::new(Who::Host, format!("Have the MTA send from {local}, which its HELO name stands for."));
    let parameter = match path.family {
        Family::Ipv4 => "smtp_bind_address",
        Family::Ipv6 => "smtp_bind_address6",
    };
    match (path.mta, path.services.first()) {
        (Some(Mta::Postfix), Some(service)) => {
            set_postfix(facts, service, parameter, &local.to_string()).into_iter().fold(fix, Fix::command)
        }
        (Some(Mta::Exim), _) if facts.cpanel.is_none() => {
            let debian = facts.exim.first().is_some_and(is_debian);
            let value = if local.is_ipv6() { format!("<; {local}") } else { local.to_string() };
            if debian {
                return set_debian_macro("REMOTE_SMTP_INTERFACE", &value);
            }
            let text =
                format!("{} In Exim's transport `{}`: `interface = {value}`.", fix.text, path.services.join("`, `"));
            Fix { text, ..fix }
        }
        _ => fix,
    }
}

/// `-c DIR ` where the instance is not the default one.
fn instance_option(postfix: &Postfix) -> String {
    match postfix.config_directory.as_str() {
        "/etc/postfix" => String::new(),
        dir => format!("-c {} ", edit::word(dir)),
    }
}

/// The instance and the entry of master.cf that a path's or fault's service stands for.
fn postfix_service<'a>(facts: &'a Facts, service: &str) -> Option<(&'a Postfix, Option<&'a PostfixService>)> {
    let (instance, name) = service.split_once('/').map_or((None, service), |(instance, name)| (Some(instance), name));
    let named = |p: &&Postfix| instance.is_none_or(|i| p.config_directory.rsplit('/').next() == Some(i));
    let postfix = facts.postfix.iter().find(named).or_else(|| facts.postfix.first())?;
    let client = |s: &&PostfixService| s.name == name && s.kind != "inet";
    Some((postfix, postfix.services.iter().rfind(client)))
}

fn postfix_helo(facts: &Facts, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    let fix = Fix::new(Who::Host, format!("Make Postfix introduce itself as `{name}`."));
    let Some(service) = path.services.first() else { return fix };
    let Some((postfix, entry)) = postfix_service(facts, service) else { return fix };
    let of_client = match entry {
        Some(entry) if entry.command.rsplit('/').next() == Some("lmtp") => "lmtp_lhlo_name",
        _ => "smtp_helo_name",
    };
    let overridden = |parameter: &&str| entry.is_some_and(|entry| entry.overrides.contains_key(*parameter));
    let follows_own = helo.origin.span().is_none()
        || postfix.parameters.get("myhostname").is_some_and(|own| own.origin == helo.origin);
    let otherwise = if follows_own { "myhostname" } else { of_client };
    let parameter = [of_client, "myhostname"].into_iter().find(overridden).unwrap_or(otherwise);
    set_postfix(facts, service, parameter, name.as_str()).into_iter().fold(fix, Fix::command)
}

/// How to give this host the name `name`, which WHM wants to do itself on a cPanel server.
pub fn rename_host(facts: &Facts, name: &DomainName) -> Fix {
    if facts.cpanel.is_some() {
        let text = format!(
            "Change the host name to `{name}` in WHM » Change Hostname: it also updates certificates, licence and services, which \
             `hostnamectl` alone leaves behind."
        );
        return Fix::new(Who::Host, text)
            .command(format!("whmapi1 sethostname {}", edit::word(&format!("hostname={name}"))));
    }
    let mut fix = Fix::new(Who::Host, format!("Name this host `{name}`."))
        .command(format!("hostnamectl set-hostname {}", edit::word(name.as_str())));
    fix = named_first(facts, name).into_iter().fold(fix, Fix::command);
    let follows = |mta: Mta| own_names(facts).iter().any(|(of, own)| *of == mta && own.origin.span().is_none());
    if follows(Mta::Postfix) {
        fix = fix.command("postfix reload");
    }
    if let Some(exim) = facts.exim.first().filter(|_| follows(Mta::Exim)) {
        fix = fix.command(format!("systemctl restart {}", exim_unit(exim)));
    }
    fix
}

/// The edit that makes the hosts file print `name` as the canonical one, where a line of it has another name before it. Whatever reads
/// `localhost` goes on finding it: a name behind that is taken off its line, and the DNS speaks for it.
fn named_first(facts: &Facts, name: &DomainName) -> Option<String> {
    let (entry, _) = facts.host.hosts_entries(name).next()?;
    let is_localhost = |fact: &Fact<String>| {
        let first = DomainName::new(&fact.value);
        matches!(first.as_str(), "localhost" | "localhost.localdomain" | "ip6-localhost" | "localhost4" | "localhost6")
    };
    if entry.address.value.is_loopback() && entry.names.iter().any(is_localhost) {
        let short = name.labels().next().map(DomainName::new);
        let is_new = |other: &str| {
            let other = DomainName::new(other);
            other == *name || Some(&other) == short.as_ref()
        };
        let kept: Vec<&str> =
            entry.names.iter().map(|fact| fact.value.as_str()).filter(|other| !is_new(other)).collect();
        return edit::replace_line(&entry.address.origin, &format!("{} {}", entry.address.value, kept.join(" ")));
    }
    if entry.names.first().is_some_and(|first| DomainName::new(&first.value) == *name) {
        return None;
    }
    let others = entry.names.iter().map(|fact| fact.value.as_str()).filter(|other| DomainName::new(other) != *name);
    let mut names: Vec<&str> = std::iter::once(name.as_str()).chain(others).collect();
    // The short alias is the name's first label.
    if let Some(short) = name.labels().next().filter(|short| !names.contains(short)) {
        names.insert(1, short);
    }
    edit::replace_line(&entry.address.origin, &format!("{} {}", entry.address.value, names.join(" ")))
}

/// The best qualified name that this host goes by already: a HELO name that holds, else an MTA's own name. `None` where there is none.
pub fn known_name(facts: &Facts, dns: &Observations) -> Option<DomainName> {
    let wanted = facts.paths.iter().find_map(|path| wanted_helo(facts, dns, path));
    let own = own_names(facts).into_iter().map(|(_, own)| own.value);
    wanted.or_else(|| own.into_iter().find(|name| name.is_qualified() && name.is_host_name() && !name.is_private()))
}

/// How to name this host: after the best name that it goes by already.
pub fn name_host(facts: &Facts, dns: &Observations) -> Fix {
    match known_name(facts, dns) {
        Some(name) => rename_host(facts, &name),
        None if facts.cpanel.is_some() => Fix::new(
            Who::Host,
            "Choose a qualified name, publish its address record, then set it in WHM » Change Hostname.",
        ),
        None => Fix::new(
            Who::Host,
            "Choose a qualified name, publish its address record, set it with `hostnamectl set-hostname`, and see that the hosts file \
             names it first on its line.",
        ),
    }
}

/// How to make `name` lead to these addresses: the records as they should stand.
pub fn publish(name: &DomainName, addresses: &[IpAddr]) -> Fix {
    let fix = Fix::new(Who::DnsZone, format!("Let `{name}` have the address this host is known by:"));
    addresses.iter().fold(fix, |fix, addr| fix.command(address_record(name, *addr)))
}

/// The sending addresses of this host, in the order of the paths; where none is known, its public interface addresses.
pub fn addresses_to_publish(facts: &Facts) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = Vec::new();
    let sending = facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value);
    for addr in sending {
        let first_of_family = !all.iter().any(|known| Family::of(*known) == Family::of(addr));
        if first_of_family {
            all.push(addr);
        }
    }
    if all.is_empty() {
        let own = facts.host.own_addresses().map(|own| own.address).filter(|addr| crate::addr::is_public(*addr));
        all.extend(own.take(1));
    }
    all
}

/// The file and line of an origin, for a sentence: ` (/etc/hosts:3)`, or nothing.
pub fn at(origin: &Origin) -> String {
    origin.span().map_or_else(String::new, |_| format!(" ({})", origin.describe()))
}
