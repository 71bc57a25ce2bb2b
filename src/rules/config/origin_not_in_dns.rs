use crate::facts::{Fact, Facts, Mta};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::name::DomainName;
use crate::observe::{Observations, Question, RecordData, RecordType};
use crate::rules::names::{all_relayed, introductions, left_open, own_names, unqualified};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// The domain that mail made on this host gets cannot receive mail.
    ///
    /// ## Condition
    /// The domain that mail made on this host gets (`myorigin` with its file, `qualify_domain`) has no MX, A or AAAA record, or a null
    /// MX. Not where HST001, HST004, HLO001 or HLO002 names it already, not where something rewrites senders, and not where
    /// nothing is meant to be sent. Info where every path is relayed, and for `localhost`; a warning where a program on this host is given
    /// everything. Subject: the domain.
    ///
    /// ## Why it matters
    /// Mail of cron, of scripts and of web applications leaves as `root@` that domain. Receivers refuse a sender whose domain has no MX, A or
    /// AAAA record, or says by a null MX that it takes no mail: `450 4.1.8 Sender address rejected: Domain not found`; and no bounce ever
    /// comes back.
    ///
    /// ## Fix
    /// Name a domain that exists: in `myorigin` (on Debian, in the file that it names: /etc/mailname) or `qualify_domain`. Or publish an MX
    /// record of the domain.
    ///
    /// ## When to ignore
    /// Where no mail is made on this host.
    pub static RULE = {
        code: "CFG020",
        name: "origin-not-in-dns",
        severity: Error,
        refs: ["RFC 5321 section 5.1", "RFC 7505", "postconf(5): myorigin", "postconf(5): reject_unknown_sender_domain"],
        needs: [Facts, Dns],
        check: check,
    };
}

/// The record types one of which is enough.
const ENOUGH: [RecordType; 3] = [RecordType::Mx, RecordType::A, RecordType::Aaaa];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    // Where nothing is meant to leave, nobody sees it. What a source address that cannot be used holds up is meant to.
    if facts.paths.iter().all(|path| path.unused) && facts.bind_faults.is_empty() {
        return Vec::new();
    }
    let origins = facts.mail_origins();
    origins.iter().filter_map(|(mta, origin)| finding(facts, dns, *mta, origin)).collect()
}

fn finding(facts: &Facts, dns: &Observations, mta: Mta, origin: &Fact<DomainName>) -> Option<Finding> {
    let name = &origin.value;
    let severity = match () {
        () if all_relayed(facts) || *name.as_str() == *"localhost" => Severity::Info,
        () if facts.paths.iter().all(|path| path.unused || path.handed_over) => RULE.severity.lower(),
        () => RULE.severity,
    };
    let questions = ENOUGH.map(|rtype| Question::new(name, rtype));
    let truths = || questions.iter().map(|question| dns.truth(question).lookup);
    let mut found = truths().flat_map(|lookup| lookup.found().to_vec());
    let refuses = |data: &RecordData| matches!(data, RecordData::Mx(_, server) if server.as_str().is_empty());
    let null_mx = truths().any(|lookup| matches!(lookup.found(), [only] if refuses(&only.data)));
    let open: Vec<String> =
        questions.iter().filter(|q| dns.truth(q).lookup.open().is_some()).map(Question::to_string).collect();
    let setting = setting(mta);
    let what = format!("mail made on this host is from `@{name}` ({setting})");
    let finding = if null_mx {
        RULE.violated(
            name,
            format!("{what}, which says by a null MX that it takes no mail: receivers refuse the sender"),
        )
    } else if found.any(|record| !matches!(record.data, RecordData::Mx(..)) || !refuses(&record.data))
        || is_named(facts, dns, name)
    {
        return None;
    } else if let Some(why) = unqualified(name) {
        RULE.violated(name, format!("{what}, and {why}: receivers refuse the sender"))
    } else if open.is_empty() {
        RULE.violated(name, format!("{what}, which has no MX, A or AAAA record: receivers refuse the sender"))
    } else {
        let message =
            format!("could not determine whether `{name}` can receive mail: no answer to {}", open.join(", "));
        left_open(&RULE, name.as_str(), message, &open)
    };
    let finding =
        finding.severity(severity).place(&origin.origin, "domain of mail made here").via(&origin.via, "used here");
    Some(
        finding
            .evidence(questions.iter().flat_map(|question| evidence(dns, question)))
            .fix(fix(facts, dns, mta, origin)),
    )
}

