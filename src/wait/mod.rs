//! When which server is asked again, until all agree: a state machine without clock and network.
//!
//! The servers of a zone come first. While a record is wrong there, no resolver is asked for it: the question itself would make the resolver
//! keep the wrong answer, or the absence. Once it is right, each resolver is asked once, and again when the copy that it still has can have
//! expired. Nothing is asked in between. Who does not answer is tried again for a while and is no evidence of anything.

mod schedule;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::observe::Question;

pub use schedule::Timing;

/// Questions to the servers of zones that are due within this time of each other go out together.
const TOGETHER: Duration = Duration::from_secs(2);

/// A time since the waiting began.
pub type Elapsed = Duration;

/// What was heard of one question.
#[derive(Debug, Clone)]
pub struct RoundAnswer {
    /// The question.
    pub question: Question,
    /// Something that is waited for is wrong by what is true of it.
    pub wrong: bool,
    /// What the servers of its zone did.
    pub source: SourceAnswer,
    /// What each resolver did, by its number.
    pub copies: BTreeMap<usize, CopyAnswer>,
}

/// What the servers of a zone did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceAnswer {
    /// One of them answered.
    Answered,
    /// They were not reached.
    Silent,
    /// All that replied refuse the zone: its delegation is dead.
    Refusing,
    /// There is none, or none is to be asked.
    Absent,
}

/// What a resolver did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyAnswer {
    /// It says what is true.
    Agrees,
    /// It says something else, and may keep that for so long.
    Differs(Option<Duration>),
    /// It says something else, and always will: it does not have that from the zone.
    Apart,
    /// No answer.
    Unanswered,
}

/// Whom to put which questions to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Questions for the servers of their zones.
    pub source: BTreeSet<Question>,
    /// Questions for resolvers, with their numbers.
    pub copies: BTreeSet<(Question, usize)>,
}

impl Round {
    /// Whether nobody is asked.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty() && self.copies.is_empty()
    }
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask.
    Ask(Round),
    /// Nothing until then.
    Sleep(Elapsed),
    /// The waiting is over.
    End(End),
}

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All that could be heard is right.
    Right,
    /// The time is up.
    TimeUp,
    /// No waiting can help.
    Helpless,
}

/// Where one question stands.
#[derive(Debug, Clone)]
struct Item {
    source: Source,
    copies: BTreeMap<usize, Copy>,
}

impl Item {
    /// Whether it is right, for all that could be heard.
    fn is_settled(&self) -> bool {
        !matches!(self.source, Source::Dead | Source::Absent { wrong: true })
    }
}

/// What is known of a question at its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// To be asked at this time; it is wrong, or was not reached so often.
    Due { at: Elapsed, silent: u32, refused: u32 },
    /// Right.
    Right,
    /// Dead: nothing changes by itself.
    Dead,
    /// There is no source to ask: resolvers are all there is.
    Absent { wrong: bool },
}

/// What is known of a resolver's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copy {
    /// To be asked at this time; it had another answer, or was not reached so often.
    Due { at: Elapsed, silent: u32, differs: bool },
    /// It agrees.
    Right,
    /// It is not waited for: it never agrees, or never answers.
    Left,
}

/// The waiting.
#[derive(Debug)]
pub struct Wait {
    timing: Timing,
    resolvers: usize,
    end: Elapsed,
    items: BTreeMap<Question, Item>,
}

impl Wait {
    /// For so many resolvers, until `end` at the latest; without `source`, resolvers alone are asked.
    pub fn new(
        questions: impl IntoIterator<Item = Question>,
        resolvers: usize,
        source: bool,
        end: Elapsed,
        timing: Timing,
    ) -> Wait {
        let mut wait = Wait { timing, resolvers, end, items: BTreeMap::new() };
        for question in questions {
            let item = wait.item(source, Elapsed::ZERO);
            wait.items.insert(question, item);
        }
        wait
    }

    fn item(&self, source: bool, now: Elapsed) -> Item {
        let source = match source {
            true => Source::Due { at: now, silent: 0, refused: 0 },
            false => Source::Absent { wrong: true },
        };
        let copies = (0..self.resolvers).map(|number| (number, Copy::Due { at: now, silent: 0, differs: false }));
        Item { source, copies: copies.collect() }
    }

