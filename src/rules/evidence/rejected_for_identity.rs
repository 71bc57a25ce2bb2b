use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::facts::{Facts, MailLog, Origin, OutboundPath, Refused};
use crate::findings::{Finding, Fix, Severity, Verdict, Who};
use crate::identity::{OwnAddresses, SpokenOf, spoken_of};
use crate::rules::evidence::log::{age, last_change, last_change_of_any, time};
use crate::rules::{Context, Judged, rule};

rule! {
    /// Receivers refused mail for this host's names or addresses, and the mail log holds what they said.
    ///
    /// ## Condition
    /// Only with `--log`, over the last fourteen days. Postfix or Exim logged a delivery that failed, for good or for now, with a reply that is
    /// known to name a fault of the sending host's identity (`helolint explain --reply` knows the same ones), or with one that is used for such
    /// a fault among others where a finding of this run confirms it. A reply that is not known is never taken for one, and no line in the log
    /// proves nothing. Info where nothing of it is found any more and the last such reply is older than the last change of a file that sets the
    /// name or address in question. Undetermined where no log could be read. Subject: the sending address; `this host` where neither the line
    /// nor the configuration says which it was.
    ///
    /// The address is the one that the line names (Exim's `I=[..]`, log selector `incoming_interface`); else one of this host's that the reply
    /// names; else that of the service or transport of the line, in the family of the receiver's address. Stock Postfix does not log the local
    /// address of a connection. Neither addresses of people nor numbers of messages are kept.
    ///
    /// ## Why it matters
    /// It has happened: what other rules say receivers would do, these did.
    ///
    /// ## Fix
    /// Settle the findings that it confirms. Where it confirms none, the cause may be gone, or some resolvers still hold an old answer: look
    /// whether new replies come.
    ///
    /// ## When to ignore
    /// Where the cause is gone and the log will forget.
    pub static RULE = {
        code: "LOG001",
        name: "rejected-for-identity",
        severity: Error,
        refs: ["RFC 5321 section 4.2", "RFC 3463"],
        needs: [Facts, Log],
        check: (after check),
    };
}

/// Kinds of replies that one finding tells one by one.
const TOLD: usize = 6;

/// Replies about one sending address.
struct Told<'f> {
    paths: Vec<&'f OutboundPath>,
    replies: Vec<Reply<'f>>,
}

/// Replies that are alike.
struct Reply<'f> {
    refused: &'f Refused,
    /// Codes of the findings that it confirms.
    confirms: BTreeSet<&'static str>,
    /// Whether what it speaks of was mended later, for all that is known.
    cured: bool,
}

fn check(cx: &Context<'_>, judged: &Judged<'_>) -> Vec<Finding> {
    let Some(log) = cx.facts.log.as_deref() else { return Vec::new() };
    if log.files.is_empty() {
        let why = log.unread.first().map_or("there is none", String::as_str);
        let message = format!("what receivers said is not known, since no mail log was read: {why}");
        return vec![RULE.undetermined("this host", message).place(&LOG, "")];
    }
    let told = by_address(cx.facts, cx.own_addresses(), log, judged);
    told.into_iter().filter_map(|(address, told)| finding(log, judged, address, told)).collect()
}

/// The option that has logs read.
const LOG: Origin = Origin::flag("--log");

fn subject(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "this host".to_owned(), |address| address.to_string())
}

/// The replies that count, by sending address.
fn by_address<'f>(
    facts: &'f Facts,
    own: &OwnAddresses<'_>,
    log: &'f MailLog,
    judged: &Judged<'_>,
) -> BTreeMap<Option<IpAddr>, Told<'f>> {
    let mut all: BTreeMap<Option<IpAddr>, Told<'f>> = BTreeMap::new();
    for refused in &log.refusals {
        let SpokenOf { address, paths } = spoken_of(facts, own, refused);
        let confirms = confirming(refused, address, &paths, judged);
        if !refused.names_it && confirms.is_empty() {
            continue;
        }
        // An address of no path: any change may have taken it out of use.
        let changed = match paths.is_empty() {
            true => last_change_of_any(facts, log),
            false => last_change(log, paths.iter().copied()),
        };
        let later = changed.is_some_and(|changed| refused.last < changed);
        let told = all.entry(address).or_insert_with(|| Told { paths: Vec::new(), replies: Vec::new() });
        for path in paths {
            if !told.paths.iter().any(|known| known.id == path.id) {
                told.paths.push(path);
            }
        }
        told.replies.push(Reply { refused, cured: later && confirms.is_empty(), confirms });
    }
    all
}

/// The codes of findings that a reply confirms: those of its rules, seen to be wrong, about the same address or path.
fn confirming(
    refused: &Refused,
    address: Option<IpAddr>,
    paths: &[&OutboundPath],
    judged: &Judged<'_>,
) -> BTreeSet<&'static str> {
    let address = address.map(|address| address.to_string());
    let concerns = |finding: &Finding| match &address {
        Some(address) if finding.subject == *address => true,
        _ => finding.paths.iter().any(|id| paths.iter().any(|path| path.id == *id)),
    };
    let failed = judged.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    let named = failed.filter(|finding| refused.rules.iter().any(|code| *code == finding.meta.code));
    named.filter(|finding| concerns(finding)).map(|finding| finding.meta.code).collect()
}

