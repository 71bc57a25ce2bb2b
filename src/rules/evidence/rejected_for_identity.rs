use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::facts::{Facts, MailLog, Origin, OutboundPath, Refused};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::identity::{OwnAddresses, SpokenOf, Standing, spoken_of};
use crate::rules::evidence::log::{often, plural, time};
use crate::rules::evidence::state::{Looked, State};
use crate::rules::{Context, Judged, rule};

rule! {
    /// Receivers refused mail for this host's names or addresses, and the mail log holds what they said.
    ///
    /// ## Condition
    /// Only with `--log`, over the last fourteen days. Postfix or Exim logged a delivery that failed, for good or for now, with a reply that is
    /// known to name a fault of the sending host's identity (`helolint explain --reply` knows the same ones), or with one that is used for such
    /// a fault among others where a finding of this run confirms it. A reply that is not known is never taken for one, and no line in the log
    /// proves nothing. A message counts once for each host and day. Undetermined where no log could be read. Subject: the sending address;
    /// `this host` where neither the line nor the configuration says which it was.
    ///
    /// Info where each such reply is older than the last change that could have cured it, and no finding confirms it. Such a change is seen in
    /// one of three ways: the host that refused took mail from the same sender later, by the same logs (of an operator such as Gmail, one of the
    /// hosts that refused; else each of them); the findings that the reply would confirm were looked for in this run, answered, and are not
    /// there, since DNS records have no time of their own; for a reply that speaks of the HELO name alone, or of an address that no path has
    /// any more, a file that sets names or addresses of paths was changed later.
    ///
    /// The address is the one that the reply names, since that is what the receiver saw; else the one that the line names (Exim's `I=[..]`, log
    /// selector `incoming_interface`); else that of the service or transport of the line, in the family of the receiver's address. Stock Postfix
    /// does not log the local address of a connection. Neither addresses of people nor numbers of messages are kept.
    ///
    /// ## Why it matters
    /// It has happened: what other rules say receivers would do, these did.
    ///
    /// ## Fix
    /// Settle the findings that it confirms. Where it confirms none, the cause may be gone, or some resolvers still hold an old answer: look
    /// whether new replies come. Where receivers saw an address that no path sends from, find out what makes mail leave that way: a NAT rule, a
    /// second default route, a daemon that was not reloaded.
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
    standing: Standing,
    paths: Vec<&'f OutboundPath>,
    replies: BTreeMap<State, Vec<&'f Refused>>,
}

fn check(cx: &Context<'_>, judged: &Judged<'_>) -> Vec<Finding> {
    let Some(log) = cx.facts.log.as_deref() else { return Vec::new() };
    if log.files.is_empty() {
        let why = log.unread.first().map_or("there is none", String::as_str);
        let message = format!("what receivers said is not known, since no mail log was read: {why}");
        return vec![RULE.undetermined("this host", message).place(&LOG, "")];
    }
    let told = by_address(cx.facts, cx.own_addresses(), log, judged);
    told.into_iter().filter_map(|(address, told)| finding(log, address, told)).collect()
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
        let spoken = spoken_of(facts, own, refused);
        let state = Looked { facts, log, judged }.state(refused, &spoken);
        if !refused.names_it && !matches!(state, State::Confirms(_)) {
            continue;
        }
        let SpokenOf { address, paths, standing } = spoken;
        let told = all.entry(address).or_insert_with(|| Told { standing, paths: Vec::new(), replies: BTreeMap::new() });
        for path in paths {
            if !told.paths.iter().any(|known| known.id == path.id) {
                told.paths.push(path);
            }
        }
        told.replies.entry(state).or_default().push(refused);
    }
    all
}

