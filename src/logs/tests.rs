//! Whole logs, read as they come.

use std::io::Cursor;
use std::time::Duration;

use jiff::Timestamp;

use super::unpack::tests::{gzip, zstd};
use super::*;

/// Seconds since 1970.
fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

const NOW: &str = "2026-11-28T12:00:00Z";

fn how() -> How {
    let deadline = Instant::now() + Duration::from_secs(600);
    How { now: at(NOW), until: Some(at(NOW)), zone: Some(TimeZone::UTC), exim_zone: None, deadline }
}

fn source(name: &str, modified: &str, text: impl Into<Vec<u8>>) -> Source<Cursor<Vec<u8>>> {
    let modified = (!modified.is_empty()).then(|| at(modified));
    Source { name: name.to_owned(), reader: Cursor::new(text.into()), modified }
}

/// A line of Postfix about a delivery that Gmail refused.
fn refused(stamp: &str, queue: usize) -> String {
    format!(
        "{stamp} mail postfix/smtp[77]: {queue:X}: to=<anna@b.example>, relay=gmail-smtp-in.l.google.com[198.51.100.25]:25, delay=1, \
         dsn=5.7.25, status=bounced (host gmail-smtp-in.l.google.com[198.51.100.25] said: 550-5.7.25 [192.0.2.10] The IP address sending \
         this message does not have a 550-5.7.25 PTR record setup, or the corresponding forward DNS entry does not 550 5.7.25 match the \
         sending IP. x1-y2.77 - gsmtp (in reply to end of DATA command))\n"
    )
}

/// A line that does not matter.
fn sent(stamp: &str) -> String {
    format!(
        "{stamp} mail postfix/smtp[77]: 4AB: to=<anna@b.example>, relay=mx.b.example[198.51.100.25]:25, dsn=2.0.0, status=sent (250 ok)\n"
    )
}

/// Counts by known reply.
fn counts(log: &MailLog) -> Vec<(&str, u64)> {
    log.refusals.iter().map(|refused| (refused.reply.as_str(), refused.count)).collect()
}

#[test]
fn alike_refusals_are_counted_and_hold_nothing_of_the_message() {
    let text = [refused("Nov 28 10:00:00", 1), sent("Nov 28 10:00:01"), refused("Nov 28 11:30:00", 2)].concat();
    let log = read(vec![source("/var/log/mail.log", NOW, text)], &how());
    let [one] = log.refusals.as_slice() else { panic!("{log:?}") };
    assert_eq!(
        (one.reply.as_str(), one.count, one.code, one.status.as_deref()),
        ("gmail-ptr-missing", 2, Some(550), Some("5.7.25"))
    );
    assert_eq!((one.first, one.last), (at("2026-11-28T10:00:00Z"), at("2026-11-28T11:30:00Z")));
    assert_eq!((one.receiver.as_deref(), one.named), (Some("Gmail"), "192.0.2.10".parse().ok()));
    assert_eq!(
        (one.hosts.as_slice(), one.rules.as_slice()),
        (
            &["gmail-smtp-in.l.google.com".to_owned()][..],
            &["PTR001".to_owned(), "PTR002".to_owned(), "PTR003".to_owned()][..]
        )
    );
    let whole = serde_json::to_string(&log).unwrap();
    for private in ["anna", "b.example", "gsmtp", "y2.77"] {
        assert!(!whole.contains(private), "{private}: {whole}");
    }
    let file = &log.files[0];
    assert_eq!((file.lines, file.first, file.last), (3, Some(one.first), Some(one.last)));
    assert!(log.unread.is_empty());
}

#[test]
fn what_matches_no_known_reply_is_nothing() {
    let words = "4AB: to=<a@b.example>, relay=mx.b.example[198.51.100.25]:25, dsn=5.1.1, status=bounced (host mx.b.example[198.51.100.25] said: \
                 550 5.1.1 user unknown (in reply to RCPT TO command))";
    let log = read(vec![source("-", "", format!("Nov 28 10:00:00 mail postfix/smtp[7]: {words}\n"))], &how());
    assert_eq!(log.refusals, []);
}

