//! What could not be read, or is not as its program wants it, and where.

use std::collections::HashMap;
use std::mem::Discriminant;

use serde::{Deserialize, Serialize};

use crate::facts::{Mta, Origin};

/// Something about a file that a rule of the families CFG and CPL reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind, hence which rule.
    pub kind: ProblemKind,
    /// Whose files it is about; `None`: the host's, or the panel's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta: Option<Mta>,
    /// The file concerned, as the host sees it.
    pub file: String,
    /// The place: in the file itself, or in the file that names it.
    pub origin: Option<Origin>,
    /// The whole sentence, in the program's words where it has some.
    pub message: String,
    /// Other places that belong to it, each with a label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<(Origin, String)>,
    /// What stands at the place and what was meant by it, where that can be guessed.
    #[serde(default, alias = "meant", skip_serializing_if = "Option::is_none")]
    pub correction: Option<(String, String)>,
}

/// The rule that a [`Problem`] belongs to, with what that rule needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// CFG001: the MTA, or one daemon of it, refuses.
    Syntax {
        /// Who refuses.
        mta: Mta,
        /// Whether it refuses its whole configuration.
        whole: bool,
    },
    /// CFG001, undetermined: a name that no listed release of the MTA knows, where it is not known which is installed.
    UnknownName {
        /// Whose configuration it is.
        mta: Mta,
    },
    /// CFG002: `name` is set more than once with different values.
    Repeated {
        /// The parameter.
        name: String,
    },
    /// CFG003: an identity parameter refers to `name`, which is not defined.
    Undefined {
        /// The name referred to.
        name: String,
    },
    /// CFG004: a file that identity depends on is missing or cannot be read.
    Unreadable {
        /// Whether it is merely undecided: a compiled table without its text.
        undecided: bool,
    },
    /// CFG004, undetermined: the system does not let helolint read a file.
    Denied,
    /// CFG004: an indexed table without its compiled form.
    Uncompiled {
        /// `type:path`, as postmap(1) takes it.
        table: String,
    },
    /// CFG011: an indented setting became part of the value above it.
    Swallowed,
    /// CFG012: a client service that nothing names.
    Unused {
        /// The service.
        service: String,
    },
    /// CFG013: an entry of master.cf stands twice.
    ServiceRepeated {
        /// `name/type`.
        service: String,
    },
    /// CFG009: what a generated configuration is made from is newer than it.
    NotGenerated,
    /// CFG010: a copy below the chroot differs from the real file.
    ChrootCopy,
    /// CFG021: a limit of helolint ended the reading, or an evaluation.
    Bounded,
    /// CPL006: a line of a cPanel map that its readers refuse, or read differently.
    MapLine,
    /// CPL008: the live Exim configuration fails where this map file is missing.
    MapMissing,
}

/// Problems of one kind in one file that are kept one by one, and places beside one problem: more than anybody reads, and more than a plan mends
/// line by line.
const OF_A_KIND: usize = 100;

impl ProblemKind {
    /// What problems are counted by: the rule and how grave it is, whatever the name in question.
    fn sort(&self) -> (Discriminant<ProblemKind>, bool) {
        let is_grave = match self {
            ProblemKind::Syntax { whole, .. } => *whole,
            ProblemKind::Unreadable { undecided } => !undecided,
            _ => false,
        };
        (std::mem::discriminant(self), is_grave)
    }
}

/// Keeps [`OF_A_KIND`] problems of each kind in each file, the first ones, and as many places beside each. The last that is kept says how many more
/// there are: a file may have a hundred thousand lines with the same fault.
pub(crate) fn bound_problems(problems: &mut Vec<Problem>) {
    for problem in problems.iter_mut() {
        let more = problem.related.len().saturating_sub(OF_A_KIND);
        if more > 0 {
            problem.related.truncate(OF_A_KIND);
            problem.related.shrink_to_fit();
            problem.message.push_str(&format!(". Further places that belong to it: {more}"));
        }
    }
    if problems.len() <= OF_A_KIND {
        return;
    }
    // By each file and kind: how many there are, and which is the last that is kept.
    let mut counts: HashMap<_, (usize, usize)> = HashMap::new();
    let mut kept = vec![true; problems.len()];
    for (at, problem) in problems.iter().enumerate() {
        let key = (problem.mta, problem.file.as_str(), problem.kind.sort());
        let (count, last) = counts.entry(key).or_default();
        *count += 1;
        match *count <= OF_A_KIND {
            true => *last = at,
            false => kept[at] = false,
        }
    }
    let more: Vec<(usize, usize)> =
        counts.into_values().filter(|(count, _)| *count > OF_A_KIND).map(|(count, last)| (last, count)).collect();
    for (last, count) in more {
        let text = format!(". Further places like this in this file: {}", count - OF_A_KIND);
        problems[last].message.push_str(&text);
    }
    let mut kept = kept.into_iter();
    problems.retain(|_| kept.next().unwrap_or(true));
    problems.shrink_to_fit();
}

impl Problem {
    /// A problem of `kind` at a place in a file.
    pub fn at(kind: ProblemKind, origin: Origin, message: impl Into<String>) -> Problem {
        let file = origin.span().map_or_else(String::new, |span| span.path().to_owned());
        Problem {
            kind,
            mta: None,
            file,
            origin: Some(origin),
            message: message.into(),
            related: Vec::new(),
            correction: None,
        }
    }

    /// A problem with a file as a whole; `named_by` is the place that leads to it.
    pub fn of_file(kind: ProblemKind, file: &str, named_by: Option<Origin>, message: impl Into<String>) -> Problem {
        Problem {
            kind,
            mta: None,
            file: file.to_owned(),
            origin: named_by,
            message: message.into(),
            related: Vec::new(),
            correction: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn of_many_problems_of_a_kind_the_first_are_kept_and_the_others_counted() {
        let file = SourceFile::new("/etc/postfix/main.cf", "x\n".repeat(1000));
        let at = |line: usize| Origin::File(file.span(2 * line, 2 * line + 1));
        let whole = |whole| ProblemKind::Syntax { mta: Mta::Postfix, whole };
        let mut all: Vec<Problem> = (0..250).map(|line| Problem::at(ProblemKind::Swallowed, at(line), "in")).collect();
        all.extend((0..OF_A_KIND).map(|line| Problem::at(whole(false), at(line), "a daemon")));
        all.push(Problem::at(whole(true), at(999), "all"));
        all[0].related = (0..130).map(|line| (at(line), String::new())).collect();
        bound_problems(&mut all);
        let of = |kind: &ProblemKind| all.iter().filter(|problem| problem.kind == *kind).collect::<Vec<_>>();
        let swallowed = of(&ProblemKind::Swallowed);
        assert_eq!((swallowed.len(), of(&whole(false)).len(), of(&whole(true)).len()), (OF_A_KIND, OF_A_KIND, 1));
        assert_eq!(swallowed[0].message, "in. Further places that belong to it: 30");
        assert_eq!((swallowed[0].related.len(), swallowed[1].message.as_str()), (OF_A_KIND, "in"));
        assert_eq!(swallowed[OF_A_KIND - 1].message, "in. Further places like this in this file: 150");
        assert_eq!(of(&whole(false))[OF_A_KIND - 1].message, "a daemon");
    }
}
