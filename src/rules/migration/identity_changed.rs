use super::{drifts, mark, shown};
use crate::compare::{Change, Effect, What};
use crate::findings::{Finding, Fix, Who};
use crate::rules::support::list;
use crate::rules::{Context, rule};

rule! {
    /// A name of this host's identity, or what is done with a domain's mail, is another than before the move.
    ///
    /// ## Condition
    /// With `--moved-from` or `compare`: the host name, a HELO name, an MTA's own name, the domain that mail made here gets, the PTR name of a
    /// sending address, a record of such a name, or the names that a mail server's certificate is for (one of the old host's, or this host's own, is
    /// not among them) differs, and neither `--map`, `--expect-hostname`, the settings nor the change of the addresses says that it should. Or mail
    /// for a domain is delivered here and was not, is kept for another host and was delivered, or is not taken any more, by the lists of the panel, of
    /// Postfix or of Exim. Of domains it is not said where files leave the list of this host open, nor of the old host's own names without a DKIM
    /// key, and one that `--map` renames is looked for by its new name; where both hosts have a panel, a domain whose account is not here was not moved. Values that differ
    /// alike are one finding. Subject: the setting.
    ///
    /// ## Why it matters
    /// PTR records, SPF, certificates and allow lists of others were made for the old name. Mail for a domain that is in no list is refused, or goes
    /// round in circles.
    ///
    /// ## Fix
    /// Give the host its old name again, or say by `--map OLD=NEW` or `--expect-hostname` that the new one is meant, and change the records with
    /// it. Name the domain in the list that it was in.
    ///
    /// ## When to ignore
    /// Where the new name is meant: then say so, and it is expected. Where a domain stays on the old host, by the settings' `ignore` with the
    /// domain in it.
    pub static RULE = {
        code: "MIG003",
        name: "identity-changed",
        severity: Warning,
        refs: ["RFC 5321 section 4.1.1.1", "RFC 8601 section 2.7.3"],
        needs: [Facts, OldSnapshot],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut groups: Vec<Vec<&Change>> = Vec::new();
    let kinds = [Effect::Identity, Effect::Certificate, Effect::Routing];
    for change in kinds.into_iter().flat_map(|effect| drifts(cx, effect)) {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| is_alike(first, change))) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    groups.iter().filter_map(|group| finding(group)).collect()
}

/// Whether one value stands behind both: the host name in `myhostname` and in HELO.
fn is_alike(a: &Change, b: &Change) -> bool {
    let fold = |value: &Option<String>| value.as_ref().map(|text| text.trim_end_matches('.').to_ascii_lowercase());
    a.effect == b.effect && (fold(&a.old), fold(&a.new)) == (fold(&b.old), fold(&b.new))
}

/// What changed, in a sentence: the key of a path says nothing of it.
fn named(change: &Change) -> String {
    match change.what {
        What::Helo => format!("the HELO name of `{}`", change.key),
        What::Ptr => format!("the PTR name of the sending address of `{}`", change.key),
        _ => change.key.clone(),
    }
}

fn finding(group: &[&Change]) -> Option<Finding> {
    let (first, rest) = group.split_first()?;
    let also = match rest {
        [] => String::new(),
        rest => {
            let verb = if first.effect == Effect::Routing { "so it is with" } else { "so do" };
            format!(" ({verb} {})", list(&rest.iter().map(|change| named(change)).collect::<Vec<_>>()))
        }
    };
    let (old, new) = (shown(first.old.as_deref()), shown(first.new.as_deref()));
    let message = format!("{} was {old} and is {new}{also}: {}", named(first), first.because);
    let map = match (&first.old, &first.new) {
        (Some(old), Some(new)) if !old.contains(' ') && !new.contains(' ') => format!(" (--map {old}={new})"),
        _ => String::new(),
    };
    let text = match first.effect {
        Effect::Certificate => {
            "Have a certificate made that is for these names too, and let the mail server present it.".to_owned()
        }
        Effect::Routing if first.key.starts_with("mail for ") => {
            "Decide for each of these domains where its mail is to be delivered: name the domain in the list of this host that stands for that, or let its MX records lead elsewhere.".to_owned()
        }
        Effect::Routing => {
            format!("See where mail of that domain is to be delivered, and set {} by it, in the panel.", first.key)
        }
        _ => format!("Set {} to {old} again, or say that the new value is meant{map}.", first.key),
    };
    let finding = RULE.violated(&first.key, message).fix(Fix::new(Who::Host, text));
    Some(group.iter().fold(finding, |finding, change| mark(finding, change)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Certificate;
    use crate::name::DomainName;
    use crate::rules::testing::{But, check_table, dns, fact, findings, healthy, moved_from, named};

    #[test]
    fn a_name_that_nobody_meant_to_change() {
        let renamed = || moved_from(named("old.example.com"));
        check_table(
            &RULE,
            vec![
                ("as before", moved_from(healthy()), dns(&[]), &[]),
                ("another name everywhere is one finding", renamed(), dns(&[]), &["warning /etc/hostname"]),
                (
                    "the name that it is meant to have",
                    renamed().but(|f| f.expected_hostname = Some(DomainName::new("mail.example.com"))),
                    dns(&[]),
                    &[],
                ),
            ],
        );
        let found = findings(&RULE, &renamed(), &dns(&[]));
        assert!(
            found[0].message.contains("hostname -f") && found[0].message.contains("myhostname"),
            "{}",
            found[0].message
        );
    }

    #[test]
    fn a_certificate_is_no_name_to_be_mapped() {
        let certified = |names: &[&str]| {
            healthy().but(|f| {
                f.certificates = vec![Certificate {
                    setting: "smtpd_tls_cert_file".to_owned(),
                    file: fact("/etc/mail.crt".to_owned()),
                    names: names.iter().map(|name| (*name).to_owned()).collect(),
                    until: 0,
                }];
            })
        };
        let moved = |names| {
            moved_from(certified(&["smtp.example.com"])).but(|f| f.certificates = certified(names).certificates)
        };
        let subject = "warning certificate of postfix as a server";
        check_table(
            &RULE,
            vec![
                ("the same", moved(&["smtp.example.com"]), dns(&[]), &[]),
                ("another", moved(&["imap.example.com"]), dns(&[]), &[subject]),
            ],
        );
        let found = findings(&RULE, &moved(&["imap.example.com"]), &dns(&[]));
        let fix = found[0].fix.as_ref().unwrap();
        assert!(!fix.text.contains("--map"), "{fix:?}");
    }
}