#[test]
fn of_the_last_days_alone_and_of_this_year_alone() {
    // A year ago, a fortnight and a bit ago, on the first day that counts, now.
    let stamps = ["Nov 27 10:00:00", "Nov 28 10:00:00", "Nov 13 23:59:59", "Nov 14 00:00:00", "Nov 28 11:00:00"];
    let text: String = stamps.iter().enumerate().map(|(queue, stamp)| refused(stamp, queue)).collect();
    assert_eq!(
        counts(&read(vec![source("a", NOW, text)], &how())),
        [("gmail-ptr-missing", 4)],
        "no year passes within fifteen days"
    );
    let stamps = ["Nov 27 10:00:00", "Feb 01 10:00:00", "", "Nov 13 23:59:59", "Nov 14 00:00:00", "Nov 28 11:00:00"];
    let quiet = ["Apr 01 10:00:00", "Jul 01 10:00:00", "Oct 01 10:00:00"].map(sent).concat();
    let line = |(queue, stamp): (usize, &&str)| if stamp.is_empty() { quiet.clone() } else { refused(stamp, queue) };
    let text: String = stamps.iter().enumerate().map(line).collect();
    let log = read(vec![source("a", NOW, text)], &how());
    assert_eq!((counts(&log), log.since), (vec![("gmail-ptr-missing", 2)], at("2026-11-14T00:00:00Z")));
}

#[test]
fn a_clock_that_was_wrong_for_some_lines_takes_nothing_away() {
    let good = [refused("Nov 28 09:00:01", 1), refused("Nov 28 09:00:02", 2), refused("Nov 28 09:00:03", 3)].concat();
    let stray = refused("Jan  1 00:00:01", 4) + &refused("Jan  1 00:00:09", 5);
    let long = sent("Nov 28 09:30:00").repeat(3000);
    for (before, behind, more) in [
        ("", sent("Nov 28 10:00:00"), 0),
        ("", refused("Nov 28 10:00:00", 6), 1),
        ("", String::new(), 0),
        ("", long.clone() + &refused("Nov 28 10:00:00", 6), 1),
        (long.as_str(), sent("Jan  1 00:00:30") + &refused("Nov 28 10:00:00", 6), 1),
    ] {
        let text = format!("{good}{before}{stray}{behind}");
        let log = read(vec![source("mail.log", NOW, text)], &how());
        assert_eq!(counts(&log), [("gmail-ptr-missing", 3 + more)], "{} {}", before.len(), behind.len());
        // A delivery that went well is one of them.
        let strays = if before.is_empty() { 2 } else { 3 };
        let said =
            format!("mail.log: {strays} lines are dated more than half a year before those around, and do not count");
        assert_eq!(log.unread, [said]);
    }
}

/// Repeats itself for ever.
struct Endless {
    begin: Cursor<Vec<u8>>,
    again: Cursor<Vec<u8>>,
    deadline: Instant,
}

impl Read for Endless {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        assert!(Instant::now() < self.deadline + Duration::from_secs(5), "it is read long after the time was up");
        let count = self.begin.read(room)?;
        if count > 0 {
            return Ok(count);
        }
        if self.again.position() == self.again.get_ref().len() as u64 {
            self.again.set_position(0);
        }
        self.again.read(room)
    }
}

#[test]
fn what_never_ends_is_left_when_the_time_is_up() {
    let entry = b"__CURSOR=x\n".to_vec();
    let octets = [b"__CURSOR=x\nMESSAGE\n".to_vec(), u64::MAX.to_le_bytes().to_vec()].concat();
    let empty_frame = b"\x28\xb5\x2f\xfd\x00\x00\x01\x00\x00".to_vec();
    let skipped = b"\x50\x2a\x4d\x18\x00\x00\x00\x00".to_vec();
    for (name, begin, again) in [
        ("a line", vec![], vec![b'x'; 4096]),
        ("an entry", entry.clone(), vec![0; 4096]),
        ("empty lines of a journal", entry, vec![b'\n'; 4096]),
        ("a value", octets, vec![0; 4096]),
        ("empty members", vec![], gzip(b"").repeat(100)),
        ("frames that are skipped", vec![], skipped.repeat(100)),
        ("empty frames", vec![], empty_frame.repeat(100)),
    ] {
        let deadline = Instant::now() + Duration::from_millis(30);
        let reader = Endless { begin: Cursor::new(begin), again: Cursor::new(again), deadline };
        let endless = Source { name: name.to_owned(), reader, modified: None };
        let log = read(vec![endless], &How { deadline, ..how() });
        assert!(log.unread.iter().any(|said| said.contains("the time for logs was up")), "{name}: {:?}", log.unread);
    }
}

