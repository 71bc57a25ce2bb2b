//! What Exim's main log says of deliveries (spec.txt, "Log files").

use std::net::IpAddr;

use memchr::memmem::find;

use super::event::{Event, What, address};
use crate::facts::{DepartureKind, Mta};

/// What Exim writes before a receiver's reply; older releases say "mailer".
const SAID: [&[u8]; 2] = [b"SMTP error from remote mail server after ", b"SMTP error from remote mailer after "];

/// What a line says, where it matters; its stamp is gone already.
pub(super) fn event(rest: &[u8]) -> Option<Event<'_>> {
    // `[PID] ` of the log selector `pid`.
    let rest = match rest {
        [b'[', behind @ ..] => behind.get(find(behind, b"] ")? + 2..)?,
        _ => rest,
    };
    let (id, rest) = split(rest)?;
    if id.len() < 16 || id.iter().filter(|byte| **byte == b'-').count() != 2 {
        return None;
    }
    let (flag, rest) = split(rest)?;
    // What the receiver said stands last, and may spell whatever it likes.
    let said = SAID.iter().filter_map(|said| Some((find(rest, said)?, said.len()))).min();
    let fields = rest.get(..said.map_or(rest.len(), |(at, _)| at))?;
    let local = field(fields, b" I=[").and_then(bracketed);
    let service = field(fields, b" T=").and_then(word).unwrap_or_default();
    let what = match flag {
        b"=>" | b"->" | b">>" => What::Left(local?, DepartureKind::Delivered),
        b"**" | b"==" => {
            let (at, length) = said?;
            let host = field(fields, b" H=")?;
            let address = host.get(memchr::memchr(b'[', host)? + 1..).and_then(bracketed);
            What::Refused { host: word(host)?, address, local, reply: reply(rest.get(at + length..)?)?, status: b"" }
        }
        _ => return None,
    };
    Some(Event { mta: Mta::Exim, service, what })
}

/// Behind the command that was refused: `RCPT TO:<a@b.example>: 550 ...`.
fn reply(text: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    loop {
        let at = from + find(text.get(from..)?, b": ")? + 2;
        match text.get(at..)? {
            rest @ [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] => return Some(rest),
            _ => from = at,
        }
    }
}

/// What stands behind `name`. The recipient stands before all fields, and may spell one; the last counts.
fn field<'l>(fields: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let at = memchr::memmem::rfind(fields, name)?;
    fields.get(at + name.len()..)
}

/// Up to the next blank.
fn word(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| matches!(byte, b' ' | b':')).unwrap_or(text.len());
    text.get(..end)
}

/// An address up to its bracket.
fn bracketed(text: &[u8]) -> Option<IpAddr> {
    address(text.get(..memchr::memchr(b']', text)?)?)
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
                format!("{by}-: 550-5.7.25 [192.0.2.25] x\\n550 5.7.25 y []"),
            ),
            (
                format!("2026-06-20 10:00:00.123 +0200 [77] {ID} == a@b.example R=dnslookup T=remote_smtp defer (-44) H=mx.b.example \
                         [198.51.100.25] I=[192.0.2.25]:41234: SMTP error from remote mail server after RCPT TO:<a@b.example>: 450 4.7.1 x"),
                format!("{by}192.0.2.25: 450 4.7.1 x []"),
            ),
            (
                "2026-06-20 10:00:00 1sKxyz-0012Ab-De ** a@b.example F=<c@example.com> R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25] \
                 I=[192.0.2.25] X=TLS1.3: SMTP error from remote mailer after initial connection: 554 no"
                    .to_owned(),
                format!("{by}192.0.2.25: 554 no []"),
            ),
            (
                format!("Jun 20 10:00:00 mail exim[77]: 2026-06-20 10:00:00 {ID} ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example \
                         [198.51.100.25]: SMTP error from remote mail server after pipelined MAIL FROM:<c@example.com> SIZE=1: 550 x: 551 y"),
                format!("{by}-: 550 x: 551 y []"),
            ),
            (
                format!("Jun 20 10:00:00 mail exim[77]: {ID} ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25]: SMTP \
                         error from remote mail server after end of data: 550 x"),
                format!("{by}-: 550 x []"),
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
        assert_eq!(line("=>", " I=[192.0.2.25]:41234"), "exim remote_smtp Delivered 192.0.2.25");
        assert_eq!(line("->", " I=[192.0.2.25]"), "exim remote_smtp Delivered 192.0.2.25");
        assert_eq!(line(">>", " I=[2001:db8::25]:41234"), "exim remote_smtp Delivered 2001:db8::25");
        assert_eq!(line("=>", ""), "nothing");
        assert_eq!(line("<=", " I=[192.0.2.25]:25"), "nothing", "mail that came in");
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
