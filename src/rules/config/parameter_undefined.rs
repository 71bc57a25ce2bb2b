use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// An identity parameter refers to a name that is not defined.
    ///
    /// ## Condition
    /// A parameter of the identity refers to a name that is not defined. Subject: the name.
    ///
    /// ## Why it matters
    /// Postfix puts nothing in its place and goes on: a HELO name or a source address becomes empty or half. Exim sends the word as
    /// it stands.
    ///
    /// ## Fix
    /// Define the name, or correct the reference.
    ///
    /// ## When to ignore
    /// Where the name is given on the command line of the daemon.
    pub static RULE = {
        code: "CFG003",
        name: "parameter-undefined",
        severity: Warning,
        refs: ["postconf(5)", "Exim specification section 6.4"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::Undefined { name } = &problem.kind else { continue };
        let finding = RULE
            .violated(name, problem.message.clone())
            .fix(Fix::new(Who::Host, format!("Define `{name}`, or correct the reference to it.")));
        findings.push(mark(finding, problem));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::assert_found;

    #[test]
    fn the_subject_is_the_name() {
        assert_found(&RULE, ProblemKind::Undefined { name: "mydomian".into() }, "warning mydomian");
    }
}
