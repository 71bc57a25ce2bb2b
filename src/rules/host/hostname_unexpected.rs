use crate::facts::{ExpectedHelo, Fact, Facts, OutboundPath};
use crate::findings::{Finding, Fix};
use crate::name::DomainName;
use crate::rules::advice::{rename_host, set_helo};
use crate::rules::names::own_name_setting;
use crate::rules::{Context, rule};

rule! {
    /// A name of this host is not the one that was expected.
    ///
    /// ## Condition
    /// `--expect-hostname` is given and `hostname -f`, an MTA's own name, a HELO name that is set for the whole MTA,
    /// or WHM's host name is another: one finding for each. Or a path has another HELO name than an `[[expect.helo]]`
    /// of the settings gives it. Subject: the name that is not the expected one.
    ///
    /// ## Why it matters
    /// You said by `--expect-hostname`, or in the settings, which name this host is meant to have. What still bears another was forgotten when it was
    /// renamed or moved, and mail goes out under the wrong name.
    ///
    /// ## Fix
    /// Set the expected name in each place named.
    ///
    /// ## When to ignore
    /// Where a name is another on purpose: leave out the expectation, or ignore this name alone.
    pub static RULE = {
        code: "HST010",
        name: "hostname-unexpected",
        severity: Error,
        refs: ["RFC 5321 section 2.3.5"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    // A path with a name of its own is not asked for the host's.
    let own = |path: &OutboundPath| facts.expected_helo.iter().find(|expected| expected.is_for(path));
    for one in cx.introductions() {
        let Some(ExpectedHelo { name: expected, .. }) = own(one.path).filter(|own| own.name.value != one.name) else {
            continue;
        };
        let message = format!("the HELO name is `{}`, where the settings expect `{}`", one.name, expected.value);
        let finding = RULE.violated(subject(&one.name), message).place(&one.helo.origin, "the HELO name");
        let finding = finding.via(&one.helo.via, "used here").place(&expected.origin, "expected here");
        findings.push(finding.path(&one.path.id).fix(set_helo(facts, one.path, &one.helo, &expected.value)));
    }
    let Some(expected) = &facts.expected_hostname else { return findings };
    let judge = |name: &Fact<DomainName>, says: &str| -> Option<Finding> {
        (name.value != *expected).then(|| {
            let message = format!("{says} is `{}`, where `{expected}` is expected", name.value);
            RULE.violated(subject(&name.value), message).place(&name.origin, says).via(&name.via, "used here")
        })
    };
    if let Some(host) = facts.host.fqdn.name() {
        findings.extend(judge(&host, "the host name").map(|f| f.fix(rename_all(facts, expected, &host.value))));
    }
    if let Some(host) = facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.as_ref()) {
        let host = host.with(DomainName::new(&host.value));
        findings.extend(judge(&host, "WHM's host name").map(|f| f.fix(rename_host(facts, expected))));
    }
    for (mta, own) in cx.own_names() {
        let path = facts.paths.iter().find(|path| path.mta == Some(*mta));
        let finding = judge(own, &format!("{mta}'s `{}`", own_name_setting(*mta)));
        let fix = path.and_then(|path| Some(set_helo(facts, path, path.helo_name()?, expected)));
        findings.extend(finding.map(|f| match fix {
            Some(fix) => f.fix(fix),
            None => f,
        }));
    }
    for one in cx.introductions().iter().filter(|one| one.path.helo_is_global && own(one.path).is_none()) {
        let name = one.helo.with(one.name.clone());
        let finding = judge(&name, "the HELO name");
        findings.extend(finding.map(|f| f.path(&one.path.id).fix(set_helo(facts, one.path, &one.helo, expected))));
    }
    findings
}

/// The host name, and every MTA setting that has the same name by itself.
fn rename_all(facts: &Facts, expected: &DomainName, wrong: &DomainName) -> Fix {
    let set = |path: &&OutboundPath| {
        path.helo_name().is_some_and(|helo| helo.origin.span().is_some() && helo.value.domain() == *wrong)
    };
    let path = facts.paths.iter().find(set);
    let more = path.and_then(|path| Some(set_helo(facts, path, path.helo_name()?, expected)));
    let fix = rename_host(facts, expected);
    let first = format!("First see that `{expected}` has an address record that leads here.");
    let fix = Fix { text: format!("{} {first}", fix.text), ..fix };
    match more {
        Some(more) => Fix { text: format!("{} {}", fix.text, more.text), ..fix },
        None => fix,
    }
}

fn subject(name: &DomainName) -> String {
    if name.as_str().is_empty() { "(empty)".to_owned() } else { name.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let expect = |name: &'static str| move |f: &mut Facts| f.expected_hostname = Some(DomainName::new(name));
        let by_service = |f: &mut Facts| {
            f.paths[0] = path(ADDR, "out.example.com");
            f.paths[0].helo_is_global = false;
        };
        let whm =
            |f: &mut Facts| f.cpanel = Some(cpanel().but(|c| c.host = Some(fact("old.example.com".into()))).into());
        let all = &["error mail.example.com"; 3];
        let expect_path = |service: &'static str, name: &'static str| {
            move |f: &mut Facts| {
                let name = fact(DomainName::new(name));
                let service = Some(service.to_owned());
                f.expected_helo = vec![ExpectedHelo { path: None, service, source: Some(ip(ADDR)), name }];
            }
        };
        check_table(
            &RULE,
            vec![
                ("nothing is expected", healthy(), dns(&[]), &[]),
                ("all as expected", healthy().but(expect("Mail.Example.com")), dns(&[]), &[]),
                ("host name, MTA, HELO", healthy().but(expect("new.example.com")), dns(&[]), all),
                (
                    "host name alone",
                    host_named("old.example.com").but(expect(NAME)),
                    dns(&[]),
                    &["error old.example.com"],
                ),
                ("a service's own HELO is on purpose", healthy().but(expect(NAME)).but(by_service), dns(&[]), &[]),
                ("a path as expected", healthy().but(expect_path("smtp", NAME)), dns(&[]), &[]),
                ("another path", healthy().but(expect_path("other", "new.example.com")), dns(&[]), &[]),
                (
                    "a path that is not",
                    healthy().but(expect_path("smtp", "new.example.com")),
                    dns(&[]),
                    &["error mail.example.com"],
                ),
                (
                    "a path's own expectation goes before the host's",
                    healthy()
                        .but(expect(NAME))
                        .but(by_service)
                        .but(|f| f.paths[0].helo_is_global = true)
                        .but(expect_path("smtp", "out.example.com")),
                    dns(&[]),
                    &[],
                ),
                ("WHM's", healthy().but(expect(NAME)).but(whm), dns(&[]), &["error old.example.com"]),
            ],
        );
    }
}
