use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::Family;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::{Question, RecordType};
use crate::rules::names::name_severity;
use crate::rules::support::{evidence, list, mark_name};
use crate::rules::{Context, rule};

rule! {
    /// A name of this host leads to a proxy of a content delivery network.
    ///
    /// ## Condition
    /// An address of a name of the identity lies in a published range of proxies (Cloudflare, Fastly, CloudFront,
    /// Akamai). Subject: the name. Severity as for HST001.
    ///
    /// ## Why it matters
    /// The address record then holds the proxy's address: no receiver finds the sending address in it, so the name confirms neither PTR record
    /// nor HELO name, and no mail ever reaches port 25 behind it.
    ///
    /// ## Fix
    /// Switch the proxy off for this name (at Cloudflare: the record's status "DNS only"), so that it holds this host's own address.
    ///
    /// ## When to ignore
    /// Where the name is that of a web site alone and mail uses another.
    pub static RULE = {
        code: "DNS007",
        name: "address-proxied",
        severity: Error,
        refs: ["Cloudflare: IP ranges (www.cloudflare.com/ips)", "Cloudflare: Proxy status"],
        needs: [Facts, Dns],
        check: check,
    };
}

/// Cloudflare's proxy ranges, IPv4: www.cloudflare.com/ips-v4, last changed 2023-09-28, read 2026-11.
const CLOUDFLARE_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(103, 21, 244, 0), 22),
    (Ipv4Addr::new(103, 22, 200, 0), 22),
    (Ipv4Addr::new(103, 31, 4, 0), 22),
    (Ipv4Addr::new(104, 16, 0, 0), 13),
    (Ipv4Addr::new(104, 24, 0, 0), 14),
    (Ipv4Addr::new(108, 162, 192, 0), 18),
    (Ipv4Addr::new(131, 0, 72, 0), 22),
    (Ipv4Addr::new(141, 101, 64, 0), 18),
    (Ipv4Addr::new(162, 158, 0, 0), 15),
    (Ipv4Addr::new(172, 64, 0, 0), 13),
    (Ipv4Addr::new(173, 245, 48, 0), 20),
    (Ipv4Addr::new(188, 114, 96, 0), 20),
    (Ipv4Addr::new(190, 93, 240, 0), 20),
    (Ipv4Addr::new(197, 234, 240, 0), 22),
    (Ipv4Addr::new(198, 41, 128, 0), 17),
];

/// The same, IPv6: www.cloudflare.com/ips-v6.
const CLOUDFLARE_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2400, 0xcb00, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2405, 0x8100, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2405, 0xb500, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2803, 0xf800, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2a06, 0x98c0, 0, 0, 0, 0, 0, 0), 29),
    (Ipv6Addr::new(0x2c0f, 0xf248, 0, 0, 0, 0, 0, 0), 32),
];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for (name, roles) in cx.identity_names() {
        for family in Family::BOTH {
            let lookup = dns.addresses(name, family);
            let proxied: Vec<IpAddr> = lookup.found().iter().copied().filter(|addr| is_proxy(*addr)).collect();
            if proxied.is_empty() {
                continue;
            }
            let message = format!("`{name}` leads to a proxy of Cloudflare ({}), not to this host", list(&proxied));
            let text = format!(
                "Switch the proxy off for `{name}` at Cloudflare (\"DNS only\"), and let it hold this host's own address."
            );
            let finding = RULE.violated(name, message).severity(name_severity(facts, dns, name));
            let finding = mark_name(finding.fix(Fix::new(Who::DnsZone, text)), roles);
            findings.push(finding.evidence(evidence(dns, &Question::new(name, RecordType::address(family)))));
        }
    }
    findings
}

/// Whether an address is one of Cloudflare's proxies.
pub(crate) fn is_proxy(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => CLOUDFLARE_V4.iter().any(|(net, bits)| (v4.to_bits() ^ net.to_bits()) >> (32 - bits) == 0),
        IpAddr::V6(v6) => CLOUDFLARE_V6.iter().any(|(net, bits)| (v6.to_bits() ^ net.to_bits()) >> (128 - bits) == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, fact, healthy, host_named};

    #[test]
    fn published_ranges() {
        let relayed = || healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
        check_table(
            &RULE,
            vec![
                ("its own address", healthy(), dns(&[]), &[]),
                ("a proxy", healthy(), dns(&[("mail.example.com A", &["104.21.3.4"])]), &["error mail.example.com"]),
                (
                    "by IPv6 too, once for each family",
                    healthy(),
                    dns(&[("mail.example.com AAAA", &["2606:4700::6810:1"])]),
                    &["error mail.example.com"],
                ),
                (
                    "a host name that mail does not use",
                    host_named("www.example.com"),
                    dns(&[("www.example.com A", &["172.67.1.2"])]),
                    &["warning www.example.com"],
                ),
                (
                    "the relay is judged",
                    relayed(),
                    dns(&[("mail.example.com A", &["104.21.3.4"])]),
                    &["info mail.example.com"],
                ),
                ("just outside", healthy(), dns(&[("mail.example.com A", &["104.32.0.1"])]), &[]),
                ("no answer", healthy(), dns(&[("mail.example.com A", &["timeout"])]), &[]),
            ],
        );
    }
}
