//! What a server copes with: EDNS (RFC 6891), and names whose letters come in random case (0x20).
//!
//! One reply decides nothing, for it may be a stranger's: who guesses the id and the port of one question must not take from all others what
//! makes theirs hard to guess. A question that comes back is put once more, under another id; when it comes back again, it is put without.
//! If that is answered, the server is asked without for a while, and then one question shows whether it still has to be.

use std::time::Duration;

use tokio::time::Instant;

use crate::observe::resolver::wire::QueryOptions;

/// How long a server is asked without.
const WITHOUT_FOR: Duration = Duration::from_secs(60);
/// Questions that it is asked without.
const WITHOUT: u32 = 1_000;

/// How often a question came back with which something was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Refused {
    /// Never.
    #[default]
    Never,
    /// Once: it is put once more as it was.
    Once,
    /// So often that it is put without.
    Confirmed,
}

/// How one question has fared so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Course {
    edns: Refused,
    cased: Refused,
}

/// One thing that servers may not cope with.
#[derive(Debug, Default)]
struct Means {
    /// Since when it is left out, and how many questions were put without.
    without: Option<(Instant, u32)>,
}

impl Means {
    /// Whether a question has it.
    fn is_used(&mut self, refused: Refused, now: Instant) -> bool {
        match (refused, &mut self.without) {
            (Refused::Confirmed, _) => false,
            (Refused::Once, _) | (Refused::Never, None) => true,
            (Refused::Never, Some((since, questions))) => {
                let is_over = now.duration_since(*since) >= WITHOUT_FOR || *questions >= WITHOUT;
                (*since, *questions) = if is_over { (now, 0) } else { (*since, *questions + 1) };
                is_over
            }
        }
    }

    /// A question that has it came back.
    fn refused(&self, before: Refused) -> Refused {
        match (before, self.without) {
            (Refused::Never, None) => Refused::Once,
            _ => Refused::Confirmed,
        }
    }

    /// A question was answered, which had it or not.
    fn answered(&mut self, refused: Refused, used: bool, now: Instant) {
        if used {
            self.without = None;
        } else if refused == Refused::Confirmed {
            self.without.get_or_insert((now, 0));
        }
    }
}

/// What one server copes with, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    edns: Means,
    cased: Means,
}

impl Dialect {
    /// How a question is put.
    pub(super) fn query(&mut self, course: Course, recurse: bool, now: Instant) -> QueryOptions {
        let (edns, cased) = (self.edns.is_used(course.edns, now), self.cased.is_used(course.cased, now));
        QueryOptions { recurse, edns, cased }
    }

    /// A question came back with a reply as of a server that does not know EDNS.
    pub(super) fn no_edns(&self, course: Course) -> Course {
        Course { edns: self.edns.refused(course.edns), ..course }
    }

    /// A question came back with its letters in another case.
    pub(super) fn case_lost(&self, course: Course) -> Course {
        Course { cased: self.cased.refused(course.cased), ..course }
    }

    /// A question was answered, which had EDNS and random case or not.
    pub(super) fn understood(&mut self, course: Course, (edns, cased): (bool, bool), now: Instant) {
        self.edns.answered(course.edns, edns, now);
        self.cased.answered(course.cased, cased, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts a question as an old server has it, which refuses EDNS; how often it was put.
    fn ask_old(dialect: &mut Dialect, now: Instant) -> usize {
        let mut course = Course::default();
        for packets in 1.. {
            let query = dialect.query(course, true, now);
            if !query.edns {
                dialect.understood(course, (query.edns, query.cased), now);
                return packets;
            }
            course = dialect.no_edns(course);
        }
        0
    }

    #[test]
    fn one_reply_changes_nothing_and_two_of_one_question_hold_for_a_while() {
        let start = Instant::now();
        let mut dialect = Dialect::default();
        let new = Course::default();
        for _ in 0..10 {
            let course = dialect.case_lost(dialect.no_edns(new));
            let query = dialect.query(course, true, start);
            assert!(query.edns && query.cased, "the question itself is put once more as it was");
            dialect.understood(course, (true, true), start);
            let query = dialect.query(new, true, start);
            assert!(query.edns && query.cased, "and so are others");
        }
        // Who forges two does not take it from others, as long as the server answers these.
        let course = dialect.no_edns(dialect.no_edns(new));
        assert!(!dialect.query(course, true, start).edns);
        assert!(dialect.query(new, true, start).edns);
        dialect.understood(new, (true, true), start);
        assert_eq!(ask_old(&mut dialect, start), 3);
        assert_eq!(ask_old(&mut dialect, start), 1);
        assert!(dialect.query(new, true, start).cased, "one is not the other");
        // Its trial, when the time is over, costs one packet.
        let later = start + WITHOUT_FOR;
        assert_eq!(ask_old(&mut dialect, later), 2);
        assert_eq!(ask_old(&mut dialect, later), 1);
        let packets: usize = (0..WITHOUT + 1).map(|_| ask_old(&mut dialect, later)).sum();
        assert_eq!(packets, WITHOUT as usize + 2);
        // It has learned EDNS meanwhile.
        let later = later + WITHOUT_FOR;
        let query = dialect.query(new, true, later);
        assert!(query.edns);
        dialect.understood(new, (query.edns, query.cased), later);
        assert!(dialect.query(new, true, later).edns);
    }
}
