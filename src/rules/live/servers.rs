//! What was heard of a server, as several rules look at it.

use std::collections::BTreeSet;

use crate::facts::{Certificate as InFile, Conversation, Fact, Facts, Fault, Helo, Mta, Server, SmtpReply, Stage};
use crate::findings::{Evidence, Finding, Fix, Who};
use crate::name::DomainName;
use crate::observe::{Observations, Question, RecordData, RecordType};
use crate::rules::advice::exim_unit;
use crate::rules::names::{Leads, host_or_node_name, leads, some_sending_unknown};
use crate::rules::support::followed_ptr_names;
use crate::rules::{Context, Rule};
use crate::tls::Certificate;

/// Settings whose certificates a server presents, as far as files are looked at.
const OF_SERVERS: [&str; 5] =
    ["smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file", "tls_certificate", "cPanel exim"];

/// The servers that were talked to.
pub(super) fn servers<'a>(cx: &Context<'a>) -> &'a [Server] {
    cx.facts.served.as_deref().map_or(&[], |served| served.servers.as_slice())
}

/// The servers that others than this host can reach.
pub(super) fn public<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a Server> + use<'a> {
    servers(cx).iter().filter(|server| !server.listener.is_for_this_host())
}

/// What a server said in reply to `command`.
pub(super) fn evidence(server: &Server, command: &str, reply: &SmtpReply) -> Evidence {
    said(server, command, reply.to_string())
}

/// What came of `what` with a server.
pub(super) fn said(server: &Server, what: &str, answer: String) -> Evidence {
    Evidence { question: what.to_owned(), from: server.asked.to_string(), answer, ttl: None, planned: false }
}

/// The names that a server may go by: HELO names, the host name, PTR names; and the questions whose missing answers leave some open.
pub(super) struct Names {
    pub(super) known: BTreeSet<DomainName>,
    pub(super) open: Vec<String>,
}

impl Names {
    /// `None` where they cannot all be known, or the host sends nothing and has no HELO name: rules about them are silent then.
    pub(super) fn of(cx: &Context<'_>) -> Option<Names> {
        if cx.facts.paths.is_empty() || some_sending_unknown(cx.facts) {
            return None;
        }
        let mut known: BTreeSet<DomainName> = cx.introductions().iter().map(|one| one.name.clone()).collect();
        known.extend(host_or_node_name(cx.facts).map(|name| name.value));
        let mut open = Vec::new();
        for sending in cx.sending_addresses() {
            let address = sending.address.value;
            known.extend(followed_ptr_names(cx.dns, address));
            if cx.dns.ptr(address).open().is_some() {
                open.push(Question::ptr(address).to_string());
            }
        }
        let undecided = cx.facts.paths.iter().any(|path| matches!(path.helo, Helo::Undecided(_)));
        open.extend(undecided.then(|| "the HELO name of each path".to_owned()));
        Some(Names { known, open })
    }

    /// With the names of MX records that lead here, as far as both were asked for.
    pub(super) fn and_exchangers(mut self, cx: &Context<'_>) -> Names {
        let origins = cx.facts.mail_origins().into_iter().map(|(_, origin)| origin.value);
        let domains: BTreeSet<DomainName> = origins.chain(self.known.iter().cloned()).collect();
        let targets: BTreeSet<DomainName> = domains.iter().flat_map(|domain| exchangers(cx.dns, domain)).collect();
        self.known.extend(targets.into_iter().filter(|name| matches!(leads(cx.facts, cx.dns, name), Leads::Here)));
        self
    }

    /// As a sentence lists them.
    pub(super) fn list(&self) -> String {
        let names: Vec<String> = self.known.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }
}

