//! What servers do wrong, and what is made of it.

use super::super::server;
use super::*;

#[test]
fn a_healthy_host_and_no_packet_too_many() {
    let server = serve(1, 0, healthy);
    let dns = ask(&host(), &options(&[&server]));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::Pass);
    assert_eq!(dns.summary().questions, 5, "PTR, A, AAAA, MX, TXT");
    assert_eq!(server.asked(), 5);
    assert_eq!(dns.vantages[0].name, "r0");
}

#[test]
fn each_fault_has_its_own_name() {
    assert_eq!(why(|q| q.rcode(ResponseCode::ServFail)), Why::ServFail);
    assert_eq!(why(|q| q.rcode(ResponseCode::Refused)), Why::Refused);
    stays_unanswered(|_| Vec::new());
    // Another id.
    stays_unanswered(|q| vec![q.reply(|m| m.metadata.id ^= 1)]);
    let other_question = |q: &Query| {
        vec![q.reply(|m| {
            m.queries[0].name = name("x.example.");
            m.add_answer(record("10.2.0.192.in-addr.arpa.", RData::PTR(PTR(name("evil.example.")))));
        })]
    };
    stays_unanswered(other_question);
    let cut = |q: &Query| {
        let mut bytes = healthy(q).remove(0);
        bytes.truncate(bytes.len() - 1);
        vec![bytes]
    };
    assert!(matches!(why(cut), Why::Malformed(_)));
    let noise = |q: &Query| {
        let id = q.message.metadata.id.to_be_bytes();
        vec![[&id[..], &[0x80; 40]].concat()]
    };
    assert!(matches!(why(noise), Why::Malformed(_)));
    let referral = |q: &Query| {
        vec![q.reply(|m| {
            m.add_authority(record("arpa.", RData::NS(NS(name("ns.example.")))));
        })]
    };
    assert_eq!(why(referral), Why::Referral);
}

#[test]
fn replies_from_elsewhere_never_arrive() {
    // From another port of the same address: right id, right question.
    stays_unanswered(|q| {
        let forged = q.reply(|m| {
            m.add_answer(record(&q.name, RData::PTR(PTR(name("evil.example.")))));
        });
        let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
        elsewhere.send_to(&forged, q.from.unwrap()).unwrap();
        Vec::new()
    });
}

#[test]
fn a_closed_port_is_an_error_at_once() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut options = options(&[]);
    options.resolvers.push(resolver("closed", closed));
    let dns = ask(&host(), &options);
    let found = &dns.replies[&ptr()][0].outcome;
    assert!(matches!(found, Outcome::Unanswered(Why::Unreachable(_))), "{found:?}");
}

#[test]
fn what_is_wrong_does_not_hide_what_is_right() {
    // A guess, noise and a copy around the true reply.
    is_answer(
        &response(|q| {
            let right = healthy(q).remove(0);
            let guess = q.reply(|m| {
                m.metadata.id = m.metadata.id.wrapping_add(1);
                m.add_answer(record(&q.name, RData::PTR(PTR(name("evil.example.")))));
            });
            vec![guess, vec![1, 2, 3], right.clone(), right]
        }),
        1,
    );
}

#[test]
fn lost_packets_are_sent_again() {
    let seen = Mutex::new(HashSet::new());
    let lossy = move |q: &Query| {
        let first = seen.lock().unwrap().insert((q.name.clone(), q.rtype));
        if first { Vec::new() } else { healthy(q) }
    };
    is_answer(&response(lossy), 1);
}

#[test]
fn truncated_replies_are_fetched_over_tcp() {
    let large = |q: &Query| {
        vec![q.reply(|m| {
            m.metadata.truncation = !q.tcp;
            for n in 0..if q.tcp { 1000 } else { 0 } {
                m.add_answer(record(&q.name, RData::PTR(PTR(name(&format!("h{n}.example."))))));
            }
        })]
    };
    is_answer(&response(large), 1000);
    assert!(matches!(why(|q| vec![q.reply(|m| m.metadata.truncation = true)]), Why::Malformed(_)));
}