fn finding(log: &MailLog, judged: &Judged<'_>, address: Option<IpAddr>, told: Told<'_>) -> Option<Finding> {
    let Told { paths, mut replies } = told;
    replies.sort_by_key(|reply| std::cmp::Reverse((!reply.cured, reply.refused.count)));
    let count: u64 = replies.iter().map(|reply| reply.refused.count).sum();
    let first = replies.iter().map(|reply| reply.refused.first).min()?;
    let last = replies.iter().map(|reply| reply.refused.last).max()?;
    let confirms: BTreeSet<&str> = replies.iter().flat_map(|reply| reply.confirms.iter().copied()).collect();
    let codes = |codes: &BTreeSet<&str>| codes.iter().copied().collect::<Vec<_>>().join(", ");
    let looked: BTreeSet<&str> = replies.iter().flat_map(|reply| &reply.refused.rules).map(String::as_str).collect();
    let looked: BTreeSet<&str> = looked.into_iter().filter(|code| judged.checked.contains(code)).collect();
    let subject = subject(address);
    let cured = replies.iter().all(|reply| reply.cured);
    let means = match (confirms.is_empty(), looked.is_empty()) {
        (false, _) => format!("that confirms {}", codes(&confirms)),
        (true, _) if cured => "the configuration was changed after the last of them".to_owned(),
        (true, false) => format!("that contradicts this run, in which {} found nothing there", codes(&looked)),
        (true, true) => "no rule of this run looked into it".to_owned(),
    };
    let times = if count == 1 {
        format!("once, on {}, {}", time(last), age(log, last))
    } else {
        format!("{count} times since {}, the last {}", time(first), age(log, last))
    };
    let message = format!("receivers refused mail from {subject} for its identity {times}; {means}");
    let severity = if cured { Severity::Info } else { RULE.severity };
    let mut finding = RULE.violated(&subject, message).severity(severity);
    let all = replies.len();
    for reply in replies.iter().take(TOLD) {
        finding = finding.place(&LOG, sentence(reply.refused));
    }
    if all > TOLD {
        finding = finding.place(&LOG, format!("and {} more kinds of replies", all - TOLD));
    }
    for path in paths {
        finding = finding.path(&path.id);
    }
    let text = if confirms.is_empty() {
        format!(
            "Look whether receivers refuse mail from {subject} still, after {}: where they do, some of them see other records than this run \
             did, or mail leaves in another way than the configuration says.",
            time(last)
        )
    } else {
        format!("Settle {}: receivers refuse mail for it now.", codes(&confirms))
    };
    Some(finding.fix(Fix::new(Who::Host, text)))
}