#[test]
fn a_receiver_of_many_words_takes_no_place_from_others() {
    let theirs = |n: usize| {
        refused("Nov 28 09:00:00", n)
            .replace("gmail-smtp-in.l.google.com", &format!("mx{n}.attacker.example"))
            .replace("550 5.7.25", &format!("550 5.{}.{}", n / 999, n % 999))
            .replace("550-5.7.25", &format!("550-5.{}.{}", n / 999, n % 999))
    };
    let many: String = (0..2500).map(theirs).collect();
    let good: String = (0..50).map(|n| refused("Nov 28 10:00:00", n)).collect();
    for sources in [
        vec![source("mail.log", NOW, many.clone() + &good)],
        vec![source("mail.log", NOW, many), source("mail.log.1", "2026-11-28T11:00:00Z", good)],
    ] {
        let log = read(sources, &how());
        let by = |receiver: Option<&str>| -> Vec<u64> {
            log.refusals.iter().filter(|one| one.receiver.as_deref() == receiver).map(|one| one.count).collect()
        };
        assert_eq!(by(Some("Gmail")), [50]);
        assert_eq!(by(None), vec![1; 50], "Gmail's words alone do not make it Gmail's");
        assert!(log.unread[0].starts_with("2450 more events"), "{:?}", log.unread);
    }
}

#[test]
fn a_log_without_time_ends_with_its_newest_line() {
    let text = [
        refused("2024-03-01T10:00:00+00:00", 1),
        refused("2024-03-14T10:00:00+00:00", 2),
        refused("2024-03-20T10:00:00+00:00", 3),
    ]
    .concat();
    let log = read(vec![source("-", "", text.clone())], &How { until: None, ..how() });
    assert_eq!(
        (counts(&log), log.until, log.until_now),
        (vec![("gmail-ptr-missing", 2)], at("2024-03-20T10:00:00Z"), false)
    );
    // A clock's fault is not the newest line.
    let ahead = text + &refused("2031-01-01T10:00:00+00:00", 4);
    assert_eq!(counts(&read(vec![source("-", "", ahead)], &How { until: None, ..how() })), [("gmail-ptr-missing", 2)]);
}

#[test]
fn logs_put_together_in_the_order_of_their_names_end_with_the_newest_line() {
    let (new, old) = (refused("Nov 27 10:00:00", 1), refused("Nov 12 10:00:00", 2));
    let log = read(vec![source("-", "", new + &old)], &How { until: None, ..how() });
    assert_eq!((counts(&log), log.until), (vec![("gmail-ptr-missing", 1)], at("2026-11-27T10:00:00Z")));
}

#[test]
fn rotated_packed_and_overlapping_logs_count_each_event_once() {
    let lines: Vec<String> = (0..600).map(|n| refused(&format!("Nov 27 {:02}:{:02}:00", n / 60, n % 60), n)).collect();
    let (old, both, new) = (lines[..300].concat(), lines[300..400].concat(), lines[400..].concat());
    for pack in [|text: &[u8]| text.to_vec(), gzip, zstd] {
        let sources = vec![
            source("mail.log.1", "2026-11-27T06:39:00Z", pack((old.clone() + &both).as_bytes())),
            source("mail.log", "2026-11-27T09:59:00Z", both.clone() + &new),
        ];
        let log = read(sources, &how());
        assert_eq!(counts(&log), [("gmail-ptr-missing", 600)]);
        assert_eq!(log.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["mail.log.1", "mail.log"]);
    }
    // One message, with two recipients or tried again, counts once a day.
    let twice = lines[0].clone() + &lines[0] + &refused("Nov 27 11:00:00", 0);
    let log = read(vec![source("a", NOW, twice.clone())], &how());
    assert_eq!((counts(&log), log.refusals[0].last), (vec![("gmail-ptr-missing", 1)], at("2026-11-27T11:00:00Z")));
    let twice = twice + &refused("Nov 28 10:00:00", 0);
    assert_eq!(counts(&read(vec![source("a", NOW, twice)], &how())), [("gmail-ptr-missing", 2)]);
}

