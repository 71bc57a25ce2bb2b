use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A copy below the chroot differs from the real file.
    ///
    /// ## Condition
    /// A chrooted Postfix client reads a hosts file or resolv.conf below the queue directory that differs from the
    /// real one. Subject: the file.
    ///
    /// ## Why it matters
    /// A chrooted Postfix client reads the copy: it resolves names by other servers or finds other addresses than the rest of the host.
    ///
    /// ## Fix
    /// Let Postfix copy the files again: its start-up script does so.
    ///
    /// ## When to ignore
    /// Where the copy differs on purpose.
    pub static RULE = {
        code: "CFG010",
        name: "chroot-copy-differs",
        severity: Warning,
        refs: ["postfix(1)", "Postfix: BASIC_CONFIGURATION_README, chroot"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::ChrootCopy = &problem.kind else { continue };
        let finding = RULE.violated(&problem.file, problem.message.clone()).fix(
            Fix::new(
                Who::Host,
                "Restart Postfix: the start-up script of the package copies these files below the queue directory.",
            )
            .command("systemctl restart postfix"),
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
    fn the_subject_is_the_file() {
        assert_found(&RULE, ProblemKind::ChrootCopy, "warning /etc/postfix/main.cf");
    }
}
