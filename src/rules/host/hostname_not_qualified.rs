use crate::facts::{Facts, HostFqdn};
use crate::findings::{Finding, Severity, Verdict};
use crate::name::DomainName;
use crate::observe::Observations;
use crate::rules::advice::name_host;
use crate::rules::names::{host_or_node_name, mail_identity_holds, name_severity, unqualified};
use crate::rules::{Context, rule};

rule! {
    /// This host has no fully qualified name.
    ///
    /// ## Condition
    /// `hostname -f` fails, has fewer than two labels, or is `localhost`, `localhost.localdomain` or below `.local`,
    /// `.localdomain`, `.internal`, `.lan` or `.home.arpa`. Where it only took too long, the finding is undetermined.
    /// Subject: the name, else the node name. An error where the name is an MTA's own name or the HELO or PTR name of
    /// a path that is not relayed, else a warning; info where every path is relayed, and where a cloud's `.internal`
    /// name stands beside HELO names that are confirmed PTR names and not generic.
    ///
    /// ## Why it matters
    /// Mail software derives its HELO name, its bounce sender and its Received lines from the host name. RFC 5321 section 2.3.5 asks
    /// for names that resolve in the public DNS: Postfix with `reject_non_fqdn_helo_hostname` answers a name without dot with
    /// `504 5.5.2 Helo command rejected: need fully-qualified hostname`, and rspamd adds 2.0 for one.
    ///
    /// ## Fix
    /// Give the host a name of your own domain (`hostnamectl set-hostname mail.example.com`; on cPanel WHM » Change Hostname), and let
    /// the hosts file name it first on its line, so that `hostname -f` prints it.
    ///
    /// ## When to ignore
    /// Where the MTA is given its name itself and nothing else on this host sends mail.
    pub static RULE = {
        code: "HST001",
        name: "hostname-not-qualified",
        severity: Error,
        refs: ["RFC 5321 section 2.3.5", "RFC 6762 section 3", "hostname(1)"],
        needs: [Facts],
        check: check,
    };
}

/// What is asked for and may have no answer.
const FQDN: &str = "hostname -f";

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let host = &facts.host;
    let name = host_or_node_name(facts).map(|fact| fact.value);
    let subject = name.as_ref().map_or_else(|| FQDN.to_owned(), DomainName::to_string);
    let finding = match &host.fqdn {
        HostFqdn::Unknown(why) => {
            RULE.undetermined(&subject, format!("could not determine what `hostname -f` prints: {why}")).open(FQDN)
        }
        HostFqdn::Fails(words) => RULE.violated(
            &subject,
            match words.as_str() {
                "" | "`hostname -f` fails" => "`hostname -f` fails: this host has no fully qualified name".to_owned(),
                words => format!("`hostname -f` fails ({words}): this host has no fully qualified name"),
            },
        ),
        HostFqdn::Name(printed) => {
            let Some(why) = unqualified(&DomainName::new(&printed.value)) else { return Vec::new() };
            let message = format!("the host name `{}` is not fully qualified: {why}", printed.value);
            RULE.violated(&subject, message).place(&printed.origin, "printed by `hostname -f`")
        }
    };
    let places = [(&host.node_name, "node name"), (&host.etc_hostname, "set at boot")];
    let finding = places.into_iter().fold(finding, |finding, (fact, label)| match fact {
        Some(fact) => finding.place(&fact.origin, label),
        None => finding,
    });
    let finding = finding.severity(severity(facts, dns, name.as_ref()));
    // What could not be seen is no reason to name the host anew.
    vec![if finding.verdict == Verdict::Fail { finding.fix(name_host(facts, dns)) } else { finding }]
}

fn severity(facts: &Facts, dns: &Observations, name: Option<&DomainName>) -> Severity {
    let Some(name) = name else { return RULE.severity };
    let clouds_own = name.is_within(&DomainName::new("internal"));
    if clouds_own && mail_identity_holds(facts, dns) { Severity::Info } else { name_severity(facts, dns, name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::HostFqdn;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let fails = |f: &mut Facts| f.host.fqdn = HostFqdn::Fails("Name or service not known".into());
        let unknown = |f: &mut Facts| f.host.fqdn = HostFqdn::Unknown("time-out".into());
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:587".to_owned()).into());
        let cloud = "ip-10-0-0-5.ec2.internal";
        check_table(
            &RULE,
            vec![
                ("qualified", healthy(), dns(&[]), &[]),
                ("one label, and mail goes out under it", named("mail"), dns(&[]), &["error mail"]),
                ("one label, but the MTA has a name of its own", host_named("mail"), dns(&[]), &["warning mail"]),
                ("localhost", host_named("localhost.localdomain"), dns(&[]), &["warning localhost.localdomain"]),
                ("private suffix", named("mx.corp.lan"), dns(&[]), &["error mx.corp.lan"]),
                ("cased and dotted", host_named("MAIL.Local."), dns(&[]), &["warning mail.local"]),
                ("it fails: the node name stands for it", healthy().but(fails), dns(&[]), &["error mail.example.com"]),
                ("a time-out is no failure", healthy().but(unknown), dns(&[]), &["error? mail.example.com"]),
                ("the relay is judged, not this host", named("mail").but(relayed), dns(&[]), &["info mail"]),
                (
                    "a cloud's own name beside a sound mail identity",
                    host_named(cloud),
                    dns(&[]),
                    &["info ip-10-0-0-5.ec2.internal"],
                ),
                (
                    "a cloud's own name, mail identity unseen",
                    host_named(cloud),
                    dns(&[("192.0.2.10 PTR", &["timeout"])]),
                    &["warning ip-10-0-0-5.ec2.internal"],
                ),
            ],
        );
    }

    #[test]
    fn nothing_known_is_undetermined() {
        let facts = healthy().but(|f| {
            f.host.node_name = None;
            f.host.fqdn = HostFqdn::Unknown("no kernel".into());
        });
        assert_eq!(verdicts(&RULE, &facts, &dns(&[])), ["error? hostname -f"]);
        assert!(findings(&RULE, &facts, &dns(&[]))[0].fix.is_none(), "what was not seen is not to be changed");
    }
}
