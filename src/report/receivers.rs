//! What receivers will do, put into the report.

use crate::receivers::Opinion;
use crate::report::{ReceiverView, Report};

impl Report {
    /// The report with what receivers will do with each path, in the order of the facts' paths.
    pub fn with_receivers(mut self, opinions: Vec<Vec<Opinion>>) -> Report {
        for (path, opinions) in self.paths.iter_mut().zip(opinions) {
            path.receivers = opinions.into_iter().map(view).collect();
        }
        self
    }
}

fn view(opinion: Opinion) -> ReceiverView {
    ReceiverView {
        receiver: opinion.receiver,
        verdict: opinion.verdict.to_string(),
        because: opinion.because,
        name: opinion.name,
        basis: opinion.basis.to_string(),
        reply_basis: opinion.reply.as_ref().map(|reply| reply.basis.to_string()),
        reply: opinion.reply.map(|reply| reply.text),
    }
}
