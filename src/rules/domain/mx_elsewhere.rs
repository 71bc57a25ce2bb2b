use std::fmt;

use super::DomainContext;
use crate::domains::{Exchanger, Handled, Leads};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::rule;
use crate::shell;

rule! {
    /// The MX of a domain does not lead where this host delivers its mail.
    ///
    /// ## Condition
    /// No exchanger of a domain that this host delivers has an address of this host; without MX records, the domain's own address
    /// records count. Info where the domain is listed as remote or secondary. And the other way round: an exchanger of a domain that is listed as
    /// remote has an address of this host, or the first exchanger of one in cPanel's list of secondary ones has. Subject: the domain.
    ///
    /// ## Why it matters
    /// Mail from the world goes to the exchanger. Mail that is sent from this host itself stays here, where nobody may look for it: two mailboxes
    /// of one address, of which each gets a part. The other way round, this host refuses what comes from the world, and what it sends to the domain
    /// itself goes round in a circle.
    ///
    /// ## Fix
    /// Point the MX at this host; or, where mail for the domain is meant to be elsewhere, take it from the local domains (on cPanel: Email
    /// Routing, Remote Mail Exchanger). A domain that is listed as remote and is meant to be delivered here: Local Mail Exchanger.
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
        return comes_here(cx, exchangers).into_iter().collect();
    }
    let unseen = exchangers.iter().find_map(|exchanger| match &exchanger.leads {
        Leads::Open(question) => Some(question.clone()),
        _ => None,
    });
    if let Some(question) = unseen {
        return open(question);
    }
    let goes = Goes::new(cx, exchangers);
    let message = match handled {
        Handled::Local => format!("{name} is delivered here, but {goes}: {}", goes.consequence()),
        _ => format!("{name} is handled as {handled}, and {goes}"),
    };
    let finding = cx.at_origin(RULE.violated(name, message).severity(severity));
    vec![match handled {
        Handled::Local => finding.fix(point_here(cx, &goes)),
        _ => finding,
    }]
}

/// Where mail goes that does not come here.
enum Goes<'a> {
    /// To these exchangers, some of which have addresses.
    To(&'a [Exchanger]),
    /// To the domain's own addresses, as it has no MX.
    ToItself(String),
    /// Nowhere: the exchangers have no addresses.
    Lost(&'a [Exchanger]),
    /// Nowhere: the domain has neither MX nor address; whether there is such a name.
    Nothing { is_absent: bool },
    /// Nowhere, and that is said (RFC 7505).
    NullMx,
}

impl<'a> Goes<'a> {
    fn new(cx: &DomainContext<'_>, exchangers: &'a [Exchanger]) -> Goes<'a> {
        let has_mx = exchangers.iter().any(|exchanger| exchanger.preference.is_some());
        let leads = |exchanger: &Exchanger| matches!(exchanger.leads, Leads::Elsewhere(_));
        match exchangers {
            [only] if has_mx && only.name.as_str().is_empty() => Goes::NullMx,
            _ if !has_mx => match exchangers.iter().find_map(addresses) {
                Some(addresses) => Goes::ToItself(addresses),
                None => Goes::Nothing { is_absent: cx.seen.is_absent },
            },
            _ if exchangers.iter().any(leads) => Goes::To(exchangers),
            _ => Goes::Lost(exchangers),
        }
    }

    /// What that means where the domain is delivered here.
    fn consequence(&self) -> &'static str {
        match self {
            Goes::To(_) | Goes::ToItself(_) => "what the world sends arrives there, what this host sends stays here",
            Goes::Lost(_) | Goes::Nothing { .. } | Goes::NullMx => {
                "mail from the world bounces, what this host sends stays here"
            }
        }
    }
}

