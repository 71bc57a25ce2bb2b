//! Writes random SPF policies with the zones around them, and what helolint makes of each, for comparison with pyspf:
//!
//!     cargo run --example spf_fuzz -- SEED COUNT
//!
//! One JSON object a line: the client, the sender, the zone (`NAME TYPE` to a list of records, or `null` for a question that is not
//! answered), result and lookups. `tests/e2e/spf_compare.py` reads them.
//!
//! Left out are texts that pyspf 2.0.14 and RFC 7208 read differently: unknown modifiers that stand twice, modifiers in capitals, a policy that
//! includes its own domain, `%{d0}` and unclosed macros, delimiters other than dots in macros that are not of the sender; PTR questions that
//! are not answered; names over 253 octets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::{env, process};

use helolint::name::DomainName;
use helolint::observe::{Lookup, Question, RecordData, RecordType, Why};
use helolint::spf::{self, Check, Outcome};

#[path = "random/mod.rs"]
mod random;

use random::Random;

const DOMAINS: [&str; 9] = [
    "d0.example",
    "d1.example",
    "d2.example",
    "d3.example",
    "d4.example",
    "d5.example",
    "d6.example",
    "d7.example",
    "d8.example",
];
const HOSTS: [&str; 6] = ["h0.example", "h1.example", "h2.d0.example", "h3.d1.example", "h4.example", "void.example"];
/// Names of PTR records; their addresses are always answered.
const NAMED: [&str; 4] = ["p0.example", "p1.d0.example", "p2.d1.example", "badd0.example"];
const CLIENTS: [&str; 6] = ["192.0.2.1", "192.0.2.2", "198.51.100.7", "2001:db8::1", "2001:db8::2", "2001:db8:1::7"];
const LOCAL_PARTS: [&str; 7] = ["ann", "d8", "a.b", "x-y-z", "a..b", "joe+tag", ""];
const BROKEN: [&str; 33] = [
    "moo",
    "all:x",
    "include",
    "include:",
    "a:",
    "a:/24",
    "a/33",
    "a//129",
    "a/024",
    "mx//64/24",
    "ip4",
    "ip4:192.0.2",
    "ip4:192.0.2.01",
    "ip4:192.0.2.0/33",
    "ip4:192.0.2.0//24",
    "ip6:192.0.2.1",
    "ip6:1::2::3",
    "ip6:::01234",
    "ip6:2001:db8::/129",
    "exists",
    "ptr:",
    "ptr/24",
    "redirect=",
    "exp=",
    "a:192.0.2.1",
    "a:d1.example:80",
    "a:d1.example,",
    "--all",
    "a:%x.example",
    "a:%(d).example",
    "exists:%{c}.example",
    "a:é.example",
    "a:d1.example/24.",
];

/// What the zone has for `NAME TYPE`; `None`: no answer comes.
type Zone = BTreeMap<String, Option<Vec<String>>>;

struct Case {
    random: Random,
    /// Whether PTR records lead to exactly one name, and `%{p}` is used.
    one_name: bool,
}

