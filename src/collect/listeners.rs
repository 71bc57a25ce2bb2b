//! Where the MTAs are configured to listen for SMTP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::Family;
use crate::collect::exim::lists;
use crate::collect::postfix::check::{families, words};
use crate::collect::postfix::ports::Services;
use crate::collect::root::Root;
use crate::facts::{Exim, Fact, Facts, Host, Listener, Mta, Postfix, PostfixService, Setting};
use crate::name::DomainName;

/// Sockets that are listed: a master.cf with a service for each of its addresses has some hundred.
const LISTED: usize = 1_000;
/// Servers of Postfix that speak SMTP on a socket of their own.
const SMTP_SERVERS: [&str; 2] = ["smtpd", "postscreen"];

/// The sockets of the MTAs that are judged and do not refuse their configuration, in the order of their files.
pub(crate) fn listeners(root: &Root, facts: &Facts) -> Vec<Listener> {
    let ports = Services::read(root);
    let judged = |mta| facts.mtas.judges(mta);
    let postfix = facts.postfix.iter().filter(|one| one.error.is_none() && judged(Mta::Postfix));
    let exim = facts.exim.iter().filter(|one| one.error.is_none() && judged(Mta::Exim));
    let postfix = postfix.flat_map(|instance| of_postfix(instance, &facts.host, &ports));
    postfix.chain(exim.flat_map(|one| of_exim(one, &ports))).take(LISTED).collect()
}

fn of_postfix(instance: &Postfix, host: &Host, ports: &Services) -> Vec<Listener> {
    let value = |name: &str| instance.parameters.get(name).and_then(|set| set.value.as_deref());
    let families = value("inet_protocols").and_then(|value| families(value).ok()).unwrap_or(Family::BOTH.to_vec());
    let interfaces: Vec<IpAddr> = match value("inet_interfaces").unwrap_or("all") {
        "all" => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
        "loopback-only" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        list => words(list).flat_map(|word| addresses(word, host)).collect(),
    };
    let mut found = Vec::new();
    let servers = instance.services.iter().filter(|service| service.kind == "inet" && !service.off);
    for service in servers {
        let program = service.command.split_whitespace().next().unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or_default();
        let Some((place, port)) = place(&service.name).filter(|_| SMTP_SERVERS.contains(&program)) else { continue };
        let Some(port) = port.parse().ok().or_else(|| ports.port(port)) else { continue };
        let set = |name: &str| setting(instance, service, name);
        let is_set = |name: &str| set(name).and_then(|set| set.value.as_deref()).is_some_and(|value| !value.is_empty());
        let wrapped = set("smtpd_tls_wrappermode").and_then(|set| set.value.as_deref());
        let proxied = is_set(&format!("{program}_upstream_proxy_protocol"));
        // postscreen(8) greets, and hands the connection over to the server that answers EHLO.
        let behind = instance.services.iter().find(|one| one.kind == "pass" && one.name == "smtpd" && !one.off);
        let answers = behind.filter(|_| program == "postscreen").unwrap_or(service);
        let name = setting(instance, answers, "myhostname").and_then(Setting::fact);
        let own = if place.is_empty() { interfaces.clone() } else { addresses(place, host) };
        let own = own.into_iter().filter(|address| families.contains(&Family::from(*address)));
        found.extend(own.map(|address| Listener {
            mta: Mta::Postfix,
            service: service.name.clone(),
            address,
            port,
            wrapped: wrapped.is_some_and(|value| value.eq_ignore_ascii_case("yes")),
            proxied,
            name: name.clone(),
            origin: service.origin.clone(),
        }));
    }
    found
}

/// A parameter as a service sees it.
fn setting<'a>(instance: &'a Postfix, service: &'a PostfixService, name: &str) -> Option<&'a Setting> {
    service.overrides.get(name).or_else(|| instance.parameters.get(name))
}

/// Host and port of the name of an `inet` service (master(5)); the host is empty where there is none.
fn place(name: &str) -> Option<(&str, &str)> {
    match name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => Some((host, rest.strip_prefix(':')?)),
        None => Some(name.rsplit_once(':').unwrap_or(("", name))),
    }
}

/// The addresses that a word stands for: itself, or those of the hosts file.
fn addresses(word: &str, host: &Host) -> Vec<IpAddr> {
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    if let Ok(address) = bare.parse() {
        return vec![address];
    }
    let name = DomainName::new(bare);
    let found: Vec<IpAddr> = host.hosts_entries(&name).map(|(entry, _)| entry.address.value).collect();
    // Where the hosts file lacks it, the C library still knows this one (RFC 6761 section 6.3).
    match found.is_empty() && name.as_str() == "localhost" {
        true => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        false => found,
    }
}

fn of_exim(exim: &Exim, ports: &Services) -> Vec<Listener> {
    let text = |name: &str| exim.main.get(name).and_then(|set| set.value.as_deref()).unwrap_or_default();
    let list = |name: &str| -> Vec<u16> {
        let number = |item: &String| item.parse().ok().or_else(|| ports.port(item));
        lists::items(text(name)).iter().filter_map(number).collect()
    };
    let (everywhere, wrapped) = (list("daemon_smtp_ports"), list("tls_on_connect_ports"));
    let Some(interfaces) = exim.main.get("local_interfaces") else { return Vec::new() };
    let no_ipv6 = text("disable_ipv6") == "true";
    let mut found = Vec::new();
    for item in lists::items(interfaces.value.as_deref().unwrap_or_default()) {
        let Some((address, port)) = socket(&item).filter(|(address, _)| address.is_ipv4() || !no_ipv6) else {
            continue;
        };
        let ports = port.map_or(everywhere.clone(), |port| vec![port]);
        found.extend(ports.into_iter().map(|port| Listener {
            mta: Mta::Exim,
            service: String::new(),
            address,
            port,
            wrapped: wrapped.contains(&port),
            proxied: false,
            name: active_name(exim),
            origin: if port_is_of_the_list(&item, port) {
                interfaces.origin.clone()
            } else {
                exim.main.get("daemon_smtp_ports").map_or(interfaces.origin.clone(), |set| set.origin.clone())
            },
        }));
    }
    found
}

