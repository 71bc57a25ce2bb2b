use crate::facts::MissingService;
use crate::findings::{Finding, Fix, Who};
use crate::rules::similar::nearest;
use crate::rules::{Context, rule};

rule! {
    /// Mail is sent to a service that does not exist.
    ///
    /// ## Condition
    /// A parameter or a table sends mail to a service (transport) that master.cf does not have: no entry of that name, one of
    /// another type, a public one, or one that `master_service_disable` takes away. Subject: the service.
    ///
    /// ## Why it matters
    /// Postfix's queue manager logs `connect to transport private/NAME: No such file or directory` and defers the mail: it stays in the
    /// queue until it is returned, and the identity that was meant for it is never seen.
    ///
    /// ## Fix
    /// Write the service's name right, or add the service to master.cf.
    ///
    /// ## When to ignore
    /// Where the service is switched off for a while and the mail is to wait.
    pub static RULE = {
        code: "CFG017",
        name: "service-missing",
        severity: Error,
        refs: ["transport(5)", "master(5)", "postconf(5): master_service_disable"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let missing = facts.postfix.iter().filter(|postfix| postfix.error.is_none()).flat_map(|p| &p.missing_services);
    missing.map(finding).collect()
}

fn finding(missing: &MissingService) -> Finding {
    let MissingService { service, file, .. } = missing;
    let why = match &missing.instead {
        Some((_, why)) => format!("there is an entry `{service}`, but {why}"),
        None => format!("{file} has no such service"),
    };
    let message = format!(
        "mail is sent to the service `{service}`, and {why}: Postfix defers it (`connect to transport private/{service}: No \
         such file or directory`)"
    );
    let mut finding = RULE.violated(service, message).fix(fix(missing));
    for value in &missing.named_by {
        finding = finding.place(&value.origin, "names the service").via(&value.via, "used here");
    }
    match &missing.instead {
        Some((origin, _)) => finding.place(origin, "does not serve"),
        None => finding,
    }
}

fn fix(missing: &MissingService) -> Fix {
    let MissingService { service, file, .. } = missing;
    let others: Vec<&str> = missing.others.iter().map(String::as_str).collect();
    let suggestion = nearest(service, &others).filter(|_| missing.instead.is_none());
    match (suggestion, &missing.instead) {
        (Some(suggestion), _) => {
            Fix::new(Who::Host, format!("Write `{suggestion}` in place of `{service}`, where that is meant."))
        }
        (None, Some(_)) => {
            let text = format!("Make `{service}` of {file} a private service of type unix, or name another service.");
            Fix::new(Who::Host, text)
        }
        (None, None) => Fix::new(Who::Host, format!("Add the service `{service}` to {file}, or name another one.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fact, Facts};
    use crate::rules::config::problem::place;
    use crate::rules::testing::{But, check_table, dns, healthy};

    fn missing(service: &str, others: &[&str]) -> Facts {
        healthy().but(|f| {
            f.postfix[0].missing_services = vec![MissingService {
                service: service.into(),
                named_by: vec![Fact::new(format!("{service}:"), place("/etc/postfix/main.cf", 3))],
                file: "/etc/postfix/master.cf".into(),
                instead: None,
                others: others.iter().map(|name| (*name).to_owned()).collect(),
            }];
        })
    }

    #[test]
    fn the_subject_is_the_service() {
        let refused = missing("outt", &[]).but(|f| {
            let origin = place("/etc/postfix/main.cf", 1);
            f.postfix[0].error = Some(crate::facts::Refusal { message: "no".into(), origin });
        });
        check_table(
            &RULE,
            vec![
                ("all are there", healthy(), dns(&[]), &[]),
                ("one is not", missing("outt", &[]), dns(&[]), &["error outt"]),
                ("Postfix does not start", refused, dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn a_name_that_is_nearly_right_is_offered() {
        let text = |others| check(&Context::new(&missing("outt", others), &dns(&[]))).remove(0).fix.unwrap().text;
        assert!(text(&["smtp", "out"]).contains("`out` in place of `outt`"));
        assert!(text(&["smtp"]).contains("Add the service"));
    }
}