    /// What to do at `now`.
    pub fn next(&self, now: Elapsed) -> Next {
        let mut round = Round::default();
        let mut soonest: Option<Elapsed> = None;
        let mut sooner = |at: Elapsed| soonest = Some(soonest.map_or(at, |known| known.min(at)));
        // What is due nearly at once is asked at once.
        let due = self.items.values().any(|item| matches!(item.source, Source::Due { at, .. } if at <= now));
        let together = if due { now + TOGETHER } else { now };
        for (question, item) in &self.items {
            match item.source {
                Source::Due { at, .. } if at <= together => {
                    round.source.insert(question.clone());
                }
                Source::Due { at, .. } => sooner(at),
                Source::Dead => {}
                Source::Right | Source::Absent { .. } => {
                    for (number, copy) in &item.copies {
                        match copy {
                            Copy::Due { at, .. } if *at <= now => {
                                round.copies.insert((question.clone(), *number));
                            }

                            Copy::Due { at, .. } => sooner(*at),
                            Copy::Right | Copy::Left => {}
                        }
                    }
                }
            }
        }
        let over = now >= self.end;
        match (round.is_empty(), soonest) {
            (false, _) if !over => Next::Ask(round),
            (true, None) if self.items.values().all(Item::is_settled) => Next::End(End::Right),
            (true, None) => Next::End(End::Helpless),
            _ if over => Next::End(End::TimeUp),
            (true, Some(at)) => Next::Sleep(at.min(self.end)),
            (false, _) => Next::End(End::TimeUp),
        }
    }

    /// Takes in what was heard at `now`. Questions that are new come from answers.
    pub fn record(&mut self, now: Elapsed, all: &[RoundAnswer], asked: &Round) {
        for heard in all {
            let source = heard.source != SourceAnswer::Absent;
            let fresh = self.item(source, now);
            let known = self.items.contains_key(&heard.question);
            let item = self.items.entry(heard.question.clone()).or_insert(fresh);
            // What follows from an answer is put to its source in the same round.
            let source_asked = !known || asked.source.contains(&heard.question);
            item.source = self.timing.source(item.source, now, heard, source_asked);
            let polled = matches!(item.source, Source::Absent { wrong: true });
            for (number, copy) in &mut item.copies {
                let Some(said) = heard.copies.get(number) else { continue };
                if asked.copies.contains(&(heard.question.clone(), *number)) {
                    *copy = self.timing.copy(*copy, now, *said, polled);
                }
            }
        }
    }

    /// Questions that are wrong at their source or were not heard there, and those whose delegation is dead.
    pub fn at_source(&self) -> (BTreeSet<&Question>, BTreeSet<&Question>) {
        let with = |fits: &dyn Fn(Source) -> bool| {
            self.items.iter().filter(|(_, item)| fits(item.source)).map(|(question, _)| question).collect()
        };
        let open = with(&|source| matches!(source, Source::Due { .. } | Source::Absent { wrong: true }));
        (open, with(&|source| source == Source::Dead))
    }

    /// Resolvers' copies that differed and are asked again, with the time.
    pub fn behind(&self) -> Vec<(&Question, usize, Elapsed)> {
        let mut all = Vec::new();
        for (question, item) in &self.items {
            for (number, copy) in &item.copies {
                if let Copy::Due { at, differs: true, .. } = copy {
                    all.push((question, *number, *at));
                }
            }
        }
        all
    }

    /// Questions that no server of their zone has answered yet, and that are put again, with the time.
    pub fn unheard(&self) -> Vec<(&Question, Elapsed)> {
        let open = self.items.iter().filter_map(|(question, item)| match item.source {
            Source::Due { at, silent, refused } if silent + refused > 0 => Some((question, at)),
            _ => None,
        });
        open.collect()
    }

    /// Whether something is wrong of which no server of its zone can be asked: resolvers are asked for it at intervals.
    pub fn polls(&self) -> bool {
        self.items.values().any(|item| matches!(item.source, Source::Absent { wrong: true }))
    }
}