fn finding(log: &MailLog, address: Option<IpAddr>, told: Told<'_>) -> Option<Finding> {
    let Told { standing, paths, mut replies } = told;
    let every = || replies.values().flatten();
    let number: u64 = every().map(|refused| refused.count).sum();
    let first = every().map(|refused| refused.first).min()?;
    let last = every().map(|refused| refused.last).max()?;
    let subject = subject(address);
    let times = often(log, number, first, last);
    let means = match (replies.len(), replies.first_key_value()) {
        (1, Some((state, refused))) => state.in_words(log, refused),
        _ => {
            let parts = replies.iter().map(|(state, refused)| {
                let number: u64 = refused.iter().map(|refused| refused.count).sum();
                let last = refused.iter().map(|refused| refused.last).max().unwrap_or(last);
                format!("{number} of them, the last on {}: {}", time(log, last), state.in_words(log, refused))
            });
            parts.collect::<Vec<_>>().join("; ")
        }
    };
    let did = did(replies.values().flatten());
    let message = format!("receivers {did} mail from {subject} for its identity {times}; {means}");
    let cured = replies.keys().all(State::is_cured);
    let severity = if cured { Severity::Info } else { RULE.severity };
    let mut finding = RULE.violated(&subject, message).severity(severity);
    let kinds = replies.values().map(Vec::len).sum::<usize>();
    for refused in replies.values_mut() {
        refused.sort_by_key(|refused| std::cmp::Reverse(refused.count));
    }
    for refused in replies.values().flatten().take(TOLD) {
        finding = finding.place(&LOG, sentence(log, refused));
    }
    if kinds > TOLD {
        finding = finding.place(
            &LOG,
            format!("and {} of replies", plural(i64::try_from(kinds - TOLD).unwrap_or(i64::MAX), "more kind")),
        );
    }
    for path in paths {
        finding = finding.path(&path.id);
    }
    Some(finding.fix(Fix::new(Who::Host, advice(log, &subject, standing, &replies, last))))
}

/// What to do about it.
fn advice(
    log: &MailLog,
    subject: &str,
    standing: Standing,
    replies: &BTreeMap<State, Vec<&Refused>>,
    last: i64,
) -> String {
    let confirmed = replies.iter().filter_map(|(state, refused)| match state {
        State::Confirms(codes) => Some((codes, refused.iter().map(|refused| refused.last).max()?)),
        _ => None,
    });
    let confirmed: Vec<(&BTreeSet<&str>, i64)> = confirmed.collect();
    if let Some(last) = confirmed.iter().map(|(_, last)| *last).max() {
        let codes: BTreeSet<&str> = confirmed.iter().flat_map(|(codes, _)| codes.iter().copied()).collect();
        let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
        let of_them = replies.iter().filter(|(state, _)| matches!(state, State::Confirms(_)));
        let did = did(of_them.flat_map(|(_, refused)| refused));
        return format!("Settle {codes}: mail was {did} for it, the last time on {}.", time(log, last));
    }
    let elsewhere = replies.keys().any(|state| matches!(state, State::Elsewhere(_)));
    match standing {
        Standing::Seen if elsewhere => format!(
            "Find out why mail leaves from {subject}: a NAT rule, a second default route, or a daemon that was not reloaded. Where that is \
             meant, have the address judged (--public-ip); else mend it."
        ),
        Standing::OfNoPath if elsewhere => format!(
            "Find out what sends from {subject}. Where a daemon runs with an older configuration, reload it; where another program delivers \
             mail under this host's log, judge its paths too."
        ),
        Standing::Inside if elsewhere => format!(
            "Give {subject} a name, forward and reverse, in the DNS that these receivers ask, or have them trust it: public records change \
             nothing there."
        ),
        _ => format!(
            "Look whether receivers refuse mail from {subject} still, after {}: where they do, some of them hold an older answer or see other \
             records than this run did, or mail leaves in another way than the configuration says.",
            time(log, last)
        ),
    }
}

/// What became of the mail: of what was put off, the MTA tries again.
fn did<'r>(mut replies: impl Iterator<Item = &'r &'r Refused>) -> &'static str {
    if replies.all(|refused| refused.waits) { "put off" } else { "refused" }
}

