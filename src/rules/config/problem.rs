//! From what could not be read, or is not as its program wants it, to findings.

use crate::facts::{Mta, Problem, ProblemKind};
use crate::findings::Finding;

/// The finding with the problem's place and all that belongs to it.
pub(super) fn mark(mut finding: Finding, problem: &Problem) -> Finding {
    if let Some(origin) = &problem.origin {
        finding = finding.place(origin, label(&problem.kind));
    }
    for (origin, label) in &problem.related {
        finding = finding.place(origin, label.clone());
    }
    finding
}

/// What the place itself is, where the places beside it have labels.
fn label(kind: &ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Repeated { .. } => "this one counts",
        ProblemKind::ServiceRepeated { .. } => "this one has no effect",
        ProblemKind::Swallowed => "part of the value above",
        _ => "",
    }
}

/// The subject `file:line`; the file alone where no line is known.
pub(super) fn line(problem: &Problem) -> String {
    match &problem.origin {
        Some(origin) if origin.span().is_some() => origin.describe(),
        _ => problem.file.clone(),
    }
}

/// The command by which an MTA reads its configuration and says what is wrong.
pub(super) fn test_command(mta: Mta) -> &'static str {
    match mta {
        Mta::Postfix => "postfix check",
        Mta::Exim => "exim -bV",
    }
}

/// For tests: a place in a file.
#[cfg(test)]
pub(super) fn place(file: &str, line: usize) -> crate::facts::Origin {
    let excerpt = serde_json::json!({
        "file": file, "line": line, "column": 1, "end_column": 2, "text": "x", "text_column": 1,
    });
    serde_json::from_value(excerpt).unwrap()
}

/// For tests: a rule finds this where line 3 of main.cf has a problem of the kind, and nothing on a host without problems.
#[cfg(test)]
pub(super) fn assert_found(rule: &crate::rules::Rule, kind: ProblemKind, expected: &str) {
    use crate::rules::testing::{But, check_table, dns, healthy};
    let problem = Problem::at(kind, place("/etc/postfix/main.cf", 3), "what the program says");
    let facts = healthy().but(|f| f.problems = vec![problem]);
    check_table(rule, vec![("nothing wrong", healthy(), dns(&[]), &[]), ("wrong", facts, dns(&[]), &[expected])]);
}