/// What was said how often, by whom.
fn sentence(refused: &Refused) -> String {
    let code = [refused.code.map(|code| code.to_string()), refused.status.clone()];
    let code: Vec<String> = code.into_iter().flatten().collect();
    let who = match (&refused.receiver, refused.hosts.as_slice()) {
        (Some(receiver), _) => receiver.clone(),
        (None, []) => "receivers".to_owned(),
        (None, hosts) => hosts.join(", "),
    };
    let code = if code.is_empty() { String::new() } else { format!(" {}", code.join(" ")) };
    format!("{} times{code} by {who}, last on {}: `{}`", refused.count, time(refused.last), refused.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::addr::Family;
    use crate::facts::{ConfigFile, Mta, ReadLog};
    use crate::observe::Observations;
    use crate::rules::testing::{ADDR, But, dns, healthy, ip, on, path};
    use crate::rules::{Selection, judge};
    use crate::source::SourceFile;

    const LAST: i64 = 1_793_880_000;

    fn refused(reply: &str, rules: &[&str], names_it: bool) -> Refused {
        Refused {
            mta: Mta::Postfix,
            service: "postfix/smtp".into(),
            family: Some(Family::Ipv4),
            local: None,
            named: None,
            reply: reply.into(),
            receiver: Some("Gmail".into()),
            hosts: vec!["mx.example.net".into()],
            meaning: "No PTR record.".into(),
            names_it,
            rules: rules.iter().map(|code| (*code).to_owned()).collect(),
            code: Some(550),
            status: Some("5.7.25".into()),
            words: "does not have a PTR record".into(),
            count: 14,
            first: LAST - 7200,
            last: LAST,
        }
    }

    fn with(refusals: Vec<Refused>) -> Facts {
        let file = ReadLog { name: "-".into(), packed: None, lines: 1, octets: 1, first: None, last: None };
        let log = MailLog { files: vec![file], refusals, until: LAST + 600, until_now: true, ..MailLog::default() };
        healthy().but(|f| f.log = Some(Arc::new(log)))
    }

    /// The findings of LOG001 beside those of all other rules.
    fn judged(facts: &Facts, dns: &Observations) -> Vec<Finding> {
        let found = judge(facts, dns, &Selection::default()).findings;
        found.into_iter().filter(|finding| finding.meta.code == "LOG001").collect()
    }

    fn in_short(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{} {}", finding.severity, finding.subject)).collect()
    }

    #[test]
    fn what_it_confirms_and_contradicts() {
        let facts = with(vec![refused("gmail-ptr-missing", &["PTR001"], true)]);
        let [finding] = &judged(&facts, &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]))[..] else { panic!() };
        assert_eq!((finding.severity, finding.subject.as_str()), (Severity::Error, ADDR));
        assert_eq!(
            finding.message,
            "receivers refused mail from 192.0.2.10 for its identity 14 times since 2026-11-05 10:00 UTC, the last 10 minutes ago; that \
             confirms PTR001"
        );
        assert_eq!(finding.paths, [facts.paths[0].id.clone()]);
        let label = &finding.places[0].label;
        assert_eq!(label, "14 times 550 5.7.25 by Gmail, last on 2026-11-05 12:00 UTC: `does not have a PTR record`");
        let [finding] = &judged(&facts, &dns(&[]))[..] else { panic!() };
        assert!(
            finding.message.ends_with("that contradicts this run, in which PTR001 found nothing there"),
            "{}",
            finding.message
        );
        let [finding] = &judged(&facts, &Observations::offline())[..] else { panic!() };
        assert!(finding.message.ends_with("no rule of this run looked into it"), "{}", finding.message);
    }

    #[test]
    fn what_only_points_to_a_fault_needs_one() {
        let facts = with(vec![refused("x", &["PTR001"], false)]);
        assert!(judged(&facts, &dns(&[])).is_empty());
        assert_eq!(in_short(&judged(&facts, &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]))), ["error 192.0.2.10"]);
    }

    #[test]
    fn a_later_change_may_have_cured_it() {
        let file = SourceFile::new("/etc/postfix/main.cf", "myhostname = mail.example.com\n");
        let changed = |modified| {
            with(vec![refused("x", &["HLO002"], true)]).but(|f| {
                let Some(source) = &mut f.paths[0].source else { panic!() };
                source.origin = Origin::from(file.span(0, 10));
                let log = Arc::make_mut(f.log.as_mut().unwrap());
                log.changed = vec![ConfigFile { path: "/etc/postfix/main.cf".into(), modified }];
            })
        };
        assert_eq!(in_short(&judged(&changed(LAST - 1), &dns(&[]))), ["error 192.0.2.10"]);
        assert_eq!(in_short(&judged(&changed(LAST + 1), &dns(&[]))), ["info 192.0.2.10"]);
        let open = dns(&[
            ("mail.example.com A", &["NXDOMAIN"]),
            ("mail.example.com AAAA", &["NXDOMAIN"]),
            ("mail.example.com MX", &["NXDOMAIN"]),
        ]);
        assert_eq!(in_short(&judged(&changed(LAST + 1), &open)), ["error 192.0.2.10"], "it is still so");
    }

    #[test]
    fn whose_address_it_was() {
        let two = |change: fn(&mut Refused)| {
            let mut one = refused("x", &["PTR001"], true);
            change(&mut one);
            let facts = with(vec![one])
                .but(|f| f.paths.push(path("192.0.2.20", "mail.example.com").but(|p| p.services = vec!["out".into()])));
            in_short(&judged(&facts, &Observations::offline()))
        };
        assert_eq!(two(|_| {}), ["error this host"], "one of two");
        assert_eq!(two(|r| r.local = Some(ip("192.0.2.20"))), ["error 192.0.2.20"]);
        assert_eq!(two(|r| r.named = Some(ip("192.0.2.20"))), ["error 192.0.2.20"]);
        assert_eq!(two(|r| (r.mta, r.service) = (Mta::Exim, "out".into())), ["error this host"], "no path of Exim");
        assert_eq!(two(|r| r.named = Some(ip("198.51.100.9"))), ["error 198.51.100.9"], "what the receiver saw");
        let on_eth0 = |f: &mut Facts| f.host.addresses.as_mut().unwrap().push(on("eth0", "192.0.2.77", &[]));
        let one = Refused { named: Some(ip("192.0.2.77")), ..refused("x", &["PTR001"], true) };
        let facts = with(vec![one]).but(on_eth0);
        assert_eq!(
            in_short(&judged(&facts, &Observations::offline())),
            ["error 192.0.2.77"],
            "an address of this host, and of no path"
        );
        assert_eq!(two(|r| r.family = Some(Family::Ipv6)), ["error this host"]);
    }

    #[test]
    fn no_log_is_not_an_empty_one() {
        let none = healthy()
            .but(|f| f.log = Some(Arc::new(MailLog { unread: vec!["/x was not read".into()], ..MailLog::default() })));
        let [finding] = &judged(&none, &dns(&[]))[..] else { panic!() };
        assert_eq!(finding.verdict, Verdict::Undetermined);
        assert!(finding.message.ends_with("/x was not read"), "{}", finding.message);
        assert!(judged(&with(vec![]), &dns(&[])).is_empty());
        assert!(judged(&healthy(), &dns(&[])).is_empty());
    }
}
