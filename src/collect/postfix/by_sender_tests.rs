//! What the two tables by sender come to: files in, senders out (trivial-rewrite(8), resolve_addr).

use super::by_sender::{self, BySender, Said};
use super::maps::{Key, Row, Tables};
use super::tests::{postfix, senders};
use crate::facts::{Fact, Origin, SenderDomains};
use crate::name::DomainName;

const MASTER: &str = "smtp unix - - n - - smtp\nout unix - - n - - smtp\nout2 unix - - n - - smtp\n";

/// The ways of services that are in use: service, next hop, senders.
fn ways(main: &str) -> Vec<String> {
    let lines = senders(&postfix(&format!("compatibility_level = 3.6\ninet_protocols = ipv4\n{main}"), MASTER));
    let used = lines.iter().filter(|line| !line.ends_with(" unused"));
    used.map(|line| line.replace(" IPv4 | kernel | mail1.example.com |", "")).collect()
}

fn with(relayhost: &str, transports: &str, relays: &str) -> Vec<String> {
    ways(&format!(
        "relayhost = {relayhost}\nsender_dependent_default_transport_maps = {transports}\n\
         sender_dependent_relayhost_maps = {relays}\n"
    ))
}

#[test]
fn a_sender_in_both_tables_has_one_way() {
    for (relayhost, transport, relay, expected) in [
        ("", "out:", "[r.example]:587", "out [r.example]:587"),
        ("[all.example]", "out:", "[r.example]:587", "out [r.example]:587"),
        ("[all.example]", "out", "[r.example]:587", "out [r.example]:587"),
        // A next hop of its own beats any relay.
        ("[all.example]", "out:[own.example]:26", "[r.example]:587", "out [own.example]:26"),
        ("[all.example]", "out:[own.example]:26", "DUNNO", "out [own.example]:26"),
        // No relay at all, not the relay of everyone.
        ("[all.example]", "out:", "DUNNO", "out direct"),
        ("[all.example]", "out:", "dunno", "out direct"),
        ("[all.example]", "DUNNO", "DUNNO", "smtp direct"),
        ("[all.example]", "DUNNO", "[r.example]:587", "smtp [r.example]:587"),
    ] {
        let found = with(
            relayhost,
            &format!("inline:{{ {{@a.example = {transport}}} }}"),
            &format!("inline:{{ {{@a.example = {relay}}} }}"),
        );
        let rest = if relayhost.is_empty() { "direct" } else { "[all.example]:25" };
        let mut expected =
            [format!("{expected} from [\"a.example\"] others false"), format!("smtp {rest} from [] others true")];
        expected.sort();
        let mut found = found;
        found.sort();
        assert_eq!(found, expected, "{relayhost} {transport} {relay}");
    }
}

#[test]
fn a_sender_in_one_table_meets_what_everyone_does_of_the_other() {
    let transports = "inline:{ {@t.example = out:}, {@d.example = DUNNO} }";
    assert_eq!(
        with("[all.example]", transports, "inline:{ {@r.example = [r.example]} }"),
        [
            "smtp [all.example]:25 from [\"d.example\"] others true",
            "smtp [r.example]:25 from [\"r.example\"] others false",
            "out [all.example]:25 from [\"t.example\"] others false",
        ]
    );
    // What stands for everyone is for those that the other table lists, too.
    assert_eq!(
        with("[all.example]", "static:out2:", "inline:{ {@r.example = [r.example]} }"),
        ["out2 [r.example]:25 from [\"r.example\"] others false", "out2 [all.example]:25 from [] others true"]
    );
    assert_eq!(
        with("[all.example]", transports, "static:[every.example]"),
        [
            "smtp [every.example]:25 from [\"d.example\"] others true",
            "out [every.example]:25 from [\"t.example\"] others false",
        ]
    );
    assert_eq!(
        with("[all.example]", "randmap:{out:,out2:}", "randmap:{[x.example],DUNNO}"),
        ["out [x.example]:25", "out direct", "out2 [x.example]:25", "out2 direct"]
    );
    assert_eq!(with("", "static:DUNNO", ""), ["smtp direct"], "default_transport");
}

