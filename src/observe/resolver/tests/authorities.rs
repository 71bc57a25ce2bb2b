//! Zone cuts and authoritative servers.

use super::super::server;
use super::*;

/// Resolver and authority in one: a world in which `2.0.192.in-addr.arpa` has 10 as an alias into `rev.example.net` (RFC 2317), and both zones
/// have servers of their own on 127.0.0.x.
fn world(query: &Query, authorities: &[(&str, &str, u8)]) -> Option<Vec<Vec<u8>>> {
    let alias = || record("10.2.0.192.in-addr.arpa.", RData::CNAME(CNAME(name("10.rev.example.net."))));
    let end = || record("10.rev.example.net.", RData::PTR(PTR(name("mail.example.com."))));
    if !query.recurse {
        return None;
    }
    let reply = query.reply(|m| {
        let zone = authorities.iter().find(|(zone, ..)| *zone == query.name);
        let server = authorities.iter().find(|(_, server, _)| *server == query.name);
        match (query.rtype, zone, server) {
            (Type::NS, Some(_), _) => {
                for (zone, server, _) in authorities.iter().filter(|(zone, ..)| *zone == query.name) {
                    m.add_answer(record(zone, RData::NS(NS(name(server)))));
                }
            }
            (Type::A, _, Some((_, server, host))) => {
                m.add_answer(record(server, RData::A(A::new(127, 0, 0, *host))));
            }
            (Type::PTR, ..) if query.name.starts_with("10.2.") => {
                m.add_answer(alias());
                m.add_answer(end());
            }
            _ => {
                m.metadata.response_code = ResponseCode::NXDomain;
                let zone = authorities.iter().find(|(zone, ..)| query.name.ends_with(zone)).map_or("example.", |z| z.0);
                m.add_authority(soa(zone, 1));
            }
        }
    });
    Some(vec![reply])
}

fn authoritative(query: &Query, change: impl FnOnce(&mut Message)) -> Vec<Vec<u8>> {
    vec![query.reply(|m| {
        m.metadata.authoritative = true;
        m.metadata.recursion_available = false;
        change(m);
    })]
}

#[test]
fn authoritative_servers_are_found_and_aliases_lead_to_theirs() {
    const WORLD: &[(&str, &str, u8)] =
        &[("2.0.192.in-addr.arpa.", "ns.isp.example.", 1), ("rev.example.net.", "ns.example.net.", 2)];
    let parent = serve(1, 0, |q| {
        world(q, WORLD).unwrap_or_else(|| {
            authoritative(q, |m| {
                m.add_answer(record(&q.name, RData::CNAME(CNAME(name("10.rev.example.net.")))));
                // Left behind from when this server had that zone too: not its to say any more.
                m.add_answer(record("10.rev.example.net.", RData::PTR(PTR(name("old.example.com.")))));
            })
        })
    });
    let child = serve(2, parent.address.port(), |q| {
        authoritative(q, |m| {
            m.add_answer(record(&q.name, RData::PTR(PTR(name("mail.example.com.")))));
        })
    });
    let mut options = options(&[&parent]);
    (options.authoritative, options.authoritative_port) = (true, parent.address.port());
    let dns = ask(&host(), &options);
    let truth = dns.truth(&ptr());
    assert_eq!(truth.kind, Some(VantageKind::Authoritative), "{:#?}", dns.replies);
    assert_eq!(dns.ptr(addr("192.0.2.10")), Lookup::Found(vec![DomainName::new("mail.example.com")]));
    assert_eq!(truth.aliases.len(), 1);
    let names: Vec<&str> = dns.vantages.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["r0", "ns.example.net (127.0.0.2)", "ns.isp.example (127.0.0.1)"]);
    assert!(child.asked() > 0);
}

#[test]
fn servers_of_one_zone_that_differ_are_asked_for_their_serials() {
    const WORLD: &[(&str, &str, u8)] =
        &[("2.0.192.in-addr.arpa.", "ns1.example.", 1), ("2.0.192.in-addr.arpa.", "ns2.example.", 2)];
    let says = |target: &'static str, serial: u32| {
        move |q: &Query| {
            world(q, WORLD).unwrap_or_else(|| {
                authoritative(q, |m| {
                    m.add_answer(match q.rtype {
                        Type::SOA => soa(&q.name, serial),
                        _ => record(&q.name, RData::PTR(PTR(name(target)))),
                    });
                })
            })
        }
    };
    let stale = serve(1, 0, says("old.example.com.", 4));
    let _fresh = serve(2, stale.address.port(), says("new.example.com.", 5));
    let mut options = options(&[&stale]);
    (options.authoritative, options.authoritative_port) = (true, stale.address.port());
    let dns = ask(&host(), &options);
    assert_eq!(dns.views(&ptr(), VantageKind::Authoritative).len(), 2, "{:#?}", dns.replies);
    assert_eq!(dns.ptr(addr("192.0.2.10")), Lookup::Found(vec![DomainName::new("new.example.com")]));
    assert_eq!(dns.serial(1, &ptr()), Some(4));
}

