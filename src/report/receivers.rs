//! What receivers will do, put into the report.

use std::sync::Arc;

use crate::receivers::Opinion;
use crate::report::{ReceiverView, Report};

/// Different sets of opinions that are remembered, so that paths of one kind share them.
const KINDS: usize = 32;

impl Report {
    /// The report with what receivers will do with each path, in the order of the facts' paths.
    pub fn with_receivers(mut self, opinions: impl IntoIterator<Item = Vec<Opinion>>) -> Report {
        let mut kinds: Vec<Arc<[ReceiverView]>> = Vec::new();
        for (path, opinions) in self.paths.iter_mut().zip(opinions) {
            let views: Vec<ReceiverView> = opinions.into_iter().map(view).collect();
            path.receivers = match kinds.iter().find(|kind| kind[..] == views[..]) {
                Some(kind) => Arc::clone(kind),
                None => {
                    let kind = Arc::from(views);
                    if kinds.len() < KINDS {
                        kinds.push(Arc::clone(&kind));
                    }
                    kind
                }
            };
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
    use std::sync::Arc;

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

    #[test]
    fn paths_of_one_kind_share_what_is_said_of_them() {
        let opinion = |name: &str| Opinion {
            receiver: name.into(),
            name: name.into(),
            verdict: Verdict::Accept,
            because: "all agree\u{202e}".into(),
            reply: None,
            basis: Basis::SourceCode,
        };
        let said = |names: [&str; 2]| names.map(|name| vec![opinion(name)]);
        let same = sample::report("").with_receivers(said(["a", "a"]));
        assert!(Arc::ptr_eq(&same.paths[0].receivers, &same.paths[1].receivers));
        let other = sample::report("").with_receivers(said(["a", "b"]));
        assert_eq!(other.paths.iter().map(|path| path.receivers[0].name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let harmless = same.sanitized();
        assert!(harmless.paths.iter().all(|path| path.receivers[0].because == "all agree\\u{202e}"));
    }
}
