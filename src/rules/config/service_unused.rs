use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A client service is defined that nothing uses.
    ///
    /// ## Condition
    /// A client service of master.cf other than the stock `smtp`, `relay` and `lmtp`, or an smtp transport of Exim,
    /// is named by nothing that mail can take. Subject: the service.
    ///
    /// ## Why it matters
    /// No mail takes it as far as files can decide; its settings suggest an identity that receivers never see.
    ///
    /// ## Fix
    /// Remove the service, or name it where mail should take it.
    ///
    /// ## When to ignore
    /// Where something outside the files chooses it, such as a policy service or a database.
    pub static RULE = {
        code: "CFG012",
        name: "service-unused",
        severity: Info,
        refs: ["master(5)", "transport(5)", "Exim specification chapter 15"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::Unused { service } = &problem.kind else { continue };
        let finding = RULE
            .violated(service, problem.message.clone())
            .fix(Fix::new(Who::Host, format!("Remove `{service}`, or name it where mail should take it.")));
        findings.push(mark(finding, problem));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::assert_found;

    #[test]
    fn the_subject_is_the_service() {
        assert_found(&RULE, ProblemKind::Unused { service: "smtp-b".into() }, "info smtp-b");
    }
}