/// The names in a domain's MX records, where these were asked for.
fn exchangers(dns: &Observations, domain: &DomainName) -> Vec<DomainName> {
    let found = dns.truth(&Question::new(domain, RecordType::Mx)).lookup;
    let names = found.found().iter().filter_map(|record| match &record.data {
        RecordData::Mx(_, name) if !name.as_str().is_empty() => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// The server's own certificates, each once, with the conversation that brought it.
pub(super) fn certificates(server: &Server) -> Vec<(&Conversation, Certificate)> {
    let mut found: Vec<(&Conversation, Certificate)> = Vec::new();
    for said in &server.conversations {
        let first = said.tls.as_ref().and_then(|tls| tls.chain.first());
        let Some(certificate) = first.and_then(|der| Certificate::read(&der.0)) else { continue };
        if !found.iter().any(|(_, known)| *known == certificate) {
            found.push((said, certificate));
        }
    }
    found
}

/// Why no certificate of a server was seen that has some; `None` where one was, it offers none, or nothing was heard of it.
pub(super) fn unseen(server: &Server) -> Option<String> {
    let plain = server.plain()?;
    if plain.tls.is_some() {
        return None;
    }
    let fault = plain.fault.as_ref().filter(|fault| !fault.is_silence());
    match (fault, &plain.starttls) {
        (Some(Fault::Proxied | Fault::LeftOut | Fault::NotMade(_)), _) => None,
        (Some(fault), _) if server.listener.wrapped || plain.offers_tls() == Some(true) => Some(fault.to_string()),
        (None, Some(refused)) => Some(format!("the reply to STARTTLS is `{refused}`")),
        _ => None,
    }
}

/// What stands for a conversation with a server where it leaves a rule open.
pub(super) fn conversation(server: &Server) -> String {
    format!("the conversation with {}", server.asked)
}

/// That something else than SMTP was heard where the rule looks for it, or nothing any more.
pub(super) fn broken_off(rule: &'static Rule, server: &Server, at: &[Stage]) -> Option<Finding> {
    let fault = server.plain()?.fault.as_ref().filter(|fault| !fault.is_silence())?;
    let stage = match fault {
        Fault::Late(stage) | Fault::Closed(stage) | Fault::NotSmtp(stage, _) | Fault::TooMuch(stage) => *stage,
        _ => return None,
    };
    at.contains(&stage).then(|| {
        let message = format!("{} does not speak SMTP as it should: {fault}", server.asked);
        rule.undetermined(server.asked, message).open(conversation(server)).place(&server.listener.origin, "")
    })
}

/// Certificates of files that the servers of an MTA are configured to present.
pub(super) fn in_files(facts: &Facts, mta: Mta) -> impl Iterator<Item = &InFile> {
    let own = move |one: &&InFile| one.setting.starts_with("smtpd_") == (mta == Mta::Postfix);
    facts.certificates.iter().filter(|one| OF_SERVERS.contains(&one.setting.as_str())).filter(own)
}

/// What a file holds in place of the certificate that the server presents: it was not reloaded. `None` where that is not so, or not to be
/// known: files hold the very one, or none for a name of it or of `names`.
pub(super) fn in_its_place<'a>(
    facts: &'a Facts,
    server: &Server,
    served: &Certificate,
    names: &BTreeSet<DomainName>,
) -> Option<&'a InFile> {
    let files = || in_files(facts, server.listener.mta);
    if files().any(|file| file.until == served.until) {
        return None;
    }
    let renewed = |file: &InFile| served.names.iter().any(|name| file.names.contains(&name.to_ascii_lowercase()));
    files().find(|file| is_for(file, names)).or_else(|| files().find(|file| renewed(file)))
}

/// Whether a file's certificate is for one of these names.
pub(super) fn is_for(file: &InFile, names: &BTreeSet<DomainName>) -> bool {
    file.names.iter().any(|own| names.iter().any(|name| crate::tls::fits(own, name.as_str())))
}

/// That a file holds another certificate than the server presents, as the end of a message.
pub(super) fn not_reloaded(file: Option<&InFile>) -> String {
    file.map_or_else(String::new, |file| {
        format!(
            "; {} holds another, valid until {}, which the running server does not present: it was not reloaded since",
            file.file.value,
            day(file.until)
        )
    })
}

/// The configured name, the one that a server answers EHLO with, and the reply, where the two names differ: it goes by an older configuration.
pub(super) fn older(server: &Server) -> Option<(&Fact<String>, DomainName, &SmtpReply)> {
    let configured = server.listener.name.as_ref()?;
    let said = server.plain()?;
    let reply = said.ehlo.as_ref().or(said.ehlo_in_tls.as_ref()).filter(|reply| reply.code == 250)?;
    let name = DomainName::new(reply.name().unwrap_or_default());
    (name != DomainName::new(&configured.value)).then_some((configured, name, reply))
}

/// What settles that a server goes by older files.
pub(super) fn read_again(facts: &Facts, server: &Server) -> Fix {
    reload(facts, server, "Check the configuration, and let the running server read it.")
}

/// A second since 1970 as a day.
pub(super) fn day(second: i64) -> String {
    match jiff::Timestamp::from_second(second) {
        Ok(at) => at.strftime("%Y-%m-%d").to_string(),
        Err(_) => "a day beyond the calendar".to_owned(),
    }
}

/// Has the MTA read its configuration and certificates again.
pub(super) fn reload(facts: &Facts, server: &Server, text: &str) -> Fix {
    let fix = Fix::new(Who::Host, text);
    match server.listener.mta {
        Mta::Postfix => {
            let folder = server.listener.origin.span().and_then(|span| span.path().rsplit_once('/'));
            let option = match folder {
                Some((folder, _)) if folder != "/etc/postfix" => format!(" -c {folder}"),
                _ => String::new(),
            };
            fix.command(format!("postfix{option} check")).command(format!("postfix{option} reload"))
        }
        Mta::Exim => fix.command("exim -bV").command(format!("systemctl restart {}", unit(facts))),
    }
}

/// Has the MTA open its sockets again.
pub(super) fn restart(facts: &Facts, mta: Mta, text: &str) -> Fix {
    let unit = match mta {
        Mta::Postfix => "postfix",
        Mta::Exim => unit(facts),
    };
    Fix::new(Who::Host, text).command(format!("systemctl restart {unit}"))
}

fn unit(facts: &Facts) -> &'static str {
    facts.exim.first().map_or("exim", exim_unit)
}
