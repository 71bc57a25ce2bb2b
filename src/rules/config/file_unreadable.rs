use super::problem::mark;
use crate::facts::{Facts, ProblemKind};
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::Observations;
use crate::rules::rule;

rule! {
    /// A file that the identity depends on is missing or cannot be read.
    ///
    /// ## Why it matters
    /// An MTA that cannot read a file that its configuration includes or looks up defers mail or refuses to start; and what the file
    /// says about names and addresses could not be judged.
    ///
    /// ## Fix
    /// Put the file back, correct its permissions, or remove the reference. An indexed table needs its compiled form: `postmap` makes it.
    ///
    /// ## When to ignore
    /// Where the file is made at start-up, on a host that is not running.
    pub static RULE = {
        code: "CFG004",
        name: "file-unreadable",
        severity: Error,
        refs: ["postmap(1)", "Exim specification chapter 9"],
        needs_dns: false,
        check: check,
    };
}

fn check(facts: &Facts, _: &Observations) -> Vec<Finding> {
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::Unreadable { undecided } = problem.kind else { continue };
        let file = &problem.file;
        let finding = if undecided {
            RULE.undetermined(file, problem.message.clone())
        } else {
            let text = format!("Put {file} back, correct its permissions, or remove what refers to it.");
            RULE.violated(file, problem.message.clone()).fix(Fix::new(Who::Host, text))
        };
        findings.push(mark(finding, problem));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Problem;
    use crate::rules::config::problem::place;
    use crate::rules::testing::{But, check_table, dns, healthy};

    #[test]
    fn the_subject_is_the_file() {
        let origin = place("/etc/postfix/main.cf", 3);
        let problem = Problem::at(ProblemKind::Unreadable { undecided: false }, origin, "what the program says");
        let facts = healthy().but(|f| f.problems = vec![problem]);
        let kind = ProblemKind::Unreadable { undecided: true };
        let undecided = Problem::of_file(kind, "/etc/postfix/sender.db", None, "compiled, without its text");
        let undecided = healthy().but(|f| f.problems = vec![undecided]);
        check_table(
            &RULE,
            vec![
                ("nothing wrong", healthy(), dns(&[]), &[]),
                ("undecided", undecided, dns(&[]), &["error? /etc/postfix/sender.db"]),
                ("wrong", facts, dns(&[]), &["error /etc/postfix/main.cf"]),
            ],
        );
    }
}
