//! What mail logs show, put into the report: what receivers did stands before what they would do.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::escape::sanitize_fields;
use crate::facts::{Facts, MailLog, Mta, Packing, ReadLog, Refused};
use crate::identity::{OwnAddresses, spoken_of};
use crate::report::plural::count;

/// Refusals that are told one by one.
const TOLD: usize = 10;
/// Hosts that a sentence names.
const HOSTS: usize = 3;

/// What mail logs show (`--log`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogView {
    /// The logs that were read, the oldest first.
    pub files: Vec<LogFileView>,
    /// Earlier lines do not count, `2026-11-14T00:00:00Z`.
    pub since: String,
    /// Up to when ages are counted: the time of the run, or the newest line.
    pub until: String,
    /// Whether that is the time of the run.
    pub until_now: bool,
    /// Deliveries that receivers refused with replies known to speak of this host's identity, alike ones together; the most frequent first.
    pub refused: Vec<RefusalView>,
    /// What was not read, or not counted, a sentence each.
    pub not_read: Vec<String>,
}

/// A log that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogFileView {
    /// Its path, or `-`.
    pub name: String,
    /// What it is packed with; null: nothing.
    pub packed: Option<Packing>,
    /// Lines, or entries of a journal.
    pub lines: u64,
    /// Octets, unpacked.
    pub octets: u64,
    /// When its first line was written; null: not known.
    pub from: Option<String>,
    /// When its last line was written; null: not known.
    pub to: Option<String>,
}

/// Deliveries that were refused with replies that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefusalView {
    /// Who said so, such as `Gmail`; null: whoever runs such software.
    pub receiver: Option<String>,
    /// Names of the hosts that said it, the first few.
    pub hosts: Vec<String>,
    /// The sending address; null: not known which of this host's.
    pub sending: Option<IpAddr>,
    /// Whose log says so.
    pub mta: Mta,
    /// What delivered: the name that Postfix' client logs under, or Exim's transport.
    pub service: String,
    /// Identifier of the known reply, such as `gmail-ptr-missing`.
    pub reply: String,
    /// The reply's code; null: none was there.
    pub code: Option<u16>,
    /// The enhanced status code; null: none was there.
    pub status: Option<String>,
    /// The words by which the reply is known.
    pub words: String,
    /// What it means.
    pub meaning: String,
    /// Whether the text itself names the fault; else it is used for this one among others.
    pub names_it: bool,
    /// Rules that look into it.
    pub rules: Vec<String>,
    /// Whether they are tried again; else they failed for good.
    pub waits: bool,
    /// How many deliveries: a message counts once for each host and day.
    pub count: u64,
    /// The first of them.
    pub first: String,
    /// The last of them.
    pub last: String,
    /// When the same hosts took mail from the same sender again, after that; null: not by these logs.
    pub taken: Option<String>,
}

sanitize_fields! {
    LogView { files, since, until, until_now, refused, not_read }
    LogFileView { name, packed, lines, octets, from, to }
    RefusalView {
        receiver, hosts, sending, mta, service, reply, code, status, words, meaning, names_it, rules, waits, count, first,
        last, taken,
    }
}

/// The view of what logs show; `None` where none was to be read.
pub(super) fn view(facts: &Facts) -> Option<LogView> {
    let log = facts.log.as_deref()?;
    let MailLog { files, since, until, until_now, refusals, unread, .. } = log;
    let time = |at| time(log, at);
    let own = OwnAddresses::new(facts);
    let sending = |refused: &Refused| spoken_of(facts, &own, refused).address;
    let mut refused: Vec<RefusalView> =
        refusals.iter().map(|refused| refusal(refused, sending(refused), time)).collect();
    refused.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.last.cmp(&other.last)));
    let files = files.iter().map(|read| file(read, time)).collect();
    let (since, until, until_now) = (time(*since), time(*until), *until_now);
    Some(LogView { files, since, until, until_now, refused, not_read: unread.clone() })
}

fn file(log: &ReadLog, time: impl Fn(i64) -> String) -> LogFileView {
    LogFileView {
        name: log.name.clone(),
        packed: log.packed,
        lines: log.lines,
        octets: log.octets,
        from: log.first.map(&time),
        to: log.last.map(&time),
    }
}

fn refusal(refused: &Refused, sending: Option<IpAddr>, time: impl Fn(i64) -> String) -> RefusalView {
    RefusalView {
        receiver: refused.receiver.clone(),
        hosts: refused.hosts.clone(),
        sending,
        mta: refused.mta,
        service: refused.service.clone(),
        reply: refused.reply.clone(),
        code: refused.code,
        status: refused.status.clone(),
        words: refused.words.clone(),
        meaning: refused.meaning.clone(),
        names_it: refused.names_it,
        rules: refused.rules.clone(),
        waits: refused.waits,
        count: refused.count,
        first: time(refused.first),
        last: time(refused.last),
        taken: refused.taken.map(&time),
    }
}