#[test]
fn a_message_of_64_kib_is_read_and_one_cut_short_is_not() {
    /// Of 250 octets each: what two octets of length can say, nearly.
    const RECORDS: usize = 235;
    let full = |q: &Query| {
        vec![q.reply(|m| {
            m.metadata.truncation = !q.tcp;
            for n in 0..if q.tcp { RECORDS } else { 0 } {
                let text = format!("{n:250}");
                m.add_answer(record(&q.name, RData::TXT(TXT::new(vec![text]))));
            }
        })]
    };
    let size = full(&query(&tcp_question(), None))[0].len();
    assert!((62_000..=65_535).contains(&size), "{size}");
    is_answer(&response(full), RECORDS);
    let cut = move |q: &Query| {
        let mut packets = full(q);
        if q.tcp {
            packets[0].truncate(40_000);
        }
        packets
    };
    assert!(matches!(why(cut), Why::Malformed(_)));
}

#[test]
fn one_bad_resolver_of_four_changes_no_finding_but_its_own() {
    type Respond = fn(&Query) -> Vec<Vec<u8>>;
    let judged = |bad: Respond| {
        let servers = [serve(1, 0, bad), serve(1, 0, wrong), serve(1, 0, wrong), serve(1, 0, wrong)];
        let facts = host();
        let dns = ask(&facts, &options(&servers.each_ref()));
        let outcome = crate::rules::judge(&facts, &dns, &crate::rules::Selection::default());
        let told = outcome
            .findings
            .into_iter()
            .map(|f| (f.meta.code, f.severity, f.verdict, f.subject, f.message, f.fix.map(|fix| format!("{fix:?}"))));
        told.collect::<Vec<_>>()
    };
    // The name leads elsewhere: something to find.
    fn wrong(query: &Query) -> Vec<Vec<u8>> {
        if (query.name.as_str(), query.rtype) != ("mail.example.com.", Type::A) {
            return healthy(query);
        }
        vec![query.reply(|m| {
            m.add_answer(record(&query.name, RData::A(A::new(192, 0, 2, 99))));
        })]
    }
    let calm = judged(wrong);
    assert!(calm.iter().any(|(code, ..)| *code == "PTR003"), "{calm:?}");
    let faults: [Respond; 4] = [
        |_| Vec::new(),
        |q| q.rcode(ResponseCode::ServFail),
        |q| q.rcode(ResponseCode::Refused),
        |q| vec![[&q.message.metadata.id.to_be_bytes()[..], &[0x80; 40]].concat()],
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        let (own, rest): (Vec<_>, Vec<_>) = judged(fault).into_iter().partition(|(code, ..)| *code == "DNS010");
        assert_eq!(own.len(), 1, "fault {at}");
        assert_eq!(rest, calm, "fault {at}");
    }
}

#[test]
fn servers_from_before_edns_and_those_that_fold_case() {
    let old = |q: &Query| {
        if q.message.edns.is_some() {
            return vec![q.reply(|m| {
                m.metadata.response_code = ResponseCode::FormErr;
                m.queries.clear();
            })];
        }
        healthy(q)
    };
    is_answer(&response(old), 1);
    let folding = |q: &Query| {
        let mut message = Message::from_vec(&healthy(q)[0]).unwrap();
        message.queries[0].name = message.queries[0].name.to_lowercase();
        vec![message.to_vec().unwrap()]
    };
    is_answer(&response(folding), 1);
}

#[test]
fn a_silent_resolver_takes_nothing_from_the_others() {
    let (good, silent) = (serve(1, 0, healthy), serve(1, 0, |_| Vec::new()));
    let dns = ask(&host(), &options(&[&silent, &good]));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::Pass);
    for replies in dns.replies.values() {
        assert_eq!(replies[0].outcome, Outcome::Unanswered(Why::Timeout));
        assert!(matches!(replies[1].outcome, Outcome::Answer(_)));
    }
}

#[test]
fn the_whole_phase_ends_with_its_time() {
    let silent = serve(1, 0, |_| Vec::new());
    let options = Options { timeout: Duration::from_millis(50), ..options(&[&silent]) };
    let dns = ask(&host(), &options);
    assert_eq!(dns.replies[&ptr()][0].outcome, Outcome::Unanswered(Why::Timeout));
}