#[test]
fn an_address_falls_back_to_its_domain_in_each_table_by_itself() {
    // The domain has a transport, one of its addresses a relay, and the other way round.
    assert_eq!(
        with("", "inline:{ {@a.example = out:} }", "inline:{ {news@a.example = [r.example]} }"),
        [
            "smtp direct from [] others true",
            "out direct from [\"a.example\"] others false",
            "out [r.example]:25 from [\"a.example\"] others false",
        ]
    );
    assert_eq!(
        with("", "inline:{ {news@a.example = out:} }", "inline:{ {@a.example = [r.example]} }"),
        [
            "smtp [r.example]:25 from [\"a.example\"] others false",
            "smtp direct from [] others true",
            "out [r.example]:25 from [\"a.example\"] others false",
        ]
    );
    // Its own entry goes before its domain's, and DUNNO is one.
    let relays = "inline:{ {@a.example = [r.example]}, {news@a.example = DUNNO} }";
    assert_eq!(
        with("[all.example]", "inline:{ {news@a.example = out:} }", relays),
        [
            "smtp [r.example]:25 from [\"a.example\"] others false",
            "smtp [all.example]:25 from [] others true",
            "out direct from [\"a.example\"] others false",
        ]
    );
    // The others of its domain are not listed.
    assert_eq!(
        with("[all.example]", "inline:{ {news@a.example = out:} }", "inline:{ {news@a.example = [r.example]} }"),
        [
            "smtp [all.example]:25 from [\"a.example\"] others true",
            "out [r.example]:25 from [\"a.example\"] others false",
        ]
    );
}

#[test]
fn the_first_entry_counts() {
    let transports = "inline:{ {@a.example = out:} }, inline:{ {@a.example = out2:} }";
    assert_eq!(
        with("", transports, "inline:{ {@a.example = [r.example]} }"),
        ["smtp direct from [] others true", "out [r.example]:25 from [\"a.example\"] others false"]
    );
}

#[test]
fn the_same_pattern_finds_the_same_senders() {
    let pattern = "/@a[.]example/";
    let [transports, relays] = ["out:", "[r.example]"].map(|said| format!("regexp:{{ {{{pattern} {said}}} }}"));
    assert_eq!(with("", &transports, &relays), ["smtp direct", "out [r.example]:25 from ?"]);
}

#[test]
fn a_next_hop_of_the_default_transport_is_for_all_without_a_transport() {
    let main = "default_transport = smtp:[own.example]\nrelayhost = [all.example]\n\
                sender_dependent_relayhost_maps = inline:{ {@a.example = [r.example]} }\n";
    assert_eq!(ways(main), ["smtp [own.example]:25 from [\"a.example\"] others true"]);
}

fn table(rows: impl IntoIterator<Item = (Key, String)>) -> Tables {
    let fact = |value| Fact::new(value, Origin::default_of("test"));
    let mut tables = Tables::default();
    tables.rows.extend(rows.into_iter().map(|(key, value)| Row { key, value: fact(value) }));
    tables
}

#[test]
fn large_tables_are_gone_through_once() {
    const ROWS: usize = 50_000;
    let domain = |number: usize| Key::Text(format!("@d{number}.example"));
    let address = |number: usize| Key::Text(format!("news@d{number}.example"));
    let transports = table((0..ROWS).map(|number| (domain(number), format!("out{number}:"))));
    let relays = table((0..ROWS).map(|number| (address(number), format!("[r{number}.example]"))));
    let [by_sender, relay_of] = [&transports, &relays].map(BySender::new);
    let others = by_sender::others(&transports, &relays);
    assert_eq!(others, SenderDomains::Only { domains: Vec::new(), others: true });
    let found = by_sender::combine(&by_sender, &relay_of, others);
    assert_eq!(found.len(), ROWS + 1);
    for (number, chosen) in found[..ROWS].iter().enumerate() {
        let [(Said::Unsaid, all), (Said::Value(relay), one)] = chosen.relays.as_slice() else {
            panic!("{chosen:?}");
        };
        assert_eq!(relay.value, format!("[r{number}.example]"));
        let domains = vec![DomainName::new(&format!("d{number}.example"))];
        let only = SenderDomains::Only { domains, others: false };
        assert_eq!((all, one), (&only, &only));
    }
}

#[test]
fn what_any_of_many_ways_may_carry_is_told_in_bounds() {
    let domains: Vec<DomainName> = (0..5_000).map(|number| DomainName::new(&format!("d{number}.example"))).collect();
    let listed = SenderDomains::Only { domains, others: false };
    assert_eq!(by_sender::told(&listed, 200), listed);
    assert_eq!(by_sender::told(&listed, 201), SenderDomains::Undecided);
    assert_eq!(by_sender::told(&SenderDomains::Any, 201), SenderDomains::Any);
    let every = table((0..1_000).map(|number| (Key::Every, format!("out{number}:"))));
    assert_eq!(BySender::new(&every).rest().len(), super::routes::ROUTE_LIMIT + 1);
}