/// What was said how often, by whom.
fn sentence(log: &MailLog, refused: &Refused) -> String {
    let code = [refused.code.map(|code| code.to_string()), refused.status.clone()];
    let code: Vec<String> = code.into_iter().flatten().collect();
    let who = match (&refused.receiver, refused.hosts.as_slice()) {
        (Some(receiver), _) => receiver.clone(),
        (None, []) => "receivers".to_owned(),
        (None, hosts) => hosts.join(", "),
    };
    let code = if code.is_empty() { String::new() } else { format!(" {}", code.join(" ")) };
    let last = time(log, refused.last);
    match refused.count {
        1 => format!("once{code} by {who}, on {last}: `{}`", refused.words),
        number => format!("{number} times{code} by {who}, last on {last}: `{}`", refused.words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::addr::Family;
    use crate::facts::{ConfigFile, Mta, ReadLog};
    use crate::findings::Verdict;
    use crate::observe::Observations;
    use crate::rules::testing::{ADDR, But, dns, fact, healthy, ip, on, path};
    use crate::rules::{Selection, judge};
    use crate::source::SourceFile;

    const LAST: i64 = 1_793_880_000;

    fn refused(reply: &str, rules: &[&str], names_it: bool) -> Refused {
        Refused {
            mta: Mta::Postfix,
            service: "postfix/smtp".into(),
            family: Some(Family::Ipv4),
            local: None,
            inside: false,
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
            waits: false,
            count: 14,
            first: LAST - 7200,
            last: LAST,
            taken: None,
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
        let put_off = || Refused { waits: true, ..refused("gmail-ptr-missing", &["PTR001"], true) };
        for (refusals, did) in
            [(vec![put_off()], "put off"), (vec![put_off(), refused("y", &["PTR001"], true)], "refused")]
        {
            let found = &judged(&with(refusals), &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]))[0];
            assert!(found.message.starts_with(&format!("receivers {did} mail from ")), "{}", found.message);
            let advice = &found.fix.as_ref().unwrap().text;
            assert!(advice.contains(&format!("mail was {did} for it")), "{advice}");
        }
        let [finding] = &judged(&facts, &dns(&[]))[..] else { panic!() };
        assert_eq!(finding.severity, Severity::Info);
        let cured = "PTR001 finds nothing there now: cured since, as far as DNS and files say";
        assert!(finding.message.ends_with(cured), "{}", finding.message);
        let [finding] = &judged(&facts, &Observations::offline())[..] else { panic!() };
        assert!(finding.message.ends_with("no rule of this run looked into it"), "{}", finding.message);
    }

    #[test]
    fn what_only_points_to_a_fault_needs_one() {
        let facts = with(vec![refused("x", &["PTR001"], false)]);
        assert!(judged(&facts, &dns(&[])).is_empty());
        assert_eq!(in_short(&judged(&facts, &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]))), ["error 192.0.2.10"]);
    }

    /// `facts` whose path's address stands in a file that was changed then.
    fn changed(facts: Facts, modified: i64) -> Facts {
        let file = SourceFile::new("/etc/postfix/main.cf", "myhostname = mail.example.com\n");
        facts.but(|f| {
            let Some(source) = &mut f.paths[0].source else { panic!() };
            source.origin = Origin::from(file.span(0, 10));
            let log = Arc::make_mut(f.log.as_mut().unwrap());
            log.changed = vec![ConfigFile { path: "/etc/postfix/main.cf".into(), modified }];
        })
    }

    #[test]
    fn a_later_change_of_files_cures_what_files_say() {
        let (offline, helo) = (Observations::offline, || with(vec![refused("x", &["HLO002"], true)]));
        assert_eq!(in_short(&judged(&changed(helo(), LAST - 1), &offline())), ["error 192.0.2.10"]);
        assert_eq!(in_short(&judged(&changed(helo(), LAST + 1), &offline())), ["info 192.0.2.10"]);
        let open = dns(&[
            ("mail.example.com A", &["NXDOMAIN"]),
            ("mail.example.com AAAA", &["NXDOMAIN"]),
            ("mail.example.com MX", &["NXDOMAIN"]),
        ]);
        assert_eq!(in_short(&judged(&changed(helo(), LAST + 1), &open)), ["error 192.0.2.10"], "it is still so");
        let ptr = with(vec![refused("x", &["PTR001"], true)]);
        assert_eq!(
            in_short(&judged(&changed(ptr, LAST + 1), &offline())),
            ["error 192.0.2.10"],
            "no file has PTR records"
        );
        let both = with(vec![refused("x", &["HLO002", "PTR001"], true)]);
        assert_eq!(in_short(&judged(&changed(both, LAST + 1), &offline())), ["error 192.0.2.10"]);
    }

    #[test]
    fn what_was_looked_at_and_is_not_there_is_cured() {
        let ptr = || with(vec![refused("x", &["PTR001"], true)]);
        assert_eq!(in_short(&judged(&ptr(), &dns(&[]))), ["info 192.0.2.10"]);
        let unanswered = dns(&[("192.0.2.10 PTR", &["TIMEOUT"])]);
        let [finding] = &judged(&ptr(), &unanswered)[..] else { panic!() };
        assert_eq!(finding.severity, Severity::Error);
        assert!(
            finding.message.ends_with("whether PTR001 holds there is not known in this run"),
            "{}",
            finding.message
        );
        let none = with(vec![refused("x", &[], true)]);
        assert_eq!(in_short(&judged(&none, &dns(&[]))), ["error 192.0.2.10"], "no rule looks into it");
    }

    #[test]
    fn what_hosts_took_later_is_cured() {
        let taken = || with(vec![Refused { taken: Some(LAST + 60), ..refused("x", &["PTR001"], true) }]);
        let [finding] = &judged(&taken(), &Observations::offline())[..] else { panic!() };
        assert_eq!(finding.severity, Severity::Info);
        let took = "the same hosts took mail since, on 2026-11-05 12:01 UTC";
        assert!(finding.message.ends_with(took), "{}", finding.message);
        let bad = dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]);
        assert_eq!(in_short(&judged(&taken(), &bad)), ["error 192.0.2.10"], "it is still so");
    }

    #[test]
    fn what_confirms_and_what_does_not_are_counted_apart() {
        let one = Refused { count: 1, last: LAST - 172_800, first: LAST - 172_800, ..refused("a", &["PTR001"], true) };
        let two = Refused { count: 2, ..refused("b", &["HLO002"], true) };
        let [finding] = &judged(&with(vec![two, one]), &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]))[..] else {
            panic!()
        };
        assert_eq!(
            finding.message,
            "receivers refused mail from 192.0.2.10 for its identity 3 times since 2026-11-03 12:00 UTC, the last 10 minutes ago; 1 of them, \
             the last on 2026-11-03 12:00 UTC: that confirms PTR001; 2 of them, the last on 2026-11-05 12:00 UTC: HLO002 finds nothing there \
             now: cured since, as far as DNS and files say"
        );
        let fix = &finding.fix.as_ref().unwrap().text;
        assert_eq!(fix, "Settle PTR001: mail was refused for it, the last time on 2026-11-03 12:00 UTC.");
        assert!(finding.places[0].label.starts_with("once 550 5.7.25 by Gmail, on 2026-11-03"), "{:?}", finding.places);
    }

    #[test]
    fn an_address_that_nobody_asked_about() {
        let bad = || dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]);
        let words = |one: Refused, dns: &Observations| {
            let [finding] = &judged(&with(vec![one]), dns)[..] else { panic!() };
            format!("{} {}: {}", finding.severity, finding.subject, finding.message.rsplit("; ").next().unwrap())
        };
        let seen = || Refused { named: Some(ip("203.0.113.77")), ..refused("x", &["PTR001"], true) };
        let expected = "error 203.0.113.77: the receivers saw 203.0.113.77, which no outbound path sends from: nothing was looked at there";
        assert_eq!(words(seen(), &dns(&[])), expected);
        assert_eq!(words(seen(), &bad()), expected, "what is wrong with another address confirms nothing");
        let local = Refused { local: Some(ip("203.0.113.99")), ..refused("x", &["PTR001"], true) };
        let expected = "error 203.0.113.99: no outbound path has this address, so nothing was looked at";
        assert_eq!(words(local.clone(), &dns(&[])), expected);
        let older = changed(with(vec![local]), LAST + 1);
        assert_eq!(in_short(&judged(&older, &dns(&[]))), ["info 203.0.113.99"], "it may be out of use since");
        let other_family = Refused { named: Some(ip("2001:db8::7")), ..refused("x", &["PTR001"], true) };
        assert!(words(other_family, &bad()).starts_with("error 192.0.2.10: that confirms PTR001"));
    }

    #[test]
    fn a_receiver_inside_sees_the_source() {
        let nat = |f: &mut Facts| f.paths[0].source = Some(fact(ip("10.0.0.5")));
        for named in [None, Some(ip("10.0.0.5"))] {
            let one = Refused { inside: true, named, ..refused("x", &["PTR001"], true) };
            let facts = with(vec![one]).but(nat);
            let [finding] = &judged(&facts, &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]))[..] else { panic!() };
            assert_eq!((finding.severity, finding.subject.as_str()), (Severity::Error, "10.0.0.5"));
            let inside = "the receivers stand inside and saw 10.0.0.5: nothing was looked at there";
            assert!(finding.message.ends_with(inside), "{}", finding.message);
        }
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
