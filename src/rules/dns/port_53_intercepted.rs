use std::collections::BTreeSet;

use crate::findings::Finding;
use crate::observe::{Observations, Outcome, VantageKind};
use crate::rules::{Context, rule};

/// Zones of which a server was answered for: one alone may be a mistake of its own.
const ZONES: usize = 2;

rule! {
    /// Something on the way answers in place of the servers that are asked.
    ///
    /// ## Condition
    /// Servers of at least two different zones answered questions that ask for no recursion with RA and without AA, as a recursive resolver
    /// does, and no authoritative server answered with AA: something on the way takes all questions to port 53. DNS009 is silent then.
    /// Subject: the vantage point, which is the first of these servers.
    ///
    /// ## Why it matters
    /// No zone's server answered, and neither did the public resolvers: whatever they are said to have answered comes from the cache of one
    /// resolver of the provider's, and may be older than what receivers see.
    ///
    /// ## Fix
    /// Nothing is wrong with the host. To see what others see, ask resolvers in a way that nobody on the way can answer: `--resolver
    /// tls://1.1.1.1#cloudflare-dns.com` or `--resolver https://8.8.8.8/dns-query#dns.google`.
    ///
    /// ## When to ignore
    /// Where the provider or a firewall is known to do so.
    pub static RULE = {
        code: "DNS014",
        name: "port-53-intercepted",
        severity: Info,
        refs: ["RFC 1035 section 4.1.1", "RFC 7858", "RFC 8484"],
        needs: [Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    if !dns.intercepted() {
        return Vec::new();
    }
    let all = replaced(dns);
    let zones = dns.zones.iter().filter(|zone| zone.servers.keys().any(|number| all.contains(number))).count();
    let Some(first) = all.first().and_then(|number| dns.vantages.get(*number)).filter(|_| zones >= ZONES) else {
        return Vec::new();
    };
    let message = format!(
        "no authoritative server answered: something on the way takes all questions to port 53 and answers them as a recursive resolver \
         does (RA without AA, in place of {} of {zones} zones); resolvers over TLS or HTTPS get past it: --resolver \
         tls://1.1.1.1#cloudflare-dns.com, --resolver https://8.8.8.8/dns-query#dns.google",
        match all.len() {
            1 => "the server".to_owned(),
            count => format!("{count} servers"),
        }
    );
    vec![RULE.violated(&first.name, message)]
}

/// The servers in whose place a recursive resolver answered.
fn replaced(dns: &Observations) -> BTreeSet<usize> {
    let own = |number: usize| {
        dns.vantages.get(number).is_some_and(|v| v.kind == VantageKind::Authoritative && v.server.is_some())
    };
    let by_resolver = dns.replies.values().flatten().filter(|reply| match &reply.outcome {
        Outcome::Answer(answer) => answer.recursion_available && !answer.authoritative,
        Outcome::Unanswered(_) => false,
    });
    by_resolver.map(|reply| reply.vantage).filter(|number| own(*number)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::name::DomainName;
    use crate::observe::samples::answer;
    use crate::observe::zones::Zone;
    use crate::observe::{Answer, Question, RecordType, Reply, Vantage};
    use crate::rules::testing::{findings, healthy};

    /// Two servers, each of a zone of its own or both of one, and how they answer: RA, AA.
    fn world(zones: usize, recursive: bool, authoritative: bool) -> Observations {
        let vantage = |n: u8| Vantage {
            name: format!("ns{n}"),
            server: Some(([192, 0, 2, n], 53).into()),
            kind: VantageKind::Authoritative,
        };
        let said = Answer { recursion_available: recursive, authoritative, ..answer(Vec::new()) };
        let replies = (0..2).map(|vantage| Reply { vantage, outcome: Outcome::Answer(said.clone()) }).collect();
        let question = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
        let zone = |n: usize| Zone {
            name: DomainName::new(&format!("z{n}.example")),
            parent: None,
            delegators: BTreeSet::new(),
            servers: (0..2).filter(|at| zones == 1 || *at == n).map(|at| (at, BTreeSet::new())).collect(),
            unasked: BTreeSet::new(),
        };
        let dns = Observations::new(vec![vantage(1), vantage(2)], BTreeMap::from([(question, replies)]));
        Observations { zones: (0..zones).map(zone).collect(), ..dns }
    }

    #[test]
    fn servers_of_two_zones_that_answer_as_a_resolver_does() {
        let found = findings(&RULE, &healthy(), &world(2, true, false));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subject, "ns1");
        assert!(found[0].message.contains("2 servers of 2 zones") && found[0].message.contains("tls://"));
        for (zones, recursive, authoritative) in [(1, true, false), (2, true, true), (2, false, false)] {
            assert!(findings(&RULE, &healthy(), &world(zones, recursive, authoritative)).is_empty());
        }
    }
}
