//! What is to be done: the record as it should stand, the setting to change and the command that does it.

use std::net::IpAddr;

use crate::addr::{Family, reverse_name};
use crate::facts::{Exim, Fact, Facts, Mta, Origin, OutboundPath, Postfix, PostfixService};
use crate::findings::{Fix, Who};
use crate::name::{DomainName, HeloName};
use crate::observe::iprev::confirms;
use crate::observe::{Observations, RecordType};
use crate::rules::names::{judged_host_name, own_names};
use crate::rules::ptr::generic::why_generic;

/// The TTL of records proposed, in seconds: the one that DNS006 still calls low enough for a migration.
const TTL: u32 = 3600;
/// cPanel's map of HELO names.
const MAILHELO: &str = "/etc/mailhelo";
/// Where Debian puts the configuration that it generates for Exim.
const DEBIAN_EXIM: &str = "/var/lib/exim4/";

/// The address record of `name`, as a master file writes it.
pub fn address_record(name: &DomainName, addr: IpAddr) -> String {
    format!("{name}. {TTL} IN {} {addr}", RecordType::address(Family::of(addr)))
}

/// The PTR record of `addr`, as a master file writes it.
pub fn ptr_record(addr: IpAddr, name: &DomainName) -> String {
    format!("{}. {TTL} IN PTR {name}.", reverse_name(addr))
}

/// The name that a path should introduce itself by: a confirmed PTR name of its sending address that is not generic, else the host
/// name where it leads to that address, else a PTR name. `None` where the DNS offers none.
pub fn wanted_helo(facts: &Facts, dns: &Observations, path: &OutboundPath) -> Option<DomainName> {
    let host = || judged_host_name(facts).map(|fact| fact.value);
    let Some(sending) = &path.sending else { return host() };
    let addr = sending.value;
    let names = dns.ptr(addr);
    let fit = |name: &&DomainName| why_generic(name, addr).is_none() && name.is_host_name() && name.is_qualified();
    let confirmed = names.found().iter().filter(fit).find(|name| confirms(dns, name, addr) == Some(true));
    let here = || host().filter(|name| confirms(dns, name, addr) == Some(true));
    confirmed.cloned().or_else(here).or_else(|| names.found().iter().find(fit).cloned())
}

/// How to make a path introduce itself by `name`.
pub fn set_helo(facts: &Facts, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    match path.mta {
        Some(Mta::Postfix) => postfix_helo(facts, path, helo, name),
        Some(Mta::Exim) => exim_helo(facts, helo, name),
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
        Some(entry) => format!("postconf {dir}-P '{}/{}/{parameter}={value}'", entry.name, entry.kind),
        None => format!("postconf {dir}-e '{parameter} = {value}'"),
    };
    // postconf(5): after a change of inet_interfaces Postfix must be stopped and started.
    let apply = if parameter == "inet_interfaces" { vec!["stop", "start"] } else { vec!["reload"] };
    std::iter::once(set).chain(apply.into_iter().map(|what| format!("postfix {dir}{what}"))).collect()
}

