use super::problem::mark;
use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// What the configuration is generated from is newer than the configuration.
    ///
    /// ## Condition
    /// A source is newer than the configuration that is generated from it: Debian's update-exim4.conf.conf and
    /// conf.d, cPanel's exim.conf.local and exim.conf.localopts. Subject: the newer file.
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
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
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
    use crate::rules::config::problem::assert_found;

    #[test]
    fn the_subject_is_the_source() {
        assert_found(&RULE, ProblemKind::NotGenerated, "warning /etc/postfix/main.cf");
    }
}
