use crate::findings::{Finding, Fix, Who};
use crate::rules::config::daemon_older_than_config::span_of_time;
use crate::rules::{Context, rule};
use crate::shell;

rule! {
    /// The text of a lookup table is newer than its compiled form.
    ///
    /// ## Condition
    /// The compiled form of a lookup table that routes mail (`.db`, `.lmdb`, `.cdb`, `.pag`) was last changed before its text. What
    /// the table decides is undecided then. Subject: the table's text.
    ///
    /// ## Why it matters
    /// Postfix reads the compiled form alone: what was changed in the text is not in force, and what the table decides (by which service and
    /// next hop mail leaves) could not be judged.
    ///
    /// ## Fix
    /// Run `postmap` on the table.
    ///
    /// ## When to ignore
    /// Where the file was touched without a change.
    pub static RULE = {
        code: "CFG018",
        name: "table-outdated",
        severity: Warning,
        refs: ["postmap(1)", "Postfix DATABASE_README"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let tables = facts.postfix.iter().filter(|postfix| postfix.error.is_none()).flat_map(|p| &p.outdated_tables);
    let finding = tables.map(|table| {
        let message = format!(
            "{} was changed {} after {} was made from it: Postfix goes by the old one, and what the table decides could not \
             be judged",
            table.text,
            span_of_time(table.seconds),
            table.compiled
        );
        let fix = Fix::new(Who::Host, format!("Compile {} again.", table.text));
        let fix = fix.command(format!("postmap {}", shell::word(&table.table)));
        RULE.violated(&table.text, message).place(&table.named_by, "names the table").fix(fix)
    });
    finding.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::OutdatedTable;
    use crate::rules::config::problem::place;
    use crate::rules::testing::{But, check_table, dns, healthy};

    #[test]
    fn the_subject_is_the_text() {
        let outdated = healthy().but(|f| {
            f.postfix[0].outdated_tables = vec![OutdatedTable {
                table: "hash:/etc/postfix/routes".into(),
                text: "/etc/postfix/routes".into(),
                compiled: "/etc/postfix/routes.db".into(),
                seconds: 7_200,
                named_by: place("/etc/postfix/main.cf", 3),
            }];
        });
        let found = check(&Context::new(&outdated, &dns(&[]))).remove(0);
        assert_eq!(found.fix.unwrap().commands, ["postmap hash:/etc/postfix/routes"]);
        assert!(found.message.contains("2 hours after /etc/postfix/routes.db"), "{}", found.message);
        check_table(
            &RULE,
            vec![
                ("none", healthy(), dns(&[]), &[]),
                ("newer than what is read", outdated, dns(&[]), &["warning /etc/postfix/routes"]),
            ],
        );
    }
}
