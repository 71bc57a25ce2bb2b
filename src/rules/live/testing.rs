//! Servers as tests of these rules hear them.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::facts::{
    Certificate, Conversation, Der, Facts, Handshake, Listener, Mta, Served, Server, SmtpReply, Trusted,
};
use crate::rules::testing::{But, HERE, NAME, fact, healthy};
use crate::tls::made::{DAYS, Made};

/// When the servers were heard.
pub(crate) const NOW: i64 = DAYS.0 + 100 * 86_400;

/// The healthy host, its servers talked to.
pub(crate) fn served(servers: Vec<Server>) -> Facts {
    healthy().but(|f| f.served = Some(Arc::new(Served { at: NOW, servers, ..Served::default() })))
}

/// A server at `socket` that said this and nothing else.
pub(crate) fn server(socket: &str, said: Conversation) -> Server {
    let asked: SocketAddr = socket.parse().unwrap();
    let listener = Listener {
        mta: Mta::Postfix,
        service: "smtp".into(),
        address: asked.ip(),
        port: asked.port(),
        wrapped: false,
        proxied: false,
        name: Some(fact(NAME.into())),
        origin: HERE,
    };
    Server { listener, asked, listening: Some(true), conversations: vec![said] }
}

fn reply(code: u16, lines: &[&str]) -> Option<SmtpReply> {
    Some(SmtpReply { code, lines: lines.iter().map(|line| (*line).to_owned()).collect() })
}

/// One that greets as `name`, and says no more.
pub(crate) fn greeting(name: &str) -> Conversation {
    Conversation { greeting: reply(220, &[&format!("{name} ESMTP")]), ..Conversation::default() }
}

/// One that answers EHLO as `name`.
pub(crate) fn ehlo(name: &str, starttls: bool) -> Conversation {
    let lines: &[&str] = if starttls { &[name, "SIZE", "STARTTLS"] } else { &[name, "SIZE"] };
    Conversation { ehlo: reply(250, lines), ..greeting(name) }
}

/// One with TLS, for a server name or without.
pub(crate) fn tls(name: Option<&str>, chain: &[&Made]) -> Conversation {
    let chain = chain.iter().map(|made| Der(made.der.clone())).collect();
    let handshake = Handshake { version: Some("TLS 1.3".into()), chain, trust: Trusted::Yes };
    Conversation {
        name: name.map(str::to_owned),
        starttls: reply(220, &["go"]),
        tls: Some(handshake),
        ehlo_in_tls: reply(250, &[NAME]),
        ..ehlo(NAME, true)
    }
}

/// A certificate in a file that Postfix is configured to present.
pub(crate) fn in_file(name: &str, until: i64) -> Certificate {
    let (setting, names) = ("smtpd_tls_cert_file".to_owned(), vec![name.to_owned()]);
    Certificate { setting, file: fact("/etc/mail.crt".into()), names, until }
}
