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
    /// What rules know of that address.
    pub standing: Standing,
}

/// What rules know of an address that a reply speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Paths send from it, or it is not known which it was: it was judged as those were.
    OfPaths,
    /// The line of the log names it, and no path has it.
    OfNoPath,
    /// The receiver saw it, and no path sends from it.
    Seen,
    /// A receiver on this side of the public Internet saw it: paths have it as their source, and send from another.
    Inside,
}

/// Whom a refusal speaks of: by the address that the reply names, which is what the receiver saw; by the local address that its line names; else
/// by the service and the family. `own` are the addresses of this host.
pub fn spoken_of<'f>(facts: &'f Facts, own: &OwnAddresses<'_>, refused: &Refused) -> SpokenOf<'f> {
    let all: Vec<&OutboundPath> =
        facts.paths.iter().filter(|path| path.mta.is_none_or(|mta| mta == refused.mta)).collect();
    let paths = match refused.local {
        Some(local) => all.iter().copied().filter(|path| has_source(path, local)).collect(),
        None => paths_of_service(facts, refused.mta, &refused.service, refused.family),
    };
    // A reply on a connection of one family may name addresses of the other, for whatever reason.
    let fits = |named: &IpAddr| refused.family.is_none_or(|family| Family::from(*named) == family);
    if let Some(named) = refused.named.filter(fits) {
        return by_name(named, &all, paths, own.has(named) == Some(true));
    }
    let mut addresses: Vec<Option<IpAddr>> = paths
        .iter()
        .map(|path| if refused.inside { path.source.as_ref() } else { path.sending.as_ref() }.map(|fact| fact.value))
        .collect();
    addresses.dedup();
    let standing = |address: IpAddr, otherwise| {
        if all.iter().any(|path| sends_from(path, address)) { Standing::OfPaths } else { otherwise }
    };
    match (&addresses[..], refused.local) {
        ([Some(one)], _) => SpokenOf { address: Some(*one), paths, standing: standing(*one, Standing::Inside) },
        (_, Some(local)) => SpokenOf { address: Some(local), paths, standing: standing(local, Standing::OfNoPath) },
        _ => SpokenOf { address: None, paths, standing: Standing::OfPaths },
    }
}

/// By the address that the receiver saw: `paths` are those that the delivery should have taken.
fn by_name<'f>(named: IpAddr, all: &[&'f OutboundPath], paths: Vec<&'f OutboundPath>, own: bool) -> SpokenOf<'f> {
    let of = |fits: fn(&OutboundPath, IpAddr) -> bool| {
        let narrow: Vec<&OutboundPath> = paths.iter().copied().filter(|path| fits(path, named)).collect();
        if narrow.is_empty() { all.iter().copied().filter(|path| fits(path, named)).collect() } else { narrow }
    };
    let (sending, source) = (of(sends_from), of(has_source));
    let (paths, standing) = match (sending.is_empty(), source.is_empty()) {
        (false, _) => (sending, Standing::OfPaths),
        (true, false) => (source, Standing::Inside),
        (true, true) if own => (Vec::new(), Standing::OfNoPath),
        (true, true) => (paths, Standing::Seen),
    };
    SpokenOf { address: Some(named), paths, standing }
}

fn sends_from(path: &OutboundPath, address: IpAddr) -> bool {
    path.sending.as_ref().is_some_and(|sending| sending.value == address)
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
            inside: false,
            waits: false,
            taken: None,
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
            let SpokenOf { address, paths, .. } = spoken_of(&facts, &own, &refused(mta, service));
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
        assert_eq!(
            spoken(|r| r.named = Some(ip("198.51.100.9"))).as_deref(),
            Some("198.51.100.9"),
            "what the receiver saw"
        );
        assert_eq!(spoken(|r| r.local = Some(ip("192.0.2.99"))).as_deref(), Some("192.0.2.99"), "of no path");
    }
}
