//! What findings about domains say, and who is told to do what.

use super::*;
use crate::rules::testing::cpanel;

/// Of the findings of one rule: severity, message, who acts, what, and by which commands.
fn told(facts: &Facts, handled: Handled, zone: &[&str], code: &str) -> Vec<String> {
    let found = findings(facts, handled, &[], zone).into_iter().filter(|finding| finding.meta.code == code);
    found
        .map(|finding| {
            let (text, commands) = finding.fix.map(|fix| (fix.text, fix.commands.join("; "))).unwrap_or_default();
            format!("{} | {} | {text} | {commands}", finding.severity, finding.message)
        })
        .collect()
}

#[test]
fn where_mail_goes_in_words() {
    let zone = |changes: &[&'static str]| -> Vec<&'static str> {
        GOOD[3..].iter().chain(&GOOD[2..3]).copied().chain(changes.iter().copied()).collect()
    };
    let one = |changes: &[&'static str]| told(&healthy(), Handled::Local, &zone(changes), "DOM001").concat();
    let moved = one(&["shop.example A 198.51.100.7"]);
    assert!(moved.contains("has no MX, so that its mail goes to its address 198.51.100.7: what the world"), "{moved}");
    assert!(moved.contains("or let its address record do so"), "{moved}");
    let nothing = one(&[]);
    assert!(nothing.contains("it has no MX and no address: mail from the world bounces"), "{nothing}");
    let gone = one(&["shop.example * NXDOMAIN"]);
    assert!(gone.contains("no address (the name does not exist): mail from the world bounces"), "{gone}");
    let null = one(&["shop.example MX 0 ."]);
    assert!(null.contains("it takes no mail (a null MX): mail from the world bounces"), "{null}");
    let lost = one(&["shop.example MX 10 mx.old.example"]);
    assert!(lost.contains("its MX leads nowhere: mx.old.example (no address): mail from the world bounces"), "{lost}");
    for text in [nothing, gone, null, lost] {
        assert!(!text.contains("arrives"), "{text}");
    }
}

/// The healthy host, as a cPanel server with the domain in the account `joe`.
fn with_account() -> Facts {
    let cpanel = cpanel().but(|c| c.userdomains = vec![crate::facts::MapEntry::sample(DOMAIN, "joe")]);
    healthy().but(|f| f.cpanel = Some(cpanel.into()))
}

#[test]
fn mail_that_comes_here_for_a_domain_that_is_listed_as_remote() {
    let zone = |mx: &[&'static str]| -> Vec<&'static str> {
        GOOD.into_iter().filter(|line| !line.contains(" MX ")).chain(mx.iter().copied()).collect()
    };
    let here = zone(&["shop.example MX 10 mail.example.com"]);
    let of = |facts: &Facts, handled, zone: &[&str]| told(facts, handled, zone, "DOM001").concat();
    let plain = of(&healthy(), Handled::Remote, &here);
    assert!(
        plain.starts_with("warning | shop.example is handled as remote, but its mail comes here (mail.example.com): "),
        "{plain}"
    );
    assert!(
        plain.contains("goes round in a circle")
            && plain.ends_with("| Deliver shop.example here; or point its MX at the host that has its mailboxes. | "),
        "{plain}"
    );
    let cpanel = of(&with_account(), Handled::Remote, &here);
    assert!(cpanel.contains("Email Routing to Local Mail Exchanger; else point its MX"), "{cpanel}");
    assert!(
        cpanel.ends_with("| uapi --user=joe Email set_always_accept domain=shop.example mxcheck=local"),
        "{cpanel}"
    );
    let beside = zone(&[
        "shop.example MX 10 mx.far.example",
        "shop.example MX 20 mail.example.com",
        "mx.far.example A 198.51.100.7",
    ]);
    let refused = of(&with_account(), Handled::Remote, &beside);
    assert!(
        refused.starts_with("warning") && refused.contains("which its MX names beside others, refuses"),
        "{refused}"
    );
    let own = zone(&[]);
    assert!(of(&with_account(), Handled::Remote, &own).starts_with("warning"), "by its own address");
    assert_eq!(of(&with_account(), Handled::Secondary, &beside), "", "that is what a secondary is for");
    assert!(of(&with_account(), Handled::Secondary, &here).starts_with("warning"));
    assert_eq!(of(&healthy(), Handled::Secondary, &here), "", "Postfix may be told where to relay it");
    assert_eq!(of(&with_account(), Handled::Local, &here), "");
    let away = zone(&["shop.example MX 10 mx.far.example", "mx.far.example A 198.51.100.7"]);
    let local = of(&with_account(), Handled::Local, &away);
    assert!(
        local.contains(
            "Remote Mail Exchanger (`uapi --user=joe Email set_always_accept domain=shop.example mxcheck=remote`)"
        ),
        "{local}"
    );
}

#[test]
fn a_name_that_does_not_exist_has_no_records_to_publish() {
    let gone = ["mail.example.com A 192.0.2.10", "shop.example * NXDOMAIN", "_dmarc.shop.example * NXDOMAIN"];
    let codes = |handled| -> Vec<&str> {
        findings(&healthy(), handled, &[], &gone).iter().map(|finding| finding.meta.code).collect()
    };
    assert_eq!(codes(Handled::Local), ["DOM001"]);
    assert_eq!(codes(Handled::Sender), ["DOM004"]);
    let sender = told(&healthy(), Handled::Sender, &gone, "DOM004").concat();
    assert!(sender.contains("does not exist in the DNS") && sender.ends_with(" | "), "{sender}");
}

#[test]
fn one_dmarc_record_for_all_names_below_a_domain() {
    let name = DomainName::new("mail.shop.example.com");
    let domain = MailDomain { name, handled: Handled::Sender, origin: HERE };
    let (facts, mut answers) = (healthy(), Answers::default());
    let host = Host::new(&facts);
    let seen = loop {
        match observe(&host, &domain, Signing::default(), &answers, false) {
            Step::Done(seen) => break seen,
            Step::Needs(questions) => {
                let questions: Vec<&Question> = questions.iter().collect();
                answers.take(questions.iter().copied(), &said(&questions, &[]));
            }
        }
    };
    let cx =
        DomainContext { host: &host, seen: &seen, handled: &BTreeMap::new(), changes: &[], became: &BTreeMap::new() };
    let found = DomainRules::new(&Selection::default()).judge(&cx);
    let fix = found.into_iter().find(|finding| finding.meta.code == "DOM006").unwrap().fix.unwrap();
    assert_eq!(fix.commands, [r#"_dmarc.example.com. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com""#]);
    assert!(fix.text.contains("it holds for mail.shop.example.com and all other names below it"), "{}", fix.text);
    let ignored = DomainRules::new(&Selection { ignore: vec!["DOM006".to_owned()], ..Selection::default() });
    assert!(ignored.judge(&cx).iter().all(|finding| finding.meta.code != "DOM006"));
}

#[test]
fn whoever_says_that_nobody_sends_is_told_no_record() {
    let zone = ["shop.example TXT v=spf1 -all", "shop.example MX 0 .", "_dmarc.shop.example TXT v=DMARC1; p=reject"];
    let parked = told(&healthy(), Handled::Local, &zone, "DOM002").concat();
    assert!(
        parked.starts_with("error | ") && parked.contains("nobody sends mail from shop.example: leave it so, unless"),
        "{parked}"
    );
    assert!(parked.ends_with("the record has to name 192.0.2.10. | "), "{parked}");
}

#[test]
fn a_broken_record_lets_this_hosts_mail_pass_where_its_address_stands_in_front() {
    let includes: Vec<String> =
        (0..11).map(|at| format!("i{at}.example TXT v=spf1 ip4:198.51.100.{at} -all")).collect();
    let many = (0..11).map(|at| format!("include:i{at}.example ")).collect::<String>();
    let of = |record: &str| {
        let own = format!("shop.example TXT {record}");
        let zone: Vec<&str> = includes.iter().map(String::as_str).chain([own.as_str()]).collect();
        told(&healthy(), Handled::Sender, &zone, "DOM003").concat()
    };
    let front = format!("| shop.example. IN TXT \"v=spf1 ip4:192.0.2.10 {many}-all\"");
    let limit = of(&format!("v=spf1 {many}ip4:192.0.2.10 -all"));
    assert!(
        limit.ends_with(&front)
            && limit.contains("For everybody else who sends for shop.example it stays broken. Replace includes in it"),
        "{limit}"
    );
    let void = of("v=spf1 a:x.example a:y.example a:z.example ip4:192.0.2.10 -all");
    assert!(
        void.contains("IN TXT \"v=spf1 ip4:192.0.2.10 a:x.example") && void.contains("Take out of it the terms"),
        "{void}"
    );
    let gone = of("v=spf1 include:gone.example ip4:192.0.2.10 -all");
    assert!(gone.ends_with("IN TXT \"v=spf1 ip4:192.0.2.10 include:gone.example -all\""), "{gone}");
    assert!(gone.contains("Take `include:gone.example` out of the SPF record of shop.example."), "{gone}");
    let syntax = of("v=spf1 moo ip4:192.0.2.10 -all");
    assert!(syntax.ends_with(" | Correct `moo` in the SPF record of shop.example, or take it out. | "), "{syntax}");
    let twice = of("v=spf1 redirect=i1.example redirect=i2.example");
    assert!(twice.ends_with(" | "), "a record that stays broken is not offered: {twice}");
}

#[test]
fn a_network_that_may_be_others_too_is_left_in_the_record() {
    let moved = healthy().but(|f| f.old_addresses = vec!["198.51.100.7".parse().unwrap()]);
    let of = |record: &str| {
        let own = format!("shop.example TXT {record}");
        told(&moved, Handled::Sender, &[&own, GOOD[0], GOOD[2], GOOD[4]], "DNS008").concat()
    };
    let kept = of("v=spf1 ip4:198.51.100.7/24 ip4:192.0.2.10 -all");
    assert!(
        kept.ends_with(
            "| `ip4:198.51.100.7/24` authorises more than the old server, and is left there: take it out where nobody who sends for shop.example has an address in it. | "
        ),
        "{kept}"
    );
    let both = of("v=spf1 ip4:198.51.100.7 ip4:198.51.100.7/24 ip4:192.0.2.10 -all");
    assert!(
        both.contains("| Take 198.51.100.7 out of the SPF record of shop.example. `ip4:198.51.100.7/24` authorises")
            && both.ends_with("IN TXT \"v=spf1 ip4:198.51.100.7/24 ip4:192.0.2.10 -all\""),
        "{both}"
    );
}

#[test]
fn a_domain_whose_only_way_can_send_nothing_is_not_judged_by_that_of_others() {
    use crate::facts::{AfterBindFault, Bind, Mta, NextHop, Sender, SenderDomains};
    let sender = |bind: &str, domains: SenderDomains, next_hop| Sender {
        mta: Mta::Postfix,
        service: "smtp".into(),
        family: crate::addr::Family::Ipv4,
        bind: Bind::Address {
            parameter: "smtp_bind_address".into(),
            address: fact(bind.parse().unwrap()),
            on_failure: AfterBindFault::NothingSent,
        },
        helo: crate::facts::Helo::None,
        helo_is_global: true,
        sender_domains: domains,
        next_hop,
        unused: false,
    };
    let only = |names: &[&str], others| SenderDomains::Only {
        domains: names.iter().map(|name| DomainName::new(name)).collect(),
        others,
    };
    let of = |senders: Vec<Sender>| {
        let facts = healthy().but(|facts| {
            facts.senders = Some(senders);
            facts.old_addresses = vec!["198.51.100.7".parse().unwrap()];
            crate::identity::apply(facts, Default::default());
        });
        let zone = [GOOD[0], GOOD[2], GOOD[4], "shop.example TXT v=spf1 ip4:198.51.100.7 -all"];
        [
            told(&facts, Handled::Sender, &zone, "DOM002").concat(),
            told(&facts, Handled::Sender, &zone, "DNS008").concat(),
        ]
    };
    let others = || sender("192.0.2.10", only(&[], true), NextHop::Direct);
    let [open, old] = of(vec![sender("192.0.2.99", only(&[DOMAIN], false), NextHop::Direct), others()]);
    assert_eq!(
        open,
        "error | SPF of shop.example is not judged: `smtp`, the only way of its mail, cannot send from 192.0.2.99 (`helolint check` says why), and which address will send it is not known |  | "
    );
    assert!(old.ends_with("| Take 198.51.100.7 out of the SPF record of shop.example. | "), "{old}");
    let [all, _] = of(vec![sender("192.0.2.99", SenderDomains::Any, NextHop::Direct)]);
    assert_eq!(all, open, "nobody's mail leaves");
    let relay = NextHop::Relay(std::sync::Arc::new(fact("[relay.example]:25".to_owned())));
    let [relayed, _] = of(vec![sender("192.0.2.99", only(&[DOMAIN], false), relay), others()]);
    assert_eq!(relayed, "", "receivers see the relay");
    let [judged, _] = of(vec![sender("192.0.2.99", only(&["other.example"], false), NextHop::Direct), others()]);
    assert!(judged.contains("does not pass: fail for 192.0.2.10"), "{judged}");
    let [judged, _] = of(vec![others(), sender("192.0.2.10", only(&[DOMAIN], false), NextHop::Direct)]);
    assert!(judged.contains("does not pass: fail for 192.0.2.10"), "{judged}");
}

#[test]
fn one_record_of_several_holds_no_old_address() {
    let moved = healthy().but(|f| f.old_addresses = vec!["198.51.100.7".parse().unwrap()]);
    let zone = ["shop.example TXT v=spf1 ip4:198.51.100.7 -all", "shop.example TXT v=spf1 ip4:192.0.2.10 -all"];
    let advice = told(&moved, Handled::Sender, &zone, "DOM003").concat();
    assert!(advice.contains("with what all of them authorise but 198.51.100.7. | "), "{advice}");
    let advice = told(&healthy(), Handled::Sender, &zone, "DOM003").concat();
    assert!(advice.contains("with what all of them authorise. | "), "{advice}");
}

#[test]
fn an_old_address_in_another_zone_is_told_where_it_counts() {
    let moved = healthy().but(|f| f.old_addresses = vec!["198.51.100.7".parse().unwrap()]);
    let of = |zone: &[&str]| told(&moved, Handled::Local, zone, "DNS008");
    let theirs = of(&["shop.example MX 10 mx.other.example", "mx.other.example A 198.51.100.7"]).concat();
    assert!(
        theirs.starts_with("info | ")
            && theirs.contains("and mail for shop.example goes there: whoever runs that zone has to change it |  | "),
        "{theirs}"
    );
    let own_name = of(&["shop.example MX 10 mail.example.com", "mail.example.com A 198.51.100.7"]).concat();
    assert!(
        own_name.starts_with("error | `mail.example.com. A` still holds the old address 198.51.100.7 | "),
        "{own_name}"
    );
}

#[test]
fn an_old_address_is_replaced_and_never_deleted_alone() {
    let moved = healthy().but(|f| f.old_addresses = vec!["198.51.100.7".parse().unwrap()]);
    let zone = ["shop.example A 198.51.100.7", "shop.example MX 10 mail.example.com", GOOD[2], GOOD[3], GOOD[4]];
    let of = |facts: &Facts| told(facts, Handled::Local, &zone, "DNS008").concat();
    let one = of(&moved);
    assert!(one.ends_with("| ; delete: shop.example. IN A 198.51.100.7; shop.example. 3600 IN A 192.0.2.10"), "{one}");
    let image = |local: &str, public: &str| crate::facts::NatEntry {
        local: Some(local.parse().unwrap()),
        public: public.parse().unwrap(),
        origin: HERE,
    };
    let two = moved.but(|f| f.nat.0 = vec![image("192.0.2.10", "203.0.113.11")]);
    let words = of(&two);
    assert!(
        words.ends_with(
            "| Put the address that `shop.example` has on this host in the place of 198.51.100.7 in its A record. | "
        ),
        "which of two is meant is not known: {words}"
    );
    let became = BTreeMap::from([("198.51.100.7".parse().unwrap(), "203.0.113.11".parse().unwrap())]);
    let known = findings_after(&two, Handled::Local, &[], &zone, &became);
    let fix = known.into_iter().find(|finding| finding.meta.code == "DNS008").unwrap().fix.unwrap();
    assert_eq!(fix.commands[1], "shop.example. 3600 IN A 203.0.113.11", "the move says which");
}
