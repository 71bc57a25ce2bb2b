use crate::facts::{Idle, IdleSetting};
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A setting that bears on the identity has no effect where it stands.
    ///
    /// ## Condition
    /// An option of a service bears on the identity and is not read by the program that the service runs (`smtp_bind_address` on a
    /// server); the installed version does not know the parameter; or `relayhost` stands beside a `default_transport` that
    /// refuses all mail. Subject: file and line.
    ///
    /// ## Why it matters
    /// It looks as if mail left by that address, under that name or through that relay, and it does not: another program reads the option,
    /// an older Postfix does not know it, or mail for elsewhere is refused before.
    ///
    /// ## Fix
    /// Set it where it is read: a source address or HELO name on the client's entry of master.cf (`smtp unix ... smtp`), not on a server's.
    /// Else remove it.
    ///
    /// ## When to ignore
    /// Where it waits for an upgrade.
    pub static RULE = {
        code: "CFG022",
        name: "setting-without-effect",
        severity: Info,
        refs: ["master(5)", "postconf(5)", "error(8)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let idle = facts.postfix.iter().filter(|postfix| postfix.error.is_none()).flat_map(|p| &p.idle_settings);
    idle.map(finding).collect()
}

fn finding(idle: &IdleSetting) -> Finding {
    let IdleSetting { parameter, value, because } = idle;
    let (message, fix) = match because {
        Idle::Program { service, program } => (
            format!(
                "`{parameter}` has no effect on the service {service}: it runs `{program}`, which does not look at it"
            ),
            format!("Set `{parameter}` on the entry of the client that is to use it, or remove it."),
        ),
        Idle::Version { installed, since } => (
            format!("`{parameter}` has no effect: Postfix {} is installed, which does not know it", installed.value),
            format!("Remove `{parameter}`, or install Postfix {since} or later."),
        ),
        Idle::Refused { by, parameter: refusing } => (
            format!(
                "`{parameter}` has no effect: `{refusing} = {}` returns all mail for elsewhere to its sender (`{}`) before a \
                 relay is looked for",
                by.value,
                status(&by.value)
            ),
            format!("Remove `{parameter}`, or `{refusing}` where mail is to leave through {}.", value.value),
        ),
    };
    let finding = RULE.violated(value.origin.describe(), message).place(&value.origin, "has no effect");
    let finding = finding.fix(Fix::new(Who::Host, fix));
    match because {
        Idle::Refused { by, .. } => finding.place(&by.origin, "refuses before"),
        Idle::Version { installed, .. } => finding.place(&installed.origin, "installed version"),
        Idle::Program { .. } => finding,
    }
}

/// The status with which `error:5.7.1 text` returns mail: 5.0.0, unless its text begins with another of the fifth class (error(8)).
fn status(transport: &str) -> &str {
    let text = transport.split_once(':').map_or("", |(_, text)| text).trim_start();
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let numbers: Vec<&str> = first.split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    match numbers[..] {
        ["5", subject, detail] if [subject, detail].iter().all(is_number) => first,
        _ => "5.0.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::rules::config::problem::place;
    use crate::rules::testing::{But, check_table, dns, fact, healthy};

    #[test]
    fn why_a_setting_has_no_effect() {
        let idle = |because| {
            let value = Fact::new("192.0.2.10".to_owned(), place("/etc/postfix/master.cf", 3));
            let parameter = "smtp_bind_address".to_owned();
            healthy().but(|f| f.postfix[0].idle_settings = vec![IdleSetting { parameter, value, because }])
        };
        let found: &[&str] = &["info /etc/postfix/master.cf:3"];
        let program = Idle::Program { service: "smtp/inet".into(), program: "smtpd".into() };
        let version = Idle::Version { installed: fact("3.5.25".into()), since: "3.7".into() };
        let refused = Idle::Refused { by: fact("error".into()), parameter: "default_transport".into() };
        check_table(
            &RULE,
            vec![
                ("nothing idle", healthy(), dns(&[]), &[]),
                ("a server's", idle(program), dns(&[]), found),
                ("too new", idle(version), dns(&[]), found),
                ("refused before", idle(refused), dns(&[]), found),
            ],
        );
    }
    #[test]
    fn the_status_of_what_is_returned() {
        for (transport, expected) in [
            ("error", "5.0.0"),
            ("error:outside mail is off", "5.0.0"),
            ("error:5.7.1 outside mail is off", "5.7.1"),
            ("error: 5.3.0 off", "5.3.0"),
            ("error:4.3.0 later", "5.0.0"),
            ("error:2.0.0 fine", "5.0.0"),
            ("error:5.7 off", "5.0.0"),
        ] {
            assert_eq!(status(transport), expected, "{transport}");
        }
    }
}
