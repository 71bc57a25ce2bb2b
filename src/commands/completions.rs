//! `helolint completions`: words for a shell to complete.

use crate::cli::CompletionsArgs;

/// Runs the command; the value is its text.
pub(crate) fn run(args: &CompletionsArgs) -> String {
    args.render()
}