/// `2026-11-28T10:02:00Z`; without the `Z` where it is the time of the host's clock, whose zone is not known.
fn time(log: &MailLog, at: i64) -> String {
    let form = if log.own_time { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%SZ" };
    Timestamp::from_second(at).map_or_else(|_| String::new(), |at| at.strftime(form).to_string())
}

/// A time as people read it: without the day where that is `today`.
fn clock(at: &str, today: Option<&str>) -> String {
    let Some((day, time)) = at.split_once('T') else { return at.to_owned() };
    let minute = time.get(..5).unwrap_or_default();
    let zone = if time.ends_with('Z') { "UTC" } else { "by the host's clock" };
    if today.is_some_and(|today| today == day) { format!("{minute} {zone}") } else { format!("{day} {minute} {zone}") }
}

/// The title of what is told of logs.
pub(super) const TITLE: &str = "What receivers said, by the mail log";

impl LogView {
    /// What receivers did, a sentence each, the most frequent first; then what was read.
    pub(super) fn sentences(&self) -> (Vec<String>, Vec<String>) {
        // A day goes without saying where the run is of that day.
        let today = self.until.split_once('T').map(|(day, _)| day).filter(|_| self.until_now);
        let mut did: Vec<String> = self.refused.iter().take(TOLD).map(|refused| refused.sentence(today)).collect();
        if self.refused.len() > TOLD {
            did.push(format!("and {} of replies", count(self.refused.len() - TOLD, "more kind")));
        }
        let mut notes = Vec::new();
        if !self.files.is_empty() {
            let lines: u64 = self.files.iter().map(|file| file.lines).sum();
            let span = (
                self.files.iter().filter_map(|file| file.from.as_ref()).min(),
                self.files.iter().filter_map(|file| file.to.as_ref()).max(),
            );
            let span = match span {
                (Some(from), Some(to)) => format!(", from {} to {}", clock(from, None), clock(to, None)),
                _ => String::new(),
            };
            let what = if did.is_empty() { ": no reply that is known to speak of this host's identity" } else { "" };
            let logs = count(self.files.len(), "log");
            let lines = count(usize::try_from(lines).unwrap_or(usize::MAX), "line");
            notes.push(format!("{logs} of {lines}{span}{what}"));
        }
        notes.extend(self.not_read.iter().cloned());
        (did, notes)
    }
}

impl RefusalView {
    /// `Gmail refused 14 deliveries from 203.0.113.10 since 10:02 UTC (550 5.7.25)`.
    fn sentence(&self, today: Option<&str>) -> String {
        let who = match &self.receiver {
            Some(receiver) => receiver.clone(),
            None if self.hosts.is_empty() => "a receiver".to_owned(),
            None => self.hosts.iter().take(HOSTS).cloned().collect::<Vec<_>>().join(", "),
        };
        let did = if self.waits { "put off" } else { "refused" };
        let what = match self.count {
            1 => "1 delivery".to_owned(),
            number => format!("{number} deliveries"),
        };
        let from = self.sending.map_or_else(|| "this host".to_owned(), |address| address.to_string());
        let when = match self.count {
            1 if today.is_some_and(|today| self.last.starts_with(today)) => format!("at {}", clock(&self.last, today)),
            1 => format!("on {}", clock(&self.last, today)),
            _ => format!("since {}", clock(&self.first, today)),
        };
        let taken = match &self.taken {
            Some(taken) => format!(", and took mail since, by {}", clock(taken, today)),
            None => String::new(),
        };
        let code = [self.code.map(|code| code.to_string()), self.status.clone()];
        let code: Vec<String> = code.into_iter().flatten().collect();
        let code = if code.is_empty() { String::new() } else { format!(" ({})", code.join(" ")) };
        format!("{who} {did} {what} from {from} {when}{code}{taken}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_receivers_did_in_sentences() {
        let log = sample::log("");
        let (did, notes) = log.sentences();
        assert_eq!(
            did,
            [
                "Gmail refused 14 deliveries from 203.0.113.10 since 2026-11-20 10:02 UTC (550 5.7.25)",
                "mx.example.net put off 1 delivery from this host on 2026-11-19 23:00 UTC (554)"
            ],
            "what waits is put off, whatever the code"
        );
        assert_eq!(notes[0], "1 log of 20 lines, from 2026-11-14 08:00 UTC to 2026-11-20 12:00 UTC");
        let mut now = LogView { until_now: true, ..log.clone() };
        now.refused[0].taken = Some("2026-11-20T12:00:00Z".into());
        assert_eq!(
            now.sentences().0[0],
            "Gmail refused 14 deliveries from 203.0.113.10 since 10:02 UTC (550 5.7.25), and took mail since, by 12:00 UTC"
        );
        let mut own = log.clone();
        own.refused[1].last = "2026-11-19T23:00:00".into();
        own.files[0].lines = 1;
        let (did, notes) = own.sentences();
        assert!(did[1].ends_with("on 2026-11-19 23:00 by the host's clock (554)"), "{did:?}");
        assert!(notes[0].starts_with("1 log of 1 line,"), "{notes:?}");
        let none = LogView { refused: Vec::new(), ..log };
        assert!(none.sentences().1[0].ends_with(": no reply that is known to speak of this host's identity"));
    }

    #[test]
    fn many_kinds_are_counted() {
        let mut log = sample::log("");
        log.refused = vec![log.refused[0].clone(); TOLD + 2];
        assert_eq!(log.sentences().0.last().unwrap(), "and 2 more kinds of replies");
    }
}
