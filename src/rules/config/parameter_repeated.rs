use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A parameter is set more than once with different values.
    ///
    /// ## Condition
    /// A parameter is set more than once in a file with different values. Subject: file and parameter.
    ///
    /// ## Why it matters
    /// One of the lines is dead. Postfix takes the last one and only logs a warning; Exim refuses an option that is set twice. Whoever
    /// edits the dead line wonders why nothing changes.
    ///
    /// ## Fix
    /// Leave the line that is meant and remove the others.
    ///
    /// ## When to ignore
    /// Where a generated file repeats a setting on purpose, the effective one last.
    pub static RULE = {
        code: "CFG002",
        name: "parameter-repeated",
        severity: Warning,
        refs: ["postconf(5)", "Exim specification chapter 6"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::Repeated { name } = &problem.kind else { continue };
        let finding = RULE.violated(format!("{}:{name}", problem.file), problem.message.clone()).fix(Fix::new(
            Who::Host,
            format!("Leave one setting of `{name}` in {} and remove the others.", problem.file),
        ));
        findings.push(mark(finding, problem));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::assert_found;

    #[test]
    fn the_subject_is_the_parameter() {
        assert_found(
            &RULE,
            ProblemKind::Repeated { name: "myhostname".into() },
            "warning /etc/postfix/main.cf:myhostname",
        );
    }
}