#[test]
fn a_cut_log_counts_as_far_as_it_goes_and_that_is_said() {
    let text: String = (0..5000).map(|n| refused("Nov 28 10:00:00", n * 7919)).collect();
    let packed = gzip(text.as_bytes());
    let log = read(vec![source("mail.log.1", NOW, &packed[..packed.len() / 2])], &how());
    let [(_, count)] = counts(&log)[..] else { panic!("{log:?}") };
    assert!((1000..4000).contains(&count), "{count}");
    assert!(log.unread[0].starts_with("mail.log.1 ends in the middle"), "{:?}", log.unread);
    let late = read(vec![source("a", NOW, text)], &How { deadline: Instant::now(), ..how() });
    assert!(late.unread[0].contains("the time for logs was up"), "{:?}", late.unread);
}

#[test]
fn long_lines_and_garbage_change_no_count() {
    let mut text = vec![0xff; 100_000];
    text.extend(b"\0\n");
    text.extend(refused("Nov 28 10:00:00", 1).bytes());
    text.extend(b"Nov 28 10:00:01 mail postfix/smtp[7]: ");
    text.extend(vec![b'x'; 300_000]);
    text.extend(b" status=bounced (x\n");
    text.extend(refused("Nov 28 10:00:02", 2).bytes());
    // The last line is still being written.
    text.extend(refused("Nov 28 10:00:03", 3).trim_end().bytes().take(150));
    let log = read(vec![source("a", NOW, text)], &how());
    assert_eq!(counts(&log), [("gmail-ptr-missing", 2)]);
    assert_eq!(log.files[0].lines, 5);
}

#[test]
fn a_journal_is_read_from_its_export() {
    let words = refused("x", 1);
    let message = words.trim_end().split_once("]: ").unwrap().1;
    let micros = at("2026-11-28T10:00:00Z") * 1_000_000;
    let text = format!(
        "__CURSOR=a\n__REALTIME_TIMESTAMP={micros}\n_HOSTNAME=mail\nSYSLOG_IDENTIFIER=postfix/smtp\n_PID=77\nMESSAGE={message}\n\n\
         __CURSOR=b\n__REALTIME_TIMESTAMP={micros}\nSYSLOG_IDENTIFIER=sshd\nMESSAGE={message}\n\n\
         __CURSOR=c\n__REALTIME_TIMESTAMP={micros}\n_UID=1000\n_COMM=logger\n_EXE=/usr/bin/logger\n_PID=78\n\
         SYSLOG_IDENTIFIER=postfix/smtp\nMESSAGE={message}\n\n"
    );
    for text in [text.clone().into_bytes(), gzip(text.as_bytes())] {
        let log = read(vec![source("-", "", text)], &How { until: None, ..how() });
        assert_eq!(
            (counts(&log), log.files[0].lines, log.until),
            (vec![("gmail-ptr-missing", 1)], 3, at("2026-11-28T10:00:00Z"))
        );
    }
}

#[test]
fn exims_own_zone_and_local_addresses() {
    let text = "2026-11-28 10:00:00 1sKxyz-000000012Ab-1cDe => a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25] \
                I=[203.0.113.77]:41234 C=\"250 ok\"\n\
                2026-11-28 10:00:00 1sKxyz-000000012Ab-1cDf => a@b.example R=filter T=spam H=localhost [127.0.0.1] I=[127.0.0.1]:41234\n";
    let zone = TimeZone::posix("<+03>-3").unwrap();
    let log = read(vec![source("mainlog", NOW, text)], &How { exim_zone: Some(zone), ..how() });
    let [one] = log.departures.as_slice() else { panic!("{log:?}") };
    assert_eq!((one.address.to_string().as_str(), one.service.as_str(), one.count), ("203.0.113.77", "remote_smtp", 1));
    assert_eq!((one.first, log.files[0].last), (at("2026-11-28T07:00:00Z"), Some(at("2026-11-28T07:00:00Z"))));
}

