use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::{Finding, Meta};
use crate::rules::{Context, rule};

rule! {
    /// A limit of helolint ended the reading or the evaluation.
    ///
    /// ## Condition
    /// A file, a map or an evaluation takes more than helolint reads, keeps or works: it says which limit ended it and what is
    /// therefore not known. Or judging takes longer than helolint gives it: it says which rules were not checked. Always
    /// undetermined. Subject: the file or setting; `judging`.
    ///
    /// ## Why it matters
    /// helolint runs as root over files that others may write, so what any of them can cost it is bounded. What lies beyond a limit
    /// was not looked at, and nothing is said of it: neither that it is right nor that it is missing.
    ///
    /// ## Fix
    /// Look whether the file is meant to be that large: a loop of includes, a macro made of macros, or a map that a program fills
    /// without end. The MTA itself spends that work for each message, or each time that it starts.
    ///
    /// ## When to ignore
    /// Where the file is as large as it has to be; what it says is not checked then.
    pub static RULE = {
        code: "CFG021",
        name: "reading-bounded",
        severity: Error,
        refs: ["Exim specification chapter 6", "postconf(5)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let bounded = cx.facts.problems.iter().filter(|problem| problem.kind == ProblemKind::Bounded);
    bounded.map(|problem| mark(RULE.undetermined(&problem.file, problem.message.clone()), problem)).collect()
}

/// What is to be said where the time was up before these rules were judged by.
pub(crate) fn late(rules: &[&Meta]) -> Option<Finding> {
    let codes: Vec<&str> = rules.iter().map(|meta| meta.code).collect();
    let message = format!(
        "the time for judging was up, and these rules were not checked: {}. Run helolint again where the machine has less to do",
        codes.join(", ")
    );
    (!codes.is_empty()).then(|| RULE.undetermined("judging", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::assert_found;

    #[test]
    fn what_was_cut_off_is_undetermined() {
        assert_found(&RULE, ProblemKind::Bounded, "error? /etc/postfix/main.cf");
    }
}
