//! What findings advise: the record as it should stand, the setting to change. In words alone where a file is to be edited: an edit is a
//! matter of the whole host, and is printed where a plan has tried it.

use std::net::IpAddr;

use crate::addr::{Family, reverse_name};
pub(crate) use crate::domains::fix::{TTL, address_record, delete_record};
use crate::facts::{Cpanel, Exim, Fact, Facts, Mta, Origin, OutboundPath, Postfix, PostfixService, SenderDomains};
use crate::findings::{Fix, Who};
use crate::identity::generic::why_generic;
use crate::name::{DomainName, HeloName};
use crate::observe::Observations;
use crate::observe::iprev::confirms;
pub(crate) use crate::rules::names::right_names;
use crate::rules::names::{is_own, judged_host_name, own_names};
use crate::rules::panel::has_flag;
use crate::rules::support::{Sending, names_for, set_by};

/// cPanel's map of HELO names.
const MAILHELO: &str = "/etc/mailhelo";
/// Where Debian puts the configuration that it generates for Exim.
const DEBIAN_EXIM: &str = "/var/lib/exim4/";
/// Debian's file of macros that its configuration takes values from.
const LOCALMACROS: &str = "/etc/exim4/exim4.conf.localmacros";
/// Lines of a map that one sentence lists.
const MAP_LINES: usize = 20;
/// Files that hold the host's own name.
const HOST_FILES: [&str; 2] = ["/etc/hosts", "/etc/hostname"];
/// What cPanel builds `/etc/exim.conf` from.
const EXIM_CONF_LOCAL: &str = "/etc/exim.conf.local";

/// The PTR record of `addr`, as a master file writes it.
pub(crate) fn ptr_record(addr: IpAddr, name: &DomainName) -> String {
    format!("{}. {TTL} IN PTR {name}.", reverse_name(addr))
}

