//! Complaints about the lines of one file.

use crate::facts::{Origin, Problem, ProblemKind};
use crate::source::Span;

/// Lines of one file that are reported one by one; of more, only the number is said.
const COMPLAINT_LIMIT: usize = 20;

/// The complaints about one file.
pub(super) struct Complaints<'a> {
    problems: &'a mut Vec<Problem>,
    count: usize,
}

impl<'a> Complaints<'a> {
    pub(super) fn new(problems: &'a mut Vec<Problem>) -> Complaints<'a> {
        Complaints { problems, count: 0 }
    }

    /// Complains of the place `span`.
    pub(super) fn add(&mut self, span: &Span, message: impl Into<String>) {
        self.add_related(span, message, Vec::new());
    }

    pub(super) fn add_related(&mut self, span: &Span, message: impl Into<String>, related: Vec<(Origin, String)>) {
        self.count += 1;
        if self.count <= COMPLAINT_LIMIT {
            let problem = Problem::at(ProblemKind::MapLine, Origin::File(span.clone()), message);
            self.problems.push(Problem { related, ..problem });
        }
    }
}

impl Drop for Complaints<'_> {
    /// The last line reported speaks for those that are not.
    fn drop(&mut self) {
        let more = self.count.saturating_sub(COMPLAINT_LIMIT);
        if let (1.., Some(last)) = (more, self.problems.last_mut()) {
            last.message.push_str(&format!(". Further faulty lines in this file: {more}"));
        }
    }
}

/// The beginning of a text, for messages.
pub(super) fn excerpt(text: &str) -> String {
    const LIMIT: usize = 80;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