impl Case {
    fn zone(&mut self) -> Zone {
        let mut zone = Zone::new();
        for domain in DOMAINS {
            let texts = match self.random.below(24) {
                0 => None,
                1 => Some(Vec::new()),
                2 => Some(vec![self.record(domain), self.record(domain)]),
                3 => Some(vec!["v=spf10 -all".to_owned(), "some text".to_owned()]),
                4..=7 => Some(vec!["some text".to_owned(), self.record(domain)]),
                _ => Some(vec![self.record(domain)]),
            };
            zone.insert(format!("{domain} TXT"), texts);
            let count = match self.random.below(16) {
                0 => 11,
                1 => 10,
                n => n % 4,
            };
            let exchanger = |n: usize, random: &mut Random| match random.one_in(20) {
                true => format!("{n} ."),
                false => format!("{} {}", n * 5, random.pick(&HOSTS)),
            };
            let exchangers = (0..count).map(|n| exchanger(n, &mut self.random)).collect();
            zone.insert(format!("{domain} MX"), (!self.random.one_in(40)).then_some(exchangers));
        }
        for name in DOMAINS.iter().chain(&HOSTS[..5]) {
            for kind in ["A", "AAAA"] {
                let addresses = self.addresses(kind);
                zone.insert(format!("{name} {kind}"), (!self.random.one_in(40)).then_some(addresses));
            }
        }
        for name in NAMED {
            for kind in ["A", "AAAA"] {
                let mut addresses = self.addresses(kind);
                if self.one_name && addresses.is_empty() {
                    addresses.extend(
                        CLIENTS.iter().filter(|c| c.contains(':') == (kind == "AAAA")).take(1).map(|c| (*c).to_owned()),
                    );
                }
                zone.insert(format!("{name} {kind}"), Some(addresses));
            }
        }
        for client in CLIENTS {
            let count = match (self.one_name, self.random.below(12)) {
                (true, _) => 1,
                (_, 0) => 12,
                (_, n) => n % 4,
            };
            let names = (0..count).map(|_| self.random.pick(&NAMED).to_owned()).collect();
            zone.insert(format!("{} PTR", Question::ptr(client.parse().unwrap()).name), Some(names));
        }
        for list in ["l.example", "m.example"] {
            for label in ["1.2.0.192", "ann", "in-addr", "d1.example", "x.y.z", "z", "7.100.51.198"] {
                if self.random.one_in(2) {
                    zone.insert(format!("{label}.{list} A"), Some(vec!["127.0.0.2".to_owned()]));
                }
            }
        }
        zone
    }

    fn addresses(&mut self, kind: &str) -> Vec<String> {
        let fits: Vec<&str> = CLIENTS.into_iter().filter(|client| client.contains(':') == (kind == "AAAA")).collect();
        (0..self.random.below(3)).map(|_| self.random.pick(&fits).to_owned()).collect()
    }

    fn record(&mut self, domain: &str) -> String {
        let mut text = self.random.pick(&["v=spf1", "v=spf1", "v=spf1", "V=SPF1"]).to_owned();
        let count = if self.random.one_in(8) { 12 } else { self.random.below(6) };
        for _ in 0..count {
            text.push_str(if self.random.one_in(10) { "  " } else { " " });
            text.push_str(&self.term(domain));
        }
        for (often, modifier) in [(4, "redirect"), (8, "exp"), (12, "moo"), (12, "a.b-c_9")] {
            if self.random.one_in(often) {
                let target = self.other_domain(domain);
                text.push_str(&format!(" {modifier}={target}"));
            }
        }
        if self.random.below(3) > 0 {
            text.push_str(self.random.pick(&[" -all", " ~all", " ?all", " +all", " all", " -ALL"]));
        }
        text
    }

    fn term(&mut self, domain: &str) -> String {
        if self.random.one_in(60) {
            return self.random.pick(&BROKEN).to_owned();
        }
        let qualifier = self.random.pick(&["", "", "", "+", "-", "~", "?"]).to_owned();
        let mechanism = match self.random.below(16) {
            0..=2 => format!("include:{}", self.other_domain(domain)),
            3 => "a".to_owned() + self.lengths(),
            4 | 5 => format!("a:{}{}", self.target(), self.lengths()),
            6 => "mx".to_owned() + self.lengths(),
            7 => format!("mx:{}{}", self.target(), self.lengths()),
            8 => "ptr".to_owned(),
            9 => format!("ptr:{}", self.random.pick(&["d0.example", "d1.example", "example", "p0.example"])),
            10 | 11 => {
                let client = self.random.pick(&["192.0.2.1", "192.0.2.0", "198.51.100.7", "203.0.113.0"]);
                format!("ip4:{client}{}", self.random.pick(&["", "/32", "/31", "/24", "/0", "/9"]))
            }
            12 => {
                let client =
                    self.random.pick(&["2001:db8::1", "2001:DB8::", "::", "::ffff:192.0.2.1", "2001:db8::192.0.2.1"]);
                format!("ip6:{client}{}", self.random.pick(&["", "/128", "/127", "/32", "/33"]))
            }
            13 | 14 => format!("exists:{}", self.target()),
            _ => self.random.pick(&["A", "MX", "Ptr"]).to_owned(),
        };
        qualifier + &mechanism
    }

