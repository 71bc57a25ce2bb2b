use crate::facts::Cpanel;
use crate::findings::{Finding, Fix, Who};
use crate::rules::panel::has_flag;
use crate::rules::{Context, rule};

rule! {
    /// Settings of cPanel for mail addresses and HELO names are not backed by the files they speak of.
    ///
    /// ## Condition
    /// `custom_mailips` or `custom_mailhelo` says that the file is the administrator's, and it is missing or empty;
    /// or localopts and the flag files disagree. Subject: the file.
    ///
    /// ## Why it matters
    /// A transfer carries the flags over, but not always /etc/mailips and /etc/mailhelo: the server then says that these files are the
    /// administrator's, and there is nothing in them, so all mail takes the default address and name. Where exim.conf.localopts and the flag files
    /// say different things, WHM shows one and the scripts do the other.
    ///
    /// ## Fix
    /// Write the file, or turn the setting off in WHM » Exim Configuration Manager » Basic Editor » Domains and IPs.
    ///
    /// ## When to ignore
    /// Where the defaults are what you want and the file is left empty on purpose.
    pub static RULE = {
        code: "CPL007",
        name: "custom-flag-without-file",
        severity: Warning,
        refs: ["docs.cpanel.net: Exim Configuration Manager Basic Editor"],
        needs: [Facts],
        check: check,
    };
}

/// Flags that are options too, and the label that WHM gives each.
const OPTIONS: [(&str, &str); 4] = [
    ("custom_mailips", "Reference /etc/mailips for custom IP on outgoing SMTP connections"),
    ("custom_mailhelo", "Reference /etc/mailhelo for custom outgoing SMTP HELO"),
    ("per_domain_mailips", "Send mail from the account's IP address"),
    ("use_rdns_for_helo", "Use the reverse DNS entry for the mail HELO/EHLO if available"),
];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let mut findings = Vec::new();
    for (flag, label) in OPTIONS {
        findings.extend(without_file(cpanel, flag, label));
        findings.extend(disagreement(cpanel, flag, label));
    }
    findings
}

fn without_file(cpanel: &Cpanel, flag: &str, label: &str) -> Option<Finding> {
    let (file, entries) = match flag {
        "custom_mailips" => ("/etc/mailips", &cpanel.mailips),
        "custom_mailhelo" => ("/etc/mailhelo", &cpanel.mailhelo),
        _ => return None,
    };
    let set = cpanel.flags.iter().find(|set| set.value == flag)?;
    if !entries.is_empty() {
        return None;
    }
    let what = if cpanel.files.iter().any(|known| known == file) { "is empty" } else { "does not exist" };
    let message = format!("the flag `{flag}` says that {file} is the administrator's, and it {what}");
    let text = format!(
        "Write {file}, or turn off \"{label}\" in WHM » Exim Configuration Manager » Basic Editor » Domains and IPs."
    );
    Some(RULE.violated(file, message).place(&set.origin, "flag").fix(Fix::new(Who::Host, text)))
}

fn disagreement(cpanel: &Cpanel, flag: &str, label: &str) -> Option<Finding> {
    let option = cpanel.localopts.get(flag)?;
    let wanted = match option.value.trim() {
        "1" => true,
        "0" => false,
        _ => return None,
    };
    if wanted == has_flag(cpanel, flag) {
        return None;
    }
    let file = format!("/var/cpanel/{flag}");
    let state = if wanted {
        "on in exim.conf.localopts, but the flag file is missing"
    } else {
        "off in exim.conf.localopts, but the flag file exists"
    };
    let text = format!(
        "Set \"{label}\" as you want it and save, in WHM » Exim Configuration Manager » Basic Editor » Domains and IPs."
    );
    let finding = RULE.violated(&file, format!("`{flag}` is {state}")).place(&option.origin, "option");
    Some(finding.fix(Fix::new(Who::Host, text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |change: fn(&mut Cpanel)| healthy().but(|f| f.cpanel = Some(cpanel().but(change).into()));
        let custom = |c: &mut Cpanel| c.flags = vec![fact("custom_mailips".into())];
        check_table(
            &RULE,
            vec![
                ("no flag, empty files", with(|_| ()), dns(&[]), &[]),
                ("a flag and an empty file", with(custom), dns(&[]), &["warning /etc/mailips"]),
                (
                    "a flag and no file",
                    with(|c| {
                        c.flags = vec![fact("custom_mailhelo".into())];
                        c.files.clear();
                    }),
                    dns(&[]),
                    &["warning /etc/mailhelo"],
                ),
                (
                    "a flag and its file",
                    with(|c| {
                        c.flags = vec![fact("custom_mailips".into())];
                        c.mailips = vec![entry("*", ADDR)];
                    }),
                    dns(&[]),
                    &[],
                ),
                (
                    "option on, no flag file",
                    with(|c| {
                        c.localopts.insert("use_rdns_for_helo".into(), fact("1".into()));
                    }),
                    dns(&[]),
                    &["warning /var/cpanel/use_rdns_for_helo"],
                ),
                (
                    "option off, flag file there",
                    with(|c| {
                        c.localopts.insert("per_domain_mailips".into(), fact("0".into()));
                        c.flags = vec![fact("per_domain_mailips".into())];
                    }),
                    dns(&[]),
                    &["warning /var/cpanel/per_domain_mailips"],
                ),
                (
                    "both agree",
                    with(|c| {
                        c.localopts.insert("use_rdns_for_helo".into(), fact("1".into()));
                        c.flags = vec![fact("use_rdns_for_helo".into())];
                    }),
                    dns(&[]),
                    &[],
                ),
            ],
        );
    }
}