#[test]
fn a_zone_that_is_not_known_is_said() {
    let line = |stamp: &str, to: &str| {
        format!(
            "{stamp} 1sKxyz-000000012Ab-1cD{to} => {to}@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25] I=[203.0.113.77]:41234 C=\"250 ok\"\n"
        )
    };
    let (own, world) = (line("2026-11-28 10:00:00", "e"), line("2026-11-28 10:00:00 +0000", "f"));
    let unknown = How { zone: None, ..how() };
    for (text, how, own_time, notes) in [
        (own.clone(), &unknown, true, 0),
        (world.clone(), &unknown, false, 0),
        (format!("{own}{world}"), &unknown, false, 1),
        (format!("{own}{world}"), &how(), false, 0),
    ] {
        let log = read(vec![source("mainlog", NOW, text.as_str())], how);
        assert_eq!(
            (log.own_time, log.unread.len(), log.departures.len()),
            (own_time, notes, 1),
            "{text}: {:?}",
            log.unread
        );
    }
}

/// A line of Postfix.
fn postfix(stamp: &str, program: &str, words: &str) -> String {
    format!("{stamp} mail postfix/{program}[77]: {words}\n")
}

/// A delivery, and what became of it.
fn delivery(stamp: &str, queue: &str, host: &str, status: &str) -> String {
    let words =
        format!("{queue}: to=<anna@b.example>, relay={host}[198.51.100.25]:25, delay=1, dsn=4.0.0, status={status}");
    postfix(stamp, "smtp", &words)
}

const NO_REVERSE: &str =
    "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.10] (in reply to RCPT TO command))";
const GREETING: &str = "host mx00.gmx.net[198.51.100.9] refused to talk to me: 554-gmx.net Nemesis ESMTP Service not available 554-No SMTP service 554-Bad DNS \
     PTR resource record. 554 For explanation visit http://postmaster.gmx.com/";

#[test]
fn hosts_that_took_mail_later() {
    let put_off = |stamp: &str, queue: &str, host: &str| {
        delivery(stamp, queue, host, &format!("deferred (host {host}[198.51.100.25] said: {NO_REVERSE}"))
    };
    let sent = |stamp: &str, host: &str| delivery(stamp, "4AF", host, "sent (250 2.0.0 Ok: queued as 4CD)");
    let taken = |lines: &[String]| {
        let log = read(vec![source("a", NOW, lines.concat())], &how());
        let [one] = log.refusals.as_slice() else { panic!("{log:?}") };
        one.taken.map(|at| Timestamp::from_second(at).unwrap().to_string())
    };
    let refused = put_off("Nov 28 10:00:00", "4AA", "mx.b.example");
    assert_eq!(taken(std::slice::from_ref(&refused)), None);
    assert_eq!(taken(&[sent("Nov 28 09:00:00", "mx.b.example"), refused.clone()]), None, "before");
    assert_eq!(taken(&[refused.clone(), sent("Nov 28 11:00:00", "mx.c.example")]), None, "another host");
    let later = sent("Nov 28 11:00:00", "mx.b.example");
    assert_eq!(taken(&[refused.clone(), later.clone()]).as_deref(), Some("2026-11-28T11:00:00Z"));
    let other_client = later.replace("postfix/smtp", "postfix-out/smtp");
    assert_eq!(taken(&[refused.clone(), other_client]), None, "another client");
    let other_family = later.replace("198.51.100.25", "2001:db8::25");
    assert_eq!(taken(&[refused.clone(), other_family]), None, "another family");
    let both = [refused, put_off("Nov 28 10:30:00", "4AB", "mx.c.example"), later];
    assert_eq!(taken(&both), None, "one of two");
    let all = [both.concat(), sent("Nov 28 10:40:00", "mx.c.example")];
    assert_eq!(taken(&all).as_deref(), Some("2026-11-28T11:00:00Z"));
}

#[test]
fn one_operator_is_one_receiver_whichever_host() {
    let second = refused("Nov 28 10:05:00", 2).replace("gmail-smtp-in", "alt1.gmail-smtp-in");
    let sent = delivery("Nov 28 11:00:00", "4AF", "gmail-smtp-in.l.google.com", "sent (250 2.0.0 OK)");
    let log = read(vec![source("a", NOW, [refused("Nov 28 10:00:00", 1), second, sent].concat())], &how());
    assert_eq!((log.refusals[0].count, log.refusals[0].taken), (2, Some(at("2026-11-28T11:00:00Z"))));
}