/// `-c DIR ` where the instance is not the default one.
fn instance_option(postfix: &Postfix) -> String {
    match postfix.config_directory.as_str() {
        "/etc/postfix" => String::new(),
        dir => format!("-c {dir} "),
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

fn exim_helo(facts: &Facts, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    let from_map = helo.origin.span().is_some_and(|span| span.path() == MAILHELO);
    if let Some(cpanel) = &facts.cpanel {
        let custom = cpanel.flags.iter().any(|flag| flag.value == "custom_mailhelo");
        return match (from_map, custom) {
            (true, true) => {
                let place = helo.origin.describe();
                Fix::new(Who::Host, format!("Write `{name}` as the value of this line of {MAILHELO} ({place})."))
            }
            (true, false) => {
                let text = format!(
                    "{MAILHELO} is written by cPanel from the PTR names that it keeps. Once the PTR is right, press \"Rebuild Reverse \
                     DNS Cache and Update Mail HELO\" in WHM » Exim Configuration Manager; or turn on \"Reference /etc/mailhelo for \
                     custom outgoing SMTP HELO\" and write `{name}` there."
                );
                Fix::new(Who::Host, text)
            }
            (false, _) => rename_host(facts, name),
        };
    }
    let Some(exim) = facts.exim.first() else {
        return Fix::new(Who::Host, format!("Make Exim introduce itself as `{name}`."));
    };
    if exim.file.starts_with(DEBIAN_EXIM) {
        let text = format!(
            "Define REMOTE_SMTP_HELO_DATA as `{name}`: in /etc/exim4/exim4.conf.localmacros, or with the split configuration in a \
             file of its own in /etc/exim4/conf.d/main/, such as 000_localmacros. Then generate and reload."
        );
        return Fix::new(Who::Host, text).command("update-exim4.conf").command("systemctl reload exim4");
    }
    let own = exim.main.get("primary_hostname").is_some_and(|own| own.origin == helo.origin);
    let option = if own || helo.origin.span().is_none() { "primary_hostname" } else { "helo_data" };
    let place = helo.origin.span().map_or_else(|| exim.file.clone(), |_| helo.origin.describe());
    Fix::new(Who::Host, format!("Set `{option} = {name}` in {place}, then reload Exim."))
        .command(format!("systemctl reload {}", exim_unit(exim)))
}

/// The systemd unit of an Exim: Debian calls it `exim4`.
pub fn exim_unit(exim: &Exim) -> &'static str {
    if exim.file.starts_with("/etc/exim4/") || exim.file.starts_with(DEBIAN_EXIM) { "exim4" } else { "exim" }
}

/// How to give this host the name `name`, which WHM wants to do itself on a cPanel server.
pub fn rename_host(facts: &Facts, name: &DomainName) -> Fix {
    if facts.cpanel.is_some() {
        let text = format!(
            "Change the host name to `{name}` in WHM » Change Hostname: it also updates certificates, licence and services, which \
             `hostnamectl` alone leaves behind."
        );
        return Fix::new(Who::Host, text).command(format!("whmapi1 sethostname hostname={name}"));
    }
    let mut fix =
        Fix::new(Who::Host, format!("Name this host `{name}`.")).command(format!("hostnamectl set-hostname {name}"));
    let follows = |mta: Mta| own_names(facts).iter().any(|(of, own)| *of == mta && own.origin.span().is_none());
    if follows(Mta::Postfix) {
        fix = fix.command("postfix reload");
    }
    if let Some(exim) = facts.exim.first().filter(|_| follows(Mta::Exim)) {
        fix = fix.command(format!("systemctl restart {}", exim_unit(exim)));
    }
    fix
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Helo, Setting};
    use crate::rules::testing::*;
    use crate::source::SourceFile;

    const WANTED: &str = "mx.example.com";

    fn commands(facts: &Facts) -> Vec<String> {
        let Helo::Known(helo) = &facts.paths[0].helo else { unreachable!() };
        set_helo(facts, &facts.paths[0], helo, &DomainName::new(WANTED)).commands
    }

    fn in_file(path: &str, text: &str, value: &str) -> Origin {
        let at = text.find(value).unwrap();
        Origin::File(SourceFile::new(path, text.as_bytes()).span(at, at + value.len()))
    }

    /// The healthy host with Exim in place of Postfix.
    fn with_exim(file: &str) -> Facts {
        healthy().but(|f| {
            f.postfix.clear();
            f.paths[0].mta = Some(Mta::Exim);
            f.paths[0].services = vec!["remote_smtp".into()];
            f.exim = vec![Exim {
                file: file.into(),
                version_hint: None,
                error: None,
                main: [("primary_hostname".to_owned(), Setting::known(NAME, HERE))].into(),
                transports: Vec::new(),
                routers: Vec::new(),
            }];
        })
    }

    #[test]
    fn postfix_is_changed_where_the_name_is_set() {
        let reload = "postfix reload".to_owned();
        assert_eq!(
            commands(&healthy()),
            [format!("postconf -e 'myhostname = {WANTED}'"), reload.clone()],
            "the default"
        );
        let main_cf = "myhostname = a.example.com\nsmtp_helo_name = mail.example.com\n";
        let own = in_file("/etc/postfix/main.cf", main_cf, "a.example.com");
        let helo = in_file("/etc/postfix/main.cf", main_cf, "mail.example.com");
        let facts = healthy().but(|f| {
            f.postfix[0].parameters.insert("myhostname".into(), Setting::known("a.example.com", own));
            f.paths[0].helo = Helo::Known(Fact::new(HeloName::new(NAME), helo));
        });
        assert_eq!(
            commands(&facts),
            [format!("postconf -e 'smtp_helo_name = {WANTED}'"), reload.clone()],
            "smtp_helo_name"
        );
        let facts = facts.but(|f| f.postfix[0].services = vec![service("smtp", "smtp_helo_name", NAME)]);
        assert_eq!(
            commands(&facts),
            [format!("postconf -P 'smtp/unix/smtp_helo_name={WANTED}'"), reload.clone()],
            "-o"
        );
        let facts = facts.but(|f| f.postfix[0].services = vec![service("smtp", "myhostname", NAME)]);
        assert_eq!(commands(&facts), [format!("postconf -P 'smtp/unix/myhostname={WANTED}'"), reload], "-o myhostname");
    }

    #[test]
    fn of_several_instances_the_right_one_is_changed() {
        let facts = healthy().but(|f| {
            let mut out = f.postfix[0].clone();
            out.config_directory = "/etc/postfix-out".into();
            f.postfix.push(out);
            f.paths[0].services = vec!["postfix-out/smtp".into()];
        });
        let expected = [
            format!("postconf -c /etc/postfix-out -e 'myhostname = {WANTED}'"),
            "postfix -c /etc/postfix-out reload".into(),
        ];
        assert_eq!(commands(&facts), expected);
    }

    #[test]
    fn exim_is_changed_as_its_packager_wants() {
        let debian = with_exim("/var/lib/exim4/config.autogenerated");
        assert_eq!(commands(&debian), ["update-exim4.conf", "systemctl reload exim4"]);
        assert_eq!(commands(&with_exim("/etc/exim/exim.conf")), ["systemctl reload exim"]);
        assert_eq!(commands(&with_exim("/etc/exim4/exim4.conf")), ["systemctl reload exim4"]);
        let cpanel_host = with_exim("/etc/exim.conf").but(|f| f.cpanel = Some(cpanel()));
        assert_eq!(
            commands(&cpanel_host),
            ["whmapi1 sethostname hostname=mx.example.com"],
            "primary_hostname is the node name"
        );
        let map = in_file("/etc/mailhelo", "*: mail.example.com\n", NAME);
        let by_map = cpanel_host.but(|f| f.paths[0].helo = Helo::Known(Fact::new(HeloName::new(NAME), map)));
        let Helo::Known(helo) = &by_map.paths[0].helo else { unreachable!() };
        let text = |facts: &Facts| set_helo(facts, &facts.paths[0], helo, &DomainName::new(WANTED)).text;
        assert!(text(&by_map).contains("Rebuild Reverse DNS Cache"), "cPanel writes the file");
        let custom = by_map.clone().but(|f| f.cpanel.as_mut().unwrap().flags = vec![fact("custom_mailhelo".into())]);
        assert!(text(&custom).contains("/etc/mailhelo:1"), "the administrator writes it");
    }

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
    fn a_rename_reaches_the_mtas_that_follow_the_node_name() {
        let name = DomainName::new(WANTED);
        assert_eq!(
            rename_host(&healthy(), &name).commands,
            ["hostnamectl set-hostname mx.example.com", "postfix reload"]
        );
        let own = in_file("/etc/postfix/main.cf", "myhostname = mail.example.com", NAME);
        let set = healthy().but(|f| {
            f.postfix[0].parameters.insert("myhostname".into(), Setting::known(NAME, own));
        });
        assert_eq!(rename_host(&set, &name).commands, ["hostnamectl set-hostname mx.example.com"]);
    }
}
