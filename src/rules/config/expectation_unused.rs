use crate::facts::{ExpectedHelo, Facts, OutboundPath};
use crate::findings::{Finding, Fix, Who};
use crate::rules::support::list;
use crate::rules::{Context, rule};

rule! {
    /// A HELO name that the settings expect is expected of no outbound path.
    ///
    /// ## Condition
    /// An `[[expect.helo]]` of the settings fits no path. Subject: the name.
    ///
    /// ## Why it matters
    /// The entry is compared with nothing: the service was renamed, the address has changed, or a word is misspelt. The path that was meant is
    /// not held to its name, and nothing would be said if it had another.
    ///
    /// ## Fix
    /// Correct `path`, `service` or `source` of the entry, or remove it.
    ///
    /// ## When to ignore
    /// Where one settings file serves several hosts, and the entry is meant for another.
    pub static RULE = {
        code: "CFG016",
        name: "expectation-unused",
        severity: Info,
        refs: ["helolint: docs/settings.md"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    if !paths_are_known(facts) {
        return Vec::new();
    }
    // Of several entries for a path the first counts.
    let of = |path: &OutboundPath| facts.expected_helo.iter().position(|expected| expected.is_for(path));
    let used: Vec<usize> = facts.paths.iter().filter_map(of).collect();
    let undecided = facts.paths.iter().any(|path| path.source.is_none());
    let mut findings = Vec::new();
    for (at, expected) in facts.expected_helo.iter().enumerate() {
        if used.contains(&at) || (undecided && expected.source.is_some()) {
            continue;
        }
        let why = match facts.paths.iter().any(|path| expected.is_for(path)) {
            true => "an entry before it is for the same paths",
            false => "no outbound path has that",
        };
        let name = &expected.name;
        let message =
            format!("the settings expect the HELO name `{}` of {}, and {why}", name.value, paths_in_words(expected));
        findings
            .push(RULE.violated(&name.value, message).place(&name.origin, "expected here").fix(fix(facts, expected)));
    }
    findings
}

/// Whether there is no path that only could not be judged.
fn paths_are_known(facts: &Facts) -> bool {
    let refused = facts.postfix.iter().any(|postfix| postfix.error.is_some())
        || facts.exim.iter().any(|exim| exim.error.is_some());
    !refused && facts.bind_faults.is_empty()
}

/// The paths that an entry is for, in its own words.
fn paths_in_words(expected: &ExpectedHelo) -> String {
    let parts = [
        expected.path.as_ref().map(|id| format!("path `{id}`")),
        expected.service.as_ref().map(|service| format!("service `{service}`")),
        expected.source.map(|source| format!("source address {source}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn fix(facts: &Facts, expected: &ExpectedHelo) -> Fix {
    let text = format!("Correct the entry in {}, or remove it.", expected.name.origin.describe());
    let one = |path: &OutboundPath| {
        let source = path.source.as_ref().map_or_else(String::new, |source| format!("; from {}", source.value));
        format!("`{}` ({}{source})", path.id, path.services.join(", "))
    };
    let paths: Vec<String> = facts.paths.iter().map(one).collect();
    let text = match paths.is_empty() {
        true => format!("{text} This host has no outbound path."),
        false => format!("{text} The outbound paths: {}.", list(&paths)),
    };
    Fix::new(Who::Host, text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::facts::{Fact, Postfix, Refusal};
    use crate::name::DomainName;
    use crate::rules::testing::*;

    fn expected(service: Option<&str>, source: Option<&str>) -> ExpectedHelo {
        let name = Fact::new(DomainName::new(NAME), HERE);
        ExpectedHelo { path: None, service: service.map(str::to_owned), source: source.map(ip), name }
    }

    #[test]
    fn an_entry_that_fits_no_path_is_told() {
        let with = |entries: Vec<ExpectedHelo>| healthy().but(|f| f.expected_helo = entries);
        let service = healthy().paths[0].services[0].clone();
        let fits = || expected(Some(&service), None);
        let stray = || expected(Some("bulk"), None);
        let refused = with(vec![stray()]).but(|f| {
            f.postfix = vec![Postfix {
                config_directory: "/etc/postfix".into(),
                error: Some(Refusal { message: "no".into(), origin: HERE }),
                warnings: Vec::new(),
                parameters: BTreeMap::new(),
                services: Vec::new(),
                ..Postfix::default()
            }];
        });
        let undecided = with(vec![expected(None, Some("192.0.2.99"))]).but(|f| f.paths[0].source = None);
        check_table(
            &RULE,
            vec![
                ("nothing expected", with(vec![]), dns(&[]), &[]),
                ("a service that is there", with(vec![fits()]), dns(&[]), &[]),
                ("one that is not", with(vec![stray()]), dns(&[]), &["info mail.example.com"]),
                ("its source is that", with(vec![expected(Some(&service), Some(ADDR))]), dns(&[]), &[]),
                (
                    "its source is another",
                    with(vec![expected(Some(&service), Some("192.0.2.99"))]),
                    dns(&[]),
                    &["info mail.example.com"],
                ),
                ("no path at all", with(vec![fits()]).but(|f| f.paths.clear()), dns(&[]), &["info mail.example.com"]),
                ("the configuration is refused", refused, dns(&[]), &[]),
                ("the source is undecided", undecided, dns(&[]), &[]),
            ],
        );
        let twice = findings(&RULE, &with(vec![fits(), fits()]), &dns(&[])).remove(0);
        assert!(twice.message.ends_with("an entry before it is for the same paths"), "{}", twice.message);
        let text = findings(&RULE, &with(vec![stray()]), &dns(&[])).remove(0).fix.unwrap().text;
        assert!(text.contains(&format!("({service}")) && text.contains(ADDR), "{text}");
    }
}
