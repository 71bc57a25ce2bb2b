//! What a stranger's answers may cost.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::observe::RECORDS;
use crate::observe::plan::PTR_NAMES_FOLLOWED;

/// Packets beyond the questions of the facts that one server may get.
const BEYOND: usize = 40;

/// How many packets a server gets that answers as `respond` does.
fn packets(respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) -> (usize, Observations) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let server = serve(1, 0, move |query| {
        seen.fetch_add(1, Ordering::Relaxed);
        respond(query)
    });
    let mut options = options(&[&server]);
    (options.authoritative, options.authoritative_port) = (true, server.address.port());
    options.timeout = Duration::from_secs(4);
    let dns = ask(&host(), &options);
    (count.load(Ordering::Relaxed), dns)
}

#[test]
fn no_server_gets_more_packets_than_the_questions_need() {
    let listed = plan::initial(&host()).len();
    let chain = AtomicUsize::new(0);
    let next = move || chain.fetch_add(1, Ordering::Relaxed);
    let (silent, _) = packets(|_| Vec::new());
    assert!((listed + 1..=listed + BEYOND).contains(&silent), "{silent}");
    let (aliases, _) = packets(move |q| {
        let target = name(&format!("c{}.z{}.example.", next(), next()));
        vec![q.reply(|m| {
            m.metadata.authoritative = !q.recurse;
            m.add_answer(record(&q.name, RData::CNAME(CNAME(target))));
        })]
    });
    assert!(aliases <= listed + BEYOND, "{aliases}");
    let (names, dns) = packets(|q| {
        vec![q.reply(|m| {
            for n in 0..100 {
                let data = match q.rtype {
                    Type::PTR => RData::PTR(PTR(name(&format!("h{n}.z{n}.example.")))),
                    Type::NS => RData::NS(NS(name(&format!("ns{n}.z{n}.example.")))),
                    _ => RData::A(A::new(198, 18, n, 1)),
                };
                m.add_answer(record(&q.name, data));
            }
        })]
    });
    assert!(names <= listed + BEYOND, "{names}");
    assert!(dns.replies.len() >= PTR_NAMES_FOLLOWED, "{}", dns.replies.len());
    let refused = dns.replies.values().flatten().any(|r| r.outcome == Outcome::Unanswered(Why::PacketLimit));
    assert!(refused, "what was not asked is said to be that");
}

#[test]
fn of_a_large_set_the_same_part_is_kept_in_whatever_order_it_comes() {
    let large = |reverse: bool| {
        move |q: &Query| {
            vec![q.reply(|m| {
                let mut all: Vec<u8> = (0..100).collect();
                if reverse {
                    all.reverse();
                }
                // Nothing that was asked for, and before it.
                m.add_answer(record("elsewhere.example.", RData::A(A::new(198, 18, 0, 1))));
                for n in all {
                    m.add_answer(match q.rtype {
                        Type::A => record(&q.name, RData::A(A::new(192, 0, 2, n))),
                        _ => record(&q.name, RData::PTR(PTR(name(&format!("h{n}.example."))))),
                    });
                }
            })]
        }
    };
    let (one, two) = (serve(1, 0, large(false)), serve(2, 0, large(true)));
    let dns = ask(&host(), &options(&[&one, &two]));
    for reply in &dns.replies[&ptr()] {
        let Outcome::Answer(answer) = &reply.outcome else { panic!("{reply:?}") };
        assert_eq!(answer.records.len() + answer.left_out, 101);
        assert!(answer.records.len() <= RECORDS + 1);
        assert!(answer.texts().ends_with("and 36 more"), "{}", answer.texts());
    }
    assert_eq!(dns.views(&ptr(), VantageKind::Public).len(), 1, "servers that agree");
    assert_eq!(dns.ptr(addr("192.0.2.10")).found().len(), RECORDS);
    assert_eq!(dns.record_count(&ptr()), 100);
    // Whether the address is among those left out is not known.
    let mail = DomainName::new("mail.example.com");
    let lookup = dns.addresses(&mail, crate::addr::Family::Ipv4);
    assert_eq!(lookup, Lookup::Unanswered(Why::TooMany(100)));
    assert_ne!(dns.iprev(addr("192.0.2.10")), Iprev::Fail);
}

#[test]
fn what_waits_for_a_socket_is_no_packet_sent() {
    let server = serve(1, 0, |q| {
        vec![q.reply(|m| {
            m.add_answer(record(&q.name, RData::A(A::new(192, 0, 2, 1))));
        })]
    });
    let question = |n: usize| Question::new(&DomainName::new(&format!("h{n}.example.com")), RecordType::A);
    let questions: BTreeSet<Question> = (0..200).map(question).collect();
    let none = FollowUps::default();
    let dns = crate::observe::resolver::ask(&questions, &none, &options(&[&server]), Observations::default());
    let open = dns.replies.values().flatten().filter(|reply| !matches!(reply.outcome, Outcome::Answer(_)));
    assert_eq!((dns.replies.len(), open.count()), (200, 0));
}
