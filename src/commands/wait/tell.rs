//! What is told on the way: a line for each change, or an event.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::escape;
use crate::process;
use crate::wait::Round;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It is wrong by what is true.
    Wrong {
        /// The rule.
        code: &'static str,
        /// What it is about.
        subject: String,
        /// What is wrong.
        message: String,
        /// The questions that say so.
        questions: Vec<String>,
    },
    /// A resolver has an old copy.
    Behind {
        /// The question.
        question: String,
        /// The resolver.
        resolver: String,
        /// Seconds until it is asked again.
        seconds: u64,
    },
    /// No server of its zone answers.
    Unheard {
        /// The question.
        question: String,
        /// Seconds until it is asked again.
        seconds: u64,
    },
}

impl Told {
    /// Whether it is the same, whatever the time is.
    fn is_same(&self, other: &Told) -> bool {
        match (self, other) {
            (Told::Behind { .. }, Told::Behind { .. }) | (Told::Unheard { .. }, Told::Unheard { .. }) => true,
            (one, other) => one == other,
        }
    }

    fn value(&self, at: Timestamp) -> Value {
        match self {
            Told::Wrong { code, subject, message, questions } => {
                json!({"code": code, "subject": subject, "message": message, "questions": questions})
            }
            Told::Behind { question, resolver, seconds } => {
                json!({"question": question, "resolver": resolver, "until": text(later(at, *seconds))})
            }
            Told::Unheard { question, seconds } => {
                json!({"question": question, "until": text(later(at, *seconds))})
            }
        }
    }
}

/// Tells, in one of two forms.
pub(super) struct Teller<'t> {
    events: bool,
    tell: &'t mut dyn FnMut(&str),
    known: Option<BTreeMap<String, Told>>,
    source: usize,
    copies: usize,
    /// That resolvers are asked at intervals was said.
    polling: bool,
}

impl<'t> Teller<'t> {
    /// As events where `events`, else as lines.
    pub(super) fn new(events: bool, tell: &'t mut dyn FnMut(&str)) -> Teller<'t> {
        Teller { events, tell, known: None, source: 0, copies: 0, polling: false }
    }

    /// The waiting begins.
    pub(super) fn begins(&mut self, time: Duration, source: bool) {
        self.polling = !source;
        if self.events {
            return;
        }
        let now = process::now();
        self.line(&format!("waiting until {} at the latest", clock(later(now, time.as_secs()), now)));
        if !source {
            self.line(
                "no server of a zone is asked (--no-authoritative): resolvers are, at intervals of 60 s to 15 min",
            );
        }
    }

    /// Somebody was asked. `polls`: something is wrong of which no server of its zone can be asked.
    pub(super) fn asked(&mut self, round: &Round, polls: bool) {
        self.source += round.source.len();
        self.copies += round.copies.len();
        if self.events {
            let (source, resolvers) = (round.source.len(), round.copies.len());
            self.event("asked", json!({"source": source, "resolvers": resolvers, "polling": polls}));
        } else if polls && !self.polling {
            self.line("no server of a zone could be asked: resolvers are, at intervals of 60 s to 15 min");
        }
        self.polling |= polls;
    }

    /// The state is this now.
    pub(super) fn state(&mut self, now: &BTreeMap<String, Told>) {
        let at = process::now();
        match self.known.take() {
            None if self.events => {
                let (mut wrong, mut behind, mut unheard) = (Vec::new(), Vec::new(), Vec::new());
                for told in now.values() {
                    let place = match told {
                        Told::Wrong { .. } => &mut wrong,
                        Told::Behind { .. } => &mut behind,
                        Told::Unheard { .. } => &mut unheard,
                    };
                    place.push(told.value(at));
                }
                self.event("state", json!({"wrong": wrong, "behind": behind, "unheard": unheard}));
            }
            None if now.is_empty() => {}
            None => now.values().for_each(|told| self.line(&began(told, at))),
            Some(known) => {
                for (key, told) in now {
                    match known.get(key) {
                        Some(before) if before.is_same(told) => {}
                        _ if self.events => self.event("changed", json!({"now": told.value(at), "right": false})),
                        _ => self.line(&began(told, at)),
                    }
                }
                for (key, told) in known {
                    if now.contains_key(&key) {
                        continue;
                    }
                    match self.events {
                        true => self.event("changed", json!({"now": told.value(at), "right": true})),
                        false => self.line(&ended(&told)),
                    }
                }
            }
        }
        self.known = Some(now.clone());
    }

    /// It is over.
    pub(super) fn ends(&mut self, right: bool, because: &str, status: u8) {
        let (source, copies) = (self.source, self.copies);
        if self.events {
            let event = if right { "done" } else { "gave-up" };
            return self
                .event(event, json!({"because": because, "status": status, "source": source, "resolvers": copies}));
        }
        let word = if right { "done" } else { "gave up" };
        self.line(&format!("{word}: {because} ({source} questions to servers of zones, {copies} to resolvers)"));
    }

    fn line(&mut self, text: &str) {
        let now = process::now();
        (self.tell)(&format!("{}  {}\n", clock(now, now), escape::line(text)));
    }

    fn event(&mut self, event: &str, more: Value) {
        let mut object = json!({"event": event, "at": text(process::now())});
        if let (Value::Object(all), Value::Object(more)) = (&mut object, more) {
            all.extend(more);
        }
        // What is JSON already can be written.
        (self.tell)(&escape::json(&object, false).unwrap_or_default());
    }
}

fn began(told: &Told, at: Timestamp) -> String {
    match told {
        Told::Wrong { code, subject, message, questions } => {
            let about = if message.contains(subject.as_str()) { String::new() } else { format!("{subject}: ") };
            let by = if questions.is_empty() { String::new() } else { format!(" ({})", questions.join(", ")) };
            format!("wrong [{code}]: {about}{message}{by}")
        }
        Told::Behind { question, resolver, seconds } => {
            format!(
                "{resolver} still has another answer to {question}: asked again at {}",
                clock(later(at, *seconds), at)
            )
        }
        Told::Unheard { question, seconds } => {
            format!("no server of its zone answers {question}: asked again at {}", clock(later(at, *seconds), at))
        }
    }
}

fn ended(told: &Told) -> String {
    match told {
        Told::Wrong { code, subject, .. } => format!("right [{code}]: {subject}"),
        Told::Behind { question, resolver, .. } => format!("{resolver} agrees: {question}"),
        Told::Unheard { question, .. } => format!("answered, or not waited for any more: {question}"),
    }
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `22:15:43 UTC`, with the day where it is not that of `now`.
fn clock(at: Timestamp, now: Timestamp) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let time = at.strftime("%H:%M:%S UTC");
    if day(at) == day(now) { time.to_string() } else { format!("{} {time}", day(at)) }
}