    fn lengths(&mut self) -> &'static str {
        let all = ["", "", "", "/24", "//64", "/31//127", "/0", "//0", "/32//128"];
        all[self.random.below(all.len())]
    }

    /// A domain with a policy, never the one whose record it stands in.
    fn other_domain(&mut self, domain: &str) -> String {
        if self.random.one_in(12) {
            return self.random.pick(&["absent.example", "%{l}..example", "%{v}.example"]).to_owned();
        }
        loop {
            let other = self.random.pick(&DOMAINS);
            if other != domain {
                return other.to_owned();
            }
        }
    }

    fn target(&mut self) -> String {
        match self.random.below(10) {
            0..=4 => self.random.pick(&HOSTS).to_owned(),
            5 | 6 => self.random.pick(&DOMAINS).to_owned(),
            7 => self.random.pick(&["absent.example", "h0.example.", "a..example", ".example"]).to_owned(),
            8 if self.one_name => self.random.pick(&["%{p}.l.example", "%{p}", "%{p2}", "%{pr}.m.example"]).to_owned(),
            _ => {
                let list = self.random.pick(&["l.example", "m.example"]);
                let macros = [
                    "%{ir}",
                    "%{i}",
                    "%{l}",
                    "%{l-}",
                    "%{lr-}",
                    "%{l1r-}",
                    "%{l1+}",
                    "%{v}",
                    "%{d}",
                    "%{o}",
                    "%{d1}",
                    "%{d2r}",
                    "%{h}",
                    "%{s}",
                    "%{S}",
                    "%{L}",
                    "%{s1-}",
                    "%%",
                    "%{dr}",
                    "%{h2}",
                    "%{i2}",
                    "%{ir}.%{v}",
                    "%-",
                    "%_",
                ];
                format!("{}.{list}", self.random.pick(&macros))
            }
        }
    }
}

fn answer(zone: &Zone, question: &Question) -> Lookup<RecordData> {
    let data = |text: &String| match question.rtype {
        RecordType::A => RecordData::A(text.parse().unwrap()),
        RecordType::Aaaa => RecordData::Aaaa(text.parse().unwrap()),
        RecordType::Ptr => RecordData::Ptr(DomainName::new(text)),
        RecordType::Mx => {
            let (preference, name) = text.split_once(' ').unwrap();
            RecordData::Mx(preference.parse().unwrap(), DomainName::new(name))
        }
        _ => RecordData::Txt(text.clone()),
    };
    match zone.get(&format!("{} {}", question.name, question.rtype)) {
        None => Lookup::NxDomain,
        Some(None) => Lookup::Unanswered(Why::Timeout),
        Some(Some(texts)) if texts.is_empty() => Lookup::NoData,
        Some(Some(texts)) => Lookup::Found(texts.iter().map(data).collect()),
    }
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let numbers: Vec<u64> = args.iter().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let [seed, count] = numbers[..] else {
        eprintln!("usage: spf_fuzz SEED COUNT");
        process::exit(2);
    };
    for number in 0..count {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let one_name = random.one_in(2);
        let mut case = Case { random, one_name };
        let zone = case.zone();
        let client = case.random.pick(&CLIENTS).to_owned();
        let helo = case.random.pick(&["mail.example.com", "d1.example", "h0.example"]).to_owned();
        let local = case.random.pick(&LOCAL_PARTS).to_owned();
        let domain = case.random.pick(&DOMAINS).to_owned();
        let mut check = Check::new(client.parse().unwrap(), &DomainName::new(&domain), helo.as_str());
        if !local.is_empty() {
            check.local_part = local.clone().into();
        }
        let outcome = spf::evaluate(&check, &|question| Some(Cow::Owned(answer(&zone, question))));
        let Outcome::Done(found) = outcome else { unreachable!("every question has an answer") };
        let line = serde_json::json!({
            "case": number, "client": client, "helo": helo, "sender": format!("{local}@{domain}"), "zone": zone,
            "result": found.result.as_str(), "lookups": found.lookups,
        });
        println!("{line}");
    }
}
