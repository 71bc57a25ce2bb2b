use crate::facts::{Facts, ProblemKind};
use crate::findings::{Finding, Fix, Who};
use crate::rules::panel::has_flag;
use crate::rules::{Context, rule};

rule! {
    /// A map file that Exim's configuration looks into does not exist.
    ///
    /// ## Condition
    /// The live Exim configuration looks a file up in a way that fails the whole expansion where the file does not
    /// exist. Subject: the file.
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
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let problems = facts.problems.iter().filter(|problem| problem.kind == ProblemKind::MapMissing);
    let findings = problems.map(|problem| {
        let finding = RULE.violated(&problem.file, &problem.message).fix(fix(facts, &problem.file));
        let finding = problem.origin.iter().fold(finding, |finding, origin| finding.place(origin, "looked up here"));
        problem.related.iter().fold(finding, |finding, (origin, label)| finding.place(origin, label))
    });
    findings.collect()
}

/// Mail flows again once the file exists. Where it is the administrator's, cPanel leaves it as it is from then on.
fn fix(facts: &Facts, file: &str) -> Fix {
    let flag = file.strip_prefix("/etc/").map(|name| format!("custom_{name}")).unwrap_or_default();
    let touch = format!("touch {file}");
    if facts.cpanel.as_ref().is_some_and(|cpanel| has_flag(cpanel, &flag)) {
        let text = format!(
            "Create {file}: mail leaves again, with the default address and name. What else it is to say is yours to write, since \
             `{flag}` is on."
        );
        return Fix::new(Who::Host, text).command(touch);
    }
    let text = format!("Create {file}: mail leaves again. Then have cPanel fill it.");
    Fix::new(Who::Host, text).command(touch).command("/usr/local/cpanel/scripts/updateuserdomains")
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
        let commands = |flags: &[&str]| {
            let facts = with(ProblemKind::MapMissing).but(|f| {
                f.cpanel = Some(
                    cpanel().but(|c| c.flags = flags.iter().map(|flag| fact((*flag).to_owned())).collect()).into(),
                );
            });
            findings(&RULE, &facts, &dns(&[])).remove(0).fix.unwrap().commands
        };
        assert_eq!(
            commands(&["custom_mailhelo"]),
            ["touch /etc/mailips", "/usr/local/cpanel/scripts/updateuserdomains"]
        );
        assert_eq!(commands(&["custom_mailips"]), ["touch /etc/mailips"], "cPanel does not write the administrator's");
    }
}
