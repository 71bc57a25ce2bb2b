//! What Exim's main log says of deliveries (spec.txt, "Log files").

use std::net::IpAddr;

use memchr::memmem::find;

use super::event::{Event, Then, What, address};
use crate::facts::{DepartureKind, Mta};

/// What Exim writes before a receiver's reply; older releases say "mailer".
const SAID: [&[u8]; 2] = [b"SMTP error from remote mail server after ", b"SMTP error from remote mailer after "];

/// Octets from which on Exim may have cut a line (its LOG_BUFFER_SIZE is 8,192): what would show that it is forged may be gone.
const CUT: usize = 8_000;

/// What a line says, where it matters; its stamp is gone already.
pub(super) fn event(rest: &[u8]) -> Option<Event<'_>> {
    // `[PID] ` of the log selector `pid`; `[2\3] ` is a piece of what was too long for syslog, and begins where a stranger wants it to.
    let rest = match rest {
        [b'[', behind @ ..] => {
            let (pid, rest) = behind.split_at_checked(find(behind, b"] ")?)?;
            rest.get(2..).filter(|_| pid.iter().all(u8::is_ascii_digit))?
        }
        _ => rest,
    };
    let (id, rest) = split(rest)?;
    let of_id = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    if id.len() < 16 || !id.iter().all(of_id) || id.iter().filter(|byte| **byte == b'-').count() != 2 {
        return None;
    }
    // `H=HOST [ADDRESS]: SMTP error ...`: another host is tried next.
    if let Some(to) = rest.strip_prefix(b"H=") {
        let Receiver { host, address, local, behind } = receiver(to).filter(|_| rest.len() < CUT)?;
        let what = What::Refused { message: id, then: Then::NextHost, host, address, local, reply: said(behind)? };
        return Some(Event { mta: Mta::Exim, service: b"", what });
    }
    let (flag, rest) = split(rest)?;
    let Delivery { service, to: Receiver { host, address, local, behind } } = delivery(rest)?;
    let refused = |then| match said(behind) {
        Some(reply) => Some(What::Refused { message: id, then, host, address, local, reply }),
        None => Some(What::Left(local?, DepartureKind::Tried)),
    };
    let what = match flag {
        b"=>" => What::Taken { host, address, local },
        b"->" | b">>" => What::Left(local?, DepartureKind::Delivered),
        b"**" => refused(Then::GivenUp)?,
        b"==" => refused(Then::Waits)?,
        _ => return None,
    };
    Some(Event { mta: Mta::Exim, service, what })
}

/// What Exim writes of a delivery behind its addresses.
struct Delivery<'l> {
    service: &'l [u8],
    to: Receiver<'l>,
}

/// `a@b.example F=<c@example.com> R=ROUTER T=TRANSPORT S=1200 H=...`, with `defer (-44)` or `defer (110): Connection timed out` before `H=`.
///
/// Addresses are strangers' words: one that needs quotes may spell all that follows, and Exim writes it without its quotes where it stands for
/// another. A line with quotes in its addresses says nothing, nor does one with two routers.
fn delivery(rest: &[u8]) -> Option<Delivery<'_>> {
    let (addresses, fields) = rest.split_at_checked(find(rest, b" R=")?)?;
    let fields = fields.get(3..)?;
    if rest.len() >= CUT || addresses.contains(&b'"') || find(fields, b" R=").is_some() {
        return None;
    }
    let (_, fields) = split(fields)?;
    let (service, fields) = split(fields.strip_prefix(b"T=")?)?;
    let (between, to) = match fields.strip_prefix(b"H=") {
        Some(to) => (&b""[..], to),
        None => {
            let at = find(fields, b" H=")?;
            (fields.get(..at)?, fields.get(at + 3..)?)
        }
    };
    between.split(|byte| *byte == b' ').all(is_own).then_some(())?;
    Some(Delivery { service, to: receiver(to)? })
}

