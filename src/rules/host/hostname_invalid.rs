use crate::facts::{Fact, HostFqdn};
use crate::findings::{Finding, Severity};
use crate::name::DomainName;
use crate::rules::advice::{name_host, rename_host};
use crate::rules::names::NODE_NAME_LIMIT;
use crate::rules::{Context, rule};

rule! {
    /// The host name is not a valid host name.
    ///
    /// ## Condition
    /// The name is no host name by RFC 1123 section 2.1: underscore, empty label, leading or trailing hyphen, more
    /// than 253 octets, a label of more than 63, a last label of digits alone. Or `/etc/hostname` holds more than 64
    /// octets, which Linux cannot set. Subject: the name. Upper case alone is info.
    ///
    /// ## Why it matters
    /// RFC 1123 section 2.1 allows letters, digits and hyphens. Postfix refuses to start under a name with an empty label or an
    /// all-numeric one, and receivers that check HELO syntax answer `501 5.5.2 Helo command rejected: Invalid name`. A name
    /// over 64 octets in /etc/hostname cannot be set by Linux at all, so that the host boots under another one.
    ///
    /// ## Fix
    /// Choose a name of letters, digits and hyphens, in lower case, and set it.
    ///
    /// ## When to ignore
    /// Upper case alone changes nothing in the DNS; it is reported for information, since some software compares names by bytes.
    pub static RULE = {
        code: "HST002",
        name: "hostname-invalid",
        severity: Error,
        refs: ["RFC 1123 section 2.1", "RFC 952", "RFC 1035 section 2.3.4", "sethostname(2)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let host = &facts.host;
    let printed = match &host.fqdn {
        HostFqdn::Name(name) => Some(name),
        _ => None,
    };
    let first_label = printed.and_then(|name| name.value.split('.').next()).map(DomainName::new);
    let mut findings = Vec::new();
    let names = [
        (printed, Source::Printed),
        (host.node_name.as_ref(), Source::Kernel),
        (host.etc_hostname.as_ref(), Source::File),
    ];
    for (name, source) in names {
        let Some(name) = name else { continue };
        let in_file = source == Source::File;
        let short_form = source != Source::Printed && first_label == Some(DomainName::new(&name.value));
        if let Some((severity, why)) = fault(name, in_file, short_form) {
            let folded = DomainName::new(&name.value);
            let message = match severity {
                Severity::Info => format!("the host name `{}` has upper-case letters", name.value),
                _ => format!("`{}` is not a valid host name: {why}", name.value),
            };
            let fix = match severity {
                Severity::Info => rename_host(facts, &folded),
                _ => name_host(facts, dns),
            };
            findings
                .push(RULE.violated(&folded, message).severity(severity).place(&name.origin, source.label()).fix(fix));
        }
    }
    findings
}

/// Where a host name stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Printed,
    Kernel,
    File,
}

impl Source {
    fn label(self) -> &'static str {
        match self {
            Source::Printed => "printed by `hostname -f`",
            Source::Kernel => "node name",
            Source::File => "set at boot",
        }
    }
}

/// What is wrong with a name. The short form of a name that is judged already is judged for its length in the file alone.
fn fault(name: &Fact<String>, in_file: bool, short_form: bool) -> Option<(Severity, String)> {
    let text = &name.value;
    if in_file && text.len() > NODE_NAME_LIMIT {
        let why = format!("it has {} octets, and Linux cannot set a host name over {NODE_NAME_LIMIT}", text.len());
        return Some((RULE.severity, why));
    }
    if short_form {
        return None;
    }
    if let Some(why) = DomainName::new(text).host_fault() {
        return Some((RULE.severity, why));
    }
    text.bytes().any(|byte| byte.is_ascii_uppercase()).then(|| (Severity::Info, String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::rules::testing::*;

    fn in_file(name: &str) -> Facts {
        healthy().but(|f| f.host.etc_hostname = Some(fact(name.into())))
    }

    #[test]
    fn cases() {
        let long = format!("{}.{}.example.com", "a".repeat(40), "b".repeat(20));
        let expected = format!("error {long}");
        check_table(
            &RULE,
            vec![
                ("letters, digits, hyphens", host_named("mx-1.example.com"), dns(&[]), &[]),
                ("underscore", host_named("mail_1.example.com"), dns(&[]), &["error mail_1.example.com"]),
                ("empty label", host_named("mail..example.com"), dns(&[]), &["error mail..example.com"]),
                ("hyphen at the end", host_named("mail-.example.com"), dns(&[]), &["error mail-.example.com"]),
                ("an address is no name", host_named("192.0.2.10"), dns(&[]), &["error 192.0.2.10"]),
                ("upper case alone", host_named("Mail.Example.com"), dns(&[]), &["info mail.example.com"]),
                ("a final dot is no fault", host_named("mail.example.com."), dns(&[]), &[]),
                ("too long for Linux", in_file(&long), dns(&[]), &[&expected]),
                ("as long in the DNS is allowed", host_named(&long), dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn a_short_form_is_not_judged_twice() {
        let facts = host_named("Mail.example.com").but(|f| f.host.node_name = Some(fact("Mail".into())));
        assert_eq!(verdicts(&RULE, &facts, &dns(&[])), ["info mail.example.com"]);
    }
}
