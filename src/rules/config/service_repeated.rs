use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// An entry of master.cf stands twice.
    ///
    /// ## Condition
    /// An entry of master.cf stands twice; the last one counts, whole. Subject: file, name and type.
    ///
    /// ## Why it matters
    /// Postfix takes the last one, whole: options that only the first has are not in force.
    ///
    /// ## Fix
    /// Leave one entry, with the options of both that are meant.
    ///
    /// ## When to ignore
    /// Never: the first entry is dead.
    pub static RULE = {
        code: "CFG013",
        name: "service-repeated",
        severity: Warning,
        refs: ["master(5)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::ServiceRepeated { service } = &problem.kind else { continue };
        let finding = RULE.violated(format!("{}:{service}", problem.file), problem.message.clone()).fix(
            Fix::new(Who::Host, format!("Leave one entry of `{service}` in {}.", problem.file))
                .command("postfix reload"),
        );
        findings.push(mark(finding, problem));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::assert_found;

    #[test]
    fn the_subject_is_the_entry() {
        assert_found(
            &RULE,
            ProblemKind::ServiceRepeated { service: "smtp/unix".into() },
            "warning /etc/postfix/main.cf:smtp/unix",
        );
    }
}
