use super::{drifts, mark};
use crate::compare::{Change, Effect};
use crate::findings::Finding;
use crate::rules::{Context, rule};

rule! {
    /// Another MTA, or another major version of it, sends mail here.
    ///
    /// ## Condition
    /// With `--moved-from` or `compare`: the MTA that is judged here is another than on the old host, or its major version is. Subject: old → new.
    ///
    /// ## Why it matters
    /// Settings have other names and defaults: what was copied may not be read, and what was the default may be another.
    ///
    /// ## Fix
    /// Compare the outbound paths: those are what receivers see.
    ///
    /// ## When to ignore
    /// Where the paths are as they should be.
    pub static RULE = {
        code: "MIG006",
        name: "mta-changed",
        severity: Info,
        refs: ["postconf(5)", "Exim specification, chapter 14"],
        needs: [Facts, OldSnapshot],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let finding = |change: &Change| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let subject = format!("{} → {}", text(&change.old), text(&change.new));
        let message =
            format!("mail was sent by {}, and is by {} now: {}", text(&change.old), text(&change.new), change.because);
        mark(RULE.violated(subject, message), change)
    };
    drifts(cx, Effect::Mta).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Mta;
    use crate::rules::testing::{But, check_table, dns, fact, healthy, moved_from};

    #[test]
    fn another_one_and_another_major_version() {
        let version = |text: &str| healthy().but(|f| f.postfix[0].version = Some(fact(text.to_owned())));
        let moved = |old: &str, new: &str| moved_from(version(old)).but(|f| f.postfix = version(new).postfix);
        check_table(
            &RULE,
            vec![
                ("the same", moved("3.7.11", "3.10.1"), dns(&[]), &[]),
                ("a major version", moved("2.11.1", "3.7.11"), dns(&[]), &["info postfix 2.11.1 → postfix 3.7.11"]),
                (
                    "another MTA",
                    moved_from(healthy()).but(|f| f.mtas.live = vec![Mta::Exim]),
                    dns(&[]),
                    &["info postfix → exim"],
                ),
            ],
        );
    }
}
