use crate::facts::{Facts, ProblemKind};
use crate::findings::{Finding, Fix, Who};
use crate::observe::Observations;
use crate::rules::rule;

rule! {
    /// A map file that Exim's configuration looks into does not exist.
    ///
    /// ## Why it matters
    /// Exim looks the file up in a way that fails where the file is missing, and the whole expansion with it: all mail to
    /// remote domains is deferred. cPanel's transports want both /etc/mailips and /etc/mailhelo to exist; empty is enough.
    ///
    /// ## Fix
    /// Create the file empty, or have cPanel write it.
    ///
    /// ## When to ignore
    /// On a server that sends no mail to remote domains.
    pub static RULE = {
        code: "CPL008",
        name: "mail-map-missing",
        severity: Error,
        refs: ["Exim specification, string expansions, stat", "Exim specification, lookups"],
        needs_dns: false,
        check: check,
    };
}

fn check(facts: &Facts, _: &Observations) -> Vec<Finding> {
    let problems = facts.problems.iter().filter(|problem| problem.kind == ProblemKind::MapMissing);
    let findings = problems.map(|problem| {
        let file = &problem.file;
        let fix =
            Fix::new(Who::Host, format!("Create {file}, empty where nothing is to be said, then have cPanel fill it."));
        let fix = fix.command(format!("touch {file}")).command("/usr/local/cpanel/scripts/updateuserdomains");
        let finding = RULE.violated(file, &problem.message).fix(fix);
        let finding = problem.origin.iter().fold(finding, |finding, origin| finding.place(origin, "looked up here"));
        problem.related.iter().fold(finding, |finding, (origin, label)| finding.place(origin, label))
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Problem;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |kind| {
            healthy().but(|f| f.problems = vec![Problem::of_file(kind, "/etc/mailips", Some(HERE), "it is missing")])
        };
        check_table(
            &RULE,
            vec![
                ("looked up and missing", with(ProblemKind::MapMissing), dns(&[]), &["error /etc/mailips"]),
                ("a problem of another kind", with(ProblemKind::MapLine), dns(&[]), &[]),
            ],
        );
    }
}
