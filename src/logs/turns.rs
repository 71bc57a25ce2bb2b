//! Stamps without a year that go back by more than half a year: either a year began between two lines, and all before is older by a year than
//! it seemed; or a clock was wrong for some lines, as at a start before the time was set. After the first, lines go on day by day; after the
//! second they come forward at once.

/// How far stamps go back from one line to the next where a year begins, and forward where a clock is right again, in seconds: with less, logs
/// were put together in the order of their names.
const TURN: i64 = 180 * 86_400;
/// How long lines go on at least where a year began, in seconds: a clock is set sooner.
const GOES_ON: i64 = 86_400;

/// What a line means for those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// Stamps went back.
    Back,
    /// They came forward at once.
    Forth,
}

/// How stamps without a year went on.
#[derive(Debug, Default)]
pub(super) struct Turns {
    last: Option<i64>,
    /// Where they went back to.
    back: Option<i64>,
}

impl Turns {
    /// Goes on to a line of `at`. Of the lines `between`, which may be many, stamps are asked for where it matters.
    pub(super) fn on(&mut self, at: i64, between: impl Iterator<Item = i64>) -> Turn {
        let Some(last) = self.last.replace(at) else { return Turn::None };
        if at < last - TURN {
            self.back = Some(at);
            return Turn::Back;
        }
        if self.back.is_none() || at <= last + TURN {
            return Turn::None;
        }
        let mut before = last;
        let leaps = between.chain([at]).any(|at| std::mem::replace(&mut before, at) + TURN < at);
        if leaps {
            self.back = None;
            return Turn::Forth;
        }
        Turn::None
    }

    /// Whether stamps went back, and hardly on since.
    pub(super) fn have_just_turned(&self) -> bool {
        self.back.zip(self.last).is_some_and(|(back, last)| last - back < GOES_ON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    /// The turns of lines on these days, of which those in brackets are looked at only where it matters.
    fn turns(days: &[(i64, &[i64])]) -> (Vec<Turn>, bool) {
        let mut turns = Turns::default();
        let on = |(day, between): &(i64, &[i64])| turns.on(day * DAY, between.iter().map(|day| day * DAY));
        let found = days.iter().map(on).collect();
        (found, turns.have_just_turned())
    }

    #[test]
    fn a_year_that_began_and_a_clock_that_was_wrong() {
        use Turn::{Back, Forth, None};
        assert_eq!(turns(&[(1000, &[]), (1001, &[]), (970, &[]), (1100, &[])]), (vec![None; 4], false));
        assert_eq!(turns(&[(1000, &[]), (700, &[]), (1001, &[])]), (vec![None, Back, Forth], false));
        assert_eq!(turns(&[(1000, &[]), (700, &[]), (1001, &[800, 900])]), (vec![None, Back, None], false));
        assert_eq!(turns(&[(1000, &[]), (700, &[]), (1001, &[701])]), (vec![None, Back, Forth], false));
        assert_eq!(turns(&[(1000, &[]), (700, &[])]), (vec![None, Back], true));
        assert_eq!(turns(&[(1000, &[]), (700, &[]), (702, &[])]), (vec![None, Back, None], false));
        assert_eq!(turns(&[(1000, &[]), (700, &[]), (1000, &[]), (700, &[])]), (vec![None, Back, Forth, Back], true));
        assert_eq!(turns(&[(700, &[]), (1000, &[])]), (vec![None; 2], false), "a log may have a gap");
    }
}
