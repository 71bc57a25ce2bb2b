use std::net::IpAddr;

use crate::addr::{self, special_purpose};
use crate::facts::OutboundPath;
use crate::findings::{Finding, Fix, Who};
use crate::observe::{Observations, Question};
use crate::rules::names::{Introduction, introduction};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// What receivers see of a source address is not known.
    ///
    /// ## Condition
    /// The source address is not public and nothing says what receivers see of it: no NAT map names its image. Always
    /// undetermined; not on relayed paths. Subject: the source address.
    ///
    /// ## Why it matters
    /// Behind NAT receivers see another address than this host sends from, and PTR, HELO and forward records are judged by that one.
    /// Unless it is known, none of them can be checked.
    ///
    /// ## Fix
    /// Say it: `--public-ip LOCAL=PUBLIC`, or the settings file; for Postfix `proxy_interfaces`; on cPanel
    /// `/usr/local/cpanel/scripts/build_cpnat`.
    ///
    /// ## When to ignore
    /// Where mail from this source stays inside a private network.
    pub static RULE = {
        code: "NET002",
        name: "sending-address-unknown",
        severity: Error,
        refs: ["RFC 1918", "RFC 6598", "postconf(5) proxy_interfaces"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let unknown = facts.paths.iter().filter(|path| path.sending.is_none() && path.relayed.is_none());
    let findings = unknown.map(|path| {
        let finding = match (&path.source, &path.source_undecided) {
            (Some(source), _) => {
                let addr = source.value;
                let why = special_purpose(addr).unwrap_or("not public");
                let message = format!("mail leaves from {addr}, {why}; what receivers see of it is not known");
                let finding = RULE.undetermined(addr, message).place(&source.origin, "source address");
                suggest(finding, path, addr, dns)
            }
            (None, Some(undecided)) => {
                let message = format!("files do not decide the source address: {}", undecided.why);
                RULE.undetermined(&undecided.parameter, message).place(&undecided.origin, "not decided by files")
            }
            (None, None) => {
                let family = path.family.title();
                let message = format!(
                    "the kernel's {family} source address is not known, so neither is the address that receivers see"
                );
                let fix = Fix::new(
                    Who::Host,
                    "Run helolint on the host itself, or give it the kernel's facts with `--kernel FILE`.",
                );
                RULE.undetermined(format!("{family} source address"), message).fix(fix)
            }
        };
        finding.path(&path.id)
    });
    findings.collect()
}

/// Names the public address on which HELO name and PTR agree, where there is one.
fn suggest(finding: Finding, path: &OutboundPath, source: IpAddr, dns: &Observations) -> Finding {
    let Some((name, public)) = agreed(path, dns) else {
        let text = format!("Say which public address stands for {source}: `--public-ip {source}=PUBLIC`.");
        return finding.fix(Fix::new(Who::Host, text));
    };
    let text = format!(
        "The HELO name `{name}` and the PTR record of {public} agree on {public}. If that is what receivers see, say so."
    );
    let fix = Fix::new(Who::Host, text).command(format!("helolint check --public-ip {source}={public}"));
    finding.evidence(evidence(dns, &Question::ptr(public))).fix(fix)
}

fn agreed(path: &OutboundPath, dns: &Observations) -> Option<(String, IpAddr)> {
    let Introduction::Name(helo) = introduction(path, dns) else { return None };
    let name = helo.value.domain();
    let found = dns.addresses(&name, path.family);
    let [public] = found.found() else { return None };
    let agrees = addr::is_public(*public) && dns.ptr(*public).found().contains(&name);
    agrees.then(|| (name.to_string(), *public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::facts::Undecided;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        let no_kernel = |f: &mut Facts| {
            f.paths[0].source = None;
            f.paths[0].sending = None;
        };
        let undecided = |f: &mut Facts| {
            f.paths[0].source_undecided =
                Some(Undecided { parameter: "interface".into(), why: "it asks Perl".into(), origin: HERE }.into());
        };
        check_table(
            &RULE,
            vec![
                ("a public source", healthy(), dns(&[]), &[]),
                ("an image is given", behind_nat("10.0.0.5", Some("203.0.113.5")), dns(&[]), &[]),
                ("none is", behind_nat("10.0.0.5", None), dns(&[]), &["error? 10.0.0.5"]),
                ("the relay sees another anyway", behind_nat("10.0.0.5", None).but(relayed), dns(&[]), &[]),
                ("no kernel to ask", healthy().but(no_kernel), dns(&[]), &["error? IPv4 source address"]),
                ("files do not decide", healthy().but(no_kernel).but(undecided), dns(&[]), &["error? interface"]),
            ],
        );
    }

    #[test]
    fn a_public_address_is_suggested_where_name_and_ptr_agree_on_it() {
        let facts = behind_nat("10.0.0.5", None);
        let command = |dns: &Observations| findings(&RULE, &facts, dns)[0].fix.clone().unwrap().commands;
        assert_eq!(command(&dns(&[])), ["helolint check --public-ip 10.0.0.5=192.0.2.10"]);
        assert!(command(&dns(&[("192.0.2.10 PTR", &["other.example.com"])])).is_empty(), "the PTR says another name");
        assert!(command(&dns(&[("mail.example.com A", &[ADDR, "192.0.2.11"])])).is_empty(), "two addresses");
    }
}
