use crate::findings::Finding;
use crate::rules::{Context, rule};

rule! {
    /// Mail takes a fixed next hop: receivers see the relay.
    ///
    /// ## Condition
    /// The path has a fixed next hop elsewhere. Subject: the next hop as `[host]:port`, with brackets where no MX
    /// record is asked for.
    ///
    /// ## Why it matters
    /// Receivers judge the relay's address, PTR record and HELO name, not this host's. This host's identity matters to the relay alone,
    /// which is why PTR findings on such a path are one severity lower and HLO findings info.
    ///
    /// ## Fix
    /// Nothing, where the relay is meant. Check the relay's identity on the relay.
    ///
    /// ## When to ignore
    /// Always, once known.
    pub static RULE = {
        code: "CFG005",
        name: "path-relayed",
        severity: Info,
        refs: ["postconf(5): relayhost", "Exim specification: manualroute"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for path in &facts.paths {
        let Some(relay) = &path.relayed else { continue };
        let message = format!("mail leaves through {}: receivers see its identity, not this host's", relay.value);
        let finding = RULE.violated(&relay.value, message).place(&relay.origin, "next hop");
        findings.push(finding.via(&relay.via, "next hop").path(&path.id));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, fact, healthy};

    #[test]
    fn each_next_hop_once() {
        let relayed = || healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
        check_table(
            &RULE,
            vec![
                ("straight", healthy(), dns(&[]), &[]),
                ("by a relay", relayed(), dns(&[]), &["info [smtp.example.net]:587"]),
            ],
        );
    }
}