/// The name that a path should introduce itself by: a confirmed PTR name of its sending address that is not generic, else the host
/// name where it leads to that address, else a PTR name. `None` where the DNS offers none.
pub(crate) fn wanted_helo(facts: &Facts, dns: &Observations, path: &OutboundPath) -> Option<DomainName> {
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
pub(crate) fn set_helo(facts: &Facts, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    match path.mta {
        Some(Mta::Postfix) => postfix_helo(facts, path, helo, name),
        Some(Mta::Exim) => exim_helo(facts, path, helo, name),
        None => Fix::new(Who::Host, format!("Make the MTA introduce itself as `{name}`.")),
    }
}

/// How to make a path introduce itself by a better name, which the DNS may not offer yet.
pub(crate) fn better_helo(facts: &Facts, dns: &Observations, path: &OutboundPath, helo: &Fact<HeloName>) -> Fix {
    match wanted_helo(facts, dns, path) {
        Some(name) => set_helo(facts, path, helo, &name),
        None => {
            let text = "Choose a fully qualified name, publish its address record with the sending address, have the address's PTR \
                        record name it, then make the MTA introduce itself by it.";
            Fix::new(Who::Host, text)
        }
    }
}

/// The address of this host that a path should send from in place of the one that the kernel chose for it: one that its HELO name leads
/// to and that has this name as PTR name. `None` where the address was chosen by the configuration, or there is no such.
pub(crate) fn better_source(
    facts: &Facts,
    dns: &Observations,
    path: &OutboundPath,
    name: &DomainName,
) -> Option<IpAddr> {
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
pub(crate) fn send_from(facts: &Facts, path: &OutboundPath, other: IpAddr) -> Fix {
    let local = facts.nat.0.iter().filter(|entry| entry.public == other).find_map(|entry| entry.local).unwrap_or(other);
    let text = format!("Have the MTA send from {local}, which its HELO name stands for");
    let parameter = match path.family {
        Family::Ipv4 => "smtp_bind_address",
        Family::Ipv6 => "smtp_bind_address6",
    };
    let how = match path.mta {
        Some(Mta::Postfix) => format!(": `{parameter} = {local}`."),
        Some(Mta::Exim) if facts.cpanel.is_none() => {
            let value = if local.is_ipv6() { format!("<; {local}") } else { local.to_string() };
            if facts.exim.first().is_some_and(is_debian) {
                return set_debian_macro("REMOTE_SMTP_INTERFACE", &value);
            }
            format!(". In Exim's transport `{}`: `interface = {value}`.", path.services.join("`, `"))
        }
        _ => ".".to_owned(),
    };
    Fix::new(Who::Host, text + &how)
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
    let entry = path.services.first().and_then(|service| postfix_service(facts, service));
    let Some((postfix, entry)) = entry else {
        return Fix::new(Who::Host, format!("Make Postfix introduce itself as `{name}`."));
    };
    let of_client = match entry {
        Some(entry) if entry.command.rsplit('/').next() == Some("lmtp") => "lmtp_lhlo_name",
        _ => "smtp_helo_name",
    };
    let overridden = |parameter: &&str| entry.is_some_and(|entry| entry.overrides.contains_key(*parameter));
    let follows_own = helo.origin.span().is_none()
        || postfix.parameters.get("myhostname").is_some_and(|own| own.origin == helo.origin);
    let otherwise = if follows_own { "myhostname" } else { of_client };
    let parameter = [of_client, "myhostname"].into_iter().find(overridden).unwrap_or(otherwise);
    // Never for all what one of several source addresses is in need of.
    let elsewhere = |other: &&OutboundPath| other.mta == path.mta && other.family == path.family && other.id != path.id;
    let sending = |path: &OutboundPath| path.sending.as_ref().map(|fact| fact.value);
    if !overridden(&parameter) && facts.paths.iter().filter(elsewhere).any(|other| sending(other) != sending(path)) {
        let services = path.services.join("`, `");
        let text = format!("Make Postfix introduce itself as `{name}` by `{services}` (master.cf: `-o {of_client}`).");
        return Fix::new(Who::Host, text);
    }
    Fix::new(Who::Host, format!("Make Postfix introduce itself as `{name}` (`{parameter}`)."))
}

/// How to make a path of Exim introduce itself by `name`.
fn exim_helo(facts: &Facts, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    if let Some(cpanel) = &facts.cpanel {
        return cpanel_helo(facts, cpanel, path, helo, name);
    }
    let Some(exim) = facts.exim.first() else {
        return Fix::new(Who::Host, format!("Make Exim introduce itself as `{name}`."));
    };
    if is_debian(exim) {
        return set_debian_macro("REMOTE_SMTP_HELO_DATA", name.as_str());
    }
    let own = exim.main.get("primary_hostname").is_some_and(|own| own.origin == helo.origin);
    // Where the name comes from the host's files, Exim has no setting of its own yet; and others read those files too.
    let set = helo.origin.span().filter(|span| !HOST_FILES.contains(&span.path()));
    let option = if own || set.is_none() { "primary_hostname" } else { "helo_data" };
    let option = set.and_then(|_| set_by(option, &helo.origin)).unwrap_or(option);
    let place = set.map_or_else(|| exim.file.clone(), |_| helo.origin.describe());
    Fix::new(Who::Host, format!("Set `{option} = {name}` in {place}, then reload Exim."))
}

/// How to define a macro of Debian's Exim configuration, whatever is defined now.
pub(crate) fn set_debian_macro(name: &str, value: &str) -> Fix {
    let text = format!(
        "Define `{name} = {value}` in {LOCALMACROS} (with the split configuration, in a file of its own in /etc/exim4/conf.d/main/, \
         such as 000_localmacros, instead), generate the configuration and reload."
    );
    Fix::new(Who::Host, text)
}

/// How a cPanel server's path comes to another HELO name: by the map of HELO names where that is the administrator's; else by the
/// PTR names that cPanel keeps, or the host name.
fn cpanel_helo(facts: &Facts, cpanel: &Cpanel, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    let domains: &[DomainName] = match &path.sender_domains {
        SenderDomains::Only { domains, others: false } => domains,
        _ => &[],
    };
    let from_map = helo.origin.span().is_some_and(|span| span.path() == MAILHELO);
    if has_flag(cpanel, "custom_mailhelo") && (from_map || !domains.is_empty()) {
        return own_map(domains, helo, name);
    }
    if from_map && has_flag(cpanel, "use_rdns_for_helo") {
        let text = format!(
            "{MAILHELO} is written by cPanel from the PTR names that it keeps, and what is written there by hand is lost. Once the PTR is \
             right, press \"Rebuild Reverse DNS Cache and Update Mail HELO\" in WHM » Exim Configuration Manager; or turn on \
             \"Reference /etc/mailhelo for custom outgoing SMTP HELO\" and write `{name}` there."
        );
        return Fix::new(Who::Host, text);
    }
    if from_map || !domains.is_empty() {
        let text = format!(
            "{MAILHELO} is written by cPanel, and what is written there by hand is lost. In WHM » Exim Configuration Manager » Basic Editor » \
             Domains and IPs, turn on \"Reference /etc/mailhelo for custom outgoing SMTP HELO\" and write `{name}` there; or turn on \"Use \
             the reverse DNS entry for the mail HELO/EHLO if available\"."
        );
        return Fix::new(Who::Host, text);
    }
    // primary_hostname in exim.conf goes before the host name.
    let set = facts.exim.first().and_then(|exim| exim.main.get("primary_hostname"));
    match set.filter(|set| set.origin == helo.origin).and_then(|set| set.origin.span()) {
        Some(span) => of_exim_conf_local(&span.excerpt().text, &helo.origin, name.as_str()),
        None => rename_host(facts, name),
    }
}

/// The lines of the administrator's own map of HELO names: for each domain of the path its own, else the one that the name is from.
fn own_map(domains: &[DomainName], helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    if domains.is_empty() {
        let place = helo.origin.describe();
        return Fix::new(Who::Host, format!("Write `{name}` as the value of this line of {MAILHELO} ({place})."));
    }
    let listed: Vec<String> = domains.iter().take(MAP_LINES).map(|domain| format!("`{domain}: {name}`")).collect();
    let more = domains.len().saturating_sub(MAP_LINES);
    let more = if more > 0 { format!(", and so for {more} more domains") } else { String::new() };
    Fix::new(Who::Host, format!("In {MAILHELO}, let these lines stand: {}{more}.", listed.join(", ")))
}

/// How to change a line of cPanel's `/etc/exim.conf`, which is built anew from another file.
pub(crate) fn of_exim_conf_local(line: &str, origin: &Origin, new: &str) -> Fix {
    let text = format!(
        "In WHM » Exim Configuration Manager » Advanced Editor, change `{}` to `{new}` ({}); or edit {EXIM_CONF_LOCAL}, where WHM keeps it, \
         build the configuration and restart Exim. What is changed in /etc/exim.conf itself is lost when cPanel builds that file again.",
        line.trim(),
        origin.describe()
    );
    Fix::new(Who::Host, text)
}

/// Whether an Exim's configuration is the one that Debian's packages generate.
pub(crate) fn is_debian(exim: &Exim) -> bool {
    exim.file.starts_with(DEBIAN_EXIM)
}

/// The systemd unit of an Exim: Debian calls it `exim4`.
pub(crate) fn exim_unit(exim: &Exim) -> &'static str {
    if exim.file.starts_with("/etc/exim4/") || exim.file.starts_with(DEBIAN_EXIM) { "exim4" } else { "exim" }
}

/// How to give this host the name `name`, which WHM wants to do itself on a cPanel server.
pub(crate) fn rename_host(facts: &Facts, name: &DomainName) -> Fix {
    if facts.cpanel.is_some() {
        let text = format!(
            "Change the host name to `{name}` in WHM » Change Hostname: it also updates certificates, licence and services, which \
             `hostnamectl` alone leaves behind."
        );
        return Fix::new(Who::Host, text);
    }
    Fix::new(
        Who::Host,
        format!("Name this host `{name}`: `hostnamectl set-hostname`, and first on its line of the hosts file."),
    )
}

/// The best qualified name that this host goes by already: a HELO name that holds, else an MTA's own name. `None` where there is none.
pub(crate) fn known_name(facts: &Facts, dns: &Observations) -> Option<DomainName> {
    let wanted = facts.paths.iter().find_map(|path| wanted_helo(facts, dns, path));
    let own = own_names(facts).into_iter().map(|(_, own)| own.value);
    wanted.or_else(|| own.into_iter().find(|name| name.is_qualified() && name.is_host_name() && !name.is_private()))
}

/// How to name this host: after the best name that it goes by already.
pub(crate) fn name_host(facts: &Facts, dns: &Observations) -> Fix {
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
pub(crate) fn publish(name: &DomainName, addresses: &[IpAddr]) -> Fix {
    let fix = Fix::new(Who::DnsZone, format!("Let `{name}` have the address this host is known by:"));
    addresses.iter().fold(fix, |fix, addr| fix.command(address_record(name, *addr)))
}

/// The sending addresses of this host, in the order of the paths; where none is known, its public interface addresses.
pub(crate) fn addresses_to_publish(facts: &Facts) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = Vec::new();
    let sending = facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value);
    for addr in sending {
        let first_of_family = !all.iter().any(|known| Family::from(*known) == Family::from(addr));
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
pub(crate) fn at(origin: &Origin) -> String {
    origin.span().map_or_else(String::new, |_| format!(" ({})", origin.describe()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Helo;
    use crate::rules::testing::*;

    #[test]
    fn the_name_wanted_is_one_that_works() {
        let wanted = |more: &[(&str, &[&str])]| {
            let facts = host_named("web.example.com");
            wanted_helo(&facts, &dns(more), &facts.paths[0]).map(|name| name.to_string())
        };
        let two: (&str, &[&str]) = ("192.0.2.10 PTR", &["old.example.com", NAME]);
        assert_eq!(wanted(&[two]).as_deref(), Some(NAME), "the confirmed one of two PTR names");
        let gone: (&str, &[&str]) = ("192.0.2.10 PTR", &["NXDOMAIN"]);
        assert_eq!(wanted(&[gone]), None, "nothing works");
        assert_eq!(
            wanted(&[gone, ("web.example.com A", &[ADDR])]).as_deref(),
            Some("web.example.com"),
            "the host name"
        );
        let generic: (&str, &[&str]) = ("192.0.2.10 PTR", &["192-0-2-10.example.net"]);
        assert_eq!(wanted(&[generic, ("192-0-2-10.example.net A", &[ADDR])]), None, "a generic name is no name");
    }

    #[test]
    fn neither_a_strangers_name_nor_a_web_sites_is_wanted() {
        let wanted = |ptr: &'static str| {
            let facts = host_named("web.example.com");
            let more: [(&str, &[&str]); 3] =
                [("192.0.2.10 PTR", &[ptr]), ("mail.other.example A", &[ADDR]), ("www.example.com A", &[ADDR])];
            wanted_helo(&facts, &dns(&more), &facts.paths[0]).map(|name| name.to_string())
        };
        assert_eq!(wanted("mail.other.example"), None, "another's domain");
        assert_eq!(wanted("www.example.com"), None, "a web site");
    }

    #[test]
    fn the_kernels_choice_gives_way_to_the_address_of_the_name() {
        let two = healthy().but(|f| {
            f.host.addresses = Some(vec![on("eth0", ADDR, &[]), on("eth0", "192.0.2.11", &[])]);
        });
        let there: [(&str, &[&str]); 2] = [("mail.example.com A", &["192.0.2.11"]), ("192.0.2.11 PTR", &[NAME])];
        let better = |facts: &Facts, more: &[(&str, &[&str])]| {
            better_source(facts, &dns(more), &facts.paths[0], &DomainName::new(NAME)).map(|addr| addr.to_string())
        };
        assert_eq!(better(&two, &there).as_deref(), Some("192.0.2.11"));
        assert_eq!(better(&two, &[there[0], ("192.0.2.11 PTR", &["x.example.net"])]), None, "another name's address");
        assert_eq!(better(&healthy(), &there), None, "not this host's");
        let chosen = two.clone().but(|f| f.paths[0].bound = true);
        assert_eq!(better(&chosen, &there), None, "somebody chose the address");
    }

    #[test]
    fn the_setting_is_named_where_the_packager_wants_it() {
        let helo = |facts: &Facts| {
            let Helo::Known(helo) = &facts.paths[0].helo else { unreachable!() };
            set_helo(facts, &facts.paths[0], helo, &DomainName::new("mx.example.com")).text
        };
        assert_eq!(helo(&healthy()), "Make Postfix introduce itself as `mx.example.com` (`myhostname`).");
        let overridden = healthy().but(|f| f.postfix[0].services = vec![service("smtp", "smtp_helo_name", NAME)]);
        assert_eq!(helo(&overridden), "Make Postfix introduce itself as `mx.example.com` (`smtp_helo_name`).");
        let with_exim = |file: &str| {
            healthy().but(|f| {
                f.postfix.clear();
                f.paths[0].mta = Some(Mta::Exim);
                f.exim = vec![Exim { file: file.into(), ..Exim::default() }];
            })
        };
        let debian = helo(&with_exim("/var/lib/exim4/config.autogenerated"));
        assert!(debian.starts_with("Define `REMOTE_SMTP_HELO_DATA = mx.example.com` in /etc/exim4/"), "{debian}");
        let plain = helo(&with_exim("/etc/exim/exim.conf"));
        assert_eq!(plain, "Set `primary_hostname = mx.example.com` in /etc/exim/exim.conf, then reload Exim.");
        let host = with_exim("/etc/exim.conf").but(|f| f.cpanel = Some(cpanel().into()));
        assert!(helo(&host).contains("WHM » Change Hostname"), "primary_hostname is the node name");
    }
}
