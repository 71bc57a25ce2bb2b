//! Whom a reply in a mail log speaks of: which sending address, which outbound paths.

use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{Facts, Mta, OutboundPath, Postfix, PostfixService, Refused};
use crate::identity::OwnAddresses;

/// Whom a reply speaks of.
#[derive(Debug)]
pub struct SpokenOf<'f> {
    /// The sending address; `None`: this host, by one of several.
    pub address: Option<IpAddr>,
    /// The paths that the delivery may have taken.
    pub paths: Vec<&'f OutboundPath>,
}

/// Whom a refusal speaks of: by the local address that its line names, by the address that the reply names where it is one of this host's, by
/// the service and the family, else by the reply alone. `own` are the addresses of this host.
pub fn spoken_of<'f>(facts: &'f Facts, own: &OwnAddresses<'_>, refused: &Refused) -> SpokenOf<'f> {
    let of_mta = |path: &&OutboundPath| path.mta.is_none_or(|mta| mta == refused.mta);
    if let Some(local) = refused.local {
        let paths: Vec<&OutboundPath> =
            facts.paths.iter().filter(of_mta).filter(|path| has_source(path, local)).collect();
        let seen = paths.iter().find_map(|path| path.sending.as_ref()).map(|sending| sending.value);
        return SpokenOf { address: seen.or(refused.named).or(Some(local)), paths };
    }
    let paths = paths_of_service(facts, refused.mta, &refused.service, refused.family);
    let sending = |path: &&OutboundPath| path.sending.as_ref().map(|sending| sending.value);
    if let Some(named) = refused.named.filter(|named| own.has(*named) == Some(true)) {
        let all = facts.paths.iter().filter(of_mta);
        return SpokenOf { address: Some(named), paths: all.filter(|path| sending(path) == Some(named)).collect() };
    }
    let mut addresses: Vec<Option<IpAddr>> = paths.iter().map(sending).collect();
    addresses.dedup();
    match addresses[..] {
        [Some(one)] => SpokenOf { address: Some(one), paths },
        _ => SpokenOf { address: refused.named, paths },
    }
}

fn has_source(path: &OutboundPath, address: IpAddr) -> bool {
    path.source.as_ref().is_some_and(|source| source.value == address)
}

/// The paths of what delivered: those of its service where that is known, else all of the MTA; of one family where that is known.
fn paths_of_service<'f>(facts: &'f Facts, mta: Mta, service: &str, family: Option<Family>) -> Vec<&'f OutboundPath> {
    let of_mta = facts.paths.iter().filter(|path| path.mta.is_none_or(|own| own == mta));
    let of_family = of_mta.filter(|path| family.is_none_or(|family| path.family == family));
    let all: Vec<&OutboundPath> = of_family.collect();
    let names = match mta {
        Mta::Postfix => services_that_log_as(facts, service),
        Mta::Exim => vec![service.to_owned()],
    };
    let by_name = |path: &&OutboundPath| path.services.iter().any(|own| names.iter().any(|name| **own == **name));
    let named: Vec<&OutboundPath> = all.iter().copied().filter(by_name).collect();
    if named.is_empty() { all } else { named }
}

/// The client services of master.cf that log under a name: `syslog_name`, a slash, and the program (postconf(5)).
fn services_that_log_as(facts: &Facts, name: &str) -> Vec<String> {
    let of_instance = |instance: &Postfix| {
        let logs_so = |service: &&PostfixService| {
            let set = service.overrides.get("syslog_name").or(instance.parameters.get("syslog_name"));
            let syslog_name = set.and_then(|setting| setting.value.as_deref()).unwrap_or("postfix");
            service.command == "smtp" && name.strip_prefix(syslog_name).is_some_and(|rest| rest == "/smtp")
        };
        instance.services.iter().filter(logs_so).map(|service| service.name.clone()).collect::<Vec<_>>()
    };
    facts.postfix.iter().flat_map(of_instance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Setting;
    use crate::rules::testing::{But, HERE, healthy, ip, path, service};

    fn refused(mta: Mta, service: &str) -> Refused {
        Refused {
            mta,
            service: service.into(),
            family: Some(Family::Ipv4),
            local: None,
            named: None,
            reply: String::new(),
            receiver: None,
            hosts: Vec::new(),
            meaning: String::new(),
            names_it: true,
            rules: Vec::new(),
            code: None,
            status: None,
            words: String::new(),
            count: 1,
            first: 0,
            last: 0,
        }
    }

    /// Three services of Postfix, each with an address of its own; one path of Exim.
    fn host() -> Facts {
        let of = |address: &str, mta, name: &str| {
            path(address, "mail.example.com").but(|p| (p.mta, p.services) = (Some(mta), vec![name.into()]))
        };
        healthy().but(|f| {
            f.paths = vec![
                of("192.0.2.10", Mta::Postfix, "smtp"),
                of("192.0.2.11", Mta::Postfix, "out1"),
                of("192.0.2.12", Mta::Postfix, "out2"),
                of("192.0.2.20", Mta::Exim, "remote_smtp"),
                of("192.0.2.21", Mta::Exim, "remote_news"),
            ];
            f.postfix[0].parameters.insert("syslog_name".into(), Setting::known("postfix-a", HERE));
            f.postfix[0].services = vec![
                service("smtp", "smtp_helo_name", "x"),
                service("out1", "syslog_name", "postfix-a/out1"),
                service("out2", "syslog_name", "postfix-a/out2"),
            ];
        })
    }

    #[test]
    fn services_by_the_name_that_they_log_under() {
        let facts = host();
        let own = OwnAddresses::new(&facts);
        let spoken = |mta, service: &str| {
            let SpokenOf { address, paths } = spoken_of(&facts, &own, &refused(mta, service));
            (address.map(|address| address.to_string()), paths.len())
        };
        let one = |address: &str| (Some(address.to_owned()), 1);
        assert_eq!(spoken(Mta::Postfix, "postfix-a/smtp"), one("192.0.2.10"));
        assert_eq!(spoken(Mta::Postfix, "postfix-a/out1/smtp"), one("192.0.2.11"));
        assert_eq!(spoken(Mta::Postfix, "postfix-a/out2/smtp"), one("192.0.2.12"));
        assert_eq!(spoken(Mta::Postfix, "postfix/smtp"), (None, 3), "none of them: any of the MTA's");
        assert_eq!(spoken(Mta::Exim, "remote_smtp"), one("192.0.2.20"));
        assert_eq!(spoken(Mta::Exim, ""), (None, 2));
    }

    #[test]
    fn the_line_and_the_reply_go_before_the_service() {
        let facts = host();
        let own = OwnAddresses::new(&facts);
        let spoken = |change: fn(&mut Refused)| {
            let mut refused = refused(Mta::Postfix, "postfix-a/smtp");
            change(&mut refused);
            spoken_of(&facts, &own, &refused).address.map(|address| address.to_string())
        };
        assert_eq!(spoken(|r| r.local = Some(ip("192.0.2.12"))).as_deref(), Some("192.0.2.12"));
        assert_eq!(spoken(|r| r.named = Some(ip("192.0.2.12"))).as_deref(), Some("192.0.2.12"));
        assert_eq!(spoken(|r| r.named = Some(ip("198.51.100.9"))).as_deref(), Some("192.0.2.10"), "not this host's");
        assert_eq!(spoken(|r| r.local = Some(ip("192.0.2.99"))).as_deref(), Some("192.0.2.99"), "of no path");
    }
}
