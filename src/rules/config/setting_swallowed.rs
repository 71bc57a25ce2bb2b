use super::problem::{line, mark};
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// An indented setting became part of the one above it.
    ///
    /// ## Condition
    /// In main.cf, an indented line of the form `name = value`, whose name Postfix knows, became part of the setting
    /// above it, with or without comments between them. Subject: file and line of the indented line.
    ///
    /// ## Why it matters
    /// In main.cf a line that begins with white space continues the one above, comments between them or not (postconf(5)): the setting on
    /// it is never made, and the one above has a value that nobody meant.
    ///
    /// ## Fix
    /// Remove the white space at the start of the line.
    ///
    /// ## When to ignore
    /// Where the text belongs to the value above.
    pub static RULE = {
        code: "CFG011",
        name: "setting-swallowed",
        severity: Warning,
        refs: ["postconf(5)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::Swallowed = &problem.kind else { continue };
        let fix =
            Fix::new(Who::Host, format!("Remove the white space at the start of {}, then reload.", line(problem)));
        let finding = RULE.violated(line(problem), problem.message.clone()).fix(fix.command("postfix reload"));
        findings.push(mark(finding, problem));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::assert_found;

    #[test]
    fn the_subject_is_the_line() {
        assert_found(&RULE, ProblemKind::Swallowed, "warning /etc/postfix/main.cf:3");
    }
}
