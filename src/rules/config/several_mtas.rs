use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::rules::support::list;
use crate::rules::{Context, rule};

rule! {
    /// More than one MTA is configured.
    ///
    /// ## Condition
    /// More than one MTA is configured; only the live ones are judged. Subject: the MTAs.
    ///
    /// ## Why it matters
    /// Only one can listen on port 25; the files of the other are leftovers that somebody may edit in vain, or that a package may bring
    /// back to life.
    ///
    /// ## Fix
    /// Remove the MTA that is not used, with its configuration.
    ///
    /// ## When to ignore
    /// Where both run on purpose, each on its own addresses.
    pub static RULE = {
        code: "CFG007",
        name: "several-mtas",
        severity: Info,
        refs: ["sendmail alternatives: update-alternatives(1)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let choice = &facts.mtas;
    let mut configured = choice.configured.clone();
    configured.sort_by_key(|mta| mta.id());
    configured.dedup();
    if configured.len() < 2 {
        return Vec::new();
    }
    let ids: Vec<&str> = configured.iter().map(|mta| mta.id()).collect();
    let live = match &choice.live[..] {
        [] => "none of them is judged".to_owned(),
        live => format!("{} is judged", list(live)),
    };
    let how = if choice.how.is_empty() { String::new() } else { format!(", because {}", choice.how) };
    let message = format!("{} are both configured; {live}{how}", list(&configured));
    let idle: Vec<_> = configured.iter().filter(|mta| !choice.live.contains(mta)).copied().collect();
    let finding = RULE.violated(ids.join(", "), message);
    if idle.is_empty() {
        return vec![finding];
    }
    let text = format!("Where {} is not used any more, remove it with its configuration.", list(&idle));
    vec![finding.fix(Fix::new(Who::Host, text))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Mta;
    use crate::rules::testing::{But, check_table, dns, healthy};

    #[test]
    fn names_sorted() {
        check_table(
            &RULE,
            vec![
                ("one", healthy(), dns(&[]), &[]),
                (
                    "two",
                    healthy().but(|f| f.mtas.configured = vec![Mta::Postfix, Mta::Exim]),
                    dns(&[]),
                    &["info exim, postfix"],
                ),
            ],
        );
    }
}