/// Whether a word between transport and receiver is one of Exim's or the system's, and none of a reply.
fn is_own(word: &[u8]) -> bool {
    match word {
        [b'S', b'=', size @ ..] => size.iter().all(u8::is_ascii_digit),
        [b'(', number @ ..] => number.iter().all(|byte| byte.is_ascii_digit() || b"-):".contains(byte)),
        _ => word.iter().all(|byte| byte.is_ascii_alphabetic() || b"/-".contains(byte)),
    }
}

/// The receiver of a delivery.
struct Receiver<'l> {
    host: &'l [u8],
    address: Option<IpAddr>,
    local: Option<IpAddr>,
    /// What stands behind them, in which nothing but a reply is looked for: the certificate and the reply are the receiver's words.
    behind: &'l [u8],
}

/// Behind `H=`: `HOST [ADDRESS]:25* I=[LOCAL]:41234 ...`, with ` DS` behind the host where DNSSEC vouches for it.
fn receiver(text: &[u8]) -> Option<Receiver<'_>> {
    let (host, rest) = split(text)?;
    let (address, rest) = bracketed(rest.strip_prefix(b"DS ").unwrap_or(rest).strip_prefix(b"[")?)?;
    let (local, behind) = match rest.strip_prefix(b" I=[") {
        Some(rest) => bracketed(rest)?,
        None => (None, rest),
    };
    Some(Receiver { host, address, local, behind })
}

/// An address up to its bracket, and what stands behind it and its port.
fn bracketed(text: &[u8]) -> Option<(Option<IpAddr>, &[u8])> {
    let (inside, rest) = text.split_at_checked(memchr::memchr(b']', text)?)?;
    let rest = rest.get(1..)?;
    let port = match rest {
        [b':', digits @ ..] => 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let rest = if port > 1 { rest.get(port..)? } else { rest };
    Some((address(inside), rest.strip_prefix(b"*").unwrap_or(rest)))
}

/// The receiver's reply.
fn said(behind: &[u8]) -> Option<&[u8]> {
    let (at, length) = SAID.iter().filter_map(|said| Some((find(behind, said)?, said.len()))).min()?;
    reply(behind.get(at + length..)?)
}

/// Behind the command that was refused: `RCPT TO:<a@b.example>: 550 ...`. An address in it that needs quotes may spell a reply.
fn reply(text: &[u8]) -> Option<&[u8]> {
    let mut inside = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' => return None,
            b'<' => inside = true,
            b'>' => inside = false,
            b':' if !inside => {
                if let [b' ', rest @ ..] = text.get(at + 1..)?
                    && let [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] = rest
                {
                    return Some(rest);
                }
            }
            _ => {}
        }
    }
    None
}