#[test]
fn a_referral_leads_to_the_zone_below() {
    // 10.2.0.192.in-addr.arpa is a zone of its own: the search began above it.
    const WORLD: &[(&str, &str, u8)] = &[("2.0.192.in-addr.arpa.", "ns1.example.", 1), ("none.", "ns2.example.", 2)];
    let parent = serve(1, 0, |q| {
        world(q, WORLD).unwrap_or_else(|| {
            vec![q.reply(|m| {
                m.add_authority(record("10.2.0.192.in-addr.arpa.", RData::NS(NS(name("ns2.example.")))));
            })]
        })
    });
    let _child = serve(2, parent.address.port(), |q| {
        authoritative(q, |m| {
            m.add_answer(record(&q.name, RData::PTR(PTR(name("own.example.com.")))));
        })
    });
    let mut options = options(&[&parent]);
    (options.authoritative, options.authoritative_port) = (true, parent.address.port());
    let dns = ask(&host(), &options);
    assert_eq!(
        dns.ptr(addr("192.0.2.10")),
        Lookup::Found(vec![DomainName::new("own.example.com")]),
        "{:#?}",
        dns.replies
    );
    assert_eq!(dns.replies[&ptr()].len(), 2, "the parent's server is no witness");
}

#[test]
fn an_intercepted_port_is_seen() {
    const WORLD: &[(&str, &str, u8)] = &[("2.0.192.in-addr.arpa.", "ns1.example.", 1)];
    let middle = serve(1, 0, |q| {
        world(q, WORLD).unwrap_or_else(|| {
            vec![q.reply(|m| {
                m.metadata.recursion_available = true;
                m.add_answer(record(&q.name, RData::PTR(PTR(name("mail.example.com.")))));
            })]
        })
    });
    let mut options = options(&[&middle]);
    (options.authoritative, options.authoritative_port) = (true, middle.address.port());
    let dns = ask(&host(), &options);
    assert!(dns.intercepted());
    assert_eq!(dns.truth(&ptr()).kind, Some(VantageKind::Public));
}

#[test]
fn a_search_does_not_wait_for_a_resolver_that_waits_for_dead_servers() {
    // The resolver never answers for sub.example.com: its server is dead. The zone above refers to it all the same.
    const WORLD: &[(&str, &str, u8)] = &[("example.com.", "ns1.example.", 1), ("none.", "dead.example.", 9)];
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let began = std::time::Instant::now();
    let parent = serve(1, 0, move |q| {
        if q.name.ends_with("sub.example.com.") {
            seen.lock().unwrap().push((q.recurse, began.elapsed()));
        }
        if q.recurse && q.name.ends_with("sub.example.com.") {
            return Vec::new();
        }
        world(q, WORLD).unwrap_or_else(|| {
            vec![q.reply(|m| {
                m.add_authority(record("sub.example.com.", RData::NS(NS(name("dead.example.")))));
            })]
        })
    });
    let silent = serve(9, parent.address.port(), |_| Vec::new());
    let mut options = options(&[&parent]);
    (options.authoritative, options.authoritative_port) = (true, parent.address.port());
    let mut facts = facts();
    facts.paths = vec![helo_path("192.0.2.10", "mail.sub.example.com")];
    let dns = ask(&facts, &options);
    // While the resolver is still waited for, the zone above has been asked already.
    let order = order.lock().unwrap();
    let (_, above) = order.iter().find(|(recurse, _)| !recurse).unwrap();
    assert!(*above < server::DEADLINE, "{order:?}");
    assert!(silent.asked() > 0);
    let question = Question::new(&DomainName::new("mail.sub.example.com"), RecordType::A);
    assert_eq!(dns.replies[&question].len(), 2, "{:#?}", dns.replies[&question]);
}
