//! What Postfix' SMTP client logs.
//!
//! Of the local address stock Postfix logs nothing but what `smtp_connect_addr: bind ADDRESS` says: a warning where binding fails, and with
//! `-v` each bind (smtp_connect.c). So a reply belongs to the service that the line names, and to the family of the receiver's address.

use memchr::memmem::find;

use super::event::{Event, Then, What, address};
use crate::facts::{DepartureKind, Mta};

/// The client's own word for a bind.
const BIND: &[u8] = b"smtp_connect_addr: bind ";
/// What stands between the receiver and its reply.
const SAID: [&[u8]; 2] = [b" said: ", b" refused to talk to me: "];
/// Octets at which Postfix cuts what it logs (msg_syslog.c, msg_logger.c).
const CUT: usize = 2_000;

/// What a line says, where it matters. `tag` is the name that the program logs under, such as `postfix/smtp`.
pub(super) fn event<'l>(tag: &'l [u8], words: &'l [u8]) -> Option<Event<'l>> {
    // What error(8) says is what the client was told by a host that is left alone for a while since.
    let suspended = tag.ends_with(b"/error");
    if !suspended && !tag.ends_with(b"/smtp") {
        return None;
    }
    let what = match words.strip_prefix(b"warning: ").unwrap_or(words).strip_prefix(BIND) {
        Some(rest) => bound(rest)?,
        None => delivery(words).or_else(|| (!suspended).then(|| next_host(words)).flatten())?,
    };
    Some(Event { mta: Mta::Postfix, service: tag, what })
}

/// `203.0.113.10`, or `203.0.113.10: Cannot assign requested address`.
fn bound(rest: &[u8]) -> Option<What<'_>> {
    let (text, kind) = match find(rest, b": ") {
        Some(at) => (rest.get(..at)?, DepartureKind::NotBound),
        None => (rest.trim_ascii_end(), DepartureKind::Bound),
    };
    Some(What::Left(address(text)?, kind))
}

/// `QID: to=<..>, relay=HOST[ADDRESS]:25, ..., dsn=5.7.25, status=bounced (host HOST[ADDRESS] said: 550 ... (in reply to RCPT TO command))`.
fn delivery(words: &[u8]) -> Option<What<'_>> {
    let rest = behind_recipients(words)?;
    let at = find(rest, b", status=")?;
    let (fields, told) = rest.split_at_checked(at)?;
    let told = told.get(9..)?;
    let at = find(told, b" (")?;
    let (status, told) = (told.get(..at)?, told.get(at + 2..)?);
    if status == b"sent" {
        let (host, address) = host(fields)?;
        return Some(What::Taken { host, address, local: None });
    }
    let then = if status == b"bounced" { Then::GivenUp } else { Then::Waits };
    let told = told.strip_prefix(b"delivery temporarily suspended: ").unwrap_or(told);
    said(message(words)?, then, told.strip_suffix(b")").unwrap_or(told))
}

/// `QID: host HOST[ADDRESS] said: 550 ... (in reply to EHLO command)`: the next host is tried.
fn next_host(words: &[u8]) -> Option<What<'_>> {
    let message = message(words)?;
    said(message, Then::NextHost, words.get(message.len() + 2..)?)
}

/// The number in the queue that a line begins with.
fn message(words: &[u8]) -> Option<&[u8]> {
    let message = words.get(..find(words, b": ")?)?;
    (message != b"warning" && message.iter().all(u8::is_ascii_alphanumeric)).then_some(message)
}

/// `host HOST[ADDRESS] said: 550 ... (in reply to RCPT TO command)`.
fn said<'l>(message: &'l [u8], then: Then, told: &'l [u8]) -> Option<What<'l>> {
    let told = told.strip_prefix(b"host ")?;
    let (at, said) = SAID.iter().filter_map(|said| Some((find(told, said)?, said))).min()?;
    // A name and an address, and nothing more: else these are words of the reply.
    let receiver = told.get(..at).filter(|receiver| !receiver.contains(&b' '))?;
    let (host, address) = host(receiver)?;
    let reply = told.get(at + said.len()..)?;
    let end = find(reply, b" (in reply to ").unwrap_or(reply.len());
    Some(What::Refused { message, then, host, address, local: None, reply: reply.get(..end)? })
}