#[test]
fn alias_loops_and_long_chains() {
    let chained = |last: usize, back: bool| {
        move |q: &Query| {
            vec![q.reply(|m| {
                if q.rtype != Type::PTR {
                    return;
                }
                let link = |n: usize| if n == 0 { q.name.clone() } else { format!("c{n}.example.") };
                for n in 0..last {
                    m.add_answer(record(&link(n), RData::CNAME(CNAME(name(&link(n + 1))))));
                }
                let end =
                    if back { RData::CNAME(CNAME(name(&q.name))) } else { RData::PTR(PTR(name("mail.example.com."))) };
                m.add_answer(record(&link(last), end));
            })]
        }
    };
    let server = serve(1, 0, chained(20, false));
    assert!(matches!(ask(&host(), &options(&[&server])).ptr(addr("192.0.2.10")), Lookup::Found(_)));
    let server = serve(1, 0, chained(1, true));
    let dns = ask(&host(), &options(&[&server]));
    assert_eq!(dns.ptr(addr("192.0.2.10")), Lookup::Unanswered(Why::AliasLoop));
}

#[test]
fn what_is_known_already_is_not_asked_again() {
    let server = serve(1, 0, healthy);
    let options = options(&[&server]);
    let first = ask(&host(), &options);
    let before = server.asked();
    let mut later = host();
    later.paths.push(helo_path("192.0.2.10", "late.example.com"));
    let dns = ask_more(&later, &options, first);
    assert_eq!(server.asked() - before, 4);
    assert_eq!((dns.vantages.len(), dns.summary().questions), (1, 9));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::Pass);
}

#[test]
fn defaults_follow_the_host() {
    let mut facts = facts();
    let from_file = |text: &str| crate::facts::Fact::new(addr(text), crate::facts::Origin::kernel("test"));
    facts.host.nameservers = vec![from_file("192.0.2.53"), from_file("192.0.2.53"), from_file("192.0.2.54")];
    let said = |facts: &Facts| -> Vec<String> {
        default_resolvers_of(facts).iter().map(|r| format!("{} {}", r.name, r.server)).collect()
    };
    assert_eq!(
        said(&facts),
        [
            "system 192.0.2.53:53",
            "system2 192.0.2.54:53",
            "cloudflare 1.1.1.1:53",
            "google 8.8.8.8:53",
            "quad9 9.9.9.9:53"
        ]
    );
    facts.host.nameservers.clear();
    facts.host.source = crate::facts::KernelSource { known: true, ipv4: None, ipv6: Some(addr("2001:db8::1")) };
    assert_eq!(
        said(&facts),
        ["cloudflare [2606:4700:4700::1111]:53", "google [2001:4860:4860::8888]:53", "quad9 [2620:fe::fe]:53"]
    );
}

#[test]
fn nothing_is_asked_offline() {
    let server = serve(1, 0, healthy);
    let dns = ask_more(&host(), &options(&[&server]), Observations::offline());
    assert!(dns.offline && dns.replies.is_empty());
    assert_eq!(server.asked(), 0);
    let question = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
    assert_eq!(dns.truth(&question).lookup, Lookup::Unanswered(Why::NotAsked));
}

#[test]
fn a_resolver_that_never_says_anything_is_given_up_early_where_others_answer() {
    let (well, silent) = (serve(1, 0, healthy), serve(2, 0, |_| Vec::new()));
    let began = std::time::Instant::now();
    let dns = ask(&host(), &options(&[&well, &silent]));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(950) && took < server::DEADLINE, "{took:?}");
    assert!(dns.replies.values().all(|all| all.len() == 2 && all[1].outcome == Outcome::Unanswered(Why::Timeout)));
    // Where a question is open without it, it is waited for.
    let open = serve(3, 0, |q| if q.rtype == Type::MX { q.rcode(ResponseCode::ServFail) } else { healthy(q) });
    let began = std::time::Instant::now();
    ask(&host(), &options(&[&open, &silent]));
    assert!(began.elapsed() >= server::DEADLINE - Duration::from_millis(50), "{:?}", began.elapsed());
}