fn port_is_of_the_list(item: &str, port: u16) -> bool {
    socket(item).is_some_and(|(_, own)| own == Some(port))
}

/// An item of `local_interfaces`: an address, `address.port` or `[address]:port` (Exim specification, section 13.2).
fn socket(item: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(address) = item.parse() {
        return Some((address, None));
    }
    if let Some((address, port)) = item.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        return Some((address.parse().ok()?, Some(port.parse().ok()?)));
    }
    let (address, port) = item.rsplit_once('.')?;
    Some((address.parse().ok()?, Some(port.parse().ok()?)))
}

/// The name in Exim's replies to EHLO: `smtp_active_hostname`, where files decide it for every connection.
fn active_name(exim: &Exim) -> Option<Fact<String>> {
    let set = exim.main.get("smtp_active_hostname")?;
    let primary = exim.main.get("primary_hostname")?;
    if set.value.as_deref().is_some_and(str::is_empty) {
        return primary.fact();
    }
    let name = set.expanded.clone().or_else(|| set.value.clone().filter(|value| !value.contains('$')))?;
    Some(set.fact()?.with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::root;

    /// The sockets of a host with these files, one line each.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let (_dir, root) = root(files);
        let mut facts = crate::collect::collect(&root, None);
        facts.host.hosts = crate::rules::testing::healthy().host.hosts;
        let shown = |one: Listener| {
            let tls = if one.wrapped { " tls" } else { "" };
            let proxy = if one.proxied { " proxy" } else { "" };
            let name = one.name.map_or("?".to_owned(), |name| name.value);
            format!("{} {} {name}{tls}{proxy}", std::net::SocketAddr::new(one.address, one.port), one.service)
        };
        listeners(&root, &facts).into_iter().map(shown).collect()
    }

    #[test]
    fn sockets_of_postfix() {
        let main = |more: &str| format!("myhostname = mail.example.com\n{more}");
        let of =
            |main: &str, master: &str| found(&[("/etc/postfix/main.cf", main), ("/etc/postfix/master.cf", master)]);
        let master = "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd -o myhostname=mx.example.com\n\
                      submission inet n - n - - smtpd\n465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
                      127.0.0.1:10025 inet n - n - - smtpd\n[::1]:10026 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n\
                      smtp unix - - n - - smtp\npolicy inet n n n - 0 spawn\n";
        assert_eq!(
            of(&main("inet_protocols = ipv4\ninet_interfaces = all\n"), master),
            [
                "0.0.0.0:25 smtp mx.example.com",
                "0.0.0.0:587 submission mail.example.com",
                "0.0.0.0:465 465 mail.example.com tls",
                "127.0.0.1:10025 127.0.0.1:10025 mail.example.com",
            ]
        );
        let all = of(&main("inet_interfaces = loopback-only\n"), "smtp inet n - n - - smtpd\n");
        assert_eq!(all, ["127.0.0.1:25 smtp mail.example.com", "[::1]:25 smtp mail.example.com"]);
        let off = of(
            &main("inet_interfaces = 192.0.2.10, [2001:db8::1]\nmaster_service_disable = submission/inet\n"),
            "smtp inet n - n - - smtpd\nsmtp inet n - n - - smtpd -o myhostname=b.example.com\nsubmission inet n - n - - smtpd\n",
        );
        assert_eq!(off, ["192.0.2.10:25 smtp b.example.com", "[2001:db8::1]:25 smtp b.example.com"]);
        let proxied = of(
            &main("inet_interfaces = all\n"),
            "[::1]:10026 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n",
        );
        assert_eq!(proxied, ["[::1]:10026 [::1]:10026 mail.example.com proxy"]);
    }

    #[test]
    fn sockets_of_exim() {
        let of = |text: &str| found(&[("/etc/exim4/exim4.conf", text)]);
        let name = "primary_hostname = mail.example.com\n";
        assert_eq!(of(name), ["[::]:25  mail.example.com", "0.0.0.0:25  mail.example.com"]);
        let all = format!("{name}disable_ipv6 = true\ndaemon_smtp_ports = smtp : 465\ntls_on_connect_ports = 465\n");
        assert_eq!(of(&all), ["0.0.0.0:25  mail.example.com", "0.0.0.0:465  mail.example.com tls"]);
        let some = format!(
            "{name}local_interfaces = <; 192.0.2.10.26 ; [2001:db8::1]:27 ; 127.0.0.1\nsmtp_active_hostname = mx.example.com\n"
        );
        assert_eq!(
            of(&some),
            ["192.0.2.10:26  mx.example.com", "[2001:db8::1]:27  mx.example.com", "127.0.0.1:25  mx.example.com"]
        );
        let open = format!(
            "{name}local_interfaces = 127.0.0.1\nsmtp_active_hostname = ${{lookup dnsdb{{ptr=$interface_address}}}}\n"
        );
        assert_eq!(of(&open), ["127.0.0.1:25  ?"]);
    }
}
