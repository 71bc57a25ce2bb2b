use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};
use crate::shell;

rule! {
    /// A file that the identity depends on is missing or cannot be read.
    ///
    /// ## Condition
    /// A file that the identity depends on, included or named, is missing or cannot be read. An indexed table without
    /// its compiled form counts. Subject: the file.
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
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let file = &problem.file;
        let violated = |fix| RULE.violated(file, problem.message.clone()).fix(fix);
        let finding = match &problem.kind {
            ProblemKind::Unreadable { undecided: true } => RULE.undetermined(file, problem.message.clone()),
            ProblemKind::Denied => RULE.undetermined(file, problem.message.clone()).fix(Fix::new(
                Who::Host,
                "Run helolint as root: not every user may read all of this host's configuration.",
            )),
            ProblemKind::Unreadable { undecided: false } => {
                let text = format!("Put {file} back, correct its permissions, or remove what refers to it.");
                violated(Fix::new(Who::Host, text))
            }
            ProblemKind::Uncompiled { table } => {
                let fix = Fix::new(Who::Host, format!("Make the compiled form of {file}, which Postfix reads."));
                violated(fix.command(format!("postmap {}", shell::word(table))))
            }
            _ => continue,
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
    use crate::rules::testing::{But, check_table, dns, findings, healthy};

    #[test]
    fn the_subject_is_the_file() {
        let origin = place("/etc/postfix/main.cf", 3);
        let problem = Problem::at(ProblemKind::Unreadable { undecided: false }, origin, "what the program says");
        let facts = healthy().but(|f| f.problems = vec![problem]);
        let kind = ProblemKind::Unreadable { undecided: true };
        let undecided = Problem::of_file(kind, "/etc/postfix/sender.db", None, "compiled, without its text");
        let undecided = healthy().but(|f| f.problems = vec![undecided]);
        let kind = ProblemKind::Uncompiled { table: "hash:/etc/postfix/sender".into() };
        let uncompiled = Problem::of_file(kind, "/etc/postfix/sender", None, "without its compiled form");
        let uncompiled = healthy().but(|f| f.problems = vec![uncompiled]);
        let findings = findings(&RULE, &uncompiled, &dns(&[]));
        assert_eq!(findings[0].fix.as_ref().unwrap().commands, ["postmap hash:/etc/postfix/sender"]);
        let words = "/etc/postfix/main.cf: permission denied: what Postfix does cannot be said";
        let denied = Problem::of_file(ProblemKind::Denied, "/etc/postfix/main.cf", None, words);
        let denied = healthy().but(|f| f.problems = vec![denied]);
        let found = super::check(&Context::new(&denied, &dns(&[])));
        assert!(found[0].fix.as_ref().is_some_and(|fix| fix.text.starts_with("Run helolint as root")));
        check_table(
            &RULE,
            vec![
                ("nothing wrong", healthy(), dns(&[]), &[]),
                ("without its compiled form", uncompiled, dns(&[]), &["error /etc/postfix/sender"]),
                ("undecided", undecided, dns(&[]), &["error? /etc/postfix/sender.db"]),
                ("wrong", facts, dns(&[]), &["error /etc/postfix/main.cf"]),
            ],
        );
    }
}
