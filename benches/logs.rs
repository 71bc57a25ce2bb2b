//! `helolint check --log` as a user runs it, over a log of Postfix: `cargo bench --bench logs`.
//!
//! A log of a gigabyte is made in a temporary folder, plain and packed with gzip (`HELOLINT_LOG_MB` sets another size), and read whole. Beside
//! each time stands its ratio to the same file read in this run for the number of its lines alone, unpacked where it is packed; and what the
//! process held at most, in kilobytes, by GNU time.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::{Timestamp, ToSpan};

/// Times that each is measured; the shortest counts.
const ROUNDS: usize = 3;
/// Octets that are read at a time.
const PIECE: usize = 256 << 10;

/// What a mail server writes of one message: received, queued, delivered; one of thirty is put off for another reason, one of a hundred is refused
/// for another, one of a thousand for this host's identity.
fn message(out: &mut impl Write, number: usize, stamp: &str) -> io::Result<()> {
    let queue = format!("4b{number:07X}");
    let (pid, to) = (number % 30_000, format!("someone{}@domain{}.example", number % 977, number % 7919));
    writeln!(
        out,
        "{stamp} mail postfix/smtpd[{pid}]: connect from client{}.example[198.51.100.{}]",
        number % 101,
        number % 251
    )?;
    writeln!(
        out,
        "{stamp} mail postfix/smtpd[{pid}]: {queue}: client=client{}.example[198.51.100.{}]",
        number % 101,
        number % 251
    )?;
    writeln!(out, "{stamp} mail postfix/cleanup[{pid}]: {queue}: message-id=<{number}.77@client.example>")?;
    writeln!(
        out,
        "{stamp} mail postfix/qmgr[611]: {queue}: from=<news@example.com>, size=2101, nrcpt=1 (queue active)"
    )?;
    let relay = "mx.example.net[198.51.100.25]";
    let (at, dsn, status) = match number {
        n if n % 1000 == 7 => (
            "gmail-smtp-in.l.google.com[198.51.100.26]",
            "5.7.25",
            "bounced (host gmail-smtp-in.l.google.com[198.51.100.26] said: 550-5.7.25 [203.0.113.10] The IP address sending this message does \
             not have a 550-5.7.25 PTR record setup, or the corresponding forward DNS entry does not 550 5.7.25 match the sending IP. (in \
             reply to end of DATA command))",
        ),
        n if n % 100 == 3 => (
            relay,
            "5.1.1",
            "bounced (host mx.example.net[198.51.100.25] said: 550 5.1.1 Recipient address rejected: User unknown (in reply to RCPT TO \
             command))",
        ),
        n if n % 30 == 1 => {
            ("none", "4.4.1", "deferred (connect to mx.example.net[198.51.100.25]:25: Connection timed out)")
        }
        _ => (relay, "2.0.0", "sent (250 2.0.0 Ok: queued as 4cXYZ77)"),
    };
    writeln!(
        out,
        "{stamp} mail postfix/smtp[{pid}]: {queue}: to=<{to}>, relay={at}:25, delay=0.9, delays=0.1/0/0.4/0.4, dsn={dsn}, status={status}"
    )?;
    writeln!(out, "{stamp} mail postfix/qmgr[611]: {queue}: removed")
}

/// A log of so many octets, its stamps over the last ten days.
fn make(path: &Path, octets: u64) -> io::Result<usize> {
    struct Counted<W>(W, u64);
    impl<W: Write> Write for Counted<W> {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let count = self.0.write(text)?;
            self.1 += count as u64;
            Ok(count)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }
    let mut out = Counted(BufWriter::with_capacity(PIECE, File::create(path)?), 0);
    let begin = Timestamp::now().as_second() - 10 * 86_400;
    let (mut number, mut stamp) = (0, String::new());
    while out.1 < octets {
        if number % 100 == 0 {
            let share = i64::try_from(out.1 * 9 * 86_400 / octets).unwrap_or_default();
            let at = Timestamp::from_second(begin).map_err(io::Error::other)? + share.seconds();
            stamp = at.strftime("%b %e %H:%M:%S").to_string();
        }
        message(&mut out, number, &stamp)?;
        number += 1;
    }
    out.flush()?;
    Ok((0..number).filter(|number| number % 1000 == 7).count())
}

fn lines(mut from: impl Read) -> io::Result<usize> {
    let mut room = vec![0; PIECE];
    let mut lines = 0;
    loop {
        match from.read(&mut room)? {
            0 => return Ok(lines),
            count => lines += memchr::memchr_iter(b'\n', &room[..count]).count(),
        }
    }
}

fn shortest(mut run: impl FnMut()) -> Duration {
    let times = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        run();
        began.elapsed()
    });
    times.min().unwrap_or_default()
}

fn check(log: Option<&Path>) -> Command {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["check", "--offline", "--format", "json", "--root"]).arg(host.join("root"));
    command.arg("--kernel").arg(host.join("kernel"));
    if let Some(log) = log {
        command.arg("--log").arg(log);
    }
    command
}

/// How many refusals a run counts.
fn counted(log: &Path) -> u64 {
    let output = check(Some(log)).output().expect("the binary runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    report["log"]["refused"].as_array().expect("refusals").iter().filter_map(|refused| refused["count"].as_u64()).sum()
}

fn measure(name: &str, log: &Path, unpack: bool) {
    let alone = shortest(|| {
        let file = File::open(log).expect("the log is there");
        let count = if unpack { lines(MultiGzDecoder::new(file)) } else { lines(file) };
        assert!(count.expect("the log can be read") > 0);
    });
    let run = |log: Option<&Path>| {
        let status = check(log).stdout(Stdio::null()).status().expect("the binary runs");
        assert!(matches!(status.code(), Some(0 | 1 | 3)), "{status}");
    };
    let without = shortest(|| run(None));
    let with = shortest(|| run(Some(log)));
    let ratio = with.saturating_sub(without).as_secs_f64() / alone.as_secs_f64();
    println!(
        "{name}: {with:.2?} with the log, {without:.2?} without, {alone:.2?} to count its lines: ratio {ratio:.2}"
    );
    let inner = check(Some(log));
    let mut time = Command::new("time");
    time.args(["-f", "%M kB at most"]).arg(inner.get_program()).args(inner.get_args());
    match time.stdout(Stdio::null()).output() {
        // Findings make it say the exit status before.
        Ok(output) => {
            println!("{name}: {}", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default())
        }
        Err(_) => println!("{name}: peak memory not measured, GNU time is not installed"),
    }
}

fn main() -> io::Result<()> {
    let megabytes = std::env::var("HELOLINT_LOG_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(1024);
    let dir = tempfile::tempdir()?;
    let plain: PathBuf = dir.path().join("mail.log");
    let expected = make(&plain, megabytes << 20)?;
    let packed = dir.path().join("mail.log.1.gz");
    let mut encoder = GzEncoder::new(File::create(&packed)?, Compression::new(6));
    io::copy(&mut File::open(&plain)?, &mut encoder)?;
    encoder.finish()?;
    println!("{megabytes} MB, {expected} refusals");
    for (name, log, unpack) in [("plain", &plain, false), ("gzip", &packed, true)] {
        assert_eq!(counted(log), expected as u64, "{name}");
        measure(name, log, unpack);
    }
    Ok(())
}
