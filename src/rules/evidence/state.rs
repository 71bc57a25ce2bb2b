//! What a reply in a mail log is worth today: whether a finding confirms it, and whether what it speaks of was mended since.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::facts::{Facts, MailLog, OutboundPath, Refused};
use crate::findings::{Finding, Verdict};
use crate::identity::{SpokenOf, Standing};
use crate::rules::Judged;
use crate::rules::evidence::log::{last_change, last_change_of_any, time};

/// What a reply is worth today, what weighs most first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// These findings say the same.
    Confirms(BTreeSet<&'static str>),
    /// It speaks of an address that no rule looked at.
    Elsewhere((Standing, Option<IpAddr>)),
    /// Whether these rules hold is not known.
    Open(BTreeSet<String>),
    /// No rule looked into it.
    NotLooked,
    /// These rules looked, and found nothing.
    Gone(BTreeSet<String>),
    /// A file that sets names or addresses was changed later.
    Changed,
    /// The same hosts took mail later.
    Taken,
}

impl State {
    /// Whether what the reply speaks of was mended since, for all that is known.
    pub(super) fn is_cured(&self) -> bool {
        matches!(self, State::Gone(_) | State::Changed | State::Taken)
    }

    /// Half a sentence about replies in this state.
    pub(super) fn in_words(&self, log: &MailLog, refused: &[&Refused]) -> String {
        let list = |codes: &BTreeSet<String>| codes.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        match self {
            State::Confirms(codes) => {
                format!("that confirms {}", codes.iter().copied().collect::<Vec<_>>().join(", "))
            }
            State::Elsewhere((Standing::Seen, Some(address))) => {
                format!("the receivers saw {address}, which no outbound path sends from: nothing was looked at there")
            }
            State::Elsewhere((Standing::Inside, Some(address))) => {
                format!("the receivers stand inside and saw {address}: nothing was looked at there")
            }
            State::Elsewhere(_) => "no outbound path has this address, so nothing was looked at".to_owned(),
            State::Open(codes) => format!("whether {} holds there is not known in this run", list(codes)),
            State::NotLooked => "no rule of this run looked into it".to_owned(),
            State::Gone(codes) => {
                let find = if codes.len() == 1 { "finds" } else { "find" };
                format!("{} {find} nothing there now: cured since, as far as DNS and files say", list(codes))
            }
            State::Changed => "the configuration was changed after that".to_owned(),
            State::Taken => match refused.iter().filter_map(|refused| refused.taken).max() {
                Some(at) => format!("the same hosts took mail since, on {}", time(log, at)),
                None => "the same hosts took mail since".to_owned(),
            },
        }
    }
}

/// Characters of a code that name its family.
const FAMILY: usize = 3;

/// What this run knows.
pub(super) struct Looked<'a> {
    /// The host.
    pub facts: &'a Facts,
    /// Its logs.
    pub log: &'a MailLog,
    /// What other rules found.
    pub judged: &'a Judged<'a>,
}

impl Looked<'_> {
    /// What a reply is worth today.
    pub(super) fn state(&self, refused: &Refused, spoken: &SpokenOf<'_>) -> State {
        let says = |code: &str| refused.rules.iter().any(|rule| *rule == code);
        let failed: BTreeSet<&'static str> = self.found(says, spoken, Verdict::Fail).collect();
        if !failed.is_empty() {
            return State::Confirms(failed);
        }
        if refused.taken.is_some() {
            return State::Taken;
        }
        let rules: BTreeSet<String> = refused.rules.iter().cloned().collect();
        let of_helo = !rules.is_empty() && rules.iter().all(|code| is_of_helo(code));
        let elsewhere = spoken.standing != Standing::OfPaths;
        let changed = if elsewhere && spoken.paths.is_empty() {
            // Any change may have taken the address out of use.
            last_change_of_any(self.facts, self.log)
        } else if of_helo {
            last_change(self.log, spoken.paths.iter().copied())
        } else {
            None
        };
        let changed = changed.is_some_and(|changed| refused.last < changed);
        // A HELO name that paths use is judged whatever address they have.
        if elsewhere && (!of_helo || spoken.paths.is_empty()) {
            let address = (spoken.standing, spoken.address);
            return if changed { State::Changed } else { State::Elsewhere(address) };
        }
        let known = |path: &&OutboundPath| !path.handed_over;
        let looked: BTreeSet<String> =
            rules.iter().filter(|code| self.judged.checked.contains(code.as_str())).cloned().collect();
        // Of a question without answer only one rule of a family speaks.
        let akin = |code: &str| refused.rules.iter().any(|rule| rule.get(..FAMILY) == code.get(..FAMILY));
        let open: BTreeSet<String> = self.found(akin, spoken, Verdict::Undetermined).map(str::to_owned).collect();
        let judged = !spoken.paths.is_empty() && spoken.paths.iter().all(known) && !looked.is_empty();
        match () {
            () if judged && looked == rules && open.is_empty() => State::Gone(rules),
            () if changed => State::Changed,
            () if !judged => State::NotLooked,
            () => State::Open(rules),
        }
    }

    /// The codes of such findings about the same address or path.
    fn found(
        &self,
        such: impl Fn(&str) -> bool,
        spoken: &SpokenOf<'_>,
        verdict: Verdict,
    ) -> impl Iterator<Item = &'static str> {
        let address = spoken.address.map(|address| address.to_string());
        let elsewhere = spoken.standing != Standing::OfPaths;
        let concerns = move |finding: &Finding| match &address {
            Some(address) if finding.subject == *address => true,
            // What is said of the address of a path says nothing of another.
            _ if elsewhere && !is_of_helo(finding.meta.code) => false,
            _ => finding.paths.iter().any(|id| spoken.paths.iter().any(|path| path.id == *id)),
        };
        let found = self.judged.findings.iter().filter(move |finding| finding.verdict == verdict);
        let found = found.filter(move |finding| such(finding.meta.code));
        found.filter(move |finding| concerns(finding)).map(|finding| finding.meta.code)
    }
}

/// Whether a rule judges the HELO name by itself, whatever address it is used with.
fn is_of_helo(code: &str) -> bool {
    code.starts_with("HLO")
}