/// Behind `QID: to=<..>, orig_to=<..>, relay=`, up to the end.
///
/// Addresses are strangers' words, and may spell all that follows: with quotes around it as Postfix logs it since 3.5, without them before. So
/// a line with two receivers says nothing, nor does one that may have been cut before the second.
fn behind_recipients(words: &[u8]) -> Option<&[u8]> {
    let words = words.trim_ascii_end();
    if words.len() >= CUT || !words.ends_with(b")") {
        return None;
    }
    let (queue, rest) = words.split_at_checked(find(words, b": to=<")?)?;
    if queue.is_empty() || !queue.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let rest = behind_address(rest.get(6..)?)?;
    let rest = match rest.strip_prefix(b", orig_to=<") {
        Some(rest) => behind_address(rest)?,
        None => rest,
    };
    let rest = rest.strip_prefix(b", relay=")?;
    find(rest, b">, relay=").is_none().then_some(rest)
}

/// Behind an address and its `>`; what stands in quotes is one piece of it.
fn behind_address(text: &[u8]) -> Option<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

/// `HOST[ADDRESS]:25, ...`: the name and the address, which a socket's path is not.
fn host(fields: &[u8]) -> Option<(&[u8], Option<std::net::IpAddr>)> {
    let open = memchr::memchr(b'[', fields)?;
    let (name, rest) = (fields.get(..open)?, fields.get(open + 1..)?);
    let inside = rest.get(..memchr::memchr(b']', rest)?)?;
    Some((name, Some(address(inside)?)))
}

#[cfg(test)]
mod tests {
    use crate::logs::find::tests::told;

    fn line(words: &str) -> String {
        told(&format!("Nov 28 10:00:00 mail postfix/smtp[77]: {words}"))
    }

    #[test]
    fn deliveries_that_failed() {
        let told = |status: &str, words: &str| {
            line(&format!(
                "4AB: to=<a@b.example>, relay=mx.b.example[198.51.100.25]:25, delay=1, dsn=5.7.1, status={status} ({words})"
            ))
        };
        let by = "postfix postfix/smtp refused by mx.b.example 198.51.100.25 from -: ";
        for (status, words, expected) in [
            (
                "bounced",
                "host mx.b.example[198.51.100.25] said: 550 5.7.1 no (in reply to MAIL FROM command)",
                "550 5.7.1 no",
            ),
            (
                "deferred",
                "host mx.b.example[198.51.100.25] said: 450-4.7.1 a 450 b (in reply to end of DATA command)",
                "450-4.7.1 a 450 b",
            ),
            ("deferred", "host mx.b.example[198.51.100.25] refused to talk to me: 421 a (b) c", "421 a (b) c"),
            ("SOFTBOUNCE", "host mx.b.example[198.51.100.25] said: 550 x (in reply to RCPT TO command)", "550 x"),
        ] {
            let waits = if status == "bounced" { "" } else { " (waits)" };
            assert_eq!(told(status, words), format!("{by}{expected}{waits}"), "{words}");
        }
        for words in [
            "connect to mx.b.example[198.51.100.25]:25: Connection timed out",
            "Host or domain name not found. Name service error for name=x said: 550 no",
            "lost connection with mx.b.example[198.51.100.25] while sending RCPT TO",
            "delivery temporarily suspended: connect to mx.b.example[198.51.100.25]:25: Connection refused",
        ] {
            assert_eq!(told("deferred", words), "nothing", "{words}");
        }
    }

    #[test]
    fn hosts_that_refused_and_what_waits_for_them() {
        let greeting = "host mx00.gmx.net[198.51.100.9] refused to talk to me: 554-gmx.net Nemesis 554-Bad DNS PTR resource record. 554 x";
        let expected =
            "refused by mx00.gmx.net 198.51.100.9 from -: 554-gmx.net Nemesis 554-Bad DNS PTR resource record. 554 x";
        assert_eq!(line(&format!("4AB: {greeting}")), format!("postfix postfix/smtp {expected} (next host)"));
        assert_eq!(
            line("4AB: host mx.b.example[198.51.100.25] said: 450 x (in reply to EHLO command)"),
            "postfix postfix/smtp refused by mx.b.example 198.51.100.25 from -: 450 x (next host)"
        );
        let suspended = format!(
            "4AB: to=<a@gmx.example>, relay=none, delay=1, dsn=4.0.0, status=deferred (delivery temporarily suspended: {greeting})"
        );
        assert_eq!(
            told(&format!("Nov 28 10:00:00 mail postfix/error[77]: {suspended}")),
            format!("postfix postfix/error {expected} (waits)")
        );
        for words in [
            "warning: host mx.b.example[198.51.100.25] said: 550 x",
            "enabling PIX workarounds: host mx[198.51.100.25] said: 550 x",
        ] {
            assert_eq!(line(words), "nothing", "{words}");
        }
    }

