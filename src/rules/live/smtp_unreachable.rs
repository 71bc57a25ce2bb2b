use super::servers::{restart, said, servers};
use crate::facts::{Fault, Server};
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// Nobody answers where an MTA is configured to listen.
    ///
    /// ## Condition
    /// A connection from this host to an address and port of its own, on which an MTA is configured to listen, is refused, dropped, or ends without
    /// a greeting. Undetermined where there are more such sockets than are connected to. Only with `--live`. Subject: the socket.
    ///
    /// ## Why it matters
    /// Nobody can hand mail in there: bounces and replies to what this host sends do not come back, and some receivers check that.
    ///
    /// ## Fix
    /// Nothing listens: start the MTA, or restart it where the address is new. Something listens: look at the firewall, `postscreen` and the
    /// server's own limits.
    ///
    /// ## When to ignore
    /// On hosts that are not meant to receive; better: let the MTA listen on loopback alone. Where Exim's daemon is started with `-oX`: it goes
    /// before the configuration, and is not looked at.
    pub static RULE = {
        code: "SMT003",
        name: "smtp-unreachable",
        severity: Info,
        refs: ["RFC 5321 section 3.1", "postconf(5): inet_interfaces", "Exim specification: local_interfaces"],
        needs: [Facts, Smtp],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = servers(cx).iter().filter_map(|server| finding(cx, server)).collect();
    if let Some(served) = cx.facts.served.as_deref().filter(|served| served.left_out > 0) {
        let message = format!(
            "{} sockets on which an MTA is configured to listen were not connected to: {} are the most",
            served.left_out,
            served.servers.len()
        );
        findings.push(RULE.undetermined("further sockets", message));
    }
    findings
}

fn finding(cx: &Context<'_>, server: &Server) -> Option<Finding> {
    let fault = server.plain()?.fault.as_ref()?;
    let (mta, asked) = (server.listener.mta, server.asked);
    let mark = |finding: Finding| {
        let evidence = said(server, "connection", fault.to_string());
        finding.place(&server.listener.origin, "listens here").evidence([evidence])
    };
    if let Fault::NotMade(words) = fault {
        let message = format!("whether {mta} answers at {asked} could not be seen: {words}");
        return Some(mark(RULE.undetermined(asked, message).open(super::servers::conversation(server))));
    }
    if !fault.is_silence() {
        return None;
    }
    let (words, fix) = match (fault, server.listening) {
        (Fault::Refused, Some(false) | None) => (
            "nothing listens there",
            restart(cx.facts, mta, "Start the MTA, or restart it: most of its sockets are opened when it starts."),
        ),
        (Fault::Refused, Some(true)) => (
            "a socket listens there and the connection is refused: a firewall does that",
            Fix::new(Who::Host, "Look at this host's firewall."),
        ),
        (Fault::Filtered | Fault::Unreachable(_), _) => (
            "the connection is dropped: a firewall does that",
            Fix::new(Who::Host, "Look at this host's firewall, for connections from itself too."),
        ),
        (Fault::Closed(_), _) => (
            "the connection ends without a greeting",
            Fix::new(Who::Host, "Look into the mail log: the server ends itself, or refuses this host."),
        ),
        _ => (
            "no greeting comes",
            Fix::new(Who::Host, "Look into the mail log: the server is overloaded, or waits for something else."),
        ),
    };
    let message = format!("{mta} is configured to listen on {asked}, and {words}");
    Some(mark(RULE.violated(asked, message).fix(fix)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Conversation, Served, Stage};
    use crate::rules::live::testing::{greeting, served, server};
    use crate::rules::testing::{check_table, dns, findings};
    use std::sync::Arc;

    #[test]
    fn silent_servers() {
        let of = |fault| served(vec![server("192.0.2.10:587", Conversation::failed(fault))]);
        let found: &[&str] = &["info 192.0.2.10:587"];
        let mut late = greeting("mail.example.com");
        late.fault = Some(Fault::Late(Stage::Ehlo));
        let mut many = served(Vec::new());
        many.served = Some(Arc::new(Served { left_out: 3, ..Served::default() }));
        check_table(
            &RULE,
            vec![
                ("refused", of(Fault::Refused), dns(&[]), found),
                ("dropped", of(Fault::Filtered), dns(&[]), found),
                ("no greeting", of(Fault::Late(Stage::Greeting)), dns(&[]), found),
                ("closed at once", of(Fault::Closed(Stage::Greeting)), dns(&[]), found),
                ("no socket here", of(Fault::NotMade("no room".into())), dns(&[]), &["info? 192.0.2.10:587"]),
                ("a proxy's", of(Fault::Proxied), dns(&[]), &[]),
                ("it greets", served(vec![server("192.0.2.10:587", greeting("mail.example.com"))]), dns(&[]), &[]),
                ("it greets and says no more", served(vec![server("192.0.2.10:587", late)]), dns(&[]), &[]),
                ("too many", many, dns(&[]), &["info? further sockets"]),
            ],
        );
    }

    #[test]
    fn a_closed_port_and_a_firewall_are_told_apart() {
        let said = |listening| {
            let mut one = server("192.0.2.10:25", Conversation::failed(Fault::Refused));
            one.listening = listening;
            findings(&RULE, &served(vec![one]), &dns(&[])).remove(0).message
        };
        assert!(said(Some(false)).contains("nothing listens") && said(Some(true)).contains("firewall"));
    }
}
