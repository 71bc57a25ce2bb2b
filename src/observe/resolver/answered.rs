//! What a stream hands to whoever puts its questions.

use crate::observe::{Observations, Question, Reply};

/// What was said to some questions.
pub(crate) type AnsweredQuestions = Vec<(Question, Answered)>;

/// What was said to a question.
#[derive(Debug)]
pub(crate) enum Answered {
    /// By the one resolver that is asked.
    Reply(Reply),
    /// By the resolvers that are asked, numbered as they are.
    Replies(Vec<Reply>),
    /// By others too.
    All(Box<Observations>),
}
