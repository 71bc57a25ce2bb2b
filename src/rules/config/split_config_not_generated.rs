use super::problem::mark;
use crate::facts::{Facts, ProblemKind};
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::Observations;
use crate::rules::rule;

rule! {
    /// What the configuration is generated from is newer than the configuration.
    ///
    /// ## Why it matters
    /// The MTA reads the generated file: a change in its sources has no effect yet, and comes into force at some later time when
    /// something else generates it again.
    ///
    /// ## Fix
    /// Generate the configuration and reload the MTA.
    ///
    /// ## When to ignore
    /// Where the source file was touched without a change.
    pub static RULE = {
        code: "CFG009",
        name: "split-config-not-generated",
        severity: Warning,
        refs: ["update-exim4.conf(8)", "cPanel: Exim Configuration Manager"],
        needs_dns: false,
        check: check,
    };
}

fn check(facts: &Facts, _: &Observations) -> Vec<Finding> {
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let ProblemKind::NotGenerated = &problem.kind else { continue };
        let finding = RULE.violated(&problem.file, problem.message.clone()).fix(generate(&problem.file));
        findings.push(mark(finding, problem));
    }
    findings
}

fn generate(file: &str) -> Fix {
    if file.starts_with("/etc/exim4/") {
        let fix = Fix::new(Who::Host, "Generate Exim's configuration from its sources, then reload.");
        return fix.command("update-exim4.conf").command("systemctl reload exim4");
    }
    let fix = Fix::new(Who::Host, "Let cPanel build Exim's configuration from its sources, then restart Exim.");
    fix.command("/usr/local/cpanel/scripts/buildeximconf")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Problem;
    use crate::rules::config::problem::place;
    use crate::rules::testing::{But, check_table, dns, healthy};

    #[test]
    fn the_subject_is_the_source() {
        let origin = place("/etc/postfix/main.cf", 3);
        let problem = Problem::at(ProblemKind::NotGenerated, origin, "what the program says");
        let facts = healthy().but(|f| f.problems = vec![problem]);
        check_table(
            &RULE,
            vec![
                ("nothing wrong", healthy(), dns(&[]), &[]),
                ("wrong", facts, dns(&[]), &["warning /etc/postfix/main.cf"]),
            ],
        );
    }
}
