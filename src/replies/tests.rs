//! Every known reply, as it is and as logs and bounces have it.

use std::collections::BTreeSet;

use super::*;
use crate::catalogue;

fn ids(text: &str) -> Vec<&'static str> {
    recognise(text).replies.iter().map(|reply| reply.id).collect()
}

#[test]
fn each_example_is_recognised_by_its_own_pattern() {
    let mut seen = BTreeSet::new();
    for reply in all() {
        assert!(seen.insert(reply.id), "{}", reply.id);
        let pattern = RegexBuilder::new(reply.pattern).case_insensitive(true).unicode(false).build();
        let joined = text::join(reply.example).joined;
        assert!(pattern.unwrap().is_match(joined.as_bytes()), "{}: {joined}", reply.id);
        assert!(!reply.meaning.is_empty() && !reply.source.is_empty() && !reply.means.is_empty(), "{}", reply.id);
        let recognised = recognise(reply.example);
        let named: BTreeSet<Condition> =
            recognised.replies.iter().flat_map(|reply| reply.means.iter().copied()).collect();
        assert!(reply.means.iter().all(|condition| named.contains(condition)), "{}: {named:?}", reply.id);
        if reply.proof == Proof::NotIdentity {
            assert!(recognised.replies.iter().all(|other| other.rules().is_empty()), "{} looks into nothing", reply.id);
        }
        for code in reply.rules().into_iter().chain(reply.rules_of_answers()) {
            assert!(catalogue::find(code).is_some(), "{}: {code}", reply.id);
        }
    }
    assert_eq!(seen.len(), 61);
    assert_eq!(PATTERNS.len(), 61);
}

#[test]
fn replies_of_several_lines_in_logs_and_bounces() {
    let postfix = "Jun 20 10:00:00 mail1 postfix/smtp[1234]: 4ABCD12345: to=<user@example.net>, relay=mx.example.net[198.51.100.25]:25, \
                   delay=1.2, delays=0.1/0.01/0.5/0.6, dsn=4.7.25, status=deferred (host mx.example.net[198.51.100.25] said: 450 4.7.25 \
                   Client host rejected: cannot find your hostname, [192.0.2.25] (in reply to RCPT TO command))";
    assert_eq!(ids(postfix), ["postfix-unknown-client"]);
    let recognised = recognise(postfix);
    assert_eq!(recognised.addresses, ["192.0.2.25".parse::<IpAddr>().unwrap()], "not the receiver's");
    assert_eq!(recognised.code, Some(450));

    let exim = "2026-06-20 10:00:00 1sKxyz-000000012Ab-1cDe ** user@example.net R=dnslookup T=remote_smtp H=mx.example.net \
                [198.51.100.25]: SMTP error from remote mail server after RCPT TO:<user@example.net>: 550-5.7.25 [192.0.2.25] The IP \
                address sending this message does not have a\\n550-5.7.25 PTR record setup, or the corresponding forward DNS entry does \
                not\\n550 5.7.25 match the sending IP.";
    assert_eq!(ids(exim), ["gmail-ptr-missing"]);
    assert_eq!(recognise(exim).addresses, ["192.0.2.25".parse::<IpAddr>().unwrap()]);

    let bounce = "This message was created automatically by mail delivery software.\r\n\r\n  user@example.net\r\n    host mx.example.net \
                  [198.51.100.25]\r\n    SMTP error from remote mail server after MAIL FROM:<a@example.com>:\r\n    450 4.7.1 \
                  <srv1.internal.example>: Helo command rejected: Host\r\n    not found\r\n";
    let recognised = recognise(bounce);
    assert_eq!(recognised.replies.iter().map(|reply| reply.id).collect::<Vec<_>>(), ["postfix-helo-not-found"]);
    assert_eq!(recognised.helo, ["srv1.internal.example"]);
    assert!(recognised.addresses.is_empty());

    let six = "550 5.7.25 Access denied, the sending IPv6 address [2001:db8::25] must have a reverse DNS record";
    assert_eq!(recognise(six).addresses, ["2001:db8::25".parse::<IpAddr>().unwrap()]);
    assert_eq!(recognise("550 for [IPv6:2001:db8::25].").addresses, ["2001:db8::25".parse::<IpAddr>().unwrap()]);
}

#[test]
fn what_looks_alike_is_not_taken_for_it() {
    let incoming = "Jun 20 10:00:00 mail1 postfix/smtpd[99]: NOQUEUE: reject: RCPT from unknown[198.51.100.7]: 450 4.7.1 Client host \
                    rejected: cannot find your reverse hostname, [198.51.100.7]; from=<a@example.net> to=<b@example.com>\n\
                    2026-06-20 10:00:00 H=(x) [198.51.100.8] rejected EHLO or HELO x: Syntactically invalid HELO argument(s)\n\
                    2026-06-20 10:00:00 H=(x) [198.51.100.8] F=<> rejected RCPT <b@example.com>: Access denied - Invalid HELO name (See \
                    RFC2821 4.1.1.1)";
    let recognised = recognise(incoming);
    assert!(recognised.replies.is_empty(), "{:?}", recognised.replies);
    assert_eq!(recognised.incoming, 3);
    for (text, expected) in [
        ("550 5.1.1 user unknown", vec![]),
        ("250 2.0.0 Ok: queued as 4ABCD12345", vec![]),
        (
            "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org",
            vec!["dnsbl-generic"],
        ),
        ("550 5.1.8 <root@web.example.com>: Sender address rejected: Domain not found", vec!["postfix-sender-domain"]),
        ("451 4.1.8 Domain of sender address root@web.example.com does not resolve", vec!["sendmail-sender-domain"]),
        ("550 5.7.26 This mail is unauthenticated, which poses a security risk to the sender", vec![]),
        ("504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", vec!["postfix-helo-not-fqdn"]),
    ] {
        assert_eq!(ids(text), expected, "{text}");
    }
}

#[test]
fn any_text_is_read_in_linear_time_and_without_harm() {
    for text in ["\u{0}\u{1b}[31m", &"550-".repeat(100_000), &"[".repeat(300_000), &"host a[1.1.1.1] ".repeat(20_000)] {
        let recognised = recognise(text);
        assert!(recognised.replies.len() <= 61);
    }
}
