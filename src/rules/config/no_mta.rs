use crate::facts::ProblemKind;
use crate::findings::Finding;
use crate::rules::{Context, rule};

rule! {
    /// No MTA was found.
    ///
    /// ## Condition
    /// No MTA was found; host name and addresses are judged alone.
    ///
    /// ## Why it matters
    /// Host name and addresses were judged alone: no HELO name and no setting of an MTA is known.
    ///
    /// ## Fix
    /// Nothing, where the host is not meant to send mail by itself; else install and configure one.
    ///
    /// ## When to ignore
    /// On hosts without mail.
    pub static RULE = {
        code: "CFG008",
        name: "no-mta",
        severity: Info,
        refs: ["helolint: Postfix and Exim are read"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let refused = facts.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::Syntax { .. }));
    if !facts.mtas.configured.is_empty() || !facts.mtas.live.is_empty() || refused {
        return Vec::new();
    }
    let message = "neither Postfix nor Exim is configured here: only host name and addresses were checked";
    vec![RULE.violated("-", message)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Mta, MtaChoice, Problem};
    use crate::rules::testing::{But, check_table, dns, healthy};

    #[test]
    fn only_where_nothing_is_configured() {
        check_table(
            &RULE,
            vec![
                ("one", healthy(), dns(&[]), &[]),
                ("none", healthy().but(|f| f.mtas = MtaChoice::default()), dns(&[]), &["info -"]),
                (
                    "one that refuses its configuration",
                    healthy().but(|f| {
                        f.mtas = MtaChoice::default();
                        f.problems = vec![Problem::of_file(
                            ProblemKind::Syntax { mta: Mta::Exim, whole: true },
                            "/etc/exim.conf",
                            None,
                            "no",
                        )];
                    }),
                    dns(&[]),
                    &[],
                ),
            ],
        );
    }
}
