use super::DomainContext;
use crate::domains::{Exchanger, Handled, Leads};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::rule;

rule! {
    /// The MX of a domain that is delivered here leads to no address of this host.
    ///
    /// ## Condition
    /// No exchanger of a domain that this host delivers has an address of this host; without MX records, the domain's own address
    /// records count. Info where the domain is listed as remote or secondary. Subject: the domain.
    ///
    /// ## Why it matters
    /// Mail from the world goes to the exchanger. Mail that is sent from this host itself stays here, where nobody may look for it: two mailboxes
    /// of one address, of which each gets a part.
    ///
    /// ## Fix
    /// Point the MX at this host; or, where mail for the domain is meant to be elsewhere, take it from the local domains (on cPanel: Email
    /// Routing, Remote Mail Exchanger).
    ///
    /// ## When to ignore
    /// Where a filter in front of this host takes the mail and hands it on.
    pub static RULE = {
        code: "DOM001",
        name: "mx-elsewhere",
        severity: Warning,
        refs: ["RFC 5321 section 5.1", "RFC 7505"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let (name, handled) = (cx.name(), cx.seen.domain.handled);
    let severity = match handled {
        Handled::Local => Severity::Warning,
        Handled::Remote | Handled::Secondary => Severity::Info,
        Handled::Sender => return Vec::new(),
    };
    let open = |question: String| {
        let message = format!("whether the MX of {name} leads here cannot be seen: {question}");
        vec![cx.at_origin(RULE.undetermined(name, message).severity(severity).open(question))]
    };
    let exchangers = match &cx.seen.exchangers {
        Ok(exchangers) => exchangers,
        Err(why) => return open(format!("{name}. MX: {why}")),
    };
    if exchangers.iter().any(|exchanger| exchanger.leads == Leads::Here) {
        return Vec::new();
    }
    let unseen = exchangers.iter().find_map(|exchanger| match &exchanger.leads {
        Leads::Open(question) => Some(question.clone()),
        _ => None,
    });
    if let Some(question) = unseen {
        return open(question);
    }
    let places: Vec<String> = exchangers.iter().map(described).collect();
    let places = places.join(", ");
    let (message, fix) = match handled {
        Handled::Local => (
            format!(
                "{name} is delivered here, but its mail goes to {places}: what the world sends arrives there, what this host sends stays here"
            ),
            Some(format!(
                "Point the MX of {name} at this host, or take {name} from the domains that are delivered here."
            )),
        ),
        _ => (format!("{name} is handled as {handled}, and its mail goes to {places}"), None),
    };
    let finding = cx.at_origin(RULE.violated(name, message).severity(severity));
    vec![fix.into_iter().fold(finding, |finding, text| finding.fix(Fix::new(Who::DnsZone, text)))]
}

fn described(exchanger: &Exchanger) -> String {
    if exchanger.preference.is_some() && exchanger.name.as_str().is_empty() {
        return "nobody (a null MX)".to_owned();
    }
    let name = match exchanger.preference {
        Some(_) => exchanger.name.to_string(),
        None => format!("{} itself, which has no MX", exchanger.name),
    };
    match &exchanger.leads {
        Leads::Elsewhere(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("{name} ({})", addresses.join(", "))
        }
        _ => format!("{name} (no address)"),
    }
}