impl fmt::Display for Goes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goes::To(exchangers) => write!(f, "its mail goes to {}", described(exchangers)),
            Goes::ToItself(addresses) => write!(f, "it has no MX, so that its mail goes to its address {addresses}"),
            Goes::Lost(exchangers) => write!(f, "its MX leads nowhere: {}", described(exchangers)),
            Goes::Nothing { is_absent: true } => f.write_str("it has no MX and no address (the name does not exist)"),
            Goes::Nothing { is_absent: false } => f.write_str("it has no MX and no address"),
            Goes::NullMx => f.write_str("its MX says that it takes no mail (a null MX)"),
        }
    }
}

fn point_here(cx: &DomainContext<'_>, goes: &Goes<'_>) -> Fix {
    let name = cx.name();
    let point = match goes {
        Goes::To(_) | Goes::Lost(_) | Goes::NullMx => format!("Point the MX of {name} at this host"),
        Goes::ToItself(_) => {
            format!("Publish an MX of {name} that leads to this host, or let its address record do so")
        }
        Goes::Nothing { is_absent: false } => format!("Publish an MX of {name} that leads to this host"),
        Goes::Nothing { is_absent: true } => format!("Bring {name} into the DNS, with an MX that leads to this host"),
    };
    let text = match routing(cx, "remote") {
        Some(command) => {
            format!(
                "{point}; or, where its mail is meant to be elsewhere, set its Email Routing to Remote Mail Exchanger (`{command}`)."
            )
        }
        None => format!("{point}, or take {name} from the domains that are delivered here."),
    };
    Fix::new(Who::DnsZone, text)
}

/// The command of cPanel that says how mail for the domain is routed.
fn routing(cx: &DomainContext<'_>, to: &str) -> Option<String> {
    let account = shell::word(cx.host.account(cx.name())?);
    let name = shell::word(cx.name().as_str());
    Some(format!("uapi --user={account} Email set_always_accept domain={name} mxcheck={to}"))
}

/// Mail comes here, though this host takes the domain for one that is delivered elsewhere.
fn comes_here(cx: &DomainContext<'_>, exchangers: &[Exchanger]) -> Option<Finding> {
    let (name, handled) = (cx.name(), cx.seen.domain.handled);
    let best = exchangers.iter().map(|exchanger| exchanger.preference).min()?;
    let mut first = exchangers.iter().filter(|exchanger| exchanger.preference == best);
    let comes_first = first.any(|exchanger| exchanger.leads == Leads::Here);
    let what = match (handled, comes_first) {
        (Handled::Remote, true) => {
            "this host refuses what the world sends to it, and what it sends there itself goes round in a circle"
        }
        (Handled::Remote, false) => "this host, which its MX names beside others, refuses what comes to it by that",
        // What other programs relay, they may well be told where to.
        (Handled::Secondary, true) if cx.host.account(name).is_some() => {
            "there is nobody before this host to pass it on to, and it goes round in a circle"
        }
        _ => return None,
    };
    let here = exchangers.iter().filter(|exchanger| exchanger.leads == Leads::Here);
    let here: Vec<&str> = here.map(|exchanger| exchanger.name.as_str()).collect();
    let message = format!("{name} is handled as {handled}, but its mail comes here ({}): {what}", here.join(", "));
    let fix = match routing(cx, "local") {
        Some(command) => {
            let text = format!(
                "Where mail for {name} is meant to be here, set its Email Routing to Local Mail Exchanger; else point its MX at the host that has its mailboxes."
            );
            Fix::new(Who::Host, text).command(command)
        }
        None => {
            Fix::new(Who::Host, format!("Deliver {name} here; or point its MX at the host that has its mailboxes."))
        }
    };
    Some(cx.at_origin(RULE.violated(name, message).severity(Severity::Warning).fix(fix)))
}

fn described(exchangers: &[Exchanger]) -> String {
    let one = |exchanger: &Exchanger| {
        let addresses = addresses(exchanger);
        format!("{} ({})", exchanger.name, addresses.as_deref().unwrap_or("no address"))
    };
    exchangers.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn addresses(exchanger: &Exchanger) -> Option<String> {
    let Leads::Elsewhere(addresses) = &exchanger.leads else { return None };
    Some(addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}
