use crate::facts::{Helo, Mta};
use crate::findings::{Finding, Fix, Who};
use crate::rules::names::helo_severity;
use crate::rules::{Context, rule};

rule! {
    /// The HELO name cannot be decided from files.
    ///
    /// ## Condition
    /// Files cannot decide the HELO name of a path. Always undetermined. Not where every possible value is known, and
    /// each of them is judged. Subject: the parameter.
    ///
    /// ## Why it matters
    /// It is computed while mail is sent: by Perl, by a query to a database, from a header. helolint does not guess, so nothing about the HELO
    /// name of this path has been checked.
    ///
    /// ## Fix
    /// Ask the MTA itself: `exim -be` expands the text, `postconf -x` the parameter. Then check that the answer leads to the sending address.
    ///
    /// ## When to ignore
    /// Where you know every value that it can have.
    pub static RULE = {
        code: "HLO008",
        name: "helo-undecided",
        severity: Error,
        refs: ["Exim specification, string expansions", "exim(8) -be"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for path in &facts.paths {
        let Helo::Undecided(undecided) = &path.helo else { continue };
        let services = path.services.join("`, `");
        let message = format!("the HELO name of `{services}` cannot be decided from files: {}", undecided.why);
        let place = undecided.origin.describe();
        let text = match path.mta {
            Some(Mta::Exim) => format!(
                "Files alone do not say what `{}` ({place}) gives. Send a test message to a mailbox elsewhere and read the HELO name in its \
                 topmost Received header; or have Exim expand the option's value: `exim -be -f SENDER VALUE`.",
                undecided.parameter
            ),
            _ => format!("Look at what is sent under `{}` ({place}) in a receiver's log.", undecided.parameter),
        };
        findings.push(
            RULE.undetermined(&undecided.parameter, message)
                .severity(helo_severity(RULE.severity, path))
                .place(&undecided.origin, "not decided by files")
                .path(&path.id)
                .fix(Fix::new(Who::Host, text)),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::facts::Undecided;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let undecided = || {
            let helo = Undecided { parameter: "helo_data".into(), why: "it asks Perl".into(), origin: HERE };
            healthy().but(|f| f.paths[0].helo = Helo::Undecided(helo))
        };
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        let unused = |f: &mut Facts| f.paths[0].unused = true;
        check_table(
            &RULE,
            vec![
                ("decided", healthy(), dns(&[]), &[]),
                ("not decided", undecided(), dns(&[]), &["error? helo_data"]),
                ("only the relay sees it", undecided().but(relayed), dns(&[]), &["info? helo_data"]),
                ("nothing uses it", undecided().but(unused), dns(&[]), &["warning? helo_data"]),
            ],
        );
    }
}
