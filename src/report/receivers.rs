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
        verdict: opinion.verdict,
        because: opinion.because,
        name: opinion.name,
        basis: opinion.basis,
        reply_basis: opinion.reply.as_ref().map(|reply| reply.basis),
        reply: opinion.reply.map(|reply| reply.text),
    }
}

#[cfg(test)]
mod tests {
    use crate::receivers::{Basis, Opinion, ReplyText, Verdict};
    use crate::report::sample;

    #[test]
    fn the_keys_are_the_contracts() {
        let opinion = Opinion {
            receiver: "gmail".into(),
            name: "Gmail".into(),
            verdict: Verdict::Reject,
            because: "wants a PTR name".into(),
            reply: Some(ReplyText { text: "550".into(), basis: Basis::Reported }),
            basis: Basis::SourceCode,
        };
        let report = sample::report("").with_receivers(vec![vec![opinion]]);
        let expected = serde_json::json!([{
            "receiver": "gmail", "verdict": "reject", "because": "wants a PTR name", "name": "Gmail",
            "basis": "source code", "reply": "550", "reply_basis": "reported",
        }]);
        assert_eq!(serde_json::to_value(&report.paths[0].receivers).unwrap(), expected);
        assert!(report.paths[1].receivers.is_empty());
    }
}