#[test]
fn refusals_at_the_greeting_count_once_for_message_and_host() {
    let time_out = "deferred (connect to mx01.gmx.net[198.51.100.10]:25: Connection timed out)";
    let suspended = |queue: &str| {
        let words = format!(
            "{queue}: to=<b@gmx.example>, relay=none, delay=1, dsn=4.0.0, status=deferred (delivery temporarily suspended: {GREETING})"
        );
        postfix("Nov 28 10:05:00", "error", &words)
    };
    let next = postfix("Nov 28 10:00:00", "smtp", &format!("4AA: {GREETING}"));
    let text = [next.clone(), delivery("Nov 28 10:00:30", "4AA", "mx01.gmx.net", time_out)].concat();
    let log = read(vec![source("a", NOW, text.clone())], &how());
    let [one] = log.refusals.as_slice() else { panic!("{log:?}") };
    assert_eq!(
        (one.receiver.as_deref(), one.count, one.waits),
        (Some("GMX, WEB.DE, mail.com, 1&1 (United Internet)"), 1, true)
    );
    assert_eq!((one.code, one.status.as_deref()), (Some(554), None), "Postfix' own code is none of the reply");
    let text =
        [next.clone(), suspended("4AA"), suspended("4AA"), suspended("4AB"), next.clone(), next.replace("4AA", "4AC")]
            .concat();
    let log = read(vec![source("a", NOW, text)], &how());
    let [one] = log.refusals.as_slice() else { panic!("{log:?}") };
    assert_eq!((one.service.as_str(), one.count), ("postfix/smtp", 3), "4AA, 4AB, 4AC");
}

#[test]
fn what_exim_says_of_one_host_before_the_next() {
    let id = "1sKxyz-000000012Ab-1cDe";
    let host = "H=mx.b.example [198.51.100.25]";
    let reply = "SMTP error from remote mail server after EHLO mail: 550 5.7.1 <mail>: Helo command rejected: need fully-qualified hostname";
    let to = "a@b.example R=dnslookup T=remote_smtp";
    let one = |lines: &[String]| {
        let log = read(vec![source("mainlog", NOW, lines.concat())], &how());
        let [one] = log.refusals.as_slice() else { panic!("{log:?}") };
        (one.service.clone(), one.count, one.waits)
    };
    let next = format!("2026-11-28 10:00:00 {id} {host}: {reply}\n");
    let time_out =
        format!("2026-11-28 10:02:00 {id} == {to} defer (110) H=mx2.b.example [198.51.100.26]: Connection timed out\n");
    assert_eq!(one(&[next.clone(), time_out]), (String::new(), 1, true));
    let failed = format!("2026-11-28 10:02:00 {id} ** {to} {host}: {reply}\n");
    assert_eq!(one(&[next.clone(), failed.clone()]), ("remote_smtp".to_owned(), 1, false), "what became of it");
    let two = read(vec![source("mainlog", NOW, next.replace("1cDe", "1cDf") + &failed)], &how());
    assert_eq!(two.refusals.iter().map(|one| one.count).sum::<u64>(), 2, "another message");
}

#[test]
fn deliveries_that_failed_show_their_local_address() {
    let text = "2026-11-28 10:00:00 1sKxyz-000000012Ab-1cDe == a@b.example R=dnslookup T=remote_smtp defer (110) H=mx.b.example [198.51.100.25] \
                I=[203.0.113.77]:41234: Connection timed out\n\
                2026-11-28 10:00:01 1sKxyz-000000012Ab-1cDf ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.25] \
                I=[203.0.113.77]:41235: SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 no\n";
    let log = read(vec![source("mainlog", NOW, text)], &how());
    let [one] = log.departures.as_slice() else { panic!("{log:?}") };
    assert_eq!(
        (one.address.to_string().as_str(), one.kind, one.count),
        ("203.0.113.77", crate::facts::DepartureKind::Tried, 2)
    );
}
