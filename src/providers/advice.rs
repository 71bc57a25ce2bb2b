//! How the PTR record of an address is set at a provider, in words and commands.

use std::net::IpAddr;

use crate::addr::Family;
use crate::name::DomainName;
use crate::providers::{Basis, Forward, How, Means, Provider, Recognised};

/// What to do at a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// Where and how, in sentences.
    pub text: String,
    /// Commands with address and name filled in; `'<UPPER CASE>'` is to be looked up.
    pub commands: Vec<String>,
    /// A ticket is needed, or nothing better is known.
    pub ticket: bool,
    /// What the provider wants of the forward record, in a sentence; empty where nothing is known.
    pub forward: String,
    /// What else is to be known: preconditions, and outgoing port 25.
    pub notes: String,
}

/// How the PTR record of `addr` is set to `name` at the provider.
pub fn advice(recognised: &Recognised, addr: IpAddr, name: &DomainName) -> Advice {
    let family = Family::from(addr);
    let mut all = Advice { text: format!("{}.", recognised.sentence()), ..Advice::default() };
    let several = recognised.providers.len() > 1;
    for provider in &recognised.providers {
        let mut own = at(provider, family, addr, name);
        let lead = if several { format!("At {}: ", provider.name) } else { String::new() };
        if !own.text.is_empty() {
            all.text += &format!(" {lead}{}", own.text);
        }
        all.commands.append(&mut own.commands);
        all.ticket |= own.ticket;
        for (sum, part) in [(&mut all.forward, own.forward), (&mut all.notes, own.notes)] {
            if !part.is_empty() && !sum.contains(&part) {
                *sum += &format!(" {part}");
            }
        }
    }
    all
}

fn at(provider: &Provider, family: Family, addr: IpAddr, name: &DomainName) -> Advice {
    let mut advice = Advice { forward: forward(provider, name, addr), notes: notes(provider), ..Advice::default() };
    if provider.retired {
        advice.text = "It has closed down: what is left of it names an old server.".into();
        advice.ticket = true;
        return advice;
    }
    let means = provider.means(family);
    if let Some((Means::Unsupported, basis)) = means {
        advice.text = format!(
            "It {}sets no PTR record of {} addresses: send mail from an address of which it does.",
            basis.qualifier(),
            family.title()
        );
        advice.ticket = true;
        return advice;
    }
    let mut ways: Vec<_> = provider.ways.iter().filter(|way| way.family.is_none_or(|of| of == family)).collect();
    if ways.iter().any(|way| way.basis.is_certain()) {
        ways.retain(|way| way.basis.is_certain());
    }
    // Who has a command needs no requests to an interface for programs.
    if ways.iter().any(|way| way.how == How::Cli) {
        ways.retain(|way| way.how != How::Api);
    }
    let mut sentences: Vec<String> = Vec::new();
    for way in ways {
        let text = filled(way.text, addr, name);
        match way.how {
            How::Cli if way.basis.is_certain() => advice.commands.push(blanks_quoted(&text)),
            How::Cli => sentences.push(format!("The command usually is `{}`.", blanks_quoted(&text))),
            How::Panel if way.basis.is_certain() => sentences.push(format!("In its panel: {text}.")),
            How::Panel => sentences.push(format!("Usually, in its panel: {text}.")),
            How::Api if way.basis.is_certain() => sentences.push(format!("By its API: `{text}`.")),
            How::Api => sentences.push(format!("Usually, by its API: `{text}`.")),
            How::Ticket => sentences.push(format!("{text}.")),
        }
    }
    if !advice.commands.is_empty() {
        let from_name = matches!(means, Some((Means::FromName, _)));
        let lead = if from_name {
            "The PTR record follows the name of the server there, which its command line sets (below)."
        } else {
            "Its command line sets the PTR record (below)."
        };
        sentences.insert(0, lead.to_owned());
    }
    if sentences.is_empty() {
        let (text, ticket) = match means {
            Some((Means::SelfService, basis)) => {
                (format!("Customers {}set the PTR record themselves, in its panel.", basis.qualifier()), false)
            }
            Some((Means::Ticket, basis)) => (format!("It {}takes a ticket.", basis.qualifier()), true),
            _ => ("Look for reverse DNS in its panel, else open a ticket.".to_owned(), true),
        };
        sentences.push(text);
        advice.ticket = ticket;
    }
    advice.ticket |= matches!(means, Some((Means::Ticket, _)));
    advice.text = sentences.join(" ");
    advice
}

fn forward(provider: &Provider, name: &DomainName, addr: IpAddr) -> String {
    match provider.forward {
        Some((Forward::Enforced, basis)) => {
            format!("{} {}refuses the PTR record until {name} resolves to {addr}.", provider.name, basis.qualifier())
        }
        Some((Forward::Ownership, basis)) => {
            format!("{} {}wants proof that the domain of {name} is yours.", provider.name, basis.qualifier())
        }
        Some((Forward::Advised, _)) | None => String::new(),
    }
}

fn notes(provider: &Provider) -> String {
    let mut texts: Vec<String> = Vec::new();
    for (text, basis) in provider.notes {
        texts.push(format!("Note: {}{text}.", basis.qualifier()));
    }
    if let Some(port) = provider.port_25 {
        let qualifier = if port.basis == Basis::ThirdParty { "usually " } else { "" };
        texts.push(format!("{} {qualifier}blocks outgoing port 25 {}: {}.", provider.name, port.when, port.open));
    }
    texts.join(" ")
}

/// A command whose `<BLANKS>` a shell leaves alone: unquoted they would read and write files.
fn blanks_quoted(text: &str) -> String {
    text.replace('<', "'<").replace('>', ">'")
}

fn filled(text: &str, addr: IpAddr, name: &DomainName) -> String {
    text.replace("{ip}", &addr.to_string()).replace("{name.}", &format!("{name}.")).replace("{name}", name.as_str())
}