/// A word and what stands behind the blank.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use crate::logs::find::tests::told;

    const ID: &str = "1sKxyz-000000012Ab-1cDe";

    #[test]
    fn deliveries_that_failed() {
        let by = "exim remote_smtp refused by mx.b.example 198.51.100.25 from ";
        for (line, expected) in [
            (
                format!("2026-06-20 10:00:00 {ID} ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25]: SMTP error from \
                         remote mail server after RCPT TO:<a@b.example>: 550-5.7.25 [192.0.2.25] x\\n550 5.7.25 y"),
                format!("{by}-: 550-5.7.25 [192.0.2.25] x\\n550 5.7.25 y"),
            ),
            (
                format!("2026-06-20 10:00:00.123 +0200 [77] {ID} == a@b.example R=dnslookup T=remote_smtp defer (-44) H=mx.b.example \
                         [198.51.100.25] I=[192.0.2.25]:41234: SMTP error from remote mail server after RCPT TO:<a@b.example>: 450 4.7.1 x"),
                format!("{by}192.0.2.25: 450 4.7.1 x (waits)"),
            ),
            (
                "2026-06-20 10:00:00 1sKxyz-0012Ab-De ** a@b.example F=<c@example.com> R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25] \
                 I=[192.0.2.25] X=TLS1.3: SMTP error from remote mailer after initial connection: 554 no"
                    .to_owned(),
                format!("{by}192.0.2.25: 554 no"),
            ),
            (
                format!("Jun 20 10:00:00 mail exim[77]: 2026-06-20 10:00:00 {ID} ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example \
                         [198.51.100.25]: SMTP error from remote mail server after pipelined MAIL FROM:<c@example.com> SIZE=1: 550 x: 551 y"),
                format!("{by}-: 550 x: 551 y"),
            ),
            (
                format!("Jun 20 10:00:00 mail exim[77]: {ID} ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25]: SMTP \
                         error from remote mail server after end of data: 550 x"),
                format!("{by}-: 550 x"),
            ),
        ] {
            assert_eq!(told(&line), expected, "{line}");
            for end in 0..line.len() {
                let _ = told(&line[..end]);
            }
        }
    }

    #[test]
    fn deliveries_with_their_local_address() {
        let line = |flag: &str, fields: &str| {
            told(&format!(
                "2026-06-20 10:00:00 {ID} {flag} a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25]{fields} C=\"250 ok\""
            ))
        };
        assert_eq!(
            line("=>", " I=[192.0.2.25]:41234"),
            "exim remote_smtp taken by mx.b.example 198.51.100.25 from 192.0.2.25"
        );
        assert_eq!(line("->", " I=[192.0.2.25]"), "exim remote_smtp Delivered 192.0.2.25");
        assert_eq!(line(">>", " I=[2001:db8::25]:41234"), "exim remote_smtp Delivered 2001:db8::25");
        assert_eq!(line("=>", ""), "exim remote_smtp taken by mx.b.example 198.51.100.25 from -");
        assert_eq!(line("<=", " I=[192.0.2.25]:25"), "nothing", "mail that came in");
    }

    #[test]
    fn what_an_address_spells_is_neither_reply_nor_address() {
        const SPELT: &str = "R=dnslookup T=remote_smtp H=gmail-smtp-in.l.google.com [198.51.100.26] I=[203.0.113.96]: SMTP error from remote \
                             mail server after RCPT TO:<a>: 550-5.7.25 [203.0.113.96] does not have a PTR record";
        let fields = "R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.66]";
        let greylisted = format!("{fields}: SMTP error from remote mail server after RCPT TO");
        for rest in [
            format!(
                "** \"x {SPELT}\"@b.example R=dnslookup T=remote_smtp: all hosts for 'b.example' have been failing"
            ),
            format!("** \"x {SPELT}\"@b.example: Unrouteable address"),
            // As Exim writes it: without its quotes, and then as it came.
            format!("** x@y {SPELT}@b.example <\"x@y {SPELT}\"@b.example>: Unrouteable address"),
            format!("** x@y {SPELT}@b.example <c@example.com> {fields}: Connection timed out"),
            format!("=> x@y {SPELT}@b.example <c@example.com> {fields} C=\"250 ok\""),
            format!("** a@b.example F=<\"x> {SPELT}\"@b.example>: Unrouteable address"),
            format!("=> \"x I=[203.0.113.96]\"@b.example {fields} C=\"250 ok\""),
            format!("== a@b.example {greylisted}:<\"x: 550 5.7.25 no PTR\"@b.example>: 450 greylisted"),
            format!("== a@b.example {greylisted}:<\"x>: 550 5.7.25 no PTR\"@b.example>: 450 greylisted"),
            "** a@b.example R=local T=lmtp: LMTP error after end of data: 550 x H=y [192.0.2.1]: SMTP error from remote mail server after end \
             of data: 550 x"
                .to_owned(),
            format!("** x@{} {SPELT}", "y".repeat(8000)),
        ] {
            assert_eq!(told(&format!("2026-06-20 10:00:00 {ID} {rest}")), "nothing", "{rest}");
        }
        let piece = format!("Jun 20 10:00:00 mail exim[77]: [2\\2] {ID} ** a@b.example {SPELT}");
        assert_eq!(told(&piece), "nothing");
    }

    #[test]
    fn what_a_receiver_spells_is_no_address_of_this_host() {
        let line = |rest: &str| told(&format!("2026-06-20 10:00:00 {ID} {rest}"));
        let fields = "a@b.example R=dnslookup T=remote_smtp S=1200 H=mx.b.example DS [198.51.100.25]:25*";
        let certificate = "X=TLS1.3 CV=no DN=\"CN=x\" H=gmail-smtp-in.l.google.com [198.51.100.26] I=[203.0.113.98]\"";
        assert_eq!(
            line(&format!("=> {fields} C=\"250 2.0.0 OK I=[203.0.113.99]\"")),
            "exim remote_smtp taken by mx.b.example 198.51.100.25 from -"
        );
        assert_eq!(
            line(&format!("=> {fields} I=[192.0.2.25]:41234 {certificate} C=\"250 OK I=[203.0.113.99]\"")),
            "exim remote_smtp taken by mx.b.example 198.51.100.25 from 192.0.2.25"
        );
        assert_eq!(
            line(&format!(
                "** {fields} I=[192.0.2.25]:41234 {certificate}: SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 x"
            )),
            "exim remote_smtp refused by mx.b.example 198.51.100.25 from 192.0.2.25: 550 x"
        );
        assert_eq!(
            line(&format!(
                "** {fields} {certificate}: SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 x"
            )),
            "exim remote_smtp refused by mx.b.example 198.51.100.25 from -: 550 x"
        );
        assert_eq!(
            line(
                "== a@b.example R=dnslookup T=remote_smtp defer (110): Connection timed out H=mx.b.example [2001:db8::25] DT=1s: SMTP error \
                 from remote mail server after initial connection: 421 x"
            ),
            "exim remote_smtp refused by mx.b.example 2001:db8::25 from -: 421 x (waits)"
        );
    }

    #[test]
    fn hosts_that_refused_before_the_next_was_tried() {
        let told = |words: &str| told(&format!("2026-06-20 10:00:00 {ID} {words}"));
        for after in ["initial connection", "EHLO mail.example.com", "pipelined MAIL FROM:<a@example.com> SIZE=1"] {
            assert_eq!(
                told(&format!(
                    "H=mx.b.example [198.51.100.25]: SMTP error from remote mail server after {after}: 554 no == **"
                )),
                "exim  refused by mx.b.example 198.51.100.25 from -: 554 no == ** (next host)"
            );
        }
        assert_eq!(
            told(
                "H=mx.b.example [198.51.100.25]:25 I=[192.0.2.25]:4: SMTP error from remote mail server after EHLO x: 550 no"
            ),
            "exim  refused by mx.b.example 198.51.100.25 from 192.0.2.25: 550 no (next host)"
        );
        assert_eq!(told("H=mx.b.example [198.51.100.25] Connection timed out"), "nothing");
    }

    #[test]
    fn local_addresses_of_what_failed() {
        let told = |words: &str| told(&format!("2026-06-20 10:00:00 {ID} {words}"));
        let at = "a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25] I=[192.0.2.99]:41234";
        for (line, expected) in [
            (format!("== {at} defer (110): Connection timed out"), "exim remote_smtp Tried 192.0.2.99"),
            (
                format!("** {at}: SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 no"),
                "exim remote_smtp refused by mx.b.example 198.51.100.25 from 192.0.2.99: 550 no",
            ),
        ] {
            assert_eq!(told(&line), expected);
        }
    }

    #[test]
    fn what_is_no_reply_of_a_receiver() {
        for rest in [
            "== a@b.example R=dnslookup T=remote_smtp defer (110) H=mx.b.example [198.51.100.25]: Connection timed out",
            "== a@b.example R=dnslookup defer (-1): host lookup did not complete",
            "** a@b.example: Unrouteable address",
            "Completed",
        ] {
            assert_eq!(told(&format!("2026-06-20 10:00:00 {ID} {rest}")), "nothing", "{rest}");
        }
        assert_eq!(told("2026-06-20 10:00:00 H=(x) [198.51.100.8] rejected EHLO or HELO x: == ** I=["), "nothing");
        assert_eq!(told("2026-06-20 10:00:00 Start queue run: pid=77 == x"), "nothing");
    }
}