/// Whether another rule says of this name that it is not in the DNS.
fn is_named(facts: &Facts, dns: &Observations, name: &DomainName) -> bool {
    let host = facts.host.fqdn.name().is_some_and(|host| host.value == *name);
    let node = facts.host.node_name.as_ref().is_some_and(|node| DomainName::new(&node.value) == *name);
    host || node || introductions(facts, dns).iter().any(|one| one.name == *name)
}

/// The parameter that holds it.
fn setting(mta: Mta) -> &'static str {
    match mta {
        Mta::Postfix => "myorigin",
        Mta::Exim => "qualify_domain",
    }
}

fn fix(facts: &Facts, dns: &Observations, mta: Mta, origin: &Fact<DomainName>) -> Fix {
    // A name of this host's that is known to have an address.
    let has_address = |name: &DomainName| {
        [RecordType::A, RecordType::Aaaa]
            .iter()
            .any(|rtype| !dns.truth(&Question::new(name, *rtype)).lookup.found().is_empty())
    };
    let host = facts.host.fqdn.name().map(|name| name.value);
    let own = own_names(facts).into_iter().map(|(_, name)| name.value);
    let other = own.chain(host).find(|name| *name != origin.value && has_address(name));
    let place = origin.origin.span().map_or_else(|| format!("`{}`", setting(mta)), |span| span.path().to_owned());
    let Some(other) = other else {
        return Fix::new(Who::Host, format!("Name a domain that exists in {place}, then reload {mta}."));
    };
    Fix::new(Who::Host, format!("Write `{other}`, or another domain that exists, into {place}, then reload {mta}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Setting;
    use crate::rules::testing::{But, HERE, NAME, check_table, dns, fact, healthy};

    fn origin(name: &str) -> Facts {
        healthy().but(|f| f.postfix[0].mail_origin = Some(fact(name.into())))
    }

    #[test]
    fn cases() {
        let gone: [(&str, &[&str]); 3] = [
            ("gone.example.com MX", &["NXDOMAIN"]),
            ("gone.example.com A", &["NXDOMAIN"]),
            ("gone.example.com AAAA", &["NXDOMAIN"]),
        ];
        let null = [("gone.example.com MX", &[""][..]), ("gone.example.com A", &["192.0.2.10"])];
        let by_mx = [gone[1], gone[2], ("gone.example.com MX", &["mx.example.com"][..])];
        let open = [gone[0], gone[1], ("gone.example.com AAAA", &["SERVFAIL"][..])];
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        let exim = healthy().but(|f| {
            f.postfix.clear();
            f.mtas.live = vec![Mta::Exim];
            let main = serde_json::json!({"file": "/etc/exim.conf", "version_hint": null, "error": null, "main": {}, "transports": [], "routers": []});
            let mut exim: crate::facts::Exim = serde_json::from_value(main).unwrap();
            exim.main.insert("qualify_domain".into(), Setting::known("gone.example.com", HERE));
            f.exim = vec![exim];
        });
        check_table(
            &RULE,
            vec![
                ("the host's own", origin(NAME), dns(&[]), &[]),
                ("gone", origin("gone.example.com"), dns(&gone), &["error gone.example.com"]),
                ("gone, with Exim", exim, dns(&gone), &["error gone.example.com"]),
                ("an MX is enough", origin("gone.example.com"), dns(&by_mx), &[]),
                ("null MX", origin("gone.example.com"), dns(&null), &["error gone.example.com"]),
                ("not seen", origin("gone.example.com"), dns(&open), &["error? gone.example.com"]),
                ("relayed", origin("gone.example.com").but(relayed), dns(&gone), &["info gone.example.com"]),
                ("nobody's", origin("localhost"), dns(&[]), &["info localhost"]),
                ("private", origin("corp.internal"), dns(&[]), &["error corp.internal"]),
                (
                    "the host name, which HST004 names",
                    crate::rules::testing::named("gone.example.com").but(|f| {
                        f.postfix[0].mail_origin = Some(fact("gone.example.com".into()));
                    }),
                    dns(&gone),
                    &[],
                ),
                ("nothing leaves", origin("gone.example.com").but(|f| f.paths.clear()), dns(&gone), &[]),
                (
                    "a program takes it all",
                    origin("gone.example.com").but(|f| f.paths[0].handed_over = true),
                    dns(&gone),
                    &["warning gone.example.com"],
                ),
            ],
        );
    }
}