    #[test]
    fn what_an_address_spells_is_no_reply() {
        let told = line(
            "4AB: to=<\"x, status=bounced (host a[192.0.2.1] said: 550 no PTR record for)\"@b.example>, orig_to=<c@example.com>, \
             relay=mx.b.example[2001:db8::25]:25, conn_use=2, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4CD)",
        );
        assert_eq!(told, "postfix postfix/smtp taken by mx.b.example 2001:db8::25 from -");
        let gmail = "gmail-smtp-in.l.google.com[198.51.100.26]";
        let spelt = format!(
            "x>, relay={gmail}:25, delay=1, dsn=5.7.25, status=bounced (host {gmail} said: 550-5.7.25 does not have a PTR record (in reply to \
             RCPT TO command))"
        );
        let sent = "relay=mx.b.example[198.51.100.25]:25, delay=1, dsn=2.0.0, status=sent (250 ok)";
        let long = "y".repeat(2000);
        for words in [
            format!("4AB: to=<\"{spelt}\"@b.example>, {sent}"),
            format!("4AB: to=<\"a\\\"{spelt}\"@b.example>, {sent}"),
            format!("4AB: to=<{spelt}@b.example>, {sent}"),
            format!("4AB: to=<a@b.example>, orig_to=<\"{spelt}\"@b.example>, {sent}"),
            // Cut before what would show it.
            format!("4AB: to=<\"{spelt}"),
            format!("4AB: to=<{spelt}@b.exam"),
            format!("4AB: to=<{spelt}{long})")[..1999].to_owned() + ")",
            format!("x y: to=<{spelt}"),
        ] {
            assert!(!line(&words).contains("gmail"), "{words}");
        }
    }

    #[test]
    fn recipients_with_quotes_and_orig_to() {
        let refused = "relay=mx.b.example[198.51.100.25]:25, conn_use=2, delay=1, dsn=5.0.0, status=bounced (host \
                       mx.b.example[198.51.100.25] said: 550 no)";
        for to in [
            "to=<a@b.example>",
            "to=<\"a, \\\">b\"@b.example>",
            "to=<a@b.example>, orig_to=<\"c>d\"@example.com>",
            "to=<>",
        ] {
            let told = line(&format!("4AB: {to}, {refused}"));
            assert_eq!(told, "postfix postfix/smtp refused by mx.b.example 198.51.100.25 from -: 550 no", "{to}");
        }
    }

    #[test]
    fn other_programs_and_cut_lines_say_nothing() {
        let words = "4AB: to=<a@b.example>, relay=mx.b.example[198.51.100.25]:25, dsn=5.0.0, status=bounced (host mx.b.example[198.51.100.25] said: 550 no)";
        for tag in ["postfix/smtpd[1]", "postfix/lmtp[1]", "smtp[1]", "dovecot[1]"] {
            assert_eq!(told(&format!("Nov 28 10:00:00 mail {tag}: {words}")), "nothing", "{tag}");
        }
        let whole = format!("Nov 28 10:00:00 mail postfix/relay/smtp[77]: {words}");
        assert_eq!(told(&whole), "postfix postfix/relay/smtp refused by mx.b.example 198.51.100.25 from -: 550 no");
        for end in 0..whole.len() {
            let _ = told(&whole[..end]);
        }
    }

    #[test]
    fn binds() {
        for (words, expected) in [
            (
                "warning: smtp_connect_addr: bind 203.0.113.10: Cannot assign requested address",
                "postfix postfix/smtp NotBound 203.0.113.10",
            ),
            ("smtp_connect_addr: bind 203.0.113.10", "postfix postfix/smtp Bound 203.0.113.10"),
            (
                "warning: smtp_connect_addr: bind 2001:db8::10: Cannot assign requested address",
                "postfix postfix/smtp NotBound 2001:db8::10",
            ),
            ("smtp_connect_addr: bind nobody", "nothing"),
        ] {
            assert_eq!(line(words), expected, "{words}");
        }
    }
}
