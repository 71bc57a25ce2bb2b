use crate::findings::Finding;
use crate::rules::{Context, rule};

rule! {
    /// Everything that leaves is handed to a program on this host.
    ///
    /// ## Condition
    /// Everything that leaves is handed to a program on this host, by SMTP or LMTP (`relayhost = [127.0.0.1]:10025`) or by pipe(8):
    /// no path of an MTA is in use. Subject: the next hop.
    ///
    /// ## Why it matters
    /// That program (a filter, a relay of its own, a container) brings the mail to others: under which name and from which address is its
    /// matter, and not in the files that helolint reads. This host's own addresses are judged in its place, each finding one severity
    /// lower.
    ///
    /// ## Fix
    /// Nothing, where it is meant. See to the program's own HELO name and source address.
    ///
    /// ## When to ignore
    /// Always, once known.
    pub static RULE = {
        code: "CFG019",
        name: "handed-to-local-program",
        severity: Info,
        refs: ["postconf(5): relayhost", "postconf(5): default_transport"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let own = || facts.paths.iter().filter(|path| path.handed_over);
    let found = facts.handed_over.iter().map(|handed| {
        let hop = &handed.next_hop;
        let message = format!(
            "{} hands everything to {} on this host: receivers see the identity of the program there, which is not known",
            handed.mta, hop.value
        );
        let finding = RULE.violated(&hop.value, message).place(&hop.origin, "next hop").via(&hop.via, "next hop");
        own().fold(finding, |finding, path| finding.path(&path.id))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{HandedOver, Mta};
    use crate::rules::testing::{But, check_table, dns, fact, healthy};

    #[test]
    fn the_subject_is_the_next_hop() {
        let handed = healthy().but(|f| {
            f.handed_over = vec![HandedOver { mta: Mta::Postfix, next_hop: fact("[127.0.0.1]:10025".to_owned()) }];
        });
        check_table(
            &RULE,
            vec![
                ("straight", healthy(), dns(&[]), &[]),
                ("by a program", handed, dns(&[]), &["info [127.0.0.1]:10025"]),
            ],
        );
    }
}
