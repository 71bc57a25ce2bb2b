use super::problem::{line, mark, test_command};
use crate::facts::{Facts, Helo, ProblemKind};
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::Observations;
use crate::rules::{Context, rule};

rule! {
    /// The MTA, or a daemon of it, refuses its configuration.
    ///
    /// ## Condition
    /// Something makes the MTA, or the one daemon that reads it, refuse to start or to deliver; a HELO name that is the PTR name or
    /// nothing does, where there is no PTR record. Where the MTA refuses its whole configuration, no path of it is judged, and the
    /// host does not count as one without MTA. Subject: file and line.
    ///
    /// ## Why it matters
    /// What is refused does not run: after the next restart no mail leaves, or the one daemon that reads the line defers everything it
    /// gets. Where the whole configuration is refused, nothing in it can be judged.
    ///
    /// ## Fix
    /// Correct the line, have the MTA check its configuration, then reload.
    ///
    /// ## When to ignore
    /// Where the running MTA reads another file than the one on disk.
    pub static RULE = {
        code: "CFG001",
        name: "config-syntax",
        severity: Error,
        refs: ["postconf(5)", "master(5)", "Exim specification chapter 6"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for problem in &facts.problems {
        let (mta, whole) = match problem.kind {
            ProblemKind::Syntax { mta, whole } => (mta, whole),
            ProblemKind::UnknownName { mta } => {
                let fix = Fix::new(
                    Who::Host,
                    format!("Let {mta} check its configuration: it says whether it knows the name."),
                );
                let finding = RULE.undetermined(line(problem), problem.message.clone());
                findings.push(mark(finding.fix(fix.command(test_command(mta))), problem));
                continue;
            }
            _ => continue,
        };
        let rest = if whole { "; none of its paths can be judged" } else { "" };
        let fix = match &problem.correction {
            Some((_, correction)) => {
                format!("Write `{correction}` on {}, then let {mta} check its configuration.", line(problem))
            }
            None => format!("Correct {}, then let {mta} check its configuration.", line(problem)),
        };
        let fix = Fix::new(Who::Host, fix);
        let finding = RULE.violated(line(problem), format!("{}{rest}", problem.message));
        findings.push(mark(finding.fix(fix.command(test_command(mta))), problem));
    }
    findings.extend(without_a_name(facts, cx.dns));
    findings
}

/// Settings that take the HELO name from the PTR record and have none for an address that lacks it.
fn without_a_name(facts: &Facts, dns: &Observations) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for path in &facts.paths {
        let (Helo::FollowsPtr { default: None, origin, .. }, Some(source)) = (&path.helo, &path.source) else {
            continue;
        };
        if dns.own_ptr_names(source.value).is_none_or(|names| !names.is_empty()) {
            continue;
        }
        let message = format!(
            "`helo_data` fails for {}, which has no PTR record as this host's resolver sees it: Exim defers the mail of `{}`",
            source.value,
            path.services.join("`, `")
        );
        let text =
            "Give the lookup a name for this case, as in `{$value}{$primary_hostname}`, or publish the PTR record.";
        let finding = RULE.violated(origin.describe(), message).place(origin, "fails without a PTR record");
        findings.push(finding.path(&path.id).fix(Fix::new(Who::Host, text)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::problem::assert_found;

    #[test]
    fn the_subject_is_the_line() {
        assert_found(
            &RULE,
            ProblemKind::Syntax { mta: crate::facts::Mta::Postfix, whole: true },
            "error /etc/postfix/main.cf:3",
        );
    }

    #[test]
    fn a_name_that_the_dns_alone_would_give() {
        use crate::rules::testing::{But, HERE, check_table, dns, healthy};
        let follows = |default: Option<&str>| {
            let default = default.map(crate::name::HeloName::new);
            healthy().but(|f| f.paths[0].helo = Helo::FollowsPtr { default, joined: None, origin: HERE })
        };
        let missing = || dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]);
        let found = [format!("error {}", HERE.describe())];
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        check_table(
            &RULE,
            vec![
                ("it is there", follows(None), dns(&[]), &[]),
                ("it is missing", follows(None), missing(), &found),
                ("it is missing, and something stands in its place", follows(Some("mail.example.com")), missing(), &[]),
                ("it is not known", follows(None), dns(&[("192.0.2.10 PTR", &["timeout"])]), &[]),
            ],
        );
    }

    #[test]
    fn a_name_that_another_release_may_know_is_undetermined() {
        let kind = ProblemKind::UnknownName { mta: crate::facts::Mta::Exim };
        assert_found(&RULE, kind, "error? /etc/postfix/main.cf:3");
    }
}
